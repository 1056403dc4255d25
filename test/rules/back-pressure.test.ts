/** A full outbox slows Hull down; it never loses or refuses what it accepted. */
import { buildUserMessage, type SendAnswer } from "../../simulators/hull";
import { account, minute, people, user, useStages, type Stage } from "./stage";

const open = useStages();

function tell(stage: Stage, numbers: readonly number[], maxAttempts = 1): Promise<SendAnswer | undefined> {
  return stage.hull
    .send(stage.url, {
      connectorId: "5f0000000000000000000001",
      channel: "user:update",
      signed: false,
      maxAttempts,
      messages: numbers.map((number) => buildUserMessage(user(number), { account: account(1) })),
    })
    .then(({ answers }) => answers.at(-1));
}

/** Nothing leaves the outbox from here on. */
async function dam(stage: Stage): Promise<() => Promise<void>> {
  const fault = stage.planhat.faults.add({ kind: "status", status: 401 });
  await tell(stage, [1]);
  await stage.until(async () => (await stage.connector.store.pauses(stage.lane)).length > 0);
  return async () => {
    fault.remove();
    await stage.saveSettings({});
  };
}

test("a deep outbox is answered next, with smaller shipments and longer waits", async () => {
  const stage = await open({ environment: { MAX_OUTBOX: "50" } });
  stage.seed([account(1)], people(40));
  const release = await dam(stage);
  const idle = (await tell(stage, [1]))?.flow;
  const flows = [];
  for (const part of [0, 1, 2, 3]) {
    const numbers = Array.from({ length: 10 }, (_, index) => part * 10 + index + 1);
    flows.push((await tell(stage, numbers))?.flow);
  }
  const after = (await tell(stage, [1]))?.flow;
  expect([idle, ...flows, after].every((flow) => flow?.type === "next")).toBe(true);
  expect(after?.size).toBeLessThan(idle?.size ?? 0);
  expect(after?.in).toBeGreaterThan(idle?.in ?? Infinity);
  await release();
  await stage.settled();
  expect(stage.endusers()).toHaveLength(40);
});

test("above the hard limit the answer is retry, nothing is taken, and the repetition is taken once there is room", async () => {
  const stage = await open({ environment: { MAX_OUTBOX: "5" } });
  stage.seed([account(1)], people(20));
  const release = await dam(stage);
  await tell(stage, [1, 2, 3, 4, 5, 6]);
  const refused = await tell(stage, [7, 8]);
  expect(refused).toMatchObject({ status: 503, flow: { type: "retry" } });
  expect((await stage.connector.store.tally(stage.tenantKey)).messages).toBe(6);
  await release();
  await stage.settled();
  expect((await tell(stage, [7, 8]))?.flow?.type).toBe("next");
  await stage.settled();
  expect(stage.endusers()).toHaveLength(8);
  expect((await stage.connector.store.tally(stage.tenantKey)).messages).toBe(8);
});

test("what coalesces does not deepen the outbox", async () => {
  const stage = await open({ environment: { MAX_OUTBOX: "5" } });
  stage.seed([account(1)], people(2));
  const release = await dam(stage);
  for (let step = 1; step <= 20; step += 1) {
    await stage.tellUser(user(1, { position: `P${step}`, indexed_at: minute(step) }), account(1));
  }
  await release();
  await stage.settled();
  expect(stage.endusers()).toMatchObject([{ position: "P20" }]);
});

test("settings may still change while the outbox is full", async () => {
  const stage = await open({ environment: { MAX_OUTBOX: "1" } });
  stage.seed([account(1)], people(1));
  const release = await dam(stage);
  await release();
  await stage.settled();
  expect(stage.endusers()).toHaveLength(1);
});

test("without a token messages end skipped / missing_token and are answered next", async () => {
  const stage = await open({ settings: { personal_acccess_token: "" } });
  const answer = await tell(stage, [1, 2]);
  expect(answer).toMatchObject({ status: 200, flow: { type: "next" } });
  expect(await stage.outcomes()).toEqual({ "endusers/skipped/missing_token": 2 });
  expect(stage.calls).toEqual([]);
});

