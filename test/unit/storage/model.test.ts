/**
 * Random histories against a handful of records of two connectors on one remote. After every step the books are
 * audited (see audit.ts); at the end everything that waits is delivered, and every message must have ended.
 */
import fc from "fast-check";
import { deadLetterId } from "../../../src/storage/port/dead-letters";
import type { EntryRow, HullUpdateRow } from "../../../src/storage/port/rows";
import type { Lane } from "../../../src/storage/port/store";
import { auditOf } from "./audit";
import { openFixture, type Adapter, type Fixture } from "./fixture";
import {
  blockOn,
  deliver,
  deliverQuietly,
  endingOf,
  finish,
  forget,
  inSync,
  LANE,
  NEIGHBOUR,
  postpone,
  skip,
  skipFor,
  update,
  workedOn,
  type MessageOptions,
} from "./builders";

const USERS = { e1: "a1", e2: "a1", e3: "a2" } as const;
const LANES = [LANE, NEIGHBOUR] as const;
/** Histories that are tried; LMDB takes far longer for one. `HISTORIES=8000 SEED=5` looks further. */
const RUNS = { memory: Number(process.env["HISTORIES"] ?? 60), lmdb: 6 };
const SEED = Number(process.env["SEED"] ?? 20_240_601);
/** A long form takes its time; the shortest has the time of any test. */
const LIMIT_MS = 180_000 + RUNS.memory * 400;
const OTHER_REMOTE = "org|planhat|t2";

type HullId = "a1" | "a2" | keyof typeof USERS;

interface Where {
  readonly hullId: HullId;
  readonly neighbour: boolean;
}

type Step =
  | (Where & { readonly kind: "update" | "skip" | "inSync"; readonly late: boolean; readonly swallows: boolean })
  | (Where & { readonly kind: "redeliver" | "express" | "orphan" })
  | (Where & { readonly kind: "attempt"; readonly create: boolean })
  | (Where & {
      readonly kind: "tell" | "quiet" | "reject" | "skipped" | "wait" | "unconfirmed" | "block" | "unlink" | "rival";
    })
  | (Where & { readonly kind: "replay" | "drop" | "erase" })
  | { readonly kind: "look" | "tellHull" | "refuse" | "defer" | "recover" | "tick" | "generation" | "move" };

type Work = Exclude<
  Extract<Step, Where>,
  | { readonly kind: "update" | "skip" | "inSync" }
  | { readonly kind: "redeliver" | "express" | "orphan" | "replay" | "drop" | "erase" }
>;

const where = {
  hullId: fc.constantFrom<HullId>("a1", "a2", "e1", "e2", "e3"),
  neighbour: fc.integer({ min: 0, max: 4 }).map((dice) => dice === 0),
};

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      ...where,
      kind: fc.constantFrom("update", "update", "update", "skip", "inSync"),
      late: fc.boolean(),
      swallows: fc.boolean(),
    }),
  },
  // Two steps at once, so that deep states are reached often: delivered already, or waiting for a company.
  {
    weight: 5,
    arbitrary: fc.record({ ...where, kind: fc.constantFrom("redeliver", "express", "express", "orphan", "orphan") }),
  },
  { weight: 4, arbitrary: fc.record({ ...where, kind: fc.constant("attempt" as const), create: fc.boolean() }) },
  {
    weight: 8,
    arbitrary: fc.record({
      ...where,
      kind: fc.constantFrom(
        ...([
          "tell",
          "tell",
          "quiet",
          "reject",
          "skipped",
          "wait",
          "unconfirmed",
          "block",
          "block",
          "unlink",
          "rival",
        ] as const),
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ ...where, kind: fc.constantFrom("replay", "replay", "replay", "drop", "erase") }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom("look", "look", "tellHull", "refuse", "defer", "recover", "tick", "generation", "move"),
    }),
  },
);

