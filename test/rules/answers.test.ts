/** What Planhat answers, and what it means for each record. */
import { buildUserMessage } from "../../simulators/hull";
import { account, minute, people, user, useStages, type Stage } from "./stage";

const open = useStages();

async function tellAll(stage: Stage, all: readonly ReturnType<typeof user>[], isExport = false): Promise<void> {
  await stage.send(
    "user:update",
    all.map((each) => buildUserMessage(each, { account: account(1) })),
    { isExport },
  );
}

describe.each(["create", "error"] as const)(
  "an id that is gone in Planhat (which answers it with: %s)",
  (unknownId) => {
    test("an enduser is made again with all fields and linked anew", async () => {
      const stage = await open({ planhat: { switches: { unknownId } } });
      stage.seed([account(1)], [user(1)]);
      await stage.tellUser(user(1), account(1));
      await stage.settled();
      const old = String(stage.endusers()[0]?.["_id"]);
      stage.planhat.tenant().remove("endusers", old);
      await stage.tellUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1));
      await stage.settledWithHelp();
      expect(stage.endusers()).toHaveLength(1);
      expect(stage.endusers()).toMatchObject([
        { externalId: "person-1", email: user(1)["email"], name: "Person 1", position: "Director" },
      ]);
      const fresh = stage.endusers()[0]?.["_id"];
      expect(fresh).not.toBe(old);
      expect(stage.profile("user", user(1).id)["planhat/id"]).toBe(fresh);
      const before = stage.written("endusers").length;
      await stage.tellUser(user(1, { position: "Founder", indexed_at: minute(2) }), account(1));
      await stage.settled();
      expect(stage.written("endusers").slice(before)).toEqual([{ _id: fresh, position: "Founder" }]);
    });

    test("a company is made again with all fields and linked anew", async () => {
      const stage = await open({
        planhat: { switches: { unknownId } },
        settings: {
          account_attributes_outbound: [
            { hull_field_name: "name", service_field_name: "name" },
            { hull_field_name: "phase", service_field_name: "phase" },
          ],
        },
      });
      stage.seed([account(1)]);
      await stage.tellAccount(account(1, { phase: "Growth" }));
      await stage.settled();
      const old = String(stage.companies()[0]?.["_id"]);
      stage.planhat.tenant().remove("companies", old);
      await stage.tellAccount(account(1, { name: "Renamed", phase: "Growth", indexed_at: minute(1) }));
      await stage.settledWithHelp();
      expect(stage.companies()).toMatchObject([{ externalId: "acme-1", name: "Renamed", phase: "Growth" }]);
      expect(stage.profile("account", account(1).id)["planhat/id"]).toBe(stage.companies()[0]?.["_id"]);
    });

    test("a record that was made anew by hand is found by its key", async () => {
      const stage = await open({ planhat: { switches: { unknownId } } });
      stage.seed([account(1)], [user(1)]);
      await stage.tellUser(user(1), account(1));
      await stage.settled();
      const [first] = stage.endusers();
      const tenant = stage.planhat.tenant();
      tenant.remove("endusers", String(first?.["_id"]));
      const { _id: _, ...copy } = first ?? {};
      tenant.seedEnduser(copy);
      await stage.tellUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1));
      await stage.settledWithHelp();
      expect(stage.endusers()).toHaveLength(1);
      expect(stage.endusers()).toMatchObject([{ position: "Director" }]);
    });

    test("one of many that is gone does not disturb the others", async () => {
      const stage = await open({ planhat: { switches: { unknownId } } });
      stage.seed([account(1)], people(12));
      await tellAll(stage, people(12));
      await stage.settled();
      const gone = stage.endusers().find((each) => each["externalId"] === "person-5");
      stage.planhat.tenant().remove("endusers", String(gone?.["_id"]));
      await tellAll(
        stage,
        people(12).map((each) => ({ ...each, position: "Director", indexed_at: minute(1) })),
      );
      await stage.settledWithHelp();
      expect(stage.endusers()).toHaveLength(12);
      expect(stage.endusers().every((each) => each["position"] === "Director" && each["email"] !== undefined)).toBe(
        true,
      );
    });
  },
);

