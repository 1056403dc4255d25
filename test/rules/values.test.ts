/**
 * A value is read as what it is, or refused with a reason: numbers of any size, dates of any form, lists in cells. All
 * over the real way from Hull to Planhat and back; what a field takes is told in test/unit/services/values.test.ts.
 */
import fc from "fast-check";
import { jsonOf } from "../../simulators/loopback/wire";
import { begin } from "../fixture/batches";
import {
  account,
  license,
  LICENSE_SETTINGS,
  minute,
  row,
  useFixtures,
  user,
  type Bag,
  type Fixture,
} from "../fixture/fixture";

const open = useFixtures();

/** Two numbers that JavaScript takes for one. */
const MINE = 9007199254740993n;
const OTHER = 9007199254740992n;
const DIGITS = String(MINE);

/** What was said about values that were left out or refused, as `attribute → field: form…`. */
const complaints = (fixture: Fixture): readonly string[] =>
  fixture.logs.flatMap(({ data }) => [...((data?.["warnings"] ?? []) as string[]), (data?.["reason"] ?? "") as string]);

const custom = (record: Bag | undefined): unknown => record?.["custom"];

describe.each([
  ["a text", String(OTHER)],
  ["a number", OTHER],
])("beside a record of Planhat whose key is %s with one less", (_form, other) => {
  test.each([["a number", MINE] as const, ["a text", DIGITS] as const])(
    "a user with an external id of sixteen digits, as %s, is himself",
    async (_as, external_id) => {
      const fixture = await open();
      fixture.seed([account(1)], [user(1, { external_id: DIGITS })]);
      const company = fixture.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Acme 1" });
      const neighbour = { externalId: other, companyId: company._id, name: "Somebody else", email: "else@example.com" };
      const { _id } = fixture.planhat.tenant().seedEnduser(neighbour);
      await fixture.deliverUser(user(1, { external_id }), account(1));
      expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1 });
      expect(fixture.planhat.tenant().endusers.get(_id)).toMatchObject(neighbour);
      expect(fixture.endusers().map(({ externalId }) => externalId)).toEqual([other, DIGITS]);
      const mine = fixture.endusers().find(({ externalId }) => externalId === DIGITS);
      expect(fixture.profile("user", user(1).id)).toMatchObject({
        "planhat/id": mine?.["_id"],
        "planhat/external_id": DIGITS,
      });
    },
  );

  test("an account is itself, for its users too", async () => {
    const fixture = await open();
    fixture.seed([account(1, { external_id: DIGITS })], [user(1)]);
    const { _id } = fixture.planhat.tenant().seedCompany({ externalId: other, name: "Another" });
    await fixture.deliverUser(user(1), account(1, { external_id: MINE }));
    await fixture.deliverAccount(account(1, { external_id: MINE, indexed_at: minute(1) }));
    expect(fixture.companies()).toMatchObject([
      { externalId: other, name: "Another" },
      { externalId: DIGITS, name: "Acme 1" },
    ]);
    expect(fixture.endusers()).toMatchObject([{ companyId: expect.not.stringMatching(_id) as string }]);
  });

  test.each([
    ["as a list", (licenses: unknown) => licenses],
    ["as the JSON text of one", (licenses: unknown) => jsonOf(licenses)],
  ])("a license is itself, %s", async (_as, form) => {
    const fixture = await open({ settings: LICENSE_SETTINGS });
    const company = fixture.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Acme 1" });
    const neighbour = { externalId: other, companyId: company._id, _currency: "EUR", fromDate: minute(0), mrr: 7 };
    const { _id } = fixture.planhat.tenant().seedLicense(neighbour);
    await fixture.deliverAccount(account(1, { licenses: form([license(1, { id: MINE })]) }));
    expect(fixture.planhat.tenant().licenses.get(_id)).toMatchObject(neighbour);
    expect(fixture.planhat.snapshot().licenses).toMatchObject([
      { externalId: other },
      { externalId: DIGITS, mrr: 100 },
    ]);
  });
});

/** Calls that read, by route. */
const reads = (fixture: Fixture): readonly string[] =>
  fixture.calls.filter(({ method }) => method === "GET").map(({ route }) => route);

