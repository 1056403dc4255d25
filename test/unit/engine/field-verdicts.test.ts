import fc from "fast-check";
import { fingerprint, NOTHING } from "../../../src/services/compare";
import { diff } from "../../../src/engine/rules/diff";
import { fieldVerdicts } from "../../../src/engine/explain/field-verdicts";
import type { Desired, Json } from "../../../src/record";
import type { FieldSpec } from "../../../src/services/model";
import type { Fact } from "../../../src/storage/port/rows";

fc.configureGlobal({ seed: 20260301 });

const FIELDS = ["a", "b", "computed", "once"] as const;
const specOf = (name: string): FieldSpec => ({
  name,
  type: "text",
  ...(name === "computed" && { readOnly: true }),
  ...(name === "once" && { writeOnce: true }),
});
const desiredOf = (fields: Readonly<Record<string, Json>>, cleared: readonly string[] = []): Desired => ({
  fields,
  keys: {},
  cleared,
});

const value = fc.constantFrom<Json>("x", "y", 0, false, "", null);
const mark = fc.option(value.map((each) => (each === null ? NOTHING : fingerprint(each, "text"))));
const fact = fc.tuple(mark, mark, mark) as fc.Arbitrary<Fact>;
const asked = fc.record({
  fields: fc.dictionary(fc.constantFrom(...FIELDS), value),
  wire: fc.dictionary(fc.constantFrom(...FIELDS), value),
  facts: fc.option(fc.dictionary(fc.constantFrom(...FIELDS), fact), { nil: undefined }),
  cleared: fc.subarray([...FIELDS]),
  force: fc.boolean(),
  replay: fc.boolean(),
});

test("what is withheld is left, for the reason that the service gives", () => {
  const why = { code: "unknown_field", text: "Nobody knows it." } as const;
  const [one, other] = fieldVerdicts(desiredOf({ a: 1, b: 2 }), {}, {}, specOf, { force: true }, { b: why });
  expect([one?.verdict, other?.verdict, other?.why]).toEqual(["send", "left", "Nobody knows it."]);
});

test("what is said to be sent is what is sent, and what is said to be equal is what is equal", () => {
  fc.assert(
    fc.property(asked, ({ fields, wire, facts, cleared, ...options }) => {
      const desired = desiredOf(fields, cleared);
      const { send, equal } = diff(desired, wire, facts ?? {}, specOf, { ...options, create: facts === undefined });
      const verdicts = fieldVerdicts(desired, wire, facts, specOf, options);
      expect(verdicts.map(({ field }) => field)).toEqual(Object.keys(fields));
      const named = (verdict: string) => verdicts.filter((each) => each.verdict === verdict).map(({ field }) => field);
      expect([named("send"), named("equal")]).toEqual([send, equal]);
      for (const each of verdicts) expect(each.why).toMatch(/^[A-Z].*\.$/);
      // What is kept was seen to be another value than Hull's, which we delivered.
      for (const each of verdicts.filter(({ verdict }) => verdict === "kept")) {
        expect(each.sent).toBe("same");
        expect(["other", "empty"]).toContain(each.remote);
        expect(["a", "b"]).toContain(each.field);
      }
    }),
    { numRuns: 500 },
  );
});

const X = fingerprint("x", "text");
const Y = fingerprint("y", "text");

test.each<[string, string, Json, Fact | undefined, object, string, RegExp]>([
  ["a new record", "a", "x", undefined, {}, "send", /new record/],
  ["a new record without a value", "a", null, undefined, {}, "left", /Hull has no value/],
  ["Hull's change", "a", "x", [Y, Y, Y], {}, "send", /Hull's value changed/],
  ["what was never sent", "a", "x", [Y, null, null], {}, "send", /never sent/],
  ["what is not known", "a", "x", [null, null, null], {}, "send", /not known what the field holds/],
  ["what is there", "a", "x", [X, Y, Y], {}, "equal", /has this value already/],
  ["a person's edit", "a", "x", [Y, X, X], {}, "kept", /Somebody changed/],
  ["a person's emptying", "a", "x", [NOTHING, X, X], {}, "kept", /Somebody changed/],
  ["a person's filling of what Hull left empty", "a", null, [Y, NOTHING, NOTHING], {}, "kept", /Somebody changed/],
  ["what was sent and is unknown now", "a", "x", [null, X, X], {}, "left", /not known/],
  ["an export", "a", "x", [X, X, X], { force: true }, "send", /Exports/],
  ["a replay", "a", "x", [Y, X, X], { replay: true }, "send", /dead letter/],
  ["a removed value", "a", null, [X, X, X], {}, "send", /was removed/],
  ["a computed field", "computed", "x", [Y, X, X], {}, "left", /computes/],
  ["a field of the creation", "once", "x", [Y, X, X], {}, "left", /when the record is created/],
])("%s", (_name, field, wanted, known, options, verdict, why) => {
  const facts = known === undefined ? undefined : { [field]: known };
  const [said] = fieldVerdicts(desiredOf({ [field]: wanted }), {}, facts, specOf, { force: false, ...options });
  expect(said).toMatchObject({ verdict, why: expect.stringMatching(why) as unknown });
});
