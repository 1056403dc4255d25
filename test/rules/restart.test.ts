/** A restart, or a kill at any moment, goes on where it was. */
import { buildUserMessage } from "../../simulators/hull";
import type { FaultKind } from "../../simulators/loopback";
import { account, minute, useFixtures, user, type Fixture } from "../fixture/fixture";

const open = useFixtures();

/** Kills the connector once, at the given moment of the first call of the route; the answer to it gets lost. */
function killDuring(fixture: Fixture, route: string, moment: "request" | "applied"): () => number {
  const kind: FaultKind["kind"] = moment === "request" ? "reset-before" : "reset-after";
  let kills = 0;
  fixture.planhat.faults.add({ kind, route, count: 1 });
  fixture.planhat.on(moment, async (call) => {
    if (kills > 0 || call.route !== route) return;
    kills += 1;
    await fixture.crash();
  });
  return () => kills;
}

describe("waiting", () => {
  test("what was acknowledged a moment before the kill is delivered", async () => {
    const fixture = await open();
    await fixture.together(async () => {
      await fixture.tellUser(user(1), account(1));
      await fixture.tellUser(user(2), account(1));
      expect(fixture.written("companies")).toEqual([]);
      await fixture.crash();
    });
    await fixture.settled();
    expect(fixture.endusers()).toHaveLength(2);
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 2 });
  });

  test("whoever stops the process does not wait for more messages to come", async () => {
    const fixture = await open({ environment: { LINGER_MS: "60000" } });
    await fixture.tellUser(user(1), account(1));
    // Longer than the linger is allowed to last, this test is not.
    await fixture.restart();
    expect(await fixture.connector.store.depth(fixture.lane)).toMatchObject({ outbox: 1 });
  });

  test("what waits for Planhat to come back survives a restart", async () => {
    const fixture = await open();
    const down = fixture.planhat.faults.add({ kind: "status", status: 503 });
    await fixture.tellUser(user(1), account(1));
    await fixture.until(async () => (await fixture.connector.store.pauses(fixture.lane)).length > 0);
    await fixture.restart();
    down.remove();
    await fixture.settledWithHelp();
    expect(fixture.endusers()).toHaveLength(1);
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1 });
  });

  test("children that wait for their company are delivered after a kill", async () => {
    const fixture = await open();
    const kills = killDuring(fixture, "PUT /companies", "request");
    await fixture.send(
      "user:update",
      [user(1), user(2)].map((each) => buildUserMessage(each, { account: account(1) })),
    );
    await fixture.until(() => kills() === 1);
    await fixture.settledWithHelp();
    expect(fixture.companies()).toHaveLength(1);
    expect(fixture.endusers()).toHaveLength(2);
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 2 });
  });
});

