/** Tracked events of users as Planhat's activities: those that were chosen, below the right enduser, once each. */
import { buildUserMessage } from "../../simulators/hull";
import type { FaultKind } from "../../simulators/loopback";
import { account, minute, useFixtures, user, type Bag, type Fixture, type FixtureOptions } from "../fixture/fixture";
import { listenAgain } from "../listen-again";
import { everyOf } from "../full";

const ROUTE = "POST /analytics/:tenant";

const openAny = useFixtures();

/** A fixture with which every event is sent. */
const open = (options: FixtureOptions = {}): Promise<Fixture> =>
  openAny({ ...options, settings: { contact_events: ["ALL"], ...options.settings } });

const event = (number: number, more: Bag = {}): Bag => ({
  event_id: `event-${number}`,
  event: "Signed In",
  event_source: "website",
  event_type: "track",
  created_at: minute(number),
  properties: { number },
  context: {},
  ...more,
});

const many = (count: number): readonly Bag[] => Array.from({ length: count }, (_, index) => event(index + 1));

const stored = (fixture: Fixture) => fixture.planhat.tenant().activities;

/** Numbers of the events that Planhat holds, as our events carry them, repetitions included. */
const numbers = (fixture: Fixture): readonly number[] =>
  stored(fixture)
    .map(({ info }) => Number(info["number"]))
    .sort((left, right) => left - right);

const tries = (fixture: Fixture) => fixture.calls.filter(({ route }) => route === ROUTE);

/** Tells of a user who did something, and waits until all is done. */
async function tell(
  fixture: Fixture,
  events: readonly Bag[],
  who: Bag = user(1),
  company: Bag = account(1),
): Promise<void> {
  await fixture.deliverUser(who, company, { events });
}

/** A user who is there already, so that nothing but events moves. */
async function acquainted(options: FixtureOptions = {}): Promise<Fixture> {
  const fixture = await open(options);
  await tell(fixture, []);
  return fixture;
}

const holdsOf = (fixture: Fixture) => fixture.connector.store.pauses(fixture.lane);

const ofActivities = async (fixture: Fixture): Promise<Readonly<Record<string, number>>> =>
  Object.fromEntries(Object.entries(await fixture.outcomes()).filter(([name]) => name.startsWith("activities/")));

test("a thousand events of a user with a large text would take gigabytes: the message is rejected, and says so", async () => {
  const fixture = await acquainted();
  const large = user(1, { position: "x".repeat(100_000), indexed_at: minute(1) });
  await tell(fixture, many(1_000), large);
  expect(stored(fixture)).toEqual([]);
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1, "endusers/rejected/invalid_message": 1 });
  const [line] = fixture.logs.filter(({ data }) => data?.["code"] === "invalid_message");
  expect(line?.data?.["reason"]).toContain(
    "its 1000 further records would take 100 MB; at most 64 MB are accepted. Send fewer",
  );
  await tell(fixture, many(20), { ...large, indexed_at: minute(2) });
  expect(numbers(fixture)).toHaveLength(20);
});

describe("the tracking filter", () => {
  const names = ["Signed In", "signed in", "Plan Changed", "Invoice Paid"];
  test.each([
    [
      ["Signed In", "Invoice Paid"],
      ["Invoice Paid", "Signed In"],
    ],
    [["ALL"], [...names].sort()],
    [["all_events"], [...names].sort()],
    [["Nothing like it"], []],
    [[], []],
    [null, []],
  ])("%j lets %j through", async (contact_events, expected) => {
    const fixture = await open({ settings: { contact_events } });
    await tell(
      fixture,
      names.map((name, index) => event(index, { event: name })),
    );
    expect(fixture.endusers()).toHaveLength(1);
    expect(
      stored(fixture)
        .map(({ action }) => action)
        .sort(),
    ).toEqual(expected);
    expect(tries(fixture)).toHaveLength(expected.length);
    expect(await fixture.outcomes()).toEqual({
      "endusers/sent/created": 1,
      ...(expected.length === 0 ? {} : { "activities/sent/tracked": expected.length }),
    });
  });

  test("an event without a name is none", async () => {
    const fixture = await open();
    await tell(fixture, [event(1, { event: "" }), event(2, { event: null }), event(3)]);
    expect(numbers(fixture)).toEqual([3]);
  });
});

