/** What Planhat answers, and what it means for each record. */
import { buildUserMessage } from "../../simulators/hull";
import { account, minute, people, row, useFixtures, user, type Fixture } from "../fixture/fixture";

const open = useFixtures();

async function tellAll(fixture: Fixture, all: readonly ReturnType<typeof user>[], isExport = false): Promise<void> {
  await fixture.send(
    "user:update",
    all.map((each) => buildUserMessage(each, { account: account(1) })),
    { isExport },
  );
}

describe.each(["create", "error"] as const)(
  "an id that is gone in Planhat (which answers it with: %s)",
  (unknownId) => {
    test("an enduser is made again with all fields and linked anew", async () => {
      const fixture = await open({ planhat: { switches: { unknownId } } });
      await fixture.deliverUser(user(1), account(1));
      const old = String(fixture.endusers()[0]?.["_id"]);
      fixture.planhat.tenant().remove("endusers", old);
      await fixture.tellUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1));
      await fixture.settledWithHelp();
      expect(fixture.endusers()).toHaveLength(1);
      expect(fixture.endusers()).toMatchObject([
        { externalId: "person-1", email: user(1)["email"], name: "Person 1", position: "Director" },
      ]);
      const fresh = fixture.endusers()[0]?.["_id"];
      expect(fresh).not.toBe(old);
      expect(fixture.profile("user", user(1).id)["planhat/id"]).toBe(fresh);
      const before = fixture.written("endusers").length;
      await fixture.deliverUser(user(1, { position: "Founder", indexed_at: minute(2) }), account(1));
      expect(fixture.written("endusers").slice(before)).toEqual([{ _id: fresh, position: "Founder" }]);
    });

    test("a company is made again with all fields and linked anew", async () => {
      const fixture = await open({
        planhat: { switches: { unknownId } },
        settings: {
          account_attributes_outbound: [row("name", "name"), row("phase", "phase")],
        },
      });
      await fixture.deliverAccount(account(1, { phase: "Growth" }));
      const old = String(fixture.companies()[0]?.["_id"]);
      fixture.planhat.tenant().remove("companies", old);
      await fixture.tellAccount(account(1, { name: "Renamed", phase: "Growth", indexed_at: minute(1) }));
      await fixture.settledWithHelp();
      expect(fixture.companies()).toMatchObject([{ externalId: "acme-1", name: "Renamed", phase: "Growth" }]);
      expect(fixture.profile("account", account(1).id)["planhat/id"]).toBe(fixture.companies()[0]?.["_id"]);
    });

    test("a record that was made anew by hand is found by its key", async () => {
      const fixture = await open({ planhat: { switches: { unknownId } } });
      await fixture.deliverUser(user(1), account(1));
      const [first] = fixture.endusers();
      const tenant = fixture.planhat.tenant();
      tenant.remove("endusers", String(first?.["_id"]));
      const { _id: _, ...copy } = first ?? {};
      tenant.seedEnduser(copy);
      await fixture.tellUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1));
      await fixture.settledWithHelp();
      expect(fixture.endusers()).toHaveLength(1);
      expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
    });

    test("one of many that is gone does not disturb the others", async () => {
      const fixture = await open({ planhat: { switches: { unknownId } } });
      await tellAll(fixture, people(12));
      await fixture.settled();
      const gone = fixture.endusers().find((each) => each["externalId"] === "person-5");
      fixture.planhat.tenant().remove("endusers", String(gone?.["_id"]));
      await tellAll(
        fixture,
        people(12).map((each) => ({ ...each, position: "Director", indexed_at: minute(1) })),
      );
      await fixture.settledWithHelp();
      expect(fixture.endusers()).toHaveLength(12);
      expect(fixture.endusers().every((each) => each["position"] === "Director" && each["email"] !== undefined)).toBe(
        true,
      );
    });
  },
);

