/**
 * What a notification of 100 users waits for on Redis, from its parsed body to the answer: requests that go out together
 * are one round trip. Bull's own requests come after the answer.
 */
import type { Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { createConnector, type Connector } from "../../server/wiring";
import { readConfig } from "../../server/config";
import { createHttpServer } from "../../server/http-server";
import { createLogger } from "../../server/log";
import { SERVICES } from "../../src/services";
import type * as connections from "../../src/storage/database/redis/connection";
import { buildUserMessage } from "../../simulators/hull";
import { account, minute, user } from "../fixture/people";
import { openPlatforms, type Platforms } from "../fixture/platforms";
import { freePort, startRedis, type RedisServer } from "../fixture/redis";

const USERS = 100;

let redis: RedisServer;
let platforms: Platforms;
let connector: Connector | undefined;
let server: Server | undefined;
let environment: Readonly<Record<string, string>>;
let mockTrips = 0;

jest.mock("../../src/storage/database/redis/connection", () => {
  const actual = jest.requireActual<typeof connections>("../../src/storage/database/redis/connection");
  const connectRedis: typeof actual.connectRedis = (...given) => {
    const connection = actual.connectRedis(...given);
    let underWay = 0;
    return {
      ...connection,
      run: (...asked) => {
        if (underWay === 0) mockTrips += 1;
        underWay += 1;
        return connection.run(...asked).finally(() => (underWay -= 1));
      },
    };
  };
  return { ...actual, connectRedis };
});

beforeEach(async () => {
  const port = await freePort();
  redis = startRedis("--port", String(port), "--bind", "127.0.0.1");
  platforms = await openPlatforms({}, {}, () => {
    const { port: own } = server?.address() as AddressInfo;
    return `http://127.0.0.1:${own}/smart-notifier`;
  });
  environment = {
    ...platforms.environment,
    REDIS_URL: `redis://127.0.0.1:${port}`,
    SECRET: "a secret of all processes",
    LINGER_MS: "20",
  };
});

afterEach(async () => {
  await close();
  await platforms.hull.close();
  await platforms.planhat.close();
  await redis.stop();
});

async function open(role: string): Promise<Connector> {
  const config = readConfig({ ...environment, ROLE: role });
  const logger = createLogger("error", new Writable({ write: (_chunk, _encoding, done) => done() }));
  connector = await createConnector(config, logger, SERVICES);
  server = createHttpServer(connector.app);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return connector;
}

async function close(): Promise<void> {
  server?.close();
  server?.closeAllConnections();
  await connector?.close();
  [server, connector] = [undefined, undefined];
}

/** Sends a notification of everybody. @returns how often it waited for Redis */
async function notify(version: number, position: string): Promise<number> {
  const messages = Array.from({ length: USERS }, (_, at) =>
    buildUserMessage(user(at + 1, { position, indexed_at: minute(version) }), { account: account(1) }),
  );
  platforms.introduce(messages);
  const before = mockTrips;
  expect(await platforms.send("user:update", messages)).toMatchObject({ messagesAccepted: USERS });
  return mockTrips - before;
}

test("a notification of 100 users waits for Redis at most five times, and once while its body arrives", async () => {
  const { store } = await open("all");
  await notify(0, "Director");
  await platforms.until(async () => (await store.lanes()).length === 0);
  await close();
  // It alone: nobody delivers meanwhile, or looks for what waits.
  await open("web");
  await notify(0, "Director");
  const unchanged = await notify(1, "Director");
  const changed = await notify(2, "Engineer");
  expect({ unchanged, changed }).toEqual({ unchanged: 5, changed: 6 });
});
