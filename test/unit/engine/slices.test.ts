import { inSlices, SLICE } from "../../../src/engine/outbox/slices";

const HEAVY = "x".repeat(5_000_000);

/** How many there were at a time, and what came of all of them. */
async function sliced(items: readonly string[]): Promise<{ readonly sizes: number[]; readonly results: unknown[] }> {
  const sizes: number[] = [];
  const results = await inSlices(items, (slice) => {
    sizes.push(slice.length);
    return Promise.resolve(slice.flatMap((item) => (item === "nothing" ? [] : [item])));
  });
  return { sizes, results };
}

test("many items are worked on in slices, each once and in order", async () => {
  const items = Array.from({ length: 2 * SLICE + 1 }, (_, index) => `item ${index}`);
  expect(await sliced(items)).toEqual({ sizes: [SLICE, SLICE, 1], results: items });
  expect(await sliced(items.slice(0, SLICE))).toEqual({ sizes: [SLICE], results: items.slice(0, SLICE) });
  expect(await sliced([])).toEqual({ sizes: [], results: [] });
});

test("an item may come to nothing", async () => {
  expect(await sliced(["a", "nothing", "b"])).toEqual({ sizes: [3], results: ["a", "b"] });
});

test("few are worked on at once where they are large", async () => {
  const items = [...Array.from({ length: 10 }, () => HEAVY), ...Array.from({ length: 15 }, () => "light")];
  const { sizes, results } = await sliced(items);
  expect(sizes).toEqual([4, 4, 17]);
  expect(results).toHaveLength(25);
});

test("nothing follows a slice that fails", async () => {
  const begun: string[] = [];
  const items = Array.from({ length: 2 * SLICE }, (_, index) => `item ${index}`);
  const failing = inSlices(items, (slice) => {
    begun.push(slice[0] ?? "");
    return Promise.reject(new Error("No."));
  });
  await expect(failing).rejects.toThrow("No.");
  expect(begun).toEqual(["item 0"]);
});
