/** `/explain`: why is somebody not in Planhat, and what would become of a notification? Asking changes nothing. */
import { buildUserMessage } from "../../simulators/hull";
import {
  account,
  CONNECTOR,
  minute,
  OPEN_SETTINGS,
  TOKEN,
  useFixtures,
  user,
  type Bag,
  type Fixture,
} from "../fixture/fixture";
import { bag, list } from "../fixture/states";
import { ask, basic, send } from "./asking";
import { OTHER, OTHER_TOKEN } from "./users-api";

const openStage = useFixtures();
const open = (settings: Bag = {}): Promise<Fixture> => openStage({ settings });

/** Person 1 of Acme 1, delivered, unless something stood in the way. */
async function openWithOne(
  before: (fixture: Fixture) => unknown = () => undefined,
  settings: Bag = {},
): Promise<Fixture> {
  const fixture = await open(settings);
  fixture.seed([account(1)], [user(1)]);
  before(fixture);
  await fixture.tellUser(user(1), account(1));
  await fixture.settled();
  return fixture;
}

const messageOf = (number: number, more: Bag = {}, company = 1) =>
  buildUserMessage(user(number, more), { account: account(company) });

interface Asking {
  /** Null: nobody. */
  readonly login?: { readonly id: string; readonly secret: string } | null;
}

/** @param content a text is sent as it is */
async function call({ baseUrl, hull }: Fixture, content: unknown, { login = CONNECTOR }: Asking = {}) {
  const answer = await send(baseUrl, `/explain?org=${hull.host}`, {
    method: "POST",
    body: content,
    headers: login === null ? {} : { authorization: basic(login) },
  });
  for (const secret of [CONNECTOR.secret, TOKEN, OTHER_TOKEN]) expect(answer.text).not.toContain(secret);
  return answer;
}

/** An explanation, asked for without anything being changed by it. */
async function explain(fixture: Fixture, content: unknown, asking: Asking = {}) {
  const before = await everything(fixture);
  const { status, body, headers } = await call(fixture, content, asking);
  expect([status, body["error"], headers.get("cache-control")]).toEqual([200, undefined, "no-store"]);
  expect(await everything(fixture)).toEqual(before);
  const records = list(body["records"]).map(bag);
  const said = [body["text"], ...records.map((each) => each["text"])].flatMap(list).join(" ");
  return { body, records, record: bag(records[0]), said, shown: body["shown_by_service"] };
}

/** What must stay as it is on all three sides; reading is allowed. */
async function everything({ planhat, hull, connector, lane, tenantKey }: Fixture): Promise<unknown> {
  const { requests, created, updated, activities } = planhat.books.snapshot();
  const { store } = connector;
  const ids = (of: typeof user): readonly string[] => [1, 2, 3].map((n) => of(n).id);
  return {
    writes: Object.entries(requests).filter(([route]) => !route.startsWith("GET ")),
    planhat: [created, updated, activities, planhat.snapshot()],
    hull: [hull.books.snapshot().firehoseRequests, hull.profiles.snapshot()],
    depth: await store.depth(lane),
    tally: await store.tally(tenantKey),
    users: await store.view(lane, "endusers", ids(user)),
    companies: await store.view(lane, "companies", ids(account)),
    letters: await store.deadLettersOf(lane),
    holds: await store.pauses(lane),
  };
}

const notification = (messages: readonly unknown[], more: Bag = {}): Bag => ({
  channel: "user:update",
  messages,
  ...more,
});

