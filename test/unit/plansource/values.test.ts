/** What is sent for a value, and what a person is told when it cannot be sent. */
import fc from "fast-check";
import type { Json } from "../../../src/record";
import { EMPTY_META, readMeta, type Meta } from "../../../src/services/plansource/rules/meta";
import { fieldSpec, MAPPABLE } from "../../../src/services/plansource/objects";
import { wireValue } from "../../../src/services/plansource/rules/values";

const meta = (lists: Readonly<Record<string, readonly (readonly [unknown, unknown])[]>>): Meta =>
  readMeta(Object.fromEntries(Object.entries(lists).map(([field, list]) => [field, { validation_data: list }])));
const wire = (field: string, value: Json, known: Meta = EMPTY_META) =>
  wireValue(fieldSpec("subscribers", field), value, known);
const sent = (value: Json) => ({ ok: true, value });
const refused = (detail: string) => ({
  ok: false,
  reason: { code: "value_not_allowed", text: `PlanSource does not take a value of the record. (${detail})` },
});

describe("a list-validated field", () => {
  const lists = meta({
    employment_level: [
      ["Full Time", "F"],
      ["Part Time", "P"],
    ],
    org_payroll_id: [
      ["Monthly", 119_298],
      ["Weekly", "0119299"],
    ],
    hours_per_week: [["Full", "40.0"]],
    vip: [["Important", "true"]],
    is_smoker: [
      ["Yes", "Y"],
      ["No", "N"],
    ],
  });

  it.each<[string, Json, Json]>([
    ["employment_level", "F", "F"],
    ["employment_level", " f ", "F"],
    ["employment_level", "Full Time", "F"],
    ["employment_level", "\u00a0full TIME\u200b", "F"],
    ["org_payroll_id", "119298", "119298"],
    ["org_payroll_id", 119298, "119298"],
    ["org_payroll_id", "119298.0", "119298"],
    ["org_payroll_id", "119299", "0119299"],
    ["org_payroll_id", "weekly", "0119299"],
  ])("%s takes %j as %j", (field, value, expected) => {
    expect(wire(field, value, lists)).toEqual(sent(expected));
  });

  it("sends a number or a switch as the field's type has it", () => {
    expect(wire("hours_per_week", 40, lists)).toEqual(sent(40));
    expect(wire("vip", true, lists)).toEqual(sent(true));
  });

  it("takes a switch of Hull for Yes or No where it has such words", () => {
    expect(wire("is_smoker", "true", lists)).toEqual(sent("Y"));
    expect(wire("is_smoker", "false", lists)).toEqual(sent("N"));
  });

  it("names field, value and what is allowed when it refuses", () => {
    expect(wire("employment_level", "Half", lists)).toEqual(
      refused('employment_level: "Half"; allowed: F (Full Time), P (Part Time)'),
    );
  });

  it("does not show the value of a write-only field", () => {
    expect(wire("is_smoker", "sometimes", lists)).toEqual(refused("is_smoker: hidden; allowed: Y (Yes), N (No)"));
  });

  it("names what is not a word by its form", () => {
    expect(wire("employment_level", ["F"], lists)).toMatchObject(
      refused("employment_level: a list; allowed: F (Full Time), P (Part Time)"),
    );
  });

  it("shows the first sixty characters of a value", () => {
    const start = "employment_level: ";
    const end = "; allowed: F (Full Time), P (Part Time)";
    expect(wire("employment_level", "x".repeat(60), lists)).toEqual(refused(`${start}"${"x".repeat(60)}"${end}`));
    expect(wire("employment_level", "x".repeat(61), lists)).toEqual(refused(`${start}"${"x".repeat(60)}…"${end}`));
    expect(wire("employment_level", `${"x".repeat(59)}😀`, lists)).toEqual(
      refused(`${start}"${"x".repeat(59)}\ufffd…"${end}`),
    );
  });

  it("shows twenty allowed values, each once, and how many more there are", () => {
    const codes = Array.from({ length: 23 }, (_, index) => `D${index}`);
    const many = meta({ division: [...codes, ...codes].map((code) => [code, code] as const) });
    expect(wire("division", "HQ", many)).toEqual(
      refused(`division: "HQ"; allowed: ${codes.slice(0, 20).join(", ")} and 3 more`),
    );
  });

  it("takes a value before a label, and the exact spelling before any other", () => {
    const crossed = meta({
      division: [
        ["B", "A"],
        ["A", "B"],
        ["Upper", "c"],
        ["Lower", "C"],
      ],
    });
    for (const value of ["A", "B", "c", "C"]) expect(wire("division", value, crossed)).toEqual(sent(value));
  });

  it.each([
    ["a label of several", "Sales"],
    ["case alone", " eng "],
    ["the number alone", "7.0"],
  ])("refuses what could be several values: %s", (_name, value) => {
    const alike = meta({
      division: [
        ["Sales", "S1"],
        ["Sales", "S2"],
        ["E", "Eng"],
        ["F", "ENG"],
        ["G", "07"],
        ["H", "007"],
      ],
    });
    expect(wire("division", value, alike)).toMatchObject({ ok: false, reason: { code: "value_not_allowed" } });
  });

  it("does not take two numbers for one because they are long", () => {
    const long = meta({ division: [["A", "90071992547409921"]] });
    expect(wire("division", "90071992547409920", long)).toMatchObject({ ok: false });
    expect(wire("division", "90071992547409921", long)).toEqual(sent("90071992547409921"));
  });

  it.each(["__proto__", "constructor", "toString"])("does not find %s in a list without it", (name) => {
    expect(wire("employment_level", name, lists)).toMatchObject({ ok: false });
    expect(wire("employment_level", name, meta({ employment_level: [[name, "X"]] }))).toEqual(sent("X"));
  });

  it("finds each value of any list under itself, and never sends what is not in it", () => {
    const words = fc.string({ unit: fc.constantFrom("a", "A", "1", "0", ".", " "), minLength: 1, maxLength: 4 });
    const spoken = words.filter((each) => each.trim() !== "");
    fc.assert(
      fc.property(fc.array(fc.tuple(words, spoken), { minLength: 1 }), spoken, (list, value) => {
        const known = meta({ division: list });
        const values = list.map(([, each]) => each);
        for (const each of values) expect(wire("division", each, known)).toEqual(sent(each));
        const found = wire("division", value, known);
        if (found.ok) expect(values).toContain(found.value);
      }),
      { seed: 72, numRuns: 500 },
    );
  });
});

