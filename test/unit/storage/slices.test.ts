import { createMemoryKeyValue } from "../../../src/storage/database/memory";
import { walk } from "../../../src/storage/database/slices";

const HEAVY = "x".repeat(5_000_000);

test("a walk takes few rows at once where they are large, and visits each once", async () => {
  const kv = createMemoryKeyValue();
  const table = kv.table<string>("rows");
  const keys = Array.from({ length: 25 }, (_, at) => at);
  await kv.transact(() => keys.forEach((at) => table.put([at], at < 10 ? HEAVY : "light")));
  const steps: number[][] = [];
  const counting: typeof kv = {
    ...kv,
    transact: (work) => {
      steps.push([]);
      return kv.transact(work);
    },
  };
  await walk(counting, table, [], ([at = 0]) => steps.at(-1)?.push(Number(at)), 20);
  expect(steps.flat()).toEqual(keys);
  expect(steps.map(({ length }) => length)).toEqual([4, 4, 17]);
});

test("a walk ends with its last rows, without another look", async () => {
  const kv = createMemoryKeyValue();
  const table = kv.table<number>("rows");
  await kv.transact(() => [1, 2, 3, 4].forEach((at) => table.put([at], at)));
  let steps = 0;
  const counting: typeof kv = { ...kv, transact: (work) => ((steps += 1), kv.transact(work)) };
  await walk(counting, table, [], () => undefined, 2);
  expect(steps).toBe(2);
});
