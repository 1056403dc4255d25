import { createHealth, type HealthOf, type HealthOptions } from "../../../src/engine/status/health";
import { createTenants, type Tenant, type Tenants } from "../../../src/engine/tenants";
import type { Connection, Finding, FindingLevel } from "../../../src/services/connection";
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import type { RunRow } from "../../../src/storage/port/rows";
import { createSeal } from "../../../src/storage/port/seal";
import type { Lane, Store } from "../../../src/storage/port/store";
import { skip } from "../storage/builders";
import { openStore } from "../storage/fixture";
import { createFakeService, fakeConnection, type FakeSettings } from "./fake-service";

const CREDENTIALS = { organization: "acme.hull.example", id: "c1", secret: "connector-secret-1" };
const SETTINGS = { token: "planhat-token-a", host: "one" };
const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 1, 12);

let nowMs: number;
let store: Store;
let tenants: Tenants<FakeSettings>;
let tenant: Tenant<FakeSettings>;
let lane: Lane;
let said: readonly Finding[];
let inspections: (() => Promise<readonly Finding[]>)[];
let asked: number;
let errors: unknown[];
let health: HealthOf<FakeSettings>;
/** What a connector fills the fields of companies from, by its token. */
let sources: Readonly<Record<string, Record<string, string>>>;

const finding = (level: FindingLevel, text: string): Finding => ({ level, text });
const texts = async (): Promise<readonly string[]> => (await health(tenant)).messages.map(({ text }) => text);

/** One thing is said, and it decides about the status. */
async function expectOnly(status: string, text: RegExp): Promise<void> {
  const { messages, ...rest } = await health(tenant);
  expect(rest).toEqual({ status });
  expect(messages.map((each) => each.text)).toEqual([expect.stringMatching(text)]);
}

async function open(more: Partial<HealthOptions<FakeSettings>> = {}, stored: unknown = SETTINGS): Promise<void> {
  nowMs = START_MS;
  [said, inspections, asked, errors] = [[], [], 0, []];
  sources = {};
  store = await openStore({ database: createMemoryDatabase(), now: () => nowMs });
  const connection: Connection = fakeConnection({
    inspect: () => {
      asked += 1;
      return (inspections.shift() ?? (() => Promise.resolve([])))();
    },
  });
  const fake = createFakeService();
  const service: typeof fake = {
    ...fake,
    checkOutcomes: (outcomes) =>
      Object.entries(outcomes).map(([name, count]) => finding("warning", `${count} ${name}`)),
    checkSettings: () => said,
    fieldSources: (type, { token }) => (type === "companies" ? (sources[token ?? ""] ?? {}) : {}),
    connect: () => connection,
    fetchPolicy: (settings) => ({
      ...fake.fetchPolicy(settings),
      types: [{ type: "companies", intervalMinutes: 180 }],
    }),
  };
  tenants = createTenants({ now: () => 0, store, seal: createSeal("seal secret of some length"), service });
  tenant = await tenants.remember(CREDENTIALS, stored, 1);
  lane = { remote: tenant.remote ?? "", tenant: tenant.key };
  health = createHealth({
    store,
    service,
    tenants,
    refusedHosts: () => [],
    maxOutbox: 10,
    now: () => nowMs,
    waitMs: 60_000,
    onError: (error) => errors.push(error),
    ...more,
  });
}

beforeEach(() => open());

describe("what is said", () => {
  test("nothing, where nothing is wrong", async () => {
    expect(await health(tenant)).toEqual({ status: "ok", messages: [] });
  });

  test("the worst first, of one level in the order of their finding, each text once", async () => {
    said = [finding("warning", "w1"), finding("ok", "hint"), finding("error", "e1"), finding("error", "twice")];
    inspections = [
      () => Promise.resolve([finding("error", "twice"), finding("setupRequired", "s1"), finding("warning", "w2")]),
    ];
    expect(await health(tenant)).toEqual({
      status: "setupRequired",
      messages: [
        finding("setupRequired", "s1"),
        finding("error", "e1"),
        finding("error", "twice"),
        finding("warning", "w1"),
        finding("warning", "w2"),
        finding("ok", "hint"),
      ],
    });
  });

  test("for a week what the store has lost, and what to do about it", async () => {
    const kinds = { emptied: "lost everything", older: "was set back", said: "was restored" } as const;
    for (const kind of Object.keys(kinds) as (keyof typeof kinds)[]) {
      await store.noteLoss({ atMs: nowMs, kind }, await store.era());
      await expectOnly("warning", new RegExp(`^At .* the store ${kinds[kind]}.*\\. Have Hull send everything once`));
    }
    nowMs += 7 * 24 * HOUR_MS - 1;
    await expectOnly("warning", /the store was restored/);
    nowMs += 1;
    expect(await health(tenant)).toEqual({ status: "ok", messages: [] });
  });

  test("a hint alone is no trouble", async () => {
    said = [finding("ok", "hint")];
    expect(await health(tenant)).toEqual({ status: "ok", messages: said });
  });

  test("the secret of the connector is in no message", async () => {
    said = [finding("error", `Somebody said ${CREDENTIALS.secret}.`)];
    expect((await texts()).join()).not.toContain(CREDENTIALS.secret);
  });

  test("settings that cannot be used are all that is said of them, and the service is not asked", async () => {
    await open({}, { host: "" });
    expect(await health(tenant)).toEqual({
      status: "error",
      messages: [finding("error", "The settings cannot be used. host is empty")],
    });
    expect(asked).toBe(0);
  });

  test("without a token the service is not asked", async () => {
    await open({}, { host: "one" });
    await health(tenant);
    expect(asked).toBe(0);
  });

  test("hosts whose keys were refused are named", async () => {
    await open({ refusedHosts: () => ["keys.example"] });
    await expectOnly("warning", /keys\.example.*ask those who run this server to allow it for keys/);
  });
});

