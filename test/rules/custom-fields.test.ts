/** Custom fields are checked against what Planhat defines before anything is sent: what nobody would see is not written. */
import { join } from "node:path";
import { isObject } from "../../simulators/loopback/call";
import { numberOf } from "../../src/engine/hull-updates/what-hull-knows";
import { createLmdbDatabase } from "../../src/storage/database/lmdb";
import { MIRRORS } from "../../src/storage/tables/tables";
import { ask } from "../integration/asking";
import { account, minute, useFixtures, user, type Bag, type Fixture, type FixtureOptions } from "../fixture/fixture";

const fetching = useFixtures();

const field = (name: string, type: string, more: Bag = {}): Bag => ({ name, type, parent: "EndUser", ...more });

/** Rows from `traits_c0`, `traits_c1` … to custom fields of these names. */
const rows = (...names: readonly string[]) => ({
  contact_custom_attributes_outbound: names.map((name, at) => ({
    hull_field_name: `traits_c${at}`,
    service_field_name: name,
  })),
});

async function open(names: readonly string[], customFields: readonly Bag[], more: FixtureOptions = {}) {
  const fixture = await fetching({ ...more, customFields, settings: { ...rows(...names), ...more.settings } });
  return fixture;
}

let minutes = 0;
/** A message about the one person, with these values for the rows. */
async function tell(fixture: Fixture, ...values: readonly unknown[]): Promise<void> {
  minutes += 1;
  const traits = Object.fromEntries(
    values.flatMap((value, at) => (value === undefined ? [] : [[`traits_c${at}`, value]])),
  );
  await fixture.deliverUser(user(1, { indexed_at: minute(minutes), ...traits }), account(1));
}

const person = (fixture: Fixture): Bag => fixture.endusers()[0] ?? {};
const custom = (fixture: Fixture): unknown => person(fixture)["custom"];
/** As people see it in Planhat. */
const seen = (fixture: Fixture): unknown =>
  fixture.planhat.tenant().shownCustom("endusers", String(person(fixture)["_id"]));
const writes = (fixture: Fixture): number => fixture.written("endusers").length;

/** What the log says beside the outcome of the last message. */
async function warnings(fixture: Fixture): Promise<string> {
  // A line is written just after what it tells of is stored; a restart waits for it.
  await fixture.restart();
  const line = fixture.logs.findLast(({ message }) => /^outgoing\.user\.(?:success|skip|error)$/.test(message));
  return JSON.stringify(line?.data?.["warnings"] ?? []);
}

describe("a name that Planhat does not have", () => {
  test("is withheld with a warning, the rest is sent, and it does not come again and again", async () => {
    const fixture = await open(["Score", "Scor"], [field("Score", "number")]);
    await tell(fixture, 5, 6);
    expect(custom(fixture)).toEqual({ Score: 5 });
    expect(await warnings(fixture)).toMatch(
      /traits_c1 → custom\.Scor: correct the name in the settings, or create the field/,
    );
    await tell(fixture, 5, 7);
    await tell(fixture, 5, 7);
    expect(writes(fixture)).toBe(1);
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1, "endusers/unchanged/in_sync": 2 });
    expect(await warnings(fixture)).toMatch(/custom\.Scor/);
  });

  test("is named by the status", async () => {
    const fixture = await open(["Scor"], [field("Score", "number")]);
    const { body } = await ask(fixture, "/status");
    expect(body["messages"]).toEqual([
      expect.stringMatching(
        /"traits_c0" → "Scor": Planhat's endusers have no such custom field, so its values are left out/,
      ),
    ]);
  });

  test("is sent by the next message once Planhat has the field, be its value as it was", async () => {
    const fixture = await open(["Late"], []);
    await tell(fixture, 5);
    await tell(fixture, 5);
    expect(custom(fixture)).toBeUndefined();
    fixture.planhat.tenant().seedCustomField(field("Late", "number"));
    await tell(fixture, 5);
    expect(custom(fixture)).toBeUndefined();
    fixture.advance(10);
    await tell(fixture, 5);
    expect(seen(fixture)).toEqual({ Late: 5 });
    await tell(fixture, 5);
    expect(writes(fixture)).toBe(2);
  });

  test("and was made together with its row in the settings is known at once", async () => {
    const fixture = await open(["Score"], [field("Score", "number")]);
    await tell(fixture, 5);
    fixture.planhat.tenant().seedCustomField(field("Late", "number"));
    await fixture.saveSettings(rows("Score", "Late"));
    await tell(fixture, 5, 6);
    expect(seen(fixture)).toEqual({ Score: 5, Late: 6 });
  });

  test("keeps no company from its users", async () => {
    const company = {
      account_custom_attributes_outbound: [{ hull_field_name: "seats", service_field_name: "Nothing" }],
    };
    const fixture = await open([], [], { settings: company });
    await fixture.deliverUser(user(1), account(1, { seats: 5 }));
    expect(fixture.companies()).toMatchObject([{ externalId: "acme-1" }]);
    expect(fixture.companies()[0]).not.toHaveProperty("custom");
    expect(fixture.endusers()).toHaveLength(1);
  });
});

