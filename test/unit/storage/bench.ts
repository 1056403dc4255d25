/** A store on either adapter with a clock that stands still, for tests that hold for both. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedStore } from "../../../src/storage/embedded";
import type { KeyValue } from "../../../src/storage/database/kv";
import { createLmdbKeyValue } from "../../../src/storage/database/lmdb";
import { createMemoryKeyValue } from "../../../src/storage/database/memory";
import type { EntryRow, RecordRow } from "../../../src/storage/port/rows";
import type { Acceptance, Accepted, Settlement, Settled, Store } from "../../../src/storage/port/store";
import { auditOf } from "./audit";
import { LANE } from "./builders";

export const START_MS = 1_750_000_000_000;
export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

export type Adapter = "memory" | "lmdb";

export interface Bench {
  readonly store: Store;
  readonly kv: KeyValue;
  readonly clock: { nowMs: number };
  /** The entry of a record of the default lane; throws when there is none. */
  readonly entry: (type: string, hullId: string) => Promise<EntryRow>;
  /** The same, undefined when there is none. */
  readonly find: (type: string, hullId: string) => Promise<EntryRow | undefined>;
  readonly record: (type: string, hullId: string) => Promise<RecordRow>;
  /** Takes one message in. */
  readonly accept: (acceptance: Acceptance) => Promise<Accepted>;
  readonly settle: (...settlements: readonly Settlement[]) => Promise<Settled>;
  /** Journals the content that waits; throws when it was refused. */
  readonly attempt: (type: string, hullId: string, kind?: "create" | "update") => Promise<EntryRow>;
  /** Ends of this lane's messages by `type/outcome/code`. */
  readonly outcomes: () => Promise<Readonly<Record<string, number>>>;
  readonly close: () => Promise<void>;
}

export async function openBench(adapter: Adapter): Promise<Bench> {
  const folder = adapter === "lmdb" ? mkdtempSync(join(tmpdir(), "store-")) : undefined;
  const kv = folder === undefined ? createMemoryKeyValue() : createLmdbKeyValue(folder);
  const clock = { nowMs: START_MS };
  const store = await createEmbeddedStore({ kv, now: () => clock.nowMs });

  async function find(type: string, hullId: string): Promise<EntryRow | undefined> {
    const [view] = await store.view(LANE, type, [hullId]);
    return view?.entry;
  }

  async function entry(type: string, hullId: string): Promise<EntryRow> {
    const found = await find(type, hullId);
    if (found === undefined) throw new Error(`Nothing of ${type} ${hullId} is in the outbox.`);
    return found;
  }

  return {
    store,
    kv,
    clock,
    find,
    entry,
    record: async (type, hullId) => {
      const [view] = await store.view(LANE, type, [hullId]);
      if (view?.record === undefined) throw new Error(`${type} ${hullId} is not known.`);
      return view.record;
    },
    accept: async (acceptance) => {
      const [accepted] = await store.accept([acceptance]);
      if (accepted === undefined) throw new Error("Every message gets an answer.");
      return accepted;
    },
    settle: (...settlements) => store.settle(LANE, settlements),
    attempt: async (type, hullId, kind = "create") => {
      const waiting = await entry(type, hullId);
      const seq = waiting.content?.seq ?? 0;
      const journaled = await store.attempt(LANE, [{ type, hullId, seq, kind }]);
      if (journaled[0] !== true) throw new Error(`${type} ${hullId} could not be journaled.`);
      return entry(type, hullId);
    },
    outcomes: async () => (await store.tally(LANE.tenant)).outcomes,
    close: async () => {
      await store.close();
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Tests for both adapters. After each the books are audited: depths, indexes and counts must fit the rows.
 * @param tests gets a function that returns the bench of the running test
 */
export function describeStore(title: string, tests: (bench: () => Bench) => void): void {
  describe.each(["memory", "lmdb"] as const)(`${title} (%s)`, (adapter) => {
    let bench: Bench | undefined;
    beforeEach(async () => {
      bench = await openBench(adapter);
    });
    afterEach(async () => {
      const open = bench;
      bench = undefined;
      if (open === undefined) return;
      const audit = auditOf(open.kv);
      await open.close();
      expect(audit).toEqual([]);
    });
    tests(() => {
      if (bench === undefined) throw new Error("The bench opens before each test.");
      return bench;
    });
  });
}
