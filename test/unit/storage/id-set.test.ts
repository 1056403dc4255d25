import fc from "fast-check";
import { createIdSet } from "../../../src/storage/tables/id-set";

describe("a set of ids", () => {
  it("has what was added, and nothing else, however far it grows", () => {
    const ids = createIdSet();
    for (let index = 0; index < 20_000; index += 1) ids.add(`p${index}`);
    const found = Array.from({ length: 40_000 }, (_, index) => ids.has(`p${index}`));
    expect(found.indexOf(false)).toBe(20_000);
    expect(found.lastIndexOf(true)).toBe(19_999);
  });

  it("is the same as a set of texts", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.boolean())), (steps) => {
        const [ids, texts] = [createIdSet(), new Set<string>()];
        for (const [id, isAdded] of steps) {
          expect(ids.has(id)).toBe(texts.has(id));
          if (!isAdded) continue;
          ids.add(id);
          texts.add(id);
        }
      }),
    );
  });
});
