/** A full outbox slows Hull down; it never loses or refuses what it accepted. */
import { buildAccountMessage, buildUserMessage, type SendAnswer } from "../../simulators/hull";
import { account, minute, people, row, useFixtures, user, type Fixture } from "../fixture/fixture";

const open = useFixtures();

function tell(fixture: Fixture, numbers: readonly number[], maxAttempts = 1): Promise<SendAnswer | undefined> {
  return fixture.hull
    .send(fixture.url, {
      connectorId: "5f0000000000000000000001",
      channel: "user:update",
      signed: false,
      maxAttempts,
      messages: numbers.map((number) => buildUserMessage(user(number), { account: account(1) })),
    })
    .then(({ answers }) => answers.at(-1));
}

/** Nothing leaves the outbox from here on. */
async function dam(fixture: Fixture): Promise<() => Promise<void>> {
  const fault = fixture.planhat.faults.add({ kind: "status", status: 401 });
  await tell(fixture, [1]);
  await fixture.until(async () => (await fixture.connector.store.pauses(fixture.lane)).length > 0);
  return async () => {
    fault.remove();
    await fixture.saveSettings({});
  };
}

test("a deep outbox is answered next, with smaller shipments and longer waits", async () => {
  const fixture = await open({ environment: { MAX_OUTBOX: "50" } });
  const release = await dam(fixture);
  const idle = (await tell(fixture, [1]))?.flow;
  const flows = [];
  for (const part of [0, 1, 2, 3]) {
    const numbers = Array.from({ length: 10 }, (_, index) => part * 10 + index + 1);
    flows.push((await tell(fixture, numbers))?.flow);
  }
  const after = (await tell(fixture, [1]))?.flow;
  expect([idle, ...flows, after].every((flow) => flow?.type === "next")).toBe(true);
  expect(after?.size).toBeLessThan(idle?.size ?? 0);
  expect(after?.in).toBeGreaterThan(idle?.in ?? Infinity);
  await release();
  await fixture.settled();
  expect(fixture.endusers()).toHaveLength(40);
});

test("above the hard limit the answer is retry, nothing is taken, and the repetition is taken once there is room", async () => {
  const fixture = await open({ environment: { MAX_OUTBOX: "5" } });
  const release = await dam(fixture);
  await tell(fixture, [1, 2, 3, 4, 5, 6]);
  const refused = await tell(fixture, [7, 8]);
  expect(refused).toMatchObject({ status: 503, flow: { type: "retry" } });
  expect((await fixture.connector.store.tally(fixture.tenantKey)).messages).toBe(6);
  await release();
  await fixture.settled();
  expect((await tell(fixture, [7, 8]))?.flow?.type).toBe("next");
  await fixture.settled();
  expect(fixture.endusers()).toHaveLength(8);
  expect((await fixture.connector.store.tally(fixture.tenantKey)).messages).toBe(8);
});

test("what coalesces does not deepen the outbox", async () => {
  const fixture = await open({ environment: { MAX_OUTBOX: "5" } });
  const release = await dam(fixture);
  for (let step = 1; step <= 20; step += 1) {
    await fixture.tellUser(user(1, { position: `P${step}`, indexed_at: minute(step) }), account(1));
  }
  await release();
  await fixture.settled();
  expect(fixture.endusers()).toMatchObject([{ position: "P20" }]);
});

test("settings may still change while the outbox is full", async () => {
  const fixture = await open({ environment: { MAX_OUTBOX: "1" } });
  const release = await dam(fixture);
  await release();
  await fixture.settled();
  expect(fixture.endusers()).toHaveLength(1);
});

test.each([undefined, null, "", "   "])(
  "with the token %j messages end skipped / missing_token and are answered next",
  async (token) => {
    const fixture = await open({ settings: { personal_acccess_token: token } });
    const answer = await tell(fixture, [1, 2]);
    expect(answer).toMatchObject({ status: 200, flow: { type: "next" } });
    expect(await fixture.outcomes()).toEqual({ "endusers/skipped/missing_token": 2 });
    expect(fixture.calls).toEqual([]);
    expect(fixture.logs.filter(({ message }) => message === "outgoing.user.skip")).toMatchObject(
      Array(2).fill({ level: "warn", data: { code: "missing_token" } }),
    );
  },
);

test("a notification that could not be stored is never answered with next", async () => {
  const fixture = await open();
  const messages = [1, 2, 3].map((number) => buildAccountMessage(account(number)));
  await fixture.connector.store.close();
  const report = await fixture.send("account:update", messages, { maxAttempts: 1 });
  expect(report.messagesAccepted).toBe(0);
  expect(report.answers[0]).toMatchObject({ status: 503, flow: { type: "retry" } });
  await fixture.restart();
  await fixture.deliver("account:update", messages);
  expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 3 });
});

