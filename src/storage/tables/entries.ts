/** Moves one outbox entry between waiting, blocked, in flight and gone; only this code touches its indexes. */
import partition from "lodash/partition";
import { reason } from "../../outcome/outcome";
import { keepDeadLetter } from "./dead-letters";
import type { Key } from "../database/kv";
import type { Content, EntryRow } from "../port/rows";
import type { Lane, RecordOutcome } from "../port/store";
import { countOutcome, type Ledger } from "./ledger";
import { outcomeOf, noteLast, type Tables } from "./tables";
import { notTooMany } from "../port/weight";

/** How the parent ended whose children end with it. */
type ParentEnd = "rejected" | "dead" | "skipped";

export interface Entries {
  get(type: string, hullId: string): EntryRow | undefined;
  /** Stores the entry and puts it into the index for its state. */
  put(before: EntryRow | undefined, entry: EntryRow): void;
  remove(entry: EntryRow): void;
  /** The parent has a remote id now: its children, of every tenant of the remote, can be processed. */
  release(parentType: string, parentHullId: string): void;
  /** The parent will never have one: its children end `dead` and name it. */
  refuseChildren(parentType: string, parentHullId: string, cause: ParentEnd, words: string): void;
  /** A newer message removed the parent: events are still sent, the other children end. */
  withdrawChildren(parentType: string, parentHullId: string, words: string): void;
}

/** From now on, no message ends only because the last unchanged one said the same. */
export function forgetFingerprint(
  tables: Tables,
  remote: string,
  { type, hullId }: Pick<EntryRow, "type" | "hullId">,
): void {
  const key = [remote, type, hullId];
  const record = tables.records.get(key);
  if (record?.same === undefined) return;
  const { same: _, ...rest } = record;
  tables.records.put(key, rest);
}

/**
 * @param outcomes collects the outcomes written on the way
 */
