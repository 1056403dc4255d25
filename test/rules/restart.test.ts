/** A restart, or a kill at any moment, goes on at the stage that it finds. */
import { buildUserMessage } from "../../simulators/hull";
import type { FaultKind } from "../../simulators/loopback";
import { account, minute, user, useStages, type Stage } from "./stage";

const open = useStages();

/** Kills the connector once, at the given moment of the first call of the route; the answer to it gets lost. */
function killDuring(stage: Stage, route: string, moment: "request" | "applied"): () => number {
  const kind: FaultKind["kind"] = moment === "request" ? "reset-before" : "reset-after";
  let kills = 0;
  stage.planhat.faults.add({ kind, route, count: 1 });
  stage.planhat.on(moment, async (call) => {
    if (kills > 0 || call.route !== route) return;
    kills += 1;
    await stage.crash();
  });
  return () => kills;
}

describe("waiting", () => {
  test("what was acknowledged a moment before the kill is delivered", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1), user(2)]);
    await stage.together(async () => {
      await stage.tellUser(user(1), account(1));
      await stage.tellUser(user(2), account(1));
      expect(stage.written("companies")).toEqual([]);
      await stage.crash();
    });
    await stage.settled();
    expect(stage.endusers()).toHaveLength(2);
    expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 2 });
  });

  test("whoever stops the process does not wait for more messages to come", async () => {
    const stage = await open({ environment: { LINGER_MS: "60000" } });
    stage.seed([account(1)], [user(1)]);
    await stage.tellUser(user(1), account(1));
    // Longer than the linger is allowed to last, this test is not.
    await stage.restart();
    expect(await stage.connector.store.depth(stage.lane)).toMatchObject({ outbox: 1 });
  });

  test("what waits for Planhat to come back survives a restart", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    const down = stage.planhat.faults.add({ kind: "status", status: 503 });
    await stage.tellUser(user(1), account(1));
    await stage.until(async () => (await stage.connector.store.pauses(stage.lane)).length > 0);
    await stage.restart();
    down.remove();
    await stage.settledWithHelp();
    expect(stage.endusers()).toHaveLength(1);
    expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 1 });
  });

  test("children that wait for their company are delivered after a kill", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1), user(2)]);
    const kills = killDuring(stage, "PUT /companies", "request");
    await stage.send(
      "user:update",
      [user(1), user(2)].map((each) => buildUserMessage(each, { account: account(1) })),
    );
    await stage.until(() => kills() === 1);
    await stage.settledWithHelp();
    expect(stage.companies()).toHaveLength(1);
    expect(stage.endusers()).toHaveLength(2);
    expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 2 });
  });
});

