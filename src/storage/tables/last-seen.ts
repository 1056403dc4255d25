/**
 * When a list last showed each remote record. A small row beside the mirror's large one: for most records a fetch only
 * has to store that they still exist.
 */
import type { RemoteRow, LastSeen } from "../port/rows";
import type { SeenBatch } from "../port/store";
import { type Ledger } from "./ledger";
import { remoteRow, type Tables } from "./tables";

/** No mapping has this number: Hull may not know something of the record. */
export const NOT_WHOLLY = 0;

/** `confirmed`: number of the mapping under which Hull knows everything of the record; `keep` = as before. */
type Seen = Pick<SeenBatch, "readAtMs" | "run"> & { readonly confirmed: number | "keep" };

/** When a list showed the record last, if that is of today's generation. */
export function lastSeenOf(tables: Tables, remote: RemoteRow, type: string, id: string): LastSeen | undefined {
  const found = tables.lastSeen.get([remote.key, type, id]);
  return found?.[1] === remote.generation ? found : undefined;
}

/** Stores that a list showed the record; returns whether this run sees it for the first time. */
export function markSeen(tables: Tables, remote: RemoteRow, type: string, id: string, seen: Seen): boolean {
  const before = lastSeenOf(tables, remote, type, id);
  const confirmed = seen.confirmed === "keep" ? (before?.[2] ?? NOT_WHOLLY) : seen.confirmed;
  tables.lastSeen.put([remote.key, type, id], [seen.readAtMs, remote.generation, confirmed, seen.run]);
  return before?.[3] !== seen.run;
}

/** Per record the number of the mapping under which Hull knows everything of it; undefined when it may not. */
export function toldUnder(
  tables: Tables,
  remoteKey: string,
  type: string,
  ids: readonly string[],
): readonly (number | undefined)[] {
  const remote = remoteRow(tables, remoteKey);
  return ids.map((id) => {
    const confirmed = lastSeenOf(tables, remote, type, id)?.[2];
    return confirmed === NOT_WHOLLY ? undefined : confirmed;
  });
}

/** Records that were listed and need no comparison; each counts once in its run. */
export function markSeenBatch(
  tables: Tables,
  ledger: Ledger,
  remoteKey: string,
  type: string,
  passing: SeenBatch,
): void {
  const { readAtMs, run, ids, outcome, code } = passing;
  const remote = remoteRow(tables, remoteKey);
  for (const id of ids) {
    const first = markSeen(tables, remote, type, id, { readAtMs, run, confirmed: "keep" });
    if (first) ledger.run(run, { type, hullId: "", remoteId: id, outcome, code, text: "" });
  }
}
