/**
 * What operators watch over time, in Prometheus' format. Each call creates its own registry. No tenants and no ids:
 * a label has few values, all of them our own words, so that neither Hull nor the service can make the registry grow.
 */
import { stat } from "node:fs/promises";
import once from "lodash/once";
import { SHARED_EVENTS, type SharedEvent } from "./storage/storage";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Log } from "../src/outcome/log-lines";
import type { AlertEvent } from "../src/engine/alerts/alerts";
import type { CallRecord } from "../src/http/client";
import type { Problem } from "../src/services/connection";
import type { PresentProcess } from "../src/storage/port/leases";
import type { Backlog, Store } from "../src/storage/port/store";

export interface MetricsOptions {
  readonly store: Pick<Store, "backlog" | "losses">;
  /** Names of the services. */
  readonly services: readonly string[];
  /** Requests that may start now under a service's tightest budget; `Infinity` without one. */
  readonly budgetLeft: (service: string) => Promise<number>;
  /** Of this program. */
  readonly version: string;
  /** `ROLE` of this process. */
  readonly role: string;
  /** How often each thing has happened that comes of sharing the store. */
  readonly shared: ReadonlyMap<SharedEvent, number>;
  /** All processes that use the store. */
  readonly processes: () => Promise<readonly Pick<PresentProcess, "version" | "role">[]>;
  /** The file whose size is reported; undefined: there is none here. */
  readonly storeFile: string | undefined;
  /** Free space on its disk; `NaN` when it is not known. */
  readonly freeDiskBytes: () => number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface MeasuredNotification {
  /** As Hull wrote it; undefined when the body could not be read. */
  readonly channel: unknown;
  /** HTTP status of the answer; undefined when the sender hung up before it. */
  readonly status: number | undefined;
  readonly durationMs: number;
}

export interface Metrics {
  /** A service's log that counts the outcomes and left-out values that pass through it, whatever its level writes. */
  counting(service: string, log: Log): Log;
  /** One request to a service or Hull, retries included. */
  call(call: CallRecord): void;
  notification(service: string, notification: MeasuredNotification): void;
  /** One try to send an alert, or its end. */
  alert(event: Pick<AlertEvent, "kind" | "to" | "result">): void;
  /** Everything as text. Process metrics are collected from the first scrape on; without one they cost nothing. */
  scrape(): Promise<{ readonly contentType: string; readonly text: string }>;
}

const CHANNELS: ReadonlySet<unknown> = new Set([
  "user:update",
  "account:update",
  "user:delete",
  "ship:update",
  "users_segment:update",
  "users_segment:delete",
  "accounts_segment:update",
  "accounts_segment:delete",
]);
const HOLD_KINDS = ["auth", "configuration", "mapping", "transient"] as const satisfies readonly Problem["kind"][];
const OTHER = "other";

/** A property of the service. Names of custom fields are the customer's words and are not shown. */
const PROPERTY = /^[a-z_][a-z0-9]{0,40}$/i;
const CUSTOM = "custom.";
const WORD = /^[a-z][a-z_-]{0,40}$/i;
/** A template such as `/people/:id`: words and placeholders, no digits, so no id. */
const ROUTE = /^(\/(:?[a-z_-]{1,40})?)+$/i;
const VERSION = /^\d[\w.+-]{0,40}$/;
const STATUS = /^([1-5]\d\d|[a-z_]{1,20})$/;

/** Seconds. Hull waits 25 s; a bulk call to the service may take two minutes. */
const NOTIFICATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25];
const CALL_BUCKETS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** A process watches itself once, however often its connector begins anew. */
const processMetrics = once((): Registry => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
});