describe("what is sent", () => {
  test("name, time and all properties of the event, and the keys of its enduser", async () => {
    const fixture = await open();
    const properties = {
      plan: "team",
      seats: 0,
      trial: false,
      note: "",
      nested: { list: [1, { two: 2 }] },
      none: null,
    };
    await tell(fixture, [event(1, { properties })]);
    const [call] = tries(fixture);
    expect(call?.path).toBe("/analytics/0b7e1f3a-0000-4000-8000-000000000001");
    expect(call?.body).toEqual({
      action: "Signed In",
      date: minute(1),
      info: properties,
      name: "Person 1",
      email: "person-1@example.com",
      externalId: "person-1",
      companyExternalId: "acme-1",
    });
    expect(stored(fixture)).toMatchObject([{ action: "Signed In", date: minute(1), info: properties, weight: 1 }]);
  });

  test.each([
    ["2018-03-30T14:38:02.500Z", "2018-03-30T14:38:02.500Z"],
    ["2018-03-30 14:38:02 UTC", "2018-03-30T14:38:02.000Z"],
    ["2018-03-30T16:38:02+02:00", "2018-03-30T14:38:02.000Z"],
    [1522420682, "2018-03-30T14:38:02.000Z"],
  ])("at its own time, however Hull writes it (%s)", async (created_at, expected) => {
    const fixture = await open();
    await tell(fixture, [event(1, { created_at })]);
    expect(tries(fixture)[0]?.body).toMatchObject({ date: expected });
    expect(stored(fixture)).toMatchObject([{ date: expected }]);
  });

  test.each([
    ["some day", "a text of 8 characters"],
    [45688, "5 digits"],
    ["99999999999999", "14 digits"],
    [null, "nothing"],
    [undefined, "nothing"],
  ])(
    "with a date that nobody can read (%s) it is refused aloud, alone, and never dated now",
    async (created_at, form) => {
      const fixture = await open();
      await tell(fixture, [event(1, { created_at }), event(2)]);
      expect(numbers(fixture)).toEqual([2]);
      expect(await ofActivities(fixture)).toEqual({
        "activities/sent/tracked": 1,
        "activities/rejected/invalid_date": 1,
      });
      const refused = fixture.logs.find(({ message }) => message === "outgoing.user_event.error");
      expect(refused?.data?.["reason"]).toBe(
        `A date cannot be read. (created_at of the event: ${form}; send a date such as 2025-01-31T12:00:00Z)`,
      );
    },
  );

  test("that was refused for its date is sent once Hull tells it with one", async () => {
    const fixture = await acquainted();
    await tell(fixture, [event(1, { created_at: "some day" })], user(1, { indexed_at: minute(1) }));
    await tell(fixture, [event(1)], user(1, { indexed_at: minute(2) }));
    expect(stored(fixture)).toMatchObject([{ date: minute(1) }]);
  });

  test("without properties it is sent with none", async () => {
    const fixture = await open();
    await tell(fixture, [event(1, { properties: undefined })]);
    expect(stored(fixture)).toMatchObject([{ action: "Signed In", info: {} }]);
  });

  test.each(["200-empty", "200-object", "201-empty", "201-object"] as const)(
    "Planhat's answer %s is a success",
    async (activityAnswer) => {
      const fixture = await open({ planhat: { switches: { activityAnswer } } });
      await tell(fixture, many(3));
      expect(numbers(fixture)).toEqual([1, 2, 3]);
      expect(await ofActivities(fixture)).toEqual({ "activities/sent/tracked": 3 });
    },
  );

  test("Hull is told nothing about it", async () => {
    const fixture = await acquainted();
    const before = fixture.hull.books.snapshot().firehoseRequests;
    await tell(fixture, many(3), user(1, { indexed_at: minute(1) }));
    expect(stored(fixture)).toHaveLength(3);
    expect(fixture.hull.books.snapshot().firehoseRequests).toBe(before);
  });

  test("each has a line of its own, with the user's ids", async () => {
    const fixture = await open();
    fixture.planhat.faults.add({ kind: "status", status: 400, body: "info is too large", route: ROUTE, count: 1 });
    await tell(fixture, many(2));
    await fixture.restart();
    const lines = fixture.logs.filter(({ message }) => message.startsWith("outgoing.user_event."));
    expect(lines.map(({ message, level }) => [message, level]).sort()).toEqual([
      ["outgoing.user_event.error", "error"],
      ["outgoing.user_event.success", "info"],
    ]);
    for (const { context, data } of lines) {
      expect(context).toMatchObject({ subject_type: "user", user_email: "person-1@example.com" });
      expect(data).toMatchObject({ type: "activities" });
    }
    expect(lines.find(({ level }) => level === "error")?.data).toMatchObject({ outcome: "rejected", code: "refused" });
  });
});

