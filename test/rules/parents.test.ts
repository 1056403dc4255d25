/** A person in Planhat belongs to a company: parents first, but nothing waits longer than necessary. */
import { buildUserMessage } from "../../simulators/hull";
import { account, minute, people, user, useStages, type Stage } from "./stage";

const open = useStages();

async function tellAll(stage: Stage, all: readonly ReturnType<typeof user>[], company = account(1)): Promise<void> {
  await stage.send(
    "user:update",
    all.map((each) => buildUserMessage(each, { account: company })),
  );
}

test("a user without account is never sent, and no call is made", async () => {
  const stage = await open();
  await stage.send("user:update", [
    buildUserMessage(user(1)),
    buildUserMessage(user(2), { account: account(1, { external_id: null }) }),
  ]);
  await stage.settled();
  expect(stage.calls).toEqual([]);
  expect(await stage.outcomes()).toEqual({
    "endusers/skipped/missing_account": 1,
    "endusers/skipped/missing_account_external_id": 1,
  });
});

test("a user without account is not sent by an export either", async () => {
  const stage = await open();
  await stage.send("user:update", [buildUserMessage(user(1))], { isExport: true });
  await stage.settled();
  expect(stage.calls).toEqual([]);
});

test("every enduser that is sent names a company that exists", async () => {
  const stage = await open();
  stage.seed([account(1)], people(5));
  await tellAll(stage, people(5));
  await stage.settled();
  const [company] = stage.companies();
  expect(stage.written("endusers").map((each) => each["companyId"])).toEqual(people(5).map(() => company?.["_id"]));
  expect(stage.planhat.books.snapshot().ignoredEndusers).toBe(0);
});

test("a company that nobody sent is made once for many users", async () => {
  const stage = await open();
  stage.seed([account(1), account(2)], people(30));
  await stage.send(
    "user:update",
    people(30).map((each, index) => buildUserMessage(each, { account: account((index % 2) + 1) })),
  );
  await stage.settled();
  expect(stage.planhat.books.snapshot().created).toMatchObject({ companies: 2, endusers: 30 });
  expect(stage.written("companies")).toHaveLength(2);
  expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 30 });
});

test("a company that is made for its users is told to Hull, with the users' links", async () => {
  const stage = await open();
  stage.seed([account(1)], [user(1)]);
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  expect(stage.profile("account", account(1).id)["planhat/id"]).toBe(stage.companies()[0]?.["_id"]);
  expect(stage.hull.profiles.users.get(user(1).id)?.account_id).toBe(account(1).id);
});

describe("when the company is refused", () => {
  test("its users end dead / parent_rejected and the reason names it", async () => {
    const stage = await open();
    stage.seed([account(1), account(2)], people(3));
    stage.planhat.poison({ type: "companies", field: "externalId", value: "acme-1" }, "name is reserved");
    await tellAll(stage, people(2));
    await stage.tellUser(user(3), account(2));
    await stage.settled();
    expect(await stage.outcomes()).toEqual({ "endusers/dead/parent_rejected": 2, "endusers/sent/created": 1 });
    const letters = await stage.connector.store.deadLettersOf(stage.lane);
    const children = letters.filter(({ type }) => type === "endusers");
    expect(children).toHaveLength(2);
    for (const { ending } of children) {
      expect(ending.text).toContain(account(1).id);
      expect(ending.text).toContain("name is reserved");
    }
  });

  test("a later success of the company lets its users through with their next message", async () => {
    const stage = await open();
    stage.seed([account(1)], people(2));
    const heal = stage.planhat.poison({ type: "companies", field: "externalId", value: "acme-1" }, "no");
    await tellAll(stage, people(2));
    await stage.settled();
    heal();
    await tellAll(
      stage,
      people(2).map((each) => ({ ...each, indexed_at: minute(1) })),
    );
    await stage.settled();
    expect(stage.endusers()).toHaveLength(2);
    expect(await stage.connector.store.deadLettersOf(stage.lane)).toEqual([]);
  });

  test("users of a company whose owner nobody knows end dead / parent_skipped", async () => {
    const stage = await open({
      settings: {
        account_attributes_outbound: [
          { hull_field_name: "name", service_field_name: "name" },
          { hull_field_name: "owner", service_field_name: "owner" },
        ],
      },
    });
    stage.seed([account(1)], [user(1)]);
    await stage.tellUser(user(1), account(1, { owner: "nobody@example.com" }));
    await stage.settled();
    expect(await stage.outcomes()).toEqual({ "endusers/dead/parent_skipped": 1 });
  });
});

