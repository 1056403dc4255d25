import type { Database, Rows } from "../../../src/storage/database/rows";
import { deadLetterId } from "../../../src/storage/port/dead-letters";
import {
  LANE,
  NEIGHBOUR,
  blockOn,
  deliver,
  deliverQuietly,
  finish,
  skipFor,
  update,
  userUpdate,
  seen,
} from "./builders";
import {
  ALERTS,
  KEYED_CALLS,
  CONTENTS,
  DEPTH,
  GRANTS,
  HOURS,
  LISTED,
  MIRRORS,
  PAUSES,
  RECORDS,
  REMOTES,
  REPORTS,
  RUN_COUNTS,
  RUNS,
  TALLY,
  TENANTS,
} from "../../../src/storage/tables/tables";
import { indexName } from "../../../src/storage/tables/view";
import { auditOf } from "./audit";
import { describeEachStore, openStore, setUpDatabases, START_MS } from "./fixture";

const USER = { types: ["endusers"], children: ["activities"] };
const MAIL = "person-e1@example.com";
const OTHER = { ...LANE, remote: "org|planhat|t2" };

/** Tables, indexes and counters that hold something of a tenant. What is kept for a time of its own is not among them. */
const NAMES = [
  ...[TENANTS, GRANTS, KEYED_CALLS, REMOTES, RECORDS, CONTENTS, MIRRORS, LISTED, PAUSES, ALERTS, RUNS, REPORTS].flatMap(
    (table) => [table.name, ...Object.keys(table.indexes).map((index) => indexName(table, index))],
  ),
  ...[TALLY, HOURS, DEPTH, RUN_COUNTS].map(({ name }) => name),
];

/** Names of the tables whose rows are like that. */
const tablesWhere = (database: Database, is: (rows: readonly unknown[]) => boolean): Promise<readonly string[]> =>
  database.read((rows) => NAMES.filter((name) => is([...rows.range(name, [])])));

/** Names of the tables in which the text occurs, in a key or in a row. */
const whereIs = (database: Database, text: string): Promise<readonly string[]> =>
  tablesWhere(database, (rows) => JSON.stringify(rows).includes(text));

const filled = (database: Database): Promise<readonly string[]> => tablesWhere(database, (rows) => rows.length > 0);

