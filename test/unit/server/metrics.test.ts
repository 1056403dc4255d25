import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outcomeLine, type LogLine } from "../../../src/outcome/log-lines";
import type { CallRecord } from "../../../src/http/client";
import type { OutcomeKind } from "../../../src/record";
import type { Outcome } from "../../../src/storage/port/rows";
import type { Backlog } from "../../../src/storage/port/store";
import { createMetrics, type Metrics, type MetricsOptions } from "../../../server/metrics";
import { readScrape, type Scrape } from "./scrape";

const NOW = 1_750_000_000_000;
const IDLE: Backlog = { lanes: 0, outbox: 0, hullUpdates: 0, oldestAtMs: undefined, pauses: [], deadLetters: 0 };

let nowMs: number;
let now: () => number;
let backlog: () => Promise<Backlog>;
let left: number;
let budgetLeft: () => Promise<number>;
let storeFile: string;
let freeDiskBytes: number;
let metrics: Metrics;
let processes: MetricsOptions["processes"];

beforeEach(() => {
  nowMs = NOW;
  now = () => nowMs;
  backlog = () => Promise.resolve(IDLE);
  left = Infinity;
  budgetLeft = () => Promise.resolve(left);
  storeFile = "/nowhere/data.mdb";
  freeDiskBytes = NaN;
  processes = () => Promise.resolve([]);
  metrics = make();
});

function make(): Metrics {
  return createMetrics({
    store: { backlog: () => backlog(), losses: () => Promise.resolve([{ atMs: 60_000, kind: "older" }]) },
    services: ["planhat"],
    budgetLeft: () => budgetLeft(),
    storeFile,
    freeDiskBytes: () => freeDiskBytes,
    version: "1.2.3",
    role: "all",
    shared: new Map([["commit_conflict", 3]]),
    processes: () => processes(),
    now: () => now(),
  });
}

async function scrape(of = metrics): Promise<Scrape> {
  return readScrape((await of.scrape()).text);
}

function lineOf(outcome: OutcomeKind, code: string, more: Partial<Outcome> = {}, type = "endusers"): LogLine {
  const ending = { messageId: "m1", outcome, code, text: "Because.", atMs: 1, counted: true, ...more };
  const claims = { email: "ann@acme.example" };
  return outcomeLine(
    { organization: "acme", id: "c1" },
    { entity: "user", type, hullId: "u1", claims, outcome: ending },
    {},
  );
}

const call = (more: Partial<CallRecord> = {}): CallRecord => ({
  system: "planhat",
  method: "GET",
  route: "/endusers/:id",
  status: 200,
  durationMs: 300,
  ...more,
});

describe("outcomes", () => {
  const NAME = "connector_outcomes_total";

  it("are counted by type, outcome and code, and their lines go on as they are", async () => {
    const lines: LogLine[] = [];
    const log = metrics.counting("planhat", (line) => lines.push(line));
    const told = [lineOf("sent", "updated"), lineOf("sent", "updated"), lineOf("dead", "parent_dead")];
    told.forEach(log);
    expect(lines).toEqual(told);
    const found = await scrape();
    const labels = { type: "endusers", derived: "false" };
    expect(found.value(NAME, { ...labels, outcome: "sent", code: "updated" })).toBe(2);
    expect(found.value(NAME, { ...labels, outcome: "dead", code: "parent_dead" })).toBe(1);
  });

  it("of companies that were made for their users are counted apart", async () => {
    metrics.counting("planhat", () => undefined)(lineOf("sent", "created", { derived: true }, "companies"));
    const found = await scrape();
    expect(found.sum(NAME, { derived: "true" })).toBe(1);
    expect(found.sum(NAME, { derived: "false" })).toBe(0);
  });

  it("of a message that was delivered again are not counted again, nor are lines without an outcome", async () => {
    const log = metrics.counting("planhat", () => undefined);
    log(lineOf("sent", "updated", { counted: false }));
    log({ level: "warn", event: "connector.service_api.error", context: {}, data: { outcome: "sent" } });
    expect((await scrape()).sum(NAME)).toBe(0);
  });

  it("never grow the registry with codes and types that are none of ours", async () => {
    const log = metrics.counting("planhat", () => undefined);
    for (let n = 0; n < 500; n += 1)
      log(lineOf("skipped", `code_${String.fromCharCode(97 + (n % 26)).repeat(n / 26 + 1)}`));
    log(lineOf("skipped", "ann@acme.example", {}, "5f00-11"));
    const found = await scrape();
    expect(found.values(NAME, "code").length).toBeLessThanOrEqual(101);
    expect(found.sum(NAME, { code: "other", type: "other" })).toBe(1);
    expect(found.sum(NAME)).toBe(501);
  });
});

