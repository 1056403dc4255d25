/** Erasing a tenant: what waits, what was refused, what was counted, and its remotes unless another tenant uses them. */
import isEqual from "lodash/isEqual";
import mapValues from "lodash/mapValues";
import sumBy from "lodash/sumBy";
import uniqBy from "lodash/uniqBy";
import type { Database, Key } from "../database/rows";
import type { Fact, RemoteDocument } from "../port/rows";
import type { Lane } from "../port/store";
import { forgetHistory } from "../history/read";
import { FREE, numberIn, putRecordIn, recordIn } from "../tables/documents";
import { forgetRunsOf, listRuns } from "../tables/runs";
import {
  ALERTS,
  KEYED_CALLS,
  CONTENTS,
  DEPTH,
  FLIGHTS,
  GRANTS,
  HOURS,
  LISTED,
  MIRRORS,
  PAUSES,
  RECORDS,
  remoteRow,
  REMOTES,
  REPORTS,
  TALLY,
  TENANTS,
} from "../tables/tables";
import { lanesOf } from "../tables/tenants";
import { commit, dropSums, read, removeRows, type Table, type View } from "../tables/view";

/** Rows of one commit. */
const SLICE = 500;

/**
 * Returns how many rows there were. The tenant's own row goes first: from then on no owner writes for it (`fenced`), in
 * whichever process. If interrupted, it is simply begun again: its places are known until the end.
 *
 * @param remotes its remotes before it was erased, for checking that nothing was written since
 */
export async function forgetTenant(database: Database, tenant: string, remotes: readonly string[]): Promise<number> {
  const { lanes, rows } = await commit(database, (view) => forgetTenantRow(view, tenant, remotes));
  let removed = rows;
  const untilNothing = async (step: (view: View) => number): Promise<void> => {
    for (let rows = 1; rows > 0; removed += rows) rows = await commit(database, step);
  };
  for (const lane of lanes) {
    for (let again = true; again;) {
      again = await leavePlace(database, lane);
      removed += await forgetParts(database, lane);
      await untilNothing((view) => forgetRemoteRows(view, lane));
      await forgetSent(database, lane);
    }
  }
  await untilNothing((view) => removeRows(view, KEYED_CALLS, [tenant], { limit: SLICE }));
  await untilNothing((view) => forgetRunsOf(view, tenant, SLICE));
  // What ended while it was being erased was kept, and counted, under its other name.
  for (const name of [tenant, leaving(tenant)]) await untilNothing((view) => forgetHistory(view, name));
  return removed + (await commit(database, (view) => forgetCounts(view, lanes, tenant)));
}

/** Where the rows of a remote stand. */
const rowsAt =
  (remote: string) =>
  (view: View): Key => [remoteRow(view, remote).number];

/** Stands in the place of a tenant that is being erased. */
const leaving = (tenant: string): string => `leaving:${tenant}`;

const placeIn = ({ senders = [] }: RemoteDocument, tenant: string): number => senders.indexOf(leaving(tenant));

const replaced = ({ senders = [] }: RemoteDocument, before: string, after: string): readonly string[] =>
  senders.map((each) => (each === before ? after : each));

/**
 * From here on nothing is written under the tenant's number: what is under way gets another one, so that nobody inherits
 * it.
 *
 * @returns whether an earlier attempt was interrupted: then its number goes first, and there may be another one
 */
function leavePlace(database: Database, { remote: key, tenant }: Lane): Promise<boolean> {
  return commit(database, (view) => {
    const remote = view.get(REMOTES, [key]);
    if (remote === undefined) return false;
    if (placeIn(remote, tenant) !== -1) return true;
    if (numberIn(remote, tenant) !== undefined)
      view.put(REMOTES, [key], { ...remote, senders: replaced(remote, tenant, leaving(tenant)) });
    return false;
  });
}

/** What records have of the tenant. Nothing is counted: the counts are erased as well. */
function forgetParts(database: Database, { remote: key, tenant }: Lane): Promise<number> {
  return walk(database, RECORDS, rowsAt(key), (view, at) => {
    const remote = remoteRow(view, key);
    const number = String(placeIn(remote, tenant));
    const record = recordIn(view, at);
    const part = record?.own[number];
    if (record === undefined || part === undefined) return 0;
    const { [number]: _, ...own } = record.own;
    // What waited was counted under the tenant's name.
    const named = { ...remote, senders: replaced(remote, leaving(tenant), tenant) };
    putRecordIn(view, named, at, { ...record, own });
    const { entry, hullUpdate, deadLetter, rival } = part;
    return [entry, hullUpdate, deadLetter, rival].filter((each) => each !== undefined).length;
  });
}