describeEachStore(
  "a forgotten user",
  ({ install, refuse, start, accept, attempt, entry, find, first, database, outcomes, settle, store, write }) => {
    const user = (more: object = {}) =>
      userUpdate({ parent: "a1", hullId: "e1", fields: { email: MAIL }, keys: { email: MAIL }, ...more });
    const forget = async () => store.forgetEntity(LANE.tenant, USER, "e1");

    const linkCompany = async (): Promise<void> => {
      await write(update({ id: "c1" }));
    };

    it.each([
      ["waits", [], 1],
      ["waits behind its company", ["block"], 1],
      ["is in flight", ["attempt"], 1],
      ["is in flight with a newer message behind it", ["attempt", "newer"], 2],
    ] as const)("that %s ends skipped, and leaves nothing behind", async (_, steps, count) => {
      await accept(user());
      for (const step of steps) {
        if (step === "block") await settle(blockOn(await entry("endusers", "e1")));
        if (step === "attempt") await attempt("endusers", "e1");
        if (step === "newer") await accept(user({ id: "u2", version: 2 }));
      }
      const ended = await forget();
      expect(ended).toHaveLength(count);
      for (const each of ended) {
        expect(each).toMatchObject({ claims: {}, outcome: { outcome: "skipped", code: "forgotten" } });
      }
      expect(await find("endusers", "e1")).toBeUndefined();
      expect(await outcomes()).toEqual({ "endusers/skipped/forgotten": count });
      expect((await store.tally(LANE.tenant)).messages).toBe(count);
      expect(await whereIs(database(), MAIL)).toEqual([]);
      expect(await whereIs(database(), '"e1"')).toEqual([]);
    });

    it("is not written down again by the delivery that was under way", async () => {
      await linkCompany();
      const flying = await start(user());
      await forget();
      expect(await settle(deliver(flying, "p-e1", { mirror: { keys: { email: MAIL } } }))).toEqual({ outcomes: [] });
      expect(await whereIs(database(), MAIL)).toEqual([]);
    });

    it("that Planhat has and Hull was to be told ends as delivered", async () => {
      await linkCompany();
      await settle(deliver(await start(user()), "p-e1", { mirror: { keys: { email: MAIL } } }));
      const [row] = await store.hullUpdates(LANE, 9);
      expect(await forget()).toMatchObject([{ outcome: { outcome: "sent" } }]);
      expect(await outcomes()).toMatchObject({ "endusers/sent/updated": 1 });
      expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 0 });
      expect(await whereIs(database(), MAIL)).toEqual([]);
      // The answer of Hull that was still under way finds nobody.
      if (row === undefined) throw new Error("It was to be told.");
      expect(await store.confirmed(LANE, [{ row }])).toEqual([]);
    });

    it("leaves neither link nor content, and the last scan proves no absence any more", async () => {
      await linkCompany();
      await store.observe(LANE.remote, "endusers", 5, 0, [], { startedAtMs: 5, size: 9 });
      await write(user(), "p-e1", { keys: { email: MAIL } });
      await forget();
      expect(await whereIs(database(), MAIL)).toEqual([]);
      expect(await store.view(LANE, "endusers", ["e1"])).toEqual([{}]);
      expect(await store.mirrors(LANE, "endusers", ["p-e1"])).toEqual([undefined]);
      expect((await store.remote(LANE.remote)).scans["endusers"]).toEqual({ startedAtMs: 0, size: 9 });
    });

    it("is also forgotten as what it was linked to in an earlier generation", async () => {
      await linkCompany();
      for (const [version, id] of [
        [1, "old"],
        [2, "new"],
      ] as const) {
        await write(user({ id: `u${version}`, version }), id, { keys: { email: MAIL } });
        if (version === 1) await store.newGeneration(LANE.remote);
      }
      await forget();
      expect(await whereIs(database(), MAIL)).toEqual([]);
    });

    it("leaves no dead letter, and no dead letter or waiting event of his", async () => {
      const of = { parent: "e1", parentType: "endusers" };
      const event = (hullId: string) =>
        update({ type: "activities", hullId, id: "u1", version: 0, fields: { email: MAIL }, ...of });
      await store.accept([event("event-1"), event("event-2")]);
      await settle(finish(await attempt("activities", "event-1"), "dead", "unconfirmed"));
      await accept(update({ type: "activities", hullId: "event-3", id: "u9", version: 0 }));
      await refuse(user());
      await forget();
      expect(await whereIs(database(), MAIL)).toEqual([]);
      expect(await store.deadLettersOf(LANE)).toEqual([]);
      expect(await outcomes()).toMatchObject({ "activities/skipped/forgotten": 1 });
      expect(await store.ready(LANE, "activities", 9)).toMatchObject([{ hullId: "event-3" }]);
    });

    it("is forgotten wherever the tenant's records were kept before", async () => {
      await refuse(user());
      await install(OTHER);
      await forget();
      expect(await whereIs(database(), MAIL)).toEqual([]);
    });

    it("may come back as somebody new", async () => {
      await accept(user({ version: 5 }));
      await forget();
      expect((await accept(user({ id: "u2", version: 1 }))).state).toBe("queued");
      expect((await entry("endusers", "e1")).content?.messageId).toBe("u2");
    });

    it("who is unknown changes nothing", async () => {
      await accept(user());
      expect(await store.forgetEntity(LANE.tenant, USER, "e9")).toEqual([]);
      expect(await outcomes()).toEqual({});
      expect(await store.depth(LANE)).toEqual({ outbox: 1, hullUpdates: 0 });
    });

    it("is not told to Hull again by the delivery that was under way, while a neighbour still delivers", async () => {
      await store.accept([user(), user({ lane: NEIGHBOUR, id: "u2", version: 2 })]);
      const flying = await attempt("endusers", "e1");
      await forget();
      await settle(deliver(flying, "p-e1"));
      expect(await store.hullUpdates(LANE, 9)).toEqual([]);
      expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 0 });
    });

    it("does not take what a neighbour on the same remote still delivers", async () => {
      await store.accept([user(), user({ lane: NEIGHBOUR, id: "u2", version: 2 })]);
      await forget();
      await store.settle(NEIGHBOUR, [deliverQuietly(await first(NEIGHBOUR, "endusers"), "p-e1")]);
      expect(await store.view(NEIGHBOUR, "endusers", ["e1"])).toMatchObject([{ record: { remoteId: "p-e1" } }]);
    });
  },
);

