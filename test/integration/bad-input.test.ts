/** Whatever is posted gets a clear answer, and nothing that was posted harms what comes after it. */
import { request } from "node:http";
import { once } from "node:events";
import { CONNECTOR, openFixture, TOKEN, type Bag, type Fixture } from "../fixture/fixture";
import { bag } from "../fixture/states";
import { post } from "../fixture/post";
import {
  errorIn,
  expectAllIsWell,
  expectNoSecret,
  goodAccount,
  goodNotification,
  goodUser,
  tell,
  withField,
} from "./bad-input";

let fixture: Fixture;
const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);

beforeAll(async () => {
  process.on("unhandledRejection", note);
  // Every test makes sure with a few calls that all is well; together they would use up the quota of a minute.
  fixture = await openFixture({ settings: { requests_per_minute: 1_000_000 } });
});
/** A look costs a few calls, so there is one after every fifth test. */
let tests = 0;
afterEach(async () => {
  tests += 1;
  if (tests % 5 === 0) await expectAllIsWell(fixture);
  expect(unhandled).toEqual([]);
});
afterAll(async () => {
  await expectAllIsWell(fixture);
  process.off("unhandledRejection", note);
  await fixture.close();
});

const show = (value: unknown): string => {
  const json = value === undefined ? "nothing" : JSON.stringify(value);
  return json.length > 40 ? `${json.slice(0, 30)}… (${json.length} characters)` : json;
};
const text = (value: unknown): string => JSON.stringify(value);
const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
const withMessage = (json: string): string => text(goodNotification(fixture, ["@"])).replace('"@"', json);

describe("bodies", () => {
  const missing = /configuration is missing.*connector is missing/;
  test.each<[string, () => unknown, string, RegExp]>([
    ["malformed JSON", () => `{"configuration":{"secret":"${CONNECTOR.secret}",}}`, "malformed_json", /JSON object/],
    ["half a body", () => text(goodNotification(fixture)).slice(0, 300), "malformed_json", /JSON object/],
    ["no body", () => undefined, "invalid_notification", missing],
    ["an empty body", () => "", "invalid_notification", missing],
    ["blanks", () => "  \n ", "malformed_json", /JSON object/],
    ["an array", () => [goodNotification(fixture)], "invalid_notification", /\(body\).*Post a JSON object/],
    ["an empty object", () => ({}), "invalid_notification", missing],
    ["a text", () => '"notification"', "malformed_json", /JSON object/],
    ["a number", () => "42", "malformed_json", /JSON object/],
    ["null", () => "null", "malformed_json", /JSON object/],
    ["a page", () => "<html></html>", "malformed_json", /JSON object/],
    ["bytes that are no text", () => Buffer.from([0xff, 0xfe, 0x00, 0x80]), "malformed_json", /JSON object/],
    ["ten thousand levels in a message", () => withMessage(nested(10_000)), "too_deep", /flat/],
    ["ten thousand levels alone", () => nested(10_000), "too_deep", /flat/],
  ])("%s", async (_name, body, code, words) => {
    const answer = await tell(fixture, body());
    expect([answer.status, errorIn(answer).code]).toEqual([400, code]);
    expect(errorIn(answer).words).toMatch(words);
  });

  test.each<[string, () => unknown, RegExp]>([
    [
      "a hundred thousand attributes and more",
      () => withMessage(`{"user":{${'"a":1,'.repeat(100_000)}"a":1}}`),
      /more than 100000 values/,
    ],
    ["60 MB", () => ({ ...goodNotification(fixture), padding: "x".repeat(60 * 1024 * 1024) }), /50 MB.*fewer messages/],
  ])("%s: smaller shipments are asked for", async (_name, body, words) => {
    const answer = await tell(fixture, body());
    expect([answer.status, errorIn(answer).code]).toEqual([413, "too_large"]);
    expect(answer.body["flow_control"]).toMatchObject({ type: "retry", size: 1 });
    expect(errorIn(answer).words).toMatch(words);
  });

  test.each([
    ["an unknown encoding", { "content-encoding": "nonsense" }],
    ["another character set", { "content-type": "application/json; charset=koi8-r" }],
  ])("%s", async (_name, headers) => {
    const answer = await tell(fixture, goodNotification(fixture), { headers });
    expect([answer.status, errorIn(answer).code]).toEqual([400, "unsupported_encoding"]);
  });

  test("a caller who hangs up in the middle", async () => {
    const call = request(fixture.url, { method: "POST", agent: false, headers: { "content-length": "1000" } });
    call.write('{"notification_id":');
    call.on("error", () => undefined);
    const closed = new Promise((resolve) => call.once("close", resolve));
    await once(call, "socket");
    call.destroy();
    await closed;
  });

  test("JSON under another name is taken all the same", async () => {
    expect((await tell(fixture, goodNotification(fixture), { headers: { "content-type": "text/plain" } })).status).toBe(
      200,
    );
  });
});

