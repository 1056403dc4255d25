/** What processes share through Redis: whoever lets go of it keeps nothing. */
import { Redis } from "ioredis";
import { createRedisCoordination } from "../../../server/coordination";
import { connectRedis } from "../../../src/storage/database/redis/connection";
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import { sharedRedis } from "../../fixture/redis";
import { openStore, START_MS } from "../storage/fixture";

test("closes the jobs of those who could not begin, so that no connection stays", async () => {
  const { address } = sharedRedis();
  const now = (): number => START_MS;
  const onError = (): void => undefined;
  const connection = connectRedis(address);
  const store = await openStore({ database: createMemoryDatabase(), now });
  const coordination = createRedisCoordination({
    ...{ address, connection, store, onError },
    ...{ leaseMs: 30_000, requestMs: 30_000 },
  });
  coordination.jobs("server", { now, onError }).start();
  const client = new Redis({ ...address.options });
  const connected = async (): Promise<number> =>
    String(await client.client("LIST"))
      .trim()
      .split("\n").length;
  while ((await connected()) < 4);
  await coordination.close();
  connection.close();
  while ((await connected()) > 1);
  await client.quit();
});
