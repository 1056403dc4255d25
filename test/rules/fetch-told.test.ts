/** What a fetch could not tell is told later: never forgotten, never counted as known, never told instead of a write-back. */
import { COUNT, person, putCompany, bodies, useFullPlanhat } from "./full-planhat";
import { account, minute, user } from "./stage";

const { open, openFull, openKnown } = useFullPlanhat();

describe("while Hull", () => {
  test.each([500, 503, 429])("answers %i for a while, the fetch waits and everything is told once", async (status) => {
    const stage = await openFull();
    stage.hull.faults.add({ kind: "status", status, route: "POST /firehose", count: 10 });
    const told = await stage.fetchBoth();
    expect(told).toHaveLength(3 * COUNT);
    expect(stage.hull.books.snapshot().noOpItems).toBe(0);
    expect(
      (await stage.connector.store.runs({ tenant: stage.tenantKey, limit: 2 })).map(({ counts }) => counts),
    ).toEqual([{ "endusers/sent/told": COUNT }, { "companies/sent/told": COUNT }]);
    expect(await stage.fetchBoth()).toEqual([]);
  });

  test.each([500, 401, 402, 403, 404])(
    "answers nothing but %i, the fetch ends in an error, and the next one tells everything",
    async (status) => {
      const stage = await openFull();
      const down = stage.hull.faults.add({ kind: "status", status, route: "POST /firehose" });
      const failed = await stage.fetch("accounts");
      expect(failed).toMatchObject({ state: "error", done: 0, counts: {} });
      expect(failed.error).toContain(String(status === 500 ? "Hull cannot be updated" : status));
      down.remove();
      await stage.fetchBoth();
      expect(stage.hull.profiles.snapshot().accounts).toHaveLength(COUNT);
    },
  );

  test("takes the first half and then nothing more, the second half is told by the next fetch", async () => {
    const stage = await open();
    for (let number = 1; number <= 120; number += 1) putCompany(stage, number);
    let requests = 0;
    const down = stage.hull.faults.add({
      kind: "status",
      status: 503,
      route: ({ route }) => route === "POST /firehose" && (requests += 1) > 1,
    });
    const failed = await stage.fetch("accounts");
    expect(failed).toMatchObject({ state: "error", done: 50, counts: { "companies/sent/told": 50 } });
    down.remove();
    const run = await stage.fetch("accounts");
    expect(run).toMatchObject({ state: "success", done: 120 });
    expect(run.counts).toEqual({ "companies/sent/told": 70, "companies/unchanged/known": 50 });
    expect(stage.hull.books.snapshot().noOpItems).toBe(0);
  });

  test("takes a little now and then, a page of many steps is told to its end", async () => {
    const stage = await open();
    for (let number = 1; number <= 450; number += 1) putCompany(stage, number);
    let requests = 0;
    const slow = stage.hull.faults.add({
      kind: "status",
      status: 503,
      // Less than one a try, and the page needs more than the eight tries of a Hull that takes nothing.
      route: ({ route }) => route === "POST /firehose" && (requests += 1) % 25 !== 0,
    });
    const run = await stage.fetch("accounts");
    slow.remove();
    expect(run).toMatchObject({ state: "success", counts: { "companies/sent/told": 450 } });
    expect(requests).toBeGreaterThan(8 * 20);
    expect(stage.hull.books.snapshot().noOpItems).toBe(0);
  });

  test("has an answer lost after it took the batch, it is told once more and counted once", async () => {
    const stage = await openFull();
    stage.hull.faults.add({ kind: "reset-after", route: "POST /firehose", count: 1 });
    const run = await stage.fetch("accounts");
    expect(run).toMatchObject({ state: "success", done: COUNT, counts: { "companies/sent/told": COUNT } });
    expect(await stage.fetchBoth()).toHaveLength(2 * COUNT);
  });
});

