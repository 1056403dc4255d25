/** Licenses: elements of a list in an attribute of the account, each a record of its own below the company. */
import { buildAccountMessage, buildUserMessage } from "../../simulators/hull";
import type { FaultKind } from "../../simulators/loopback";
import { errorShapes } from "../../simulators/planhat";
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
  type FixtureOptions,
} from "../fixture/fixture";

const openAny = useFixtures();

/** A fixture with licenses switched on. */
const open = (options: FixtureOptions = {}): Promise<Fixture> =>
  openAny({ ...options, settings: { ...LICENSE_SETTINGS, ...options.settings } });

const many = (count: number, more: Bag = {}): readonly Bag[] =>
  Array.from({ length: count }, (_, index) => license(index + 1, more));

const stored = (fixture: Fixture): readonly Bag[] => fixture.planhat.snapshot().licenses;

/** External ids and companies of what Planhat holds, in words. */
const places = (fixture: Fixture): readonly string[] => {
  const companies = new Map(fixture.companies().map((each) => [each["_id"], each["externalId"]]));
  return stored(fixture)
    .map((each) => `${String(companies.get(each["companyId"]))}/${String(each["externalId"])}`)
    .sort();
};

/** What a message of an account in the segment of customers says beside the account. */
const INSIDE = {
  account_segments: [
    {
      id: "customers",
      name: "Customers",
      type: "accounts_segment",
      created_at: minute(0),
      updated_at: minute(0),
      stats: {},
    },
  ],
} as const;

const callsTo = (fixture: Fixture, path: string) =>
  fixture.calls.filter(({ method, path: called }) => method !== "GET" && called.includes(path));

/** What was asked to be written, item by item. */
const written = (fixture: Fixture): readonly Bag[] =>
  callsTo(fixture, "/licenses").flatMap(({ body }) => (Array.isArray(body) ? body : [body]) as readonly Bag[]);

/** Sends the account with these licenses, `at` minutes after the beginning, and waits until all is done. */
async function tell(fixture: Fixture, licenses: unknown, at = 0, more: Bag = {}): Promise<void> {
  await fixture.deliverAccount(account(1, { licenses, indexed_at: minute(at), ...more }));
}