/** One history: what was sent so far, and what the write-back holds in its hands. */
function createHistory({ clock, store }: Fixture) {
  let number = 0;
  const sent: MessageOptions[] = [];
  const remotes = new Map<string, string>(LANES.map((lane) => [lane.tenant, lane.remote]));
  let looked: { readonly lane: Lane; readonly rows: readonly HullUpdateRow[] } | undefined;

  const laneOf = ({ neighbour }: { readonly neighbour: boolean }): Lane => {
    const { tenant } = neighbour ? NEIGHBOUR : LANE;
    return { tenant, remote: remotes.get(tenant) ?? LANE.remote };
  };
  const typeOf = (hullId: HullId): string => (hullId in USERS ? "endusers" : "companies");

  function nextMessage(at: Where, late: boolean): MessageOptions {
    number += 1;
    const { hullId } = at;
    const parent = hullId === "a1" || hullId === "a2" ? undefined : USERS[hullId];
    return {
      id: `m${number}`,
      type: typeOf(hullId),
      hullId,
      version: late ? number - 3 : number,
      lane: laneOf(at),
      ...(parent === undefined ? {} : { parent }),
    };
  }

  async function revisionOf(at: Where): Promise<number> {
    const [view] = await store.view(laneOf(at), typeOf(at.hullId), [at.hullId]);
    return view?.record?.revision ?? 0;
  }

  async function accept(current: Extract<Step, { kind: "update" | "skip" | "inSync" }>): Promise<void> {
    const { kind, late, swallows } = current;
    const message = nextMessage(current, late);
    const merged = swallows ? [`${message.id ?? ""}-older`] : [];
    const options = { ...message, merged };
    sent.push(message);
    if (kind === "update") await store.accept([update(options)]);
    else if (kind === "skip") await store.accept([skip(options)]);
    else {
      const revision = await revisionOf(current);
      const [first] = await store.accept([inSync(options, revision - 1)]);
      if (first?.state === "again") await store.accept([inSync(options, revision)]);
    }
  }

  async function entryOf(at: Where): Promise<EntryRow | undefined> {
    const [view] = await store.view(laneOf(at), typeOf(at.hullId), [at.hullId]);
    // The lane never works on what is blocked.
    return view?.entry?.blockedOn === undefined ? view?.entry : undefined;
  }

  async function work(current: Work): Promise<void> {
    const entry = await entryOf(current);
    if (entry === undefined) return;
    const lane = laneOf(current);
    const { hullId } = current;
    const remoteId = `p-${hullId}`;
    switch (current.kind) {
      case "attempt": {
        const seq = entry.content?.seq ?? workedOn(entry).seq;
        const { type, notBeforeMs } = entry;
        await store.attempt(lane, [{ type, hullId, seq, notBeforeMs, repeatable: !current.create }]);
        return;
      }
      case "tell":
        await store.settle(lane, [deliver(entry, remoteId)]);
        return;
      case "quiet":
        await store.settle(lane, [deliverQuietly(entry, remoteId)]);
        return;
      case "reject":
        await store.settle(lane, [finish(entry, "rejected", "refused")]);
        return;
      case "skipped":
        await store.settle(lane, [finish(entry, "skipped", "archived")]);
        return;
      case "wait":
        await store.settle(lane, [postpone(entry, clock.nowMs + 10)]);
        return;
      case "unconfirmed":
        await store.settle(lane, [postpone(entry, clock.nowMs + 10, { sinceMs: clock.nowMs, reads: 0 })]);
        return;
      case "unlink":
        await store.settle(lane, [forget(entry, `p-${entry.hullId}`)]);
        return;
      case "rival":
        // Somebody else of its kind has the record.
        await store.settle(lane, [skipFor(entry, hullId in USERS ? "p-e1" : "p-a1")]);
        return;
      case "block":
        if (entry.type === "endusers" && entry.attempt === undefined) await store.settle(lane, [blockOn(entry)]);
    }
  }

  /** The write-back takes rows, and only later says what became of them; others write meanwhile. */
  async function told(refused: boolean): Promise<void> {
    const { lane, rows } = looked ?? { lane: laneOf({ neighbour: false }), rows: await look(false) };
    const ending = endingOf("", "sent", "hull_refused");
    await store.confirmed(
      lane,
      rows.map((row) => (refused ? { row, refused: ending } : { row })),
    );
    looked = undefined;
  }

  async function look(neighbour: boolean): Promise<readonly HullUpdateRow[]> {
    const lane = laneOf({ neighbour });
    const rows = await store.hullUpdates(lane, 3);
    looked = { lane, rows };
    return rows;
  }

  async function run(current: Step): Promise<void> {
    switch (current.kind) {
      case "update":
      case "skip":
      case "inSync":
        return accept(current);
      case "redeliver": {
        const again = sent.findLast((each) => each.hullId === current.hullId);
        if (again !== undefined) await store.accept([update(again)]);
        return;
      }
      case "express":
        await accept({ ...current, kind: "update", late: false, swallows: false });
        return work({ ...current, kind: "tell" });
      case "orphan":
        await accept({ ...current, kind: "update", late: false, swallows: false });
        return work({ ...current, kind: "block" });
      case "replay":
      case "drop": {
        const id = deadLetterId({ ...laneOf(current), type: typeOf(current.hullId), hullId: current.hullId });
        if (current.kind === "drop") await store.dropDeadLetter(id);
        else await store.replayDeadLetter(id);
        return;
      }
      case "erase": {
        const what = { types: [typeOf(current.hullId)], children: [] };
        await store.forgetEntity(laneOf(current).tenant, what, current.hullId);
        return;
      }
      case "look":
        if (looked === undefined) await look(clock.nowMs % 2 === 1);
        return;
      case "tellHull":
        return told(false);
      case "refuse":
        return told(true);
      case "defer": {
        if (looked === undefined) return;
        await store.deferHullUpdates(looked.lane, looked.rows, clock.nowMs + 10);
        looked = undefined;
        return;
      }
      case "recover":
        for (const lane of await store.lanes()) await store.recover(lane, 5);
        return;
      case "tick":
        clock.nowMs += 7;
        return;
      case "generation":
        await store.newGeneration(LANE.remote);
        return;
      case "move": {
        const from = laneOf({ neighbour: false });
        const to = from.remote === LANE.remote ? OTHER_REMOTE : LANE.remote;
        await store.move(from, to);
        remotes.set(from.tenant, to);
        return;
      }
      default:
        return work(current);
    }
  }

  /** Everybody behaves well from now on: everything is delivered and told. */
  async function drain(): Promise<void> {
    looked = undefined;
    for (let round = 0; (await store.lanes()).length > 0; round += 1) {
      if (round > 20) throw new Error(`Something waits for ever: ${JSON.stringify(await store.lanes())}.`);
      clock.nowMs += 1_000;
      for (const lane of await store.lanes()) {
        await store.recover(lane, 5);
        clock.nowMs += 10;
        for (const type of ["companies", "endusers"]) {
          for (const entry of await store.ready(lane, type, 99)) {
            await store.settle(lane, [deliver(entry, `p-${entry.hullId}`)]);
          }
        }
        await store.confirmed(
          lane,
          (await store.hullUpdates(lane, 99)).map((row) => ({ row })),
        );
      }
    }
  }

  return { run, drain };
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

async function check(adapter: Adapter, steps: readonly Step[]): Promise<void> {
  const fixture = await openFixture(adapter);
  try {
    const history = createHistory(fixture);
    for (const [index, current] of steps.entries()) {
      await history.run(current);
      expect([index, ...(await auditOf(fixture.database()))]).toEqual([index]);
    }
    await history.drain();
    expect(await auditOf(fixture.database())).toEqual([]);
    for (const { tenant } of LANES) {
      const { messages, outcomes, derived } = await fixture.store.tally(tenant);
      expect(sum(outcomes)).toBe(messages);
      // Made for children: each was counted once when it was made and once when it ended.
      const made = derived["companies"] ?? 0;
      expect(sum(derived) - made).toBe(made);
    }
  } finally {
    await fixture.close();
  }
}

describe("whatever happens in whatever order", () => {
  it(
    "no entry is lost, every message ends once, and the books fit (memory)",
    async () => {
      const histories = fc.array(step, { minLength: 5, maxLength: 80 });
      await fc.assert(
        fc.asyncProperty(histories, (steps) => check("memory", steps)),
        { seed: SEED, numRuns: RUNS.memory },
      );
    },
    LIMIT_MS,
  );

  it("no entry is lost, every message ends once, and the books fit (lmdb)", async () => {
    const histories = fc.array(step, { minLength: 20, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(histories, (steps) => check("lmdb", steps)),
      { seed: 42, numRuns: RUNS.lmdb },
    );
  });
});
