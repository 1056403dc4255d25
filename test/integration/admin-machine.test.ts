/** `/admin` on the machine, as a stranger may use its socket: whole requests, broken ones, none at all. */
import { SERVICES } from "../../src/services";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { duplexPair } from "node:stream";
import { Router } from "express";
import { createMachineDoor } from "../../server/admin/machine";
import { adminRoutes } from "../../server/admin/route";
import type { ConnectorOverview } from "../../server/admin/connectors";
import { createAdminClient, type AdminClient } from "../../server/cli/client";
import { createLogger } from "../../server/log";
import { lockFolder, type ExclusiveLock } from "../../src/storage/data-folder/exclusive";
import { lockAddress } from "../../src/storage/data-folder/lock-address";

const logger = createLogger("silent");
const unused = (): never => {
  throw new Error("Nobody asks for dead letters here.");
};
const NO_LETTERS = { list: unused, show: unused, counts: unused, replay: unused, replayPage: unused, drop: unused };

let folder: string;
let lock: ExclusiveLock;
let lists: number;
let list: () => Promise<readonly ConnectorOverview[]>;
let admin: AdminClient;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "machine-"));
  lock = await lockFolder(folder);
  lists = 0;
  list = () => Promise.resolve([]);
  lock.serve(
    createMachineDoor(
      adminRoutes({
        services: SERVICES,
        deadLetters: NO_LETTERS,
        connectors: {
          list: () => {
            lists += 1;
            return list();
          },
          forget: () => Promise.resolve(0),
        },
        now: Date.now,
        logger,
      }),
      logger,
    ),
  );
  admin = createAdminClient(() => connect(lockAddress(folder)));
});
afterEach(async () => {
  await lock.release();
  rmSync(folder, { recursive: true, force: true });
});

/** Everything that comes back until the connection ends. */
function talk(begin: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(lockAddress(folder));
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => (text += chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(text));
    socket.on("connect", () => begin(socket));
  });
}

const HEAD = "GET /admin/tenants HTTP/1.1\r\nhost: localhost\r\n";

test("a request is answered, and the connection ends", async () => {
  const answer = await talk((socket) => socket.write(`${HEAD}\r\n`));
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(answer).toMatch(/\r\n\r\n\{"tenants":\[\]\}$/);
  expect(lists).toBe(1);
});

test("a request may come in pieces", async () => {
  const answer = await talk((socket) => {
    socket.write(HEAD.slice(0, 20));
    socket.write(HEAD.slice(20), () => socket.write("\r\n"));
  });
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});

test("who only connects gets nothing and disturbs nobody", async () => {
  expect(await talk((socket) => socket.destroy())).toBe("");
  await expect(lockFolder(folder)).rejects.toThrow(/Another process uses/);
  expect(lists).toBe(0);
  await expect(admin.listTenants()).resolves.toEqual([]);
});

test("a connection that dies in the middle of a request disturbs nobody", async () => {
  let release = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    list = () => {
      resolve();
      return new Promise((answer) => (release = () => answer([])));
    };
  });
  const ended = talk((socket) => {
    socket.write(`${HEAD}\r\n`);
    void begun.then(() => socket.destroy());
  });
  expect(await ended).toBe("");
  release();
  list = () => Promise.resolve([]);
  await expect(admin.listTenants()).resolves.toEqual([]);
});

test.each([
  ["is no HTTP", '{"command":"tenants.list"}\n', "400 Bad Request"],
  ["has a head without end", `GET /admin/tenants HTTP/1.1\r\nx: ${"x".repeat(100_000)}`, "431 "],
  ["asks for what does not exist", "POST /admin/burn HTTP/1.1\r\nhost: localhost\r\n\r\n", "404 Not Found"],
  ["asks in another way", "PUT /admin/tenants HTTP/1.1\r\nhost: localhost\r\n\r\n", "405 Method Not Allowed"],
])("what %s is refused, and the connection ends", async (_, request, status) => {
  const answer = await talk((socket) => socket.write(request));
  expect(answer.slice(9, 9 + status.length)).toBe(status);
  expect(lists).toBe(0);
});

test("a huge body is not waited for", async () => {
  const answer = await talk((socket) => {
    socket.write(`${HEAD}content-length: 1000000000\r\n\r\n`);
    socket.write("x".repeat(1_000_000));
  });
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  await expect(admin.listTenants()).resolves.toEqual([]);
});