describe("from the attribute", () => {
  test.each([
    ["a list", (list: unknown) => list],
    ["its JSON text", (list: unknown) => JSON.stringify(list)],
  ])("%s becomes licenses of the company that the same message makes", async (_name, form) => {
    const fixture = await open();
    await tell(fixture, form([license(1), license(2)]));
    const [company] = fixture.companies();
    expect(stored(fixture)).toMatchObject([
      { externalId: "lic-1", product: "Core", _currency: "EUR", fromDate: "2026-01-01T00:00:00.000Z", mrr: 100 },
      { externalId: "lic-2", product: "Core", _currency: "EUR", fromDate: "2026-01-01T00:00:00.000Z", mrr: 200 },
    ]);
    expect(stored(fixture).map((each) => each["companyId"])).toEqual([company?.["_id"], company?.["_id"]]);
    expect(callsTo(fixture, "/companies")).toHaveLength(1);
    expect(callsTo(fixture, "/licenses")).toHaveLength(1);
    expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 1, "licenses/sent/created": 2 });
  });

  test.each(["account.licenses", "traits_licenses", " licenses "])(
    "however the settings write its name (%s)",
    async (name) => {
      const fixture = await open({ settings: { account_licenses_attribute: name } });
      await tell(fixture, [license(1)]);
      expect(places(fixture)).toEqual(["acme-1/lic-1"]);
    },
  );

  test("standard and custom rows, keys taken literally and by their case", async () => {
    const fixture = await open({
      settings: {
        account_licenses_attributes_outbound: [
          ...LICENSE_SETTINGS.account_licenses_attributes_outbound,
          row("Auto Renew", "Auto Renewal"),
        ],
        account_licenses_custom_attributes_outbound: [
          row("seats", "Seats (max.)"),
          row("Seats", "Other seats"),
          row("toString", "Inherited"),
        ],
      },
    });
    await tell(fixture, [license(1, { "Auto Renew": false, seats: 0, notes: "not mapped" })]);
    const [one] = stored(fixture);
    expect(one).toMatchObject({ autoRenews: false, custom: { "Seats (max.)": 0 } });
    expect(one?.["custom"]).toEqual({ "Seats (max.)": 0 });
    expect(written(fixture)[0]).not.toHaveProperty("notes");
  });

  test("none without the attribute's name, and none without a mapping", async () => {
    for (const missing of [{ account_licenses_attribute: "" }, { account_licenses_attributes_outbound: [] }]) {
      const fixture = await open({ settings: missing });
      await tell(fixture, [license(1)]);
      expect(stored(fixture)).toEqual([]);
      expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 1 });
    }
  });

  test.each([undefined, null, [], "[]"])("%j holds none, and nobody is told off", async (nothing) => {
    const fixture = await open();
    await tell(fixture, nothing);
    expect(callsTo(fixture, "/licenses")).toEqual([]);
    expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 1 });
  });

  const deepList = "[".repeat(65) + "]".repeat(65);

  test.each(["Core, Insights", '{"id":"lic-1"}', { id: "lic-1" }, 17, true, deepList])(
    "%j is no list: rejected once, and the company is sent",
    async (value) => {
      const fixture = await open();
      await tell(fixture, value);
      expect(stored(fixture)).toEqual([]);
      expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 1, "licenses/rejected/invalid_license": 1 });
      const [line] = fixture.logs.filter(({ data }) => data?.["code"] === "invalid_license");
      expect(line?.data?.["reason"]).toContain("licenses is not a JSON list of licenses");
    },
  );

  const many = (count: number): readonly Bag[] => Array.from({ length: count }, (_, at) => license(at));

  test.each([
    ["a list of 5,001", many(5_001)],
    ["the text of such a list", JSON.stringify(many(5_001))],
    ["a text of more values", JSON.stringify([license(1, { more: Array.from({ length: 100_000 }, () => 1) })])],
    ["a text of numbers", JSON.stringify(Array.from({ length: 150_000 }, () => 1))],
  ])("%s is too much: rejected once, and the company is sent", async (_name, value) => {
    const fixture = await open();
    await tell(fixture, value);
    expect(stored(fixture)).toEqual([]);
    expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 1, "licenses/rejected/invalid_license": 1 });
    const [line] = fixture.logs.filter(({ data }) => data?.["code"] === "invalid_license");
    expect(line?.data?.["reason"]).toContain(
      "licenses holds more than 5000 licenses, or than 100000 values; keep fewer",
    );
  });

  test.each([
    ["without an external id", license(9, { id: undefined })],
    ["with an empty one", license(9, { id: " " })],
    ["with null for one", license(9, { id: null })],
    ["with an object for one", license(9, { id: { text: "lic-9" } })],
    ["that is a text", "lic-9"],
    ["that is null", null],
    ["that is a list", [license(9)]],
  ])("an element %s is rejected by its place, and the rest is sent", async (_name, element) => {
    const fixture = await open();
    await tell(fixture, [license(1), element, license(2)]);
    expect(places(fixture)).toEqual(["acme-1/lic-1", "acme-1/lic-2"]);
    expect(await fixture.outcomes()).toEqual({
      "companies/sent/created": 1,
      "licenses/sent/created": 2,
      "licenses/rejected/invalid_license": 1,
    });
    const [line] = fixture.logs.filter(({ data }) => data?.["code"] === "invalid_license");
    expect(line).toMatchObject({ level: "error", message: "outgoing.account.error" });
    expect(line?.data?.["reason"]).toContain("element 2");
  });

  test("elements with one external id are all rejected, since nobody knows which counts", async () => {
    const fixture = await open();
    await tell(fixture, [
      license(1),
      license(2),
      license(2, { mrr: 5 }),
      license(3, { id: 7 }),
      license(4, { id: "7" }),
    ]);
    expect(places(fixture)).toEqual(["acme-1/lic-1"]);
    expect(await fixture.outcomes()).toMatchObject({ "licenses/rejected/invalid_license": 4 });
    const words = fixture.logs
      .filter(({ data }) => data?.["code"] === "invalid_license")
      .map(({ data }) => data?.["reason"]);
    expect(words.map((text) => /element \d/.exec(String(text))?.[0])).toEqual([
      "element 2",
      "element 3",
      "element 4",
      "element 5",
    ]);
  });

  test("a doubled element does not touch the license that is there", async () => {
    const fixture = await open();
    await tell(fixture, [license(1), license(2)]);
    await tell(fixture, [license(1, { mrr: 1 }), license(2, { mrr: 2 }), license(2, { mrr: 3 })], 1);
    expect(stored(fixture)).toMatchObject([{ mrr: 1 }, { mrr: 200 }]);
  });
});