describe("206: good rows are done, bad ones are rejected in Planhat's words", () => {
  test.each(["text", "item", "keys", "index"] as const)("whatever an error looks like (%s)", async (errorShape) => {
    const stage = await open({ planhat: { switches: { errorShape } } });
    stage.seed([account(1)], people(10));
    stage.planhat.poison({ field: "externalId", value: "person-3" }, "position: Cast to ObjectId failed");
    stage.planhat.poison({ field: "externalId", value: "person-7" }, "email is on the block list");
    await tellAll(stage, people(10));
    await stage.settledWithHelp();
    expect(stage.endusers()).toHaveLength(8);
    expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 8, "endusers/rejected/refused": 2 });
    const letters = await stage.connector.store.deadLettersOf(stage.lane);
    const words = new Map(letters.map((letter) => [letter.hullId, letter.ending.text]));
    expect(words.get(user(3).id)).toContain("Cast to ObjectId failed");
    expect(words.get(user(7).id)).toContain("on the block list");
    expect(words.get(user(3).id)).not.toContain("block list");
  });

  test.each([
    ["shuffled", "full", "counted"],
    ["shuffled", "id-only", "counted"],
    ["input", "id-only", "named"],
  ] as const)("whatever the key lists look like (%s, %s, %s)", async (keysOrder, keysForm, nonupdates) => {
    const stage = await open({ planhat: { switches: { keysOrder, keysForm, nonupdates } } });
    stage.seed([account(1)], people(10));
    stage.planhat.poison({ field: "externalId", value: "person-3" }, "no");
    await tellAll(stage, people(10));
    await stage.settledWithHelp();
    expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 9, "endusers/rejected/refused": 1 });
    for (const each of stage.endusers()) {
      const number = Number(String(each["externalId"]).split("-")[1]);
      expect(stage.profile("user", user(number).id)["planhat/id"]).toBe(each["_id"]);
    }
  });

  test("a rejected record closes its dead letter when a later message succeeds", async () => {
    const stage = await open();
    stage.seed([account(1)], people(2));
    const heal = stage.planhat.poison({ field: "externalId", value: "person-1" }, "no");
    await tellAll(stage, people(2));
    await stage.settled();
    expect(await stage.connector.store.deadLettersOf(stage.lane)).toHaveLength(1);
    heal();
    await stage.tellUser(user(1, { indexed_at: minute(1) }), account(1));
    await stage.settled();
    expect(await stage.connector.store.deadLettersOf(stage.lane)).toEqual([]);
    expect(stage.endusers()).toHaveLength(2);
  });
});

describe("400: the payload that holds the poison is told apart", () => {
  test.each(["envelope", "text"] as const)("one poison record hurts only itself (body: %s)", async (badRequestBody) => {
    const stage = await open({ planhat: { switches: { badRequestBody } } });
    stage.seed([account(1)], people(40));
    stage.planhat.poison({ field: "externalId", value: "person-17" }, "poison", "payload");
    await tellAll(stage, people(40));
    await stage.settledWithHelp();
    expect(stage.endusers()).toHaveLength(39);
    expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 39, "endusers/rejected/refused": 1 });
    const [letter] = await stage.connector.store.deadLettersOf(stage.lane);
    expect(letter?.hullId).toBe(user(17).id);
  });

  test("several poison records hurt only themselves", async () => {
    const stage = await open();
    stage.seed([account(1)], people(64));
    const bad = ["person-1", "person-20", "person-21", "person-64"];
    for (const value of bad) stage.planhat.poison({ field: "externalId", value }, "poison", "payload");
    await tellAll(stage, people(64));
    await stage.settledWithHelp();
    expect(stage.endusers().map((each) => each["externalId"])).toHaveLength(60);
    const letters = await stage.connector.store.deadLettersOf(stage.lane);
    expect(letters.map(({ hullId }) => hullId).sort()).toEqual([1, 20, 21, 64].map((number) => user(number).id).sort());
  });

  test("updates are told apart as well", async () => {
    const stage = await open();
    stage.seed([account(1)], people(20));
    await tellAll(stage, people(20));
    await stage.settled();
    stage.planhat.poison({ field: "position", value: "Poison" }, "poison", "payload");
    await tellAll(
      stage,
      people(20).map((each, index) => ({
        ...each,
        position: index === 4 ? "Poison" : "Director",
        indexed_at: minute(1),
      })),
    );
    await stage.settledWithHelp();
    expect(stage.endusers().filter((each) => each["position"] === "Director")).toHaveLength(19);
    expect(await stage.outcomes()).toMatchObject({ "endusers/sent/updated": 19, "endusers/rejected/refused": 1 });
  });
});

describe("a fault of the mapping", () => {
  test.each(["item", "payload"] as const)(
    "pauses the type with a reason and loses nothing (refused by %s)",
    async (mode) => {
      const stage = await open();
      stage.seed([account(1)], people(40));
      const heal = stage.planhat.poison((_, model) => model === "endusers", "position: Cast to Number failed", mode);
      await tellAll(stage, people(40));
      await stage.until(async () => (await stage.connector.store.pauses(stage.lane)).length > 0);
      const [hold] = await stage.connector.store.pauses(stage.lane);
      expect(hold).toMatchObject({ scope: "endusers", kind: "mapping" });
      if (mode === "item") expect(hold?.message).toContain("Cast to Number failed");
      expect(await stage.connector.store.deadLettersOf(stage.lane)).toEqual([]);
      expect(await stage.outcomes()).toEqual({});
      // Companies go on meanwhile.
      stage.seed([account(2)]);
      await stage.tellAccount(account(2));
      await stage.until(() => stage.companies().length === 2);
      heal();
      await stage.saveSettings({});
      await stage.settled();
      expect(stage.endusers()).toHaveLength(40);
      expect(await stage.outcomes()).toMatchObject({ "endusers/sent/created": 40 });
    },
  );
});