/** Erases some rows of a remote, unless another tenant uses it; returns how many. */
function forgetRemoteRows(view: View, { remote: key, tenant }: Lane): number {
  const some = { limit: SLICE };
  const pauses = removeRows(view, PAUSES, [key, tenant], some);
  const isUsed = [...view.range(TENANTS, [])].some(([, row]) => row.remote === key && row.key !== tenant);
  const isBusy = [...view.sums(DEPTH, [key])].some(([[, owner], count]) => owner !== tenant && count > 0);
  const { number } = remoteRow(view, key);
  if (isUsed || isBusy || number === 0) return pauses;
  const rows =
    removeRows(view, RECORDS, [number], some) +
    removeRows(view, CONTENTS, [number], some) +
    removeRows(view, MIRRORS, [number], some) +
    removeRows(view, LISTED, [number], some) +
    removeRows(view, FLIGHTS, [number], some);
  // Its number leads to the rows, so it goes last.
  return pauses + (rows > 0 ? rows : removeRows(view, REMOTES, [key]));
}

/**
 * Forgets what the tenant sent of each field, what it has in flight, and its number. The remote's records stay, since
 * others use them.
 */
async function forgetSent(database: Database, { remote: key, tenant }: Lane): Promise<void> {
  const place = await read(database, (view) => placeIn(remoteRow(view, key), tenant));
  if (place === -1) return;
  await walk(database, MIRRORS, rowsAt(key), (view, id, row) => {
    const facts = mapValues(row.facts, (fact) => withoutSender(fact, place));
    if (!isEqual(facts, row.facts)) view.put(MIRRORS, id, { ...row, facts });
    return 0;
  });
  await commit(database, (view) => {
    const remote = view.get(REMOTES, [key]);
    if (remote === undefined) return;
    removeRows(view, FLIGHTS, [remote.number, place]);
    view.put(REMOTES, [key], { ...remote, senders: replaced(remote, leaving(tenant), FREE) });
  });
}

/** The fact without what one connector sent. */
function withoutSender([remote, sent, told, ...others]: Fact, place: number): Fact {
  if (place === 0) return [remote, null, told, ...others];
  return [remote, sent, told, ...others.map((each, index) => (index === place - 1 ? null : each))];
}

/** Goes through all rows under a prefix, slice by slice. @param visit says how much it removed */
async function walk<V, I extends string>(
  database: Database,
  table: Table<V, I>,
  prefixIn: (view: View) => Key,
  visit: (view: View, key: Key, row: V) => number,
): Promise<number> {
  let removed = 0;
  let after: Key | undefined;
  do {
    const from = after;
    const step = await commit(database, (view) => {
      const rows = [...view.range(table, prefixIn(view), { after: from, limit: SLICE })];
      return { last: rows.at(-1)?.[0], removed: sumBy(rows, ([key, row]) => visit(view, key, row)) };
    });
    removed += step.removed;
    after = step.last;
  } while (after !== undefined);
  return removed;
}

/** The first step. @returns every place where something of the tenant may be */
function forgetTenantRow(
  view: View,
  tenant: string,
  remotes: readonly string[],
): { readonly lanes: readonly Lane[]; readonly rows: number } {
  const lanes = uniqBy([...lanesOf(view, tenant), ...remotes.map((remote) => ({ remote, tenant }))], "remote");
  // By these they are found again.
  for (const { remote } of lanes) view.add(DEPTH, [remote, tenant, "outbox"], 0);
  view.remove(GRANTS, [tenant]);
  removeRows(view, ALERTS, [tenant]);
  return { lanes, rows: removeRows(view, TENANTS, [tenant]) };
}

/** The last step: after it nothing names the tenant any more. */
function forgetCounts(view: View, lanes: readonly Lane[], tenant: string): number {
  let removed = 0;
  for (const name of [tenant, leaving(tenant)]) {
    for (const { remote } of lanes) dropSums(view, DEPTH, [remote, name]);
    removed += dropSums(view, TALLY, [name]) + dropSums(view, HOURS, [name]);
  }
  return removed;
}

/** Removes the lines about a Hull entity from the reports of a tenant's runs. */
export async function forgetReportLines(database: Database, tenant: string, hullId: string): Promise<void> {
  const runs = await read(database, (view) => listRuns(view, { tenant, limit: Number.MAX_SAFE_INTEGER }));
  for (const { id } of runs.filter(({ options }) => options.verbose === true)) {
    await walk(
      database,
      REPORTS,
      () => [id],
      (view, key, line) => {
        if (line.hullId === hullId) view.remove(REPORTS, key);
        return 0;
      },
    );
  }
}
