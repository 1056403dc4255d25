/** Hull is told what Planhat holds: once, in time, and whatever happens to either of them. */
import type { FaultKind } from "../../simulators/loopback";
import { buildUserMessage } from "../../simulators/hull";
import { account, minute, people, useFixtures, user, type Fixture } from "../fixture/fixture";

const open = useFixtures();

async function tellAll(fixture: Fixture, count: number, more: Record<string, unknown> = {}): Promise<void> {
  await fixture.send(
    "user:update",
    people(count).map((each) => buildUserMessage({ ...each, ...more }, { account: account(1) })),
  );
}

test("Hull learns ids, fields and the company of everybody, and is told nothing twice", async () => {
  const fixture = await open();
  await tellAll(fixture, 5);
  await fixture.settled();
  for (const each of fixture.endusers()) {
    const number = Number(String(each["externalId"]).split("-")[1]);
    const profile = fixture.hull.profiles.users.get(user(number).id);
    expect(profile?.attributes).toMatchObject({
      "planhat/id": each["_id"],
      "planhat/name": `Person ${number}`,
      "planhat/position": "Engineer",
      "planhat/email": each["email"],
    });
    expect(profile?.account_id).toBe(account(1).id);
  }
  const { noOpItems, unresolvedItems } = fixture.hull.books.snapshot();
  expect({ noOpItems, unresolvedItems }).toEqual({ noOpItems: 0, unresolvedItems: 0 });
});

test("the write-back that comes back as a message ends without a call to either side", async () => {
  const fixture = await open();
  fixture.seed([account(1)], [user(1)]);
  await fixture.deliverUser(user(1), account(1));
  const before = [fixture.planhat.books.snapshot().calls, fixture.hull.books.snapshot().firehoseRequests];
  const profile = fixture.hull.profiles.users.get(user(1).id);
  const company = fixture.hull.profiles.accounts.get(account(1).id);
  if (profile === undefined || company === undefined) throw new Error("Both are seeded.");
  await fixture.send("user:update", [fixture.hull.userMessage(profile)]);
  await fixture.send("account:update", [fixture.hull.accountMessage(company)]);
  await fixture.settled();
  expect([fixture.planhat.books.snapshot().calls, fixture.hull.books.snapshot().firehoseRequests]).toEqual(before);
  expect(await fixture.outcomes()).toEqual({
    "endusers/sent/created": 1,
    "endusers/unchanged/in_sync": 1,
    "companies/unchanged/in_sync": 1,
  });
});

test("a user is linked in Hull to an account that his message does not show by its id", async () => {
  const fixture = await open();
  fixture.seed([account(1)], [user(1)]);
  const { id: _, ...shown } = account(1);
  await fixture.deliverUser(user(1), shown);
  expect(fixture.hull.profiles.users.get(user(1).id)?.account_id).toBe(account(1).id);
});

test("a planhat/* attribute that somebody changed in Hull starts no loop", async () => {
  const fixture = await open();
  await fixture.deliverUser(user(1), account(1));
  const before = fixture.hull.books.snapshot().firehoseRequests;
  await fixture.deliverUser(
    user(1, { "planhat/id": "another", "planhat/position": "x", indexed_at: minute(1) }),
    account(1),
  );
  expect(fixture.hull.books.snapshot().firehoseRequests).toBe(before);
});

test("an update tells Hull only what it did not know", async () => {
  const fixture = await open();
  await fixture.deliverUser(user(1), account(1));
  const told: unknown[] = [];
  fixture.hull.on("request", ({ body }) => void told.push(body));
  const known = fixture.profile("user", user(1).id)["planhat/id"];
  await fixture.deliverUser(user(1, { position: "Director", "planhat/id": known, indexed_at: minute(1) }), account(1));
  const bodies = told.flatMap((each) => (each as { batch?: { body: unknown }[] }).batch ?? []).map(({ body }) => body);
  expect(bodies).toEqual([{ "planhat/position": "Director" }]);
});

describe.each<readonly [string, FaultKind]>([
  ["answers 503", { kind: "status", status: 503 }],
  ["resets connections", { kind: "reset-before" }],
  ["resets connections after it took the batch", { kind: "reset-after" }],
  ["answers 502 although it took the batch", { kind: "status", status: 502, applied: true }],
])("while Hull %s", (_name, fault) => {
  test("delivery goes on, and Hull is told later, exactly once", async () => {
    const fixture = await open();
    const down = fixture.hull.faults.add({ ...fault, route: "POST /firehose" });
    await tellAll(fixture, 3);
    await fixture.until(() => fixture.endusers().length === 3);
    await fixture.send(
      "user:update",
      people(6)
        .slice(3)
        .map((each) => buildUserMessage(each, { account: account(1) })),
    );
    await fixture.until(() => fixture.endusers().length === 6);
    await fixture.until(async () => (await fixture.connector.store.depth(fixture.lane)).outbox === 0);
    expect(await fixture.outcomes()).toEqual({});
    down.remove();
    await fixture.settled();
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 6 });
    for (const { id } of people(6)) expect(fixture.profile("user", id)["planhat/id"]).toBeDefined();
    const before = fixture.hull.books.snapshot().firehoseRequests;
    await tellAll(fixture, 6, { indexed_at: minute(1) });
    await fixture.settled();
    expect(fixture.hull.books.snapshot().firehoseRequests).toBe(before);
    expect(fixture.planhat.books.snapshot().created.endusers).toBe(6);
  });
});

