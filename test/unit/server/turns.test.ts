/** Work that any sender can cause, a few milliseconds at a time. */
import { createTurns } from "../../../server/bodies/turns";

/** Turns of 5 ms on a clock of their own, on which each work takes as long as it says. */
function setUp() {
  const done: string[] = [];
  const others: (() => void)[] = [];
  let nowMs = 0;
  const turns = createTurns(
    5,
    () => nowMs,
    (next) => others.push(next),
  );
  return {
    done,
    turns,
    pass: (ms: number) => void (nowMs += ms),
    take: (name: string, tookMs: number) =>
      turns.take(() => {
        done.push(name);
        nowMs += tookMs;
      }),
    /** Everything else was looked after. */
    goOn: async () => {
      others.splice(0).forEach((next) => next());
      await new Promise(setImmediate);
    },
    isIdle: () => others.length === 0,
  };
}

test("there is no waiting while there is time", () => {
  const { done, take } = setUp();
  take("one", 2);
  take("two", 2);
  expect(done).toEqual(["one", "two"]);
});

test("when the time is over the rest waits until everything else was looked after, in its order", async () => {
  const { done, take, goOn } = setUp();
  for (const name of ["one", "two", "three", "four", "five", "six"]) take(name, 2);
  expect(done).toEqual(["one", "two", "three"]);
  await goOn();
  expect(done).toEqual(["one", "two", "three", "four", "five", "six"]);
});

test("what comes while others wait comes after them, and long work takes a turn of its own", async () => {
  const { done, take, goOn } = setUp();
  for (const name of ["one", "two", "three"]) take(name, 10);
  await goOn();
  take("four", 1);
  expect(done).toEqual(["one", "two"]);
  await goOn();
  expect(done).toEqual(["one", "two", "three"]);
  await goOn();
  expect(done).toEqual(["one", "two", "three", "four"]);
});

test("what follows from promises of a work counts before the next one begins", async () => {
  const { done, turns, pass, goOn } = setUp();
  const take = (name: string): void =>
    turns.take(() => {
      void Promise.resolve().then(() => {
        pass(10);
        done.push(name);
      });
    });
  turns.take(() => pass(10));
  take("one");
  take("two");
  await goOn();
  expect(done).toEqual(["one"]);
});

test("nothing is left behind when all is done", async () => {
  const { take, goOn, isIdle } = setUp();
  take("one", 10);
  take("two", 10);
  for (let turn = 0; turn < 3; turn += 1) await goOn();
  expect(isIdle()).toBe(true);
});