describe("only what changed", () => {
  test("no call at all when neither company nor licenses changed", async () => {
    const fixture = await open();
    await tell(fixture, many(3));
    const before = fixture.calls.length;
    await tell(fixture, JSON.stringify(many(3)), 1);
    expect(fixture.calls).toHaveLength(before);
    expect(await fixture.outcomes()).toEqual({
      "companies/sent/created": 1,
      "companies/unchanged/in_sync": 1,
      "licenses/sent/created": 3,
      "licenses/unchanged/in_sync": 3,
    });
  });

  test("the one that changed, with the field that changed, while the company did not", async () => {
    const fixture = await open();
    await tell(fixture, many(3));
    const before = fixture.calls.length;
    await tell(fixture, [license(1), license(2, { mrr: 0 }), license(3), license(4)], 1);
    const changed = stored(fixture).find((each) => each["externalId"] === "lic-2");
    expect(changed).toMatchObject({ mrr: 0 });
    const items = fixture.calls.slice(before).filter(({ method }) => method !== "GET");
    expect(items.map(({ route }) => route)).toEqual(["PUT /licenses"]);
    expect(items[0]?.body).toEqual([
      { _id: changed?.["_id"], mrr: 0 },
      expect.objectContaining({ externalId: "lic-4", companyId: changed?.["companyId"] }),
    ]);
    expect(await fixture.outcomes()).toMatchObject({ "licenses/sent/updated": 1, "licenses/sent/created": 4 });
  });

  test("a changed company leaves its licenses alone", async () => {
    const fixture = await open();
    await tell(fixture, many(2));
    const before = fixture.calls.length;
    await tell(fixture, many(2), 1, { name: "Acme Inc." });
    expect(fixture.calls.slice(before).map(({ route }) => route)).toEqual(["PUT /companies"]);
  });

  test("dates, numbers and truths that are only written differently are no change", async () => {
    const fixture = await open();
    await tell(fixture, [license(1)]);
    const before = fixture.calls.length;
    await tell(fixture, [license(1, { start: "2026-01-01T01:00:00+01:00", mrr: "100.0" })], 1);
    expect(fixture.calls).toHaveLength(before);
  });

  test("a person's edit in Planhat stays until Hull's own value changes", async () => {
    const fixture = await open();
    await tell(fixture, [license(1)]);
    const id = String(stored(fixture)[0]?.["_id"]);
    fixture.planhat.tenant().edit("licenses", id, { mrr: 150, product: "By hand" });
    await tell(fixture, [license(1)], 1);
    await tell(fixture, [license(1, { mrr: 175 })], 2);
    expect(stored(fixture)).toMatchObject([{ mrr: 175, product: "By hand" }]);
    expect(written(fixture).slice(1)).toEqual([{ _id: id, mrr: 175 }]);
  });

  test("one that left the list is left alone, and is not written again when it comes back", async () => {
    const fixture = await open();
    await tell(fixture, many(2));
    await tell(fixture, [license(1)], 1);
    await tell(fixture, [], 2);
    await tell(fixture, null, 3);
    expect(places(fixture)).toEqual(["acme-1/lic-1", "acme-1/lic-2"]);
    const before = fixture.calls.length;
    await tell(fixture, many(2), 4);
    expect(fixture.calls).toHaveLength(before);
  });

  test("an export sends them all, equal or not", async () => {
    const fixture = await open();
    await tell(fixture, many(2));
    await fixture.deliverAccount(account(1, { licenses: many(2), indexed_at: minute(1) }), { isExport: true });
    expect(written(fixture)).toHaveLength(4);
    expect(await fixture.outcomes()).toMatchObject({ "licenses/sent/updated": 2 });
    expect(stored(fixture)).toHaveLength(2);
  });

  test("an older message of the account takes nothing back", async () => {
    const fixture = await open();
    await tell(fixture, [license(1, { mrr: 5 })], 5);
    await tell(fixture, [license(1, { mrr: 1 }), license(2)], 1);
    expect(stored(fixture)).toMatchObject([{ externalId: "lic-1", mrr: 5 }, { externalId: "lic-2" }]);
    expect(await fixture.outcomes()).toMatchObject({
      "companies/superseded/newer_message": 1,
      "licenses/superseded/newer_message": 1,
      "licenses/sent/created": 2,
    });
  });

  test("of two messages in one shipment the newer list counts", async () => {
    const fixture = await open();
    await fixture.deliver("account:update", [
      buildAccountMessage(account(1, { licenses: [license(1, { mrr: 2 })], indexed_at: minute(2) })),
      buildAccountMessage(account(1, { licenses: [license(1, { mrr: 1 }), license(2)], indexed_at: minute(1) })),
    ]);
    expect(stored(fixture)).toMatchObject([{ externalId: "lic-1", mrr: 2 }]);
  });

  test("a value that Hull cleared is cleared when the setting says so", async () => {
    const fixture = await open({ settings: { clear_on_null: true } });
    await tell(fixture, [license(1)]);
    await tell(fixture, [license(1, { product: null })], 1);
    expect(stored(fixture)[0]?.["product"] ?? null).toBeNull();
    const before = fixture.calls.length;
    await tell(fixture, [license(1, { product: null })], 2);
    expect(fixture.calls).toHaveLength(before);
  });

  test("a currency that Planhat shows as an object is not sent again and again", async () => {
    const fixture = await open({ planhat: { switches: { currencyForm: "object" } } });
    const tenant = fixture.planhat.tenant();
    const { _id: companyId } = tenant.seedCompany({ externalId: "acme-1", name: "Acme 1" });
    tenant.seedLicense({ companyId, externalId: "lic-1", product: "Old", _currency: "EUR", mrr: 100 });
    await tell(fixture, [license(1)]);
    const before = fixture.calls.length;
    await tell(fixture, [license(1)], 1);
    await tell(fixture, [license(1)], 2);
    expect(fixture.calls).toHaveLength(before);
    expect(stored(fixture)).toMatchObject([{ product: "Core", _currency: "EUR" }]);
  });
});