/** What happens instead of a commit, or after it. */
type Happening = (commit: () => Promise<unknown>) => Promise<unknown>;

/** A store of which one commit is interfered with: `before` are those before it, counted from now on. */
async function openInterrupted(database: Database) {
  let left: { before: number; happen: Happening } | undefined;
  const write: Database["write"] = async (work) => {
    if (left === undefined || left.before-- > 0) return database.write(work);
    const { happen } = left;
    left = undefined;
    let result: unknown;
    await happen(async () => (result = await database.write(work)));
    return result as ReturnType<typeof work>["result"];
  };
  const store = await openStore({ database: { ...database, write }, now: () => START_MS });
  return { database, store, on: (before: number, happen: Happening) => void (left = { before, happen }) };
}

describe("forgetting a user in several commits", () => {
  const { openDatabase } = setUpDatabases();
  const user = (more: object = {}) => userUpdate({ parent: "a1", hullId: "e1", ...more });

  it.each([0, 1])("takes nothing along that came meanwhile (%i)", async (before) => {
    const { store, database, on } = await openInterrupted(openDatabase("memory"));
    await store.accept([user()]);
    on(before, async (commit) => {
      await commit();
      await store.accept([user({ id: "u2", version: 2 })]);
    });
    await store.forgetEntity(LANE.tenant, USER, "e1");
    const [view] = await store.view(LANE, "endusers", ["e1"]);
    expect(view?.entry?.content?.messageId).toBe("u2");
    expect(await auditOf(database)).toEqual([]);
  });

  it.each([1, 2, 3])("can be begun again when it was interrupted (%i)", async (before) => {
    const { store, database, on } = await openInterrupted(openDatabase("memory"));
    const event = update({ type: "activities", hullId: "event-1", version: 0, parent: "e1", parentType: "endusers" });
    await store.accept([user(), event]);
    on(before, () => Promise.reject(new Error("The process ended.")));
    const ended = await store.forgetEntity(LANE.tenant, USER, "e1").catch(() => undefined);
    expect(ended).toBeUndefined();
    await store.forgetEntity(LANE.tenant, USER, "e1");
    expect(await whereIs(database, "event-1")).toEqual([]);
    expect(await whereIs(database, '"e1"')).toEqual([]);
    expect((await store.tally(LANE.tenant)).outcomes).toEqual({
      "activities/skipped/forgotten": 1,
      "endusers/skipped/forgotten": 1,
    });
  });
});

