/** Real payloads of Hull, each sent through the whole connector: with its own settings, with Planhat's, and completed. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CONNECTOR, defineCustomFields, openFixture, TOKEN, type Bag, type Fixture } from "../fixture/fixture";
import { post, type Answer } from "../fixture/post";
import { bag, hullState, list, namesOf, planhatState, text } from "../fixture/states";

const FOLDER = join(__dirname, "../fixtures/hull");

interface Notification extends Bag {
  readonly notification_id: string;
  readonly configuration: Bag;
  readonly connector: Bag;
  readonly channel: string;
  readonly messages: readonly unknown[];
}

const read = (file: string): unknown => JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as unknown;
const files = readdirSync(FOLDER).filter((file) => file.endsWith(".json"));
const envelopes = new Map<string, Notification>(
  files
    .map((file) => [file.replace(/\.json$/, ""), read(file)] as const)
    .filter(([, content]) => Array.isArray(bag(content)["messages"]))
    .map(([name, content]) => [name, content as Notification]),
);

/** The two recorded lists of messages get the envelope of a fixture of the same time. */
for (const [name, channel, file] of [
  ["export-user-messages wrapped", "user:update", "export-user-messages.outreach-2018.json"],
  ["export-account-messages wrapped", "account:update", "export-account-messages.outreach-2018.json"],
] as const) {
  const around = envelope("user-update-left-segment.outreach-2018");
  envelopes.set(name, {
    ...around,
    notification_id: `${around.notification_id}-${channel}`,
    channel,
    is_export: true,
    messages: list(read(file)),
  });
}
const everyone = [...envelopes.keys()];

function envelope(name: string): Notification {
  const found = envelopes.get(name);
  if (found === undefined) throw new Error(`There is no fixture ${name}.`);
  return found;
}

let fixture: Fixture;
afterEach(() => fixture.close());

async function open(): Promise<void> {
  fixture = await openFixture({ planhat: { switches: { nameCasing: "kept" } } });
}

/** Sends a notification with nothing changed but who sends it. */
function replay(notification: Notification, settings?: Bag, id = CONNECTOR.id): Promise<Answer> {
  fixture.introduce(notification.messages);
  defineCustomFields(fixture.planhat, settings ?? {});
  const configuration = {
    ...notification.configuration,
    id,
    organization: fixture.hull.host,
    secret: CONNECTOR.secret,
  };
  const connector = {
    ...notification.connector,
    id,
    secret: CONNECTOR.secret,
    ...(settings === undefined ? {} : { private_settings: settings }),
  };
  return post(
    fixture.url,
    { ...notification, configuration, connector },
    {
      headers: {
        "x-hull-smart-notifier-signature-version": "v1",
        "x-hull-smart-notifier-signature": fixture.hull.sign(notification.notification_id),
        "x-hull-smart-notifier-signature-public-key-url": fixture.hull.signingKeyUrl,
      },
    },
  );
}

const NEXT = { flow_control: { type: "next", size: 200, in: 5, in_time: 60_000 } };

/** Settings as an installation of the earlier connector stored them. */
const OLD_SETTINGS = {
  personal_acccess_token: TOKEN,
  api_prefix: "api",
  tenant_id: "0b7e1f3a-0000-4000-8000-000000000001",
  contact_synchronized_segments: ["5bffc38f625718d58b000004"],
  contact_events: ["page"],
  contact_attributes_outbound: [
    { hull_field_name: "account.external_id", service_field_name: "Company id (*)" },
    { hull_field_name: "name", service_field_name: "Full name" },
    { hull_field_name: "email", service_field_name: "Email" },
    { hull_field_name: "external_id", service_field_name: "External id" },
    { hull_field_name: "traits_position", service_field_name: "Position" },
  ],
  contact_custom_attributes_outbound: [{ hull_field_name: "account.domain", service_field_name: "Company domain" }],
  account_synchronized_segments: ["5bd7201aa682bc4a4d00001e"],
  account_require_externalid: false,
  account_attributes_outbound: [{ hull_field_name: "name", service_field_name: "Name (*)" }],
  account_custom_attributes_outbound: [{ hull_field_name: "domain", service_field_name: "Hull.domain [main]" }],
  fetch_interval_accounts: "180",
  fetch_interval_users: "180",
};
/** As Planhat holds them under these settings. */
const company = (externalId: string, name: string, domain?: string) => ({
  _id: `company:${externalId}`,
  externalId,
  name,
  ...(domain === undefined ? {} : { custom: { "Hull.domain [main]": domain } }),
});
const enduser = (email: string, name: string, companyKey: string, domain: string): Bag => ({
  _id: `enduser:${email}`,
  companyId: `company:${companyKey}`,
  email,
  name,
  custom: { "Company domain": domain },
});
const EVERYBODY = { contact_synchronized_segments: ["ALL"], account_synchronized_segments: ["ALL"] };