test("a connection that asks nothing is closed, and one that waits for its answer is not", async () => {
  let release = (): void => undefined;
  const routes = Router().get("/admin/tenants", (_request, response) => {
    release = () => void response.json({ tenants: [] });
    begun();
  });
  let begun = (): void => undefined;
  const asked = new Promise<void>((resolve) => (begun = resolve));
  lock.serve(createMachineDoor(routes, logger, 20));
  const answer = admin.listTenants();
  await asked;
  expect(await talk(() => undefined)).toBe("");
  release();
  await expect(answer).resolves.toEqual([]);
});

test("what goes wrong is said, and the next one is served", async () => {
  list = () => Promise.reject(new Error("The store is closed."));
  await expect(admin.listTenants()).rejects.toThrow("The store is closed.");
  list = () => Promise.resolve([]);
  await expect(admin.listTenants()).resolves.toEqual([]);
});

test("a server that ends meanwhile does not keep the tool waiting, nor the tool the server", async () => {
  const begun = new Promise<void>((resolve) => {
    list = () => {
      resolve();
      return new Promise(() => undefined);
    };
  });
  const refused = expect(admin.listTenants()).rejects.toThrow(/ended early/);
  await begun;
  await lock.release();
  await refused;
  lock = await lockFolder(folder);
});

test("before and after it serves, connections are closed at once", async () => {
  lock.serve(undefined);
  await expect(admin.listTenants()).rejects.toThrow(/ended early/);
});

test("is reached under a short address when the folder's path is a long one", async () => {
  const long = join(folder, "x".repeat(120));
  const other = await lockFolder(long);
  other.serve(createMachineDoor(Router(), logger));
  const client = createAdminClient(() => connect(lockAddress(long)));
  await expect(client.listTenants()).rejects.toThrow(/the same version/);
  await other.release();
});

test("a change whose asker has hung up is in the log all the same", async () => {
  const lines: string[] = [];
  let written = (): void => undefined;
  const logged = new Promise<void>((resolve) => (written = resolve));
  const collecting = createLogger("info", {
    write: (line) => {
      lines.push(line);
      written();
    },
  });
  const erasing = adminRoutes({
    services: SERVICES,
    deadLetters: NO_LETTERS,
    connectors: { list: unused, forget: () => new Promise(() => undefined) },
    now: Date.now,
    logger: collecting,
  });
  lock.serve(createMachineDoor(erasing, logger));
  const begun = talk((socket) => {
    socket.write("DELETE /admin/tenants/acme HTTP/1.1\r\nhost: localhost\r\n\r\n", () => socket.destroy());
  });
  await begun;
  await logged;
  expect(JSON.parse(lines.join(""))).toMatchObject({
    message: "connector.admin",
    data: { method: "DELETE", path: "/admin/tenants/:tenant", status: "aborted" },
  });
});

test("nobody is served where nobody listens", async () => {
  const nowhere = createAdminClient(() => connect(join(folder, "nowhere")));
  await expect(nowhere.listTenants()).rejects.toThrow(/ended early/);
});

describe("a server of another version", () => {
  const ANOTHER = /the same version/;
  /** A server that behaves otherwise, within this process. */
  function dial(serve: ReturnType<typeof createMachineDoor>): AdminClient {
    return createAdminClient(() => {
      const [ours, theirs] = duplexPair();
      serve(theirs);
      return ours;
    });
  }

  test("whose answer has another shape is not believed", async () => {
    const routes = Router().get("/admin/tenants", (_request, response) => void response.json({ tenants: "many" }));
    await expect(dial(createMachineDoor(routes, logger)).listTenants()).rejects.toThrow(ANOTHER);
  });

  test("that does not know the path is told from one that has no such thing", async () => {
    const none = dial(createMachineDoor(Router(), logger));
    await expect(none.listTenants()).rejects.toThrow(ANOTHER);
    await expect(none.dropDeadLetter("3f2a9c0b71de")).rejects.toThrow(ANOTHER);
    await expect(admin.forgetTenant("acme.hullapp.io/1")).resolves.toBe(0);
  });

  test("that speaks no HTTP, as the first ones did, is named", async () => {
    const old = dial((connection) => void connection.end('{"ok":false,"error":"The server does not know this."}\n'));
    await expect(old.listTenants()).rejects.toThrow(ANOTHER);
  });
});

test("what cannot be the id of a dead letter is not there, whatever path it would make", async () => {
  for (const id of ["", "replay", "..", "3f2a9c0b71de/replay", "a b"]) {
    await expect(admin.dropDeadLetter(id)).resolves.toBeUndefined();
    await expect(admin.replayDeadLetter(id)).resolves.toBeUndefined();
  }
});