describe("somebody who is linked", () => {
  test.each([
    ["e-mail address", { email: "person-1@example.com" }],
    ["e-mail address in capitals", { email: " Person-1@EXAMPLE.com " }],
    ["external id", { external_id: "person-1" }],
    ["Hull's id", { id: user(1).id }],
    ["Hull's id among users", { id: user(1).id, entity: "user" }],
  ])("is found by %s", async (_name, content) => {
    const fixture = await openWithOne();
    const { records, record, said } = await explain(fixture, content);
    const remoteId = fixture.endusers()[0]?.["_id"];
    expect(records).toHaveLength(1);
    expect(record).toMatchObject({
      entity: "user",
      hull_id: user(1).id,
      known: {
        link: { remote_id: remoteId },
        last_outcome: { outcome: "sent", code: "created" },
        outbox: null,
        dead_letter: null,
      },
      parent: { type: "companies", hull_id: account(1).id },
    });
    expect(said).toContain(`It is linked to endusers ${String(remoteId)} in Planhat`);
  });

  test("is a company as well, by its domain", async () => {
    const fixture = await open();
    fixture.seed([account(1)]);
    await fixture.tellAccount(account(1));
    await fixture.settled();
    const { record, shown } = await explain(fixture, { domain: "ACME-1.example.com" });
    expect(record).toMatchObject({ entity: "account", hull_id: account(1).id });
    // Planhat cannot be asked by domain.
    expect(shown).toBeNull();
    const byKey = await explain(fixture, { external_id: "acme-1", entity: "account" });
    expect(byKey.shown).toEqual([{ type: "companies", id: fixture.companies()[0]?.["_id"] }]);
  });

  test("is not found by what was his and is no more", async () => {
    const fixture = await open();
    fixture.seed([account(1)], [user(1)]);
    await fixture.tellUser(user(1), account(1));
    await fixture.tellUser(user(1, { email: "new@example.com", indexed_at: minute(1) }), account(1));
    await fixture.settled();
    expect((await explain(fixture, { email: "new@example.com" })).records).toHaveLength(1);
    expect((await explain(fixture, { email: "person-1@example.com" })).records).toEqual([]);
  });

  test("and whom a person edited in Planhat keeps the edit", async () => {
    const fixture = await openWithOne();
    fixture.planhat.tenant().edit("endusers", String(fixture.endusers()[0]?.["_id"]), { position: "Chief" });
    const { body } = await ask(fixture, "/fetch/users", { force: "1" });
    await fixture.until(async () => (await fixture.connector.store.run(String(body["run"])))?.state === "success");
    const message = messageOf(1, { indexed_at: minute(1) });
    const { record, said } = await explain(fixture, notification([message]));
    expect(record).toMatchObject({
      would: { outcome: "unchanged" },
      requests: [],
      fields: expect.arrayContaining([
        expect.objectContaining({ field: "position", verdict: "kept", remote: "other", sent: "same" }),
        expect.objectContaining({ field: "email", verdict: "equal" }),
      ]) as unknown,
    });
    expect(said).toContain("Somebody changed position in Planhat; that stays until Hull's value changes.");
    const changed = messageOf(1, { position: "Boss", indexed_at: minute(1) });
    const next = await explain(fixture, notification([changed]));
    expect(next.record).toMatchObject({ would: { outcome: "sent" }, requests: [{ fields: { position: "Boss" } }] });
  });
});

test("a value that is withheld is said to be, with the reason, before and after", async () => {
  const fixture = await openStage({
    customFields: [{ name: "Score", type: "number", parent: "EndUser" }],
    settings: {
      contact_custom_attributes_outbound: [
        { hull_field_name: "traits_score", service_field_name: "score" },
        { hull_field_name: "traits_seats", service_field_name: "Seats" },
      ],
    },
  });
  fixture.seed([account(1)], [user(1)]);
  const message = messageOf(1, { traits_score: "5", traits_seats: 6 });
  const { record, said } = await explain(fixture, notification([message]));
  expect(record).toMatchObject({
    would: { outcome: "sent", code: "created" },
    fields: expect.arrayContaining([
      expect.objectContaining({ field: "custom.score", verdict: "send" }),
      expect.objectContaining({
        field: "custom.Seats",
        verdict: "left",
        why: expect.stringMatching(/traits_seats → custom\.Seats: correct the name in the settings/) as unknown,
      }),
    ]) as unknown,
  });
  expect(list(record["requests"]).map((each) => Object.keys(bag(bag(each)["fields"])))).toEqual([
    expect.not.arrayContaining(["custom.Seats"]),
  ]);
  expect(said).toMatch(/traits_score → custom\.score: it is "Score"/);
  expect(said).toMatch(/traits_seats → custom\.Seats: correct the name/);
});

