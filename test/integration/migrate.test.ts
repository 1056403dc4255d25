/** `npm run migrate`: a stopped server's store goes to Redis and back, and the server goes on as if nothing had been. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrate } from "../../server/cli/migrate";
import { tenants } from "../../server/cli/tenants";
import type { Terminal } from "../../server/cli/tool";
import { lockFolder } from "../../src/storage/data-folder/exclusive";
import { readRedisUrl } from "../../src/storage/database/redis/address";
import { connectRedis } from "../../src/storage/database/redis/connection";
import { account, useFixtures, user } from "../fixture/fixture";
import { freePort, startRedis, type RedisServer } from "../fixture/redis";

const open = useFixtures();
const [SECRET, TARGET_SECRET] = ["the key of the data folder", "the key of the servers on Redis"];
const PASSWORD = "secret-4711";

let redis: RedisServer;
let url = "";
let folder = "";

beforeEach(async () => {
  const port = await freePort();
  redis = startRedis("--port", String(port), "--bind", "127.0.0.1", "--requirepass", PASSWORD);
  url = `redis://:${PASSWORD}@127.0.0.1:${port}`;
  folder = mkdtempSync(join(tmpdir(), "migrate-"));
});

afterEach(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function run(
  tool: (args: readonly string[], terminal: Terminal) => Promise<number>,
  environment: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await tool(args, {
    environment,
    width: 200,
    print: (text) => void out.push(text),
    complain: (text) => void err.push(text),
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

const move = (from: string, to: string, environment: Readonly<Record<string, string>>) =>
  run(migrate, environment, "--from", from, "--to", to);

test("there and back, with another key: what waits is delivered, and what is equal costs no call", async () => {
  const fixture = await open({ environment: { SECRET } });
  fixture.seed([account(1)], [user(1), user(2)]);
  const heal = fixture.planhat.poison({ type: "endusers", field: "externalId", value: "person-2" }, "Name is odd");
  await fixture.tellUser(user(1), account(1));
  await fixture.tellUser(user(2), account(1));
  await fixture.settled();
  heal();
  const back = join(folder, "back");

  await fixture.stopped(async () => {
    const there = await move(fixture.dataDir, url, { SECRET, TARGET_SECRET });
    expect({ code: there.code, out: there.out }).toMatchObject({ code: 0 });
    expect(there.err).toMatch(/^Redis at 127.0.0.1:\d+ \(REDIS_URL\) keeps no append-only file/);
    expect(there.out).toMatch(/^records +3 +3 +0$/m);
    expect(there.out).toMatch(
      /Copied from .+ to Redis at 127.0.0.1:\d+: (\d+) rows, as many there as here\. This pass wrote \1 rows/,
    );
    expect(there.out + there.err).not.toContain(PASSWORD);
    const listed = await run(tenants, { REDIS_URL: url }, "list");
    expect(listed.out).toContain(fixture.tenantKey);

    const again = await move(fixture.dataDir, url, { SECRET, TARGET_SECRET });
    expect(again).toMatchObject({ code: 1 });
    expect(again.err).toContain("The target is not empty");

    const wrong = await move(url, back, { SECRET });
    expect(wrong).toMatchObject({ code: 1 });
    expect(wrong.err).toContain("SECRET is not the key of the source");

    const home = await move(url, back, { SECRET: TARGET_SECRET, TARGET_SECRET: SECRET });
    expect(home).toMatchObject({ code: 0, err: there.err });
    rmSync(join(fixture.dataDir, "store"), { recursive: true });
    const last = await move(back, fixture.dataDir, { SECRET });
    expect(last).toMatchObject({ code: 0, err: "" });
  });

  expect(fixture.logs.filter(({ message }) => message === "connector.secret.warning")).toEqual([]);
  const calls = fixture.planhat.books.snapshot().calls;
  await fixture.tellUser(user(1), account(1));
  await fixture.settled();
  expect(fixture.planhat.books.snapshot().calls).toBe(calls);
  await fixture.tellUser(user(2, { traits_position: "Lead" }), account(1));
  await fixture.settled();
  expect(fixture.planhat.snapshot().endusers).toHaveLength(2);
});

test("a source that is in use is copied as it is; the copy is finished when nobody uses it", async () => {
  const fixture = await open({ environment: { SECRET } });
  await fixture.tellUser(user(1), account(1));
  await fixture.settled();
  const used = await move(fixture.dataDir, url, { SECRET });
  expect(used).toMatchObject({ code: 3 });
  expect(used.out).toMatch(
    /but the copy is not finished, and no server starts on it\. The data folder .+ is in use: a server or a tool has locked it\. This pass wrote \d+ rows and removed 0 in .+ Next: stop all servers, and run the same command again; /,
  );
  expect((await run(tenants, { REDIS_URL: url }, "list")).err).toContain("has format 0");
  await fixture.tellUser(user(2), account(1));
  await fixture.settled();

  const back = join(folder, "back");
  await fixture.stopped(async () => {
    expect(await move(fixture.dataDir, url, { SECRET })).toMatchObject({ code: 0 });
    const server = connectRedis(readRedisUrl(url));
    await server.command("PING");
    const taken = await move(url, back, { SECRET });
    expect(taken).toMatchObject({ code: 3 });
    expect(taken.out).toMatch(
      /Redis at 127.0.0.1:\d+ is in use: servers or tools at 127.0.0.1 are connected\. This pass/,
    );

    // Whom it does not tell is not taken for nobody, unless a person says so.
    await server.command("ACL", "SETUSER", "mover", "on", ">secret-4712", "~*", "+@all", "-client|list");
    const untold = url.replace(":secret-4711@", "mover:secret-4712@");
    const unknown = await move(untold, back, { SECRET });
    expect(unknown).toMatchObject({ code: 3 });
    expect(unknown.out).toMatch(/does not allow CLIENT LIST, .+ When all servers are stopped, say so: --stopped\./);
    server.close();
    const last = await run(migrate, { SECRET }, "--from", untold, "--to", back, "--stopped");
    expect(last).toMatchObject({ code: 0 });
    expect(last.err).toContain("Make sure that all servers are stopped.");
    expect(last.out).toContain("This pass wrote 0 rows and removed 0 in");
  });
});

test("a target that is in use is refused", async () => {
  const fixture = await open({ environment: { SECRET } });
  const server = connectRedis(readRedisUrl(url));
  await server.command("PING");
  const taken = await move(fixture.dataDir, url, { SECRET });
  expect(taken).toMatchObject({ code: 1, out: "" });
  expect(taken.err).toMatch(/^Redis at 127.0.0.1:\d+ is in use: servers or tools at 127.0.0.1 are connected\. Stop/);
  server.close();

  const lock = await lockFolder(join(folder, "other"));
  const locked = await move(fixture.dataDir, join(folder, "other"), { SECRET });
  expect(locked.err).toContain("Another process uses the data folder");
  await lock.release();
});

test("a person is told how far it is, a program is not", async () => {
  const fixture = await open({ environment: { SECRET } });
  await fixture.tellUser(user(1), account(1));
  await fixture.settled();
  let nowMs = 0;
  jest.spyOn(performance, "now").mockImplementation(() => (nowMs += 6_000));
  const moved = await move(fixture.dataDir, join(folder, "one"), { SECRET });
  expect(moved.err).toMatch(/^\d+ %: \d+ of \d+ rows compared, \d+ written; now records; about \d+ s left$/m);
  const args = ["--from", fixture.dataDir, "--to", join(folder, "two"), "--json"];
  const quiet = await run(migrate, { SECRET }, ...args);
  expect(quiet).toMatchObject({ code: 3, err: "" });
  expect(JSON.parse(quiet.out)).toMatchObject({
    finished: false,
    used_by: expect.stringContaining("is in use") as string,
  });
});

test("what is missing is said in a sentence", async () => {
  const said = async (args: readonly string[], environment = {}): Promise<readonly [number, string]> => {
    const { code, err } = await run(migrate, environment, ...args);
    return [code, err.split("\n")[0] ?? ""];
  };
  const nowhere = join(folder, "nowhere");
  expect(await said(["--from", nowhere])).toEqual([2, "Say --to <place>: a data folder, or redis://…"]);
  expect(await said(["--from", "http://x", "--to", url])).toEqual([2, "--from is neither a folder nor redis://…"]);
  expect(await said(["--from", url, "--to", url])).toEqual([2, "--from and --to are the same."]);
  expect(await said(["--from", nowhere, "--to", url])).toEqual([1, `There is no store in ${nowhere}.`]);
  expect(await said(["--from", url, "--to", nowhere])).toEqual([
    1,
    "Set SECRET to the SECRET of the servers on Redis.",
  ]);
  expect(await said(["--from", url, "--to", nowhere], { SECRET: "short" })).toEqual([
    1,
    "SECRET must have at least 16 characters.",
  ]);
  const empty = await move(url, nowhere, { SECRET });
  expect(empty).toMatchObject({ code: 1, out: "" });
  expect(empty.err.split("\n").at(-1)).toBe("There is no store at the source.");
});
