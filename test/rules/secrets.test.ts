/** What is on disk shows no secret: neither a row, nor what the process had in memory when it wrote. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createLmdbDatabase } from "../../src/storage/database/lmdb";
import { account, CONNECTOR, people, TOKEN, useFixtures, user, type Fixture } from "../fixture/fixture";
import { begin, publish, rowsOf } from "../fixture/batches";
import { formsOf, tracesIn } from "../fixture/traces";
import { basic } from "../integration/asking";

const open = useFixtures();
const SECRET = "sealing-secret-of-this-house-0001";
const LOGIN = "metrics-token-of-this-house-0001";
const ADMIN_TOKEN = "admin-token-of-this-house-0001";
/** Enough that pages are filled, split and freed. */
const PEOPLE = 120;

async function askAround(fixture: Fixture): Promise<void> {
  const login = { authorization: basic(CONNECTOR) };
  for (const path of ["/api/internal/users", "/api/internal/runs", "/api/internal/dead-letters", "/console"]) {
    await (await fetch(`${fixture.baseUrl}${path}?org=${fixture.hull.host}`, { headers: login })).text();
  }
  for (const path of ["/admin", "/admin/tenants", "/admin/dead-letters"]) {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    expect((await fetch(`${fixture.baseUrl}${path}`, { headers })).status).toBe(200);
  }
  await (await fetch(`${fixture.baseUrl}/metrics`, { headers: { authorization: `Bearer ${LOGIN}` } })).text();
}

test.each([
  ["a configured key", { SECRET }, []],
  ["a key file, which alone is its place,", {}, ["key in secret.key"]],
])("no file holds a secret after a day's work, with %s", async (_, key: { SECRET?: string }, expected) => {
  const fixture = await open({
    environment: { METRICS_TOKEN: LOGIN, ADMIN_TOKEN, ...key },
    // Nothing waits for the budget of a minute.
    settings: { requests_per_minute: 1_000_000 },
  });
  for (let number = 1; number <= PEOPLE / 4; number += 1) await fixture.tellUser(user(number), account(1));
  await askAround(fixture);
  const file = publish(fixture, rowsOf(people(PEOPLE)));
  const link = `${file.url}&X-Amz-Security-Token=marked-security-token`;
  await fixture.ended(await begin(fixture, link));
  await fixture.ended(await begin(fixture, link, { simulate: true }));
  await fixture.saveSettings({ personal_acccess_token: TOKEN });
  await fixture.settled();
  await fixture.stopped(() => {
    const secrets = {
      "connector secret": CONNECTOR.secret,
      token: TOKEN,
      login: `${CONNECTOR.id}:${CONNECTOR.secret}`,
      "signature of a link": file.signature,
      "token of a link": "marked-security-token",
      "token for metrics": LOGIN,
      "token of whoever runs the server": ADMIN_TOKEN,
      key: key.SECRET ?? readFileSync(join(fixture.dataDir, "secret.key"), "utf8"),
    };
    expect(tracesIn(fixture.dataDir, secrets)).toEqual(expected);
    return Promise.resolve();
  });
});

const FREED = "freed-memory-of-this-process-0001";
const PAGE_BYTES = 4_096;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Leaves free what the database will take for its next pages, and full of a secret, as by chance in a busy process. */
async function soilMemory(): Promise<void> {
  Array.from({ length: 1_000 }, () => Buffer.allocUnsafeSlow(PAGE_BYTES).fill(FREED));
  collectGarbage();
  // It is freed by another thread.
  await new Promise((resolve) => setTimeout(resolve, 5));
}

test("neither the database nor a copy takes in what the process had in memory before", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pages-"));
  const store = join(folder, "store");
  const database = createLmdbDatabase(store);
  for (let round = 0; round < 3; round += 1) {
    await soilMemory();
    // A page holds a few of them, and room for another.
    const changes = Array.from({ length: 100 }, (_, number) => ({
      table: "rows",
      key: [number, round],
      value: "x".repeat(1_200),
    }));
    await database.write(() => ({ result: undefined, changes }));
  }
  for (let round = 0; round < 3; round += 1) {
    await soilMemory();
    const copy = join(folder, `copy-${round}`);
    mkdirSync(copy);
    await database.backup(copy);
  }
  await database.close();
  expect(tracesIn(folder, { "what was freed": FREED })).toEqual([]);
  rmSync(folder, { recursive: true });
});

test("the search finds a secret in every form", () => {
  const folder = mkdtempSync(join(tmpdir(), "traces-"));
  for (const [index, form] of formsOf(TOKEN).entries()) {
    writeFileSync(join(folder, String(index)), Buffer.concat([Buffer.alloc(3), form, Buffer.alloc(3)]));
  }
  writeFileSync(join(folder, "login"), `x ${Buffer.from(`id:${TOKEN}:more`).toString("base64")}`);
  expect(tracesIn(folder, { token: TOKEN })).toHaveLength(formsOf(TOKEN).length + 1);
  rmSync(folder, { recursive: true });
});