describeEachStore("a forgotten tenant", ({ install, database, clock, store }) => {
  /** Something of everything. */
  const fill = async (lane = LANE, connectorId = "c1"): Promise<void> => {
    await install(lane);
    const name = (hullId: string): string => `${hullId}-of-${connectorId}`;
    const entry = async (type: string, hullId: string) => {
      const [view] = await store.view(lane, type, [name(hullId)]);
      if (view?.entry === undefined) throw new Error("It waits.");
      return view.entry;
    };
    await store.accept([
      ...["a1", "a2", "a3", "a5"].map((hullId) => update({ id: name(hullId), hullId: name(hullId), lane })),
      userUpdate({ parent: name("a4"), hullId: name("e1"), lane }),
    ]);
    await store.settle(lane, [
      deliver(await entry("companies", "a1"), name("p1"), { mirror: { keys: { externalId: name("x1") } } }),
      finish(await entry("companies", "a2"), "rejected", "refused"),
      skipFor(await entry("companies", "a5"), name("p1")),
      blockOn(await entry("endusers", "e1")),
    ]);
    await store.beginCall(lane.tenant, "k1", { by: "caller", sealed: "sealed" });
    await store.pause(lane, "*", { kind: "auth", message: "401", sinceMs: 1, untilMs: 2 });
    const alert = { subject: lane.tenant, kind: "connector.paused", receiver: "r", sinceMs: 1, mayKnow: true };
    await store.putAlert({ ...alert, title: "Paused", text: "401" });
    await store.observe(lane.remote, "companies", 5, 0, [], { startedAtMs: 5, size: 1 });
  };

  const expectNothingLeft = async (): Promise<void> => expect(await filled(database())).toEqual([]);

  it("leaves nothing", async () => {
    await fill();
    expect(await store.forgetTenant(LANE.tenant)).toBeGreaterThan(10);
    await expectNothingLeft();
    expect(await store.forgetTenant(LANE.tenant)).toBe(0);
  });

  it("leaves a neighbour on the same remote everything that they share", async () => {
    await fill();
    await fill(NEIGHBOUR, "c2");
    const [before] = await store.view(NEIGHBOUR, "companies", ["a1-of-c2"]);
    await store.forgetTenant(LANE.tenant);
    expect(await store.tenants()).toMatchObject([{ key: NEIGHBOUR.tenant }]);
    expect(await store.view(NEIGHBOUR, "companies", ["a1-of-c2"])).toEqual([before]);
    expect(await store.depth(NEIGHBOUR)).toEqual({ outbox: 3, hullUpdates: 1 });
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 0 });
    expect(await store.deadLetter(deadLetterId({ ...NEIGHBOUR, type: "companies", hullId: "a2-of-c2" }))).toBeDefined();
    expect((await store.tally(LANE.tenant)).messages).toBe(0);
    expect(await store.deadLettersOf(LANE)).toEqual([]);
    // With the last one, the remote goes too.
    await store.forgetTenant(NEIGHBOUR.tenant);
    expect(await store.view(NEIGHBOUR, "companies", ["a1-of-c1"])).toEqual([{}]);
  });

  it("leaves nothing at a remote either that it had left", async () => {
    await fill();
    await store.assign(LANE.tenant, OTHER.remote, "g");
    await store.forgetTenant(LANE.tenant);
    await expectNothingLeft();
  });

  it("takes its time with many rows, and gets through", async () => {
    const many = Array.from({ length: 1_300 }, (_, index) => update({ hullId: `a${index}`, id: `c${index}` }));
    await store.accept(many);
    expect(await store.forgetTenant(LANE.tenant)).toBeGreaterThan(2_600);
    expect(await store.lanes()).toEqual([]);
  });

  it("leaves nothing of what a fetch that was under way wrote after it", async () => {
    await fill();
    const remotes = await store.remotesOf(LANE.tenant);
    const late = seen("p9", { keys: { email: "late@acme.example" } });
    const line = { type: "endusers", hullId: "", remoteId: "p9", outcome: "sent", code: "told", text: "" };
    const page = { readAtMs: clock.nowMs, run: "r9" };
    await store.forgetTenant(LANE.tenant);
    await store.takeFetched(LANE.remote, "endusers", { ...page, settleMs: 0, rows: [{ seen: late, line }] });
    await store.markSeen(LANE.remote, "endusers", { ...page, ids: ["p8"], outcome: "unchanged", code: "not_touched" });
    await store.forgetTenant(LANE.tenant, remotes);
    await expectNothingLeft();
  });

  it("that is unknown changes nothing", async () => {
    await fill();
    expect(await store.forgetTenant("planhat/org/c9")).toBe(0);
    expect(await store.tenants()).toHaveLength(1);
  });
});

describe("forgetting a user among many", () => {
  const { openDatabase } = setUpDatabases();

  it("looks at what waits, not at everything that there ever was", async () => {
    const database = openDatabase("memory");
    let looked = 0;
    const counted = (rows: Rows): Rows => ({
      ...rows,
      get: (table, key) => {
        looked += table === RECORDS.name ? 1 : 0;
        return rows.get(table, key);
      },
      *range(table, prefix, options) {
        for (const row of rows.range(table, prefix, options)) {
          looked += table === RECORDS.name ? 1 : 0;
          yield row;
        }
      },
    });
    const read: Database["read"] = (work) => database.read((rows) => work(counted(rows)));
    const store = await openStore({ database: { ...database, read }, now: () => START_MS });
    const of = { parent: "e1", parentType: "endusers" };
    const event = (hullId: string, more: object = of) => update({ type: "activities", hullId, version: 0, ...more });
    await store.accept(Array.from({ length: 600 }, (_, index) => event(`done-${index}`, {})));
    const done = await store.ready(LANE, "activities", 600);
    await store.settle(
      LANE,
      done.map((each) => finish(each, "sent", "tracked")),
    );
    await store.accept([event("waits"), event("flies"), event("blocked"), event("dead"), event("other", {})]);
    const [waits, flies, blocked, dead] = await store.ready(LANE, "activities", 9);
    if (waits === undefined || flies === undefined || blocked === undefined || dead === undefined)
      throw new Error("They are due.");
    await store.settle(LANE, [blockOn(blocked), finish(dead, "dead", "unconfirmed")]);
    const { type, hullId, content } = flies;
    await store.attempt(LANE, [{ type, hullId, seq: content?.seq ?? 0, repeatable: false }]);
    looked = 0;
    await store.forgetEntity(LANE.tenant, USER, "e1");
    expect(looked).toBeLessThan(50);
    expect((await store.ready(LANE, "activities", 9)).map((each) => each.hullId)).toEqual(["other"]);
    expect(await store.depth(LANE)).toEqual({ outbox: 1, hullUpdates: 0 });
    for (const name of ["waits", "flies", "blocked", "dead"]) expect(await whereIs(database, `"${name}"`)).toEqual([]);
  });
});