describe("which license it is: its company and its external id", () => {
  test("one that Planhat has is found and updated, equal ones are not written", async () => {
    const fixture = await open();
    const tenant = fixture.planhat.tenant();
    const { _id: companyId } = tenant.seedCompany({ externalId: "acme-1", name: "Acme 1" });
    const own = { companyId, product: "Core", _currency: "EUR", fromDate: "2026-01-01T00:00:00.000Z" };
    const { _id } = tenant.seedLicense({ ...own, externalId: "lic-1", mrr: 1 });
    tenant.seedLicense({ ...own, externalId: "lic-2", mrr: 200 });
    await tell(fixture, many(2));
    expect(written(fixture)).toEqual([{ _id, mrr: 100 }]);
    expect(stored(fixture)).toHaveLength(2);
    expect(await fixture.outcomes()).toEqual({
      "companies/unchanged/in_sync": 1,
      "licenses/sent/updated": 1,
      "licenses/unchanged/in_sync": 1,
    });
  });

  test("the same external id in two companies is two licenses, and each message means its own", async () => {
    const fixture = await open();
    await fixture.deliver(
      "account:update",
      [1, 2].map((number) => buildAccountMessage(account(number, { licenses: [license(1, { mrr: number })] }))),
    );
    expect(places(fixture)).toEqual(["acme-1/lic-1", "acme-2/lic-1"]);
    await fixture.deliverAccount(account(2, { licenses: [license(1, { mrr: 22 })], indexed_at: minute(1) }));
    expect(
      stored(fixture)
        .map((each) => each["mrr"])
        .sort(),
    ).toEqual([1, 22]);
    expect(await fixture.outcomes()).toMatchObject({ "licenses/sent/created": 2, "licenses/sent/updated": 1 });
  });

  test("a namesake below another company is not taken for it", async () => {
    const fixture = await open();
    const tenant = fixture.planhat.tenant();
    const { _id: companyId } = tenant.seedCompany({ externalId: "other", name: "Other" });
    tenant.seedLicense({ companyId, externalId: "lic-1", product: "Theirs", _currency: "USD", mrr: 7 });
    await tell(fixture, [license(1)]);
    expect(places(fixture)).toEqual(["acme-1/lic-1", "other/lic-1"]);
    expect(stored(fixture).find((each) => each["companyId"] === companyId)).toMatchObject({
      product: "Theirs",
      mrr: 7,
    });
  });

  test("one that moved to another account is made there; the old one is left alone", async () => {
    const fixture = await open();
    await tell(fixture, [license(1), license(2)]);
    await fixture.tellAccount(account(2, { licenses: [license(2, { mrr: 7 })] }));
    await fixture.tellAccount(account(1, { licenses: [license(1)], indexed_at: minute(1) }));
    await fixture.settled();
    expect(places(fixture)).toEqual(["acme-1/lic-1", "acme-1/lic-2", "acme-2/lic-2"]);
    expect(
      stored(fixture)
        .map((each) => each["mrr"])
        .sort(),
    ).toEqual([100, 200, 7]);
  });

  test.each(["create", "error"] as const)(
    "one that was removed in Planhat (which answers its id with: %s) is made anew with every field when it changes",
    async (unknownId) => {
      const fixture = await open({ planhat: { switches: { unknownId } } });
      await tell(fixture, many(2));
      const gone = stored(fixture).find((each) => each["externalId"] === "lic-1");
      fixture.planhat.tenant().remove("licenses", String(gone?.["_id"]));
      await fixture.tellAccount(account(1, { licenses: [license(1, { mrr: 5 }), license(2)], indexed_at: minute(1) }));
      await fixture.settledWithHelp();
      expect(await fixture.outcomes()).toMatchObject({ "licenses/unchanged/in_sync": 1, "licenses/sent/created": 3 });
      expect(places(fixture)).toEqual(["acme-1/lic-1", "acme-1/lic-2"]);
      const again = stored(fixture).find((each) => each["externalId"] === "lic-1");
      expect(again).toMatchObject({ product: "Core", _currency: "EUR", mrr: 5 });
    },
  );

  test("a company that was removed in Planhat is made anew before its next license", async () => {
    const fixture = await open();
    await tell(fixture, []);
    fixture.planhat.tenant().remove("companies", String(fixture.companies()[0]?.["_id"]));
    await fixture.tellAccount(account(1, { licenses: [license(1)], indexed_at: minute(1) }));
    await fixture.settledWithHelp();
    expect(places(fixture)).toEqual(["acme-1/lic-1"]);
  });
});

