/** A create whose answer is lost is neither doubled nor forgotten. */
import { buildUserMessage } from "../../simulators/hull";
import type { FaultKind } from "../../simulators/loopback";
import { account, minute, user, useStages, type Stage } from "./stage";

const open = useStages();

const LOST_AFTER: readonly (readonly [string, FaultKind])[] = [
  ["a reset", { kind: "reset-after" }],
  ["a gateway's 502", { kind: "status", status: 502, applied: true }],
  ["a truncated body", { kind: "truncate" }],
  ["an answer of another shape", { kind: "wrong-shape", form: "object" }],
  ["an HTML page", { kind: "wrong-shape", form: "html" }],
  ["an answer without its lists", { kind: "wrong-shape", form: "no-arrays" }],
];
const LOST_BEFORE: readonly (readonly [string, FaultKind])[] = [
  ["a reset", { kind: "reset-before" }],
  ["a 503", { kind: "status", status: 503 }],
];

async function expectOnce(stage: Stage, type: "companies" | "endusers"): Promise<void> {
  const { created, duplicates } = stage.planhat.books.snapshot();
  expect(created[type]).toBe(1);
  expect(duplicates).toEqual([]);
  const [record] = type === "companies" ? stage.companies() : stage.endusers();
  const [kind, id] = type === "companies" ? (["account", account(1).id] as const) : (["user", user(1).id] as const);
  expect(stage.profile(kind, id)["planhat/id"]).toBe(record?.["_id"]);
  expect(await stage.connector.store.deadLetters(stage.lane)).toEqual([]);
}

describe.each(LOST_AFTER)("when the answer is lost to %s after the write", (_name, fault) => {
  test("a company is found again and not doubled", async () => {
    const stage = await open();
    stage.seed([account(1)]);
    stage.planhat.faults.add({ ...fault, route: "PUT /companies", count: 1 });
    await stage.tellAccount(account(1));
    await stage.settledWithHelp();
    await expectOnce(stage, "companies");
  });

  test("an enduser is found again and not doubled", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    stage.planhat.faults.add({ ...fault, route: "PUT /endusers", count: 1 });
    await stage.tellUser(user(1), account(1));
    await stage.settledWithHelp();
    await expectOnce(stage, "endusers");
  });
});

describe.each(LOST_BEFORE)("when the request is lost to %s before the write", (_name, fault) => {
  test("a company is created exactly once", async () => {
    const stage = await open();
    stage.seed([account(1)]);
    stage.planhat.faults.add({ ...fault, route: "PUT /companies", count: 1 });
    await stage.tellAccount(account(1));
    await stage.settledWithHelp();
    await expectOnce(stage, "companies");
  });

  test("an enduser is created exactly once", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    stage.planhat.faults.add({ ...fault, route: "PUT /endusers", count: 1 });
    await stage.tellUser(user(1), account(1));
    await stage.settledWithHelp();
    await expectOnce(stage, "endusers");
  });
});

describe.each([
  ["after", "stall-after"],
  ["before", "stall"],
] as const)("when Planhat never answers, %s the write", (_when, kind) => {
  test.each([
    ["a company", "companies"],
    ["an enduser", "endusers"],
  ] as const)("%s exists exactly once in the end", async (_what, type) => {
    const stage = await open({ environment: { REQUEST_TIMEOUT_MS: "200" } });
    stage.seed([account(1)], [user(1)]);
    stage.planhat.faults.add({ kind, route: `PUT /${type}`, count: 1 });
    if (type === "companies") await stage.tellAccount(account(1));
    else await stage.tellUser(user(1), account(1));
    await stage.settledWithHelp();
    await expectOnce(stage, type);
  });
});

test("a create in doubt is looked for twice before it is tried again", async () => {
  const stage = await open();
  stage.seed([account(1)]);
  stage.planhat.faults.add({ kind: "reset-before", route: "PUT /companies", count: 1 });
  await stage.tellAccount(account(1));
  await stage.settledWithHelp();
  const routes = stage.calls.map(({ route }) => route);
  const first = routes.indexOf("PUT /companies");
  const second = routes.indexOf("PUT /companies", first + 1);
  const looks = routes.slice(first, second).filter((route) => route === "GET /leancompanies");
  expect(looks.length).toBeGreaterThanOrEqual(2);
});

test("a create that Planhat applies late is found at the second look", async () => {
  const stage = await open();
  stage.seed([account(1)]);
  let looks = 0;
  let wroteOnce = false;
  stage.planhat.on("request", ({ route }) => {
    if (route === "PUT /companies") wroteOnce = true;
    if (!wroteOnce || route !== "GET /leancompanies") return;
    looks += 1;
    if (looks === 2) stage.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Acme 1" });
  });
  stage.planhat.faults.add({ kind: "reset-before", route: "PUT /companies", count: 1 });
  await stage.tellAccount(account(1));
  await stage.settledWithHelp();
  expect(stage.companies()).toHaveLength(1);
  expect(stage.planhat.books.snapshot().created.companies).toBe(0);
});

test("a newer message for a create in doubt does not hurry it into a double", async () => {
  const stage = await open();
  stage.seed([account(1)], [user(1)]);
  stage.planhat.faults.add({ kind: "reset-after", route: "PUT /endusers", count: 1 });
  stage.planhat.on("applied", async ({ route }) => {
    if (route !== "PUT /endusers" || stage.written("endusers").length > 1) return;
    await stage.tellUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1));
  });
  await stage.tellUser(user(1), account(1));
  await stage.settledWithHelp();
  await expectOnce(stage, "endusers");
  expect(stage.endusers()).toMatchObject([{ position: "Director" }]);
});

