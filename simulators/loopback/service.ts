/** What the simulators of all services have, whatever they simulate: a server with books, faults, a quota and switches. */
import { serveCalls, type Call } from "../control/calls";
import { faultAndBookCalls } from "../control/faults";
import { switchCalls, type Switches, type SwitchValues } from "../control/switches";
import { systemClock, type Clock } from "./clock";
import { createFaults, type Faults } from "./faults";
import { createHooks, type Hooks } from "./hooks";
import type { Ledger } from "./ledger";
import type { Quota } from "./quota";
import { seedOf } from "./random";
import { createLoopbackServer, type LoopbackDeps } from "./server";

/** The part of a simulator that is its own. */
export type Own<Simulator> = Omit<Simulator, keyof ServiceSimulator<unknown, unknown>>;

/** @template S the switches @template C what the books count */
export interface ServiceSimulator<S, C> {
  listen(port?: number): Promise<void>;
  /** Answers nobody any more; the port stays its own until `close`. */
  hangUp(): void;
  close(): Promise<void>;
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string;
  readonly faults: Faults;
  readonly on: Hooks["on"];
  readonly books: { snapshot(): C; reset(): void };
  /** The switches in force. */
  readonly switches: Readonly<S>;
  /** Changes switches from the next call on. */
  configure(switches: Partial<S>): void;
  /** Changes the quota from the next call on; null = none. */
  setQuota(calls: number | null): void;
}

export interface ServiceSimulatorOptions<S> {
  /** Drives whatever looks random. Default 1. */
  readonly seed?: number;
  /** Default: the real time. */
  readonly clock?: Clock;
  /** Default 32 MB. */
  readonly bodyLimitBytes?: number;
  readonly switches?: Partial<S>;
  /** Serves `/__sim/…` for use from another process. Default false. */
  readonly control?: boolean;
}

interface Parts<Values extends SwitchValues, C> {
  readonly name: string;
  /** How people call the service. */
  readonly title: string;
  readonly options: ServiceSimulatorOptions<Switches<Values>>;
  readonly switchValues: Values;
  /** Those in force; they are changed in place. */
  readonly switches: Switches<Values>;
  readonly ledger: Ledger;
  readonly books: ServiceSimulator<unknown, C>["books"];
  readonly quota: Pick<Quota, "limit">;
  readonly prepare: LoopbackDeps["prepare"];
  /** `GET /__sim/snapshot`: the parameter that says of what, and the answer; undefined: of the first, or of all. */
  readonly snapshot: { readonly by: string; of(name: string | undefined): unknown };
}

const BODY_LIMIT_BYTES = 32 * 1024 * 1024;

/** Creates what the simulators of services have in common. Not yet listening. */
export function createServiceSimulator<Values extends SwitchValues, C>(
  parts: Parts<Values, C>,
): ServiceSimulator<Switches<Values>, C> {
  const { name, options, switchValues, switches, ledger, books, quota, prepare, snapshot } = parts;
  const faults = createFaults(seedOf(options.seed ?? 1, `${name} faults`));
  const hooks = createHooks();
  const simulator: ServiceSimulator<Switches<Values>, C> = {
    listen: (port) => server.listen(port),
    hangUp: () => server.hangUp(),
    close: () => server.close(),
    get url() {
      return `http://${server.host}`;
    },
    faults,
    on: hooks.on,
    books,
    switches,
    configure: (changes) => void Object.assign(switches, changes),
    setQuota(calls) {
      quota.limit = calls;
    },
  };
  const snapshotCall: Call = {
    method: "GET",
    path: "/__sim/snapshot",
    does: `All that this ${parts.title} holds.`,
    takes: () => ({ query: { [snapshot.by]: "whose records; left out: those that were there first, or all" } }),
    answer({ query }) {
      const wanted = query.get(snapshot.by) ?? undefined;
      try {
        return { status: 200, body: snapshot.of(wanted) };
      } catch (error) {
        if (wanted === undefined || !(error instanceof Error)) throw error;
        return { status: 404, body: { error: error.message } };
      }
    },
  };
  const server = createLoopbackServer({
    clock: options.clock ?? systemClock,
    faults,
    hooks,
    ledger,
    bodyLimitBytes: options.bodyLimitBytes ?? BODY_LIMIT_BYTES,
    prepare,
    control:
      options.control === true
        ? serveCalls(parts.title, [
            snapshotCall,
            ...faultAndBookCalls(simulator),
            ...switchCalls(simulator, switchValues),
          ])
        : undefined,
  });
  return simulator;
}
