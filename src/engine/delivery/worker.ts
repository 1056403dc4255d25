/**
 * The loops that drain the outbox: per lane one that delivers to the service and one that updates Hull. They are
 * woken by intake, by their own clock, and by a poll, so that no wake-up has to be trusted.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Firehose } from "../../hull/firehose/firehose";
import type { Service } from "../../services/service";
import type { Job, JobHandler, Jobs } from "../../coordination/jobs";
import { FenceLost, TenantErased } from "../../storage/port/leases";
import { connectorIn } from "../../storage/port/lane";
import type { Lane, RecordOutcome, Store } from "../../storage/port/store";
import type { Owned, OwnedTask, Ownership } from "../ownership";
import { deliverType } from "./cycle";
import { createPauses, type Pauses } from "./pauses";
import type { CycleOptions } from "./context";
import type { RetryPace } from "../../http/retry";
import { leftOutLine, outcomeLine, type Log } from "../../outcome/log-lines";
import { hasUnrepeatableChanges, type Timing } from "./resolve";
import type { Credentials, Tenant, Tenants } from "../tenants";
import { createVerifier } from "./credentials-changed";
import { sendHullUpdates } from "../hull-updates/write-back";
import { typeNamed } from "../../services/types";
import type { Seal } from "../../storage/port/seal";

export interface DeliveryWorkerOptions<S> {
  readonly store: Store;
  readonly service: Service<S>;
  readonly seal: Seal;
  readonly tenants: Tenants<S>;
  readonly firehose: (credentials: Credentials) => Firehose;
  readonly jobs: Jobs;
  readonly ownership: Ownership;
  readonly log: Log;
  readonly now: () => number;
  readonly timing: Timing;
  readonly pace: Pace;
  /** Whether results can be kept. */
  readonly isWritable: () => boolean;
  /** Told when this process may have written records that another one works on by then. */
  readonly onRecheck?: (records: number) => void;
  /** Called with errors that are our own fault. */
  readonly onError: (error: unknown) => void;
}

export interface Pace {
  readonly retry: RetryPace;
  /** Debounce: how long a wake-up waits for more, so that several shipments become one write. Milliseconds. */
  readonly debounceMs: number;
  /** How often every lane is polled, with or without a wake-up. Milliseconds. */
  readonly pollMs: number;
  /** Pause of a lane whose credentials or mapping are refused. Milliseconds. */
  readonly pauseMs: number;
  /** Most entries per cycle. */
  readonly batch: number;
}

export interface DeliveryWorker {
  /** Recovers what a former process left in flight, and looks at every lane. */
  start(): Promise<void>;
  wake(lane: Lane): void;
  /** Whether a tenant's changed credentials still lead to the remembered records; `moved`: load it again. */
  verify(tenantKey: string): Promise<"same" | "moved" | "wait">;
  /** Ends the pauses of a tenant's lane: its settings may have been mended. */
  release(lane: Lane): Promise<void>;
  /** Logs outcomes that were written outside of a cycle. */
  announce(outcomes: readonly RecordOutcome[]): void;
  /** Resolves when the running cycles have ended. */
  idle(): Promise<void>;
  /** Ends running cycles at their next durable point; they are done when their jobs are. */
  close(): void;
}

const DELIVER = "deliver";
const UPDATE_HULL = "tell";
const POLL = "poll";
/** Rows per firehose cycle. */
const HULL_UPDATE_BATCH = 500;
const MAX_DEBOUNCES = 4;
/** So long a job works on one remote before it lets others have a turn. Milliseconds. */
const SLICE_MS = 30_000;
/** How often it is looked whether a remote that another process works on is free, while there is something to do. */
const OWNED_LOOK_MS = 500;

