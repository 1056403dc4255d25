/** Stores as format 6 left them: rows as lists, long words of keys written short, links and queues in tables of their own. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { open, type RootDatabase } from "lmdb";
import { checkBeside, createChecks, isPacker } from "../../../src/storage/database/checks";
import { createLmdbDatabase, MOST_TABLES } from "../../../src/storage/database/lmdb";
import type { Database, Key } from "../../../src/storage/database/rows";
import type {
  Content,
  Fact,
  MirrorRow,
  Outcome,
  OwnPart,
  RecordDocument,
  RemoteRow,
} from "../../../src/storage/port/rows";
import { recordIn, tenantIn } from "../../../src/storage/tables/documents";
import { runIn } from "../../../src/storage/tables/runs";
import * as today from "../../../src/storage/tables/tables";
import { allLanes } from "../../../src/storage/tables/tenants";
import { read, type Reader, type Table } from "../../../src/storage/tables/view";

/** A row of any table, as it is stored. */
export type OldRow = readonly [table: string, key: Key, value: unknown];

const PLAIN: ReadonlySet<string> = new Set(["meta", "names"]);

/** Writes rows into a new file as the program of that format did. @param checked values carry checks since format 6 */
export async function writeOld(path: string, rows: readonly OldRow[], checked = true): Promise<void> {
  for (const name of ["data.mdb", "lock.mdb"]) rmSync(join(path, name), { force: true });
  const root = open({ path, maxDbs: MOST_TABLES });
  const packer: unknown = Reflect.get(root, "encoder");
  if (!isPacker(packer)) throw new Error("LMDB's interface has no encoder.");
  const encoder = createChecks(packer);
  const tableOf = (name: string): ReturnType<RootDatabase["openDB"]> =>
    root.openDB({ name, ...(PLAIN.has(name) || !checked ? { encoding: "msgpack" } : { encoder }) });
  root.transactionSync(() => {
    for (const [name, key, value] of rows) {
      tableOf(name).putSync([...key], value);
      if (checked && PLAIN.has(name)) tableOf("checks").putSync([name, ...key], checkBeside(key, value));
    }
  });
  await root.close();
}

/** Every row of a closed store of today, as the program of format 6 would have stored it. */
export async function rowsOfFormatSix(path: string): Promise<readonly OldRow[]> {
  const database = createLmdbDatabase(path);
  const rows = await formatSix(database);
  await database.close();
  return rows;
}

/** Makes a closed store of today one of format 6. */
export async function makeFormatSix(path: string): Promise<void> {
  await writeOld(path, await rowsOfFormatSix(path));
}

/** A list of fields; null stands for an absent one. */
function listed(names: string, value: object): unknown[] {
  const list = names.split(" ").map((name) => (Reflect.get(value, name) as unknown) ?? null);
  while (list.at(-1) === null) list.pop();
  return list;
}

const outcome = (value: Outcome): unknown => listed("messageId outcome code text atMs counted note derived run", value);
const content = (value: Content): unknown =>
  listed(
    "desired claims hintId force replay messageId version seq derived counted once run digest shown earlier",
    value,
  );

function facts(value: Readonly<Record<string, Fact>>): unknown {
  const others = Math.max(0, ...Object.values(value).map((fact) => fact.length - 3));
  const list = Object.entries(value).flatMap(([field, fact]) => [
    field,
    ...Array.from({ length: 3 + others }, (_, at) => fact[at] ?? null),
  ]);
  return others > 0 ? [others, ...list] : list;
}

export const packMirror = (row: MirrorRow): unknown =>
  listed(
    "id generation keys parentId linkedTo facts complete archived createdAtMs writtenAtMs seenAtMs missing confirmedRest",
    { ...row, facts: facts(row.facts) },
  );

function packRecord({ own, ...shared }: RecordDocument): unknown {
  const parts = Object.values(own);
  const last = parts.find((part) => part.last !== undefined)?.last;
  return listed("version messageId revision remoteId generation confirmedAtMs last unconfirmed same recent claims", {
    ...shared,
    last: last && outcome(last),
    same: parts.find(({ same }) => same !== undefined)?.same,
  });
}