test("every call to Planhat asks to keep the connection", async () => {
  const fixture = await open();
  for (const number of [1, 2, 3, 4, 5]) await fixture.deliverAccount(account(number));
  expect(new Set(fixture.calls.map(({ headers }) => headers.connection))).toEqual(new Set(["keep-alive"]));
  expect(fixture.calls.length).toBeGreaterThanOrEqual(10);
});

test("a token that is removed for a while loses nothing that already waits", async () => {
  const fixture = await open();
  const fault = fixture.planhat.faults.add({ kind: "status", status: 401 });
  await tell(fixture, [1]);
  await fixture.until(async () => (await fixture.connector.store.pauses(fixture.lane)).length > 0);
  await fixture.saveSettings({ personal_acccess_token: "" });
  await tell(fixture, [2]);
  await fixture.tellUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1));
  fault.remove();
  await fixture.saveSettings({});
  await fixture.settled();
  expect(fixture.endusers()).toMatchObject([{ externalId: "person-1" }]);
  expect(await fixture.outcomes()).toMatchObject({ "endusers/skipped/missing_token": 2 });
});

test("one unreadable message never turns its shipment into retry", async () => {
  const fixture = await open();
  const { answers } = await fixture.send("user:update", [
    buildUserMessage(user(1), { account: account(1) }),
    { user: null },
    42,
    buildUserMessage(user(2), { account: account(1) }),
  ]);
  expect(answers).toMatchObject([{ status: 200, flow: { type: "next" } }]);
  await fixture.settled();
  expect(fixture.endusers()).toHaveLength(2);
});

test("a message of too many attributes is rejected by itself, and the log says how many and what to do", async () => {
  const fixture = await open();
  const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`a${at}`, at]));
  const { answers } = await fixture.send("user:update", [
    buildUserMessage(user(1, many), { account: account(1) }),
    buildUserMessage(user(2), { account: account(1) }),
  ]);
  expect(answers).toMatchObject([{ status: 200, flow: { type: "next" } }]);
  await fixture.settled();
  expect(await fixture.outcomes()).toEqual({ "endusers/rejected/invalid_message": 1, "endusers/sent/created": 1 });
  const line = fixture.logs.find(({ data }) => data?.["code"] === "invalid_message");
  expect(JSON.stringify(line)).toContain("messages[0].user holds 20006 attributes, at most 10000 are accepted. Remove");
});

test("a value that the field cannot hold costs the field, not the record", async () => {
  const fixture = await open({
    settings: {
      contact_attributes_outbound: [
        row("email", "email"),
        row("external_id", "externalId"),
        row("traits_featured", "featured"),
      ],
    },
  });
  await fixture.deliverUser(user(1, { featured: "perhaps" }), account(1));
  expect(fixture.written("endusers")).toHaveLength(1);
  expect(fixture.written("endusers")[0]).not.toHaveProperty("featured");
});

test("an intake makes no call to Planhat", async () => {
  const fixture = await open();
  const numbers = Array.from({ length: 50 }, (_, index) => index + 1);
  await fixture.together(async () => {
    await tell(fixture, numbers);
    expect(fixture.calls).toEqual([]);
  });
  await fixture.settled();
});

test("hundreds of users of many companies stay far below the quota and never see a 429", async () => {
  const fixture = await open({ planhat: { quotaPerMinute: 100 } });
  const companies = Array.from({ length: 80 }, (_, index) => account(index + 1));
  const all = people(400);
  fixture.seed(companies, all);
  await fixture.deliver(
    "user:update",
    all.map((each, index) => buildUserMessage(each, { account: companies[index % 80] ?? account(1) })),
  );
  expect(fixture.planhat.books.snapshot().created).toMatchObject({ companies: 80, endusers: 400 });
  const { requests, maximumCallsPerMinute } = fixture.planhat.books.snapshot();
  expect(maximumCallsPerMinute).toBeLessThan(50);
  expect(Object.values(requests).every((results) => results["429"] === undefined)).toBe(true);
});

test("a requests_per_minute setting bounds the calls: the rest waits its turn, and nothing is refused", async () => {
  const fixture = await open({ settings: { requests_per_minute: 4 }, planhat: { quotaPerMinute: 4 } });
  await fixture.tellUser(user(1), account(1));
  await fixture.until(() => fixture.companies().length === 1);
  const { requests } = fixture.planhat.books.snapshot();
  expect(Object.values(requests).every((results) => results["429"] === undefined)).toBe(true);
  expect(fixture.planhat.books.snapshot().maximumCallsPerMinute).toBeLessThanOrEqual(4);
});