describe("forgetting a tenant in several commits", () => {
  const { openDatabase } = setUpDatabases();
  const THIRD = { ...LANE, tenant: "planhat/org/c3" };

  it.each([0, 1, 2, 3, 4])("leaves to nobody what came meanwhile (%i)", async (before) => {
    const { store, database, on } = await openInterrupted(openDatabase("memory"));
    await store.accept([update({ hullId: "a1" }), update({ hullId: "a1", id: "n1", lane: NEIGHBOUR })]);
    const [flying] = await store.ready(LANE, "companies", 1);
    const { type = "", hullId = "", content } = flying ?? {};
    await store.attempt(LANE, [{ type, hullId, seq: content?.seq ?? 0, repeatable: true }]);
    const remotes = await store.remotesOf(LANE.tenant);
    let isLate = false;
    on(before, async (commit) => {
      await commit();
      isLate = true;
      await store.accept([update({ hullId: "a0", id: "late" })]);
    });
    await store.forgetTenant(LANE.tenant);
    expect(isLate).toBe(true);
    // Another connector comes before the rest of the tenant is erased.
    await store.accept([update({ hullId: "a9", id: "t1", lane: THIRD })]);
    await store.forgetTenant(LANE.tenant, remotes);
    expect(await auditOf(database)).toEqual([]);
    expect((await store.ready(THIRD, "companies", 9)).map(({ hullId }) => hullId)).toEqual(["a9"]);
    expect(await store.depth(NEIGHBOUR)).toEqual({ outbox: 1, hullUpdates: 0 });
    expect(JSON.stringify(await database.read((rows) => [...rows.range("remotes", [])]))).not.toContain(LANE.tenant);
    expect(await database.read((rows) => [...rows.range("flights", [])])).toEqual([]);
  });

  it.each([1, 2, 3, 4])("can be begun again when it was interrupted (%i)", async (before) => {
    const { store, database, on } = await openInterrupted(openDatabase("memory"));
    await store.accept([update({ hullId: "a1" }), update({ hullId: "a1", id: "n1", lane: NEIGHBOUR })]);
    on(before, () => Promise.reject(new Error("The process ended.")));
    await expect(store.forgetTenant(LANE.tenant)).rejects.toThrow("The process ended.");
    await store.accept([update({ hullId: "a0", id: "late" })]);
    await store.forgetTenant(LANE.tenant);
    expect(await auditOf(database)).toEqual([]);
    expect(await store.lanes()).toEqual([NEIGHBOUR]);
    expect(JSON.stringify(await database.read((rows) => [...rows.range("remotes", [])]))).not.toContain(LANE.tenant);
  });

  it("leaves nothing of children that end meanwhile with their company", async () => {
    const { store, database, on } = await openInterrupted(openDatabase("memory"));
    await store.accept([update({ hullId: "a1" }), update({ hullId: "a9", id: "n1", lane: NEIGHBOUR })]);
    await store.accept(
      Array.from({ length: 1_200 }, (_, n) => userUpdate({ id: `u${n}`, hullId: `e${n}`, parent: "a1" })),
    );
    await store.settle(LANE, (await store.ready(LANE, "endusers", 1_200)).map(blockOn));
    const [company] = await store.ready(LANE, "companies", 1);
    if (company === undefined) throw new Error("It is due.");
    on(1, () => Promise.reject(new Error("The process ended.")));
    await expect(store.settle(LANE, [finish(company, "rejected", "refused")])).rejects.toThrow("The process ended.");
    on(0, async (commit) => {
      await commit();
      await store.recover(NEIGHBOUR, 0);
    });
    await store.forgetTenant(LANE.tenant);
    expect(await whereIs(database, LANE.tenant)).toEqual([]);
  });
});