describe("what Planhat shows", () => {
  test.each([MINE, 42])("a key that is a number is that of the same digits: %s", async (externalId) => {
    const fixture = await open();
    const [company] = [externalId, OTHER].map((key) =>
      fixture.planhat.tenant().seedCompany({ externalId: key, name: "A" }),
    );
    for (const key of [externalId, OTHER]) {
      fixture.planhat
        .tenant()
        .seedEnduser({ externalId: key, companyId: company?._id, name: "P", email: `${key}@x.example` });
    }
    const [mine, other] = fixture.endusers();
    const of = { external_id: externalId, indexed_at: minute(1) };
    await fixture.tellAccount(account(1, of));
    await fixture.tellUser(user(1, of), account(1, of));
    await fixture.settled();
    expect(await fixture.outcomes()).toEqual({ "companies/sent/updated": 1, "endusers/sent/updated": 1 });
    // One look-up each: no second one because the first seemed to have shown somebody else.
    expect(reads(fixture)).toEqual(["GET /leancompanies", "GET /companies", "GET /endusers"]);
    expect(fixture.planhat.tenant().endusers.get(String(mine?.["_id"]))).toMatchObject({ name: "Person 1" });
    expect(fixture.planhat.tenant().endusers.get(String(other?.["_id"]))).toMatchObject({ name: "P" });
  });

  test.each(["bulk answers", "lists that are read back"])("its %s name records by numbers", async (what) => {
    const settings = { contact_require_email: false };
    const fixture = await open({ settings, planhat: { switches: { digitKeys: "number" } } });
    const company = account(1, { external_id: OTHER });
    const users = [MINE, OTHER, 7n, 8n].map((external_id, number) => user(number, { external_id, email: null }));
    fixture.seed([account(1, { external_id: String(OTHER) })], []);
    await fixture.deliverAccount(company);
    const before = reads(fixture).length;
    if (what !== "bulk answers") {
      fixture.planhat.faults.add({ kind: "wrong-shape", form: "no-arrays", route: "PUT /endusers", count: 1 });
    }
    await fixture.deliver(
      "user:update",
      [...users.entries()].map(([number, who]) => ({ user: who, account: company, message_id: `m-${number}` })),
    );
    expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 1, "endusers/sent/created": 4 });
    expect(fixture.endusers().map(({ externalId }) => externalId)).toEqual([DIGITS, String(OTHER), "7", "8"]);
    const looks = reads(fixture)
      .slice(before)
      .filter((route) => route === "GET /endusers");
    // Whether they are there, and once more for those of whom the answer said nothing.
    expect(looks).toHaveLength(what === "bulk answers" ? 1 : 2);
  });

  test("a number of any size is told with all its digits, and a change of its last one is news", async () => {
    const fixture = await open();
    const company = fixture.planhat
      .tenant()
      .seedCompany({ externalId: "acme-1", name: "Acme 1", custom: { Serial: MINE } });
    const serials = async () =>
      (await fixture.during(() => fixture.fetch("accounts"))).map(({ body }) => body["planhat/custom_serial"]);
    expect(await serials()).toEqual([DIGITS]);
    expect(await serials()).toEqual([]);
    fixture.planhat.tenant().edit("companies", company._id, { custom: { Serial: OTHER } });
    fixture.advance(60);
    expect(await serials()).toEqual([String(OTHER)]);
  });
});

/** A text, a number, a list, and a field of no known type. */
const ACCOUNTS = {
  account_attributes_outbound: [
    row("name", "name"),
    row("about", "description"),
    row("score", "csmScore"),
    row("labels", "tags"),
  ],
  account_custom_attributes_outbound: [row("serial", "Serial")],
};