describe("calls", () => {
  const NAME = "connector_call_duration_seconds";

  it("are measured by system, method, template and status, in seconds", async () => {
    metrics.call(call());
    metrics.call(call({ durationMs: 700 }));
    const labels = { system: "planhat", method: "GET", route: "/endusers/:id", status: "200" };
    const found = await scrape();
    expect(found.value(`${NAME}_count`, labels)).toBe(2);
    expect(found.value(`${NAME}_sum`, labels)).toBeCloseTo(1);
    expect(found.value(`${NAME}_bucket`, { ...labels, le: "0.5" })).toBe(1);
  });

  it("without an answer have the kind of failure as their status", async () => {
    const { status: _, ...lost } = call({ errorKind: "transient" });
    metrics.call(lost);
    expect((await scrape()).sum(`${NAME}_count`, { status: "transient" })).toBe(1);
  });

  it.each(["/", "/companies", "/leancompanies", "/endusers/:id", "/:id/status", "/users_segments"])(
    "keep a route that is a template: %s",
    async (route) => {
      metrics.call(call({ route }));
      expect((await scrape()).values(`${NAME}_count`, "route")).toEqual([route]);
    },
  );

  it.each(["/endusers/5f0000000000000000000001", "/companies?email=a", "endusers", "/a@b.example", ""])(
    "have the route other when it could hold an id: %p",
    async (route) => {
      metrics.call(call({ route }));
      expect((await scrape()).values(`${NAME}_count`, "route")).toEqual(["other"]);
    },
  );

  it("never grow the registry, however many routes there are", async () => {
    for (let n = 0; n < 300; n += 1)
      metrics.call(call({ route: `/${"a".repeat((n % 30) + 1)}/${"b".repeat(n / 30 + 1)}` }));
    const found = await scrape();
    expect(found.values(`${NAME}_count`, "route")).toHaveLength(61);
    expect(found.sum(`${NAME}_count`)).toBe(300);
  });
});

describe("notifications", () => {
  const NAME = "connector_notification_duration_seconds";

  it("are measured by channel and status", async () => {
    metrics.notification("planhat", { channel: "user:update", status: 200, durationMs: 40 });
    const labels = { channel: "user:update", status: "200" };
    const found = await scrape();
    expect(found.value(`${NAME}_count`, labels)).toBe(1);
    expect(found.value(`${NAME}_sum`, labels)).toBeCloseTo(0.04);
  });

  it("of a channel that Hull does not have, or that could not be read, are of channel other", async () => {
    for (const channel of ["u5f001:update", undefined, 7, { a: 1 }]) {
      metrics.notification("planhat", { channel, status: 400, durationMs: 1 });
    }
    expect((await scrape()).value(`${NAME}_count`, { channel: "other", status: "400" })).toBe(4);
  });

  it("that the sender gave up are aborted", async () => {
    metrics.notification("planhat", { channel: "user:update", status: undefined, durationMs: 1 });
    expect((await scrape()).sum(`${NAME}_count`, { status: "aborted" })).toBe(1);
  });
});