describe("somebody who is not in Planhat", () => {
  test("was kept out by a filter, and the answer names it", async () => {
    const fixture = await openWithOne(() => undefined, { contact_synchronized_segments: ["customers"] });
    const { record, said, shown } = await explain(fixture, { email: "person-1@example.com" });
    expect(record["known"]).toMatchObject({ last_outcome: { outcome: "skipped", code: "outside_user_segments" } });
    expect(said).toContain("segments defined in the Contact Filter");
    expect(said).toContain("No record of endusers in Planhat is linked to it.");
    expect(shown).toEqual([]);
  });

  test("waits, and the answer says since when and why", async () => {
    const fixture = await open({ environment: { RETRY_BASE_MS: "300", RETRY_CAP_MS: "3000" } });
    fixture.seed([account(1)], [user(1)]);
    // Nothing is delivered and nothing is read.
    fixture.planhat.faults.add({ kind: "status", status: 503, body: "Down" });
    await fixture.tellUser(user(1), account(1));
    // Between two tries the lane is held, long enough to be seen on a busy machine.
    let body: Bag = {};
    await fixture.until(async () => {
      ({ body } = await call(fixture, { email: "person-1@example.com" }));
      return list(body["holds"]).length > 0;
    });
    const record = bag(list(body["records"])[0]);
    expect(record["known"]).toMatchObject({
      outbox: { state: "waiting", fields: { position: "Engineer" } },
      link: null,
    });
    expect(list(record["text"]).join(" ")).toMatch(/It has waited for delivery since \d{4}-/);
    expect(list(body["holds"])).toMatchObject([{ since: expect.stringMatching(/Z$/) as unknown }]);
    expect(list(body["text"]).join(" ")).toMatch(/has been paused since .*503|Down/);
    // Planhat could not be asked, which is not the same as that it has nobody.
    expect(body["shown_by_service"]).toBeNull();
    fixture.planhat.faults.clear();
    await fixture.settledWithHelp();
  });

  test("fell with the company that Planhat refused; the company is found by its name too", async () => {
    const fixture = await openWithOne(({ planhat }) =>
      planhat.poison({ type: "companies", field: "externalId", value: "acme-1" }, "Name is odd"),
    );
    const { record, said } = await explain(fixture, { email: "person-1@example.com" });
    expect(record).toMatchObject({
      known: { last_outcome: { outcome: "dead", code: "parent_rejected" }, dead_letter: { code: "parent_rejected" } },
      parent: { hull_id: account(1).id, known: { dead_letter: { outcome: "rejected" } } },
    });
    expect(said).toContain("Name is odd");
    for (const content of [{ external_id: "acme-1" }, { domain: "acme-1.example.com" }]) {
      expect((await explain(fixture, content)).record).toMatchObject({
        entity: "account",
        known: { version: null, last_outcome: { outcome: "rejected" }, dead_letter: { code: "refused" } },
      });
    }
  });

  test("is a dead letter, and the answer names reason and remedy", async () => {
    const fixture = await openWithOne(({ planhat }) =>
      planhat.poison({ type: "endusers", field: "externalId", value: "person-1" }, `Odd: ${TOKEN}`),
    );
    const { record, said } = await explain(fixture, { external_id: "person-1" });
    expect(record["known"]).toMatchObject({ dead_letter: { outcome: "rejected", code: "refused" }, outbox: null });
    expect(said).toMatch(/Planhat refused it for good at .*Odd: \[redacted\].*replay the dead letter/);
  });

  test("is unknown here, and what Planhat itself shows is said", async () => {
    const fixture = await open();
    const company = fixture.planhat.tenant().seedCompany({ name: "Acme", externalId: "acme-1" });
    const { _id: id } = fixture.planhat
      .tenant()
      .seedEnduser({ name: "Ann", email: "ann@acme.example", companyId: company._id });
    const { records, said, shown } = await explain(fixture, { email: "ann@acme.example" });
    expect(records).toEqual([]);
    expect(said).toContain("Nothing is known under this name");
    expect(shown).toEqual([{ type: "endusers", id }]);
    const nobody = await explain(fixture, { email: "nobody@acme.example" });
    expect(nobody.shown).toEqual([]);
    expect(nobody.said).toContain("Planhat itself shows no record under this name now.");
    expect((await explain(fixture, { id: "0".repeat(24) })).records).toEqual([]);
  });

  test("waits because Planhat refuses the token, which is said", async () => {
    const fixture = await open();
    fixture.seed([account(1)], [user(1)]);
    fixture.planhat.faults.add({ kind: "status", status: 401, body: `Bad token ${TOKEN}` });
    await fixture.tellUser(user(1), account(1));
    await fixture.until(async () => (await fixture.connector.store.pauses(fixture.lane)).length > 0);
    await fixture.connector.deliveryWorker.idle();
    const { body, said } = await explain(fixture, { email: "person-1@example.com" });
    expect(body["holds"]).toMatchObject([{ scope: "*", kind: "auth" }]);
    expect(said).toMatch(/Delivery to Planhat has been paused since .*Check the token/);
    const foretold = await explain(fixture, notification([messageOf(2)]));
    expect(foretold.body["undecided"]).toMatch(/token/);
    fixture.planhat.faults.clear();
    await fixture.settledWithHelp();
  });
});

