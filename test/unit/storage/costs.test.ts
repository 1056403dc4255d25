/**
 * What one notification costs: rows put and removed, indexes and counters among them, as the slope between 100 and 600
 * records. Measured, with memory as the database:
 *
 * | notification                                     | rows   |
 * | ------------------------------------------------ | ------ |
 * | created: a user with e-mail and external id      | 14.030 |
 * | changed: a linked record whose keys stay         | 9.037  |
 * | unchanged, with the fingerprint of the last one  | 1.017  |
 * | unchanged, compared for the first time           | 3.017  |
 * | found equal in the service by the lane           | 7.023  |
 * | row of a first import, with two keys             | 3.007  |
 * | untouched row of a later fetch                   | 0.002  |
 */
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import type { Database } from "../../../src/storage/database/rows";
import type { HullUpdate } from "../../../src/storage/port/rows";
import type { Acceptance, FetchedRow, Settlement, Store } from "../../../src/storage/port/store";
import { openStore, START_MS } from "./fixture";
import { deliver, deliverQuietly, finish, inSync, LANE, seen, update, type MessageOptions } from "./builders";

const [FEW, MANY] = [100, 600];
const TYPE = "endusers";
/** What a record pays for the counters of its commit, which are written once for 250 records. */
const SHARE = 0.05;
/** Rows of one page of a service's list. */
const PAGE = 500;
const RUN = "r1";

/** A database that counts the rows of its commits. */
function counting(database: Database): { readonly database: Database; readonly rows: () => number } {
  let rows = 0;
  return {
    rows: () => rows,
    database: {
      ...database,
      write: async (work) => {
        const { result, changed } = await database.write((given) => {
          const done = work(given);
          return { ...done, result: { result: done.result, changed: done.changes.length } };
        });
        rows += changed;
        return result;
      },
    },
  };
}

type Step = (store: Store, clock: { nowMs: number }, count: number) => Promise<void>;

/** Rows per record of the last step, when the steps before it were done with the same records. */
async function costOf(last: Step, before: readonly Step[] = []): Promise<number> {
  const rowsFor = async (count: number): Promise<number> => {
    const { database, rows } = counting(createMemoryDatabase());
    const clock = { nowMs: START_MS };
    const store = await openStore({ database, now: () => clock.nowMs });
    // The remote, its connectors and the run have rows of their own.
    await store.beginRun({ id: RUN, tenant: LANE.tenant, kind: "fetch", type: TYPE, options: {} }, false);
    for (const step of before) await step(store, clock, count);
    const rowsBefore = rows();
    await last(store, clock, count);
    const written = rows() - rowsBefore;
    await store.close();
    return written;
  };
  return ((await rowsFor(MANY)) - (await rowsFor(FEW))) / (MANY - FEW);
}

const indexes = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

const emailOf = (index: number): string => `u${index}@example.com`;

const optionsOf = (index: number, version: number): MessageOptions => ({
  id: `m${index}/${version}`,
  type: TYPE,
  hullId: `h${index}`,
  version,
  fields: { name: `Name ${version}` },
  keys: { email: emailOf(index), externalId: `e${index}` },
});

/** A message about a user with e-mail and external id. */
function message(index: number, version: number): Acceptance {
  return { ...update(optionsOf(index, version)), claims: { email: emailOf(index), external_id: `e${index}` } };
}

/** Takes messages in as a notification brings them, and expects all of them to end, or to wait, in the same way. */
const take =
  (state: "queued" | "ended", messageOf: (index: number) => Acceptance): Step =>
  async (store, _, count) => {
    const accepted = await store.accept(indexes(count).map(messageOf));
    expect(new Set(accepted.map((each) => each.state))).toEqual(new Set([state]));
  };

/** What the service holds after a delivery. */
const heldOf = (index: number, version: number, nowMs: number): Settlement["mirror"] & object => ({
  id: `p${index}`,
  keys: { email: emailOf(index), externalId: `e${index}` },
  facts: { name: { remote: `f${version}`, sent: `f${version}` } },
  fresh: version === 1,
  writtenAtMs: nowMs,
});

const tellOf = (index: number, version: number): Partial<HullUpdate> => ({
  attributes: { "planhat/id": `p${index}`, "planhat/name": `Name ${version}` },
  facts: { _id: `p${index}`, name: `f${version}` },
});

/** Delivers what waits, all of it at once, and lets Hull confirm it. */
const delivered =
  (version: number, repeatable: boolean): Step =>
  async (store, clock, count) => {
    const entries = await store.ready(LANE, TYPE, count + 1);
    expect(entries).toHaveLength(count);
    const attempts = entries.map(({ type, hullId, content }) => ({ type, hullId, seq: content?.seq ?? 0, repeatable }));
    expect(new Set(await store.attempt(LANE, attempts))).toEqual(new Set([true]));
    const settlements = entries.map((entry) => {
      const index = Number(entry.hullId.slice(1));
      return deliver(entry, `p${index}`, {
        mirror: heldOf(index, version, clock.nowMs),
        tell: tellOf(index, version),
      });
    });
    await store.settle(LANE, settlements);
    clock.nowMs += 1_000;
    const rows = await store.hullUpdates(LANE, count + 1);
    expect(rows).toHaveLength(count);
    const outcomes = await store.confirmed(
      LANE,
      rows.map((row) => ({ row })),
    );
    expect(outcomes).toHaveLength(count);
  };

