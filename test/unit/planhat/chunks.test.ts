import fc from "fast-check";
import { bodyOf, sentKeys } from "../../../src/services/planhat/write/body";
import { chunksOf, standsAlone } from "../../../src/services/planhat/write/chunks";
import type { Intent } from "../../../src/services/connection";

fc.configureGlobal({ seed: 20260101 });

const letters = fc.constantFrom("a", "b", "c", "d", "e");
const update: fc.Arbitrary<Intent> = fc.record({
  kind: fc.constant("update" as const),
  remoteId: letters,
  keys: fc.constant({}),
  fields: fc.dictionary(fc.constantFrom("name", "email", "externalId", "custom.x"), letters),
  namesake: fc.boolean(),
});
const create: fc.Arbitrary<Intent> = fc.record({
  kind: fc.constant("create" as const),
  parentId: letters,
  keys: fc.dictionary(fc.constantFrom("email", "externalId"), letters, { minKeys: 1 }),
  fields: fc.dictionary(fc.constantFrom("name", "custom.y"), fc.string({ maxLength: 60 })),
  namesake: fc.boolean(),
});
const intents = fc.array(fc.oneof(update, create), { maxLength: 40 });
const limits = fc.record({ maxItems: fc.integer({ min: 1, max: 8 }), maxBytes: fc.integer({ min: 20, max: 400 }) });

describe("the chunks of a bulk write", () => {
  it("hold every intent exactly once, within the limits and without a key twice", () => {
    fc.assert(
      fc.property(intents, limits, (all, limit) => {
        const chunks = chunksOf("endusers", all, limit);
        expect(chunks.flat().sort((a, b) => a - b)).toEqual(all.map((_, index) => index));
        for (const chunk of chunks) {
          const members = chunk.flatMap((index) => all[index] ?? []);
          const bodies = members.map((intent) => bodyOf("endusers", intent));
          const keys = bodies.flatMap((body) => sentKeys(body).map(({ name, value }) => `${name}:${value}`));
          expect(chunk.length).toBeLessThanOrEqual(limit.maxItems);
          if (chunk.length > 1) expect(JSON.stringify(bodies).length).toBeLessThanOrEqual(limit.maxBytes * 4);
          if (chunk.length > 1) expect(Buffer.byteLength(JSON.stringify(bodies))).toBeLessThanOrEqual(limit.maxBytes);
          expect(new Set(keys).size).toBe(keys.length);
          if (members.some(standsAlone)) expect(chunk).toHaveLength(1);
        }
      }),
    );
  });

  it("keep the order of intents that share a key", () => {
    fc.assert(
      fc.property(intents, limits, (all, limit) => {
        const flat = chunksOf("endusers", all, limit).flat();
        const place = (index: number) => flat.indexOf(index);
        all.forEach((intent, later) => {
          const mine = new Set(sentKeys(bodyOf("endusers", intent)).map(({ name, value }) => name + value));
          all.slice(0, later).forEach((earlier, index) => {
            const shared = sentKeys(bodyOf("endusers", earlier)).some(({ name, value }) => mine.has(name + value));
            if (shared) expect(place(index)).toBeLessThan(place(later));
          });
        });
      }),
    );
  });

  it("give a create whose key is known elsewhere a call of its own", () => {
    const namesake: Intent = { kind: "create", keys: { email: "x@y.example" }, fields: {}, namesake: true };
    const other: Intent = { kind: "update", remoteId: "1", keys: {}, fields: { name: "n" }, namesake: true };
    expect(chunksOf("endusers", [other, namesake, other], { maxItems: 9, maxBytes: 900 })).toEqual([[0], [1], [2]]);
  });

  it("cut fifty thousand intents quickly", () => {
    const many = Array.from({ length: 50_000 }, (_, n): Intent => ({
      kind: "update",
      remoteId: String(n),
      keys: {},
      fields: { name: "n" },
      namesake: false,
    }));
    expect(chunksOf("endusers", many, { maxItems: 5000, maxBytes: 4_000_000 })).toHaveLength(10);
  });
});