describe("206: good rows are done, bad ones are rejected in Planhat's words", () => {
  test.each(["text", "item", "keys", "index"] as const)("whatever an error looks like (%s)", async (errorShape) => {
    const fixture = await open({ planhat: { switches: { errorShape } } });
    fixture.planhat.poison({ field: "externalId", value: "person-3" }, "position: Cast to ObjectId failed");
    fixture.planhat.poison({ field: "externalId", value: "person-7" }, "email is on the block list");
    await tellAll(fixture, people(10));
    await fixture.settledWithHelp();
    expect(fixture.endusers()).toHaveLength(8);
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 8, "endusers/rejected/refused": 2 });
    const deadLetters = await fixture.connector.store.deadLettersOf(fixture.lane);
    const words = new Map(deadLetters.map((deadLetter) => [deadLetter.hullId, deadLetter.ending.text]));
    expect(words.get(user(3).id)).toContain("Cast to ObjectId failed");
    expect(words.get(user(7).id)).toContain("on the block list");
    expect(words.get(user(3).id)).not.toContain("block list");
  });

  test.each([
    ["shuffled", "full", "counted"],
    ["shuffled", "id-only", "counted"],
    ["input", "id-only", "named"],
  ] as const)("whatever the key lists look like (%s, %s, %s)", async (keysOrder, keysForm, nonupdates) => {
    const fixture = await open({ planhat: { switches: { keysOrder, keysForm, nonupdates } } });
    fixture.planhat.poison({ field: "externalId", value: "person-3" }, "no");
    await tellAll(fixture, people(10));
    await fixture.settledWithHelp();
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 9, "endusers/rejected/refused": 1 });
    for (const each of fixture.endusers()) {
      const number = Number(String(each["externalId"]).split("-")[1]);
      expect(fixture.profile("user", user(number).id)["planhat/id"]).toBe(each["_id"]);
    }
  });

  test("a rejected record closes its dead letter when a later message succeeds", async () => {
    const fixture = await open();
    const heal = fixture.planhat.poison({ field: "externalId", value: "person-1" }, "no");
    await tellAll(fixture, people(2));
    await fixture.settled();
    expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toHaveLength(1);
    heal();
    await fixture.deliverUser(user(1, { indexed_at: minute(1) }), account(1));
    expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toEqual([]);
    expect(fixture.endusers()).toHaveLength(2);
  });
});

describe("400: the payload that holds the poison is told apart", () => {
  test.each(["envelope", "text"] as const)("one poison record hurts only itself (body: %s)", async (badRequestBody) => {
    const fixture = await open({ planhat: { switches: { badRequestBody } } });
    fixture.planhat.poison({ field: "externalId", value: "person-17" }, "poison", "payload");
    await tellAll(fixture, people(40));
    await fixture.settledWithHelp();
    expect(fixture.endusers()).toHaveLength(39);
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 39, "endusers/rejected/refused": 1 });
    const [deadLetter] = await fixture.connector.store.deadLettersOf(fixture.lane);
    expect(deadLetter?.hullId).toBe(user(17).id);
  });

  test("several poison records hurt only themselves", async () => {
    const fixture = await open();
    const bad = ["person-1", "person-20", "person-21", "person-64"];
    for (const value of bad) fixture.planhat.poison({ field: "externalId", value }, "poison", "payload");
    await tellAll(fixture, people(64));
    await fixture.settledWithHelp();
    expect(fixture.endusers().map((each) => each["externalId"])).toHaveLength(60);
    const deadLetters = await fixture.connector.store.deadLettersOf(fixture.lane);
    expect(deadLetters.map(({ hullId }) => hullId).sort()).toEqual(
      [1, 20, 21, 64].map((number) => user(number).id).sort(),
    );
  });

  test("updates are told apart as well", async () => {
    const fixture = await open();
    await tellAll(fixture, people(20));
    await fixture.settled();
    fixture.planhat.poison({ field: "position", value: "Poison" }, "poison", "payload");
    await tellAll(
      fixture,
      people(20).map((each, index) => ({
        ...each,
        position: index === 4 ? "Poison" : "Director",
        indexed_at: minute(1),
      })),
    );
    await fixture.settledWithHelp();
    expect(fixture.endusers().filter((each) => each["position"] === "Director")).toHaveLength(19);
    expect(await fixture.outcomes()).toMatchObject({ "endusers/sent/updated": 19, "endusers/rejected/refused": 1 });
  });
});

describe("a fault of the mapping", () => {
  test.each(["item", "payload"] as const)(
    "pauses the type with a reason and loses nothing (refused by %s)",
    async (mode) => {
      const fixture = await open();
      const heal = fixture.planhat.poison((_, model) => model === "endusers", "position: Cast to Number failed", mode);
      await tellAll(fixture, people(40));
      await fixture.until(async () => (await fixture.connector.store.pauses(fixture.lane)).length > 0);
      const [hold] = await fixture.connector.store.pauses(fixture.lane);
      expect(hold).toMatchObject({ scope: "endusers", kind: "mapping" });
      if (mode === "item") expect(hold?.message).toContain("Cast to Number failed");
      expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toEqual([]);
      expect(await fixture.outcomes()).toEqual({});
      // Companies go on meanwhile.
      await fixture.tellAccount(account(2));
      await fixture.until(() => fixture.companies().length === 2);
      heal();
      await fixture.saveSettings({});
      await fixture.settled();
      expect(fixture.endusers()).toHaveLength(40);
      expect(await fixture.outcomes()).toMatchObject({ "endusers/sent/created": 40 });
    },
  );
});

