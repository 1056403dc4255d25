import { createThrottle } from "../../../server/middleware/throttle";

const LIMITS = { windowMs: 60_000, perAddress: 5, perConnector: 5 };
const attempt = (n: number, address = "192.0.2.1") => ({ address, connector: `c${n}`, credentials: `${n}` });
const isWrong = (answer: string): boolean => answer === "wrong";

test("right first log-ins pass, however many come at once from one address, while Hull takes its time", async () => {
  const throttle = createThrottle(isWrong, LIMITS);
  const answered: (() => void)[] = [];
  const check = () => new Promise<string>((resolve) => answered.push(() => resolve("right")));
  const all = Promise.all(Array.from({ length: 60 }, (_, n) => throttle.during(attempt(n), check)));
  let answers = 0;
  // Each answer lets the next one in.
  while (answers < 60) {
    await new Promise((resolve) => setImmediate(resolve));
    for (const answer of answered.splice(0)) {
      answers += 1;
      answer();
    }
  }
  expect(await all).toEqual(Array<string>(60).fill("right"));
});

test("an address is turned away after as many failures as it may have, and nobody else is", async () => {
  const throttle = createThrottle(isWrong, LIMITS);
  const wrong = () => Promise.resolve("wrong");
  for (let n = 0; n < 5; n += 1) await throttle.during(attempt(n), wrong);
  await expect(throttle.during(attempt(6), wrong)).rejects.toMatchObject({ status: 429 });
  expect(await throttle.during(attempt(7, "192.0.2.2"), wrong)).toBe("wrong");
});

test("what was turned away is not remembered by the names that it gave", async () => {
  const waits: number[] = [];
  const sleep = ((ms: number) => Promise.resolve(waits.push(ms))) as unknown as Parameters<typeof createThrottle>[2];
  const throttle = createThrottle(isWrong, LIMITS, sleep);
  const wrong = () => Promise.resolve("wrong");
  const named = (n: number, address: string) => ({ ...attempt(n, address), connector: "c" });
  for (let n = 0; n < 4; n += 1) await throttle.during(named(n, "192.0.2.1"), wrong);
  for (let n = 4; n < 5; n += 1) await throttle.during(attempt(n), wrong);
  for (let n = 5; n < 50; n += 1) await throttle.during(named(n, "192.0.2.1"), wrong).catch(() => undefined);
  expect(await throttle.during(named(99, "192.0.2.2"), () => Promise.resolve("right"))).toBe("right");
  expect(waits).toEqual([]);
});
