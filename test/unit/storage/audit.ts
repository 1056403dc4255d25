/** Looks behind the port: do indexes, depths and counts fit the rows? What must hold after every operation. */
import type { KeyValue } from "../../../src/storage/database/kv";
import { deadLetterId } from "../../../src/storage/port/dead-letters";
import type { Content, DeadLetterRow } from "../../../src/storage/port/rows";
import { indexValue, openTables, type Tables } from "../../../src/storage/tables/tables";

/** @returns one sentence per violation; empty when the books are in order */
export function auditOf(kv: KeyValue): string[] {
  const tables = openTables(kv, () => 0);
  return kv.read(() => [
    ...indexFaults(tables),
    ...tellFaults(tables),
    ...deadLetterFaults(tables),
    ...rivalFaults(tables),
    ...nameFaults(tables),
    ...depthFaults(tables),
    ...tallyFaults(tables),
  ]);
}

const text = (key: readonly (string | number)[]): string => JSON.stringify(key);

/** Waiting: in the queue. Behind its parent: in `blocked`. In flight: in neither. */
function indexFaults(tables: Tables): string[] {
  const queue = new Set<string>();
  const blocked = new Set<string>();
  const faults: string[] = [];
  for (const [[remote = "", tenant = "", type = "", hullId = ""], entry] of tables.outbox.range([])) {
    const { content, attempt, blockedOn } = entry;
    const parent = content?.desired.parent;
    const name = text([remote, tenant, type, hullId]);
    if (content === undefined && attempt === undefined) faults.push(`${name} holds no content.`);
    if (content === undefined || attempt !== undefined) continue;
    if (blockedOn === undefined) queue.add(text([remote, tenant, type, entry.notBeforeMs, content.seq, hullId]));
    else if (parent === undefined) faults.push(`${name} waits for a parent that it does not have.`);
    else blocked.add(text([remote, parent.type, blockedOn, tenant, type, hullId]));
    if (blockedOn !== undefined && tables.outbox.get([remote, tenant, parent?.type ?? "", blockedOn]) === undefined) {
      faults.push(`${name} waits for ${blockedOn}, which has no entry.`);
    }
  }
  const ages = [...tables.outbox.range([])].map(([[remote = "", tenant = "", type = "", hullId = ""], entry]) =>
    text([remote, tenant, entry.acceptedAtMs, type, hullId]),
  );
  const aged = [...tables.ages.range([])].map(([key]) => text(key));
  const queued = [...tables.queue.range([])].map(([key, hullId]) => text([...key, hullId]));
  const behind = [...tables.blocked.range([])].map(([key]) => text(key));
  return [
    ...faults,
    ...differences("queue", queue, queued),
    ...differences("blocked", blocked, behind),
    ...differences("ages", new Set(ages), aged),
  ];
}

function tellFaults(tables: Tables): string[] {
  const rows = [...tables.hullUpdates.range([])];
  const expected = rows.map(([[remote = "", tenant = ""], row]) =>
    text([remote, tenant, row.notBeforeMs, row.seq, row.type, row.hullId]),
  );
  const found = [...tables.hullUpdateQueue.range([])].map(([key, [type, hullId]]) => text([...key, type, hullId]));
  return differences("tell queue", new Set(expected), found);
}

/** Every dead letter is found by its id, and by its parent if it has one. */
function deadLetterFaults(tables: Tables): string[] {
  const rows = [...tables.dead.range([])].map(([, row]) => row);
  const path = ({ remote, tenant, type, hullId }: DeadLetterRow): string[] => [remote, tenant, type, hullId];
  const ids = rows.map((row) => text([deadLetterId(row), ...path(row)]));
  const parents = rows.flatMap((row) => {
    const { parent } = row.content.desired;
    return parent === undefined
      ? []
      : [text([row.remote, row.tenant, parent.type, parent.hullId, row.type, row.hullId])];
  });
  const keysOf = (table: Tables["deadLetterIds"]): string[] => [...table.range([])].map(([key]) => text(key));
  return [
    ...differences("dead letter ids", new Set(ids), keysOf(tables.deadLetterIds)),
    ...differences("dead letter parents", new Set(parents), keysOf(tables.deadLetterParents)),
  ];
}