test("outcomes of the last day are judged together, older ones are not", async () => {
  const count = (id: string): Promise<unknown> => store.accept([skip({ hullId: id, id, lane })]);
  await count("a1");
  nowMs += 30 * HOUR_MS;
  await count("a2");
  nowMs += 2 * HOUR_MS;
  await count("a3");
  expect(await texts()).toContainEqual("2 companies/skipped/outside_account_segments");
});

describe("the service", () => {
  test("is asked once in two minutes, however many ask", async () => {
    await Promise.all([health(tenant), health(tenant)]);
    nowMs += 119_000;
    await health(tenant);
    expect(asked).toBe(1);
    nowMs += 2_000;
    await health(tenant);
    expect(asked).toBe(2);
  });

  test("is asked at once after a change of settings", async () => {
    inspections = [() => Promise.resolve([finding("error", "wrong token")])];
    expect(await texts()).toEqual(["wrong token"]);
    tenant = await tenants.remember(CREDENTIALS, { ...SETTINGS, token: "planhat-token-b" }, 2);
    expect(await texts()).toEqual([]);
  });

  test("that does not answer in time is a warning, and its answer counts for who asks next", async () => {
    await open({ waitMs: 1 });
    let answer = (_findings: readonly Finding[]): void => undefined;
    inspections = [() => new Promise((resolve) => (answer = resolve))];
    await expectOnly("warning", /has not answered within/);
    answer([finding("error", "wrong token")]);
    expect(await texts()).toEqual(["wrong token"]);
    expect(asked).toBe(1);
  });

  test("whose inspection fails for a fault of ours is a warning, logged, and tried again", async () => {
    inspections = [() => Promise.reject(new TypeError("no such function"))];
    expect(await health(tenant)).toMatchObject({ status: "warning" });
    expect(errors).toEqual([new TypeError("no such function")]);
    expect(await health(tenant)).toEqual({ status: "ok", messages: [] });
  });
});

test("what is known at once asks nobody: neither the service nor other connectors", async () => {
  said = [finding("warning", "w1")];
  inspections = [() => Promise.resolve([finding("error", "e1")])];
  const load = jest.spyOn(tenants, "load");
  expect(await health(tenant, "known")).toEqual({ status: "warning", messages: said });
  expect([asked, load.mock.calls]).toEqual([0, []]);
  expect((await health(tenant)).status).toBe("error");
});

describe("another connector of the same remote", () => {
  const OTHER = { ...CREDENTIALS, id: "c2", secret: "connector-secret-2" };
  let other: Tenant<FakeSettings>;

  beforeEach(async () => {
    other = await tenants.remember(OTHER, { ...SETTINGS, token: "planhat-token-b" }, 1);
    // Where the service does not name its tenant, each connector is a remote of its own.
    await store.assign(other.key, lane.remote, "f");
    sources = { "planhat-token-a": { name: "account.name" }, "planhat-token-b": { name: "account.name" } };
    await store.accept([skip({ lane: { remote: lane.remote, tenant: other.key } })]);
  });

  const fill = (token: string, more: Record<string, string>): void => {
    sources = { ...sources, [token]: { ...sources[token], ...more } };
  };

  test("that fills the same fields from the same attributes is not worth a word", async () => {
    fill("planhat-token-a", { city: "account.city" });
    fill("planhat-token-b", { phase: "account.phase" });
    expect(await texts()).toEqual([]);
  });

  test("that fills a field from another attribute is a warning that names field, attributes and remedy", async () => {
    fill("planhat-token-a", { city: "account.city" });
    fill("planhat-token-b", { city: "account.town" });
    await expectOnly(
      "warning",
      /^Connector c2 .* companies, .*: city \(here from account\.city, there from account\.town\)\. .*Map it in one/,
    );
  });

  test("is not counted once nothing has been heard of it for a week", async () => {
    fill("planhat-token-a", { city: "account.city" });
    fill("planhat-token-b", { city: "account.town" });
    nowMs += 7 * 24 * HOUR_MS - HOUR_MS;
    expect(await texts()).toHaveLength(1);
    nowMs += 3 * HOUR_MS;
    expect(await texts()).toEqual([]);
  });
});