test("what changed again while Hull was down is told as it is now, and every message ends", async () => {
  const fixture = await open();
  const down = fixture.hull.faults.add({ kind: "status", status: 503, route: "POST /firehose" });
  for (const [step, position] of ["Buyer", "Director", "Founder"].entries()) {
    await fixture.tellUser(user(1, { position, indexed_at: minute(step) }), account(1));
    await fixture.until(() => fixture.endusers()[0]?.["position"] === position);
    await fixture.until(async () => (await fixture.connector.store.depth(fixture.lane)).outbox === 0);
  }
  down.remove();
  await fixture.settled();
  expect(fixture.profile("user", user(1).id)).toMatchObject({
    "planhat/id": fixture.endusers()[0]?.["_id"],
    "planhat/position": "Founder",
  });
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1, "endusers/sent/updated": 2 });
});

describe("an item that Hull refuses for good", () => {
  test("ends sent / hull_refused, and the others of its batch are told", async () => {
    const fixture = await open();
    fixture.hull.refuse(({ body }) => body["planhat/name"] === "Person 4");
    await tellAll(fixture, 8);
    await fixture.settled();
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 7, "endusers/sent/hull_refused": 1 });
    for (const { id } of people(8)) {
      const told = fixture.profile("user", id)["planhat/id"];
      if (id === user(4).id) expect(told).toBeUndefined();
      else expect(told).toBeDefined();
    }
    expect(fixture.endusers()).toHaveLength(8);
    expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toEqual([]);
  });

  test("is told with the next change of the record", async () => {
    const fixture = await open();
    const end = fixture.hull.refuse(({ body }) => body["planhat/name"] === "Person 1");
    await fixture.deliverUser(user(1), account(1));
    end();
    await fixture.deliverUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1));
    expect(fixture.profile("user", user(1).id)).toMatchObject({
      "planhat/id": fixture.endusers()[0]?.["_id"],
      "planhat/position": "Director",
    });
  });
});

test("a profile that lost its planhat/id is told again", async () => {
  const fixture = await open();
  await fixture.deliverUser(user(1), account(1));
  const profile = fixture.hull.profiles.users.get(user(1).id);
  if (profile !== undefined) profile.attributes = {};
  fixture.advance(60);
  await fixture.deliverUser(user(1, { indexed_at: new Date(Date.now()).toISOString() }), account(1));
  expect(fixture.profile("user", user(1).id)["planhat/id"]).toBe(fixture.endusers()[0]?.["_id"]);
});

/** Two users and their company are written, and Hull refuses to hear of them. */
async function openRefused(
  status: number,
): Promise<Fixture & { readonly ban: { readonly hits: number; remove(): void } }> {
  const fixture = await open();
  const ban = fixture.hull.faults.add({ kind: "status", status, route: "POST /firehose" });
  await tellAll(fixture, 2);
  await fixture.until(async () => {
    const { outbox, hullUpdates: tells } = await fixture.connector.store.depth(fixture.lane);
    const complained = fixture.logs.some((line) => line.message === "connector.hull_api.error");
    return complained && outbox === 0 && tells === 3;
  });
  return Object.assign(fixture, { ban });
}

test.each([401, 402, 403, 404])(
  "while Hull answers %i, what it must be told waits, and nobody hammers it",
  async (status) => {
    const fixture = await openRefused(status);
    expect(fixture.endusers()).toHaveLength(2);
    expect(await fixture.outcomes()).toEqual({});
    expect(fixture.ban.hits).toBeLessThanOrEqual(3);
    await fixture.restart();
    expect((await fixture.connector.store.depth(fixture.lane)).hullUpdates).toBe(3);
  },
);

test("once the settings are saved again, a Hull that refused the credentials is told at once", async () => {
  const fixture = await openRefused(401);
  fixture.ban.remove();
  await fixture.saveSettings({});
  await fixture.settled();
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 2 });
});

test("a Hull that never answers the firehose delays nothing but itself", async () => {
  const fixture = await open({ environment: { REQUEST_TIMEOUT_MS: "2000" } });
  const stall = fixture.hull.faults.add({ kind: "stall", route: "POST /firehose", count: 1 });
  await fixture.tellUser(user(1), account(1));
  await fixture.until(() => stall.hits === 1);
  await fixture.tellUser(user(2), account(1));
  await fixture.until(() => fixture.endusers().length === 2);
  await fixture.settled();
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 2 });
});