describe("a name in another case", () => {
  const wrong = async (more: FixtureOptions = {}) => open(["score"], [field("Score", "number")], more);

  test("is sent as Planhat writes it, with a warning, and read back under it", async () => {
    const fixture = await wrong();
    await tell(fixture, 5);
    expect(custom(fixture)).toEqual({ Score: 5 });
    expect(await warnings(fixture)).toMatch(
      /traits_c0 → custom\.score: it is \\"Score\\"; write it so in the settings/,
    );
    const { body } = await ask(fixture, "/status");
    expect(body["messages"]).toEqual([
      expect.stringMatching(/the field is "Score" in Planhat, and values are sent under/),
    ]);
    await tell(fixture, 5);
    expect(writes(fixture)).toBe(1);
    expect(fixture.profile("user", user(1).id)).toMatchObject({ "planhat/custom_score": 5 });
  });

  test("is found equal where Planhat holds the value already", async () => {
    const fixture = await wrong();
    const company = fixture.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Acme 1" });
    const { id: _, indexed_at: __, external_id: externalId, ...fields } = user(1);
    fixture.planhat
      .tenant()
      .seedEnduser({ companyId: company._id, externalId, ...fields, custom: { Score: 5, score: 9 } });
    await tell(fixture, 5);
    expect(writes(fixture)).toBe(0);
    expect(await fixture.outcomes()).toEqual({ "endusers/unchanged/in_sync": 1 });
  });

  test("leaves a person's edit in Planhat alone, and a fetch tells Hull of it once", async () => {
    const fixture = await wrong();
    await tell(fixture, 5);
    fixture.advance(5);
    await fixture.fetchBoth();
    fixture.planhat.tenant().edit("endusers", String(person(fixture)["_id"]), { custom: { Score: 6 } });
    const told = await fixture.fetchBoth();
    expect(told.filter(({ body }) => "planhat/custom_score" in body)).toMatchObject([
      { body: { "planhat/custom_score": 6 } },
    ]);
    await tell(fixture, 5);
    expect(custom(fixture)).toEqual({ Score: 6 });
    expect(await fixture.fetchBoth()).toEqual([]);
    await tell(fixture, 7);
    expect(custom(fixture)).toEqual({ Score: 7 });
  });

  test("is what an answer that says nothing is read back by", async () => {
    const fixture = await wrong({ planhat: { switches: { keysForm: "id-only", nonupdates: "named" } } });
    await tell(fixture, 5);
    fixture.planhat.faults.add({ kind: "wrong-shape", form: "no-arrays", route: "PUT /endusers", count: 1 });
    await tell(fixture, 6);
    expect(custom(fixture)).toEqual({ Score: 6 });
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1, "endusers/sent/updated": 1 });
  });

  test("is not guessed where two fields could be meant", async () => {
    const fixture = await open(["SCORE"], [field("Score", "number"), field("score", "number")]);
    await tell(fixture, 5);
    expect(custom(fixture)).toBeUndefined();
    expect(await warnings(fixture)).toMatch(/custom\.SCORE: correct the name/);
  });
});

