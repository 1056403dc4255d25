import { isObject, type Reply } from "./call";
import type { FaultRule, Faults } from "./faults";
import type { Arrival } from "./server";

interface Controlled {
  readonly faults: Faults;
  readonly books: { snapshot(): unknown; reset(): void };
}

const faultKinds: ReadonlySet<unknown> = new Set<FaultRule["kind"]>([
  "latency",
  "status",
  "rate-limit",
  "reset-before",
  "reset-after",
  "stall",
  "stall-after",
  "truncate",
  "wrong-shape",
]);

const isFaultRule = (value: unknown): value is FaultRule => isObject(value) && faultKinds.has(value["kind"]);

/** The control calls that all simulators understand. They go past books, quota and faults. */
export function controlFaultsAndBooks({ faults, books }: Controlled, arrival: Arrival): Reply | undefined {
  switch (`${arrival.method} ${arrival.path}`) {
    case "GET /__sim/books":
      return { status: 200, body: books.snapshot() };
    case "POST /__sim/reset":
      books.reset();
      faults.clear();
      return { status: 200, body: { ok: true } };
    case "POST /__sim/faults":
      if (!isFaultRule(arrival.body)) return { status: 400, body: { error: "A fault needs a known kind." } };
      faults.add(arrival.body);
      return { status: 200, body: { ok: true } };
    case "DELETE /__sim/faults":
      faults.clear();
      return { status: 200, body: { ok: true } };
    default:
      return undefined;
  }
}

/** What each switch may be set to. */
export type SwitchValues = Readonly<Record<string, readonly (string | number)[]>>;

/** One value for each switch. */
export type Switches<Values extends SwitchValues> = { -readonly [Name in keyof Values]: Values[Name][number] };

/** Reads switches from outside. Throws RangeError on an unknown name or value. */
export function readSwitches<Values extends SwitchValues>(values: Values, input: unknown): Partial<Switches<Values>> {
  const entries = Object.entries(isObject(input) ? input : {});
  for (const [name, value] of entries) {
    const known: readonly unknown[] = Object.hasOwn(values, name) ? (values[name] ?? []) : [];
    if (!known.includes(value)) throw new RangeError(`The switch ${name} has no value ${JSON.stringify(value)}.`);
  }
  return Object.fromEntries(entries) as Partial<Switches<Values>>;
}

interface Switched<Values extends SwitchValues> {
  readonly switches: Readonly<Switches<Values>>;
  configure(switches: Partial<Switches<Values>>): void;
}

/** `GET` and `PUT /__sim/switches`; `undefined` for every other control call. */
export function controlSwitches<Values extends SwitchValues>(
  simulator: Switched<Values>,
  values: Values,
  { method, path, body }: Arrival,
): Reply | undefined {
  if (path !== "/__sim/switches" || (method !== "GET" && method !== "PUT")) return undefined;
  try {
    if (method === "PUT") simulator.configure(readSwitches(values, body));
  } catch (error) {
    if (error instanceof RangeError) return { status: 400, body: { error: error.message } };
    throw error;
  }
  return { status: 200, body: simulator.switches };
}
