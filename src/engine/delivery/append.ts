/**
 * Delivers what is appended and never changed (tracked events): journal, send, settle. There is nothing to look up or
 * compare, and the fate of a lost answer cannot be found out, so a setting decides what becomes of it.
 */
import chunk from "lodash/chunk";
import type { Intent, Problem, Result } from "../../services/connection";
import type { Settlement } from "../../storage/port/store";
import { reason } from "../../outcome/outcome";
import type { Cycle } from "./context";
import { readableOf } from "./readable";
import { ended, postponed } from "./settle/settlements";
import { NO_RESULT, type Work } from "./work";
import { apply, journal } from "./write";

/** @param works records whose parents have remote ids */
export async function append<S>(cycle: Cycle<S>, works: readonly Work[]): Promise<Problem | undefined> {
  const { service, settings, now } = cycle.options;
  const pause = service.unconfirmed?.(settings) !== "repeat";
  const { most = 1 } = cycle.context.type.writes ?? {};
  const lost = works.filter(({ entry }) => pause && entry.unconfirmed !== undefined);
  await cycle.settle(lost.map((work) => ended(work, "dead", reason("unconfirmed"), now())));
  const due = await readable(
    cycle,
    works.filter(({ entry }) => !pause || entry.unconfirmed === undefined),
  );
  for (const some of chunk(due, most)) {
    const problem = await appendChunk(cycle, some, pause);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Work whose write-only values can be opened, with the opened ones beside it. */
async function readable<S>(cycle: Cycle<S>, works: readonly Work[]): Promise<readonly Work[]> {
  const { readable, settlements } = readableOf(cycle, works);
  await cycle.settle(settlements);
  return readable.map(({ work, desired }) => ({ ...work, wire: desired.fields }));
}

async function appendChunk<S>(cycle: Cycle<S>, works: readonly Work[], pause: boolean): Promise<Problem | undefined> {
  const current = await journal(cycle, works, () => false);
  if (current.length === 0) return undefined;
  const intents = current.map(({ content, parentId, wire }): Intent => {
    const { keys } = content.desired;
    return { kind: "create", keys, parentId, fields: wire, namesake: false };
  });
  const { results, problem } = await apply(cycle, current, intents);
  await cycle.settle(current.map((work, index) => settlementFor(cycle, work, results[index] ?? NO_RESULT, pause)));
  return problem;
}

function settlementFor<S>(cycle: Cycle<S>, work: Work, result: Result, pause: boolean): Settlement {
  const { retry, now } = cycle.options;
  switch (result.kind) {
    case "created":
    case "accepted":
    case "updated":
    case "ended":
    case "restarted":
    case "replaced":
    case "gone":
    case "conflict":
      return ended(work, "sent", reason(work.entry.unconfirmed === undefined ? "tracked" : "possibly_repeated"), now());
    case "rejected":
      return ended(work, "rejected", result.reason ?? reason("refused", result.message), now());
    case "skipped":
      return ended(work, "skipped", result.reason, now());
    case "later":
      return cycle.later(work, result.waitMs, result.message);
    case "unconfirmed":
      return pause
        ? ended(work, "dead", reason("unconfirmed", result.message), now())
        : postponed(work, now() + retry.baseMs, result.message, { sinceMs: now(), reads: 0 });
  }
}
