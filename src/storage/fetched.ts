/** What a full fetch found: it becomes known here in the moment in which Hull knows it. */
import { forgetMirror, observe } from "./mirror";
import { countInRun } from "./runs";
import type { Fact, MirrorRow } from "./rows";
import type { FetchedRow, FetchStep, Vanished, VanishQuery } from "./store";
import { isWaiting, mirrorRow, remoteRow, type Tables } from "./tables";

/** What is remembered of a listed record, and whether something of it waits or is in flight. */
export function fetchView(
  tables: Tables,
  remoteKey: string,
  type: string,
  ids: readonly string[],
): { readonly mirror?: MirrorRow; readonly busy: boolean }[] {
  const remote = remoteRow(tables, remoteKey);
  return ids.map((id) => {
    const mirror = mirrorRow(tables, remote, type, id);
    if (mirror === undefined) return { busy: false };
    const { linkedTo } = mirror;
    return { mirror, busy: linkedTo !== undefined && isWaiting(tables, [remoteKey, type, linkedTo]) };
  });
}

/** Takes in what was listed, what Hull confirmed of it, and the counts; each row counts once in its run. */
export function takeFetched(tables: Tables, remoteKey: string, type: string, step: FetchStep): void {
  const { readAtMs, settleMs, rows, run } = step;
  const remote = remoteRow(tables, remoteKey);
  const counts: Record<string, number> = {};
  const fresh = rows.filter(({ seen }) => mirrorRow(tables, remote, type, seen.id)?.countedIn !== run);
  observe(
    tables,
    remoteKey,
    type,
    readAtMs,
    settleMs,
    rows.map(({ seen }) => seen),
  );
  for (const row of fresh) {
    counts[row.count] = (counts[row.count] ?? 0) + 1;
    const before = mirrorRow(tables, remote, type, row.seen.id);
    if (before !== undefined)
      tables.mirror.put([remoteKey, type, row.seen.id], { ...told(before, row), countedIn: run });
  }
  countInRun(tables, run, counts);
}

function told(before: MirrorRow, { told: known }: FetchedRow): MirrorRow {
  if (known === undefined) return before;
  const facts: Record<string, Fact> = { ...before.facts };
  for (const [field, mark] of Object.entries(known.facts)) {
    const [remote, sent] = facts[field] ?? [null, null];
    facts[field] = [remote, sent, mark];
  }
  return { ...before, facts, toldRest: known.rest };
}

/**
 * Marks what a complete scan did not meet: neither a hit any more nor proof of absence. Looks at some rows only.
 *
 * @returns the ids that were newly marked, and where to go on
 */
export function markVanished(tables: Tables, remoteKey: string, type: string, query: VanishQuery): Vanished {
  const { scanStartedAtMs, after, limit } = query;
  const remote = remoteRow(tables, remoteKey);
  const start = after === undefined ? {} : { after: [remoteKey, type, after] };
  const rows = [...tables.mirror.range([remoteKey, type], { ...start, limit })];
  const gone: MirrorRow[] = [];
  for (const [key, row] of rows) {
    const known = Math.max(row.seenAtMs ?? 0, row.writtenAtMs ?? 0);
    if (row.generation !== remote.generation || row.missing === true || known >= scanStartedAtMs) continue;
    const marked: MirrorRow = { ...row, missing: true, complete: false };
    tables.mirror.put(key, marked);
    gone.push(marked);
  }
  const last = rows.at(-1)?.[0][2];
  return { gone, ...(rows.length < limit || last === undefined ? {} : { after: String(last) }) };
}

/** The service says that it does not have these ids. */
export function forgetGone(tables: Tables, remoteKey: string, type: string, ids: readonly string[]): void {
  const remote = remoteRow(tables, remoteKey);
  for (const id of ids) forgetMirror(tables, remote, type, id);
}
