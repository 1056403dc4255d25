/** What the connector says about itself on `/metrics`. */
import { setTimeout as sleep } from "node:timers/promises";

export interface Counts {
  readonly outbox: number;
  readonly hullUpdates: number;
  /** Outcomes of endusers so far, by outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
}

export async function countsOf(baseUrl: string): Promise<Counts> {
  const text = await (await fetch(`${baseUrl}/metrics`)).text();
  /** The sum over the services; NaN while the store does not answer. */
  const gauge = (name: string): number => {
    const values = [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\S+)$`, "gm"))].map(([, value]) => Number(value));
    return values.length === 0 ? NaN : values.reduce((sum, value) => sum + value);
  };
  const outcomes: Record<string, number> = {};
  for (const [, type, outcome = "", count] of text.matchAll(
    /^connector_outcomes_total\{service="\w+",type="(\w+)",outcome="(\w+)".*\} (\d+)$/gm,
  )) {
    if (type === "endusers") outcomes[outcome] = (outcomes[outcome] ?? 0) + Number(count);
  }
  return { outbox: gauge("connector_outbox_entries"), hullUpdates: gauge("connector_tells_waiting"), outcomes };
}

/**
 * Resolves when nothing waits any more, neither for Planhat nor for Hull.
 *
 * @throws Error when that takes longer than `withinMs`
 */
export async function drained(baseUrl: string, withinMs: number, everyMs = 50): Promise<void> {
  const began = performance.now();
  for (;;) {
    const { outbox, hullUpdates } = await countsOf(baseUrl);
    if (outbox === 0 && hullUpdates === 0) return;
    if (performance.now() - began > withinMs) {
      throw new Error(`After ${withinMs / 1_000} s, ${outbox} records and ${hullUpdates} Hull updates still wait.`);
    }
    await sleep(everyMs);
  }
}