describe("attempting", () => {
  describe.each([
    ["before Planhat wrote it", "request"],
    ["after Planhat wrote it", "applied"],
  ] as const)("killed %s", (_name, moment) => {
    test("a company exists once, and Hull knows it", async () => {
      const fixture = await open();
      const kills = killDuring(fixture, "PUT /companies", moment);
      await fixture.tellAccount(account(1));
      await fixture.until(() => kills() === 1);
      await fixture.settledWithHelp();
      expect(fixture.planhat.books.snapshot().created.companies).toBe(1);
      expect(fixture.profile("account", account(1).id)["planhat/id"]).toBe(fixture.companies()[0]?.["_id"]);
    });

    test("an enduser exists once, and Hull knows it", async () => {
      const fixture = await open();
      const kills = killDuring(fixture, "PUT /endusers", moment);
      await fixture.tellUser(user(1), account(1));
      await fixture.until(() => kills() === 1);
      await fixture.settledWithHelp();
      expect(fixture.planhat.books.snapshot().created).toMatchObject({ companies: 1, endusers: 1 });
      expect(fixture.profile("user", user(1).id)["planhat/id"]).toBe(fixture.endusers()[0]?.["_id"]);
    });

    test("an update arrives", async () => {
      const fixture = await open();
      await fixture.deliverUser(user(1), account(1));
      const kills = killDuring(fixture, "PUT /endusers", moment);
      await fixture.tellUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1));
      await fixture.until(() => kills() === 1);
      await fixture.settledWithHelp();
      expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
      expect(fixture.profile("user", user(1).id)["planhat/position"]).toBe("Director");
    });

    test("a newer message that came meanwhile wins", async () => {
      const fixture = await open();
      fixture.planhat.on("request", async ({ route }) => {
        if (route !== "PUT /endusers" || fixture.written("endusers").length > 1) return;
        await fixture.tellUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1));
      });
      const kills = killDuring(fixture, "PUT /endusers", moment);
      await fixture.tellUser(user(1), account(1));
      await fixture.until(() => kills() === 1);
      await fixture.settledWithHelp();
      expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
      expect(fixture.planhat.books.snapshot().created.endusers).toBe(1);
    });

    test("a whole shipment exists once", async () => {
      const fixture = await open();
      const people = Array.from({ length: 60 }, (_, index) => user(index + 1));
      const companies = [1, 2, 3].map((number) => account(number));
      fixture.seed(companies, people);
      const kills = killDuring(fixture, "PUT /endusers", moment);
      await fixture.send(
        "user:update",
        people.map((each, index) => buildUserMessage(each, { account: companies[index % 3] ?? account(1) })),
      );
      await fixture.until(() => kills() === 1);
      await fixture.settledWithHelp();
      expect(fixture.planhat.books.snapshot().created).toMatchObject({ companies: 3, endusers: 60 });
      expect(fixture.endusers()).toHaveLength(60);
    });
  });

  test("killed again at every retry, it still exists once", async () => {
    const fixture = await open();
    let kills = 0;
    fixture.planhat.faults.add({ kind: "reset-before", route: "PUT /endusers", count: 3 });
    fixture.planhat.on("request", async ({ route }) => {
      if (kills >= 3 || route !== "PUT /endusers") return;
      kills += 1;
      await fixture.crash();
    });
    await fixture.tellUser(user(1), account(1));
    await fixture.until(() => kills === 3);
    await fixture.settledWithHelp();
    expect(fixture.planhat.books.snapshot().created.endusers).toBe(1);
  });
});

describe("written", () => {
  test("Hull is told after a restart, and nothing is written again", async () => {
    const fixture = await open();
    const down = fixture.hull.faults.add({ kind: "status", status: 503, route: "POST /firehose" });
    await fixture.tellUser(user(1), account(1));
    await fixture.until(() => fixture.endusers().length === 1);
    await fixture.until(async () => (await fixture.connector.store.depth(fixture.lane)).outbox === 0);
    await fixture.restart();
    const before = fixture.planhat.books.snapshot().calls;
    down.remove();
    await fixture.settled();
    expect(fixture.planhat.books.snapshot().calls).toBe(before);
    expect(fixture.profile("user", user(1).id)["planhat/id"]).toBe(fixture.endusers()[0]?.["_id"]);
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1 });
  });

  test.each([
    ["before Hull took it", "request", "reset-before"],
    ["after Hull took it", "applied", "reset-after"],
  ] as const)("killed while telling Hull, %s, Hull knows and the outcome counts once", async (_name, moment, kind) => {
    const fixture = await open();
    await fixture.deliverAccount(account(1));
    let kills = 0;
    fixture.hull.faults.add({ kind, route: "POST /firehose", count: 1 });
    fixture.hull.on(moment, async ({ route }) => {
      if (kills > 0 || route !== "POST /firehose") return;
      kills += 1;
      await fixture.crash();
    });
    await fixture.tellUser(user(1), account(1));
    await fixture.until(() => kills === 1);
    await fixture.settledWithHelp();
    expect(fixture.profile("user", user(1).id)["planhat/id"]).toBe(fixture.endusers()[0]?.["_id"]);
    expect(fixture.planhat.books.snapshot().created.endusers).toBe(1);
    expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 1, "endusers/sent/created": 1 });
  });
});

test("after everything was told, a restart makes no call at all", async () => {
  const fixture = await open();
  await fixture.deliverUser(user(1), account(1));
  const before = [fixture.planhat.books.snapshot().calls, fixture.hull.books.snapshot().firehoseRequests];
  await fixture.restart();
  await fixture.deliverUser(user(1, { indexed_at: minute(1) }), account(1));
  expect([fixture.planhat.books.snapshot().calls, fixture.hull.books.snapshot().firehoseRequests]).toEqual(before);
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1, "endusers/unchanged/in_sync": 1 });
});
