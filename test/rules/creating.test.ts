/** A create whose answer is lost is neither doubled nor forgotten. */
import { buildUserMessage } from "../../simulators/hull";
import type { FaultKind } from "../../simulators/loopback";
import { account, minute, people, useFixtures, user, type Fixture, type FixtureOptions } from "../fixture/fixture";

const open = useFixtures();

/** For a Planhat that never answers. */
const IMPATIENT: FixtureOptions = { environment: { REQUEST_TIMEOUT_MS: "200" } };

type Type = "companies" | "endusers";
const LOSSES: readonly { readonly how: string; readonly fault: FaultKind; readonly options?: FixtureOptions }[] = [
  { how: "to a reset after the write", fault: { kind: "reset-after" } },
  { how: "to a gateway's 502 after the write", fault: { kind: "status", status: 502, applied: true } },
  { how: "to a redirect after the write", fault: { kind: "status", status: 302, applied: true } },
  { how: "to a truncated body after the write", fault: { kind: "truncate" } },
  { how: "to an answer of another shape after the write", fault: { kind: "wrong-shape", form: "object" } },
  { how: "to an HTML page after the write", fault: { kind: "wrong-shape", form: "html" } },
  { how: "to an answer without its lists after the write", fault: { kind: "wrong-shape", form: "no-arrays" } },
  { how: "to a reset before the write", fault: { kind: "reset-before" } },
  { how: "to a 503 before the write", fault: { kind: "status", status: 503 } },
  { how: "because Planhat never answers, after the write", fault: { kind: "stall-after" }, options: IMPATIENT },
  { how: "because Planhat never answers, before the write", fault: { kind: "stall" }, options: IMPATIENT },
];

async function expectOnce(fixture: Fixture, type: Type): Promise<void> {
  const { created, duplicates } = fixture.planhat.books.snapshot();
  expect(created[type]).toBe(1);
  expect(duplicates).toEqual([]);
  const [record] = type === "companies" ? fixture.companies() : fixture.endusers();
  const [kind, id] = type === "companies" ? (["account", account(1).id] as const) : (["user", user(1).id] as const);
  expect(fixture.profile(kind, id)["planhat/id"]).toBe(record?.["_id"]);
  expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toEqual([]);
}

describe.each(LOSSES)("when the answer is lost $how", ({ fault, options }) => {
  test.each([
    ["a company", "companies"],
    ["an enduser", "endusers"],
  ] as const)("%s exists exactly once in the end", async (_what, type) => {
    const fixture = await open(options);
    const lost = fixture.planhat.faults.add({ ...fault, route: `PUT /${type}`, count: 1 });
    if (type === "companies") await fixture.tellAccount(account(1));
    else await fixture.tellUser(user(1), account(1));
    await fixture.settledWithHelp();
    expect(lost.hits).toBe(1);
    await expectOnce(fixture, type);
  });
});

test("a create in doubt is looked for twice before it is tried again", async () => {
  const fixture = await open();
  fixture.planhat.faults.add({ kind: "reset-before", route: "PUT /companies", count: 1 });
  await fixture.tellAccount(account(1));
  await fixture.settledWithHelp();
  const routes = fixture.calls.map(({ route }) => route);
  const first = routes.indexOf("PUT /companies");
  const second = routes.indexOf("PUT /companies", first + 1);
  const looks = routes.slice(first, second).filter((route) => route === "GET /leancompanies");
  expect(looks.length).toBeGreaterThanOrEqual(2);
});

test("a create that Planhat applies late is found at the second look", async () => {
  const fixture = await open();
  let looks = 0;
  let wroteOnce = false;
  fixture.planhat.on("request", ({ route }) => {
    if (route === "PUT /companies") wroteOnce = true;
    if (!wroteOnce || route !== "GET /leancompanies") return;
    looks += 1;
    if (looks === 2) fixture.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Acme 1" });
  });
  fixture.planhat.faults.add({ kind: "reset-before", route: "PUT /companies", count: 1 });
  await fixture.tellAccount(account(1));
  await fixture.settledWithHelp();
  expect(fixture.companies()).toHaveLength(1);
  expect(fixture.planhat.books.snapshot().created.companies).toBe(0);
});

test("a newer message for a create in doubt does not hurry it into a double", async () => {
  const fixture = await open();
  fixture.planhat.faults.add({ kind: "reset-after", route: "PUT /endusers", count: 1 });
  fixture.planhat.on("applied", async ({ route }) => {
    if (route !== "PUT /endusers" || fixture.written("endusers").length > 1) return;
    await fixture.tellUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1));
  });
  await fixture.tellUser(user(1), account(1));
  await fixture.settledWithHelp();
  await expectOnce(fixture, "endusers");
  expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
});

