import { agrees, canonical, fingerprint, NOTHING } from "../../../src/services/compare";
import type { Json } from "../../../src/record";
import type { FieldType } from "../../../src/services/model";

type Pair = readonly [FieldType, Json, Json];

const equal: readonly Pair[] = [
  ["text", 5, "5"],
  ["text", true, "true"],
  ["name", "ACME Größe", "acme größe"],
  ["name", "ΑΘΗΝΑ", "αθηνα"],
  ["number", "12.50", 12.5],
  ["number", " 7 ", 7],
  ["number", "1e3", 1000],
  ["number", -0, 0],
  ["number", "-0", 0],
  ["boolean", "true", true],
  ["boolean", "false", false],
  ["set", ["a", "b"], ["b", "a", "b"]],
  ["set", "a", ["a"]],
  ["set", [1, "1"], ["1"]],
  ["any", [1, 2], [2, 1]],
  ["any", { a: 1, b: [1, 2] }, { b: [1, 2], a: 1 }],
  ["any", { at: "2024-05-01" }, { at: "2024-05-01T00:00:00.000Z" }],
  ["any", "2024-05-01 00:00:00 GMT", "2024-05-01t00:00:00z"],
  ["any", "Wed, 01 May 2024 00:00:00 GMT", "2024-05-01"],
  ["instant", "20240501", "2024-05-01"],
];

const different: readonly Pair[] = [
  ["text", "a", "A"],
  ["text", "a", "a "],
  ["text", "5", "5.0"],
  ["text", "", " "],
  ["text", "é", "e\u0301\u0301"],
  ["name", "straße", "strase"],
  ["number", "", 0],
  ["number", "12a", 12],
  ["number", 1, true],
  ["boolean", true, 1],
  ["boolean", false, ""],
  ["boolean", "yes", true],
  ["set", ["a"], ["A"]],
  ["set", ["a,b"], ["a", "b"]],
  ["set", ['a","b'], ["a", "b"]],
  ["set", [], [""]],
  ["any", [], {}],
  ["any", ["a"], { a: 1 }],
  ["any", "a", ["a", "b"]],
  ["any", { a: [1, 2] }, { a: [2, 1] }],
  ["any", { a: null }, { a: "null" }],
  ["any", ['a","b'], ["a", "b"]],
  ["any", "true", true],
  ["any", "007", 7],
  ["any", '"5"', 5],
  ["any", "42", 42],
  ["any", "-4.5", -4.5],
  ["any", ["1", "2"], [1, 2]],
  ["any", { a: "1" }, { a: 1 }],
  ["instant", "2024-05-01", "2024-05-02"],
  ["number", "9007199254740993", "9007199254740992"],
  ["any", "20240501", "2024-05-01"],
  ["any", "1714521600", "2024-05-01"],
];

describe("two values of a field", () => {
  it.each(equal)("as %s: %j equals %j", (type, left, right) => {
    expect(canonical(left, type)).toBe(canonical(right, type));
    expect(fingerprint(left, type)).toBe(fingerprint(right, type));
  });

  it.each(different)("as %s: %j differs from %j", (type, left, right) => {
    expect(canonical(left, type)).not.toBe(canonical(right, type));
    expect(fingerprint(left, type)).not.toBe(fingerprint(right, type));
  });
});

describe("what is remembered of a field of no known type", () => {
  const known = (value: Json): string => fingerprint(value, "any");

  it.each<readonly [Json, Json]>([
    ["42", 42],
    ["-4.5", -4.5],
    ["9007199254740991", 9007199254740991],
    [
      ["2", "1"],
      [1, 2],
    ],
    [{ a: ["1"] }, { a: [1] }],
    ["true", true],
    ["false", false],
  ])("is enough for the text %j when it is %j, and not the other way round", (text, value) => {
    expect(agrees(known(value), text, "any")).toBe(true);
    expect(agrees(known(text), value, "any")).toBe(false);
    expect(agrees(known(text), text, "any")).toBe(true);
  });

  it.each<readonly [Json, Json]>([
    ["42", 43],
    ["007", 7],
    ["9007199254740993", 9007199254740992],
    ["true", "false"],
    ["true", 1],
    [["1", "2"], [1]],
    ["5", null],
  ])("is not enough for %j when it is %j", (wanted, value) => {
    expect(agrees(known(value), wanted, "any")).toBe(false);
  });

  it("says nothing when nothing is remembered", () => {
    expect(agrees(null, null, "any")).toBe(false);
    expect(agrees(NOTHING, null, "any")).toBe(true);
  });
});

describe("an instant", () => {
  it.each([
    ["2024-05-01T10:20:30.000Z"],
    ["2024-05-01T10:20:30Z"],
    ["2024-05-01 10:20:30"],
    ["2024-05-01 10:20:30 UTC"],
    ["2024-05-01T10:20:30.000000+00:00"],
    ["2024-05-01T12:20:30+0200"],
    ["2024-05-01T12:20:30+02:00"],
    ["2024-05-01T04:50:30-05:30"],
    [1_714_558_830_000],
  ])("is the same in any notation: %s", (notation) => {
    expect(canonical(notation, "instant")).toBe("@1714558830000");
  });

  it.each(["2021-02-30", "2021-13-01", "2021-02-29T00:00:00Z", "2021-01-01T25:00:00Z"])(
    "does not exist and is no other day: %s",
    (text) => {
      expect(canonical(text, "instant")).toBe(JSON.stringify(text));
    },
  );
});

describe("nothing", () => {
  const types: readonly FieldType[] = ["text", "name", "number", "boolean", "instant", "set", "any"];

  it.each(types)("as %s is only null, neither empty nor zero nor its own sign", (type) => {
    expect(fingerprint(null, type)).toBe(NOTHING);
    for (const value of ["", 0, false, [], {}, NOTHING, "null"]) expect(fingerprint(value, type)).not.toBe(NOTHING);
  });
});

describe("a fingerprint", () => {
  it("is short, whatever the length of the value", () => {
    for (const text of ["", "short", "long ".repeat(10_000)]) {
      expect(fingerprint(text, "text").length).toBeLessThanOrEqual(11);
    }
  });

  it("of a long text differs when one letter does", () => {
    const text = "x".repeat(5_000);
    expect(fingerprint(`${text}a`, "text")).not.toBe(fingerprint(`${text}b`, "text"));
  });
});