export function createMetrics(options: MetricsOptions): Metrics {
  const { store, services, budgetLeft, storeFile, freeDiskBytes, version, role, shared, processes, now } = options;
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, labelNames = ["service"]): Gauge =>
    new Gauge({ name, help, labelNames, registers });

  const outcomes = new Counter({
    name: "connector_outcomes_total",
    help: "Outcomes of messages; derived: of parents that were created for their children.",
    labelNames: ["service", "type", "outcome", "code", "derived"],
    registers,
  });
  const leftOut = new Counter({
    name: "connector_values_left_out_total",
    help: "Values that Hull cannot hold and was not told, by field; all custom fields together.",
    labelNames: ["service", "type", "field", "misfit"],
    registers,
  });
  const notifications = new Histogram({
    name: "connector_notification_duration_seconds",
    help: "Time until a notification from Hull was answered.",
    labelNames: ["service", "channel", "status"],
    buckets: NOTIFICATION_BUCKETS,
    registers,
  });
  const calls = new Histogram({
    name: "connector_call_duration_seconds",
    help: "Duration of single requests to the service and Hull, without the wait for the request budget.",
    labelNames: ["system", "method", "route", "status"],
    buckets: CALL_BUCKETS,
    registers,
  });
  const alerts = new Counter({
    name: "connector_alerts_total",
    help: "Messages of alerts: taken by their receiver, not taken and tried again, given up after a day.",
    labelNames: ["kind", "to", "result"],
    registers,
  });
  const type = bounded(WORD, 30);
  const code = bounded(WORD, 100);
  const field = bounded(PROPERTY, 100);
  const system = bounded(WORD, 10);
  const route = bounded(ROUTE, 60);
  const status = bounded(STATUS, 60);

  const storeUp = gauge("connector_store_up", "1 when the store answered this scrape, else 0.", []);
  const outbox = gauge("connector_outbox_entries", "Records that were accepted and are not delivered yet.");
  const oldest = gauge("connector_outbox_oldest_age_seconds", "Age of the oldest outbox entry; 0 when there is none.");
  const hullUpdates = gauge("connector_tells_waiting", "Records that Hull must still be told about.");
  const lanes = gauge("connector_lanes", "Lanes (tenant and remote) with anything to deliver or to tell.");
  const deadLetters = gauge(
    "connector_dead_letters",
    "Records that the service refused for good and that were not replaced since.",
  );
  const pauses = gauge("connector_lane_holds", "Lanes, or single types of them, that are paused, by reason.", [
    "service",
    "kind",
  ]);
  new Counter({
    name: "connector_shared_store_events_total",
    help: "What happens because several processes share the store: leases, refused fences, commits that are run again.",
    labelNames: ["event"],
    registers,
    // Counted where it happens.
    collect() {
      this.reset();
      for (const event of SHARED_EVENTS) this.inc({ event }, shared.get(event) ?? 0);
    },
  });
  const losses = gauge("connector_store_losses", "How often the store lost what it held within a week.", []);
  const lastLoss = gauge(
    "connector_store_last_loss_timestamp_seconds",
    "When it did so last; 0: not within a week.",
    [],
  );
  const present = gauge("connector_processes", "Processes that use the store, by what they say of themselves.", [
    "role",
    "version",
  ]);
  const versionOf = bounded(VERSION, 20);
  const storeBytes = gauge("connector_store_size_bytes", "Size of the store's file on disk.", []);
  const freeBytes = gauge("connector_disk_free_bytes", "Free space on the disk of DATA_DIR.", []);
  const budget = gauge("connector_request_budget_left", "Requests to the service that its tightest budget grants now.");
  gauge(
    "connector_build_info",
    "1; what runs is in the labels: the program's version, Node's, and the role of the process.",
    ["version", "node", "role"],
  )
    .labels(version, process.version, role)
    .set(1);

  /** An unknown value is NaN: an old value would be false, and 0 would look like good news. */
  function show(service: string, backlog: Backlog | undefined, left: number): void {
    outbox.set({ service }, backlog?.outbox ?? NaN);
    hullUpdates.set({ service }, backlog?.hullUpdates ?? NaN);
    lanes.set({ service }, backlog?.lanes ?? NaN);
    deadLetters.set({ service }, backlog?.deadLetters ?? NaN);
    const nowMs = now();
    const sinceMs = backlog === undefined ? NaN : (backlog.oldestAtMs ?? nowMs);
    oldest.set({ service }, Math.max(0, nowMs - sinceMs) / 1_000);
    budget.set({ service }, left);
    const kinds = backlog?.pauses.map((kind) => HOLD_KINDS.find((each) => each === kind) ?? OTHER);
    for (const kind of [...HOLD_KINDS, OTHER]) {
      pauses.set({ service, kind }, kinds === undefined ? NaN : kinds.filter((each) => each === kind).length);
    }
  }

  return {
    counting: (service, log) => (line) => {
      const { ended } = line;
      // A redelivered message was counted the first time; the store does the same.
      if (ended?.outcome.counted === true) {
        const { outcome, code: why, derived = false } = ended.outcome;
        outcomes.inc({ service, type: type(ended.type), outcome, code: code(why), derived: String(derived) });
      }
      for (const value of line.leftOut?.values ?? []) {
        const name = value.field.startsWith(CUSTOM) ? "custom" : field(value.field);
        leftOut.inc({ service, type: type(line.leftOut?.type ?? OTHER), field: name, misfit: value.misfit });
      }
      log(line);
    },
    call: (call) => {
      const ended = call.status === undefined ? (call.errorKind ?? OTHER) : String(call.status);
      calls.observe(
        { system: system(call.system), method: call.method, route: route(call.route), status: status(ended) },
        call.durationMs / 1_000,
      );
    },
    notification: (service, { channel, status: answered, durationMs }) => {
      const name = typeof channel === "string" && CHANNELS.has(channel) ? channel : OTHER;
      notifications.observe({ service, channel: name, status: String(answered ?? "aborted") }, durationMs / 1_000);
    },
    alert: ({ kind, to, result }) => alerts.inc({ kind, to, result }),
    scrape: async () => {
      let isUp = true;
      for (const service of services) {
        const backlog = await store.backlog(service).catch(() => undefined);
        isUp &&= backlog !== undefined;
        // Who waits for a store that is away would wait for the budget as well, and Prometheus does not wait so long.
        show(service, backlog, isUp ? await budgetLeft(service).catch(() => NaN) : NaN);
      }
      storeUp.set(isUp ? 1 : 0);
      const lost = await store.losses().catch(() => undefined);
      losses.set(lost?.length ?? NaN);
      lastLoss.set(lost === undefined ? NaN : (lost.at(-1)?.atMs ?? 0) / 1_000);
      present.reset();
      for (const each of await processes().catch(() => [])) {
        present.inc({ role: type(each.role ?? OTHER), version: versionOf(each.version ?? OTHER) });
      }
      const file = storeFile === undefined ? undefined : await stat(storeFile).catch(() => undefined);
      storeBytes.set(file?.size ?? NaN);
      freeBytes.set(freeDiskBytes());
      return { contentType: registry.contentType, text: await Registry.merge([registry, processMetrics()]).metrics() };
    },
  };
}

/** Keeps the first `most` values of the right form; every other one becomes "other". */
function bounded(shape: RegExp, most: number): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= most || !shape.test(value)) return OTHER;
    known.add(value);
    return value;
  };
}