test("a second Hull user with the same keys does not double a create in doubt", async () => {
  const fixture = await open();
  const twin = user(2, { external_id: null, email: user(1)["email"] });
  fixture.seed([account(1)], [user(1), user(2, { email: "other@example.com" })]);
  fixture.planhat.faults.add({ kind: "reset-before", route: "PUT /endusers", count: 1 });
  const messages = [user(1), twin];
  for (const each of messages) await fixture.tellUser(each, account(1));
  await fixture.settledWithHelp();
  expect(fixture.endusers()).toHaveLength(1);
  expect(await fixture.outcomes()).toMatchObject({ "endusers/skipped/same_remote_record": 1 });
});

test("a hundred creates of which only half were written before the reset exist once each", async () => {
  const fixture = await open();
  let half = false;
  fixture.planhat.on("request", ({ route, body }) => {
    if (route !== "PUT /endusers" || half || !Array.isArray(body)) return;
    half = true;
    const [company] = fixture.companies();
    for (const item of body.slice(0, 50) as Record<string, unknown>[]) {
      fixture.planhat.tenant().seedEnduser({ ...item, companyId: company?.["_id"] });
    }
  });
  fixture.planhat.faults.add({ kind: "reset-before", route: "PUT /endusers", count: 1 });
  await fixture.send(
    "user:update",
    people(100).map((each) => buildUserMessage(each, { account: account(1) })),
  );
  await fixture.settledWithHelp();
  expect(fixture.endusers()).toHaveLength(100);
  expect(new Set(fixture.endusers().map((each) => each["externalId"])).size).toBe(100);
  expect(fixture.planhat.books.snapshot().created.endusers).toBe(50);
});

describe("a create whose key is known on another record goes alone, past Planhat's matching", () => {
  /** The user's e-mail address belongs to another person of another company. */
  async function openTaken(options: FixtureOptions) {
    const fixture = await open(options);
    const tenant = fixture.planhat.tenant();
    const { _id: companyId } = tenant.seedCompany({ externalId: "else", name: "Else" });
    const { email } = user(1);
    const other = tenant.seedEnduser({ companyId, email, externalId: "somebody-else", name: "Other" });
    return { fixture, other };
  }

  test("the other one stays as he was", async () => {
    const { fixture, other } = await openTaken({ planhat: { switches: { emailMatching: "always" } } });
    await fixture.deliverUser(user(1), account(1));
    expect(fixture.endusers()).toHaveLength(2);
    expect(fixture.planhat.tenant().endusers.get(other._id)).toMatchObject({
      name: "Other",
      externalId: "somebody-else",
    });
    expect(fixture.planhat.books.snapshot().requests["POST /endusers"]).toEqual({ 200: 1 });
  });

  test.each(["200-record", "201-record", "200-empty", "201-empty"] as const)(
    "the answer to it may be %s",
    async (createAnswer) => {
      const { fixture } = await openTaken({ planhat: { switches: { createAnswer, emailMatching: "always" } } });
      await fixture.deliverUser(user(1), account(1));
      await expectOnceAmong(fixture);
    },
  );

  test("its answer is lost, and it is found again", async () => {
    const { fixture } = await openTaken(IMPATIENT);
    const lost = fixture.planhat.faults.add({ kind: "stall-after", route: "POST /endusers", count: 1 });
    await fixture.tellUser(user(1), account(1));
    await fixture.settledWithHelp();
    expect(lost.hits).toBe(1);
    await expectOnceAmong(fixture);
  });

  async function expectOnceAmong(fixture: Fixture): Promise<void> {
    expect(fixture.planhat.books.snapshot().created.endusers).toBe(1);
    const mine = fixture.endusers().find((each) => each["externalId"] === user(1)["external_id"]);
    expect(fixture.profile("user", user(1).id)["planhat/id"]).toBe(mine?.["_id"]);
    expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toEqual([]);
  }
});

test("a create that Planhat takes for the update of a record we could not see is an alarm, not a link", async () => {
  const fixture = await open();
  const tenant = fixture.planhat.tenant();
  const company = tenant.seedCompany({ externalId: "acme-1", name: "Acme 1" });
  const hidden = tenant.seedEnduser({ companyId: company._id, externalId: user(1)["external_id"], name: "Hidden" });
  tenant.archive("endusers", hidden._id);
  await fixture.deliverUser(user(1), account(1));
  expect(await fixture.outcomes()).toEqual({ "endusers/dead/identity_alarm": 1 });
  expect(fixture.profile("user", user(1).id)).not.toHaveProperty("planhat/id");
  expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toHaveLength(1);
});