describe("where meta has no list", () => {
  it.each<[string, string, string]>([
    ["gender", "m", "M"],
    ["gender", "Female", "F"],
    ["marital_status", "single", "S"],
    ["marital_status", "MARRIED", "M"],
    ["marital_status", "Unknown", "U"],
    ["marital_status", "u", "U"],
    ["country", "us", "US"],
    ["country", "USA", "US"],
    ["country", "United States", "US"],
    ["country", "Canada ", "CA"],
    ["country", "ca", "CA"],
    ["state", "Massachusetts", "Massachusetts"],
    ["division", "anything", "anything"],
  ])("%s takes %j as %j", (field, value, expected) => {
    expect(wire(field, value)).toEqual(sent(expected));
  });

  it.each([
    ["gender", "X", "M (Male), F (Female)"],
    ["marital_status", "divorced", "S (Single), M (Married), U (Unknown)"],
    ["country", "Germany", "US (United States), CA (Canada)"],
  ])("%s refuses %j", (field, value, allowed) => {
    expect(wire(field, value)).toEqual(refused(`${field}: "${value}"; allowed: ${allowed}`));
  });

  it("passes on what nothing is known about", () => {
    for (const { name, type } of MAPPABLE) {
      if (type === "number") expect(wire(name, 0)).toEqual(sent(0));
      if (type === "boolean") expect(wire(name, false)).toEqual(sent(false));
      if (type === "day") expect(wire(name, "2024-05-01")).toEqual(sent("2024-05-01"));
    }
  });
});

