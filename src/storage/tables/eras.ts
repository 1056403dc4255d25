/** Eras of a store, and what it has lost. */
import { randomInt } from "node:crypto";
import uniq from "lodash/uniq";
import type { Database, Rows } from "../database/rows";
import { EraOver, type Loss } from "../port/leases";
import type { RemoteDocument, Scan } from "../port/rows";
import { LOSSES, META, remoteRow, REMOTES, RUNS } from "./tables";
import { disown, putRemote } from "./tenants";
import type { Reader, View } from "./view";

/** How many losses are remembered. */
const MOST_LOSSES = 20;
/** And for how long: no process that wrote before is still at it. */
const KEPT_MS = 7 * 86_400_000;
/** Remotes that one commit deals with. */
export const REMOTES_AT_ONCE = 200;

const newEra = (): number => randomInt(1, 2 ** 47);

export const eraOf = (view: Reader): number | undefined => view.get(META, ["era"]);

/** The era of the store; a new store gets its first one. */
export const beginEra = (view: View): number => eraOf(view) ?? renewEra(view);

/** Begins another era, so that everybody who has the store open begins anew. */
export function renewEra(view: View): number {
  const era = newEra();
  view.put(META, ["era"], era);
  return era;
}

/**
 * The same database as long as its era lasts; after that everything throws `EraOver`.
 *
 * @param kindOf why another era has begun
 * @param onOver told each time
 */
export function inEra(
  database: Database,
  era: number,
  kindOf: (rows: Rows) => EraOver["kind"],
  onOver: (error: EraOver) => void,
): Database {
  const asserted =
    <T>(work: (rows: Rows) => T) =>
    (rows: Rows): T => {
      const now = rows.get(META.name, ["era"]);
      if (now === era) return work(rows);
      if (now === undefined) throw new EraOver("emptied");
      throw new EraOver(kindOf(rows));
    };
  const told = <T>(asked: Promise<T>): Promise<T> =>
    asked.catch((error: unknown) => {
      if (error instanceof EraOver) onOver(error);
      throw error;
    });
  return {
    ...database,
    read: (work) => told(database.read(asserted(work))),
    write: (work) => told(database.write(asserted(work))),
  };
}

export const lossesOf = (view: Reader): readonly Loss[] => [...view.range(LOSSES, [])].map(([, loss]) => loss);

/**
 * Has what waits at some remotes count as perhaps written already, and their former owners waited for.
 *
 * @param after key of the last remote that was dealt with
 * @returns key of the last one of these; undefined: there are no more
 */
export function distrustSome(view: View, after: string | undefined, atMs: number): string | undefined {
  const options = { after: after === undefined ? undefined : [after], limit: REMOTES_AT_ONCE };
  const remotes = [...view.range(REMOTES, [], options)].map(([, row]) => row);
  for (const remote of remotes) {
    putRemote(view, { ...remote, scans: {}, wentBackAtMs: atMs });
    disown(view, remote.key);
  }
  return remotes.length < REMOTES_AT_ONCE ? undefined : remotes.at(-1)?.key;
}

/** Whether a scan began after the last loss. An earlier one that goes on from its checkpoint lacks what was made since then. */
export function provesSomething(view: Reader, { startedAtMs }: Scan): boolean {
  const last = lossesOf(view).at(-1);
  return last === undefined || startedAtMs > last.atMs;
}

/**
 * Whether the loss that ended this era is still to be noted. That the store is in another era does not say so: an emptied one may
 * have begun its first, and one that was set back may be in that of an earlier loss.
 */
export function isUnnoted(view: Reader, era: number): boolean {
  return eraOf(view) === era || !lossesOf(view).some(({ ended = [] }) => ended.includes(era));
}

/** @param lostEra the era of whoever noticed */
export function noteLoss(view: View, loss: Loss, lostEra: number): void {
  const was = eraOf(view);
  // An earlier state of the store is in the same era; an emptied one is not.
  const kind = was === lostEra ? loss.kind : "emptied";
  for (const place of view.places(RUNS, "open", [])) disown(view, `run/${place.at(-1)}`);
  const known = [...view.range(LOSSES, [])];
  for (const [key] of known.slice(0, Math.max(0, known.length + 1 - MOST_LOSSES))) view.remove(LOSSES, key);
  const era = renewEra(view);
  const ended = uniq([was ?? lostEra, lostEra]);
  view.put(LOSSES, [Number(known.at(-1)?.[0][0] ?? 0) + 1], { ...loss, kind, era, ended });
}

/** @returns how many are forgotten */
export function forgetLosses(view: View, nowMs: number): number {
  const old = [...view.range(LOSSES, [])].filter(([, { atMs }]) => nowMs - atMs > KEPT_MS);
  for (const [key] of old) view.remove(LOSSES, key);
  return old.length;
}

/** What waited at a remote when the store was set back has been dealt with. */
export function trust(view: View, key: string): void {
  const { wentBackAtMs, ...remote }: RemoteDocument = remoteRow(view, key);
  if (wentBackAtMs !== undefined) putRemote(view, remote);
}