describe("with its own settings", () => {
  test.each(everyone)("%s: every message ends skipped for want of a token", async (name) => {
    await open();
    const notification = envelope(name);
    const answer = await replay(notification);
    expect(answer).toMatchObject({ status: 200, body: NEXT });
    const type = notification.channel === "user:update" ? "endusers" : "companies";
    expect(await fixture.outcomes()).toEqual({ [`${type}/skipped/missing_token`]: notification.messages.length });
    await fixture.settled();
    expect(fixture.planhat.books.snapshot().calls).toBe(0);
    expect(fixture.hull.books.snapshot().firehoseRequests).toBe(0);
  });
});

describe("with settings of the earlier connector for Planhat", () => {
  interface Expected {
    readonly outcomes: Readonly<Record<string, number>>;
    readonly settings?: Bag;
    readonly companies?: readonly Bag[];
    readonly endusers?: readonly Bag[];
  }
  /** The Planhat fixtures keep the mapping that they came with. */
  const own = (name: string): Bag => ({
    ...OLD_SETTINGS,
    ...bag(envelope(name).connector["private_settings"]),
    ...EVERYBODY,
  });

  const expectations: Readonly<Record<string, Expected>> = {
    "account-update.planhat-2019": {
      settings: own("account-update.planhat-2019"),
      outcomes: { "companies/sent/created": 1 },
      companies: [company("test-group-1nhb9l", "Test 1234", "example.com")],
    },
    "account-update.freshdesk-2020": {
      settings: EVERYBODY,
      outcomes: { "companies/sent/created": 1 },
      companies: [company("test-group-w7mms", "Freshdesk Company 2", "company-i.example")],
    },
    "account-update-changes-multi.outreach-2018": {
      settings: EVERYBODY,
      outcomes: { "companies/sent/created": 1, "companies/skipped/missing_account_external_id": 3 },
      companies: [company("Oct242018_338ExternalId", "Oct242018_338ExternalId")],
    },
    "user-update-changes-multi.outreach-2018": {
      outcomes: {
        "endusers/sent/created": 1,
        "endusers/skipped/outside_user_segments": 1,
        "endusers/skipped/missing_account_external_id": 2,
      },
      companies: [company("company-org", "example.org", "example.org")],
      endusers: [enduser("person04@example.org", "person04@example.org", "company-org", "example.org")],
    },
    "user-update.planhat-2019": {
      settings: own("user-update.planhat-2019"),
      outcomes: { "endusers/skipped/missing_account": 1 },
    },
    "user-update.freshdesk-2020": { settings: EVERYBODY, outcomes: { "endusers/skipped/missing_account": 1 } },
    "user-update-event.customerio-2018": {
      settings: { contact_synchronized_segments: ["596796d24eaa537e6900e1ee"] },
      outcomes: { "endusers/skipped/missing_account": 1 },
    },
    "user-update-event-anonymous.segment-2018": {
      settings: {
        contact_synchronized_segments: ["5ade25df4d257947aa001cd5"],
        account_synchronized_segments: ["1234"],
      },
      outcomes: { "endusers/skipped/missing_email": 1 },
    },
    // His `segment_ids` still name the segment that he left; the list of the message counts.
    "user-update-left-segment.outreach-2018": { outcomes: { "endusers/skipped/outside_user_segments": 2 } },
    "user-update-account-enters-segment.outreach-2018": {
      outcomes: { "endusers/skipped/missing_account_external_id": 1 },
    },
    "export-user-notification.composed": { outcomes: { "endusers/skipped/missing_account_external_id": 2 } },
    "export-user-messages wrapped": { outcomes: { "endusers/skipped/missing_account_external_id": 2 } },
    "export-account-messages wrapped": { outcomes: { "companies/skipped/missing_account_external_id": 1 } },
  };

  test("every fixture has an expectation", async () => {
    await open();
    expect(Object.keys(expectations).sort()).toEqual([...everyone].sort());
  });

  test.each(Object.entries(expectations))("%s", async (name, { settings, outcomes, companies, endusers }) => {
    await open();
    const answer = await replay(envelope(name), { ...OLD_SETTINGS, ...settings });
    expect(answer).toMatchObject({ status: 200, body: NEXT });
    await fixture.settled();
    expect(await fixture.outcomes()).toEqual(outcomes);
    expect(planhatState(fixture.planhat.snapshot())).toEqual({ companies: companies ?? [], endusers: endusers ?? [] });
  });
});

