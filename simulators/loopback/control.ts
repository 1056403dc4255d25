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
