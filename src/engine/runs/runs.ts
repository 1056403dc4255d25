/**
 * Runs: begun by the schedule or by a person, continued after a restart, ended with a line in the log. What is running
 * is in the store and polled, so nothing depends on what this process remembers.
 */
import { DiskError } from "../../storage/port/disk";
import type { RunOptions, RunRow } from "../../storage/port/rows";
import { runPlace } from "../../storage/port/seal";
import { FenceLost, TenantErased } from "../../storage/port/leases";
import type { NewRun, Store } from "../../storage/port/store";
import type { Owned, Ownership } from "../ownership";
import { EVERYTHING, watchBacklogs } from "./backlog";
import type { Jobs } from "../../coordination/jobs";
import { jobLine, newRunId } from "./log";
import type { FetchAnswer, Runs } from "./orders";
import { STOP_LOOK_MS, stoppedBy } from "./stop";
import { haltedBy, UNCONFIRMED, workOn, type RunWorkOptions } from "./run";
import { countedAs, entityOf, typeNamed } from "../../services/types";
import type { Tenant } from "../tenants";
import { inSpan, type SpanOptions } from "../../tracing";

export interface RunsOptions<S> extends RunWorkOptions<S> {
  /** Whether what runs read may be kept; without room no run is begun or goes on. */
  readonly hasRoom: () => boolean;
  readonly jobs: Jobs;
  readonly ownership: Ownership;
  readonly pollMs: number;
  readonly onError: (error: unknown) => void;
}

interface Active {
  readonly run: RunRow;
  readonly ended: Promise<unknown>;
  readonly abort: () => void;
}

const WORK = "run";
const POLL = "runs";
const MINUTE_MS = 60_000;
/** A run whose work throws this often has met a bug of ours. */
const MOST_FAULTS = 5;
/** Customers read it: what is full or lost, and what to do, is in the log. */
const CUT_SHORT =
  "The dry run was ended: this server cannot keep anything new now. " +
  "Try again later; if it stays like this, tell those who run this server.";
/** A fetch that ended early is not begun again at every call of the schedule. */
const AFTER_ERROR_MS = 30 * MINUTE_MS;
/** By how much a call of Hull's schedule may come too early. */
const CALL_SLACK_MS = 2 * MINUTE_MS;
/** Runs to search for the last one of a kind. */
const RECENT = 50;
/** The words that users of the earlier connector look for. */
const INTERVAL = "Interval between last job and now is less than configured threshold";