test("a token that is removed for a while loses nothing that already waits", async () => {
  const stage = await open();
  stage.seed([account(1)], people(2));
  const fault = stage.planhat.faults.add({ kind: "status", status: 401 });
  await tell(stage, [1]);
  await stage.until(async () => (await stage.connector.store.pauses(stage.lane)).length > 0);
  await stage.saveSettings({ personal_acccess_token: "" });
  await tell(stage, [2]);
  await stage.tellUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1));
  fault.remove();
  await stage.saveSettings({});
  await stage.settled();
  expect(stage.endusers()).toMatchObject([{ externalId: "person-1" }]);
  expect(await stage.outcomes()).toMatchObject({ "endusers/skipped/missing_token": 2 });
});

test("one unreadable message never turns its shipment into retry", async () => {
  const stage = await open();
  stage.seed([account(1)], people(2));
  const { answers } = await stage.send("user:update", [
    buildUserMessage(user(1), { account: account(1) }),
    { user: null },
    42,
    buildUserMessage(user(2), { account: account(1) }),
  ]);
  expect(answers).toMatchObject([{ status: 200, flow: { type: "next" } }]);
  await stage.settled();
  expect(stage.endusers()).toHaveLength(2);
});

test("a message of too many attributes is rejected by itself, and the log says how many and what to do", async () => {
  const stage = await open();
  stage.seed([account(1)], people(2));
  const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`a${at}`, at]));
  const { answers } = await stage.send("user:update", [
    buildUserMessage(user(1, many), { account: account(1) }),
    buildUserMessage(user(2), { account: account(1) }),
  ]);
  expect(answers).toMatchObject([{ status: 200, flow: { type: "next" } }]);
  await stage.settled();
  expect(await stage.outcomes()).toEqual({ "endusers/rejected/invalid_message": 1, "endusers/sent/created": 1 });
  const line = stage.logs.find(({ data }) => data?.["code"] === "invalid_message");
  expect(JSON.stringify(line)).toContain("messages[0].user holds 20006 attributes, at most 10000 are accepted. Remove");
});

test("a value that the field cannot hold costs the field, not the record", async () => {
  const stage = await open({
    settings: {
      contact_attributes_outbound: [
        { hull_field_name: "email", service_field_name: "email" },
        { hull_field_name: "external_id", service_field_name: "externalId" },
        { hull_field_name: "traits_featured", service_field_name: "featured" },
      ],
    },
  });
  stage.seed([account(1)], people(1));
  await stage.tellUser(user(1, { featured: "perhaps" }), account(1));
  await stage.settled();
  expect(stage.written("endusers")).toHaveLength(1);
  expect(stage.written("endusers")[0]).not.toHaveProperty("featured");
});

test("an intake makes no call to Planhat", async () => {
  const stage = await open();
  stage.seed([account(1)], people(50));
  const numbers = Array.from({ length: 50 }, (_, index) => index + 1);
  await stage.together(async () => {
    await tell(stage, numbers);
    expect(stage.calls).toEqual([]);
  });
  await stage.settled();
});

test("a thousand users of two hundred companies stay far below the quota and never see a 429", async () => {
  const stage = await open({ planhat: { quotaPerMinute: 200 } });
  const companies = Array.from({ length: 200 }, (_, index) => account(index + 1));
  const all = people(1_000);
  stage.seed(companies, all);
  await stage.send(
    "user:update",
    all.map((each, index) => buildUserMessage(each, { account: companies[index % 200] ?? account(1) })),
  );
  await stage.settled();
  expect(stage.planhat.books.snapshot().created).toMatchObject({ companies: 200, endusers: 1_000 });
  const { requests, maximumCallsPerMinute } = stage.planhat.books.snapshot();
  expect(maximumCallsPerMinute).toBeLessThan(100);
  expect(Object.values(requests).every((results) => results["429"] === undefined)).toBe(true);
});

test("a requests_per_minute setting bounds the calls: the rest waits its turn, and nothing is refused", async () => {
  const stage = await open({ settings: { requests_per_minute: 4 }, planhat: { quotaPerMinute: 4 } });
  stage.seed([account(1)], people(1));
  await stage.tellUser(user(1), account(1));
  await stage.until(() => stage.companies().length === 1);
  const { requests } = stage.planhat.books.snapshot();
  expect(Object.values(requests).every((results) => results["429"] === undefined)).toBe(true);
  expect(stage.planhat.books.snapshot().maximumCallsPerMinute).toBeLessThanOrEqual(4);
});