describe("a notification", () => {
  test("of an export goes past the filters", async () => {
    const fixture = await open({ contact_synchronized_segments: ["customers"] });
    const messages = [messageOf(1)];
    const usual = await explain(fixture, notification(messages));
    expect(usual.record).toMatchObject({ would: { outcome: "skipped", code: "outside_user_segments" }, requests: [] });
    const exported = await explain(fixture, notification(messages, { is_export: true }));
    expect(exported.record["would"]).toMatchObject({ outcome: "sent", code: "created" });
    expect(list(exported.record["checks"])).toContainEqual(
      expect.objectContaining({ name: "Endusers Filter", verdict: "bypassed", code: expect.any(String) as string }),
    );
    // What is passed has no reason against it.
    expect(list(exported.record["checks"])).toContainEqual(
      expect.objectContaining({ verdict: "passed", code: null, text: null }),
    );
    expect(exported.records[1]).toMatchObject({
      derived: true,
      would: { outcome: "sent" },
      requests: [{ kind: "create" }],
    });
  });

  test("whose event was sent before says so, and is decided", async () => {
    const fixture = await open({ contact_events: ["Logged in"] });
    const event = { event: "Logged in", event_id: "e-1", created_at: "2026-01-01T00:00:00Z", properties: {} };
    const message = { ...messageOf(1), events: [event] };
    expect((await explain(fixture, notification([message]))).body["undecided"]).toBeNull();
    await fixture.send("user:update", [message]);
    await fixture.settled();
    const { body, said } = await explain(fixture, notification([message]));
    expect(body["undecided"]).toBeNull();
    expect(said).toContain("an event is sent only once");
  });

  test("waits its turn while another question of the connector is being answered", async () => {
    const fixture = await open();
    let letThrough: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => (letThrough = resolve));
    const underway = new Promise<void>((resolve) => {
      fixture.planhat.on("request", () => (resolve(), answered));
    });
    const first = call(fixture, notification([messageOf(1)]));
    await underway;
    const busy = await call(fixture, notification([messageOf(1)]));
    letThrough();
    expect([(await first).status, busy.status]).toEqual([200, 503]);
    expect([bag(busy.body["error"])["code"], busy.headers.get("retry-after")]).toEqual(["busy", "2"]);
  });

  test("with messages that cannot be read explains the others", async () => {
    const fixture = await open();
    const { body, records } = await explain(fixture, notification([{}, messageOf(1), "text", null]));
    expect(body["problems"]).toHaveLength(3);
    expect(list(body["problems"]).join(" ")).toMatch(/messages\[0\].*messages\[2\].*messages\[3\]/);
    expect(records).toHaveLength(2);
  });

  test("beside a deep backlog touches its own records only", async () => {
    const fixture = await open();
    // Not a trouble that passes, so that the lane is still while it is asked.
    fixture.planhat.faults.add({ kind: "status", status: 401, route: ({ method }) => method !== "GET" });
    await fixture.send(
      "user:update",
      Array.from({ length: 600 }, (_, index) => messageOf(index + 10)),
    );
    await fixture.until(async () => (await fixture.connector.store.pauses(fixture.lane)).length > 0);
    await fixture.connector.deliveryWorker.idle();
    // And the company that they wait for.
    expect(await fixture.connector.store.depth(fixture.lane)).toMatchObject({ outbox: 601 });
    const { record, records } = await explain(fixture, notification([messageOf(1, {}, 2)]));
    expect(records).toHaveLength(2);
    expect(record).toMatchObject({ would: { outcome: "sent", code: "created" }, requests: [{ kind: "create" }] });
  });
});