test("a second Hull user with the same keys does not double a create in doubt", async () => {
  const stage = await open();
  const twin = user(2, { external_id: null, email: user(1)["email"] });
  stage.seed([account(1)], [user(1), user(2, { email: "other@example.com" })]);
  stage.planhat.faults.add({ kind: "reset-before", route: "PUT /endusers", count: 1 });
  const messages = [user(1), twin];
  for (const each of messages) await stage.tellUser(each, account(1));
  await stage.settledWithHelp();
  expect(stage.endusers()).toHaveLength(1);
  expect(await stage.outcomes()).toMatchObject({ "endusers/skipped/same_remote_record": 1 });
});

test("a hundred creates of which only half were written before the reset exist once each", async () => {
  const stage = await open();
  const people = Array.from({ length: 100 }, (_, index) => user(index + 1));
  stage.seed([account(1)], people);
  let half = false;
  stage.planhat.on("request", ({ route, body }) => {
    if (route !== "PUT /endusers" || half || !Array.isArray(body)) return;
    half = true;
    const [company] = stage.companies();
    for (const item of body.slice(0, 50) as Record<string, unknown>[]) {
      stage.planhat.tenant().seedEnduser({ ...item, companyId: company?.["_id"] });
    }
  });
  stage.planhat.faults.add({ kind: "reset-before", route: "PUT /endusers", count: 1 });
  await stage.send(
    "user:update",
    people.map((each) => buildUserMessage(each, { account: account(1) })),
  );
  await stage.settledWithHelp();
  expect(stage.endusers()).toHaveLength(100);
  expect(new Set(stage.endusers().map((each) => each["externalId"])).size).toBe(100);
  expect(stage.planhat.books.snapshot().created.endusers).toBe(50);
});

describe("a create whose key is known on another record goes alone, past Planhat's matching", () => {
  test("the e-mail belongs to another person of another company", async () => {
    const stage = await open({ planhat: { switches: { emailMatching: "always" } } });
    stage.seed([account(1)], [user(1)]);
    const elsewhere = stage.planhat.tenant().seedCompany({ externalId: "else", name: "Else" });
    const other = stage.planhat
      .tenant()
      .seedEnduser({ companyId: elsewhere._id, email: user(1)["email"], externalId: "somebody-else", name: "Other" });
    await stage.tellUser(user(1), account(1));
    await stage.settled();
    expect(stage.endusers()).toHaveLength(2);
    expect(stage.planhat.tenant().endusers.get(other._id)).toMatchObject({
      name: "Other",
      externalId: "somebody-else",
    });
    expect(stage.planhat.books.snapshot().requests["POST /endusers"]).toEqual({ 200: 1 });
  });

  test.each(["200-record", "201-record", "200-empty", "201-empty"] as const)(
    "the answer to it may be %s",
    async (createAnswer) => {
      const stage = await open({ planhat: { switches: { createAnswer, emailMatching: "always" } } });
      stage.seed([account(1)], [user(1)]);
      const elsewhere = stage.planhat.tenant().seedCompany({ externalId: "else", name: "Else" });
      stage.planhat
        .tenant()
        .seedEnduser({ companyId: elsewhere._id, email: user(1)["email"], externalId: "somebody-else" });
      await stage.tellUser(user(1), account(1));
      await stage.settled();
      await expectOnceAmong(stage);
    },
  );

  test("its answer is lost, and it is found again", async () => {
    const stage = await open({ environment: { REQUEST_TIMEOUT_MS: "200" } });
    stage.seed([account(1)], [user(1)]);
    const elsewhere = stage.planhat.tenant().seedCompany({ externalId: "else", name: "Else" });
    stage.planhat
      .tenant()
      .seedEnduser({ companyId: elsewhere._id, email: user(1)["email"], externalId: "somebody-else" });
    const lost = stage.planhat.faults.add({ kind: "stall-after", route: "POST /endusers", count: 1 });
    await stage.tellUser(user(1), account(1));
    await stage.settledWithHelp();
    expect(lost.hits).toBe(1);
    await expectOnceAmong(stage);
  });

  async function expectOnceAmong(stage: Stage): Promise<void> {
    expect(stage.planhat.books.snapshot().created.endusers).toBe(1);
    const mine = stage.endusers().find((each) => each["externalId"] === user(1)["external_id"]);
    expect(stage.profile("user", user(1).id)["planhat/id"]).toBe(mine?.["_id"]);
    expect(await stage.connector.store.deadLetters(stage.lane)).toEqual([]);
  }
});

test("a create that Planhat takes for the update of a record we could not see is an alarm, not a link", async () => {
  const stage = await open();
  stage.seed([account(1)], [user(1)]);
  const tenant = stage.planhat.tenant();
  const company = tenant.seedCompany({ externalId: "acme-1", name: "Acme 1" });
  const hidden = tenant.seedEnduser({ companyId: company._id, externalId: user(1)["external_id"], name: "Hidden" });
  tenant.archive("endusers", hidden._id);
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  expect(await stage.outcomes()).toEqual({ "endusers/dead/identity_alarm": 1 });
  expect(stage.profile("user", user(1).id)).not.toHaveProperty("planhat/id");
  expect(await stage.connector.store.deadLetters(stage.lane)).toHaveLength(1);
});
