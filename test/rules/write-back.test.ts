/** Hull is told what Planhat holds: once, in time, and whatever happens to either of them. */
import type { FaultKind } from "../../simulators/loopback";
import { buildUserMessage } from "../../simulators/hull";
import { account, minute, people, user, useStages, type Stage } from "./stage";

const open = useStages();

async function tellAll(stage: Stage, count: number, more: Record<string, unknown> = {}): Promise<void> {
  await stage.send(
    "user:update",
    people(count).map((each) => buildUserMessage({ ...each, ...more }, { account: account(1) })),
  );
}

test("Hull learns ids, fields and the company of everybody, and is told nothing twice", async () => {
  const stage = await open();
  stage.seed([account(1)], people(5));
  await tellAll(stage, 5);
  await stage.settled();
  for (const each of stage.endusers()) {
    const number = Number(String(each["externalId"]).split("-")[1]);
    const profile = stage.hull.profiles.users.get(user(number).id);
    expect(profile?.attributes).toMatchObject({
      "planhat/id": each["_id"],
      "planhat/name": `Person ${number}`,
      "planhat/position": "Engineer",
      "planhat/email": each["email"],
    });
    expect(profile?.account_id).toBe(account(1).id);
  }
  const { noOpItems, unresolvedItems } = stage.hull.books.snapshot();
  expect({ noOpItems, unresolvedItems }).toEqual({ noOpItems: 0, unresolvedItems: 0 });
});

test("the write-back that comes back as a message ends without a call to either side", async () => {
  const stage = await open();
  stage.seed([account(1)], [user(1)]);
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  const before = [stage.planhat.books.snapshot().calls, stage.hull.books.snapshot().firehoseRequests];
  const profile = stage.hull.profiles.users.get(user(1).id);
  const company = stage.hull.profiles.accounts.get(account(1).id);
  if (profile === undefined || company === undefined) throw new Error("Both are seeded.");
  await stage.send("user:update", [stage.hull.userMessage(profile)]);
  await stage.send("account:update", [stage.hull.accountMessage(company)]);
  await stage.settled();
  expect([stage.planhat.books.snapshot().calls, stage.hull.books.snapshot().firehoseRequests]).toEqual(before);
  expect(await stage.outcomes()).toEqual({
    "endusers/sent/created": 1,
    "endusers/unchanged/in_sync": 1,
    "companies/unchanged/in_sync": 1,
  });
});

test("a planhat/* attribute that somebody changed in Hull starts no loop", async () => {
  const stage = await open();
  stage.seed([account(1)], [user(1)]);
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  const before = stage.hull.books.snapshot().firehoseRequests;
  await stage.tellUser(
    user(1, { "planhat/id": "another", "planhat/position": "x", indexed_at: minute(1) }),
    account(1),
  );
  await stage.settled();
  expect(stage.hull.books.snapshot().firehoseRequests).toBe(before);
});

test("an update tells Hull only what it did not know", async () => {
  const stage = await open();
  stage.seed([account(1)], [user(1)]);
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  const told: unknown[] = [];
  stage.hull.on("request", ({ body }) => void told.push(body));
  const known = stage.profile("user", user(1).id)["planhat/id"];
  await stage.tellUser(user(1, { position: "Director", "planhat/id": known, indexed_at: minute(1) }), account(1));
  await stage.settled();
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
    const stage = await open();
    stage.seed([account(1)], people(6));
    const down = stage.hull.faults.add({ ...fault, route: "POST /firehose" });
    await tellAll(stage, 3);
    await stage.until(() => stage.endusers().length === 3);
    await stage.send(
      "user:update",
      people(6)
        .slice(3)
        .map((each) => buildUserMessage(each, { account: account(1) })),
    );
    await stage.until(() => stage.endusers().length === 6);
    await stage.until(async () => (await stage.connector.store.depth(stage.lane)).outbox === 0);
    expect(await stage.outcomes()).toEqual({});
    down.remove();
    await stage.settled();
    expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 6 });
    for (const { id } of people(6)) expect(stage.profile("user", id)["planhat/id"]).toBeDefined();
    const before = stage.hull.books.snapshot().firehoseRequests;
    await tellAll(stage, 6, { indexed_at: minute(1) });
    await stage.settled();
    expect(stage.hull.books.snapshot().firehoseRequests).toBe(before);
    expect(stage.planhat.books.snapshot().created.endusers).toBe(6);
  });
});