describe("a number of many digits", () => {
  test("is text where the field takes text, in lists and in custom fields, and refused by a number field", async () => {
    const fixture = await open({ settings: ACCOUNTS });
    const large = 1234567890123456789012n;
    await fixture.deliverAccount(
      account(1, { about: large, score: large, labels: [MINE, "vip", OTHER], serial: MINE }),
    );
    expect(fixture.companies()).toMatchObject([
      {
        description: "1234567890123456789012",
        tags: [DIGITS, "vip", String(OTHER)],
        custom: { Serial: DIGITS },
      },
    ]);
    expect(fixture.companies()[0]).not.toHaveProperty("csmScore");
    const said = complaints(fixture).filter((text) => text.includes("→"));
    expect(said).toEqual([
      expect.stringContaining("score → csmScore: 22 digits; the field takes a number up to 9007199254740991"),
    ]);
    expect(JSON.stringify(said)).not.toContain(String(large));
  });

  test("names segments and people too", async () => {
    const fixture = await open({ settings: { contact_synchronized_segments: [DIGITS] } });
    for (const [number, id] of [
      [1, MINE],
      [2, OTHER],
    ] as const) {
      const segment = {
        id,
        name: "Digits",
        type: "users_segment",
        created_at: minute(0),
        updated_at: minute(0),
        stats: {},
      };
      await fixture.tellUser(user(number), account(1), { segments: [segment as never] });
    }
    await fixture.settled();
    expect(await fixture.outcomes()).toEqual({
      "endusers/sent/created": 1,
      "endusers/skipped/outside_user_segments": 1,
    });
    expect(fixture.endusers()).toMatchObject([{ externalId: "person-1" }]);
  });

  test("that came with an exponent names nobody: its digits are not certain", async () => {
    const fixture = await open();
    const shipment = [1, 2].map((number) => ({
      user: user(number, { external_id: 1.23e22 }),
      account: account(1),
    }));
    await fixture.deliver("user:update", shipment);
    expect(await fixture.outcomes()).toEqual({ "endusers/rejected/invalid_message": 2 });
    expect(complaints(fixture).join()).toContain("user.external_id is a number whose digits are not certain");
    expect(fixture.calls).toEqual([]);
  });

  test.each([
    [
      "json",
      `${jsonOf({ ...user(1, { external_id: MINE }), traits_serial: MINE, account: account(1, { external_id: MINE }) })}\n`,
    ],
    [
      "csv",
      `id,external_id,email,name,traits_serial,account.id,account.external_id,account.name\n${user(1).id},${MINE},p@example.com,P,${MINE},${account(1).id},${MINE},A\n`,
    ],
  ] as const)("comes whole out of a file (%s)", async (format, content) => {
    const fixture = await open({ settings: { contact_custom_attributes_outbound: [row("serial", "Serial")] } });
    for (const kind of ["seedCompany", "seedEnduser"] as const)
      fixture.planhat.tenant()[kind]({ externalId: String(OTHER) });
    const { url } = fixture.hull.publishExtract({ format, content });
    await fixture.ended(await begin(fixture, url, { format }));
    await fixture.settled();
    expect(fixture.companies().map(({ externalId }) => externalId)).toEqual([String(OTHER), DIGITS]);
    expect(fixture.endusers()[1]).toMatchObject({ externalId: DIGITS, custom: { Serial: DIGITS } });
  });
});