test("the company's own message goes before what its users carried along", async () => {
  const stage = await open();
  stage.seed([account(1)], [user(1)]);
  await stage.together(async () => {
    await stage.tellUser(user(1), account(1, { name: "As the user saw it" }));
    await stage.tellAccount(account(1, { name: "Acme" }));
  });
  await stage.settled();
  expect(stage.written("companies")).toMatchObject([{ name: "Acme" }]);
  expect(stage.companies()).toHaveLength(1);
  expect(await stage.outcomes()).toEqual({ "companies/sent/created": 1, "endusers/sent/created": 1 });
});

test("an account's message never waits for its users", async () => {
  const stage = await open();
  stage.seed([account(1)], people(3));
  await tellAll(stage, people(3));
  await stage.settled();
  // Users cannot be written for a while; the account goes on.
  const down = stage.planhat.poison((_, model) => model === "endusers", "users are refused", "payload");
  await tellAll(
    stage,
    people(3).map((each) => ({ ...each, position: "Director", indexed_at: minute(1) })),
  );
  await stage.tellAccount(account(1, { name: "Renamed", indexed_at: minute(1) }));
  await stage.until(() => stage.companies()[0]?.["name"] === "Renamed");
  down();
  await stage.settledWithHelp();
});

test("the filter of users does not withdraw a company that was made for them", async () => {
  const stage = await open({ settings: { account_synchronized_segments: [] } });
  stage.seed([account(1)], [user(1)]);
  await stage.together(async () => {
    await stage.tellUser(user(1), account(1));
    await stage.tellAccount(account(1, { indexed_at: minute(1) }));
  });
  await stage.settled();
  expect(stage.endusers()).toHaveLength(1);
  expect(await stage.outcomes()).toEqual({
    "companies/skipped/outside_account_segments": 1,
    "endusers/sent/created": 1,
  });
});

test("the update of a company does not hold its users back", async () => {
  const stage = await open();
  stage.seed([account(1)], people(2));
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  stage.planhat.poison({ type: "companies", field: "name", value: "Refused" }, "no");
  await stage.tellAccount(account(1, { name: "Refused", indexed_at: minute(1) }));
  await stage.tellUser(user(2), account(1));
  await stage.settled();
  expect(stage.endusers()).toHaveLength(2);
  expect(await stage.outcomes()).toMatchObject({ "companies/rejected/refused": 1, "endusers/sent/created": 2 });
});

test("a create of a company that is in doubt holds only its own users back", async () => {
  const stage = await open({ environment: { SETTLE_MS: "2000" } });
  stage.seed([account(1), account(2)], people(2));
  await stage.tellAccount(account(2));
  await stage.settled();
  stage.planhat.faults.add({ kind: "truncate", route: "PUT /companies", count: 1 });
  const lift = setInterval(() => void stage.connector.lanes.release(stage.lane), 20);
  try {
    await stage.tellUser(user(1), account(1));
    await stage.tellUser(user(2), account(2));
    await stage.until(() => stage.endusers().length >= 1);
    expect(stage.endusers()).toMatchObject([{ externalId: "person-2" }]);
    await stage.settled();
  } finally {
    clearInterval(lift);
  }
  expect(stage.endusers()).toHaveLength(2);
  expect(stage.planhat.books.snapshot().created.companies).toBe(2);
});
