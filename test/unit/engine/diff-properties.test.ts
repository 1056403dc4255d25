import fc from "fast-check";
import { fingerprint, NOTHING } from "../../../src/services/compare";
import { diff } from "../../../src/engine/rules/diff";
import type { Json } from "../../../src/record";
import type { FieldSpec } from "../../../src/services/model";
import type { Fact } from "../../../src/storage/port/rows";

const spec = (name: string): FieldSpec => ({ name, type: "text" });
const print = (value: string | null): string => fingerprint(value, "text");
const value = fc.constantFrom("x", "y", "z");
const known = fc.option(fc.oneof(value.map(print), fc.constant(NOTHING)));
const facts = fc.tuple(known, known, known);
const update = { force: false, create: false };

describe("whatever is remembered", () => {
  it("a null goes out only where a value of Hull's may be there", () => {
    fc.assert(
      fc.property(facts, fc.boolean(), fc.boolean(), (fact, cleared, force) => {
        const desired = { fields: { f: null }, keys: {}, cleared: cleared ? ["f"] : [] };
        const { send } = diff(desired, {}, { f: fact }, spec, { force, create: false });
        const held = fact[1] !== null && fact[1] !== NOTHING;
        if (send.length > 0) expect(held || cleared).toBe(true);
        if (send.length > 0) expect(fact[0]).not.toBe(NOTHING);
      }),
      { seed: 23 },
    );
  });

  it("no field is in two minds, and an equal one needs no sending", () => {
    const fields = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.oneof(value, fc.constant(null)));
    fc.assert(
      fc.property(fields, fc.dictionary(fc.constantFrom("a", "b", "c"), facts), fc.boolean(), (own, memory, force) => {
        const desired = { fields: own, keys: {}, cleared: [] };
        const { send, equal, found } = diff(desired, {}, memory, spec, { force, create: false });
        expect(send.filter((field) => equal.includes(field))).toEqual([]);
        expect(found.filter((field) => !equal.includes(field))).toEqual([]);
        if (force) for (const [field, each] of Object.entries(own)) if (each !== null) expect(send).toContain(field);
      }),
      { seed: 24 },
    );
  });
});

/**
 * The history of one field: Hull and a person at the service change it in turn; now and then the service is read
 * and Hull's value is delivered. The last one who changed it is right; if both did, Hull is.
 */
describe("one field through a history", () => {
  const move = fc.record({ who: fc.constantFrom("hull", "person"), to: fc.option(value) });
  const rounds = fc.array(fc.array(move, { maxLength: 3 }), { minLength: 1, maxLength: 12 });

  it("ends with the value of whoever moved last since the last delivery, and Hull's if both did", () => {
    fc.assert(
      fc.property(rounds, (history) => {
        let hull: Json = null;
        let there: Json = null;
        let delivered: Json | undefined;
        let fact: Fact = [null, null, null];
        for (const moves of history) {
          let cleared = false;
          for (const { who, to } of moves) {
            if (who === "person") there = to;
            else {
              cleared = to === null && (cleared || hull !== null);
              hull = to;
            }
          }
          fact = [fingerprint(there, "text"), fact[1], null];
          const neverHeld = hull === null && (delivered === undefined ? !cleared : delivered === null);
          const expected: Json = neverHeld || hull === delivered ? there : hull;

          const desired = { fields: { f: hull }, keys: {}, cleared: cleared ? ["f"] : [] };
          const { send, equal } = diff(desired, {}, { f: fact }, spec, update);
          if (send.includes("f")) there = hull;
          if (send.includes("f") || equal.includes("f")) {
            fact = [fingerprint(hull, "text"), fingerprint(hull, "text"), null];
            delivered = hull;
          }
          expect(there).toBe(expected);
          expect(diff(desired, {}, { f: fact }, spec, update).send).toEqual([]);
        }
      }),
      { seed: 25, numRuns: 1_000 },
    );
  });
});