/** The service holds them already, and Hull knows everything: nothing is written, and nothing told. */
const comparedEqual: Step = async (store, _, count) => {
  const entries = await store.ready(LANE, TYPE, count + 1);
  const settlements = entries.map((entry) =>
    deliverQuietly(entry, `p${entry.hullId.slice(1)}`, { facts: { name: { remote: "f1", sent: "f1" } } }),
  );
  expect(settlements).toHaveLength(count);
  await store.settle(LANE, settlements);
};

const inOneStep =
  (...steps: readonly Step[]): Step =>
  async (...given) => {
    for (const step of steps) await step(...given);
  };

const created = inOneStep(
  take("queued", (index) => message(index, 1)),
  delivered(1, false),
);

const changed = inOneStep(
  take("queued", (index) => message(index, 2)),
  delivered(2, true),
);

/** A message that was compared, and says nothing that the service does not hold. */
function compared(index: number, version: number, revision: number): Acceptance {
  const { claims } = message(index, version);
  const { content, ...rest } = inSync(optionsOf(index, version), revision);
  if (content.kind !== "unchanged") throw new Error("A message in sync ends unchanged.");
  return { ...rest, claims, content: { ...content, fingerprint: "the same" } };
}

/** A message with the fingerprint of the last one. */
function repeated(index: number, version: number): Acceptance {
  const { content, ...rest } = compared(index, version, 0);
  if (content.kind !== "unchanged") throw new Error("A message in sync ends unchanged.");
  return { ...rest, content: { kind: "same", outcome: content.outcome, fingerprint: "the same" } };
}

const listedRow = (index: number): FetchedRow => ({
  seen: seen(`p${index}`, {
    keys: { email: emailOf(index), externalId: `e${index}` },
    facts: { name: "f1" },
  }),
  confirmed: { facts: { name: "f1" }, rest: [0, 7], mapping: 7 },
  line: { type: TYPE, hullId: "", remoteId: `p${index}`, outcome: "sent", code: "told", text: "Told." },
});

const pagesOf = (count: number): readonly (readonly number[])[] =>
  Array.from({ length: Math.ceil(count / PAGE) }, (_, page) => indexes(count).slice(page * PAGE, (page + 1) * PAGE));

const fetched: Step = async (store, { nowMs }, count) => {
  for (const page of pagesOf(count)) {
    const rows = page.map(listedRow);
    await store.takeFetched(LANE.remote, TYPE, { readAtMs: nowMs, settleMs: 0, rows, run: RUN });
  }
  expect(await store.run(RUN)).toMatchObject({ done: count });
};

const LATER = "r2";

const begunLater: Step = async (store) => {
  await store.beginRun({ id: LATER, tenant: LANE.tenant, kind: "fetch", type: TYPE, options: {} }, false);
};

const untouched: Step = async (store, { nowMs }, count) => {
  for (const page of pagesOf(count)) {
    const ids = page.map((index) => `p${index}`);
    const batch = { readAtMs: nowMs, run: LATER, ids, outcome: "unchanged", code: "not_touched" };
    await store.markSeen(LANE.remote, TYPE, batch);
  }
  expect(await store.run(LATER)).toMatchObject({ done: count });
};

describe("rows that are written per record", () => {
  it("that is created: at most 14, from the message to Hull's confirmation", async () => {
    expect(await costOf(created)).toBeLessThan(14 + SHARE);
  });

  it("that is changed, its keys aside: at most 9, from the message to Hull's confirmation", async () => {
    expect(await costOf(changed, [created])).toBeLessThan(9 + SHARE);
  });

  it("that has a dead letter, which is not written again: at most 3 for a message that waits", async () => {
    const waits = (version: number): Step => take("queued", (index) => message(index, version));
    const refused: Step = async (store, _, count) => {
      const entries = await store.ready(LANE, TYPE, count + 1);
      await store.settle(
        LANE,
        entries.map((entry) => finish(entry, "rejected", "refused")),
      );
    };
    const cost = await costOf(waits(3), [waits(1), refused, waits(2)]);
    expect(cost).toBeLessThan(3 + SHARE);
  });

  it("that is unchanged, and was so before: at most 1", async () => {
    const first = take("ended", (index) => compared(index, 2, 1));
    const again = take("ended", (index) => repeated(index, 3));
    expect(await costOf(again, [created, first])).toBeLessThan(1 + SHARE);
  });

  it("that is unchanged, and met for the first time: at most 3", async () => {
    const first = take("ended", (index) => compared(index, 1, 0));
    expect(await costOf(first)).toBeLessThan(3 + SHARE);
  });

  it("that is found equal in the service, and linked: at most 7", async () => {
    const linked = inOneStep(
      take("queued", (index) => message(index, 1)),
      comparedEqual,
    );
    expect(await costOf(linked, [fetched])).toBeLessThan(7 + SHARE);
  });

  it("that a first import lists: at most 2, and one for each key", async () => {
    const keys = Object.keys(listedRow(0).seen.keys).length;
    expect(await costOf(fetched)).toBeLessThanOrEqual(2 + keys);
  });

  it("that a later fetch lists, untouched: at most a hundredth", async () => {
    expect(await costOf(untouched, [fetched, begunLater])).toBeLessThanOrEqual(0.01);
  });
});