describe("attempting", () => {
  describe.each([
    ["before Planhat wrote it", "request"],
    ["after Planhat wrote it", "applied"],
  ] as const)("killed %s", (_name, moment) => {
    test("a company exists once, and Hull knows it", async () => {
      const stage = await open();
      stage.seed([account(1)]);
      const kills = killDuring(stage, "PUT /companies", moment);
      await stage.tellAccount(account(1));
      await stage.until(() => kills() === 1);
      await stage.settledWithHelp();
      expect(stage.planhat.books.snapshot().created.companies).toBe(1);
      expect(stage.profile("account", account(1).id)["planhat/id"]).toBe(stage.companies()[0]?.["_id"]);
    });

    test("an enduser exists once, and Hull knows it", async () => {
      const stage = await open();
      stage.seed([account(1)], [user(1)]);
      const kills = killDuring(stage, "PUT /endusers", moment);
      await stage.tellUser(user(1), account(1));
      await stage.until(() => kills() === 1);
      await stage.settledWithHelp();
      expect(stage.planhat.books.snapshot().created).toMatchObject({ companies: 1, endusers: 1 });
      expect(stage.profile("user", user(1).id)["planhat/id"]).toBe(stage.endusers()[0]?.["_id"]);
    });

    test("an update arrives", async () => {
      const stage = await open();
      stage.seed([account(1)], [user(1)]);
      await stage.tellUser(user(1), account(1));
      await stage.settled();
      const kills = killDuring(stage, "PUT /endusers", moment);
      await stage.tellUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1));
      await stage.until(() => kills() === 1);
      await stage.settledWithHelp();
      expect(stage.endusers()).toMatchObject([{ position: "Director" }]);
      expect(stage.profile("user", user(1).id)["planhat/position"]).toBe("Director");
    });

    test("a newer message that came meanwhile wins", async () => {
      const stage = await open();
      stage.seed([account(1)], [user(1)]);
      stage.planhat.on("request", async ({ route }) => {
        if (route !== "PUT /endusers" || stage.written("endusers").length > 1) return;
        await stage.tellUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1));
      });
      const kills = killDuring(stage, "PUT /endusers", moment);
      await stage.tellUser(user(1), account(1));
      await stage.until(() => kills() === 1);
      await stage.settledWithHelp();
      expect(stage.endusers()).toMatchObject([{ position: "Director" }]);
      expect(stage.planhat.books.snapshot().created.endusers).toBe(1);
    });

    test("a whole shipment exists once", async () => {
      const stage = await open();
      const people = Array.from({ length: 60 }, (_, index) => user(index + 1));
      const companies = [1, 2, 3].map((number) => account(number));
      stage.seed(companies, people);
      const kills = killDuring(stage, "PUT /endusers", moment);
      await stage.send(
        "user:update",
        people.map((each, index) => buildUserMessage(each, { account: companies[index % 3] ?? account(1) })),
      );
      await stage.until(() => kills() === 1);
      await stage.settledWithHelp();
      expect(stage.planhat.books.snapshot().created).toMatchObject({ companies: 3, endusers: 60 });
      expect(stage.endusers()).toHaveLength(60);
    });
  });

  test("killed again at every retry, it still exists once", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    let kills = 0;
    stage.planhat.faults.add({ kind: "reset-before", route: "PUT /endusers", count: 3 });
    stage.planhat.on("request", async ({ route }) => {
      if (kills >= 3 || route !== "PUT /endusers") return;
      kills += 1;
      await stage.crash();
    });
    await stage.tellUser(user(1), account(1));
    await stage.until(() => kills === 3);
    await stage.settledWithHelp();
    expect(stage.planhat.books.snapshot().created.endusers).toBe(1);
  });
});

describe("written", () => {
  test("Hull is told after a restart, and nothing is written again", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    const down = stage.hull.faults.add({ kind: "status", status: 503, route: "POST /firehose" });
    await stage.tellUser(user(1), account(1));
    await stage.until(() => stage.endusers().length === 1);
    await stage.until(async () => (await stage.connector.store.depth(stage.lane)).outbox === 0);
    await stage.restart();
    const before = stage.planhat.books.snapshot().calls;
    down.remove();
    await stage.settled();
    expect(stage.planhat.books.snapshot().calls).toBe(before);
    expect(stage.profile("user", user(1).id)["planhat/id"]).toBe(stage.endusers()[0]?.["_id"]);
    expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 1 });
  });

  test.each([
    ["before Hull took it", "request", "reset-before"],
    ["after Hull took it", "applied", "reset-after"],
  ] as const)("killed while telling Hull, %s, Hull knows and the outcome counts once", async (_name, moment, kind) => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    await stage.tellAccount(account(1));
    await stage.settled();
    let kills = 0;
    stage.hull.faults.add({ kind, route: "POST /firehose", count: 1 });
    stage.hull.on(moment, async ({ route }) => {
      if (kills > 0 || route !== "POST /firehose") return;
      kills += 1;
      await stage.crash();
    });
    await stage.tellUser(user(1), account(1));
    await stage.until(() => kills === 1);
    await stage.settledWithHelp();
    expect(stage.profile("user", user(1).id)["planhat/id"]).toBe(stage.endusers()[0]?.["_id"]);
    expect(stage.planhat.books.snapshot().created.endusers).toBe(1);
    expect(await stage.outcomes()).toEqual({ "companies/sent/created": 1, "endusers/sent/created": 1 });
  });
});

test("after everything was told, a restart makes no call at all", async () => {
  const stage = await open();
  stage.seed([account(1)], [user(1)]);
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  const before = [stage.planhat.books.snapshot().calls, stage.hull.books.snapshot().firehoseRequests];
  await stage.restart();
  await stage.tellUser(user(1, { indexed_at: minute(1) }), account(1));
  await stage.settled();
  expect([stage.planhat.books.snapshot().calls, stage.hull.books.snapshot().firehoseRequests]).toEqual(before);
  expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 1, "endusers/unchanged/in_sync": 1 });
});
