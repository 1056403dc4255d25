/** Calls at a time of several processes together. */
import { createRedisPlaces } from "../../../src/coordination/redis-places";
import { createGateRegistry } from "../../../src/http/limits/gate";
import { connectRedis, type RedisConnection } from "../../../src/storage/database/redis/connection";
import { sharedRedis } from "../../fixture/redis";

const KEY = "plansource:abc";
/** Longer than any test. */
const LONG_MS = 600_000;

let connections: RedisConnection[];
let prefixes = 0;
let prefix = "";

beforeEach(() => {
  connections = [];
  prefix = `places-${(prefixes += 1)}:`;
});
afterEach(() => {
  for (const connection of connections) connection.close();
});

/** The gates of one process. */
function openGates(longestMs = LONG_MS) {
  const connection = connectRedis(sharedRedis().address);
  connections.push(connection);
  return createGateRegistry((key) => createRedisPlaces({ connection, prefix, longestMs }, key));
}

test("over all processes there are never more at once than there may be, and everybody comes in", async () => {
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise(setImmediate);
    inside -= 1;
  };
  await Promise.all(
    [openGates(), openGates(), openGates()].flatMap((gates) =>
      Array.from({ length: 8 }, () => gates.get(KEY, 2).run(work)),
    ),
  );
  expect(most).toBeLessThanOrEqual(2);
  expect(inside).toBe(0);
});

test("other keys have other places, and a wait can be ended", async () => {
  const [one, other] = [openGates(), openGates()];
  let end: () => void = () => undefined;
  const holding = one.get(KEY, 1).run(() => new Promise<void>((resolve) => (end = resolve)));
  await one.get("another", 1).run(() => Promise.resolve());
  const controller = new AbortController();
  const waiting = other.get(KEY, 1).run(() => Promise.resolve("in"), controller.signal);
  controller.abort();
  await expect(waiting).rejects.toThrow(/abort/i);
  end();
  await holding;
  expect(await other.get(KEY, 1).run(() => Promise.resolve("in"))).toBe("in");
});

test("the place of a process that ended becomes free by itself", async () => {
  const ended = openGates(30).get(KEY, 1);
  // Its connection is closed at the end of the test.
  ended.run(() => new Promise(() => undefined)).catch(() => undefined);
  expect(
    await openGates()
      .get(KEY, 1)
      .run(() => Promise.resolve("in")),
  ).toBe("in");
});

test("so it does when it was taken before Redis' clock was set back an hour", async () => {
  const gate = openGates(30).get(KEY, 1);
  await connections[0]?.command("ZADD", `${prefix}places:{${KEY}}`, String(Date.now() + 3_600_000), "before");
  expect(await gate.run(() => Promise.resolve("in"))).toBe("in");
});
