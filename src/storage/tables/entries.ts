/** Moves one outbox entry between waiting, blocked, in flight and gone; only this code touches its indexes. */
import partition from "lodash/partition";
import { reason, type Reason } from "../../outcome/outcome";
import { keepDeadLetter } from "./dead-letters";
import type { Key, Table } from "../database/kv";
import { walk } from "../database/slices";
import type { EntryRow } from "../port/rows";
import type { Lane, RecordOutcome } from "../port/store";
import { countOutcome, openLedger, type Ledger } from "./ledger";
import { dueRows, forgetFingerprint, outcomeOf, patchRecord, type Tables } from "./tables";

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

/**
 * @param outcomes collects the outcomes written on the way
 */
export function openEntries(tables: Tables, ledger: Ledger, lane: Lane, outcomes: RecordOutcome[]): Entries {
  const { remote, tenant: owner } = lane;
  const placeOf = ({ tenant, type, hullId }: EntryRow): Key => [remote, tenant, type, hullId];
  const ageOf = ({ tenant, acceptedAtMs, type, hullId }: EntryRow): Key => [remote, tenant, acceptedAtMs, type, hullId];

  /** Makes an entry findable, or not: in the queue, or behind its parent; in flight it is in neither. */
  function index(entry: EntryRow, isThere: boolean): void {
    const { tenant, type, hullId, content, attempt, blockedOn, notBeforeMs } = entry;
    if (content === undefined || attempt !== undefined) return;
    const { parent } = content.desired;
    if (blockedOn !== undefined && parent !== undefined) {
      set(tables.blocked, [remote, parent.type, blockedOn, tenant, type, hullId], isThere ? 1 : undefined);
    } else set(tables.queue, [remote, tenant, type, notBeforeMs, content.seq], isThere ? hullId : undefined);
  }

  function put(before: EntryRow | undefined, entry: EntryRow): void {
    if (before === undefined) {
      ledger.depth({ remote, tenant: entry.tenant }, { outbox: 1 });
      forgetFingerprint(tables, [remote, entry.type, entry.hullId]);
    } else index(before, false);
    if (before?.acceptedAtMs !== entry.acceptedAtMs) {
      if (before !== undefined) tables.ages.remove(ageOf(before));
      tables.ages.put(ageOf(entry), 1);
    }
    tables.outbox.put(placeOf(entry), entry);
    index(entry, true);
  }

  function remove(entry: EntryRow): void {
    index(entry, false);
    tables.ages.remove(ageOf(entry));
    tables.outbox.remove(placeOf(entry));
    ledger.depth({ remote, tenant: entry.tenant }, { outbox: -1 });
  }

  function children(parentType: string, parentHullId: string): EntryRow[] {
    const paths = [...tables.blocked.range([remote, parentType, parentHullId])];
    return paths.flatMap(([path]) => tables.outbox.get([remote, ...path.slice(3)]) ?? []);
  }

  const refuseChildren: Entries["refuseChildren"] = (parentType, parentHullId, cause, words) =>
    refuse(children(parentType, parentHullId), reason(`parent_${cause}`, `${parentType} ${parentHullId}: ${words}`));

  function refuse(waiting: readonly EntryRow[], why: Reason): void {
    for (const child of waiting) {
      const { tenant, type, hullId, content, attempts } = child;
      if (tenant !== owner || content === undefined) continue;
      const end = outcomeOf(content, "dead", why, tables.now());
      keepDeadLetter(tables, { ...lane, type, hullId, content, ending: end, attempts });
      countOutcome(ledger, tenant, type, hullId, end);
      patchRecord(tables, [remote, type, hullId], { last: end });
      outcomes.push({ type, hullId, claims: content.claims, outcome: end });
      remove(child);
      // Its own children waited for it: types are a tree, so this ends.
      refuseChildren(type, hullId, "dead", end.text);
    }
  }

  function free(child: EntryRow): void {
    put(child, { ...child, blockedOn: undefined });
  }

  return {
    get: (type, hullId) => tables.outbox.get([remote, owner, type, hullId]),
    put,
    remove,
    release: (parentType, parentHullId) => children(parentType, parentHullId).forEach(free),
    refuseChildren,
    withdrawChildren: (parentType, parentHullId, words) => {
      const [going, staying] = partition(children(parentType, parentHullId), ({ content }) => content?.once === true);
      going.forEach(free);
      refuse(staying, reason("parent_skipped", `${parentType} ${parentHullId}: ${words}`));
    },
  };
}

/** Puts a value into a table; undefined removes it. */
function set<V>(table: Table<V>, key: Key, value: V | undefined): void {
  if (value === undefined) table.remove(key);
  else table.put(key, value);
}

export function readyEntries(tables: Tables, { remote, tenant }: Lane, type: string, limit: number): EntryRow[] {
  const entryOf = (hullId: string): EntryRow | undefined => tables.outbox.get([remote, tenant, type, hullId]);
  return dueRows(tables, tables.queue, [remote, tenant, type], limit, entryOf);
}

/** Makes due what waits for a retry; unconfirmed creates keep their time. */
export function retryEntriesNow(tables: Tables, lane: Lane): Promise<void> {
  // Nothing ends or begins, so nothing is counted.
  const entries = openEntries(tables, openLedger(tables), lane, []);
  return walk(tables.kv, tables.queue, [lane.remote, lane.tenant], (key, hullId) => {
    const entry = Number(key[3]) > tables.now() ? entries.get(String(key[2]), hullId) : undefined;
    if (entry === undefined || entry.unconfirmed !== undefined) return;
    entries.put(entry, { ...entry, notBeforeMs: tables.now() });
  });
}
