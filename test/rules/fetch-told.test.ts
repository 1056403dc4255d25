/** What a fetch could not tell is told later: never forgotten, never counted as known, never told instead of a write-back. */
import { bodies, COUNT, person, putCompany, useFullPlanhat } from "../fixture/lists";
import { account, minute, user } from "../fixture/fixture";

const { open, openFull, openKnown } = useFullPlanhat();

describe("while Hull", () => {
  test.each([500, 503, 429])("answers %i for a while, the fetch waits and everything is told once", async (status) => {
    const fixture = await openFull();
    fixture.hull.faults.add({ kind: "status", status, route: "POST /firehose", count: 10 });
    const told = await fixture.fetchBoth();
    expect(told).toHaveLength(3 * COUNT);
    expect(fixture.hull.books.snapshot().noOpItems).toBe(0);
    expect(
      (await fixture.connector.store.runs({ tenant: fixture.tenantKey, limit: 2 })).map(({ counts }) => counts),
    ).toEqual([{ "endusers/sent/told": COUNT }, { "companies/sent/told": COUNT }]);
    expect(await fixture.fetchBoth()).toEqual([]);
  });

  test.each([500, 401, 402, 403, 404])(
    "answers nothing but %i, the fetch ends in an error, and the next one tells everything",
    async (status) => {
      const fixture = await openFull();
      const down = fixture.hull.faults.add({ kind: "status", status, route: "POST /firehose" });
      const failed = await fixture.fetch("accounts");
      expect(failed).toMatchObject({ state: "error", done: 0, counts: {} });
      expect(failed.error).toContain(String(status === 500 ? "Hull cannot be updated" : status));
      down.remove();
      await fixture.fetchBoth();
      expect(fixture.hull.profiles.snapshot().accounts).toHaveLength(COUNT);
    },
  );

  test("takes the first half and then nothing more, the second half is told by the next fetch", async () => {
    const fixture = await open();
    for (let number = 1; number <= 120; number += 1) putCompany(fixture, number);
    let requests = 0;
    const down = fixture.hull.faults.add({
      kind: "status",
      status: 503,
      route: ({ route }) => route === "POST /firehose" && (requests += 1) > 1,
    });
    const failed = await fixture.fetch("accounts");
    expect(failed).toMatchObject({ state: "error", done: 50, counts: { "companies/sent/told": 50 } });
    down.remove();
    const run = await fixture.fetch("accounts");
    expect(run).toMatchObject({ state: "success", done: 120 });
    expect(run.counts).toEqual({ "companies/sent/told": 70, "companies/unchanged/known": 50 });
    expect(fixture.hull.books.snapshot().noOpItems).toBe(0);
  });

  test("takes a little now and then, a page of many steps is told to its end", async () => {
    const fixture = await open();
    for (let number = 1; number <= 450; number += 1) putCompany(fixture, number);
    let requests = 0;
    const slow = fixture.hull.faults.add({
      kind: "status",
      status: 503,
      // Less than one a try, and the page needs more than the eight tries of a Hull that takes nothing.
      route: ({ route }) => route === "POST /firehose" && (requests += 1) % 25 !== 0,
    });
    const run = await fixture.fetch("accounts");
    slow.remove();
    expect(run).toMatchObject({ state: "success", counts: { "companies/sent/told": 450 } });
    expect(requests).toBeGreaterThan(8 * 20);
    expect(fixture.hull.books.snapshot().noOpItems).toBe(0);
  });

  test("has an answer lost after it took the batch, it is told once more and counted once", async () => {
    const fixture = await openFull();
    fixture.hull.faults.add({ kind: "reset-after", route: "POST /firehose", count: 1 });
    const run = await fixture.fetch("accounts");
    expect(run).toMatchObject({ state: "success", done: COUNT, counts: { "companies/sent/told": COUNT } });
    expect(await fixture.fetchBoth()).toHaveLength(2 * COUNT);
  });
});

