/** A limit of concurrent work and of waiting work; beyond both, it is refused. */

/** The queue is full. */
export class GateFullError extends Error {
  override readonly name = "GateFullError";
}

export interface GateLimits {
  readonly atOnce: number;
  readonly waiting: number;
}

/** Places that several processes share. */
export interface Places {
  /** Resolves with a place taken, whose end is to be told; rejects when the signal aborts the wait. */
  enter(atOnce: number, signal: AbortSignal | undefined): Promise<() => void>;
}

export type Gate = ReturnType<typeof createGate>;

/** @param places that are taken besides; whoever waits for one waits inside */
export function createGate(limits: GateLimits, places?: Places) {
  const queue = new Set<() => void>();
  let { atOnce } = limits;
  let running = 0;

  /** Lets in whoever waits longest, at once, so that nobody slips in between. */
  function admit(): void {
    for (const enter of queue) {
      if (running >= atOnce) return;
      queue.delete(enter);
      running += 1;
      enter();
    }
  }

  /** Resolves with a place taken. */
  function turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        queue.delete(enter);
        reject(new DOMException("The wait was aborted.", "AbortError"));
      };
      if (signal?.aborted) {
        leave();
        return;
      }
      signal?.addEventListener("abort", leave, { once: true });
      queue.add(enter);
    });
  }

  return {
    /**
     * @param signal ends the wait, not the work
     * @throws GateFullError at once when too many wait already, an AbortError for a wait that was ended; otherwise what
     *   `work` throws
     */
    async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
      if (running < atOnce) running += 1;
      else if (queue.size < limits.waiting) await turn(signal);
      else throw new GateFullError("Too many wait for their turn already.");
      let leave: (() => void) | undefined;
      try {
        leave = await places?.enter(atOnce, signal);
        return await work();
      } finally {
        leave?.();
        running -= 1;
        admit();
      }
    },
    /** Those who are inside stay there. */
    setAtOnce(most: number): void {
      atOnce = most;
      admit();
    },
    isIdle: (): boolean => running === 0,
  };
}

/** A gate for each key, kept while it is in use. */
export function createGates(limits: GateLimits) {
  const gates = new Map<string, Gate>();
  return {
    async run<T>(key: string, work: () => Promise<T>): Promise<T> {
      const gate = gates.get(key) ?? createGate(limits);
      gates.set(key, gate);
      try {
        return await gate.run(work);
      } finally {
        if (gate.isIdle()) gates.delete(key);
      }
    },
  };
}

/** Gates without end to the queue, by key (such as the quota key of a service); the newest limit wins. */
export type GateRegistry = ReturnType<typeof createGateRegistry>;

/** @param placesOf what processes share of a key; by default each has its own */
export function createGateRegistry(placesOf?: (key: string) => Places) {
  const gates = new Map<string, Gate>();
  return {
    /** The one gate of all callers with this key. */
    get(key: string, atOnce: number): Gate {
      const gate = gates.get(key) ?? createGate({ atOnce, waiting: Infinity }, placesOf?.(key));
      gates.set(key, gate);
      gate.setAtOnce(atOnce);
      return gate;
    },
  };
}