describe("who may ask", () => {
  test("another connector sees nothing of the first one's", async () => {
    const fixture = await openWithOne();
    fixture.planhat.addTenant(OTHER_TOKEN);
    const settings = { ...OPEN_SETTINGS, personal_acccess_token: OTHER_TOKEN, tenant_id: "another-tenant" };
    fixture.hull.addConnector({ ...OTHER, privateSettings: settings });
    for (const content of [{ email: "person-1@example.com" }, { id: user(1).id }, { external_id: "acme-1" }]) {
      const { records, shown } = await explain(fixture, content, { login: OTHER });
      expect([records, shown]).toEqual([[], "id" in content ? null : []]);
    }
    const message = messageOf(1, { indexed_at: minute(1) });
    const { record } = await explain(fixture, notification([message]), { login: OTHER });
    expect(record).toMatchObject({ known: { link: null, last_outcome: null }, would: { code: "created" } });
  });

  test("nobody without a log-in, or with a wrong one", async () => {
    const fixture = await open();
    for (const login of [null, { ...CONNECTOR, secret: "wrong" }]) {
      expect((await call(fixture, { email: "x@example.com" }, { login })).status).toBe(401);
    }
  });
});

test("without a token in the settings it is answered all the same", async () => {
  const fixture = await open({ personal_acccess_token: "" });
  const message = messageOf(1);
  const { record } = await explain(fixture, notification([message]));
  expect(record).toMatchObject({
    checks: [{ name: "Personal Access Token", verdict: "failed" }],
    would: { outcome: "skipped", code: "missing_token" },
  });
  expect((await explain(fixture, { email: "person-1@example.com" })).records).toEqual([]);
});

describe("a question that cannot be read", () => {
  let fixture: Fixture;
  beforeEach(async () => (fixture = await open()));
  const twenty = Array.from({ length: 21 }, (_, index) => buildUserMessage(user(index)));

  test.each([
    ["a list", [], "(body)"],
    ["nothing", {}, "(body)"],
    ["two claims", { email: "a@b.example", id: "x" }, "(body)"],
    ["an empty claim", { email: " " }, "email"],
    ["a claim that is no text", { external_id: 7 }, "external_id"],
    ["a claim that is too long", { domain: "x".repeat(300) }, "domain"],
    ["an entity that there is not", { id: "x", entity: "company" }, "entity"],
    ["a channel without messages", { channel: "user:update" }, "messages"],
    ["messages without a channel", { messages: [{}] }, "channel"],
    ["another channel", { channel: "ship:update", messages: [{}] }, "channel"],
    ["no message", { channel: "user:update", messages: [] }, "messages"],
    ["messages that are no list", { channel: "user:update", messages: {} }, "messages"],
    ["more than twenty messages", { channel: "user:update", messages: twenty }, "messages"],
    ["a switch that is none", { channel: "user:update", messages: [{}], is_export: "yes" }, "is_export"],
  ])("is answered with field and remedy: %s", async (_name, content, field) => {
    const { status, body } = await call(fixture, content);
    const error = bag(body["error"]);
    expect([status, error["code"]]).toEqual([400, "invalid_question"]);
    expect(list(error["details"])).toContainEqual({
      path: field,
      message: expect.any(String) as unknown,
      remedy: expect.stringMatching(/^Send /) as unknown,
    });
  });

  test("because it is no JSON, too large, or sent in another way", async () => {
    expect((await call(fixture, "{")).body).toMatchObject({ error: { code: "malformed_json" } });
    expect((await call(fixture, `"text"`)).status).toBe(400);
    const huge = await call(fixture, { email: "x".repeat(6 * 1024 * 1024) });
    expect([huge.status, bag(huge.body["error"])["message"]]).toEqual([413, expect.stringMatching(/larger than 5 MB/)]);
    const get = await send(fixture.baseUrl, `/explain?org=${fixture.hull.host}`);
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
  });
});

test("the server ends while something is being explained", async () => {
  const fixture = await open();
  const company = fixture.planhat.tenant().seedCompany({ name: "Acme", externalId: "acme-1" });
  fixture.planhat.tenant().seedEnduser({ name: "Ann", email: "person-1@example.com", companyId: company._id });
  let arrived: () => void = () => undefined;
  let letGo: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => (arrived = resolve));
  const held = new Promise<void>((resolve) => (letGo = resolve));
  fixture.planhat.on("request", () => {
    arrived();
    return held;
  });
  const message = messageOf(1);
  const asked = call(fixture, notification([message])).catch((error: unknown) => error);
  await reached;
  const ended = fixture.stopped(() => Promise.resolve());
  const broken = await asked;
  letGo();
  await ended;
  expect(broken).toMatchObject({ code: "ECONNRESET" });
  const { record } = await explain(fixture, notification([message]));
  expect(record).toMatchObject({ would: { outcome: "sent" } });
  expect(fixture.logs.filter(({ level }) => level === "error")).toEqual([]);
});