export function createRuns<S>(options: RunsOptions<S>): Runs<S> {
  const { store, service, tenants, jobs, ownership, log, now } = options;
  const life = new AbortController();
  const active = new Map<string, Active>();
  /** How often a run's work threw; see `MOST_FAULTS`. */
  const faults = new Map<string, number>();
  /** Dry runs that a full disk, or a lost Redis, ended, where that could not be written down. */
  const cutShort = new Set<string>();

  /** Begins what waits, and reports what ended. */
  async function poll({ store: own, signal }: Owned): Promise<void> {
    await watchBacklogs(own, now, logStart);
    for (const { id } of await own.openRuns()) {
      if (life.signal.aborted || signal.aborted) return;
      // It may have ended while others were looked at.
      const run = await own.run(id);
      if (run === undefined) continue;
      if (run.state === "waiting" || run.state === "running") launch(run);
      else await announce(own, run);
    }
  }

  /** What ended is reported once. */
  async function pollAlone(): Promise<void> {
    await ownership.own(`runs/${service.name}`, { work: poll });
  }

  async function logStart(run: RunRow): Promise<void> {
    const tenant = await tenants.load(run.tenant);
    if (tenant !== undefined) log(jobLine(tenant.credentials, "start", run));
  }

  function launch(run: RunRow): void {
    if (run.kind !== "drain" && run.complete !== true) jobs.wake([WORK, run.id]);
  }

  async function work(id: string, owned: Owned): Promise<void> {
    const run = await store.run(id);
    if (run === undefined || (run.state !== "waiting" && run.state !== "running") || run.complete === true) return;
    const isToStop = run.stopAskedAtMs !== undefined;
    if (!isToStop && !options.hasRoom() && !cutShort.has(id)) return;
    if (!isToStop && run.kind === "batch" && (await isBehindAnother(run))) return;
    const own = new AbortController();
    const look = setInterval(() => void lookForStop(id, own), STOP_LOOK_MS);
    look.unref();
    const further = execute(
      run,
      owned.storeFor(run.tenant),
      AbortSignal.any([life.signal, own.signal, owned.signal]),
    ).then(
      () => true,
      (error: unknown) => stumble(run, error),
    );
    active.set(id, { run, abort: () => own.abort(), ended: further });
    const ended = further.finally(() => {
      clearInterval(look);
      active.delete(id);
    });
    if (await ended) jobs.wake([POLL]);
  }

  /** Another process may have written that it is to stop. */
  async function lookForStop(id: string, own: AbortController): Promise<void> {
    // A store that cannot say is asked again.
    const row = await store.run(id).catch(() => undefined);
    if (row?.stopAskedAtMs !== undefined) own.abort();
  }

  /** The batches of a tenant, one after the other. */
  async function isBehindAnother({ id, tenant }: RunRow): Promise<boolean> {
    const batches = (await store.openRuns()).filter((each) => each.kind === "batch" && each.tenant === tenant);
    const first = batches.find(
      ({ state, complete }) => complete !== true && (state === "waiting" || state === "running"),
    );
    return first !== undefined && first.id !== id;
  }

  /** Its work threw: the poll tries again, a few times. Returns whether others may continue at once. */
  async function stumble(run: RunRow, error: unknown): Promise<boolean> {
    if (error instanceof FenceLost || error instanceof TenantErased) throw error;
    // Its tenant was erased during it: what was missing then is no error.
    if (await isGone(run)) return true;
    options.onError(error);
    if (error instanceof DiskError) {
      // A real run goes on where it stood when there is room again; of a dry run, where it worked is gone.
      if (run.options.simulate === true) cutShort.add(run.id);
      return false;
    }
    const times = (faults.get(run.id) ?? 0) + 1;
    faults.set(run.id, times);
    if (times < MOST_FAULTS) return false;
    faults.delete(run.id);
    const end = {
      state: "error",
      error: "Something went wrong on our side. Ask those who run this server; their log says what.",
    } as const;
    await store.changeRun(run.id, end).catch(options.onError);
    return true;
  }

  /** False when the store cannot say: then the error is reported. */
  async function isGone({ id }: RunRow): Promise<boolean> {
    return store.run(id).then(
      (row) => row === undefined,
      () => false,
    );
  }

  async function execute(run: RunRow, store: Store, signal: AbortSignal): Promise<void> {
    if (cutShort.has(run.id)) {
      await store.changeRun(run.id, { state: "error", error: CUT_SHORT });
      cutShort.delete(run.id);
      return;
    }
    if (run.stopAskedAtMs !== undefined) {
      await store.changeRun(run.id, stoppedBy(run));
      return;
    }
    const started =
      run.state === "waiting" ? await store.changeRun(run.id, { state: "running", startedAtMs: now() }) : run;
    if (started === undefined) return;
    const tenant = await tenants.load(run.tenant);
    if (tenant === undefined) {
      await store.changeRun(run.id, { state: "error", error: "The connector is not known any more." });
      return;
    }
    log(jobLine(tenant.credentials, run.state === "waiting" ? "start" : "resume", started));
    const end = await inSpan(`run ${run.kind}`, { attributes: attributesOf(run) }, async (fail) => {
      const ended = await workOn({ ...options, store }, tenant, started, signal);
      if (ended?.state === "error") fail("run_error");
      return ended;
    });
    if (end === undefined) {
      const delivering = (run.kind === "batch" || run.kind === "replay") && run.options.simulate !== true;
      const { done } = (await store.run(run.id)) ?? run;
      if (!delivering) await store.changeRun(run.id, { state: "success", total: done });
    } else if (end.state !== "interrupted") await store.changeRun(run.id, end);
    else if ((await store.run(run.id))?.stopAskedAtMs !== undefined) await store.changeRun(run.id, stoppedBy(run));
  }

  function attributesOf({ type, options: { simulate } }: RunRow): SpanOptions["attributes"] {
    return { "connector.service": service.name, "connector.type": type, "connector.dry_run": simulate === true };
  }

  async function announce(own: Store, run: RunRow): Promise<void> {
    const tenant = await tenants.load(run.tenant);
    if (tenant !== undefined) log(jobLine(tenant.credentials, run.state === "success" ? "success" : "error", run));
    await own.changeRun(run.id, { announced: true });
  }

  /** When the next fetch may begin, milliseconds since 1970, and the last good one by which that was decided. */
  async function nextAt(
    tenant: string,
    type: string,
    intervalMs: number,
  ): Promise<{ readonly atMs: number; readonly last: string | undefined }> {
    const last = await store.lastRun(tenant, "fetch", type);
    const recent = await store.runs({ tenant, limit: RECENT });
    const newest = recent.find((run) => run.kind === "fetch" && run.type === type && run.options.simulate !== true);

    // Since it was asked for: what held its start up must not make the next call of the same interval come too early.
    const afterGood = last === undefined ? 0 : last.createdAtMs + waitOf(intervalMs);
    return { atMs: Math.max(afterGood, afterBad(newest, intervalMs)), last: last?.id };
  }

  function newRun(tenant: string, kind: RunRow["kind"], type: string, chosen: RunOptions): NewRun {
    return { id: newRunId(now()), tenant, kind, type, options: chosen };
  }

  /** Fetched types that depend on this one and belong to the same Hull entity. */
  function dependants(settings: S, type: string): readonly string[] {
    const own = typeNamed(service, type);
    const fetched = service.fetchPolicy(settings).types.map((each) => each.type);
    return service.types
      .filter((each) => each.parent?.type === type && each.entity === own?.entity && fetched.includes(each.name))
      .map((each) => each.name);
  }

  async function fetch(
    tenant: Tenant<S>,
    entity: "user" | "account",
    chosen: RunOptions,
    force: boolean,
  ): Promise<FetchAnswer> {
    const { settings, key, credentials } = tenant;
    const halted = haltedBy(service, tenant);
    if (settings === undefined || halted !== undefined) return { kind: "halted", reason: halted ?? UNCONFIRMED };
    // Parents come before their children, which are fetched with them.
    const policy = service.fetchPolicy(settings).types.find((each) => entityOf(service, each.type) === entity);
    if (policy === undefined) return { kind: "halted", reason: `The settings fetch no ${countedAs(service, entity)}.` };
    const { type } = policy;
    const next = force ? undefined : await nextAt(key, type, policy.intervalMinutes * MINUTE_MS);
    if (next !== undefined && now() < next.atMs) {
      log(jobLine(credentials, "skip", { kind: "fetch", type }, INTERVAL));
      return { kind: "early", nextAtMs: next.atMs };
    }
    const asked = force ? { ...chosen, trust: true as const } : chosen;
    const { run, begun } = await store.beginRun(newRun(key, "fetch", type, asked), true, next);
    // Another one began and ended while this was decided, so it is decided anew.
    if (!begun && run.endedAtMs !== undefined) return fetch(tenant, entity, chosen, force);
    launch(run);
    // What depends on an entity's own records and has no schedule of its own is fetched with them.
    for (const each of dependants(settings, type)) {
      launch((await store.beginRun(newRun(key, "fetch", each, asked), true)).run);
    }
    return { kind: begun ? "begun" : "underway", run };
  }

  jobs.serve(WORK, async (id = "") => {
    await ownership.own(`run/${id}`, { work: (owned) => work(id, owned) });
  });
  jobs.serve(POLL, pollAlone);

  return {
    start: async () => {
      await pollAlone();
      jobs.every([POLL], options.pollMs);
    },

    fetch,

    batch: async (tenant, order, chosen) => {
      const type = countedAs(service, order.entity);
      const fresh = newRun(tenant.key, "batch", type, chosen);
      const sealed = options.seal.seal(JSON.stringify(order), runPlace(fresh));
      const { run } = await store.beginRun({ ...fresh, order: sealed }, false);
      // Earlier batches are processed first.
      jobs.wake([POLL]);
      return run;
    },

    replay: async ({ key }, chosen) => {
      const fresh = newRun(key, "replay", EVERYTHING, { verbose: true });
      const { run } = await store.beginRun({ ...fresh, checkpoint: { chosen } }, false);
      launch(run);
      return run;
    },

    stop: async (id) => {
      const run = await store.changeRun(id, { stopAskedAtMs: now() });
      active.get(id)?.abort();
      // One that has not begun.
      if (run !== undefined) launch(run);
      return run;
    },

    abandon: async (tenantKey) => {
      const own = [...active.values()].filter(({ run }) => run.tenant === tenantKey);
      own.forEach(({ abort }) => abort());
      // A poll that saw what waited of the tenant may be about to begin a drain of it.
      await Promise.all([...own.map(({ ended }) => ended), jobs.idle(POLL)]);
    },

    close: () => life.abort(),
  };
}

/**
 * From when a good fetch was asked for to the next. Hull may call by the same interval, and its calls come a little earlier or
 * later: one that is early by less than the slack must not wait for the one after it.
 */
const waitOf = (intervalMs: number): number => intervalMs - Math.min(CALL_SLACK_MS, intervalMs / 10);

/** When the next fetch may begin after one that ended early. Whoever stopped one does not want the next right away. */
function afterBad(newest: RunRow | undefined, intervalMs: number): number {
  const { state, endedAtMs = 0 } = newest ?? {};
  if (state === "stopped") return endedAtMs + Math.max(intervalMs, AFTER_ERROR_MS);
  return state === "error" ? endedAtMs + Math.min(intervalMs, AFTER_ERROR_MS) : 0;
}
