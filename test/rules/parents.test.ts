/** A person in Planhat belongs to a company: parents first, but nothing waits longer than necessary. */
import { buildUserMessage } from "../../simulators/hull";
import { account, minute, people, row, useFixtures, user, type Fixture } from "../fixture/fixture";

const open = useFixtures();

async function tellAll(fixture: Fixture, all: readonly ReturnType<typeof user>[], company = account(1)): Promise<void> {
  await fixture.send(
    "user:update",
    all.map((each) => buildUserMessage(each, { account: company })),
  );
}

test("a user without account is never sent, and no call is made", async () => {
  const fixture = await open();
  await fixture.deliver("user:update", [
    buildUserMessage(user(1)),
    buildUserMessage(user(2), { account: account(1, { external_id: null }) }),
  ]);
  expect(fixture.calls).toEqual([]);
  expect(await fixture.outcomes()).toEqual({
    "endusers/skipped/missing_account": 1,
    "endusers/skipped/missing_account_external_id": 1,
  });
});

test("a user without account is not sent by an export either", async () => {
  const fixture = await open();
  await fixture.deliver("user:update", [buildUserMessage(user(1))], { isExport: true });
  expect(fixture.calls).toEqual([]);
});

test("every enduser that is sent names a company that exists", async () => {
  const fixture = await open();
  await tellAll(fixture, people(5));
  await fixture.settled();
  const [company] = fixture.companies();
  expect(fixture.written("endusers").map((each) => each["companyId"])).toEqual(people(5).map(() => company?.["_id"]));
  expect(fixture.planhat.books.snapshot().ignoredEndusers).toBe(0);
});

test("a company that nobody sent is made once for many users", async () => {
  const fixture = await open();
  await fixture.deliver(
    "user:update",
    people(30).map((each, index) => buildUserMessage(each, { account: account((index % 2) + 1) })),
  );
  expect(fixture.planhat.books.snapshot().created).toMatchObject({ companies: 2, endusers: 30 });
  expect(fixture.written("companies")).toHaveLength(2);
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 30 });
});

test("a company that is made for its users is told to Hull, with the users' links", async () => {
  const fixture = await open();
  await fixture.deliverUser(user(1), account(1));
  expect(fixture.profile("account", account(1).id)["planhat/id"]).toBe(fixture.companies()[0]?.["_id"]);
  expect(fixture.hull.profiles.users.get(user(1).id)?.account_id).toBe(account(1).id);
});

test("a company that is made for its users has its name and every mapped attribute", async () => {
  const fixture = await open({
    settings: {
      account_attributes_outbound: [row("name", "name"), row("stage", "phase")],
      account_custom_attributes_outbound: [row("seats", "Seats")],
    },
  });
  await fixture.deliverUser(user(1), account(1, { stage: "Growth", seats: 0 }));
  expect(fixture.companies()).toMatchObject([
    { externalId: "acme-1", name: "Acme 1", phase: "Growth", custom: { Seats: 0 } },
  ]);
});

describe("when the company is refused", () => {
  test("its users end dead / parent_rejected and the reason names it", async () => {
    const fixture = await open();
    fixture.planhat.poison({ type: "companies", field: "externalId", value: "acme-1" }, "name is reserved");
    await tellAll(fixture, people(2));
    await fixture.deliverUser(user(3), account(2));
    expect(await fixture.outcomes()).toEqual({ "endusers/dead/parent_rejected": 2, "endusers/sent/created": 1 });
    const deadLetters = await fixture.connector.store.deadLettersOf(fixture.lane);
    const children = deadLetters.filter(({ type }) => type === "endusers");
    expect(children).toHaveLength(2);
    for (const { ending } of children) {
      expect(ending.text).toContain(account(1).id);
      expect(ending.text).toContain("name is reserved");
    }
  });

  test("a later success of the company lets its users through with their next message", async () => {
    const fixture = await open();
    const heal = fixture.planhat.poison({ type: "companies", field: "externalId", value: "acme-1" }, "no");
    await tellAll(fixture, people(2));
    await fixture.settled();
    heal();
    await tellAll(
      fixture,
      people(2).map((each) => ({ ...each, indexed_at: minute(1) })),
    );
    await fixture.settled();
    expect(fixture.endusers()).toHaveLength(2);
    expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toEqual([]);
  });

  test("users of a company whose owner nobody knows end dead / parent_skipped", async () => {
    const fixture = await open({
      settings: { account_attributes_outbound: [row("name", "name"), row("owner", "owner")] },
    });
    await fixture.deliverUser(user(1), account(1, { owner: "nobody@example.com" }));
    expect(await fixture.outcomes()).toEqual({ "endusers/dead/parent_skipped": 1 });
    expect([fixture.companies(), fixture.endusers()]).toEqual([[], []]);
    await fixture.restart();
    expect(fixture.logs.map(({ data }) => data?.["reason"])).toContain("Invalid Owner ID.");
  });
});