describe("the company decides", () => {
  test("outside the Company Filter: nothing is sent, and no license has an outcome", async () => {
    const fixture = await open({ settings: { account_synchronized_segments: ["customers"] } });
    await tell(fixture, many(2));
    expect(fixture.calls).toEqual([]);
    expect(await fixture.outcomes()).toEqual({ "companies/skipped/outside_account_segments": 1 });
  });

  test.each([
    ["without an external id", { external_id: null }, "companies/skipped/missing_account_external_id"],
    ["without a name", { name: "" }, "companies/skipped/missing_name"],
  ])("an account %s: nothing is sent", async (_name, more, outcome) => {
    const fixture = await open();
    await tell(fixture, many(2), 0, more);
    expect(fixture.calls).toEqual([]);
    expect(await fixture.outcomes()).toEqual({ [outcome]: 1 });
  });

  test("an account that left the filter has its licenses left alone", async () => {
    const fixture = await open({ settings: { account_synchronized_segments: ["customers"] } });
    await fixture.deliverAccount(account(1, { licenses: many(2) }), INSIDE);
    expect(stored(fixture)).toHaveLength(2);
    const before = fixture.calls.length;
    await tell(fixture, [license(1, { mrr: 1 })], 1);
    expect(fixture.calls).toHaveLength(before);
    expect(stored(fixture)).toHaveLength(2);
  });

  test("an account that is filtered out before it was delivered makes neither company nor license", async () => {
    const fixture = await open({ settings: { account_synchronized_segments: ["customers"] } });
    await fixture.together(async () => {
      await fixture.tellAccount(account(1, { licenses: many(2) }), INSIDE);
      await fixture.tellAccount(account(1, { licenses: many(2), indexed_at: minute(1) }));
    });
    await fixture.settled();
    expect(fixture.companies()).toEqual([]);
    expect(stored(fixture)).toEqual([]);
  });

  test("an owner whom nobody knows: the licenses end dead / parent_skipped", async () => {
    const fixture = await open({
      settings: { account_attributes_outbound: [row("name", "name"), row("owner", "owner")] },
    });
    await tell(fixture, many(2), 0, { owner: "nobody@example.com" });
    expect(stored(fixture)).toEqual([]);
    expect(await fixture.outcomes()).toEqual({
      "companies/skipped/invalid_owner": 1,
      "licenses/dead/parent_skipped": 2,
    });
  });

  test("refused by Planhat: the licenses end dead / parent_rejected and the reason names the company", async () => {
    const fixture = await open();
    const heal = fixture.planhat.poison(
      { type: "companies", field: "externalId", value: "acme-1" },
      "name is reserved",
    );
    await fixture.deliver(
      "account:update",
      [1, 2].map((number) => buildAccountMessage(account(number, { licenses: many(2) }))),
    );
    expect(places(fixture)).toEqual(["acme-2/lic-1", "acme-2/lic-2"]);
    expect(await fixture.outcomes()).toEqual({
      "companies/sent/created": 1,
      "companies/rejected/refused": 1,
      "licenses/sent/created": 2,
      "licenses/dead/parent_rejected": 2,
    });
    const deadLetters = (await fixture.connector.store.deadLettersOf(fixture.lane)).filter(
      ({ type }) => type === "licenses",
    );
    expect(deadLetters).toHaveLength(2);
    for (const { ending } of deadLetters) {
      expect(ending.text).toContain(account(1).id);
      expect(ending.text).toContain("name is reserved");
    }

    heal();
    await tell(fixture, many(2), 1);
    expect(places(fixture)).toHaveLength(4);
    expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toEqual([]);
  });

  test("a refused update of a company that is there does not hold its licenses back", async () => {
    const fixture = await open();
    await tell(fixture, [license(1)]);
    fixture.planhat.poison({ type: "companies", field: "name", value: "Refused" }, "no");
    await tell(fixture, many(2), 1, { name: "Refused" });
    expect(places(fixture)).toEqual(["acme-1/lic-1", "acme-1/lic-2"]);
    expect(await fixture.outcomes()).toMatchObject({ "companies/rejected/refused": 1, "licenses/sent/created": 2 });
  });
});