describe("after its enduser", () => {
  test("whom the same message makes, company and all", async () => {
    const fixture = await open();
    await tell(fixture, many(3));
    expect(stored(fixture).map(({ enduserId }) => enduserId)).toEqual(Array(3).fill(fixture.endusers()[0]?.["_id"]));
    const writes = fixture.calls.filter(({ method }) => method !== "GET").map(({ route }) => route);
    expect(writes).toEqual(["PUT /companies", "PUT /endusers", ROUTE, ROUTE, ROUTE]);
    expect(fixture.planhat.books.snapshot()).toMatchObject({ created: { endusers: 1 }, droppedActivities: 0 });
  });

  test("who is there and unchanged: one call an event, and no other", async () => {
    const fixture = await acquainted();
    const before = fixture.calls.length;
    await tell(fixture, many(2), user(1, { indexed_at: minute(1) }));
    expect(fixture.calls.slice(before).map(({ route }) => route)).toEqual([ROUTE, ROUTE]);
    expect(await fixture.outcomes()).toEqual({
      "endusers/sent/created": 1,
      "endusers/unchanged/in_sync": 1,
      "activities/sent/tracked": 2,
    });
  });

  test("who has a namesake in another company", async () => {
    const fixture = await open();
    const twin = { external_id: "twin", email: "twin@example.com" };
    await tell(fixture, [event(1)], user(1, twin));
    await tell(fixture, [event(2)], user(2, twin), account(2));
    const companyOf = new Map(fixture.endusers().map((each) => [each["_id"], each["companyId"]]));
    const idOf = new Map(fixture.companies().map((each) => [each["externalId"], each["_id"]]));
    expect(stored(fixture).map(({ enduserId }) => companyOf.get(enduserId))).toEqual([
      idOf.get("acme-1"),
      idOf.get("acme-2"),
    ]);
    expect(fixture.planhat.books.snapshot().created.endusers).toBe(2);
  });

  test("whose own message is older than what is there", async () => {
    const fixture = await open();
    await tell(fixture, [], user(1, { position: "Director", indexed_at: minute(5) }));
    await tell(fixture, [event(1)], user(1, { indexed_at: minute(1) }));
    expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
    expect(numbers(fixture)).toEqual([1]);
  });

  test("whose update is refused: he is there, so the event counts", async () => {
    const fixture = await acquainted();
    fixture.planhat.poison({ type: "endusers", field: "position", value: "Poison" }, "no");
    await tell(fixture, [event(1)], user(1, { position: "Poison", indexed_at: minute(1) }));
    expect(numbers(fixture)).toEqual([1]);
    expect(await fixture.outcomes()).toMatchObject({ "endusers/rejected/refused": 1, "activities/sent/tracked": 1 });
  });

  test("whose creation takes a while: events wait, and others' events do not", async () => {
    const fixture = await open();
    await tell(fixture, [], user(2));
    fixture.planhat.faults.add({ kind: "truncate", route: "PUT /endusers", count: 1 });
    await fixture.tellUser(user(1), account(1), { events: [event(1)] });
    await fixture.tellUser(user(2, { indexed_at: minute(1) }), account(1), { events: [event(2)] });
    await fixture.settledWithHelp();
    expect(numbers(fixture)).toEqual([1, 2]);
    expect(fixture.planhat.books.snapshot().created.endusers).toBe(2);
  });
});

