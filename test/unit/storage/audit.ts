/** Looks behind the port: do indexes, depths and counts fit the documents? What must hold after every operation. */
import { deadLetterId } from "../../../src/storage/port/dead-letters";
import type { Database, Key } from "../../../src/storage/database/rows";
import type { Content, RecordDocument } from "../../../src/storage/port/rows";
import { recordIn, tenantIn } from "../../../src/storage/tables/documents";
import { CONTENTS, DEPTH, MIRRORS, RECORDS, remoteRow, REMOTES, RUNS, TALLY } from "../../../src/storage/tables/tables";
import { read, type Reader, type Table } from "../../../src/storage/tables/view";

/** @returns one sentence per violation; empty when the books are in order */
export function auditOf(database: Database): Promise<string[]> {
  return read(database, (view) => [
    ...indexFaults(view, RECORDS),
    ...indexFaults(view, MIRRORS),
    ...indexFaults(view, REMOTES),
    ...indexFaults(view, RUNS),
    ...recordFaults(view),
    ...contentFaults(view),
    ...depthFaults(view),
    ...tallyFaults(view),
  ]);
}

const text = (key: Key): string => JSON.stringify(key);

/** Every index has the rows that its documents ask for, and no others. */
function indexFaults<V, I extends string>(view: Reader, table: Table<V, I>): string[] {
  return Object.entries<Table<V, I>["indexes"][I]>(table.indexes).flatMap(([name, placesOf]) => {
    const expected = [...view.range(table, [])].flatMap(([key, document]) =>
      placesOf(document, key).map((place) => text([...place, ...key.slice(-1)])),
    );
    const found = [...view.places(table, name as I, [])].map(text);
    return differences(`${table.name}.${name}`, new Set(expected), found);
  });
}

interface Found {
  readonly name: string;
  readonly remote: string;
  readonly type: string;
  readonly hullId: string;
  readonly record: RecordDocument;
  readonly tenantOf: (number: string) => string;
}

/** Every record of every remote, with all of its content. */
function recordsIn(view: Reader): readonly Found[] {
  return [...view.range(REMOTES, [])].flatMap(([, remote]) =>
    [...view.range(RECORDS, [remote.number])].flatMap(([key]) => {
      const record = recordIn(view, key);
      const [, type = "", hullId = ""] = key;
      if (record === undefined) return [];
      const place = { remote: remote.key, type: String(type), hullId: String(hullId) };
      return [
        {
          ...place,
          name: text([remote.key, type, hullId]),
          record,
          tenantOf: (number: string) => tenantIn(remote, number),
        },
      ];
    }),
  );
}

/** What waits has content; who waits for a parent has one that waits too; dead letters are found by their ids; nobody is his own rival. */
function recordFaults(view: Reader): string[] {
  const all = recordsIn(view);
  const at = new Map(all.map(({ remote, type, hullId, record }) => [text([remote, type, hullId]), record]));
  return all.flatMap(({ name, remote, type, hullId, record, tenantOf }) =>
    Object.entries(record.own).flatMap(([number, { entry, deadLetter, rival }]) => {
      const faults: string[] = [];
      if (tenantOf(number) === "") faults.push(`${name} has a part of nobody.`);
      if (entry !== undefined && entry.content === undefined && entry.attempt === undefined)
        faults.push(`${name} holds no content.`);
      const parent = entry?.content?.desired.parent;
      if (entry?.blockedOn !== undefined && entry.attempt === undefined) {
        if (parent === undefined) faults.push(`${name} waits for a parent that it does not have.`);
        const waitedFor = at.get(text([remote, parent?.type ?? "", entry.blockedOn]));
        if (waitedFor?.own[number]?.entry === undefined && waitedFor?.pending === undefined) {
          faults.push(`${name} waits for ${entry.blockedOn}, which has no entry.`);
        }
      }
      if (
        deadLetter !== undefined &&
        deadLetter.id !== deadLetterId({ remote, tenant: tenantOf(number), type, hullId })
      ) {
        faults.push(`${name} has a dead letter under another id.`);
      }
      const { number: remoteNumber, generation } = remoteRow(view, remote);
      const taken = rival && view.get(MIRRORS, [remoteNumber, type, rival.remoteId]);
      if (taken?.linkedTo === hullId && taken.generation === generation) faults.push(`${name} is its own rival.`);
      return faults;
    }),
  );
}

/** Content that stands apart is named by its record. */
function contentFaults(view: Reader): string[] {
  const expected = [...view.range(RECORDS, [])].flatMap(([key, { own }]) =>
    Object.entries(own).flatMap(([number, { entry, deadLetter, rival }]) => {
      const contents = {
        content: entry?.content,
        attempt: entry?.attempt?.content,
        deadLetter: deadLetter?.content,
        rival: rival?.content,
      };
      return Object.entries(contents).flatMap(([slot, content]) =>
        content?.apart === true ? [text([...key, `${number}/${slot}`])] : [],
      );
    }),
  );
  return differences(
    "contents",
    new Set(expected),
    [...view.range(CONTENTS, [])].map(([key]) => text(key)),
  );
}

function differences(name: string, expected: ReadonlySet<string>, found: readonly string[]): string[] {
  return [
    ...[...expected].filter((key) => !found.includes(key)).map((key) => `The table ${name} lacks ${key}.`),
    ...found.filter((key) => !expected.has(key)).map((key) => `The table ${name} holds ${key} for no document.`),
  ];
}

function depthFaults(view: Reader): string[] {
  const counted = new Map<string, number>();
  const add = (key: Key, by: number): void => void counted.set(text(key), (counted.get(text(key)) ?? 0) + by);
  for (const { remote, record, tenantOf } of recordsIn(view)) {
    for (const [number, { entry, hullUpdate }] of Object.entries(record.own)) {
      if (entry !== undefined) add([remote, tenantOf(number), "outbox"], 1);
      if (hullUpdate !== undefined) add([remote, tenantOf(number), "tells"], 1);
    }
  }
  for (const [key, sum] of view.sums(DEPTH, [])) add(key, -sum);
  return [...counted]
    .filter(([, difference]) => difference !== 0)
    .map(([key, by]) => `The depth ${key} is wrong by ${-by}.`);
}

/** Every message that was counted has ended, or waits in the outbox, or waits for Hull. */
function tallyFaults(view: Reader): string[] {
  const balance = new Map<string, number>();
  const add = (tenant: string, by: number): void => void balance.set(tenant, (balance.get(tenant) ?? 0) + by);
  for (const [[tenant, family], count] of view.sums(TALLY, [])) {
    if (family === "messages") add(String(tenant), count);
    if (family === "outcomes") add(String(tenant), -count);
  }
  const isOpen = (content: Content | undefined): boolean => content?.counted === true && !content.derived;
  for (const { record, tenantOf } of recordsIn(view)) {
    for (const [number, { entry, hullUpdate }] of Object.entries(record.own)) {
      for (const each of [entry?.content, entry?.attempt?.content]) if (isOpen(each)) add(tenantOf(number), -1);
      for (const ending of hullUpdate?.outcomes ?? [])
        if (ending.counted && ending.derived !== true) add(tenantOf(number), -1);
      for (const [name, times] of Object.entries(hullUpdate?.folded ?? {})) {
        if (!name.includes("true")) add(tenantOf(number), -times);
      }
    }
  }
  return [...balance]
    .filter(([, open]) => open !== 0)
    .map(([tenant, open]) => `${tenant}: ${open} more messages than outcomes and waiting contents.`);
}