/** Every rival is found by the record that it would be, and is linked to none for which it still waits. */
function rivalFaults(tables: Tables): string[] {
  const rows = [...tables.rivals.range([])];
  const expected = rows.map(([[remote = "", tenant = "", type = "", hullId = ""], { remoteId }]) =>
    text([remote, type, remoteId, tenant, hullId]),
  );
  const found = [...tables.rivalsFor.range([])].map(([key]) => text(key));
  const linked = rows.flatMap(([[remote = "", , type = "", hullId = ""], { remoteId }]) =>
    tables.mirror.get([remote, type, remoteId])?.linkedTo === hullId
      ? [`${text([remote, type, hullId])} is its own rival.`]
      : [],
  );
  return [...differences("rivals", new Set(expected), found), ...linked];
}

/** Every record is found by its claims, and nobody else by them. */
function nameFaults(tables: Tables): string[] {
  const expected = [...tables.records.range([])].flatMap(([[remote = "", type = "", hullId = ""], { claims = {} }]) =>
    Object.entries(claims).map(([name, value]) => text([remote, type, name, indexValue(value), hullId])),
  );
  const found = [...tables.claimIndex.range([])].map(([key]) => text(key));
  return differences("names", new Set(expected), found);
}

function differences(name: string, expected: ReadonlySet<string>, found: readonly string[]): string[] {
  return [
    ...[...expected].filter((key) => !found.includes(key)).map((key) => `The ${name} lacks ${key}.`),
    ...found.filter((key) => !expected.has(key)).map((key) => `The ${name} holds ${key} for no row.`),
  ];
}

function depthFaults(tables: Tables): string[] {
  const rows = new Map<string, { outbox: number; tells: number }>();
  const count = (key: readonly (string | number)[], name: "outbox" | "tells"): void => {
    const lane = text(key.slice(0, 2));
    const depth = rows.get(lane) ?? { outbox: 0, tells: 0 };
    depth[name] += 1;
    rows.set(lane, depth);
  };
  for (const [key] of tables.outbox.range([])) count(key, "outbox");
  for (const [key] of tables.hullUpdates.range([])) count(key, "tells");
  const said = new Map([...tables.depth.range([])].map(([key, depth]) => [text(key), depth]));
  return [...new Set([...rows.keys(), ...said.keys()])].flatMap((lane) => {
    const { outbox, tells } = rows.get(lane) ?? { outbox: 0, tells: 0 };
    const depth = said.get(lane) ?? { outbox: 0, tells: 0 };
    if (depth.outbox === outbox && depth.tells === tells) return [];
    return [`${lane} says ${depth.outbox}/${depth.tells} and holds ${outbox}/${tells}.`];
  });
}

/** Every message that was counted has ended, or waits in the outbox, or waits for Hull. */
function tallyFaults(tables: Tables): string[] {
  const balance = new Map<string, number>();
  const add = (tenant: string, by: number): void => void balance.set(tenant, (balance.get(tenant) ?? 0) + by);
  for (const [[tenant, family], count] of tables.tally.range([])) {
    if (family === "messages") add(String(tenant), count);
    if (family === "outcomes") add(String(tenant), -count);
  }
  const isOpen = (content: Content | undefined): boolean => content?.counted === true && !content.derived;
  for (const [[, tenant], { content, attempt }] of tables.outbox.range([])) {
    for (const each of [content, attempt?.content]) if (isOpen(each)) add(String(tenant), -1);
  }
  for (const [[, tenant], { outcomes }] of tables.hullUpdates.range([])) {
    for (const ending of outcomes) if (ending.counted && ending.derived !== true) add(String(tenant), -1);
  }
  return [...balance]
    .filter(([, open]) => open !== 0)
    .map(([tenant, open]) => `${tenant}: ${open} more messages than outcomes and waiting contents.`);
}
