/** What a field of each type makes of Hull's values: the value itself, or a refusal that says in which form it came. */
import fc from "fast-check";
import { parseJson } from "../../../src/json";
import type { Json } from "../../../src/record";
import { convert } from "../../../src/services/mapping/values";
import type { FieldType } from "../../../src/services/model";

const as = (type: FieldType, value: Json, attribute = "attribute") =>
  convert(value, { name: "field", type }, attribute);
const sent = (value: Json) => ({ ok: true, value });
/** Refused, with these words about the form. */
const refused = (form: unknown = expect.any(String)) => ({ ok: false, why: form });

describe("a number field", () => {
  /** As it was before texts of many digits had to be feared: the same texts, two ways to read each. */
  const FORMER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

  it.each(["0", "-1", "+1.", ".5", "1.50", " 7 ", "1e3", "1.E-3", "9007199254740991", "-0", "1e-9"])(
    "takes %j",
    (text) => {
      expect(as("number", text)).toEqual(sent(Number(text)));
    },
  );

  it.each(["", ".", "1,5", "0x10", "1e", "e1", "--1", "1 2", "Infinity", "1e999", "1_000", true, [], {}, ["5"]])(
    "refuses %j",
    (value) => {
      expect(as("number", value)).toEqual(refused());
    },
  );

  it.each([
    "9007199254740992",
    "9007199254740993",
    "-12345678901234567",
    "1e21",
    1e21,
    -(2 ** 53),
    "9007199254740993.5",
  ])("refuses %j, whose digits it would round", (value) => {
    expect(as("number", value)).toEqual(
      refused(
        expect.stringMatching(/digits|characters|beyond 2\^53.*the field takes a number up to 9007199254740991$/),
      ),
    );
  });

  it("takes for numbers just what it always did, as long as no digit is lost", () => {
    const texts = fc.string({ unit: fc.constantFrom("0", "1", ".", "e", "E", "+", "-", "x", " ", "\n"), maxLength: 9 });
    fc.assert(
      fc.property(texts, (text) => {
        const isNumber = FORMER.test(text.trim()) && Math.abs(Number(text)) < 2 ** 53;
        expect(as("number", text)).toEqual(isNumber ? sent(Number(text)) : refused());
      }),
      { seed: 31, numRuns: 5_000 },
    );
  });
});

describe("an integer of any size, as a number of JSON or as its text", () => {
  const integers = fc.oneof(
    fc.bigInt({ min: -(2n ** 75n), max: 2n ** 75n }),
    fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }),
  );
  const forms = integers.chain((integer) =>
    fc.constantFrom<[bigint, Json]>([integer, parseJson(String(integer)) as Json], [integer, String(integer)]),
  );

  it("is in a text field the text of its digits, in a list too", () => {
    fc.assert(
      fc.property(forms, ([integer, value]) => {
        expect(as("text", value)).toEqual(sent(String(integer)));
        expect(as("set", [value])).toEqual(sent([String(integer)]));
        expect(as("set", `[${integer}]`)).toEqual(sent([String(integer)]));
      }),
      { seed: 32, numRuns: 500 },
    );
  });

  it("is in a number field that very number, or refused; in a custom field nothing else either", () => {
    fc.assert(
      fc.property(forms, ([integer, value]) => {
        const inNumber = as("number", value);
        if (inNumber.ok) expect(BigInt(Number(inNumber.value))).toBe(integer);
        else expect(integer > 2n ** 53n - 1n || integer < 1n - 2n ** 53n).toBe(true);
        expect(as("any", value)).toEqual(sent(value));
        expect(BigInt(value as string | number)).toBe(integer);
      }),
      { seed: 33, numRuns: 500 },
    );
  });

  it("never reaches a text with an exponent", () => {
    for (const value of [1e21, 1.23e22, 1e-7, -1e21, 2 ** 53, Infinity]) {
      expect(as("text", value)).toEqual(refused());
      expect(as("set", [value])).toEqual(refused());
    }
    expect(as("any", { deep: [1e21] })).toEqual(refused());
    expect(as("text", 0.000001)).toEqual(sent("0.000001"));
    expect(as("text", -0)).toEqual(sent("0"));
  });
});