export function createDeliveryWorker<S>(options: DeliveryWorkerOptions<S>): DeliveryWorker {
  const { store, service, tenants, jobs, ownership, log, now, timing, pace } = options;
  const typeNames = service.types.map((type) => type.name);
  const life = new AbortController();
  const closing = (): boolean => life.signal.aborted;

  /** One delivery job per remote: two connectors of one remote must not create the same record at once. */
  const deliverJob = ({ remote }: Pick<Lane, "remote">): Job => [DELIVER, remote];
  const hullUpdateJob = ({ remote, tenant }: Lane): Job => [UPDATE_HULL, remote, tenant];

  const pausesIn = (there: Store): Pauses =>
    createPauses({
      store: there,
      types: typeNames,
      log,
      now,
      pace,
      wakeAt: (lane, atMs) => jobs.wakeAt(deliverJob(lane), atMs),
    });
  const pauses = pausesIn(store);

  const verify = createVerifier({ store, service, tenants, pauses, wake, report, complain });

  function wake(lane: Lane): void {
    jobs.wake(deliverJob(lane));
  }

  function report(outcomes: readonly RecordOutcome[]): void {
    for (const { tenant, ...ended } of outcomes) {
      const { logName, entity = "user" } = typeNamed(service, ended.type) ?? {};
      log(outcomeLine(connectorIn(tenant), { entity, ...ended, logName }, service.outcomes));
    }
  }

  const lanesOf = async (remote: string): Promise<readonly Lane[]> =>
    (await store.lanes()).filter((lane) => lane.remote === remote);

  function isRepeatable(name: string): boolean {
    const type = typeNamed(service, name);
    return type === undefined || !hasUnrepeatableChanges(type);
  }

  async function recover(there: Store, lane: Lane, isSilent: boolean): Promise<void> {
    report((await there.recover(lane, timing.settleMs, isSilent, isRepeatable)).outcomes);
  }

  /** Works on a remote while this process owns it; what somebody else left in flight there is recovered first. */
  async function own<T>(remote: string, work: OwnedTask<T>["work"], leavesFlights?: boolean): Promise<T | undefined> {
    const recoverAll = async (there: Store): Promise<void> => {
      for (const lane of await lanesOf(remote)) await recover(there, lane, there !== store);
      await there.trust(remote);
    };
    return ownership.own(remote, { work, recover: recoverAll, leavesFlights });
  }

  /** Its owner may only be updating Hull, or be dead: a process must look more than once to see since when it is silent. */
  function lookAgain(remote: string): void {
    jobs.wakeHereAt(deliverJob({ remote }), now() + OWNED_LOOK_MS);
  }

  /** What Hull must be told is sent meanwhile, and again while a delivery takes its time. */
  async function serve(remote: string): Promise<void> {
    const served = await own(
      remote,
      async (owned) => {
        const wakeHullUpdates = async (): Promise<void> => {
          for (const lane of await lanesOf(remote)) jobs.wakeHere(hullUpdateJob(lane));
        };
        await wakeHullUpdates();
        const timer = setInterval(() => void wakeHullUpdates().catch(options.onError), pace.pollMs).unref();
        await deliver(owned, remote).finally(() => clearInterval(timer));
        return true;
      },
      true,
    );
    if (served === undefined) lookAgain(remote);
  }

  function complain(tenant: Tenant<S>, event: string, message: string, data: Record<string, unknown> = {}): void {
    const { organization, id } = tenant.credentials;
    log({ level: "warn", event, context: { organization, id }, data: { message, ...data } });
  }

  async function deliver(owned: Owned, remote: string): Promise<void> {
    const ended = (): boolean => closing() || owned.signal.aborted;
    await debounce(remote);
    const endMs = now() + SLICE_MS;
    // Connectors that share a remote alternate, so that a long backlog of one does not stop the others.
    let idle: readonly Lane[] = [];
    for (let worked = true; worked && !ended();) {
      if (now() > endMs) {
        jobs.wake(deliverJob({ remote }));
        return;
      }
      worked = false;
      const quiet: Lane[] = [];
      for (const lane of await lanesOf(remote)) {
        const result = await safely(owned, lane);
        worked ||= result === "worked";
        if (result === "idle") quiet.push(lane);
      }
      idle = quiet;
    }
    for (const lane of idle) {
      const due = await store.nextDue(lane, await pauses.free(lane));
      if (due !== undefined) jobs.wakeAt(deliverJob(lane), Math.max(due, now() + 1));
    }
  }

  /** Waits for more of the same: once, and again while shipments keep coming. */
  async function debounce(remote: string): Promise<void> {
    if (pace.debounceMs === 0) return;
    let before = await waiting(remote);
    for (let times = 0; times < MAX_DEBOUNCES && before < pace.batch && !closing(); times += 1) {
      // Shutting down does not wait for this.
      await sleep(pace.debounceMs, undefined, { signal: life.signal }).catch(() => undefined);
      const after = await waiting(remote);
      if (after <= before) return;
      before = after;
    }
  }

  /** Entries of a remote, whatever they wait for. */
  async function waiting(remote: string): Promise<number> {
    const depths = await Promise.all((await lanesOf(remote)).map((lane) => store.depth(lane)));
    return depths.reduce((sum, { outbox }) => sum + outbox, 0);
  }

  /** An error of one tenant must not stop the others of its remote, and what it had in flight must be recovered. */
  async function safely(owned: Owned, lane: Lane): Promise<"worked" | "idle" | "stuck"> {
    try {
      return await cycleOf(owned, lane);
    } catch (error) {
      if (error instanceof FenceLost) throw error;
      if (error instanceof TenantErased) return "stuck";
      options.onError(error);
      // Should the store refuse even this, it is done before anything else is done there.
      await recover(owned.store, lane, false);
      return "stuck";
    }
  }

  /** One cycle over every type of one tenant. `stuck`: nothing can move until a person or another job acts. */
  async function cycleOf(owned: Owned, lane: Lane): Promise<"worked" | "idle" | "stuck"> {
    const tenant = await tenants.load(lane.tenant);
    const connection = tenant === undefined ? undefined : tenants.connection(tenant);
    if (tenant?.settings === undefined || tenant.target === undefined || connection === undefined) return "stuck";
    if (tenant.remote !== undefined && tenant.remote !== lane.remote) {
      // Accepted at the moment when the tenant moved: it belongs to the tenant's current remote.
      report(await owned.storeFor(lane.tenant).move(lane, tenant.remote));
      wake({ remote: tenant.remote, tenant: lane.tenant });
      return "stuck";
    }
    if ((await verify(lane, tenant, connection)) !== "same") return "stuck";
    const cycle: CycleOptions<S> = {
      store: owned.storeFor(lane.tenant),
      recheck: async (records) => {
        options.onRecheck?.(records.length);
        await store.recheck(lane, records);
      },
      service,
      seal: options.seal,
      connection,
      settings: tenant.settings,
      lane,
      timing,
      retry: pace.retry,
      batch: pace.batch,
      now,
      onOutcomes: report,
      onLeftOut: (type, values) => log(leftOutLine(tenant.credentials, type, values)),
    };
    const own = pausesIn(cycle.store);
    const isLost = (): boolean => owned.signal.aborted;
    let worked = false;
    for (const type of await own.free(lane)) {
      if (closing() || isLost()) break;
      const result = await deliverType(cycle, type);
      worked ||= result.worked;
      if (result.worked) jobs.wakeHere(hullUpdateJob(lane));
      // That this process may send nothing any more is no reason for others to wait.
      if (isLost()) break;
      if (result.problem !== undefined) await own.stop(lane, tenant.credentials, type, result.problem);
      else if (result.worked) await own.passed(lane, type);
      if (result.problem?.scope === "lane") break;
    }
    return worked ? "worked" : "idle";
  }

  async function updateHull(owned: Owned, lane: Lane): Promise<void> {
    const tenant = await tenants.load(lane.tenant);
    if (tenant === undefined) return;
    const firehose = options.firehose(tenant.credentials);
    try {
      for (let more = true; more && !closing() && !owned.signal.aborted;) {
        const told = await sendHullUpdates({
          store: owned.storeFor(lane.tenant),
          firehose,
          lane,
          types: service.types,
          serviceName: service.name,
          batch: HULL_UPDATE_BATCH,
          retry: pace.retry,
          unauthorisedMs: pace.pauseMs,
          now,
          onOutcomes: report,
        });
        if (told.hindrance !== undefined) {
          const { message, rows, untilMs } = told.hindrance;
          complain(tenant, "connector.hull_api.error", message, { rows, paused_ms: untilMs - now() });
          jobs.wakeAt(deliverJob(lane), untilMs);
          return;
        }
        more = told.more;
      }
    } finally {
      firehose.close();
    }
    const due = await store.nextHullUpdateDue(lane);
    if (due !== undefined) jobs.wakeAt(deliverJob(lane), Math.max(due, now() + 1));
  }

  async function poll(): Promise<void> {
    for (const lane of await store.lanes()) wake(lane);
  }

  // No call whose answer could not be kept; the poll looks again.
  const ifWritable =
    (work: JobHandler): JobHandler =>
    async (...on) => {
      if (options.isWritable()) await work(...on);
    };
  jobs.serve(
    DELIVER,
    ifWritable((remote = "") => serve(remote)),
  );
  jobs.serve(
    UPDATE_HULL,
    ifWritable(async (remote = "", tenant = "") => {
      await own(remote, (owned) => updateHull(owned, { remote, tenant }));
    }),
  );
  jobs.serve(POLL, poll);

  return {
    start: async () => {
      const remotes = new Set((await store.lanes()).map(({ remote }) => remote));
      for (const remote of remotes) {
        if ((await own(remote, () => Promise.resolve(true))) === undefined) lookAgain(remote);
      }
      jobs.every([POLL], pace.pollMs);
      await poll();
    },
    wake,
    verify: async (tenantKey) => {
      const tenant = await tenants.load(tenantKey);
      const connection = tenant === undefined ? undefined : tenants.connection(tenant);
      if (tenant?.remote === undefined || connection === undefined) return "wait";
      return verify({ remote: tenant.remote, tenant: tenant.key }, tenant, connection);
    },
    release: async (lane) => {
      await pauses.resume(lane);
      wake(lane);
    },
    announce: report,
    idle: async () => {
      await Promise.all([jobs.idle(DELIVER), jobs.idle(UPDATE_HULL)]);
    },
    close: () => life.abort(),
  };
}
