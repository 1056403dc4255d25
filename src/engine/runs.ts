/**
 * Runs: begun by the schedule or by a person, carried on after a restart, ended with a line in the log. What is under way
 * stands in the store; a sweep looks after it, so that nothing here has to be trusted to remember.
 */
import { randomBytes } from "node:crypto";
import type { ExtractReader } from "../hull/extract";
import type { Firehose } from "../hull/firehose";
import type { Service } from "../services/service";
import type { RunOptions, RunRow } from "../storage/rows";
import type { Seal } from "../storage/seal";
import type { Store } from "../storage/store";
import { runBatch } from "./batch";
import { watchBacklogs } from "./drain";
import { runFetch } from "./fetch";
import type { StepRow } from "./fetch-step";
import { createIntake, type Intake } from "./intake";
import type { Stop } from "./patience";
import type { RetryPace } from "./pass";
import type { Timing } from "./resolve";
import { entityContext, type Log } from "./report";
import { jobLine } from "./run-lines";
import type { BatchOrder, FetchAnswer, Runs } from "./run-orders";
import { copyFigures, copyReport, drainSimulation, dryFirehose } from "./simulate";
import type { Credentials, Tenant, Tenants } from "./tenants";

export interface RunsOptions<S> {
  readonly store: Store;
  readonly service: Service<S>;
  readonly tenants: Tenants<S>;
  readonly intake: Intake<S>;
  readonly reader: ExtractReader;
  /** Refuses a link that may not be visited. @throws Error that says what to do */
  readonly checkLink: (url: string) => void;
  readonly firehose: (credentials: Credentials) => Firehose;
  /** Whether changed credentials lead to the records that are remembered; see `lanes.ts`. */
  readonly verify: (tenantKey: string) => Promise<"same" | "moved" | "wait">;
  /** Links to extracts carry signatures. */
  readonly seal: Seal;
  readonly log: Log;
  readonly now: () => number;
  readonly retry: RetryPace;
  readonly timing: Timing;
  /** A store for a simulated run. */
  readonly simulate: () => Promise<Shadow>;
  /** Entries of one tenant that may wait while a batch is read. */
  readonly maxWaiting: number;
  readonly sweepMs: number;
  readonly onError: (error: unknown) => void;
}

/** A store whose writes go with it. */
export interface Shadow {
  readonly store: Store;
  close(): Promise<void>;
}

type End = Stop | { readonly state: "stopped"; readonly error: string } | undefined;

/** Where a run works. */
interface Place<S> {
  readonly store: Store;
  readonly tenant: Tenant<S>;
  readonly run: RunRow;
}

interface FetchPlace<S> extends Place<S> {
  readonly firehose: (credentials: Credentials) => Firehose;
}

interface BatchPlace<S> extends Place<S> {
  readonly intake: Intake<S>;
}

/** Records of one delivery pass of a simulation. */
const BATCH = 5_000;
const MINUTE_MS = 60_000;
/** A fetch that ended early is not begun again at every call of the schedule. */
const AFTER_ERROR_MS = 30 * MINUTE_MS;
/** Runs to look through for the last one of a kind. */
const RECENT = 50;

