/** JSON from outside: whole numbers keep all their digits, and everything else is read as ever. */
import fc from "fast-check";
import { digitsOf, isSafe, parseJson } from "../../src/json";

const LARGEST = 2n ** 53n - 1n;
const isLarge = (integer: bigint): boolean => integer > LARGEST || integer < -LARGEST;

describe("a whole number", () => {
  it.each([
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", "9007199254740992"],
    ["9007199254740993", "9007199254740993"],
    ["-9007199254740993", "-9007199254740993"],
    ["1234567890123456789012", "1234567890123456789012"],
    ["12345678901234567.0", "12345678901234567.0"],
    ["1234567890123456.5", 1234567890123456.5],
    ["-0", -0],
    ["1e21", 1e21],
    ["12345678901234567e1", Number("12345678901234567e1")],
  ])("%s is read as %p", (literal, value) => {
    expect(parseJson(literal)).toEqual(value);
    expect(parseJson(` ${literal}\n`)).toEqual(value);
    expect(parseJson(`{"a":${literal},"b": [${literal},\n${literal} ]}`)).toEqual({ a: value, b: [value, value] });
  });

  it.each([
    ...[
      "00000000000000000001",
      "12345678901234567x",
      "--12345678901234567",
      "- 12345678901234567",
      "+12345678901234567",
    ],
    ...[
      "12345678901234567.",
      ".12345678901234567",
      '{"a":1,12345678901234567:2}',
      '{"a":1,12345678901234567 :2}',
      "{12345678901234567:2}",
    ],
    ...['{"a" 12345678901234567}', '[12345678901234567,"', '["\\",12345678901234567]', "[1 12345678901234567]"],
  ])("makes no JSON of what is none: %s", (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
    expect(() => parseJson(`[${text}]`)).toThrow(SyntaxError);
  });
});

describe("a text", () => {
  it.each(["12345678901234567", ", 12345678901234567,", '":12345678901234567,"', "\\", '\\"', "[-12345678901234567 ]"])(
    "is no number, whatever it holds: %s",
    (text) => {
      const value = { [text]: [text, `${text}\\`, `"${text}`, { text }], "12345678901234567": 1 };
      expect(parseJson(JSON.stringify(value))).toEqual(value);
      const [opening, closing] = ["[12345678901234567,", ",12345678901234567]"];
      expect(parseJson(opening + JSON.stringify(value) + closing)).toEqual([
        "12345678901234567",
        value,
        "12345678901234567",
      ]);
    },
  );
});

/** JSON with whole numbers of any size in it, and texts that look like parts of such JSON. */
const { json } = fc.letrec<{ json: unknown }>((tie) => {
  const text = fc.string({
    unit: fc.constantFrom('"', "\\", ",", ":", "[", "]", "{", "}", " ", "-", "1234567890123456", "7", "e", "."),
    maxLength: 8,
  });
  return {
    json: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.oneof(
        fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
        text,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
      ),
      fc.oneof(fc.constantFrom(null, true), fc.bigInt({ min: LARGEST - 2n, max: LARGEST + 2n }), text),
      fc.array(tie("json"), { maxLength: 4 }),
      fc.dictionary(text, tie("json"), { maxKeys: 4, noNullPrototype: true }),
    ),
  };
});
const blanks = fc.constantFrom("", " ", "\n\t");

/** Written by hand, since `JSON.stringify` knows no number of that size. */
function written(value: unknown, blank: string): string {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${blank}${value.map((each) => written(each, blank)).join(`${blank},${blank}`)}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}${blank}:${written(each, blank)}`);
  return `{${members.join(`,${blank}`)}${blank}}`;
}

function expected(value: unknown): unknown {
  if (typeof value === "bigint") return isLarge(value) ? String(value) : Number(value);
  // What JavaScript writes without an exponent beyond 2^53 is a whole number as well.
  if (typeof value === "number" && !isSafe(value)) return digitsIn(value);
  if (Array.isArray(value)) return value.map(expected);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, expected(each)]));
}

const digitsIn = (number: number): unknown => (String(number).includes("e") ? number : String(number));

it("is read as JSON.parse reads it, but with all digits", () => {
  fc.assert(
    fc.property(json, blanks, (value, blank) => {
      // As texts, since 0 and -0 are one number.
      const text = written(value, blank);
      expect(JSON.stringify(parseJson(text))).toBe(JSON.stringify(expected(value)));
    }),
    { seed: 41, numRuns: 1_000 },
  );
});

it("is refused wherever JSON.parse refuses it", () => {
  fc.assert(
    fc.property(json, fc.nat(), fc.constantFrom("", '"', "\\", ",", "1", "-", " "), (value, at, piece) => {
      const whole = written(value, "");
      const cut = at % (whole.length + 1);
      const text = whole.slice(0, cut) + piece + whole.slice(cut + 1);
      let plain = true;
      try {
        JSON.parse(text);
      } catch {
        plain = false;
      }
      if (plain) expect(() => parseJson(text)).not.toThrow();
      else expect(() => parseJson(text)).toThrow(SyntaxError);
    }),
    { seed: 42, numRuns: 1_000 },
  );
});

it("the digits of a number are told only when they are certain and written without an exponent", () => {
  expect([0, -0, 42, -1.5, 9007199254740991].map(digitsOf)).toEqual(["0", "0", "42", "-1.5", "9007199254740991"]);
  expect([2 ** 53, 1e21, 1e-7, Infinity, NaN].map(digitsOf)).toEqual(Array(5).fill(undefined));
});