describe("without its enduser there is none", () => {
  test.each([
    ["filtered out", { contact_synchronized_segments: ["people"] }, user(1), account(1), "outside_user_segments"],
    [
      "whose account is filtered out",
      { account_synchronized_segments: ["customers"] },
      user(1),
      account(1),
      "user_account_outside_segments",
    ],
    ["without an account", {}, user(1), {}, "missing_account"],
    ["without an e-mail address", {}, user(1, { email: null }), account(1), "missing_email"],
  ])("of a user %s", async (_name, settings, who, company, code) => {
    const fixture = await open({ settings });
    await tell(fixture, many(3), who, company);
    expect(fixture.calls).toEqual([]);
    expect(await fixture.outcomes()).toEqual({ [`endusers/skipped/${code}`]: 1 });
  });

  test("of a user whom Planhat refuses: dead / parent_rejected, naming him and the reason", async () => {
    const fixture = await open();
    fixture.planhat.poison({ type: "endusers", field: "externalId", value: "person-1" }, "is on the block list");
    await fixture.deliver("user:update", [
      buildUserMessage(user(1), { account: account(1), events: many(2) }),
      buildUserMessage(user(2), { account: account(1), events: [event(3)] }),
    ]);
    expect(numbers(fixture)).toEqual([3]);
    expect(await fixture.outcomes()).toEqual({
      "endusers/sent/created": 1,
      "endusers/rejected/refused": 1,
      "activities/sent/tracked": 1,
      "activities/dead/parent_rejected": 2,
    });
    const deadLetters = (await fixture.connector.store.deadLettersOf(fixture.lane)).filter(
      ({ type }) => type === "activities",
    );
    expect(deadLetters).toHaveLength(2);
    for (const { ending } of deadLetters) {
      expect(ending.text).toContain(user(1).id);
      expect(ending.text).toContain("on the block list");
    }
    await fixture.restart();
    expect(fixture.logs.filter(({ message }) => message === "outgoing.user_event.error")).toHaveLength(2);
  });

  test("of a user whose company Planhat refuses: dead, and nothing waits for ever", async () => {
    const fixture = await open();
    fixture.planhat.poison({ type: "companies", field: "externalId", value: "acme-1" }, "name is reserved");
    await tell(fixture, many(2));
    expect(fixture.endusers()).toEqual([]);
    expect(tries(fixture)).toEqual([]);
    const outcomes = await fixture.outcomes();
    expect(outcomes["endusers/dead/parent_rejected"]).toBe(1);
    const dead = Object.entries(outcomes).filter(([name]) => name.startsWith("activities/dead/parent_"));
    expect(dead.map(([, count]) => count)).toEqual([2]);
  });

  test("of a user who could be several people in Planhat: dead / parent_skipped", async () => {
    const fixture = await open();
    const tenant = fixture.planhat.tenant();
    tenant.seedCompany({ externalId: "acme-1", name: "Acme 1" });
    for (const other of ["one", "two"]) {
      const { _id: companyId } = tenant.seedCompany({ externalId: other, name: other });
      tenant.seedEnduser({ companyId, email: "person-1@example.com", name: "Somebody" });
    }
    await tell(fixture, [event(1)]);
    expect(stored(fixture)).toEqual([]);
    expect(await fixture.outcomes()).toEqual({ "endusers/skipped/ambiguous": 1, "activities/dead/parent_skipped": 1 });
  });

  test("the next message's success of the user does not send twice what was dead, nor lose the new one", async () => {
    const fixture = await open();
    const heal = fixture.planhat.poison({ type: "endusers", field: "externalId", value: "person-1" }, "no");
    await tell(fixture, [event(1)]);
    heal();
    await tell(fixture, [event(2)], user(1, { indexed_at: minute(1) }));
    expect(numbers(fixture)).toEqual([2]);
    expect(fixture.endusers()).toHaveLength(1);
  });
});