describe("a country of a client with a list", () => {
  const countries = meta({
    country: [
      ["United States", "US"],
      ["Mexico", "MX"],
    ],
  });

  it("may have its usual other names", () => {
    expect(wire("country", "usa", countries)).toEqual(sent("US"));
    expect(wire("country", "Mexico", countries)).toEqual(sent("MX"));
  });

  it("must be in that list", () => {
    expect(wire("country", "Canada", countries)).toEqual(
      refused('country: "Canada"; allowed: US (United States), MX (Mexico)'),
    );
  });

  it("is the only field with other names: what a letter means to a client is in the client's list", () => {
    const own = meta({ marital_status: [["Separated", "S"]] });
    expect(wire("marital_status", "single", own)).toMatchObject({ ok: false });
  });
});

describe("a home phone", () => {
  it.each<Json>([
    "6175550100",
    6175550100,
    "(617) 555-0100",
    "617.555.0100",
    " 617 555 0100\u202c",
    "617\u2011555\u20130100",
    "+1 617 555 0100",
    "+1 (617) 555-0100",
    "1-617-555-0100",
  ])("is ten digits: %j", (value) => {
    expect(wire("home_phone", value)).toEqual(sent("6175550100"));
  });

  it.each([
    ["555-0100", "a text of 8 characters"],
    ["61755501000", "11 digits"],
    ["+49 30 123456", "a text of 13 characters"],
    ["+6175550100", "a text of 11 characters"],
    ["617-555-0100 x12", "a text of 16 characters"],
    ["617/555-0100", "a text of 12 characters"],
    ["none", "a text of 4 characters"],
  ])("is refused by its form, and not shown: %j", (value, form) => {
    expect(wire("home_phone", value)).toEqual(
      refused(`home_phone: ${form}; it takes ten digits such as (617) 555-0100`),
    );
  });
});

describe("a social security number", () => {
  it.each<Json>(["123456789", 123456789, "123-45-6789", "123 45 6789", " 123-45 6789 ", "123 - 45 - 6789"])(
    "is written with dashes: %j",
    (value) => {
      expect(wire("ssn", value)).toEqual(sent("123-45-6789"));
    },
  );

  it.each([
    ["12345678", "8 digits"],
    ["1234567890", "10 digits"],
    ["XXX-XX-6789", "a text of 11 characters"],
    ["12-3456789", "a text of 10 characters"],
    ["123-456-789", "a text of 11 characters"],
  ])("is refused by its form, and not shown: %j", (value, form) => {
    expect(wire("ssn", value)).toEqual(refused(`ssn: ${form}; it takes nine digits such as 123-45-6789`));
  });

  it("is never in a refusal, nor is a phone, whatever they hold", () => {
    const digits = fc.string({ unit: fc.constantFrom("0", "1", "5", "9", "-", " "), minLength: 12, maxLength: 40 });
    fc.assert(
      fc.property(fc.constantFrom("ssn", "home_phone"), digits, (field, value) => {
        const found = wire(field, value);
        if (found.ok) return;
        expect(found.reason.text.replace(/(617\) 555-0100|123-45-6789)$/, "")).not.toContain(value.trim());
      }),
      { seed: 73 },
    );
  });
});

it("what was sent is sent as the same again", () => {
  const lists = meta({
    division: [
      ["HQ", "HQ"],
      ["Field", "FLD"],
    ],
  });
  const fields = fc.constantFrom("gender", "marital_status", "country", "home_phone", "ssn", "division");
  const values = fc.constantFrom("m", "Single", "usa", "(617) 555-0100", "123 45 6789", "field", "F", "other");
  fc.assert(
    fc.property(fields, values, (field, value) => {
      const first = wire(field, value, lists);
      if (first.ok) expect(wire(field, first.value, lists)).toEqual(first);
    }),
    { seed: 74 },
  );
});