describe("two names that differ in case alone", () => {
  test("are one field: the row with its exact name counts, and the other is named", async () => {
    const fixture = await open(["score", "Score"], [field("Score", "number")]);
    await tell(fixture, 5, 6);
    expect(custom(fixture)).toEqual({ Score: 6 });
    expect(await warnings(fixture)).toMatch(/traits_c0 → custom\.score: \\"Score\\" fills \\"Score\\" already/);
    const { body } = await ask(fixture, "/status");
    expect(body["messages"]).toEqual([expect.stringMatching(/"Score" fills the same field, so this row is left out/)]);
    await tell(fixture, 7, 6);
    expect(writes(fixture)).toBe(1);
  });

  test("of which none is exact: the last row counts", async () => {
    const fixture = await open(["SCORE", "score"], [field("Score", "number")]);
    await tell(fixture, 5, 6);
    expect(custom(fixture)).toEqual({ Score: 6 });
  });

  test.each(["request", "record"] as const)(
    "both arrive where Planhat has both, in requests of their own (it refuses twins in a %s)",
    async (customTwins) => {
      const fixture = await open(["score", "Score"], [field("Score", "number"), field("score", "number")], {
        planhat: { switches: { customTwins } },
      });
      await tell(fixture, 5, 6);
      expect(seen(fixture)).toEqual({ score: 5, Score: 6 });
      await tell(fixture, 7, 8);
      expect(seen(fixture)).toEqual({ score: 7, Score: 8 });
      await tell(fixture, 7, 8);
      expect(await fixture.outcomes()).toEqual({
        "endusers/sent/created": 1,
        "endusers/sent/updated": 1,
        "endusers/unchanged/in_sync": 1,
      });
      expect(fixture.planhat.books.snapshot().requests["PUT /endusers"]).toEqual({ "200": 4 });
    },
  );

  test("of two people in one shipment keep nobody from Planhat", async () => {
    const fixture = await open(["score", "Score"], [field("Score", "number"), field("score", "number")]);
    const people = [
      user(1, { traits_c0: 1 }),
      user(2, { traits_c1: 2 }),
      user(3, { traits_c0: 3, traits_c1: 4 }),
      user(4),
    ];
    await fixture.together(async () => {
      for (const each of people) await fixture.tellUser(each, account(1));
    });
    await fixture.settled();
    const found = fixture.endusers().map((each) => [each["externalId"], each["custom"]]);
    expect(Object.fromEntries(found)).toEqual({
      "person-1": { score: 1 },
      "person-2": { Score: 2 },
      "person-3": { score: 3, Score: 4 },
      "person-4": undefined,
    });
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 4 });
  });

  test("the second of which fails for a while is not taken for sent", async () => {
    const fixture = await open(["score", "Score"], [field("Score", "number"), field("score", "number")]);
    const heal = fixture.planhat.poison((fields) => JSON.stringify(fields).includes('"score"'), "Not now");
    await tell(fixture, 5, 6);
    expect(seen(fixture)).toEqual({ Score: 6 });
    expect(await fixture.outcomes()).toEqual({ "endusers/rejected/refused": 1 });
    heal();
    await tell(fixture, 5, 6);
    expect(seen(fixture)).toEqual({ score: 5, Score: 6 });
    expect(fixture.endusers()).toHaveLength(1);
  });
});