describe("the tenant token", () => {
  test("is missing: the user is sent, his events are skipped / missing_tenant_id", async () => {
    for (const tenant_id of [undefined, null, " "]) {
      const fixture = await open({ settings: { tenant_id } });
      await tell(fixture, many(2));
      expect(fixture.endusers()).toHaveLength(1);
      expect(tries(fixture)).toEqual([]);
      expect(await fixture.outcomes()).toEqual({
        "endusers/sent/created": 1,
        "activities/skipped/missing_tenant_id": 2,
      });
    }
  });

  test("comes later: an event that was skipped is sent when Hull brings it again", async () => {
    const fixture = await open({ settings: { tenant_id: null } });
    await tell(fixture, [event(1)]);
    await fixture.saveSettings({ contact_events: ["ALL"], tenant_id: "0b7e1f3a-0000-4000-8000-000000000001" });
    await tell(fixture, [event(1), event(2)], user(1, { indexed_at: minute(1) }));
    expect(numbers(fixture)).toEqual([1, 2]);
    expect(fixture.planhat.books.snapshot().created).toMatchObject({ companies: 1, endusers: 1 });
    expect(await ofActivities(fixture)).toEqual({
      "activities/skipped/missing_tenant_id": 1,
      "activities/sent/tracked": 2,
    });
  });

  test("is unknown to Planhat: events are held, companies and endusers go on, and the right one sets them going", async () => {
    const fixture = await open({ settings: { tenant_id: "0b7e1f3a-0000-4000-8000-00000000dead" } });
    await fixture.tellUser(user(1), account(1), { events: many(30) });
    await fixture.until(async () => (await holdsOf(fixture)).length > 0);
    expect(await holdsOf(fixture)).toMatchObject([{ scope: "activities", kind: "configuration" }]);
    expect((await holdsOf(fixture))[0]?.message).toContain("tenant token");
    // Those in progress when the first answer came; the others are not tried.
    expect(tries(fixture).length).toBeLessThanOrEqual(10);
    const tried = tries(fixture).length;

    await fixture.tellUser(user(2), account(2), { events: [event(31)] });
    await fixture.tellAccount(account(1, { name: "Renamed", indexed_at: minute(1) }));
    await fixture.until(() => fixture.endusers().length === 2);
    await fixture.until(() => fixture.companies().some((each) => each["name"] === "Renamed"));
    expect(tries(fixture)).toHaveLength(tried);
    expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toEqual([]);

    await fixture.saveSettings({ tenant_id: "0b7e1f3a-0000-4000-8000-000000000001" });
    await fixture.settledWithHelp();
    expect(numbers(fixture)).toEqual(many(31).map((_, index) => index + 1));
    expect(await ofActivities(fixture)).toEqual({ "activities/sent/tracked": 31 });
  });

  test.each([401, 403])("is refused with %i: likewise", async (status) => {
    const fixture = await acquainted();
    const ban = fixture.planhat.faults.add({ kind: "status", status, route: ROUTE });
    await fixture.tellUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1), { events: many(3) });
    await fixture.until(async () => (await holdsOf(fixture)).length > 0);
    expect(await holdsOf(fixture)).toMatchObject([{ scope: "activities", kind: "configuration" }]);
    await fixture.until(() => fixture.endusers()[0]?.["position"] === "Director");
    ban.remove();
    await fixture.saveSettings({ contact_events: ["ALL"] });
    await fixture.settled();
    expect(numbers(fixture)).toEqual([1, 2, 3]);
    expect(await ofActivities(fixture)).toEqual({ "activities/sent/tracked": 3 });
  });
});

describe("once per event", () => {
  test("in a shipment that is delivered again", async () => {
    const fixture = await open();
    const message = buildUserMessage(user(1), { account: account(1), events: many(3) });
    for (const notificationId of ["n-1", "n-1", "n-2"])
      await fixture.send("user:update", [message], { notificationId });
    await fixture.settled();
    await fixture.deliver("user:update", [message]);
    expect(numbers(fixture)).toEqual([1, 2, 3]);
    expect(await fixture.outcomes()).toMatchObject({ "endusers/sent/created": 1, "activities/sent/tracked": 3 });
  });

  test("in two messages of one shipment, beside those that only one of them has", async () => {
    const fixture = await open();
    await fixture.deliver("user:update", [
      buildUserMessage(user(1, { indexed_at: minute(1) }), { account: account(1), events: [event(1), event(2)] }),
      buildUserMessage(user(1, { indexed_at: minute(2) }), { account: account(1), events: [event(2), event(3)] }),
    ]);
    expect(numbers(fixture)).toEqual([1, 2, 3]);
    expect(await fixture.outcomes()).toEqual({
      "endusers/superseded/merged": 1,
      "endusers/sent/created": 1,
      "activities/sent/tracked": 3,
    });
  });

  test("in one message twice", async () => {
    const fixture = await open();
    await tell(fixture, [event(1), event(2), event(1)]);
    expect(numbers(fixture)).toEqual([1, 2]);
  });

  test.each(["settled", "restarted", "killed"])(
    "in two shipments with the connector %s in between",
    async (between) => {
      const fixture = await open();
      await tell(fixture, [event(1)]);
      if (between === "restarted") await fixture.restart();
      if (between === "killed") await fixture.crash();
      await tell(fixture, [event(1), event(2)], user(1, { indexed_at: minute(1) }));
      expect(numbers(fixture)).toEqual([1, 2]);
      expect(await ofActivities(fixture)).toEqual({ "activities/sent/tracked": 2 });
    },
  );

  test("while the first one still waits for Planhat", async () => {
    const fixture = await acquainted();
    const down = fixture.planhat.faults.add({ kind: "rate-limit", route: ROUTE });
    await fixture.tellUser(user(1, { indexed_at: minute(1) }), account(1), { events: [event(1)] });
    await fixture.until(() => tries(fixture).length > 0);
    await fixture.tellUser(user(1, { indexed_at: minute(2) }), account(1), { events: [event(1)] });
    down.remove();
    await fixture.settledWithHelp();
    expect(numbers(fixture)).toEqual([1]);
  });

  test("that Hull gave no id, known by its content", async () => {
    const fixture = await open();
    const nameless = event(1, { event_id: undefined });
    await tell(fixture, [nameless, event(2, { event_id: undefined })]);
    await tell(fixture, [nameless], user(1, { indexed_at: minute(1) }));
    expect(numbers(fixture)).toEqual([1, 2]);
  });

  test("different events that look alike are all sent", async () => {
    const fixture = await open();
    const alike = { created_at: minute(1), properties: { number: 1 } };
    await tell(fixture, [event(1, alike), event(2, alike)]);
    expect(numbers(fixture)).toEqual([1, 1]);
  });
});

