import fc from "fast-check";
import { canonical, fingerprint } from "../../../src/services/compare";
import type { Json } from "../../../src/record";
import type { FieldType } from "../../../src/services/model";

const types = fc.constantFrom<FieldType>("text", "name", "number", "boolean", "instant", "set", "any");
const scalar = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom("2024-05-01", "12", "∅", "@5", '"', "true", "<>", "a,b"),
);
const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar,
    fc.array(tie("json"), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 4 }), tie("json"), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

/** The same value with the members of every object in another order. */
function shuffled(value: Json): Json {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(shuffled);
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, each]) => [key, shuffled(each)]),
  );
}

describe("the canonical text", () => {
  it("does not depend on the order of members, and survives a trip through JSON", () => {
    fc.assert(
      fc.property(json, types, (value, type) => {
        const text = canonical(value, type);
        expect(canonical(shuffled(value), type)).toBe(text);
        expect(canonical(JSON.parse(JSON.stringify(value)) as Json, type)).toBe(text);
      }),
      { seed: 11, numRuns: 500 },
    );
  });

  it("of a set does not depend on order or repetition", () => {
    fc.assert(
      fc.property(fc.array(json, { maxLength: 6 }), fc.constantFrom<FieldType>("set", "any"), (list, type) => {
        expect(canonical([...list.toReversed(), ...list], type)).toBe(canonical(list, type));
      }),
      { seed: 12, numRuns: 300 },
    );
  });

  it("tells texts apart, and only by their letters", () => {
    const text = fc.string({ unit: "grapheme" });
    fc.assert(
      fc.property(text, text, (left, right) => {
        expect(canonical(left, "text") === canonical(right, "text")).toBe(left === right);
        const same = left.toLowerCase() === right.toLowerCase();
        expect(canonical(left, "name") === canonical(right, "name")).toBe(same);
      }),
      { seed: 13 },
    );
  });

  it("tells sets of texts apart", () => {
    const word = fc.constantFrom("a", "b", 'a","b', "a,b", "", "<", ">", "1 ", "∅");
    fc.assert(
      fc.property(fc.array(word), fc.array(word), (left, right) => {
        const same = JSON.stringify([...new Set(left)].sort()) === JSON.stringify([...new Set(right)].sort());
        expect(canonical(left, "set") === canonical(right, "set")).toBe(same);
      }),
      { seed: 14, numRuns: 500 },
    );
  });

  it("of digits alone is that of a text or number, never of a date, where the field's type is not known", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\d{1,20}$/), (digits) => {
        expect(canonical(digits, "any")).toBe(`"${digits}"`);
        expect(canonical(digits, "any", "loose")).toBe(digits);
      }),
      { seed: 17 },
    );
  });

  it("of a number field tells whole numbers of any size apart", () => {
    const wholes = fc.bigInt({ min: 2n ** 53n - 9n, max: 2n ** 53n + 9n }).map(String);
    fc.assert(
      fc.property(wholes, wholes, (left, right) => {
        expect(canonical(left, "number") === canonical(right, "number")).toBe(left === right);
      }),
      { seed: 18 },
    );
  });

  it("of an instant is the same in every zone", () => {
    const range = { min: new Date("1990-01-01T00:00:00Z"), max: new Date("2099-12-31T00:00:00Z"), noInvalidDate: true };
    fc.assert(
      fc.property(fc.date(range), fc.integer({ min: -14, max: 14 }), (date, hours) => {
        const local = new Date(date.getTime() + hours * 3_600_000).toISOString().slice(0, -1);
        const zone = `${hours < 0 ? "-" : "+"}${String(Math.abs(hours)).padStart(2, "0")}:00`;
        expect(canonical(`${local}${zone}`, "instant")).toBe(canonical(date.toISOString(), "instant"));
        expect(canonical(date.getTime(), "instant")).toBe(canonical(date.toISOString(), "instant"));
      }),
      { seed: 15 },
    );
  });
});

describe("fingerprints", () => {
  it("are equal exactly when the canonical texts are", () => {
    fc.assert(
      fc.property(json, json, types, (left, right, type) => {
        const same = canonical(left, type) === canonical(right, type);
        expect(fingerprint(left, type) === fingerprint(right, type)).toBe(same);
      }),
      { seed: 16, numRuns: 500 },
    );
  });
});