export function openEntries(tables: Tables, ledger: Ledger, lane: Lane, outcomes: RecordOutcome[]): Entries {
  const key = (entry: { type: string; hullId: string }, tenant = lane.tenant): [string, string, string, string] => [
    lane.remote,
    tenant,
    entry.type,
    entry.hullId,
  ];

  const queueKey = (entry: EntryRow, content: Content): (string | number)[] => [
    lane.remote,
    entry.tenant,
    entry.type,
    entry.notBeforeMs,
    content.seq,
  ];

  const blockedKey = (entry: EntryRow, parentType: string, parent: string): string[] => [
    lane.remote,
    parentType,
    parent,
    entry.tenant,
    entry.type,
    entry.hullId,
  ];

  const ageKey = (entry: EntryRow): (string | number)[] => [
    lane.remote,
    entry.tenant,
    entry.acceptedAtMs,
    entry.type,
    entry.hullId,
  ];

  /** Where an entry can be found: in the queue, behind its parent, or (in flight) nowhere. */
  function unindex(entry: EntryRow): void {
    const { content, blockedOn } = entry;
    if (content === undefined) return;
    const parent = content.desired.parent;
    if (blockedOn !== undefined && parent !== undefined) {
      tables.blocked.remove(blockedKey(entry, parent.type, blockedOn));
    } else if (entry.attempt === undefined) tables.queue.remove(queueKey(entry, content));
  }

  function index(entry: EntryRow): void {
    const { content, blockedOn } = entry;
    if (content === undefined || entry.attempt !== undefined) return;
    const parent = content.desired.parent;
    if (blockedOn !== undefined && parent !== undefined) {
      tables.blocked.put(blockedKey(entry, parent.type, blockedOn), 1);
    } else tables.queue.put(queueKey(entry, content), entry.hullId);
  }

  function put(before: EntryRow | undefined, entry: EntryRow): void {
    if (before === undefined) {
      ledger.depth({ remote: lane.remote, tenant: entry.tenant }, { outbox: 1 });
      forgetFingerprint(tables, lane.remote, entry);
    } else unindex(before);
    if (before?.acceptedAtMs !== entry.acceptedAtMs) {
      if (before !== undefined) tables.ages.remove(ageKey(before));
      tables.ages.put(ageKey(entry), 1);
    }
    tables.outbox.put(key(entry, entry.tenant), entry);
    index(entry);
  }

  function remove(entry: EntryRow): void {
    unindex(entry);
    tables.ages.remove(ageKey(entry));
    tables.outbox.remove(key(entry, entry.tenant));
    ledger.depth({ remote: lane.remote, tenant: entry.tenant }, { outbox: -1 });
  }

  function children(parentType: string, parentHullId: string): EntryRow[] {
    return [...tables.blocked.range([lane.remote, parentType, parentHullId])].flatMap(([path]) => {
      const child = tables.outbox.get([lane.remote, ...path.slice(3)]);
      return child === undefined ? [] : [child];
    });
  }

  function refuseChildren(parentType: string, parentHullId: string, cause: ParentEnd, words: string): void {
    refuse(children(parentType, parentHullId), parentType, parentHullId, cause, words);
  }

  function refuse(
    waiting: readonly EntryRow[],
    parentType: string,
    parentHullId: string,
    cause: ParentEnd,
    words: string,
  ): void {
    const why = reason(`parent_${cause}`, `${parentType} ${parentHullId}: ${words}`);
    for (const child of waiting) {
      if (child.tenant !== lane.tenant || child.content === undefined) continue;
      const { content, type, hullId } = child;
      const end = outcomeOf(content, "dead", why, tables.now());
      const attempts = child.attempts;
      keepDeadLetter(tables, { ...lane, type, hullId, content, ending: end, attempts });
      countOutcome(ledger, child.tenant, type, hullId, end);
      noteLast(tables, lane, type, hullId, end);
      outcomes.push({ type, hullId, claims: content.claims, outcome: end });
      remove(child);
      // Its own children waited for it: types are a tree, so this ends.
      refuseChildren(type, hullId, "dead", end.text);
    }
  }

  function free(child: EntryRow): void {
    const { blockedOn: _, ...rest } = child;
    put(child, rest);
  }

  return {
    get: (type, hullId) => tables.outbox.get(key({ type, hullId })),
    put,
    remove,
    release: (parentType, parentHullId) => children(parentType, parentHullId).forEach(free),
    refuseChildren,
    withdrawChildren: (parentType, parentHullId, words) => {
      const [going, staying] = partition(children(parentType, parentHullId), ({ content }) => content?.once === true);
      going.forEach(free);
      refuse(staying, parentType, parentHullId, "skipped", words);
    },
  };
}

/** Entries that are due, oldest first: this many, or fewer when they are large. */
export function readyEntries(tables: Tables, { remote, tenant }: Lane, type: string, limit: number): EntryRow[] {
  const end = [remote, tenant, type, tables.now() + 1];
  function* due(): Generator<EntryRow> {
    for (const [, hullId] of tables.queue.range([remote, tenant, type], { end, limit })) {
      const entry = tables.outbox.get([remote, tenant, type, hullId]);
      if (entry !== undefined) yield entry;
    }
  }
  return notTooMany(due());
}

/**
 * Makes due what waits for a retry, a slice at a time; unconfirmed creates keep their time.
 *
 * @returns the key to continue after, or undefined at the end
 */
export function retryEntriesNow(
  tables: Tables,
  ledger: Ledger,
  lane: Lane,
  after: Key | undefined,
  limit: number,
): Key | undefined {
  const entries = openEntries(tables, ledger, lane, []);
  const nowMs = tables.now();
  const slice = [...tables.queue.range([lane.remote, lane.tenant], { limit, after })];
  for (const [key, hullId] of slice) {
    if (Number(key[3]) <= nowMs) continue;
    const entry = entries.get(String(key[2]), hullId);
    if (entry !== undefined && entry.unconfirmed === undefined) entries.put(entry, { ...entry, notBeforeMs: nowMs });
  }
  return slice.length < limit ? undefined : slice.at(-1)?.[0];
}