describe("a newer message of the user", () => {
  test("replaces what waits of him, but not his events", async () => {
    const fixture = await open();
    const moved = user(1, { position: "Director", indexed_at: minute(1) });
    await fixture.together(async () => {
      await fixture.tellUser(user(1), account(1), { events: [event(1)] });
      await fixture.tellUser(moved, account(1), { events: [event(2)] });
    });
    await fixture.settled();
    expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
    expect(numbers(fixture)).toEqual([1, 2]);
  });

  describe("that a filter skips", () => {
    const created_at = minute(0);
    const people = { id: "people", name: "People", created_at, updated_at: created_at, stats: {} };
    const inside = { segments: [{ ...people, type: "users_segment" }] } as const;
    const settings = { contact_synchronized_segments: ["people"] };

    test("withdraws what waits of him, but not his events", async () => {
      const fixture = await open({ settings });
      await fixture.deliverUser(user(1), account(1), inside);
      const move = user(1, { position: "Director", indexed_at: minute(1) });
      await fixture.together(async () => {
        await fixture.tellUser(move, account(1), { ...inside, events: [event(1)] });
        await fixture.tellUser({ ...move, indexed_at: minute(2) }, account(1), { events: [event(2)] });
      });
      await fixture.settled();
      expect(fixture.endusers()).toMatchObject([{ position: "Engineer" }]);
      expect(numbers(fixture)).toEqual([1]);
    });

    test("does not take his events along when he is new: he is made for them", async () => {
      const fixture = await open({ settings });
      await fixture.together(async () => {
        await fixture.tellUser(user(1), account(1), { ...inside, events: [event(1)] });
        await fixture.tellUser(user(1, { indexed_at: minute(1) }), account(1), { events: [event(2)] });
      });
      await fixture.settled();
      expect(fixture.endusers()).toHaveLength(1);
      expect(numbers(fixture)).toEqual([1]);
      expect(await fixture.outcomes()).toEqual({
        "endusers/superseded/newer_message": 1,
        "endusers/skipped/outside_user_segments": 1,
        "activities/sent/tracked": 1,
      });
    });
  });
});

test("an export carries no events, and sends none again", async () => {
  const fixture = await open();
  await tell(fixture, many(2));
  await fixture.deliverUser(user(1, { indexed_at: minute(1) }), account(1), { isExport: true });
  expect(numbers(fixture)).toEqual([1, 2]);
  expect(await fixture.outcomes()).toEqual({
    "endusers/sent/created": 1,
    "endusers/sent/updated": 1,
    "activities/sent/tracked": 2,
  });
});

test("at most ten calls are under way at once, and at most ten begun ones are not settled: so many a kill may repeat", async () => {
  const fixture = await acquainted();
  let underWay = 0;
  let mostUnderWay = 0;
  let mostOpen = 0;
  const settled = async (): Promise<number> => (await ofActivities(fixture))["activities/sent/tracked"] ?? 0;
  fixture.planhat.faults.add({ kind: "latency", min: 1, max: 10, route: ROUTE });
  fixture.planhat.on("request", async ({ route }) => {
    if (route !== ROUTE) return;
    mostUnderWay = Math.max(mostUnderWay, (underWay += 1));
    const begun = tries(fixture).length;
    mostOpen = Math.max(mostOpen, begun - (await settled()));
  });
  fixture.planhat.on("applied", ({ route }) => {
    if (route === ROUTE) underWay -= 1;
  });
  await tell(fixture, many(60), user(1, { indexed_at: minute(1) }));
  expect(numbers(fixture)).toHaveLength(60);
  expect(mostUnderWay).toBeGreaterThan(1);
  expect(mostUnderWay).toBeLessThanOrEqual(10);
  expect(mostOpen).toBeLessThanOrEqual(10);
});