describe("holds", () => {
  const hold = (kind: string, untilMs: number) =>
    store.pause(lane, "companies", { kind, message: "planhat answered 403", sinceMs: START_MS, untilMs });

  test.each([
    ["auth", "error"],
    ["mapping", "error"],
    ["transient", "warning"],
  ])("%s: %s, with its reason, since when and until when", async (kind, status) => {
    await hold(kind, START_MS + HOUR_MS);
    const { messages, ...rest } = await health(tenant);
    expect(rest).toEqual({ status });
    expect(messages[0]?.text).toMatch(
      /^Delivery of companies has been paused since 2026-01-01 12:00 UTC\. planhat answered 403\. The next try is at 2026-01-01 13:00 UTC/,
    );
  });

  test("that have ended are not told", async () => {
    await hold("auth", START_MS);
    expect(await texts()).toEqual([]);
  });
});

describe("runs", () => {
  async function run(id: string, kind: RunRow["kind"], change: Parameters<Store["changeRun"]>[1], simulate = false) {
    const options = simulate ? ({ simulate: true } as const) : {};
    await store.beginRun({ id, tenant: tenant.key, kind, type: "companies", options }, false);
    await store.changeRun(id, change);
    nowMs += 1_000;
  }

  test.each([
    ["fetch", "error", "error", /^The last fetch of companies failed at 2026-01-01 12:00 UTC\. No right\.$/],
    ["batch", "error", "warning", /^The last batch of companies failed at/],
    ["batch", "stopped", "warning", /^The last batch of companies was stopped at/],
  ] as const)("a %s that ended as %s", async (kind, state, status, text) => {
    await run("r1", kind, { state, error: "No right" });
    await expectOnly(status, text);
  });

  test("the last one of a kind counts, and a simulation counts for nothing", async () => {
    await run("r1", "fetch", { state: "error", error: "No right." });
    await run("r2", "fetch", { state: "success" });
    await run("r3", "fetch", { state: "error", error: "No right." }, true);
    expect(await texts()).toEqual([]);
  });

  test("a failed batch is news for three days", async () => {
    await run("r1", "batch", { state: "error", error: "Expired." });
    nowMs += 71 * HOUR_MS;
    expect(await texts()).toHaveLength(1);
    nowMs += 2 * HOUR_MS;
    expect(await texts()).toEqual([]);
  });

  test("one that does not end deserves a look after a day", async () => {
    await run("r1", "batch", { state: "running" });
    nowMs += 23 * HOUR_MS;
    expect(await texts()).toEqual([]);
    nowMs += 2 * HOUR_MS;
    expect(await texts()).toEqual([
      expect.stringMatching(/^A batch of companies has been under way since .* has not ended/),
    ]);
  });

  test("a fetch that is long overdue is told, one that never was is not", async () => {
    expect(await texts()).toEqual([]);
    await run("r1", "fetch", { state: "success" });
    nowMs = START_MS + 7 * HOUR_MS - 1;
    expect(await texts()).toEqual([]);
    nowMs += 2;
    expect(await texts()).toEqual([
      expect.stringMatching(/^The last good fetch of companies began at 2026-01-01 12:00/),
    ]);
  });
});

describe("the lane", () => {
  const EMPTY = { deadLetters: {}, moreDeadLetters: false, shared: [] };
  const outbox = (count: number, oldestAtMs = START_MS, more = {}) =>
    jest.spyOn(store, "laneHealth").mockResolvedValue({ ...EMPTY, outbox: count, hullUpdates: 1, oldestAtMs, ...more });

  test("what waits is told after an hour", async () => {
    outbox(3);
    nowMs += HOUR_MS;
    expect(await texts()).toEqual([]);
    nowMs += 1;
    await expectOnly("warning", /^3 records wait .* the oldest since 2026-01-01 12:00 UTC/);
  });

  test("a full outbox is told at once, as an error", async () => {
    outbox(10);
    await expectOnly("error", /^10 records wait .* There is no room for more/);
  });

  test("dead letters by reason, most first; namesakes by their key", async () => {
    const shared = [{ of: { type: "companies", key: "externalId" }, value: "acme" }];
    const deadLetters = { identity_alarm: 1, refused: 999 };
    const look = outbox(0, START_MS, { deadLetters, moreDeadLetters: true, shared });
    expect(await texts()).toEqual([
      expect.stringMatching(/are set aside: at least 999 refused, 1 identity_alarm\./),
      expect.stringMatching(/^Several companies share the externalId "acme"/),
    ]);
    expect(look).toHaveBeenCalledWith(lane, [{ type: "companies", key: "externalId" }]);
  });
});
