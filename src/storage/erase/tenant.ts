/** Erasing a tenant: what waits, what was refused, what was counted, and its remotes unless another tenant uses them. */
import mapValues from "lodash/mapValues";
import sum from "lodash/sum";
import uniqBy from "lodash/uniqBy";
import type { Database, Key } from "../database/rows";
import type { Fact, RemoteDocument } from "../port/rows";
import type { Lane } from "../port/store";
import { FREE, numberIn, putRecordIn, recordIn } from "../tables/documents";
import { forgetRunsOf, listRuns } from "../tables/runs";
import {
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
import { commit, read, type Table, type View } from "../tables/view";

/** Rows of one commit. */
const SLICE = 500;
/** Lines of a report that are read together. */
const REPORT_PAGE = 1_000;

/**
 * Returns how many rows there were. If interrupted, it is simply begun again: the tenant's own row goes last.
 *
 * @param remotes its remotes before it was erased, for checking that nothing was written since
 */
export async function forgetTenant(database: Database, tenant: string, remotes: readonly string[]): Promise<number> {
  let removed = 0;
  const untilNothing = async (step: (view: View) => number): Promise<void> => {
    for (let rows = 1; rows > 0; removed += rows) rows = await commit(database, step);
  };
  const lanes = await read(database, (view) =>
    uniqBy([...lanesOf(view, tenant), ...remotes.map((remote) => ({ remote, tenant }))], "remote"),
  );
  for (const lane of lanes) {
    for (let again = true; again;) {
      again = await leavePlace(database, lane);
      removed += await forgetParts(database, lane);
      await untilNothing((view) => forgetRemoteRows(view, lane, SLICE));
      await forgetSent(database, lane);
    }
  }
  await untilNothing((view) => forgetRunsOf(view, tenant, SLICE));
  return removed + (await commit(database, (view) => forgetTenantRow(view, lanes, tenant)));
}

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
  return walk(database, RECORDS, key, (view, at) => {
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

/** Erases up to `limit` rows of a remote, unless another tenant uses it; returns how many. */
function forgetRemoteRows(view: View, { remote: key, tenant }: Lane, limit: number): number {
  const pauses = [...view.range(PAUSES, [key, tenant], { limit })];
  for (const [at] of pauses) view.remove(PAUSES, at);
  const isUsed = [...view.range(TENANTS, [])].some(([, row]) => row.remote === key && row.key !== tenant);
  const isBusy = [...view.sums(DEPTH, [key])].some(([[, owner], count]) => owner !== tenant && count > 0);
  const remote = remoteRow(view, key);
  if (isUsed || isBusy || remote.number === 0) return pauses.length;
  let removed = pauses.length;
  const clear = <V, I extends string>(table: Table<V, I>, prefix: Key): void => {
    for (const [at] of [...view.range(table, prefix, { limit })]) {
      view.remove(table, at);
      removed += 1;
    }
  };
  clear(RECORDS, [remote.number]);
  clear(CONTENTS, [remote.number]);
  clear(MIRRORS, [remote.number]);
  clear(LISTED, [remote.number]);
  clear(FLIGHTS, [remote.number]);
  // Its number leads to the rows, so it goes last.
  if (removed === pauses.length) clear(REMOTES, [key]);
  return removed;
}

/** Forgets what the tenant sent of each field, what it has in flight, and its number. The remote's records stay, since others use them. */
async function forgetSent(database: Database, { remote: key, tenant }: Lane): Promise<void> {
  const place = await read(database, (view) => placeIn(remoteRow(view, key), tenant));
  if (place === -1) return;
  await walk(database, MIRRORS, key, (view, at) => {
    const row = view.get(MIRRORS, at);
    if (row === undefined) return 0;
    const facts = mapValues(row.facts, (fact) => withoutSender(fact, place));
    if (Object.entries(facts).some(([field, fact]) => row.facts[field] !== fact))
      view.put(MIRRORS, at, { ...row, facts });
    return 0;
  });
  await commit(database, (view) => {
    const remote = view.get(REMOTES, [key]);
    if (remote === undefined) return;
    for (const [at] of [...view.range(FLIGHTS, [remote.number, place])]) view.remove(FLIGHTS, at);
    view.put(REMOTES, [key], { ...remote, senders: replaced(remote, leaving(tenant), FREE) });
  });
}

/** The fact without what one connector sent; the same one if it sent nothing. */
function withoutSender(fact: Fact, place: number): Fact {
  const [remote, sent, told, ...others] = fact;
  if ((place === 0 ? sent : (others[place - 1] ?? null)) === null) return fact;
  if (place === 0) return [remote, null, told, ...others];
  return [remote, sent, told, ...others.map((each, index) => (index === place - 1 ? null : each))];
}

/** Goes through all documents of a remote, slice by slice. @param visit says how much it removed */
async function walk<V, I extends string>(
  database: Database,
  table: Table<V, I>,
  remote: string,
  visit: (view: View, key: Key) => number,
): Promise<number> {
  let removed = 0;
  for (let after: Key | undefined, more = true; more;) {
    const from = after;
    const step = await commit(database, (view) => {
      const { number } = remoteRow(view, remote);
      const keys =
        number === 0 ? [] : [...view.range(table, [number], { after: from, limit: SLICE })].map(([key]) => key);
      return { keys, removed: sum(keys.map((key) => visit(view, key))) };
    });
    removed += step.removed;
    after = step.keys.at(-1);
    more = step.keys.length === SLICE;
  }
  return removed;
}

/** The last step: after it nothing names the tenant any more. */
function forgetTenantRow(view: View, lanes: readonly Lane[], tenant: string): number {
  for (const { remote } of lanes) for (const name of ["outbox", "tells"]) view.drop(DEPTH, [remote, tenant, name]);
  const counts = [TALLY, HOURS].flatMap((counter) => {
    const keys = [...view.sums(counter, [tenant])].map(([key]) => key);
    for (const key of keys) view.drop(counter, key);
    return keys;
  });
  const isKnown = view.get(TENANTS, [tenant]) !== undefined;
  view.remove(TENANTS, [tenant]);
  view.remove(GRANTS, [tenant]);
  return counts.length + (isKnown ? 1 : 0);
}

/** Removes the lines about a Hull entity from the reports of a tenant's runs, page by page. */
export async function forgetReportLines(database: Database, tenant: string, hullId: string): Promise<void> {
  const runs = await read(database, (view) => listRuns(view, { tenant, limit: Number.MAX_SAFE_INTEGER }));
  for (const { id, options } of runs) {
    if (options.verbose !== true) continue;
    for (let after: Key | undefined, more = true; more;) {
      const from = after;
      const lines = await read(database, (view) => [...view.range(REPORTS, [id], { after: from, limit: REPORT_PAGE })]);
      const own = lines.filter(([, line]) => line.hullId === hullId);
      if (own.length > 0) await commit(database, (view) => own.forEach(([key]) => view.remove(REPORTS, key)));
      after = lines.at(-1)?.[0];
      more = lines.length === REPORT_PAGE;
    }
  }
}