describe("an item that Hull refuses for good", () => {
  test("is counted as such, hurts nobody else, and is told again by the next fetch", async () => {
    const stage = await openFull();
    const end = stage.hull.refuse(({ body }) => body["planhat/name"] === "Acme 4");
    const run = await stage.fetch("accounts");
    expect(run.counts).toEqual({ "companies/sent/told": COUNT - 1, "companies/sent/hull_refused": 1 });
    expect(run.state).toBe("success");
    const again = await stage.fetch("accounts");
    expect(again.counts).toMatchObject({ "companies/sent/hull_refused": 1 });
    end();
    stage.pass(60);
    expect(bodies(await stage.during(() => stage.fetch("accounts")))).toMatchObject([{ "planhat/name": "Acme 4" }]);
  });

  test("is told again although the record was not touched since", async () => {
    const stage = await openKnown();
    stage.pass(60);
    putCompany(stage, 4, { phase: "Live", updatedAt: stage.ago(30) });
    const end = stage.hull.refuse(({ body }) => body["planhat/phase"] === "Live");
    expect((await stage.fetch("accounts")).counts).toMatchObject({ "companies/sent/hull_refused": 1 });
    end();
    stage.pass(180);
    await stage.fetch("accounts");
    stage.pass(180);
    await stage.fetch("accounts");
    const found = [...stage.hull.profiles.accounts.values()].find(({ external_id }) => external_id === "acme-4");
    expect(found?.attributes).toMatchObject({ "planhat/phase": "Live" });
  });
});

describe("a record of which our own write", () => {
  async function openLinked() {
    const stage = await openFull();
    stage.seed([account(1)], [user(1)]);
    await stage.tellUser(user(1), account(1));
    await stage.settled();
    stage.pass(1);
    await stage.fetchBoth();
    return stage;
  }

  test("waits is left to the write-back", async () => {
    const stage = await openLinked();
    stage.pass(60);
    const down = stage.planhat.faults.add({ kind: "status", status: 503, route: "PUT /endusers" });
    await stage.tellUser(user(1, { position: "Captain", indexed_at: minute(1) }), account(1));
    const run = await stage.fetch("users");
    expect(run.counts).toMatchObject({ "endusers/skipped/in_flight": 1 });
    down.remove();
    const told = await stage.during(() => stage.settledWithHelp());
    expect(told.map(({ body }) => body["planhat/position"])).toEqual(["Captain"]);
  });

  test("arrived while the page was on its way is left to the write-back", async () => {
    const stage = await openLinked();
    stage.pass(60);
    let wrote = false;
    stage.planhat.on("applied", async ({ route, query }) => {
      if (route !== "GET /endusers" || query.has("companyId") || wrote) return;
      wrote = true;
      await stage.tellUser(user(1, { position: "Captain", indexed_at: minute(1) }), account(1));
      await stage.settled();
    });
    const told = await stage.during(async () => {
      const run = await stage.fetch("users");
      expect(run.counts).toMatchObject({ "endusers/skipped/in_flight": 1 });
      await stage.settled();
    });
    expect(told.map(({ body }) => body["planhat/position"])).toEqual(["Captain"]);
    stage.pass(60);
    await stage.fetchBoth();
    expect(stage.profile("user", user(1).id)).toMatchObject({ "planhat/position": "Captain" });
  });

  test("waited for long: a person's edit before is told once nothing waits any more", async () => {
    const stage = await openLinked();
    stage.pass(60);
    const id = person(1);
    stage.planhat.tenant().edit("endusers", id, { phone: "0049 30 1" });
    stage.pass(60);
    const down = stage.planhat.faults.add({ kind: "status", status: 503, route: "PUT /endusers" });
    await stage.tellUser(user(1, { position: "Captain", indexed_at: minute(1) }), account(1));
    expect((await stage.fetch("users")).counts).toMatchObject({ "endusers/skipped/in_flight": 1 });
    await stage.until(async () => (await stage.connector.store.pauses(stage.lane)).length > 0);
    // Hull takes it back, so nothing is written in the end.
    await stage.tellUser(user(1, { email: null, indexed_at: minute(2) }), account(1));
    down.remove();
    await stage.settledWithHelp();
    stage.pass(60);
    await stage.fetchBoth();
    expect(stage.profile("user", user(1).id)).toMatchObject({ "planhat/phone": "0049 30 1" });
  });

  test("is still to be told: what a person did after it is not taken back in Hull", async () => {
    const stage = await openLinked();
    stage.pass(60);
    const down = stage.hull.faults.add({ kind: "status", status: 401, route: "POST /firehose" });
    await stage.tellUser(user(1, { position: "Captain", indexed_at: minute(1) }), account(1));
    await stage.until(async () => {
      const { outbox, hullUpdates: tells } = await stage.connector.store.depth(stage.lane);
      return outbox === 0 && tells === 1 && down.hits > 0;
    });
    stage.pass(1);
    stage.planhat.tenant().edit("endusers", person(1), { position: "Admiral" });
    down.remove();
    stage.pass(15);
    await stage.fetchBoth();
    await stage.saveSettings({});
    await stage.settledWithHelp();
    stage.pass(60);
    await stage.fetchBoth();
    expect(stage.profile("user", user(1).id)).toMatchObject({ "planhat/position": "Admiral" });
  });
});