describe("a value", () => {
  const CHOICES = { listValues: ["Gold", "Silver", "Food, drinks"] };

  test.each<readonly [string, unknown, unknown]>([
    ["number", "5", 5],
    ["number", "-1.50", -1.5],
    ["rating", "4", 4],
    ["checkbox", "true", true],
    ["checkbox", false, false],
    ["text", 8001, "8001"],
    ["text", true, "true"],
    ["url", "https://x.example", "https://x.example"],
    ["day", "2026-05-01", "2026-05-01T00:00:00.000Z"],
    ["list", "Gold", "Gold"],
    ["list", "", ""],
    ["multipicklist", ["Gold", "Silver"], ["Gold", "Silver"]],
    ["multipicklist", "Gold, Silver", ["Gold", "Silver"]],
    ["multipicklist", '["Gold","Food, drinks"]', ["Gold", "Food, drinks"]],
    ["multipicklist", "Food, drinks", ["Food, drinks"]],
    ["multipicklist", "[]", []],
    ["team members", '["5e1000000000000000000001"]', ["5e1000000000000000000001"]],
    ["a kind of next year", { any: "thing" }, { any: "thing" }],
  ])("of a field that holds a %s becomes what the field is: %j", async (holds, value, stored) => {
    const fixture = await open(["F"], [field("F", holds, /list$/.test(holds) ? CHOICES : {})]);
    await tell(fixture, value);
    expect(custom(fixture)).toEqual({ F: stored });
    await tell(fixture, value);
    expect(writes(fixture)).toBe(1);
    fixture.advance(5);
    await fixture.fetchBoth();
    await tell(fixture, value);
    expect(writes(fixture)).toBe(1);
  });

  test.each<readonly [string, unknown, RegExp]>([
    ["number", "secret", /a text of 6 characters; the field takes a number/],
    ["number", true, /true or false; the field takes a number/],
    ["checkbox", "maybe", /a text of 5 characters; the field takes true or false/],
    ["text", ["a", "b", "c"], /a list; the field takes a text/],
    ["date", "soon", /the field takes a date/],
    ["list", "secret", /only what it offers \(.{0,9}Gold.{0,9}Silver/],
    ["list", ["Gold"], /takes one text/],
    ["multipicklist", ["Gold", "secret"], /only what it offers/],
    ["multipicklist", '["Gold","secret"]', /only what it offers/],
  ])("that a field of kind %s does not take is withheld: %j", async (holds, value, said) => {
    const fixture = await open(["F", "Other"], [field("F", holds, CHOICES), field("Other", "text")]);
    await tell(fixture, value, "sent");
    expect(custom(fixture)).toEqual({ Other: "sent" });
    await tell(fixture, value, "sent");
    expect(writes(fixture)).toBe(1);
    const words = await warnings(fixture);
    expect(words).toMatch(/traits_c0 → custom\.F/);
    expect(words).toMatch(said);
    expect(words).not.toMatch(/secret/);
  });

  test("that does not fit leaves what is there, and the next one that fits is sent", async () => {
    const fixture = await open(["F"], [field("F", "number")]);
    await tell(fixture, 5);
    await tell(fixture, "n/a");
    expect(custom(fixture)).toEqual({ F: 5 });
    await tell(fixture, "6");
    expect(custom(fixture)).toEqual({ F: 6 });
  });

  test("of a list without choices, or with choices in a form that is not known, goes as it is", async () => {
    const fixture = await open(["A", "B"], [field("A", "list"), field("B", "list", { listValues: [{ label: "x" }] })]);
    await tell(fixture, "anything", "else");
    expect(custom(fixture)).toEqual({ A: "anything", B: "else" });
  });

  test("for a field that Planhat computes is withheld", async () => {
    const fixture = await open(["F"], [field("F", "number", { isFormula: true })]);
    await tell(fixture, 5);
    expect(custom(fixture)).toBeUndefined();
    expect(await warnings(fixture)).toMatch(/Planhat computes it/);
  });

  test("that was taken away clears the field", async () => {
    const fixture = await open(["F"], [field("F", "list", CHOICES)], { settings: { clear_on_null: true } });
    await tell(fixture, "Gold");
    await tell(fixture, null);
    expect(custom(fixture)).toEqual({ F: null });
  });
});

describe("a text where a number belongs", () => {
  async function meeting(held: unknown, holds: string): Promise<Fixture> {
    const fixture = await open(["F"], [field("F", holds)]);
    const company = fixture.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Acme 1" });
    const { id: _, indexed_at: __, external_id: externalId, ...fields } = user(1);
    fixture.planhat.tenant().seedEnduser({ companyId: company._id, externalId, ...fields, custom: { F: held } });
    return fixture;
  }

  test.each<readonly [string, unknown]>([
    ["number", 5],
    ["number", "5"],
    ["of no known kind", 5],
  ])("is mended by the next number (the field is %s, Hull says %j)", async (holds, value) => {
    const fixture = await meeting("5", holds);
    await tell(fixture, value);
    expect(custom(fixture)).toEqual({ F: 5 });
    await tell(fixture, value);
    expect(writes(fixture)).toBe(1);
  });

  test("that was sent as a text is mended when Hull says the number", async () => {
    const fixture = await open(["F"], [field("F", "of no known kind")]);
    await tell(fixture, "5");
    expect(custom(fixture)).toEqual({ F: "5" });
    await tell(fixture, 5);
    expect(custom(fixture)).toEqual({ F: 5 });
  });

  test("and a number is enough for Hull's text of it", async () => {
    const fixture = await meeting(5, "of no known kind");
    await tell(fixture, "5");
    expect(writes(fixture)).toBe(0);
  });

  test("a text of true is mended like it, and a truth value is enough for its text", async () => {
    const fixture = await meeting("true", "checkbox");
    await tell(fixture, "true");
    expect(custom(fixture)).toEqual({ F: true });
    const other = await meeting(true, "of no known kind");
    await tell(other, "true");
    expect(writes(other)).toBe(0);
  });
});

describe("a store of the version before, which remembered a text of digits like its number", () => {
  /** What that version would have remembered. */
  function before(row: unknown): unknown {
    if (typeof row === "string") return row.replace(/"(-?\d+)"/g, "$1");
    if (row === numberOf('"5"')) return numberOf("5");
    if (Array.isArray(row)) return row.map(before);
    return isObject(row) ? Object.fromEntries(Object.entries(row).map(([name, value]) => [name, before(value)])) : row;
  }

  async function downgrade(fixture: Fixture): Promise<void> {
    await fixture.stopped(async () => {
      const database = createLmdbDatabase(join(fixture.dataDir, "store"));
      const changed = await database.write((stored) => {
        const mirrors = [...stored.range(MIRRORS.name, [])];
        const different = mirrors.filter(([, row]) => JSON.stringify(before(row)) !== JSON.stringify(row));
        const changes = mirrors.map(([key, row]) => ({ table: MIRRORS.name, key, value: before(row) }));
        return { result: different.length, changes };
      });
      await database.close();
      expect(changed).toBe(1);
    });
  }

  const VALUES = ["5", ["1", "2"], 7, "word"];
  const NAMES = VALUES.map((_, at) => `F${at}`);

  async function settledBefore(): Promise<Fixture> {
    const fixture = await open(
      NAMES,
      NAMES.map((name) => field(name, "of no known kind")),
    );
    await tell(fixture, ...VALUES);
    // One more that is not mapped, so that it is remembered as a number.
    fixture.planhat.tenant().edit("endusers", String(person(fixture)["_id"]), { custom: { Free: "5" } });
    fixture.advance(5);
    expect((await fixture.fetchBoth()).length).toBeGreaterThan(0);
    await downgrade(fixture);
    return fixture;
  }

  test("has nothing written and nothing told", async () => {
    const fixture = await settledBefore();
    const position = "Director";
    minutes += 1;
    const traits = Object.fromEntries(VALUES.map((value, at) => [`traits_c${at}`, value]));
    await fixture.deliverUser(user(1, { indexed_at: minute(minutes), position, ...traits }), account(1));
    expect(fixture.written("endusers").at(-1)).toEqual({ _id: person(fixture)["_id"], position });
    fixture.advance(5);
    expect(await fixture.fetchBoth()).toEqual([]);
    await fixture.deliverUser(user(1, { indexed_at: minute(minutes + 1), position, ...traits }), account(1));
    expect(writes(fixture)).toBe(2);
    minutes += 1;
  });

  test("takes a text that changed, and a number that changed", async () => {
    const fixture = await settledBefore();
    await tell(fixture, "6", ["1", "3"], 8, "word");
    expect(custom(fixture)).toEqual({ F0: "6", F1: ["1", "3"], F2: 8, F3: "word", Free: "5" });
  });
});

describe("while Planhat does not show its definitions", () => {
  const FIELDS = [field("Score", "number")];
  const down = (fixture: Fixture, status: number, count?: number) =>
    fixture.planhat.faults.add({
      kind: "status",
      status,
      route: "GET /customfields",
      ...(count === undefined ? {} : { count }),
    });

  test("since the token may not read them, values go unchecked, and the status says so", async () => {
    const fixture = await open(["Score", "Nothing"], FIELDS);
    down(fixture, 403);
    await tell(fixture, 5, 6);
    expect(custom(fixture)).toEqual({ Score: 5, Nothing: 6 });
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1 });
    const asked = fixture.calls.filter(({ route }) => route === "GET /customfields").length;
    await tell(fixture, 7, 6);
    expect(fixture.calls.filter(({ route }) => route === "GET /customfields")).toHaveLength(asked);
    const { body } = await ask(fixture, "/status");
    expect(body["messages"]).toEqual([expect.stringMatching(/could not be checked.*their values are sent unchecked/)]);
  });

  test("and names differ in case alone, they still go one by one", async () => {
    const fixture = await open(["score", "Score"], FIELDS);
    down(fixture, 403);
    await tell(fixture, 5, 6);
    expect(custom(fixture)).toEqual({ score: 5, Score: 6 });
  });

  test("for a moment, records wait for them", async () => {
    const fixture = await open(["Scor"], FIELDS);
    down(fixture, 503, 8);
    await tell(fixture, 5);
    expect(custom(fixture)).toBeUndefined();
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1 });
  });

  test("once they were read, the last reading serves", async () => {
    const fixture = await open(["score"], FIELDS);
    await tell(fixture, 5);
    fixture.advance(11);
    down(fixture, 503);
    await tell(fixture, 6);
    expect(custom(fixture)).toEqual({ Score: 6 });
  });
});
