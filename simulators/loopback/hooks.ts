import type { Call } from "./call";

/** The moments at which a test may step in: before any work, after the state changed, after the answer left. */
export type HookName = "request" | "applied" | "answered";

/** May be asynchronous: the simulator waits for it, which gives a test time to kill a process at that very moment. */
export type HookListener = (call: Call) => void | Promise<void>;

export interface Hooks {
  /** Adds a listener and returns the function that removes it. */
  readonly on: (name: HookName, listener: HookListener) => () => void;
  fire(name: HookName, call: Call): Promise<void>;
}

/** Creates an empty set of hooks. Listeners run in the order in which they were added. */
export function createHooks(): Hooks {
  const listeners = new Map<HookName, Set<HookListener>>();

  return {
    on(name, listener) {
      const known = listeners.get(name) ?? new Set<HookListener>();
      listeners.set(name, known.add(listener));
      return () => {
        known.delete(listener);
      };
    },
    async fire(name, call) {
      for (const listener of listeners.get(name) ?? []) await listener(call);
    },
  };
}