test("Hull is told nothing about licenses", async () => {
  const fixture = await open();
  await tell(fixture, []);
  const before = fixture.hull.books.snapshot().firehoseRequests;
  const known = Object.keys(fixture.profile("account", account(1).id)).sort();
  await tell(fixture, many(3), 1);
  await tell(fixture, many(3, { mrr: 1 }), 2);
  expect(stored(fixture)).toHaveLength(3);
  expect(fixture.hull.books.snapshot().firehoseRequests).toBe(before);
  expect(Object.keys(fixture.profile("account", account(1).id)).sort()).toEqual(known);
});

test("the account inside a user's message never touches licenses", async () => {
  const fixture = await open();
  await fixture.deliverUser(user(1), account(1, { licenses: many(2) }));
  expect(fixture.endusers()).toHaveLength(1);
  expect(fixture.calls.filter(({ path }) => path.includes("/licenses"))).toEqual([]);
  await tell(fixture, [license(1)], 1);
  const before = stored(fixture);
  await fixture.deliver("user:update", [
    buildUserMessage(user(2, { indexed_at: minute(2) }), {
      account: account(1, { licenses: [license(1, { mrr: 5 })] }),
    }),
  ]);
  expect(fixture.endusers()).toHaveLength(2);
  expect(stored(fixture)).toEqual(before);
});

