/**
 * Lets whole connectors run on another database than LMDB, to show that no rule depends on it: with
 * `TEST_DATABASE=memory`, `TEST_DATABASE=remote` (one at the other end of a connection, with faults now and then), or
 * `TEST_DATABASE=redis`, where they run as with `REDIS_URL`. What looks at files of a store is none of its business. See
 * docs/architecture.md.
 */
import type * as wiring from "../server/wiring";
import type { DurableDatabase } from "../src/storage/database/lmdb";
import type * as memory from "../src/storage/database/memory";
import type { Database } from "../src/storage/database/rows";
import { freePort, startRedis, type RedisServer } from "./fixture/redis";
import type * as remote from "./fixture/remote-database";

const wanted = process.env["TEST_DATABASE"];

/** By the folder of the store: a connector that is opened again finds its own. */
function remembered<T>(make: () => T): (folder: string) => T {
  const made = new Map<string, T>();
  return (folder) => {
    const value = made.get(folder) ?? make();
    made.set(folder, value);
    return value;
  };
}

function mockLmdb(): void {
  const openAt = remembered((): (() => Database) => {
    const { connectRemote, createRemoteServer, mildFaults } =
      jest.requireActual<typeof remote>("./fixture/remote-database");
    const { createMemoryDatabase } = jest.requireActual<typeof memory>("../src/storage/database/memory");
    if (wanted === "memory") {
      const database = createMemoryDatabase();
      return () => database;
    }
    const server = createRemoteServer();
    return () => connectRemote(server, { faultOf: mildFaults() });
  });
  jest.mock("../src/storage/database/lmdb", () => ({
    ...jest.requireActual<object>("../src/storage/database/lmdb"),
    createLmdbDatabase: (path: string): DurableDatabase => ({
      ...openAt(path)(),
      backup: () => Promise.reject(new Error("There is no file to copy.")),
    }),
  }));
}

const SECRET = "a secret of all processes";
/** One for each connector of a file, so that they do not meet. */
const DATABASES = 1_000;

function mockRedis(): void {
  let started: Promise<{ readonly server: RedisServer; readonly port: number }> | undefined;
  const start = async (): ReturnType<() => NonNullable<typeof started>> => {
    const port = await freePort();
    const options = ["--port", String(port), "--bind", "127.0.0.1", "--databases", String(DATABASES)];
    return { server: startRedis(...options), port };
  };
  // By the environment, after all hooks of the file, which may still need it.
  Object.assign(globalThis, { stopRedis: async () => (await started)?.server.stop() });
  let numbers = 0;
  const numberOf = remembered(() => numbers++);
  jest.mock("../server/wiring", () => {
    const actual = jest.requireActual<typeof wiring>("../server/wiring");
    const createConnector: typeof wiring.createConnector = async (config, ...others) => {
      const { port } = await (started ??= start());
      const url = `redis://127.0.0.1:${port}/${numberOf(config.DATA_DIR)}`;
      return actual.createConnector({ SECRET, REDIS_URL: url, ...config }, ...others);
    };
    return { ...actual, createConnector };
  });
}

if (wanted === "redis") mockRedis();
else if (wanted !== undefined) mockLmdb();