describe.each([
  ["401", (fixture: Fixture) => fixture.planhat.faults.add({ kind: "status", status: 401 })],
  ["403", (fixture: Fixture) => fixture.planhat.faults.add({ kind: "status", status: 403 })],
  [
    "403 with an envelope, for lack of one right",
    (fixture: Fixture) => {
      const limits = [{ model: "endusers", action: "create" } as const];
      fixture.planhat.limitToken("planhat-token-0001", limits);
      return { remove: () => fixture.planhat.limitToken("planhat-token-0001", []) };
    },
  ],
])("%s pauses the lane", (_name, forbid) => {
  test("entries stay, the reason is kept, and ship:update resumes at once", async () => {
    const fixture = await open();
    const ban = forbid(fixture);
    await tellAll(fixture, people(3));
    await fixture.until(async () => (await fixture.connector.store.pauses(fixture.lane)).length > 0);
    const [hold] = await fixture.connector.store.pauses(fixture.lane);
    expect(hold).toMatchObject({ scope: "*", kind: "auth" });
    expect((await fixture.connector.store.depth(fixture.lane)).outbox).toBeGreaterThanOrEqual(3);
    expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toEqual([]);
    expect(await fixture.outcomes()).toEqual({});
    await fixture.until(() => fixture.logs.some(({ message }) => message === "connector.configuration.error"));
    const calls = fixture.calls.length;
    await fixture.tellUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1));
    expect(fixture.calls).toHaveLength(calls);
    ban.remove();
    await fixture.saveSettings({});
    await fixture.settled();
    expect(fixture.endusers()).toHaveLength(3);
    expect(await fixture.outcomes()).toMatchObject({ "endusers/sent/created": 3 });
  });
});

test("a 429 makes the lane wait; nothing is lost, rejected or doubled", async () => {
  const fixture = await open();
  fixture.planhat.faults.add({ kind: "rate-limit", headers: { "retry-after": "0" }, count: 4 });
  await tellAll(fixture, people(5));
  await fixture.settledWithHelp();
  expect(fixture.planhat.books.snapshot().created).toMatchObject({ companies: 1, endusers: 5 });
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 5 });
});

test("a 429 with Retry-After: the wait is kept", async () => {
  const fixture = await open();
  const headers = { "retry-after": "1" };
  fixture.planhat.faults.add({ kind: "rate-limit", headers, route: "PUT /companies", count: 1 });
  await fixture.deliverAccount(account(1));
  expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 1 });
  const [first, second] = fixture.calls.filter(({ route }) => route === "PUT /companies");
  // Timers may come a moment early by the clock.
  expect((second?.receivedAt ?? 0) - (first?.receivedAt ?? 0)).toBeGreaterThanOrEqual(990);
});

test("5xx is tried again, not told apart", async () => {
  const fixture = await open();
  await tellAll(fixture, people(20));
  await fixture.settled();
  const down = fixture.planhat.faults.add({ kind: "status", status: 500, route: "PUT /endusers", count: 2 });
  await tellAll(
    fixture,
    people(20).map((each) => ({ ...each, position: "Director", indexed_at: minute(1) })),
  );
  await fixture.settledWithHelp();
  expect(down.hits).toBe(2);
  const bulks = fixture.calls.filter(({ route }) => route === "PUT /endusers");
  expect(bulks.every(({ body }) => Array.isArray(body) && body.length === 20)).toBe(true);
  expect(fixture.endusers().every((each) => each["position"] === "Director")).toBe(true);
});

test("an enduser whose company is gone in Planhat is not believed to be saved", async () => {
  const fixture = await open();
  await fixture.deliverUser(user(1), account(1));
  const company = String(fixture.companies()[0]?.["_id"]);
  fixture.planhat.tenant().remove("companies", company);
  await fixture.tellUser(user(2), account(1));
  await fixture.settledWithHelp();
  const saved = fixture.endusers().some((each) => each["externalId"] === "person-2");
  const { "endusers/sent/created": created } = await fixture.outcomes();
  expect(created).toBe(saved ? 2 : 1);
});

test("bulk calls keep to the number of items that the settings allow", async () => {
  const fixture = await open({ settings: { bulk_max_items: 7 } });
  await tellAll(fixture, people(20));
  await fixture.settled();
  const sizes = fixture.calls
    .filter(({ route }) => route === "PUT /endusers")
    .map(({ body }) => (body as unknown[]).length);
  expect(sizes).toEqual([7, 7, 6]);
  expect(fixture.endusers()).toHaveLength(20);
});

test("a chunk that is lost in the middle of several keeps the others", async () => {
  const fixture = await open({ settings: { bulk_max_items: 10 } });
  let bulks = 0;
  const nth = (wanted: number) => (route: string) => route === "PUT /endusers" && (bulks += 1) === wanted;
  const second = nth(2);
  fixture.planhat.faults.add({ kind: "truncate", route: ({ route }) => second(route) });
  await tellAll(fixture, people(30));
  await fixture.settledWithHelp();
  expect(fixture.endusers()).toHaveLength(30);
  expect(fixture.planhat.books.snapshot().created.endusers).toBe(30);
});