describe("with what is missing filled in", () => {
  /** An e-mail that nobody else has, an account with an external id, and the segments that the settings name. */
  function completed(messages: readonly unknown[]): readonly unknown[] {
    const emails = new Set<string>();
    return messages.map((each) => {
      const message = bag(each);
      const segments = [{ id: "5bffc38f625718d58b000004", name: "Sample Group", type: "users_segment" }];
      const accountSegments = [{ id: "5bd7201aa682bc4a4d00001e", name: "Sample Accounts", type: "accounts_segment" }];
      const user = bag(message["user"]);
      const given = text(user["email"]);
      const email = given === undefined || emails.has(given) ? `${String(user["id"])}@example.com` : given;
      emails.add(email);
      const account = { id: `account-of-${String(user["id"])}`, ...bag(message["account"]) };
      return {
        ...message,
        ...(Object.keys(user).length === 0 ? {} : { user: { ...user, email }, segments }),
        account: { external_id: `external-${account.id}`, ...account },
        account_segments: accountSegments,
      };
    });
  }

  test.each(everyone)("%s: every message arrives, and Hull learns the ids", async (name) => {
    await open();
    const notification = envelope(name);
    const messages = completed(notification.messages);
    const answer = await replay({ ...notification, messages }, OLD_SETTINGS);
    expect(answer).toMatchObject({ status: 200, body: NEXT });
    await fixture.settled();

    const ofUsers = notification.channel === "user:update";
    const type = ofUsers ? "endusers" : "companies";
    const events = messages.flatMap((each) => list(bag(each)["events"])).map(bag);
    expect(await fixture.outcomes()).toEqual({
      [`${type}/sent/created`]: messages.length,
      ...(events.length === 0 ? {} : { "activities/sent/tracked": events.length }),
    });
    expect(fixture.planhat.tenant().activities.map(({ action, info }) => ({ action, info }))).toEqual(
      events.map(({ event, properties }) => ({ action: event, info: properties })),
    );
    const snapshot = fixture.planhat.snapshot();
    const names = namesOf(snapshot);
    const { companies, endusers } = planhatState(snapshot, names);
    const hull = hullState(fixture, names);

    const accounts = new Map(messages.map((each) => [bag(bag(each)["account"])["id"], bag(bag(each)["account"])]));
    expect(new Set(companies)).toEqual(new Set([...accounts.values()].map(companyOf)));
    for (const [id, account] of accounts) {
      const { _id, name, externalId, custom } = companyOf(account);
      expect(hull.accounts[String(id)]).toEqual({
        anonymous_ids: [`planhat:${_id}`],
        "planhat/id": _id,
        "planhat/name": name,
        "planhat/external_id": externalId,
        ...(custom === undefined ? {} : { "planhat/custom_hull_domain_main": custom["Hull.domain [main]"] }),
      });
    }
    const people = ofUsers ? messages.map((each) => enduserOf(bag(bag(each)["user"]), bag(bag(each)["account"]))) : [];
    expect(new Set(endusers)).toEqual(new Set(people.map(({ record }) => record)));
    for (const { hullId, record } of people) {
      const told = hull.users[hullId] ?? {};
      expect(told["planhat/id"]).toBe(record["_id"]);
      expect(told["planhat/company_id"]).toBe(record["companyId"]);
      expect(told["planhat/email"]).toBe(record["email"]);
      expect(told["planhat/name"]).toBe(record["name"]);
      expect(told["planhat/external_id"]).toBe(record["externalId"]);
      expect(told["anonymous_ids"]).toEqual([`planhat:${String(record["_id"])}`]);
    }
    const books = fixture.planhat.books.snapshot();
    expect([books.duplicatesCreated, books.noOpWrites, books.ignoredEndusers]).toEqual([0, 0, 0]);
    expect(fixture.hull.books.snapshot().unresolvedItems).toBe(0);
  });

  function companyOf(account: Bag) {
    const externalId = String(account["external_id"]);
    const domain = text(account["domain"]);
    return company(externalId, text(account["name"]) ?? domain ?? externalId, domain);
  }

  function enduserOf(user: Bag, account: Bag) {
    const optional = { name: user["name"], externalId: user["external_id"], position: user["traits_position"] };
    const domain = text(account["domain"]);
    const record: Bag = {
      _id: `enduser:${String(user["email"])}`,
      companyId: `company:${String(account["external_id"])}`,
      email: user["email"],
      ...Object.fromEntries(Object.entries(optional).filter(([, value]) => text(value) !== undefined)),
      ...(domain === undefined ? {} : { custom: { "Company domain": domain } }),
    };
    return { hullId: String(user["id"]), record };
  }
});

