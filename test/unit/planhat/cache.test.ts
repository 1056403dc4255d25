/** Kept answers: who gets which, told by hand-made reads. */
import { createCache, type Cache } from "../../../src/services/cache";

let kept: Cache<string>;
let reads: { readonly answer: (text: string) => void; readonly fail: () => void }[];
beforeEach(() => {
  kept = createCache(600);
  reads = [];
});
afterEach(() => {
  jest.restoreAllMocks();
  kept.close();
});

const read = (): Promise<string> =>
  new Promise((resolve, reject) => {
    reads.push({ answer: resolve, fail: () => reject(new Error("No.")) });
  });
const get = (isFresh = false, key = "a"): Promise<string> => kept.get(key, isFresh, read);
/** Lets promises move on. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** Somebody asks, the n-th read is made and answered so, and that is what he gets. */
async function expectRead(index: number, text: string): Promise<void> {
  const asked = get();
  await turn();
  reads[index]?.answer(text);
  expect(await asked).toBe(text);
}

test("all who ask while a read is under way share it, and later ones get what is kept", async () => {
  const askers = Array.from({ length: 50 }, () => get());
  await turn();
  expect(reads).toHaveLength(1);
  reads[0]?.answer("one");
  expect(new Set(await Promise.all(askers))).toEqual(new Set(["one"]));
  expect(await get()).toBe("one");
  expect(reads).toHaveLength(1);
});

test("each key is read for itself", async () => {
  const both = Promise.all([get(false, "a"), get(false, "b")]);
  await turn();
  reads[0]?.answer("of a");
  reads[1]?.answer("of b");
  expect(await both).toEqual(["of a", "of b"]);
  expect([await get(false, "a"), await get(false, "b")]).toEqual(["of a", "of b"]);
});

test("a failure is told to all who waited, and not kept", async () => {
  const askers = Promise.allSettled([get(), get(), get()]);
  await turn();
  reads[0]?.fail();
  expect((await askers).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  await expectRead(1, "two");
});

test("a read that throws before it begins is a failure as well", async () => {
  const broken = () =>
    kept.get("a", false, () => {
      throw new Error("At once.");
    });
  await expect(broken()).rejects.toThrow("At once.");
  await expectRead(0, "one");
});

test("whoever wants it fresh waits for a read that began afterwards, and so does everybody after him", async () => {
  const old = get();
  await turn();
  const fresh = get(true);
  const later = get();
  await turn();
  reads[0]?.answer("old");
  expect(await old).toBe("old");
  await turn();
  expect(reads).toHaveLength(2);
  reads[1]?.answer("new");
  expect(await Promise.all([fresh, later])).toEqual(["new", "new"]);
  expect(await get()).toBe("new");
});

test("however many want it fresh, one read is under way and one waits", async () => {
  const askers = Array.from({ length: 50 }, () => get(true));
  await turn();
  const more = Array.from({ length: 50 }, () => get(true));
  await turn();
  expect(reads).toHaveLength(1);
  reads[0]?.answer("one");
  await turn();
  expect(reads).toHaveLength(2);
  reads[1]?.answer("two");
  const answers = await Promise.all([...askers, ...more]);
  expect(new Set(answers.slice(50))).toEqual(new Set(["two"]));
  expect(reads).toHaveLength(2);
});

test("the read that waits is made even if the one before it fails", async () => {
  const old = get().catch(() => "failed");
  await turn();
  const fresh = get(true);
  reads[0]?.fail();
  expect(await old).toBe("failed");
  await turn();
  reads[1]?.answer("new");
  expect(await fresh).toBe("new");
});

test("what is dropped while it is read is not kept, and what is dropped later is gone", async () => {
  const old = get();
  await turn();
  kept.drop((key) => key === "a");
  reads[0]?.answer("old");
  expect(await old).toBe("old");
  await expectRead(1, "new");
  kept.drop((key) => key === "b");
  expect(await get()).toBe("new");
  kept.drop((key) => key === "a");
  await expectRead(2, "newest");
});

test("ten minutes are enough", async () => {
  await expectRead(0, "one");
  const now = Date.now();
  const clock = jest.spyOn(Date, "now").mockReturnValue(now + 599_000);
  expect(await get()).toBe("one");
  clock.mockReturnValue(now + 601_000);
  await expectRead(1, "two");
  expect(reads).toHaveLength(2);
});
