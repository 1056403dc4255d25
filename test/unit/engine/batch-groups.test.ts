/** Rows are taken in by the group: so many of them, or so many bytes. */
import { groupsOf } from "../../../src/engine/runs/batch-rows";
import type { ExtractRow } from "../../../src/hull/extract/extract";

const rowsOf = (sizes: readonly number[]): readonly ExtractRow[] =>
  sizes.map((bytes, index) => ({ index, bytes, row: { ok: true, value: {} } }));

// eslint-disable-next-line @typescript-eslint/require-await -- what is read comes like this
async function* read(...batches: readonly (readonly ExtractRow[] | Error)[]): AsyncGenerator<readonly ExtractRow[]> {
  for (const batch of batches) {
    if (batch instanceof Error) throw batch;
    yield batch;
  }
}

async function sizesOf(groups: AsyncIterable<readonly ExtractRow[]>): Promise<readonly number[]> {
  const sizes: number[] = [];
  for await (const group of groups) sizes.push(group.length);
  return sizes;
}

test("small rows are taken in by 200, however they come", async () => {
  const rows = rowsOf(Array.from({ length: 450 }, () => 100));
  expect(await sizesOf(groupsOf(read(rows)))).toEqual([200, 200, 50]);
  expect(await sizesOf(groupsOf(read(rows.slice(0, 130), [], rows.slice(130))))).toEqual([200, 200, 50]);
});

test("large rows by 4 MB", async () => {
  const sizes = [4_400_000, 4_400_000, 1_500_000, 1_500_000, 1_500_000, 10];
  expect(await sizesOf(groupsOf(read(rowsOf(sizes))))).toEqual([1, 1, 3, 1]);
});

test("nothing is read ahead while a group is worked on", async () => {
  let batches = 0;
  const endless = async function* (): AsyncGenerator<readonly ExtractRow[]> {
    for (;;) {
      batches += 1;
      yield await Promise.resolve(rowsOf([4_000_000]));
    }
  };
  for await (const group of groupsOf(endless())) {
    expect(group).toHaveLength(1);
    if (batches === 3) break;
  }
  expect(batches).toBe(3);
});

test("what was read before the download broke off comes before the error", async () => {
  const groups = groupsOf(read(rowsOf([1, 1]), new Error("cut")));
  expect(await groups.next()).toMatchObject({ value: { length: 2 } });
  await expect(groups.next()).rejects.toThrow("cut");
});