describe("digits in a date field", () => {
  const settings = {
    ...LICENSE_SETTINGS,
    account_licenses_attributes_outbound: [
      ...LICENSE_SETTINGS.account_licenses_attributes_outbound,
      row("end", "toDate"),
    ],
  };

  test("are the day that they write", async () => {
    const fixture = await open({ settings });
    await fixture.deliverAccount(account(1, { licenses: [license(1, { start: "20250131", end: 20260131 })] }));
    expect(fixture.planhat.snapshot().licenses).toMatchObject([
      { fromDate: "2025-01-31T00:00:00.000Z", toDate: "2026-01-31T00:00:00.000Z" },
    ]);
  });

  test.each(["45688", 45688, "12345678901234", "123456789"])(
    "are left out when they are a counter: %p",
    async (end) => {
      const fixture = await open({ settings });
      await fixture.deliverAccount(account(1, { licenses: [license(1, { end })] }));
      expect(await fixture.outcomes()).toMatchObject({ "licenses/sent/created": 1 });
      expect(fixture.planhat.snapshot().licenses[0]).not.toHaveProperty("toDate");
      expect(complaints(fixture).join()).toMatch(/end → toDate: \d+ digits; the field takes a date such as 2025-01-31/);
    },
  );

  test.each([
    "2024-01-31 00:00:00+00",
    "2024-01-31 00:00:00 GMT",
    "2024-01-31t00:00:00z",
    "Wed, 31 Jan 2024 00:00:00 GMT",
  ])("are no condition: licenses, users and events understand the same forms (%s)", async (written) => {
    const fixture = await open({
      settings: {
        ...settings,
        contact_events: ["ALL"],
        contact_attributes_outbound: [row("external_id", "externalId"), row("seen", "lastActive")],
      },
    });
    const done = { event_id: "e-1", event: "Signed In", created_at: written, properties: {} };
    await fixture.tellAccount(account(1, { licenses: [license(1, { start: written })], indexed_at: written }));
    await fixture.tellUser(user(1, { traits_seen: written, indexed_at: written }), account(1), { events: [done] });
    await fixture.settled();
    const AT = "2024-01-31T00:00:00.000Z";
    expect(fixture.planhat.snapshot().licenses).toMatchObject([{ fromDate: AT }]);
    expect(fixture.endusers()).toMatchObject([{ lastActive: AT }]);
    expect(fixture.planhat.tenant().activities).toMatchObject([{ date: AT }]);
    expect(complaints(fixture).filter((text) => text !== "undefined" && text.includes("date"))).toEqual([]);
    await fixture.deliverUser(user(1, { traits_seen: AT, indexed_at: minute(1) }), account(1));
    expect(fixture.written("endusers")).toHaveLength(1);
  });
});

describe("a message's own date", () => {
  test.each([
    ["yesterday", "a text of 9 characters"],
    [45688, "5 digits"],
    ["1970-01-01T00:00:00.000Z", "a date before the year 2000"],
  ])("that means nothing (%p) silences nobody, and is said", async (indexed_at, form) => {
    const fixture = await open();
    await fixture.tellAccount(account(1));
    await fixture.tellAccount(account(1, { name: "Renamed", indexed_at }));
    await fixture.settled();
    expect(fixture.companies()).toMatchObject([{ name: "Renamed" }]);
    expect(complaints(fixture)).toContain(
      `A date cannot be read. (indexed_at: ${form}; the message counts from its arrival)`,
    );
  });
});

test("a cell of a CSV file becomes what the field is", async () => {
  const settings = {
    contact_attributes_outbound: [
      row("external_id", "externalId"),
      row("labels", "tags"),
      row("roles", "personas"),
      row("star", "featured"),
      row("code", "position"),
      row("flag", "phone"),
      row("odd", "otherEmails"),
    ],
  };
  const fixture = await open({ settings });
  const content =
    "id,external_id,email,traits_labels,traits_roles,traits_star,traits_code,traits_flag,traits_odd,account.id,account.external_id\n" +
    `${user(1).id},p-1,p@example.com,"[""vip"",""beta""]",[],true,5,true,"[vip, beta]",${account(1).id},acme-1\n`;
  const { url } = fixture.hull.publishExtract({ format: "csv", content });
  await fixture.ended(await begin(fixture, url, { format: "csv" }));
  await fixture.settled();
  expect(fixture.endusers()).toMatchObject([
    { tags: ["vip", "beta"], personas: [], featured: true, position: "5", phone: "true", otherEmails: [] },
  ]);
  expect(complaints(fixture).join()).toContain(
    "odd → otherEmails: a text of 11 characters; the field takes a list of texts",
  );
});