describe("envelopes with a field of the wrong type", () => {
  const rows: readonly (readonly [string, unknown, RegExp])[] = [
    ...[undefined, null, {}, [], "", true].map((v) => ["notification_id", v, /Send the notification's id/] as const),
    ...[undefined, null, 42, "", ["user:update"]].map((v) => ["channel", v, /Name the channel/] as const),
    ...[undefined, null, [], "x", 42].map((v) => ["configuration", v, /\{id, organization, secret\}/] as const),
    ...[undefined, null, {}, ""].map((v) => ["configuration.id", v, /\{id, organization, secret\}/] as const),
    ...[undefined, null, 42, "", ["x"]].map((v) => ["configuration.organization", v, /organization/] as const),
    ...[undefined, null, 42, "", { secret: TOKEN }].map((v) => ["configuration.secret", v, /secret/] as const),
    ...[undefined, null, [], "x", 42].map((v) => ["connector", v, /whole connector object/] as const),
    ...["x", 42, ["x"], true].map((v) => ["connector.private_settings", v, /private_settings/] as const),
    ...["x", 42, true, { 0: {} }].map((v) => ["messages", v, /Send messages as an array/] as const),
    ...["x", 42, { id: "s" }].map((v) => ["segments", v, /segments/] as const),
    ...["x", 42].map((v) => ["users_segments", v, /users_segments/] as const),
    ...["x", 42].map((v) => ["accounts_segments", v, /accounts_segments/] as const),
    ...["x", 42].map((v) => ["account_segments", v, /account_segments/] as const),
  ];
  test.each(rows.map(([path, value, words]) => ({ path, value: show(value), raw: value, words })))(
    "$path is $value",
    async ({ path, raw, words }) => {
      const answer = await tell(fixture, withField(goodNotification(fixture), path, raw));
      expect([answer.status, errorIn(answer).code]).toEqual([400, "invalid_notification"]);
      expect(errorIn(answer).words).toContain(path);
      expect(errorIn(answer).words).toMatch(words);
    },
  );

  test.each([
    ["notification_id", "\u0000"],
    ["notification_id", "\ud800"],
    ["notification_id", "with blanks"],
    ["notification_id", "x".repeat(100_000)],
    ["configuration.id", `${CONNECTOR.id}\u0000`],
    ["configuration.id", "\udfff"],
    ["configuration.id", "x".repeat(100_000)],
    ["configuration.organization", "127.0.0.1\u0000"],
    ["configuration.organization", "x".repeat(100_000)],
  ])("%s that cannot be an id", async (path, value) => {
    const answer = await tell(fixture, withField(goodNotification(fixture), path, value));
    expect([answer.status, errorIn(answer).code]).toEqual([400, "invalid_notification"]);
    expect(errorIn(answer).words).toMatch(/printable ASCII.*as Hull shows it/);
    expect(answer.text.length).toBeLessThan(1_000);
  });

  test.each([
    ["is_export", "yes"],
    ["messages", undefined],
    ["messages", null],
    ["messages", {}],
    ["segments", null],
    ["segments", [42, null, { name: "no id" }]],
    ["accounts_segments", {}],
    ["kraken", "x"],
    ["connector.updated_at", { at: 1 }],
    ["connector.updated_at", "yesterday"],
    ["connector.id", undefined],
  ])("%s may be odd", async (path, value) => {
    expect((await tell(fixture, withField(goodNotification(fixture), path, value))).status).toBe(200);
  });

  test("a channel that nobody knows is acknowledged", async () => {
    expect((await tell(fixture, { ...goodNotification(fixture), channel: "planet:update" })).status).toBe(200);
  });
});

/** What came out of the messages of one notification, by `type/outcome/code`. */
async function outcomesOf(work: () => Promise<unknown>): Promise<Readonly<Record<string, number>>> {
  await fixture.settled();
  const before = await fixture.outcomes();
  await work();
  await fixture.settled();
  const after = await fixture.outcomes();
  return Object.fromEntries(
    Object.entries(after).flatMap(([name, count]) => {
      const more = count - (before[name] ?? 0);
      return more === 0 ? [] : [[name, more]];
    }),
  );
}

/** The words of the line about a record that was not sent, written since the mark. */
function complaints(since: number): string {
  return fixture.logs
    .slice(since)
    .filter(({ level, message }) => message.startsWith("outgoing.") && level !== "debug" && level !== "info")
    .map(({ data }) => [
      data?.["reason"],
      ...(Array.isArray(data?.["warnings"]) ? (data["warnings"] as unknown[]) : []),
    ])
    .flat()
    .join(" ");
}

const NUL = "a\u0000b";
const HALF = "a\ud800b";
const HUGE = "x".repeat(20_000);

/** What became of these messages, sent together, and what was said about them. */
async function told(messages: readonly unknown[], channel = "user:update") {
  const since = fixture.logs.length;
  const notification = { ...goodNotification(fixture, messages), channel };
  const outcomes = await outcomesOf(async () => expect((await tell(fixture, notification)).status).toBe(200));
  return { outcomes, said: complaints(since) };
}
const userWith = (path: string, value: unknown): Bag => withField(goodUser() as unknown as Bag, path, value);
const accountWith = (path: string, value: unknown): Bag => withField(goodAccount() as unknown as Bag, path, value);

/** A row for every value. */
const spread = (table: readonly (readonly [string, readonly unknown[]])[]) =>
  table.flatMap(([path, values]) => values.map((value) => ({ path, value, shown: show(value) })));

describe("one bad message", () => {
  test.each(
    spread([
      ["user", [undefined, null, "x", []]],
      ["user.id", [undefined, null, {}, "", NUL, HALF, HUGE]],
      ["user.email", [{}, ["a@example.com"], true]],
      ["user.external_id", [{}, false]],
      ["account", ["x", 42]],
      ["account.id", [{}, NUL, HALF, HUGE]],
      ["account.external_id", [{}]],
      ["account.domain", [{}]],
      ["segments", ["x"]],
      ["account_segments", ["x"]],
      ["events", ["x", [42]]],
      ["changes", ["x"]],
      ["changes.user", ["x"]],
      ["changes.account", [42]],
      ["message_id", [{}]],
    ]),
  )("$path is $shown: rejected alone, by name", async ({ path, value }) => {
    const { outcomes, said } = await told([userWith(path, value), goodUser()]);
    expect(outcomes).toEqual({ "endusers/rejected/invalid_message": 1, "endusers/sent/created": 1 });
    expect(said).toContain(path);
    expect(said).toMatch(/Send|Correct/);
  });

  test.each([["x"], [42], [null], [[]], [true]])("a message that is %j", async (message) => {
    const { outcomes, said } = await told([message, goodUser()]);
    expect(outcomes).toEqual({ "endusers/rejected/invalid_message": 1, "endusers/sent/created": 1 });
    expect(said).toContain("messages[0]");
  });

  test.each(
    spread([
      ["account", [undefined, "x"]],
      ["account.id", [undefined, NUL, HUGE]],
      ["account.external_id", [[]]],
      ["account_segments", [42]],
      ["changes", [42]],
    ]),
  )("an account message whose $path is $shown", async ({ path, value }) => {
    const { outcomes, said } = await told([accountWith(path, value), goodAccount()], "account:update");
    expect(outcomes).toEqual({ "companies/rejected/invalid_message": 1, "companies/sent/created": 1 });
    expect(said).toContain(path);
  });

  test.each([
    ["user.email", NUL, "email → email"],
    ["user.email", HALF, "email → email"],
    ["user.external_id", NUL, "external_id → externalId"],
    ["account.external_id", NUL, "account.external_id → externalId"],
    ["account.external_id", HALF, "account.external_id → externalId"],
  ])("%s that Planhat cannot store: rejected alone, by name", async (path, value, named) => {
    const { outcomes, said } = await told([userWith(path, value), goodUser()]);
    expect(outcomes).toEqual({ "endusers/rejected/invalid_value": 1, "endusers/sent/created": 1 });
    expect(said).toContain(named);
  });

  test.each([
    ["user.name", NUL, "name → name"],
    ["user.name", HALF, "name → name"],
    ["user.name", { first: "Ann" }, "name → name"],
    ["user.traits_position", ["a", "b"], "traits_position → position"],
  ])("%s with a value that the field cannot store: left out, and said so", async (path, value, named) => {
    const { outcomes, said } = await told([userWith(path, value)]);
    expect(outcomes).toEqual({ "endusers/sent/created": 1 });
    expect(said).toContain(named);
  });

  test.each(
    spread([
      ["user.indexed_at", [{}, "yesterday"]],
      ["user.segment_ids", ["x"]],
      ["account", [{}, null, []]],
      ["segments", [[42, null, {}], {}]],
      ["events", [null, {}]],
      ["changes", [null, []]],
      ["changes.segments", ["x"]],
      ["changes.is_new", ["x"]],
      ["message_id", [undefined, 42, HUGE, NUL]],
    ]),
  )("$path may be $shown", async ({ path, value }) => {
    const { outcomes } = await told([userWith(path, value)]);
    const expected = path === "account" ? "endusers/skipped/missing_account" : "endusers/sent/created";
    expect(outcomes).toEqual({ [expected]: 1 });
  });
});

test("keys called __proto__ and constructor are just keys", async () => {
  const spoil = (value: string): string =>
    `{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},${value.slice(1)}`;
  const message = goodUser();
  const settings = {
    ...bag(fixture.hull.connector(CONNECTOR.id).private_settings),
    contact_custom_attributes_outbound: [
      { hull_field_name: "__proto__", service_field_name: "__proto__" },
      { hull_field_name: "constructor", service_field_name: "constructor" },
    ],
  };
  const notification = goodNotification(fixture, ["@message"]);
  const body = spoil(
    text({
      ...notification,
      connector: { ...notification.connector, private_settings: "@settings" },
      configuration: "@configuration",
    }),
  )
    .replace('"@message"', () => spoil(text({ ...message, user: "@user", account: "@account", changes: "@changes" })))
    .replace('"@user"', () => spoil(text(message.user)))
    .replace('"@account"', () => spoil(text(message.account)))
    .replace('"@changes"', () => `{"user":${spoil('{"name":[null,"x"]}')}}`)
    .replace('"@settings"', () => spoil(text(settings)))
    .replace('"@configuration"', () => spoil(text(notification.configuration)));
  const outcomes = await outcomesOf(() => tell(fixture, body));
  expect(outcomes).toEqual({ "endusers/sent/created": 1 });
  expect("polluted" in {}).toBe(false);
});

describe("a key of absurd length harms nobody but its own record, in the same shipment or later", () => {
  let own: Fixture;
  beforeEach(async () => (own = await openFixture()));
  afterEach(() => own.close());

  test.each([
    ["user.email", `${HUGE}@example.com`],
    ["user.external_id", HUGE],
    ["user.name", HUGE],
    ["user.traits_position", HUGE],
    ["account.external_id", HUGE],
    ["account.name", HUGE],
    ["account.domain", HUGE],
  ])("%s", async (path, value) => {
    expect((await tell(own, goodNotification(own, [userWith(path, value), goodUser()]))).status).toBe(200);
    await own.settled();
    const outcomes = await own.outcomes();
    expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(2);
    expect(outcomes["endusers/sent/created"]).toBeGreaterThanOrEqual(1);
    await expectAllIsWell(own);
  });
});

describe("settings of the wrong type", () => {
  const table = [{ hull_field_name: 5, service_field_name: "name" }];
  const rows: readonly (readonly [string, unknown, RegExp])[] = [
    ["personal_acccess_token", 42, /paste the personal access token again/],
    ["personal_acccess_token", { token: TOKEN }, /paste the personal access token again/],
    ["personal_acccess_token", `${TOKEN} ${TOKEN}`, /paste the personal access token again/],
    ["personal_acccess_token", `${TOKEN}\u0000`, /paste the personal access token again/],
    ["personal_access_token", [TOKEN], /paste the personal access token again/],
    ["api_prefix", 42, /choose one of the offered prefixes/],
    ["api_prefix", "evil.example/", /choose one of the offered prefixes/],
    ["api_prefix", "api@evil.example", /choose one of the offered prefixes/],
    ["tenant_id", {}, /paste the tenant token again/],
    ["contact_synchronized_segments", "ALL", /choose them again/],
    ["contact_synchronized_segments", [1], /choose them again/],
    ["contact_events", 5, /choose them again/],
    ["account_synchronized_segments", { ALL: true }, /choose them again/],
    ["contact_attributes_outbound", "name", /save the table again/],
    ["contact_attributes_outbound", ["name"], /save the table again/],
    ["contact_attributes_outbound", table, /row 1, hull_field_name.*choose the attribute/],
    ["contact_custom_attributes_outbound", {}, /save the table again/],
    ["account_attributes_outbound", 42, /save the table again/],
    ["account_custom_attributes_outbound", table, /choose the attribute/],
    ["account_licenses_attribute", [], /choose the account attribute again/],
    ["account_licenses_attributes_outbound", "x", /save the table again/],
    ["account_licenses_custom_attributes_outbound", true, /save the table again/],
    ["fetch_interval_accounts", "soon", /enter for example 180/],
    ["fetch_interval_users", {}, /enter for example 180/],
    ["contact_require_email", "perhaps", /on or off again/],
    ["clear_on_null", 3, /on or off again/],
    ["requests_per_minute", 0, /enter for example 200/],
    ["bulk_max_items", -1, /enter for example 5000/],
    ["bulk_max_bytes", "many", /enter for example 4000000/],
  ];
  test.each(rows.map(([name, value, words]) => ({ name, shown: typeof value, value, words })))(
    "$name as $shown",
    async ({ name, value, words }) => {
      const since = fixture.logs.length;
      const notification = withField(goodNotification(fixture), `connector.private_settings.${name}`, value);
      const outcomes = await outcomesOf(async () => expect((await tell(fixture, notification)).status).toBe(200));
      expect(outcomes).toEqual({ "endusers/skipped/invalid_settings": 1 });
      expect(complaints(since)).toContain(name);
      expect(complaints(since)).toMatch(words);
    },
  );
});

describe("routes", () => {
  test.each([
    ["GET", "/smart-notifier"],
    ["PUT", "/smart-notifier"],
    ["GET", "/nothing"],
    ["GET", "/%E0%A4%A"],
    ["GET", "/..%2f..%2fetc/passwd"],
    ["DELETE", "/health"],
  ])("%s %s: 404 as JSON", async (method, path) => {
    const answer = await post(`${fixture.baseUrl}${path}`, undefined, { method });
    expect([answer.status, errorIn(answer).code]).toEqual([404, "not_found"]);
    expect(errorIn(answer).words).toContain(method);
    expectNoSecret(fixture, answer.text);
  });

  test("a notification to the wrong path is not lost: Hull is told to come again", async () => {
    const answer = await tell(fixture, goodNotification(fixture), { path: "/smart-notifer" });
    expect([answer.status, errorIn(answer).code]).toEqual([404, "not_found"]);
  });

  test("repeated and odd query keys are passed over", async () => {
    const path = "/smart-notifier?ship=1&ship=2&ship[a]=3&organization=evil.example&__proto__=x&%00=%ff";
    expect((await tell(fixture, goodNotification(fixture), { path })).status).toBe(200);
  });
});