describe("what waits", () => {
  it("is asked for at each scrape", async () => {
    backlog = () =>
      Promise.resolve({
        lanes: 3,
        outbox: 12,
        hullUpdates: 5,
        oldestAtMs: NOW - 90_500,
        pauses: ["auth", "auth", "mapping", "of_a_later_version"],
        deadLetters: 2,
      });
    left = 17;
    const found = await scrape();
    expect(found.value("connector_store_up")).toBe(1);
    expect(found.value("connector_lanes")).toBe(3);
    expect(found.value("connector_outbox_entries")).toBe(12);
    expect(found.value("connector_outbox_oldest_age_seconds")).toBe(90.5);
    expect(found.value("connector_tells_waiting")).toBe(5);
    expect(found.value("connector_dead_letters")).toBe(2);
    expect(found.value("connector_request_budget_left")).toBe(17);
    const holds = ["auth", "configuration", "mapping", "transient", "other"].map((kind) =>
      found.value("connector_lane_holds", { kind }),
    );
    expect(holds).toEqual([2, 0, 1, 0, 1]);

    backlog = () => Promise.resolve(IDLE);
    now = () => (nowMs += 1);
    const later = await scrape();
    expect(later.sum("connector_lane_holds")).toBe(0);
    expect(later.value("connector_outbox_oldest_age_seconds")).toBe(0);
  });

  it("is unknown, not zero, while the store does not answer", async () => {
    await scrape();
    backlog = () => Promise.reject(new Error("gone"));
    const found = await scrape();
    expect(found.value("connector_store_up")).toBe(0);
    for (const name of ["outbox_entries", "outbox_oldest_age_seconds", "tells_waiting", "lanes", "dead_letters"]) {
      expect(found.value(`connector_${name}`)).toBeNaN();
    }
    expect(found.value("connector_lane_holds", { kind: "auth" })).toBeNaN();
  });

  it("does not wait for the budget then, which is where the store is", async () => {
    backlog = () => Promise.reject(new Error("gone"));
    budgetLeft = () => new Promise(() => undefined);
    expect((await scrape()).value("connector_store_up")).toBe(0);
  });

  it("has no age below zero when the clock was set back", async () => {
    backlog = () => Promise.resolve({ ...IDLE, outbox: 1, oldestAtMs: NOW + 5_000 });
    expect((await scrape()).value("connector_outbox_oldest_age_seconds")).toBe(0);
  });

  it("has the size of its file", async () => {
    expect((await scrape()).value("connector_store_size_bytes")).toBeNaN();
    const folder = mkdtempSync(join(tmpdir(), "metrics-"));
    storeFile = join(folder, "data.mdb");
    writeFileSync(storeFile, "x".repeat(4_096));
    expect((await scrape(make())).value("connector_store_size_bytes")).toBe(4_096);
    rmSync(folder, { recursive: true, force: true });
  });

  it("has the space that is left on its disk", async () => {
    expect((await scrape()).value("connector_disk_free_bytes")).toBeNaN();
    freeDiskBytes = 12_345;
    expect((await scrape()).value("connector_disk_free_bytes")).toBe(12_345);
  });

  it("says what runs", async () => {
    const labels = { version: "1.2.3", node: process.version, role: "all" };
    expect((await scrape()).value("connector_build_info", labels)).toBe(1);
  });

  it("counts the processes that use the store", async () => {
    const worker = { role: "worker", version: "1.2.3" };
    processes = () => Promise.resolve([worker, worker, { role: "web", version: "1.2.4-beta.1" }, {}]);
    const scraped = await scrape();
    expect(scraped.value("connector_processes", worker)).toBe(2);
    expect(scraped.value("connector_processes", { role: "web", version: "1.2.4-beta.1" })).toBe(1);
    expect(scraped.value("connector_processes", { role: "other", version: "other" })).toBe(1);
    processes = () => Promise.reject(new Error("Redis is lost."));
    expect((await scrape()).value("connector_processes", worker)).toBeUndefined();
  });

  it("counts what comes of sharing the store, and what that has lost", async () => {
    const scraped = await scrape();
    expect(scraped.value("connector_shared_store_events_total", { event: "commit_conflict" })).toBe(3);
    expect(scraped.value("connector_shared_store_events_total", { event: "lease_lost" })).toBe(0);
    expect((await scrape()).value("connector_shared_store_events_total", { event: "commit_conflict" })).toBe(3);
    expect(scraped.value("connector_store_losses")).toBe(1);
    expect(scraped.value("connector_store_last_loss_timestamp_seconds")).toBe(60);
  });

  it("has no limit without a budget", async () => {
    expect((await scrape()).value("connector_request_budget_left")).toBe(Infinity);
  });
});

test("the process and its event loop are watched, however often it is asked", async () => {
  await scrape();
  const found = await scrape();
  expect(found.value("nodejs_eventloop_lag_p50_seconds")).toEqual(expect.any(Number));
  expect(found.value("nodejs_eventloop_lag_p99_seconds")).toEqual(expect.any(Number));
  expect(found.value("process_resident_memory_bytes")).toBeGreaterThan(1_000_000);
});

test("two connectors in one process know nothing of each other", async () => {
  metrics.call(call());
  const other = await scrape(make());
  expect(other.sum("connector_call_duration_seconds_count")).toBe(0);
  expect((await scrape()).sum("connector_call_duration_seconds_count")).toBe(1);
});

test("what the process itself has used is not counted anew when its connector begins anew", async () => {
  const used = async (of: Metrics): Promise<number> => (await scrape(of)).value("process_cpu_seconds_total") ?? NaN;
  const began = await used(metrics);
  const sinceThen = process.cpuUsage();
  while (process.cpuUsage(sinceThen).user < 30_000);
  const before = await used(metrics);
  expect(before).toBeGreaterThan(began);
  expect(await used(make())).toBeGreaterThanOrEqual(before);
});
