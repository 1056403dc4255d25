/** The kinds of outcomes in the order in which the console shows them, what they mean, and counts grouped by kind. */
import { outcomeCode } from "../../../src/outcome/outcome";
import type { OutcomeKind } from "../../../src/record";
import { readOutcomeName } from "../../../src/storage/port/figures";
import { remedyOf } from "../../admin/remedies";
import type { Meaning } from "../../routes/explain/known";
import { html, type Html } from "../html";

/** From the bottom of a bar to its top: what needs a person is on top. */
export const OUTCOMES: readonly OutcomeKind[] = ["sent", "unchanged", "superseded", "skipped", "rejected", "dead"];

/** What `type/outcome/code` says; undefined for an outcome of a later version. */
export function readName(name: string) {
  const read = readOutcomeName(name);
  const outcome = OUTCOMES.find((each) => each === read.outcome);
  return outcome === undefined ? undefined : { ...read, outcome };
}

/** Counts by `type/outcome/code` → by outcome, without zeros. */
export function byOutcome(counts: Readonly<Record<string, number>>): ReadonlyMap<OutcomeKind, number> {
  const sums = new Map<OutcomeKind, number>();
  for (const [name, count] of Object.entries(counts)) {
    const outcome = readName(name)?.outcome;
    if (outcome !== undefined && count > 0) sums.set(outcome, (sums.get(outcome) ?? 0) + count);
  }
  return new Map(OUTCOMES.flatMap((each) => (sums.has(each) ? [[each, sums.get(each) ?? 0] as const] : [])));
}

/** A small square in the outcome's colour; the word beside it says the same. */
export function outcomeMark(outcome: OutcomeKind): Html {
  return html`<span class="mark out-${outcome}" aria-hidden="true"></span>`;
}

/** A reason in words, and what a person can do about it. */
export function meaningOf(
  reason: { readonly outcome: string; readonly code: string },
  { outcomes, face }: Meaning,
): Html {
  const remedy = remedyOf(reason, outcomes, face.remedies);
  return html`<span class="said">${outcomeCode(reason.code, outcomes).text}</span> ${
      remedy !== undefined && html`<span class="said remedy">${remedy}</span>`
    }`;
}