test("events take nothing from the request budget", async () => {
  const fixture = await acquainted({ settings: { requests_per_minute: 10 } });
  await tell(fixture, many(40), user(1, { indexed_at: minute(1) }));
  expect(numbers(fixture)).toHaveLength(40);
});

/** What goes wrong with the first call, and how often Planhat then holds the event when it is sent again. */
const LOST: readonly (readonly [string, FaultKind, number])[] = [
  ["500", { kind: "status", status: 500 }, 1],
  ["503", { kind: "status", status: 503 }, 1],
  ["504 though it was done", { kind: "status", status: 504, applied: true }, 2],
  ["a reset before it was done", { kind: "reset-before" }, 1],
  ["a reset after it was done", { kind: "reset-after" }, 2],
  ["no answer, nothing done", { kind: "stall" }, 1],
  ["no answer, though it was done", { kind: "stall-after" }, 2],
];

/** Only an answer that never comes is not waited for long: one that comes must be in time on any machine. */
const waitingWith = ({ kind }: FaultKind): FixtureOptions =>
  kind === "stall" || kind === "stall-after" ? { environment: { REQUEST_TIMEOUT_MS: "500" } } : {};

describe("an answer that was lost", () => {
  test.each(LOST)("%s: repeat sends the event again and says so", async (_name, fault, copies) => {
    const fixture = await acquainted(waitingWith(fault));
    const first = fixture.planhat.faults.add({ ...fault, route: ROUTE, count: 1 });
    await fixture.tellUser(user(1, { indexed_at: minute(1) }), account(1), { events: [event(1)] });
    await fixture.settledWithHelp();
    expect(first.hits).toBe(1);
    expect(tries(fixture)).toHaveLength(2);
    expect(numbers(fixture)).toEqual(Array(copies).fill(1));
    expect(await ofActivities(fixture)).toEqual({ "activities/sent/possibly_repeated": 1 });
    expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toEqual([]);
  });

  test.each(everyOf(2, LOST))(
    "%s: hold keeps the event for a person and never sends it again",
    async (_name, fault, copies) => {
      const fixture = await acquainted({
        ...waitingWith(fault),
        settings: { activities_unconfirmed: "hold" },
      });
      fixture.planhat.faults.add({ ...fault, route: ROUTE, count: 1 });
      await fixture.tellUser(user(1, { indexed_at: minute(1) }), account(1), { events: [event(1)] });
      await fixture.settledWithHelp();
      await tell(fixture, [event(1), event(2)], user(1, { indexed_at: minute(2) }));
      expect(numbers(fixture)).toEqual([...Array<number>(copies - 1).fill(1), 2]);
      expect(await ofActivities(fixture)).toEqual({ "activities/dead/unconfirmed": 1, "activities/sent/tracked": 1 });
      const deadLetters = await fixture.connector.store.deadLettersOf(fixture.lane);
      expect(deadLetters).toMatchObject([{ type: "activities", hullId: "event-1", ending: { code: "unconfirmed" } }]);
    },
  );

  test("of one of many repeats that one alone", async () => {
    const fixture = await acquainted();
    fixture.planhat.faults.add({ kind: "reset-after", route: ROUTE, count: 1 });
    await fixture.tellUser(user(1, { indexed_at: minute(1) }), account(1), { events: many(50) });
    await fixture.settledWithHelp();
    expect(stored(fixture)).toHaveLength(51);
    expect(new Set(numbers(fixture)).size).toBe(50);
    expect(await ofActivities(fixture)).toEqual({
      "activities/sent/tracked": 49,
      "activities/sent/possibly_repeated": 1,
    });
  });

  test("again and again loses nothing", async () => {
    const fixture = await acquainted();
    fixture.planhat.faults.add({ kind: "status", status: 503, route: ROUTE, probability: 0.4 });
    await fixture.tellUser(user(1, { indexed_at: minute(1) }), account(1), { events: many(40) });
    await fixture.settledWithHelp();
    expect(numbers(fixture)).toEqual(many(40).map((_, index) => index + 1));
  });

  test("holds companies and endusers back in no way", async () => {
    const fixture = await acquainted();
    const down = fixture.planhat.faults.add({ kind: "status", status: 503, route: ROUTE });
    await fixture.tellUser(user(1, { indexed_at: minute(1) }), account(1), { events: [event(1)] });
    await fixture.until(() => down.hits > 0);
    await fixture.tellUser(user(2), account(2));
    await fixture.until(() => fixture.endusers().length === 2);
    expect(stored(fixture)).toEqual([]);
    down.remove();
    await fixture.settledWithHelp();
    expect(numbers(fixture)).toEqual([1]);
  });
});

