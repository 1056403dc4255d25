/** The quota of several processes together, each with a budget of its own over one window in Redis. */
import { createRedisWindow } from "../../../src/coordination/redis-window";
import { createBudget, type BudgetClass } from "../../../src/http/limits/budget";
import type { WindowLimits } from "../../../src/http/limits/window";
import { connectRedis, type RedisConnection } from "../../../src/storage/database/redis/connection";
import { sharedRedis } from "../../fixture/redis";

const QUOTA = "api.planhat.com:abc";
/** Long enough to be still running when a test ends, however busy the machine is. */
const LONG_MS = 3_600_000;
const SHORT_MS = 50;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

let connections: RedisConnection[];
let prefixes = 0;
let prefix = "";

beforeEach(() => {
  connections = [];
  prefix = `window-${(prefixes += 1)}:`;
});
afterEach(() => {
  for (const connection of connections) connection.close();
});

function openWindow(quotaKey = QUOTA) {
  const connection = connectRedis(sharedRedis().address);
  connections.push(connection);
  return createRedisWindow(connection, prefix, quotaKey);
}

const limitsOf = (windowMs: number, most: number | null, more: Partial<WindowLimits> = {}): WindowLimits => ({
  windowMs,
  most,
  mostOf: { interactive: most, delivery: most, fetch: most },
  ...more,
});

test("however many processes ask at once, no more start than there may be", async () => {
  const windows = Array.from({ length: 5 }, () => openWindow());
  const limits = limitsOf(LONG_MS, 20);
  const waits = await Promise.all(
    windows.flatMap((window) => Array.from({ length: 10 }, () => window.start("delivery", limits))),
  );
  expect(waits.filter((waitMs) => waitMs === 0)).toHaveLength(20);
  for (const waitMs of waits.filter((each) => each > 0)) expect(waitMs).toBeLessThanOrEqual(LONG_MS);
  expect(await windows[0]?.left(limits)).toBe(0);
  expect(await openWindow("another").left(limits)).toBe(20);
});

test("fetches have a bound of their own, and each class the one that it is given", async () => {
  const [one, other] = [openWindow(), openWindow()];
  const limits = limitsOf(LONG_MS, 10, { mostOf: { interactive: 10, delivery: 8, fetch: 8 }, fetches: 5 });
  const started = async (asking: BudgetClass): Promise<number> => {
    const waits = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : other).start(asking, limits)),
    );
    return waits.filter((waitMs) => waitMs === 0).length;
  };
  expect(await started("fetch")).toBe(5);
  expect(await started("delivery")).toBe(3);
  expect(await started("interactive")).toBe(2);
});

test("a penalty is everybody's, limit or not, and a shorter one does not end it", async () => {
  const [one, other] = [openWindow(), openWindow()];
  const limits = limitsOf(LONG_MS, null);
  expect(await other.left(limits)).toBe(Infinity);
  await one.penalise(LONG_MS, limits);
  await other.penalise(1, limits);
  expect(await other.start("interactive", limits)).toBeGreaterThan(1);
  expect(await other.left(limits)).toBe(0);
});

test("what was counted before Redis' clock was set back an hour holds nobody up for an hour", async () => {
  const window = openWindow();
  const limits = limitsOf(MINUTE_MS, 1, { fetches: 1 });
  const keyOf = (name: string): string => `${prefix}budget:{${QUOTA}}:${name}`;
  const ahead = String(Date.now() + HOUR_MS);
  for (const name of ["starts", "fetches"]) await connections[0]?.command("ZADD", keyOf(name), ahead, "before");
  expect(await window.left(limits)).toBe(0);
  expect(await window.start("fetch", limits)).toBeLessThanOrEqual(MINUTE_MS);
  const others = limitsOf(MINUTE_MS, null);
  await connections[0]?.command("SET", keyOf("blocked"), ahead, "PX", String(HOUR_MS));
  const waitMs = await window.start("delivery", others);
  expect(waitMs).toBeGreaterThan(0);
  expect(waitMs).toBeLessThanOrEqual(MINUTE_MS);
});

test("who waits starts when the window has moved on, in any process", async () => {
  const budgets = [openWindow(), openWindow()].map((window) =>
    createBudget({ limit: 2, windowMs: SHORT_MS, interactiveReserve: 0, window }),
  );
  // As many as four windows allow: each process has to wait for what the other one started.
  await Promise.all(budgets.flatMap((budget) => Array.from({ length: 4 }, () => budget.take("delivery"))));
  for (const budget of budgets) budget.close();
});

test("nothing starts while Redis cannot count it", async () => {
  const connection = connectRedis({ name: "nowhere", options: { path: "/nowhere/redis" } }, 1);
  connections.push(connection);
  const budget = createBudget({ limit: 2, window: createRedisWindow(connection, prefix, QUOTA) });
  await expect(budget.take("delivery")).rejects.toThrow("does not answer");
  budget.close();
});