describe("whatever goes in", () => {
  const settings = {
    ...ACCOUNTS,
    contact_attributes_outbound: [row("external_id", "externalId"), row("seen", "lastActive")],
  };
  const wholes = fc.oneof(
    fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }),
    fc.bigInt({ min: OTHER - 3n, max: OTHER + 3n }),
    fc.integer().map(BigInt),
  );
  const COUNT = 60;

  /** What was said about this attribute of this account or user. */
  const saidOf = (fixture: Fixture, id: string, attribute: string): boolean =>
    fixture.logs.some(
      ({ context, data }) =>
        [context?.["account_id"], context?.["user_id"]].includes(id) &&
        ((data?.["warnings"] ?? []) as readonly string[]).some((text) => text.includes(`(${attribute} → `)),
    );

  test("whole numbers and lists of them are what Planhat holds, or a warning names the field", async () => {
    const fixture = await open({ settings });
    const values = fc.sample(
      fc.record({ whole: wholes, asText: fc.boolean(), list: fc.array(wholes, { maxLength: 4 }) }),
      {
        numRuns: COUNT,
        seed: 51,
      },
    );
    const messages = values.map(({ whole, asText, list }, index) => {
      const form = asText ? String(whole) : whole;
      const labels = asText ? jsonOf(list) : list;
      return { account: account(index, { about: form, score: form, serial: form, labels }), message_id: `m-${index}` };
    });
    await fixture.deliver("account:update", messages);
    expect(fixture.companies()).toHaveLength(COUNT);
    for (const [index, { whole, list }] of values.entries()) {
      const { id, external_id } = account(index) as Bag & { id: string };
      const company = fixture.companies().find(({ externalId }) => externalId === external_id);
      expect(company?.["description"]).toBe(String(whole));
      expect(company?.["tags"]).toEqual([...new Set(list.map(String))]);
      expect(String((custom(company) as Bag)["Serial"])).toBe(String(whole));
      const score = company?.["csmScore"];
      if (score === undefined) expect([index, saidOf(fixture, id, "score")]).toEqual([index, true]);
      else expect(BigInt(score as number)).toBe(whole);
    }
  });

  test("dates are the instant that was written, or a warning names the field", async () => {
    const fixture = await open({ settings });
    const iso = (date: Date): string => date.toISOString();
    const written: readonly ((date: Date) => unknown)[] = [
      iso,
      (date) => iso(date).replace("Z", ":Z"),
      (date) => iso(date).replace("T", " ").replace("Z", " GMT"),
      (date) => iso(date).toLowerCase(),
      (date) => `${iso(new Date(date.getTime() + 7_200_000)).slice(0, -1)}+02`,
      (date) => iso(date).slice(0, 19).replace(/\D/g, ""),
      (date) => date.toUTCString(),
      (date) => date.getTime(),
      (date) => String(date.getTime()),
      (date) => Number(iso(date).slice(0, 10).replace(/\D/g, "")),
    ];
    /** Digits that mean no date, and texts that nearly do. */
    const junk = fc.oneof(
      fc.nat(20_000_000),
      fc.stringMatching(/^\d{1,7}$/),
      fc.bigInt({ min: 10n ** 14n, max: 10n ** 18n }),
      fc.constantFrom("2025-02-30", "31.01.2025", "soon", "", true, "2025-01-31T25:00:00Z", "99999999999999"),
    );
    // Whole days: each way of writing them says the same.
    const days = fc.integer({ min: Date.UTC(1990, 0) / 86_400_000, max: Date.UTC(2099, 0) / 86_400_000 });
    const dates = days.map((day) => new Date(day * 86_400_000));
    type Case = readonly [meant: Date | undefined, written: unknown];
    const meant = fc.record({ date: dates, way: fc.constantFrom(...written) });
    const cases = fc.sample(
      fc.oneof(
        meant.map(({ date, way }): Case => [date, way(date)]),
        junk.map((value): Case => [undefined, value]),
      ),
      { numRuns: 4 * COUNT, seed: 52 },
    );
    const messages = cases.map(([, value], index) => ({
      user: user(index, { traits_seen: value }),
      account: account(1),
      message_id: `m-${index}`,
    }));
    await fixture.deliver("user:update", messages, {});
    expect(fixture.endusers()).toHaveLength(cases.length);
    for (const [index, [date, value]] of cases.entries()) {
      const { id, external_id } = user(index) as Bag & { id: string };
      const held = fixture.endusers().find(({ externalId }) => externalId === external_id)?.["lastActive"];
      const what = [index, jsonOf(value)];
      if (date !== undefined) expect([...what, held]).toEqual([...what, iso(date)]);
      else expect([...what, held, saidOf(fixture, id, "seen")]).toEqual([...what, undefined, true]);
    }
  });
});