describe.each([
  ["401", (stage: Stage) => stage.planhat.faults.add({ kind: "status", status: 401 })],
  ["403", (stage: Stage) => stage.planhat.faults.add({ kind: "status", status: 403 })],
  [
    "403 with an envelope, for lack of one right",
    (stage: Stage) => {
      const limits = [{ model: "endusers", action: "create" } as const];
      stage.planhat.limitToken("planhat-token-0001", limits);
      return { remove: () => stage.planhat.limitToken("planhat-token-0001", []) };
    },
  ],
])("%s pauses the lane", (_name, forbid) => {
  test("entries stay, the reason is kept, and ship:update resumes at once", async () => {
    const stage = await open();
    stage.seed([account(1)], people(3));
    const ban = forbid(stage);
    await tellAll(stage, people(3));
    await stage.until(async () => (await stage.connector.store.pauses(stage.lane)).length > 0);
    const [hold] = await stage.connector.store.pauses(stage.lane);
    expect(hold).toMatchObject({ scope: "*", kind: "auth" });
    expect((await stage.connector.store.depth(stage.lane)).outbox).toBeGreaterThanOrEqual(3);
    expect(await stage.connector.store.deadLettersOf(stage.lane)).toEqual([]);
    const calls = stage.calls.length;
    await stage.tellUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1));
    expect(stage.calls).toHaveLength(calls);
    ban.remove();
    await stage.saveSettings({});
    await stage.settled();
    expect(stage.endusers()).toHaveLength(3);
    expect(await stage.outcomes()).toMatchObject({ "endusers/sent/created": 3 });
  });
});

test("a 429 makes the lane wait; nothing is lost, rejected or doubled", async () => {
  const stage = await open();
  stage.seed([account(1)], people(5));
  stage.planhat.faults.add({ kind: "rate-limit", headers: { "retry-after": "0" }, count: 4 });
  await tellAll(stage, people(5));
  await stage.settledWithHelp();
  expect(stage.planhat.books.snapshot().created).toMatchObject({ companies: 1, endusers: 5 });
  expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 5 });
});

test("5xx is tried again, not told apart", async () => {
  const stage = await open();
  stage.seed([account(1)], people(20));
  await tellAll(stage, people(20));
  await stage.settled();
  const down = stage.planhat.faults.add({ kind: "status", status: 500, route: "PUT /endusers", count: 2 });
  await tellAll(
    stage,
    people(20).map((each) => ({ ...each, position: "Director", indexed_at: minute(1) })),
  );
  await stage.settledWithHelp();
  expect(down.hits).toBe(2);
  const bulks = stage.calls.filter(({ route }) => route === "PUT /endusers");
  expect(bulks.every(({ body }) => Array.isArray(body) && body.length === 20)).toBe(true);
  expect(stage.endusers().every((each) => each["position"] === "Director")).toBe(true);
});

test("an enduser whose company is gone in Planhat is not believed to be saved", async () => {
  const stage = await open();
  stage.seed([account(1)], people(2));
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  const company = String(stage.companies()[0]?.["_id"]);
  stage.planhat.tenant().remove("companies", company);
  await stage.tellUser(user(2), account(1));
  await stage.settledWithHelp();
  const saved = stage.endusers().some((each) => each["externalId"] === "person-2");
  const { "endusers/sent/created": created } = await stage.outcomes();
  expect(created).toBe(saved ? 2 : 1);
});

test("bulk calls keep to the number of items that the settings allow", async () => {
  const stage = await open({ settings: { bulk_max_items: 7 } });
  stage.seed([account(1)], people(20));
  await tellAll(stage, people(20));
  await stage.settled();
  const sizes = stage.calls
    .filter(({ route }) => route === "PUT /endusers")
    .map(({ body }) => (body as unknown[]).length);
  expect(sizes).toEqual([7, 7, 6]);
  expect(stage.endusers()).toHaveLength(20);
});

test("a chunk that is lost in the middle of several keeps the others", async () => {
  const stage = await open({ settings: { bulk_max_items: 10 } });
  stage.seed([account(1)], people(30));
  let bulks = 0;
  const nth = (wanted: number) => (route: string) => route === "PUT /endusers" && (bulks += 1) === wanted;
  const second = nth(2);
  stage.planhat.faults.add({ kind: "truncate", route: ({ route }) => second(route) });
  await tellAll(stage, people(30));
  await stage.settledWithHelp();
  expect(stage.endusers()).toHaveLength(30);
  expect(stage.planhat.books.snapshot().created.endusers).toBe(30);
});