test("the company's own message goes before what its users carried along", async () => {
  const fixture = await open();
  await fixture.together(async () => {
    await fixture.tellUser(user(1), account(1, { name: "As the user saw it" }));
    await fixture.tellAccount(account(1, { name: "Acme" }));
  });
  await fixture.settled();
  expect(fixture.written("companies")).toMatchObject([{ name: "Acme" }]);
  expect(fixture.companies()).toHaveLength(1);
  expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 1, "endusers/sent/created": 1 });
});

test("an account's message never waits for its users", async () => {
  const fixture = await open();
  await tellAll(fixture, people(3));
  await fixture.settled();
  // Users cannot be written for a while; the account goes on.
  const down = fixture.planhat.poison((_, model) => model === "endusers", "users are refused", "payload");
  await tellAll(
    fixture,
    people(3).map((each) => ({ ...each, position: "Director", indexed_at: minute(1) })),
  );
  await fixture.tellAccount(account(1, { name: "Renamed", indexed_at: minute(1) }));
  await fixture.until(() => fixture.companies()[0]?.["name"] === "Renamed");
  down();
  await fixture.settledWithHelp();
});

test("the filter of users does not withdraw a company that was made for them", async () => {
  const fixture = await open({ settings: { account_synchronized_segments: [] } });
  await fixture.together(async () => {
    await fixture.tellUser(user(1), account(1));
    await fixture.tellAccount(account(1, { indexed_at: minute(1) }));
  });
  await fixture.settled();
  expect(fixture.endusers()).toHaveLength(1);
  expect(await fixture.outcomes()).toEqual({
    "companies/skipped/outside_account_segments": 1,
    "endusers/sent/created": 1,
  });
});

test("the update of a company does not hold its users back", async () => {
  const fixture = await open();
  await fixture.deliverUser(user(1), account(1));
  fixture.planhat.poison({ type: "companies", field: "name", value: "Refused" }, "no");
  await fixture.tellAccount(account(1, { name: "Refused", indexed_at: minute(1) }));
  await fixture.tellUser(user(2), account(1));
  await fixture.settled();
  expect(fixture.endusers()).toHaveLength(2);
  expect(await fixture.outcomes()).toMatchObject({ "companies/rejected/refused": 1, "endusers/sent/created": 2 });
});

test("a create of a company that is in doubt holds only its own users back", async () => {
  const fixture = await open({ environment: { SETTLE_MS: "4000" } });
  await fixture.deliverAccount(account(2));
  fixture.planhat.faults.add({ kind: "truncate", route: "PUT /companies", count: 1 });
  const lift = setInterval(() => void fixture.connector.deliveryWorker.release(fixture.lane), 20);
  try {
    // A slow machine must not let the doubt pass before the second is there.
    await fixture.together(async () => {
      await fixture.tellUser(user(1), account(1));
      await fixture.tellUser(user(2), account(2));
    });
    await fixture.until(() => fixture.endusers().length >= 1);
    expect(fixture.endusers()).toMatchObject([{ externalId: "person-2" }]);
    await fixture.settled();
  } finally {
    clearInterval(lift);
  }
  expect(fixture.endusers()).toHaveLength(2);
  expect(fixture.planhat.books.snapshot().created.companies).toBe(2);
});