describe("answers of Planhat", () => {
  test.each(errorShapes)("a refused license hurts only itself (errors as: %s)", async (errorShape) => {
    const fixture = await open({ planhat: { switches: { errorShape } } });
    const heal = fixture.planhat.poison(
      { type: "licenses", field: "externalId", value: "lic-3" },
      "product is unknown",
    );
    await fixture.tellAccount(account(1, { licenses: many(6) }));
    await fixture.settledWithHelp();
    expect(stored(fixture)).toHaveLength(5);
    expect(await fixture.outcomes()).toEqual({
      "companies/sent/created": 1,
      "licenses/sent/created": 5,
      "licenses/rejected/refused": 1,
    });
    const [deadLetter] = await fixture.connector.store.deadLettersOf(fixture.lane);
    expect(deadLetter).toMatchObject({ type: "licenses", hullId: `${account(1).id}/lic-3` });
    expect(deadLetter?.ending.text).toContain("product is unknown");
    await fixture.restart();
    const lines = fixture.logs.filter(({ data }) => data?.["type"] === "licenses").map(({ message }) => message);
    expect(lines.sort()).toEqual(["outgoing.account.error", ...Array<string>(5).fill("outgoing.account.success")]);
    heal();
    await tell(fixture, many(6), 1);
    expect(stored(fixture)).toHaveLength(6);
    expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toEqual([]);
  });

  test("a payload that is refused as a whole is told apart", async () => {
    const fixture = await open();
    fixture.planhat.poison({ type: "licenses", field: "externalId", value: "lic-5" }, "poison", "payload");
    await fixture.tellAccount(account(1, { licenses: many(12) }));
    await fixture.settledWithHelp();
    expect(stored(fixture)).toHaveLength(11);
    expect(await fixture.outcomes()).toMatchObject({ "licenses/sent/created": 11, "licenses/rejected/refused": 1 });
  });

  test("a wrong mapping of licenses pauses them alone; companies and endusers go on", async () => {
    const fixture = await open();
    await fixture.tellAccount(account(1, { licenses: many(25, { currency: undefined }) }));
    await fixture.until(async () => (await fixture.connector.store.pauses(fixture.lane)).length > 0);
    expect(await fixture.connector.store.pauses(fixture.lane)).toMatchObject([{ scope: "licenses", kind: "mapping" }]);
    await fixture.tellAccount(account(2));
    await fixture.tellUser(user(1), account(2));
    await fixture.until(() => fixture.endusers().length === 1);
    expect(fixture.companies()).toHaveLength(2);
    await fixture.saveSettings({
      ...LICENSE_SETTINGS,
      account_licenses_attributes_outbound: LICENSE_SETTINGS.account_licenses_attributes_outbound,
    });
    await fixture.tellAccount(account(1, { licenses: many(25), indexed_at: minute(1) }));
    await fixture.settledWithHelp();
    expect(stored(fixture)).toHaveLength(25);
  });

  test("a missing right loses nothing and doubles nothing", async () => {
    const fixture = await open();
    fixture.planhat.limitToken("planhat-token-0001", [{ model: "licenses", action: "create" }]);
    await fixture.tellAccount(account(1, { licenses: many(3) }));
    await fixture.until(async () => (await fixture.connector.store.pauses(fixture.lane)).length > 0);
    expect(await fixture.connector.store.pauses(fixture.lane)).toMatchObject([{ kind: "auth" }]);
    expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toEqual([]);
    const said = (data: Bag | undefined): string => JSON.stringify(data?.["message"] ?? "");
    await fixture.until(() => fixture.logs.some(({ data }) => said(data).includes("right")));
    fixture.planhat.limitToken("planhat-token-0001", []);
    await fixture.saveSettings(LICENSE_SETTINGS);
    await fixture.settled();
    expect(stored(fixture)).toHaveLength(3);
    expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 1, "licenses/sent/created": 3 });
  });

  test.each(["no-arrays", "object", "html"] as const)(
    "an answer of another shape (%s) is not believed",
    async (form) => {
      const fixture = await open();
      const fault = fixture.planhat.faults.add({ kind: "wrong-shape", form, route: "PUT /licenses", count: 1 });
      await fixture.tellAccount(account(1, { licenses: many(3) }));
      await fixture.settledWithHelp();
      expect(fault.hits).toBe(1);
      expect(stored(fixture)).toHaveLength(3);
      expect(fixture.planhat.books.snapshot().created.licenses).toBe(3);
      expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 1, "licenses/sent/created": 3 });
    },
  );

  test.each<FaultKind>([
    { kind: "status", status: 503 },
    { kind: "status", status: 504, applied: true },
    { kind: "reset-before" },
    { kind: "reset-after" },
    { kind: "truncate" },
  ])("a lost answer (%j) makes no second license", async (fault) => {
    const fixture = await open();
    fixture.planhat.faults.add({ ...fault, route: "PUT /licenses", count: 1 });
    await fixture.tellAccount(account(1, { licenses: many(3) }));
    await fixture.settledWithHelp();
    expect(stored(fixture)).toHaveLength(3);
    expect(fixture.planhat.books.snapshot().created.licenses).toBe(3);
    expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 1, "licenses/sent/created": 3 });
  });
});

test.each([
  ["before Planhat wrote them", "request", "reset-before"],
  ["after Planhat wrote them", "applied", "reset-after"],
] as const)("killed %s, they exist once", async (_name, moment, kind) => {
  const fixture = await open();
  let kills = 0;
  fixture.planhat.faults.add({ kind, route: "PUT /licenses", count: 1 });
  fixture.planhat.on(moment, async ({ route }) => {
    if (kills > 0 || route !== "PUT /licenses") return;
    kills += 1;
    await fixture.crash();
  });
  await fixture.tellAccount(account(1, { licenses: many(3) }));
  await fixture.until(() => kills === 1);
  await fixture.settledWithHelp();
  expect(stored(fixture)).toHaveLength(3);
  expect(fixture.planhat.books.snapshot().created).toMatchObject({ companies: 1, licenses: 3 });
  expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 1, "licenses/sent/created": 3 });
});

test("a redelivered shipment counts once, and costs no call", async () => {
  const fixture = await open();
  await tell(fixture, many(3));
  const before = fixture.calls.length;
  await tell(fixture, many(3));
  expect(fixture.calls).toHaveLength(before);
  expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 1, "licenses/sent/created": 3 });
});