describe("connector ids of every length", () => {
  test.each([
    ["28 digits", "user-update-event.customerio-2018"],
    ["4 digits", "account-update.freshdesk-2020"],
    ["32 digits", "account-update.planhat-2019"],
    ["letters", "user-update-left-segment.outreach-2018"],
  ])("%s", async (_length, name) => {
    await open();
    const notification = envelope(name);
    const id = String(notification.configuration["id"]);
    fixture.hull.addConnector({ id, secret: CONNECTOR.secret });
    const answer = await replay(notification, { ...OLD_SETTINGS, ...EVERYBODY }, id);
    expect(answer).toMatchObject({ status: 200, body: NEXT });
    await fixture.settled();
    const { outcomes } = await fixture.connector.store.tally(`planhat/${fixture.hull.host}/${id}`);
    expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(notification.messages.length);
    expect(await fixture.outcomes()).toEqual({});
  });
});

test("an event with a date that is not ISO: his account is missing, so nothing goes; with one, the day is right", async () => {
  await open();
  const notification = envelope("user-update-event.customerio-2018");
  const settings = { ...OLD_SETTINGS, ...EVERYBODY };
  expect((await replay(notification, settings)).body).toEqual(NEXT);
  await fixture.settled();
  expect(await fixture.outcomes()).toEqual({ "endusers/skipped/missing_account": 1 });
  expect(fixture.planhat.books.snapshot().requests).toEqual({});

  const [message] = notification.messages.map(bag);
  const later = {
    ...message,
    user: { ...bag(message?.["user"]), indexed_at: "2018-03-30T15:00:00Z" },
    account: { id: "account-of-testa", external_id: "testing", name: "Testing" },
  };
  const again = { ...notification, notification_id: "second", messages: [later] };
  expect((await replay(again, settings)).body).toEqual(NEXT);
  await fixture.settled();
  expect(await fixture.outcomes()).toEqual({
    "endusers/skipped/missing_account": 1,
    "endusers/sent/created": 1,
    "activities/sent/tracked": 1,
  });
  expect(fixture.planhat.tenant().activities).toMatchObject([{ action: "page", date: "2018-03-30T14:38:02.000Z" }]);
});

test("keys that are numbers do no harm", async () => {
  await open();
  const notification = envelope("user-update-changes-multi.outreach-2018");
  const message = notification.messages.map(bag).find((each) => "18" in bag(each["account"]));
  const account = { ...bag(message?.["account"]), external_id: "company-d" };
  const answer = await replay({ ...notification, messages: [{ ...message, account }] }, OLD_SETTINGS);
  expect(answer.status).toBe(200);
  await fixture.settled();
  expect(planhatState(fixture.planhat.snapshot())).toEqual({
    companies: [company("company-d", "Company D (Sample Lead)", "company-d.example")],
    endusers: [enduser("person07@example.net", "Wilma Sampleton", "company-d", "company-d.example")],
  });
});