describe("a refusal that is certain", () => {
  test.each(["repeat", "hold"])(
    "429 is waited out (%s): sent, and not called repeated",
    async (activities_unconfirmed) => {
      const fixture = await acquainted({ settings: { activities_unconfirmed } });
      fixture.planhat.faults.add({ kind: "rate-limit", headers: { "retry-after": "0" }, route: ROUTE, count: 5 });
      await fixture.tellUser(user(1, { indexed_at: minute(1) }), account(1), { events: many(3) });
      await fixture.settledWithHelp();
      expect(numbers(fixture)).toEqual([1, 2, 3]);
      expect(await ofActivities(fixture)).toEqual({ "activities/sent/tracked": 3 });
    },
  );

  test.each(["repeat", "hold"])("nobody listens (%s): sent when somebody does", async (activities_unconfirmed) => {
    const fixture = await acquainted({ settings: { activities_unconfirmed } });
    const port = Number(new URL(fixture.planhat.url).port);
    await fixture.planhat.close();
    await fixture.tellUser(user(1, { indexed_at: minute(1) }), account(1), { events: [event(1)] });
    await fixture.until(async () => (await holdsOf(fixture)).length > 0);
    await listenAgain(() => fixture.planhat.listen(port));
    await fixture.settledWithHelp();
    expect(numbers(fixture)).toEqual([1]);
    expect(await ofActivities(fixture)).toEqual({ "activities/sent/tracked": 1 });
  });

  test("400 rejects the one event, in Planhat's words where it has any; the others go", async () => {
    const fixture = await acquainted();
    fixture.planhat.faults.add({
      kind: "status",
      status: 400,
      body: "info is too large",
      route: ({ route, body }) => route === ROUTE && (body as { info: Bag }).info["number"] === 2,
    });
    await tell(fixture, many(3), user(1, { indexed_at: minute(1) }));
    expect(numbers(fixture)).toEqual([1, 3]);
    expect(await ofActivities(fixture)).toEqual({ "activities/sent/tracked": 2, "activities/rejected/refused": 1 });
    const deadLetters = await fixture.connector.store.deadLettersOf(fixture.lane);
    expect(deadLetters).toMatchObject([{ type: "activities", hullId: "event-2", ending: { code: "refused" } }]);
  });
});

describe("killed", () => {
  const MOMENTS = [
    ["before Planhat had it", "request", "reset-before", 1],
    ["after Planhat had it", "applied", "reset-after", 2],
  ] as const;

  async function kill(fixture: Fixture, moment: "request" | "applied", kind: "reset-before" | "reset-after") {
    let kills = 0;
    fixture.planhat.faults.add({ kind, route: ROUTE, count: 1 });
    fixture.planhat.on(moment, async ({ route }) => {
      if (kills > 0 || route !== ROUTE) return;
      kills += 1;
      await fixture.crash();
    });
    await fixture.tellUser(user(1, { indexed_at: minute(1) }), account(1), { events: [event(1)] });
    await fixture.until(() => kills === 1);
    await fixture.settledWithHelp();
  }

  test.each(MOMENTS)("%s: repeat sends it again and says so", async (_name, moment, kind, copies) => {
    const fixture = await acquainted();
    await kill(fixture, moment, kind);
    expect(numbers(fixture)).toEqual(Array(copies).fill(1));
    expect(await ofActivities(fixture)).toEqual({ "activities/sent/possibly_repeated": 1 });
  });

  test.each(MOMENTS)("%s: hold keeps it for a person", async (_name, moment, kind, copies) => {
    const fixture = await acquainted({ settings: { activities_unconfirmed: "hold" } });
    await kill(fixture, moment, kind);
    expect(numbers(fixture)).toEqual(Array(copies - 1).fill(1));
    expect(await ofActivities(fixture)).toEqual({ "activities/dead/unconfirmed": 1 });
  });

  test("before anything was sent, all events arrive once", async () => {
    const fixture = await open();
    await fixture.together(async () => {
      await fixture.tellUser(user(1), account(1), { events: many(5) });
      expect(fixture.calls).toEqual([]);
      await fixture.crash();
    });
    await fixture.settled();
    expect(numbers(fixture)).toEqual([1, 2, 3, 4, 5]);
    expect(await ofActivities(fixture)).toEqual({ "activities/sent/tracked": 5 });
  });
});
