/** Retries: slower each time, not forever, and not a moment longer than the process lives. */
import { withRetry, type Try, type RetryOptions } from "../../../src/engine/rules/retry";

const LATER = { kind: "later", waitMs: 0, message: "not yet" } as const;

/** Answers one after the other, the last one again and again. */
function attempts<T>(...answers: readonly [Try<T>, ...Try<T>[]]) {
  let calls = 0;
  const work = (): Promise<Try<T>> => {
    const answer = answers[Math.min(calls, answers.length - 1)] ?? answers[0];
    calls += 1;
    return Promise.resolve(answer);
  };
  return Object.assign(work, { calls: () => calls });
}

function openRetry() {
  const life = new AbortController();
  const warnings: string[] = [];
  const options: RetryOptions = {
    retry: { baseMs: 1, capMs: 4 },
    signal: life.signal,
    onWarning: (message) => warnings.push(message),
  };
  return { options, life, warnings };
}

test("what is done at once needs no second try", async () => {
  const { options, warnings } = openRetry();
  const work = attempts({ kind: "done", value: 5 });
  expect(await withRetry(options, work)).toEqual({ value: 5 });
  expect([work.calls(), warnings]).toEqual([1, []]);
});

test("what passes is tried again, and each time somebody is told why", async () => {
  const { options, warnings } = openRetry();
  const work = attempts<number>(LATER, LATER, { kind: "done", value: 5 });
  expect(await withRetry(options, work)).toEqual({ value: 5 });
  expect([work.calls(), warnings]).toEqual([3, ["not yet", "not yet"]]);
});

test("what failed for good is not tried again", async () => {
  const { options } = openRetry();
  const work = attempts<number>({ kind: "failed", message: "never" });
  expect(await withRetry(options, work)).toEqual({ state: "error", error: "never" });
  expect(work.calls()).toBe(1);
});

test("what never passes ends after some tries", async () => {
  const { options, warnings } = openRetry();
  const work = attempts<number>(LATER);
  expect(await withRetry(options, work)).toEqual({ state: "error", error: "not yet" });
  expect([work.calls(), warnings.length]).toEqual([8, 7]);
});

test("what gets on, if slowly, has all the tries that it needs", async () => {
  const { options } = openRetry();
  const steps = Array.from({ length: 20 }, () => ({ ...LATER, progressed: true }));
  const work = attempts<number>({ ...LATER, progressed: true }, ...steps, { kind: "done", value: 5 });
  expect(await withRetry(options, work)).toEqual({ value: 5 });
});

test("a process that ends while something waits leaves it to the next one", async () => {
  const { options, life } = openRetry();
  const work = attempts<number>({ ...LATER, waitMs: 600_000 });
  const waiting = withRetry({ ...options, onWarning: () => setImmediate(() => life.abort()) }, work);
  expect(await waiting).toEqual({ state: "interrupted" });
  expect(work.calls()).toBe(1);
});

test("a process that ended before begins nothing", async () => {
  const { options, life } = openRetry();
  life.abort();
  const work = attempts<number>({ kind: "done", value: 5 });
  expect(await withRetry(options, work)).toEqual({ state: "interrupted" });
  expect(work.calls()).toBe(0);
});

test("what fails because the process ends is no error", async () => {
  const { options, life } = openRetry();
  const work = (): Promise<Try<number>> => {
    life.abort();
    return Promise.resolve({ kind: "failed", message: "cut off" });
  };
  expect(await withRetry(options, work)).toEqual({ state: "interrupted" });
});

test("what is done in the moment in which the process ends is done", async () => {
  const { options, life } = openRetry();
  const work = (): Promise<Try<number>> => {
    life.abort();
    return Promise.resolve({ kind: "done", value: 5 });
  };
  expect(await withRetry(options, work)).toEqual({ value: 5 });
});
