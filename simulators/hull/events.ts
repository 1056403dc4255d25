import { isoOf } from "../loopback/clock";
import { createRandom, seedOf } from "../loopback/random";

/** An event as Hull puts it into a user message (sheet 1.3). */
export interface PopulationEvent {
  readonly event_id: string;
  readonly event: string;
  readonly event_source: string;
  readonly event_type: string;
  readonly user_id: string;
  /** ISO 8601, or the older `2026-01-01 00:00:01 UTC`: both occur. */
  readonly created_at: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly context: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** The names that generated events have. */
export const eventNames = ["Signed In", "Report Exported", "Plan Changed", "Invoice Paid"] as const;
const plans = ["free", "team", "business"] as const;

/** The older of the two date forms: `2026-01-01 00:00:01 UTC`. */
const spacedForm = (ms: number): string => `${isoOf(ms).slice(0, 19).replace("T", " ")} UTC`;

/**
 * Creates a source of events from `at` (ms) on, one second apart over the whole population. The dates alternate
 * between the two forms. The same seed gives the same events.
 */
export function createEventSource(seed: number, at: number): (userId: string, count: number) => PopulationEvent[] {
  const random = createRandom(seedOf(seed, "event values"));
  let made = 0;

  return (userId, count) =>
    Array.from({ length: count }, (): PopulationEvent => {
      made += 1;
      const ms = at + made * 1_000;
      return {
        event_id: `${random.hex(16)}-${made}`,
        event: random.pick(eventNames),
        event_source: "simulator",
        event_type: "track",
        user_id: userId,
        created_at: made % 2 === 0 ? spacedForm(ms) : isoOf(ms),
        properties: { plan: random.pick(plans), amount: random.integer(0, 10_000) / 100, position: made },
        context: {},
      };
    });
}