test("what changed again while Hull was down is told as it is now, and every message ends", async () => {
  const stage = await open();
  stage.seed([account(1)], [user(1)]);
  const down = stage.hull.faults.add({ kind: "status", status: 503, route: "POST /firehose" });
  for (const [step, position] of ["Buyer", "Director", "Founder"].entries()) {
    await stage.tellUser(user(1, { position, indexed_at: minute(step) }), account(1));
    await stage.until(() => stage.endusers()[0]?.["position"] === position);
    await stage.until(async () => (await stage.connector.store.depth(stage.lane)).outbox === 0);
  }
  down.remove();
  await stage.settled();
  expect(stage.profile("user", user(1).id)).toMatchObject({
    "planhat/id": stage.endusers()[0]?.["_id"],
    "planhat/position": "Founder",
  });
  expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 1, "endusers/sent/updated": 2 });
});

describe("an item that Hull refuses for good", () => {
  test("ends sent / hull_refused, and the others of its batch are told", async () => {
    const stage = await open();
    stage.seed([account(1)], people(8));
    stage.hull.refuse(({ body }) => body["planhat/name"] === "Person 4");
    await tellAll(stage, 8);
    await stage.settled();
    expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 7, "endusers/sent/hull_refused": 1 });
    for (const { id } of people(8)) {
      const told = stage.profile("user", id)["planhat/id"];
      if (id === user(4).id) expect(told).toBeUndefined();
      else expect(told).toBeDefined();
    }
    expect(stage.endusers()).toHaveLength(8);
    expect(await stage.connector.store.deadLettersOf(stage.lane)).toEqual([]);
  });

  test("is told with the next change of the record", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    const end = stage.hull.refuse(({ body }) => body["planhat/name"] === "Person 1");
    await stage.tellUser(user(1), account(1));
    await stage.settled();
    end();
    await stage.tellUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1));
    await stage.settled();
    expect(stage.profile("user", user(1).id)).toMatchObject({
      "planhat/id": stage.endusers()[0]?.["_id"],
      "planhat/position": "Director",
    });
  });
});

test("a profile that lost its planhat/id is told again", async () => {
  const realNow = Date.now.bind(Date);
  let aheadMs = 0;
  const clock = jest.spyOn(Date, "now").mockImplementation(() => realNow() + aheadMs);
  try {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    await stage.tellUser(user(1), account(1));
    await stage.settled();
    const profile = stage.hull.profiles.users.get(user(1).id);
    if (profile !== undefined) profile.attributes = {};
    aheadMs = 3_600_000;
    await stage.tellUser(user(1, { indexed_at: new Date(Date.now()).toISOString() }), account(1));
    await stage.settled();
    expect(stage.profile("user", user(1).id)["planhat/id"]).toBe(stage.endusers()[0]?.["_id"]);
  } finally {
    clock.mockRestore();
  }
});

/** Two users and their company are written, and Hull refuses to hear of them. */
async function openRefused(
  status: number,
): Promise<Stage & { readonly ban: { readonly hits: number; remove(): void } }> {
  const stage = await open();
  stage.seed([account(1)], people(2));
  const ban = stage.hull.faults.add({ kind: "status", status, route: "POST /firehose" });
  await tellAll(stage, 2);
  await stage.until(async () => {
    const { outbox, hullUpdates: tells } = await stage.connector.store.depth(stage.lane);
    const complained = stage.logs.some((line) => line.message === "connector.hull_api.error");
    return complained && outbox === 0 && tells === 3;
  });
  return Object.assign(stage, { ban });
}

test.each([401, 402, 403, 404])(
  "while Hull answers %i, what it must be told waits, and nobody hammers it",
  async (status) => {
    const stage = await openRefused(status);
    expect(stage.endusers()).toHaveLength(2);
    expect(await stage.outcomes()).toEqual({});
    expect(stage.ban.hits).toBeLessThanOrEqual(3);
    await stage.restart();
    expect((await stage.connector.store.depth(stage.lane)).hullUpdates).toBe(3);
  },
);

test("once the settings are saved again, a Hull that refused the credentials is told at once", async () => {
  const stage = await openRefused(401);
  stage.ban.remove();
  await stage.saveSettings({});
  await stage.settled();
  expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 2 });
});

test("a Hull that never answers the firehose delays nothing but itself", async () => {
  const stage = await open({ environment: { REQUEST_TIMEOUT_MS: "2000" } });
  stage.seed([account(1)], people(2));
  const stall = stage.hull.faults.add({ kind: "stall", route: "POST /firehose", count: 1 });
  await stage.tellUser(user(1), account(1));
  await stage.until(() => stall.hits === 1);
  await stage.tellUser(user(2), account(1));
  await stage.until(() => stage.endusers().length === 2);
  await stage.settled();
  expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 2 });
});