/** What one connector had of a record, in four tables. */
function ownRows(
  short: (word: string) => string,
  place: { readonly remote: string; readonly tenant: string; readonly type: string; readonly hullId: string },
  { entry, hullUpdate, deadLetter, rival }: OwnPart,
  { unconfirmed }: RecordDocument,
): OldRow[] {
  const { remote, tenant, type, hullId } = place;
  const names = { tenant, type, hullId };
  const shortKey = [short(remote), short(tenant), short(type), hullId];
  const key = [remote, tenant, type, hullId];
  const rows: OldRow[] = [];
  if (entry !== undefined) {
    const attempt =
      entry.attempt &&
      listed("content kind startedAtMs", { ...entry.attempt, content: content(entry.attempt.content) });
    const value = { ...entry, ...names, content: entry.content && content(entry.content), attempt, unconfirmed };
    const fields =
      "tenant type hullId acceptedAtMs content attempt notBeforeMs attempts unconfirmed blockedOn withdrawn problem";
    rows.push(["outbox", shortKey, listed(fields, value)]);
  }
  if (hullUpdate !== undefined) {
    const value = { ...hullUpdate, ...names, outcomes: hullUpdate.outcomes.map(outcome) };
    const fields = "tenant type hullId remoteId claims attributes facts account outcomes seq notBeforeMs attempts";
    rows.push(["tells", shortKey, listed(fields, value)]);
  }
  if (deadLetter !== undefined) {
    const { id: _, ...row } = deadLetter;
    rows.push(["dead", key, { remote, ...names, ...row }]);
  }
  if (rival !== undefined) rows.push(["rivals", key, rival]);
  return rows;
}

function formatSix(database: Database): Promise<readonly OldRow[]> {
  return read(database, (view) => {
    const shorts = new Map<string, string>();
    const short = (word: string): string => {
      const known = shorts.get(word) ?? (shorts.size + 1).toString(36);
      shorts.set(word, known);
      return known;
    };
    const rows: OldRow[] = [["meta", ["format"], 6]];
    for (const [, remote] of view.range(today.REMOTES, [])) rows.push(...remoteRows(view, remote, short));
    for (const { remote, tenant } of allLanes(view)) {
      const [outbox, tells] = ["outbox", "tells"].map((name) => view.sum(today.DEPTH, [remote, tenant, name]));
      rows.push(["depth", [remote, tenant], { outbox, tells }]);
    }
    for (const [key] of view.range(today.RUNS, [])) rows.push(["runs", key, runIn(view, String(key[0]))]);
    for (const counter of [today.TALLY, today.HOURS]) {
      for (const [key, count] of view.sums(counter, [])) rows.push([counter.name, key, count]);
    }
    const copied = [
      ...[today.TENANTS, today.GRANTS, today.NOTIFICATIONS, today.SEEN, today.STARTS, today.LAST_RUNS, today.REPORTS],
    ] as readonly Table<unknown>[];
    for (const table of copied) for (const [key, row] of view.range(table, [])) rows.push([table.name, key, row]);
    for (const [key, row] of view.range(today.PAUSES, [])) rows.push(["holds", key, row]);
    for (const [word, key] of shorts) rows.push(["names", [key], word]);
    return [...rows, ["meta", ["names"], shorts.size]];
  });
}

function remoteRows(view: Reader, remote: RemoteRow, short: (word: string) => string): readonly OldRow[] {
  const { number, ...row } = remote;
  const rows: OldRow[] = [["remotes", [remote.key], row]];
  const lastShown = new Map<string, readonly [number, string]>();
  for (const [[, type, run], { ids, atMs }] of view.range(today.LISTED, [number])) {
    for (const id of ids) lastShown.set(JSON.stringify([type, id]), [atMs, String(run)]);
  }
  for (const [[, type = "", id = ""], mirror] of view.range(today.MIRRORS, [number])) {
    const key = [short(remote.key), short(String(type)), id];
    rows.push(["mirror", key, packMirror(mirror)]);
    const [atMs, run] = lastShown.get(JSON.stringify([type, id])) ?? [];
    if (atMs === undefined && mirror.confirmedUnder === undefined) continue;
    rows.push([
      "sightings",
      key,
      [atMs ?? mirror.seenAtMs ?? 0, mirror.generation, mirror.confirmedUnder ?? 0, run ?? ""],
    ]);
  }
  for (const [key] of view.range(today.RECORDS, [number])) {
    const document = recordIn(view, key);
    if (document === undefined) continue;
    const [type, hullId] = [String(key[1]), String(key[2])];
    rows.push(["records", [short(remote.key), short(type), hullId], packRecord(document)]);
    for (const [owner, part] of Object.entries(document.own)) {
      const place = { remote: remote.key, tenant: tenantIn(remote, owner), type, hullId };
      rows.push(...ownRows(short, place, part, document));
    }
  }
  return rows;
}