describe("a date field", () => {
  const MIDNIGHT = "2025-01-31T00:00:00.000Z";

  it.each([
    ["20250131", MIDNIGHT],
    [20250131, MIDNIGHT],
    ["2025-01-31", MIDNIGHT],
    ["2025-01-31 00:00:00+00", MIDNIGHT],
    ["2025-01-31 00:00:00 GMT", MIDNIGHT],
    ["2025-01-31t00:00:00z", MIDNIGHT],
    ["2025-01-31T00:00:00.000:Z", MIDNIGHT],
    ["Fri, 31 Jan 2025 00:00:00 GMT", MIDNIGHT],
    ["20250131120000", "2025-01-31T12:00:00.000Z"],
    ["1738281600000", MIDNIGHT],
    [1738281600000, MIDNIGHT],
    ["1955-03-01", "1955-03-01T00:00:00.000Z"],
    ["9999-12-31", "9999-12-31T00:00:00.000Z"],
  ])("makes of %j what it means", (value, date) => {
    expect(as("instant", value)).toEqual(sent(date));
  });

  it.each([
    [45688, "5 digits"],
    ["45688", "5 digits"],
    ["12345678901234", "14 digits"],
    ["99999999999999", "14 digits"],
    ["123456789", "9 digits"],
    ["2025-02-30", "a text of 10 characters"],
    ["31/01/2025", "a text of 10 characters"],
    ["", "an empty text"],
    [true, "true or false"],
    [["2025-01-31"], "a list"],
    [1e21, "a number beyond 2^53"],
    [-1.5, "a number with a fraction"],
  ])("refuses %j and says in which form it came", (value, form) => {
    const why = `${form}; the field takes a date such as 2025-01-31 or 2025-01-31T12:00:00Z`;
    expect(as("instant", value, "signup_date")).toEqual(refused(why));
    expect(as("instant", value)).toEqual(refused(why));
  });

  it("reads Unix seconds only from an attribute that is named like a date, and says so", () => {
    for (const value of [1738281600, "1738281600"]) {
      for (const name of ["signed_up_at", "signup_date", "Signup_Date"]) {
        expect(as("instant", value, name)).toEqual(sent(MIDNIGHT));
      }
      for (const name of ["at", "date", "phone", "signed_up_at_last"]) {
        expect(as("instant", value, name)).toEqual(refused(expect.stringMatching(/^10 digits; .*_at or _date$/)));
      }
    }
  });
});

describe("a list field", () => {
  it.each<[Json, Json]>([
    ['["vip","beta"]', ["vip", "beta"]],
    [' [ "vip" , "b,c" ] ', ["vip", "b,c"]],
    ["[]", []],
    ["", []],
    ["[9007199254740993, 5, true, null]", ["9007199254740993", "5", "true"]],
    ["vip, beta,,vip", ["vip", "beta"]],
    ["vip", ["vip"]],
    [
      ["a", 1, null, " b "],
      ["a", "1", "b"],
    ],
    [5, ["5"]],
  ])("makes of %j the list %j", (value, list) => {
    expect(as("set", value)).toEqual(sent(list));
  });

  it.each(["[vip, beta]", "['vip']", '{"vip":1}', "{vip,beta}", '[["vip"]]', '[{"a":1}]', { a: 1 }, [["vip"]]])(
    "refuses %j: no bracket becomes part of a word",
    (value) => {
      expect(as("set", value)).toEqual(refused(expect.stringContaining("the field takes a list of texts")));
    },
  );

  it("holds the same words, whether they came as a list or as its JSON", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ unit: "grapheme" }), fc.integer(), fc.boolean())), (list) => {
        const direct = as("set", list);
        expect(as("set", JSON.stringify(list))).toEqual(direct.ok ? direct : refused());
        if (!direct.ok) return;
        const words = list.map((each) => String(each).trim()).filter((word) => word !== "");
        expect(direct.value).toEqual([...new Set(words)]);
      }),
      { seed: 34, numRuns: 300 },
    );
  });
});

describe("a cell of a CSV file", () => {
  it.each<[FieldType, string, Json]>([
    ["boolean", "true", true],
    ["boolean", "FALSE", false],
    ["text", "true", "true"],
    ["text", "5", "5"],
    ["text", "007", "007"],
    ["text", '["vip"]', '["vip"]'],
    ["number", "5", 5],
    ["set", "5", ["5"]],
  ])("becomes what the target field is: %s %j", (type, cell, value) => {
    expect(as(type, cell)).toEqual(sent(value));
  });

  it.each(["yes", "1", "", "truee"])("is no switch when it is %j", (cell) => {
    expect(as("boolean", cell)).toEqual(refused(expect.stringContaining("the field takes true or false")));
  });
});

it("no refusal holds the value itself", () => {
  const types = fc.constantFrom<FieldType>("text", "number", "boolean", "instant", "set", "any");
  fc.assert(
    fc.property(types, fc.stringMatching(/^[xyz]{6,20}$/), fc.constantFrom("", "\0"), (type, word, end) => {
      const converted = as(type, word + end);
      if (!converted.ok) expect(converted.why).not.toContain(word);
    }),
    { seed: 35, numRuns: 300 },
  );
});