describe("an item that Hull refuses for good", () => {
  test("is counted as such, hurts nobody else, and is told again by the next fetch", async () => {
    const fixture = await openFull();
    const end = fixture.hull.refuse(({ body }) => body["planhat/name"] === "Acme 4");
    const run = await fixture.fetch("accounts");
    expect(run.counts).toEqual({ "companies/sent/told": COUNT - 1, "companies/sent/hull_refused": 1 });
    expect(run.state).toBe("success");
    const again = await fixture.fetch("accounts");
    expect(again.counts).toMatchObject({ "companies/sent/hull_refused": 1 });
    end();
    fixture.advance(60);
    expect(bodies(await fixture.during(() => fixture.fetch("accounts")))).toMatchObject([{ "planhat/name": "Acme 4" }]);
  });

  test("is told again although the record was not touched since", async () => {
    const fixture = await openKnown();
    fixture.advance(60);
    putCompany(fixture, 4, { phase: "Live", updatedAt: fixture.ago(30) });
    const end = fixture.hull.refuse(({ body }) => body["planhat/phase"] === "Live");
    expect((await fixture.fetch("accounts")).counts).toMatchObject({ "companies/sent/hull_refused": 1 });
    end();
    fixture.advance(180);
    await fixture.fetch("accounts");
    fixture.advance(180);
    await fixture.fetch("accounts");
    const found = [...fixture.hull.profiles.accounts.values()].find(({ external_id }) => external_id === "acme-4");
    expect(found?.attributes).toMatchObject({ "planhat/phase": "Live" });
  });
});

describe("a record of which our own write", () => {
  async function openLinked() {
    const fixture = await openFull();
    await fixture.deliverUser(user(1), account(1));
    fixture.advance(1);
    await fixture.fetchBoth();
    return fixture;
  }

  test("waits is left to the write-back", async () => {
    const fixture = await openLinked();
    fixture.advance(60);
    const down = fixture.planhat.faults.add({ kind: "status", status: 503, route: "PUT /endusers" });
    await fixture.tellUser(user(1, { position: "Captain", indexed_at: minute(1) }), account(1));
    const run = await fixture.fetch("users");
    expect(run.counts).toMatchObject({ "endusers/skipped/in_flight": 1 });
    down.remove();
    const told = await fixture.during(() => fixture.settledWithHelp());
    expect(told.map(({ body }) => body["planhat/position"])).toEqual(["Captain"]);
  });

  test("arrived while the page was on its way is left to the write-back", async () => {
    const fixture = await openLinked();
    fixture.advance(60);
    let wrote = false;
    fixture.planhat.on("applied", async ({ route, query }) => {
      if (route !== "GET /endusers" || query.has("companyId") || wrote) return;
      wrote = true;
      await fixture.deliverUser(user(1, { position: "Captain", indexed_at: minute(1) }), account(1));
    });
    const told = await fixture.during(async () => {
      const run = await fixture.fetch("users");
      expect(run.counts).toMatchObject({ "endusers/skipped/in_flight": 1 });
      await fixture.settled();
    });
    expect(told.map(({ body }) => body["planhat/position"])).toEqual(["Captain"]);
    fixture.advance(60);
    await fixture.fetchBoth();
    expect(fixture.profile("user", user(1).id)).toMatchObject({ "planhat/position": "Captain" });
  });

  test("waited for long: a person's edit before is told once nothing waits any more", async () => {
    const fixture = await openLinked();
    fixture.advance(60);
    const id = person(1);
    fixture.planhat.tenant().edit("endusers", id, { phone: "0049 30 1" });
    fixture.advance(60);
    const down = fixture.planhat.faults.add({ kind: "status", status: 503, route: "PUT /endusers" });
    await fixture.tellUser(user(1, { position: "Captain", indexed_at: minute(1) }), account(1));
    expect((await fixture.fetch("users")).counts).toMatchObject({ "endusers/skipped/in_flight": 1 });
    await fixture.until(async () => (await fixture.connector.store.pauses(fixture.lane)).length > 0);
    // Hull takes it back, so nothing is written in the end.
    await fixture.tellUser(user(1, { email: null, indexed_at: minute(2) }), account(1));
    down.remove();
    await fixture.settledWithHelp();
    fixture.advance(60);
    await fixture.fetchBoth();
    expect(fixture.profile("user", user(1).id)).toMatchObject({ "planhat/phone": "0049 30 1" });
  });

  test("is still to be told: what a person did after it is not taken back in Hull", async () => {
    const fixture = await openLinked();
    fixture.advance(60);
    const down = fixture.hull.faults.add({ kind: "status", status: 401, route: "POST /firehose" });
    await fixture.tellUser(user(1, { position: "Captain", indexed_at: minute(1) }), account(1));
    await fixture.until(async () => {
      const { outbox, hullUpdates: tells } = await fixture.connector.store.depth(fixture.lane);
      return outbox === 0 && tells === 1 && down.hits > 0;
    });
    fixture.advance(1);
    fixture.planhat.tenant().edit("endusers", person(1), { position: "Admiral" });
    down.remove();
    fixture.advance(15);
    await fixture.fetchBoth();
    await fixture.saveSettings({});
    await fixture.settledWithHelp();
    fixture.advance(60);
    await fixture.fetchBoth();
    expect(fixture.profile("user", user(1).id)).toMatchObject({ "planhat/position": "Admiral" });
  });
});