export function createRuns<S>(options: RunsOptions<S>): Runs<S> {
  const { store, service, tenants, log, now } = options;
  const life = new AbortController();
  const active = new Map<string, { readonly run: RunRow; readonly work: Promise<void> }>();
  let sweeper: NodeJS.Timeout | undefined;
  let sweeping: Promise<void> | undefined;

  /** Begins what waits, and tells what ended. */
  async function sweep(): Promise<void> {
    await watchBacklogs(store, now);
    for (const run of await store.openRuns()) {
      if (life.signal.aborted) return;
      if (run.state === "waiting" || run.state === "running") launch(run);
      else await announce(run);
    }
  }

  function look(): Promise<void> {
    sweeping ??= sweep()
      .catch(options.onError)
      .finally(() => (sweeping = undefined));
    return sweeping;
  }

  function launch(run: RunRow): void {
    if (active.has(run.id) || run.kind === "drain" || run.complete === true) return;
    // One batch of a tenant after the other, in their order.
    const before = [...active.values()].some(
      (each) => each.run.kind === "batch" && run.kind === "batch" && each.run.tenant === run.tenant,
    );
    if (before) return;
    const work = execute(run)
      .catch(options.onError)
      .finally(() => {
        active.delete(run.id);
        if (!life.signal.aborted) void look();
      });
    active.set(run.id, { run, work });
  }

  async function execute(run: RunRow): Promise<void> {
    const started =
      run.state === "waiting" ? await store.changeRun(run.id, { state: "running", startedAtMs: now() }) : run;
    if (started === undefined) return;
    const tenant = await tenants.load(run.tenant);
    if (tenant === undefined) {
      await store.changeRun(run.id, { state: "error", error: "The connector is not known any more." });
      return;
    }
    log(jobLine(tenant.credentials, run.state === "waiting" ? "start" : "resume", started));
    const end = await (run.options.simulate === true ? simulate(tenant, started) : work(tenant, started));
    if (end === undefined) {
      if (run.kind === "fetch" || run.options.simulate === true) await store.changeRun(run.id, { state: "success" });
      return;
    }
    if (end.state !== "interrupted") await store.changeRun(run.id, end);
  }

  async function announce(run: RunRow): Promise<void> {
    const tenant = await tenants.load(run.tenant);
    await store.changeRun(run.id, { announced: true });
    if (tenant !== undefined) log(jobLine(tenant.credentials, run.state === "success" ? "success" : "error", run));
  }

  async function work(tenant: Tenant<S>, run: RunRow): Promise<End> {
    const { intake } = options;
    if (run.kind === "batch") return batch({ store, intake, tenant, run });
    return fetch({ store, tenant, run, firehose: options.firehose });
  }

  /** The same on a store of its own; the figures are copied to where people look for them. */
  async function simulate(known: Tenant<S>, run: RunRow): Promise<End> {
    const tenant = await confirmed(known);
    const shadow = await options.simulate();
    try {
      if (tenant === undefined) return { state: "error", error: UNCONFIRMED };
      const place = { store: shadow.store, tenant, run };
      const end = await (run.kind === "fetch"
        ? fetch({ ...place, firehose: () => dryFirehose })
        : simulateBatch(place));
      await copyFigures(shadow.store, store, run.id);
      if (run.options.verbose === true && end?.state !== "interrupted") await copyReport(shadow.store, store, run.id);
      return end;
    } finally {
      await shadow.close();
    }
  }

  async function simulateBatch({ store: books, tenant, run }: Place<S>): Promise<End> {
    const silent = createIntake({ store: books, service, log: () => undefined, now, wake: () => undefined });
    const { settings, remote } = tenant;
    const connection = tenants.connection(tenant);
    const intake: Intake<S> = {
      take: async (shipment) => {
        const report = await silent.take(shipment);
        if (settings === undefined || remote === undefined || connection === undefined) return report;
        const lane = { remote, tenant: tenant.key };
        const { timing, retry } = options;
        const signal = life.signal;
        undecided =
          (await drainSimulation({
            store: books,
            service,
            connection,
            settings,
            lane,
            run,
            timing,
            retry,
            batch: BATCH,
            now,
            signal,
          })) ?? undecided;
        await copyFigures(books, store, run.id);
        return report;
      },
    };
    let undecided: Stop | undefined;
    return (await batch({ store: books, intake, tenant, run })) ?? undecided;
  }

  /** Everything that both kinds need to be patient with. */
  function patience(books: Store, tenant: Tenant<S>, run: RunRow) {
    return {
      store: books,
      retry: options.retry,
      signal: life.signal,
      onWarning: (message: string) => log(jobLine(tenant.credentials, "warning", run, message)),
      onProgress: (row: RunRow) => log(jobLine(tenant.credentials, "progress", row)),
    };
  }

  async function fetch({ store: books, tenant: known, run, firehose: connect }: FetchPlace<S>): Promise<End> {
    const tenant = await confirmed(known);
    const type = service.types.find((each) => each.name === run.type);
    const connection = tenant === undefined ? undefined : tenants.connection(tenant);
    if (tenant?.settings === undefined || tenant.remote === undefined || connection === undefined) {
      return { state: "error", error: haltedBy(tenant ?? known) ?? UNCONFIRMED };
    }
    if (type === undefined) return { state: "error", error: `${service.name} has no ${run.type}.` };
    const firehose = connect(tenant.credentials);
    const rowLog = { tenant, verbose: run.options.verbose === true, entity: type.entity, type: type.name };
    try {
      return await runFetch(
        {
          ...patience(books, tenant, run),
          service,
          connection,
          firehose,
          settings: tenant.settings,
          lane: { remote: tenant.remote, tenant: tenant.key },
          type,
          settleMs: options.timing.settleMs,
          now,
          onRows: (rows) => rows.forEach((row) => logRow(rowLog, row)),
        },
        run,
        await store.lastRun(tenant.key, "fetch", type.name),
      );
    } finally {
      firehose.close();
    }
  }

  /** With changed credentials, what is remembered may be of another remote. */
  async function confirmed(tenant: Tenant<S>): Promise<Tenant<S> | undefined> {
    if (tenant.target === undefined || tenant.fingerprint === tenant.target.fingerprint) return tenant;
    return (await options.verify(tenant.key)) === "wait" ? undefined : tenants.load(tenant.key);
  }

  async function batch({ store: books, intake, tenant, run }: BatchPlace<S>): Promise<End> {
    const order = JSON.parse(options.seal.open(run.order ?? "")) as BatchOrder;
    const { reader, maxWaiting } = options;
    return runBatch({ ...patience(books, tenant, run), intake, reader, tenant, maxWaiting }, run, order);
  }

  function logRow(
    {
      tenant,
      verbose,
      entity,
      type,
    }: { tenant: Tenant<S>; verbose: boolean; entity: "user" | "account"; type: string },
    { row, claims, outcome, code }: StepRow,
  ): void {
    const name = outcome === "sent" ? (code === "hull_refused" ? "error" : "success") : "skip";
    log({
      level: code === "hull_refused" ? "warn" : verbose ? "info" : "debug",
      event: `incoming.${entity}.${name}`,
      get context() {
        return entityContext(tenant.credentials, entity, claims["id"] ?? "", claims);
      },
      data: { type, outcome, code, remote_id: row.record.id },
    });
  }

  function haltedBy({ problems, target }: Tenant<S>): string | undefined {
    if (problems.length > 0) return `The settings cannot be understood: ${problems.join("; ")}`;
    return target === undefined ? "No personal access token is configured; nothing can be fetched." : undefined;
  }

  /** When the next fetch may begin, milliseconds since 1970. */
  async function nextAt(tenant: string, type: string, intervalMs: number): Promise<number> {
    const last = await store.lastRun(tenant, "fetch", type);
    const recent = await store.runs({ tenant, limit: RECENT });
    const failed = recent.find((run) => run.kind === "fetch" && run.type === type && run.options.simulate !== true);
    const afterGood = last === undefined ? 0 : (last.startedAtMs ?? last.createdAtMs) + intervalMs;
    const afterBad = failed?.state === "error" ? (failed.endedAtMs ?? 0) + Math.min(intervalMs, AFTER_ERROR_MS) : 0;
    return Math.max(afterGood, afterBad);
  }

  /** Fetched types that hang on this one and belong to the same Hull entity. */
  function dependants(settings: S, type: string): readonly string[] {
    const own = service.types.find((each) => each.name === type);
    const fetched = service.fetchPolicy(settings).types.map((each) => each.type);
    return service.types
      .filter((each) => each.parent?.type === type && each.entity === own?.entity && fetched.includes(each.name))
      .map((each) => each.name);
  }

  function newRun(tenant: string, kind: RunRow["kind"], type: string, chosen: RunOptions) {
    const id = `${now().toString(36).padStart(9, "0")}-${randomBytes(6).toString("hex")}`;
    return { id, tenant, kind, type, options: chosen };
  }

  return {
    start: async () => {
      await look();
      sweeper = setInterval(() => void look(), options.sweepMs);
      sweeper.unref();
    },

    fetch: async (tenant, type, chosen, force): Promise<FetchAnswer> => {
      const reason = haltedBy(tenant);
      if (tenant.settings === undefined || reason !== undefined)
        return { kind: "halted", reason: reason ?? UNCONFIRMED };
      const policy = service.fetchPolicy(tenant.settings).types.find((each) => each.type === type);
      if (policy === undefined) return { kind: "halted", reason: `The settings fetch no ${type}.` };
      const next = force ? 0 : await nextAt(tenant.key, type, policy.intervalMinutes * MINUTE_MS);
      if (now() < next) {
        log(jobLine(tenant.credentials, "skip", { kind: "fetch", type }, INTERVAL));
        return { kind: "early", nextAtMs: next };
      }
      const { run, begun } = await store.beginRun(newRun(tenant.key, "fetch", type, chosen), true);
      launch(run);
      // What hangs on an entity's own records and has no schedule of its own is fetched with them.
      for (const each of dependants(tenant.settings, type)) {
        launch((await store.beginRun(newRun(tenant.key, "fetch", each, chosen), true)).run);
      }
      return { kind: begun ? "begun" : "underway", run };
    },

    batch: async (tenant, order, chosen) => {
      options.checkLink(order.url);
      const type = service.types.find((each) => each.entity === order.entity)?.name ?? order.entity;
      const sealed = options.seal.seal(JSON.stringify(order));
      const { run } = await store.beginRun({ ...newRun(tenant.key, "batch", type, chosen), order: sealed }, false);
      launch(run);
      return run;
    },

    close: async () => {
      life.abort();
      clearInterval(sweeper);
      await Promise.allSettled([...[...active.values()].map(({ work }) => work), sweeping]);
    },
  };
}

const INTERVAL = "Interval between last job and now is less than configured threshold";
const UNCONFIRMED = "The credentials could not be confirmed; the fetch is tried again by the schedule.";
