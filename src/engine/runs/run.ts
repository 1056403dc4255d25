/** The work of one run: a fetch or a batch, for real or as a dry run. */
import type { ExtractReader } from "../../hull/extract/extract";
import type { Firehose } from "../../hull/firehose/firehose";
import type { Service } from "../../services/service";
import type { RunRow } from "../../storage/port/rows";
import { runPlace, type Seal } from "../../storage/port/seal";
import type { Store } from "../../storage/port/store";
import { runBatch, type End } from "./batch";
import { runReplay, type ReplayOptions } from "./replay";
import { runFetch } from "../fetch/fetch";
import type { StepRow } from "../fetch/step";
import { createIntake, type Intake } from "../intake/intake";
import { leftOutOf, leftOutText } from "../../outcome/left-out";
import type { RetryPace } from "../../http/retry";
import type { Json } from "../../record";
import type { Stop } from "../rules/retry";
import { entityContext, type Log } from "../../outcome/log-lines";
import type { Timing } from "../delivery/resolve";
import { jobLine } from "./log";
import type { BatchOrder } from "./orders";
import { copyFigures, copyReport, drainDryRun, dryFirehose, endOfReport, type DryStore } from "../dry-run/dry-run";
import type { Credentials, Tenant, Tenants } from "../tenants";
import { typeNamed } from "../../services/types";

export interface RunWorkOptions<S> extends Pick<ReplayOptions<S>, "wake" | "announce"> {
  readonly store: Store;
  readonly service: Service<S>;
  readonly tenants: Tenants<S>;
  /** An intake that logs there, and writes to that store. */
  readonly intake: (log: Log, store: Store) => Intake<S>;
  readonly reader: ExtractReader;
  readonly firehose: (credentials: Credentials) => Firehose;
  /** Whether changed credentials lead to the remembered records; see `worker.ts`. */
  readonly verify: (tenantKey: string) => Promise<"same" | "moved" | "wait">;
  /** A store for a dry run. */
  readonly dryRun: () => Promise<DryStore>;
  /** Links to extracts carry signatures. */
  readonly seal: Seal;
  readonly log: Log;
  readonly now: () => number;
  readonly retry: RetryPace;
  readonly timing: Timing;
  /** Entries of one tenant that may wait while a batch is read. */
  readonly maxWaiting: number;
}

/** Where a run works. */
interface Place<S> {
  readonly store: Store;
  readonly tenant: Tenant<S>;
}

export const UNCONFIRMED = "The credentials could not be confirmed; the fetch is tried again by the schedule.";

const SEALED =
  "The link of the batch cannot be read any more, because this server's key was changed; send the batch again.";

/** Characters of a service's own reports that a run keeps. */
const MOST_REPORTED = 1_000_000;

/** Records per delivery cycle of a dry run. */
const BATCH = 5_000;

/**
 * Rows of a dry run that wait until they are decided together: as many as a call carries where the service itself is asked,
 * so that asking costs no more calls than the real run. Whoever wants to stop at the first failure looks after each group.
 */
function rowsTogether<S>({ options }: RunRow, { types }: Service<S>): number {
  if (options.stopOnError === true) return 0;
  return Math.max(0, ...types.map(({ writes }) => (writes?.dryRun === true ? (writes.most ?? 0) : 0)));
}

/** Why a tenant's settings do not allow a fetch; a sentence for people. */
export function haltedBy<S>({ unreachable }: Service<S>, { problems, target }: Tenant<S>): string | undefined {
  if (problems.length > 0) return `The settings cannot be understood: ${problems.join("; ")}`;
  return target === undefined ? `${unreachable}; nothing can be fetched.` : undefined;
}

/**
 * Carries a run out, from its checkpoint if it has one. Throws only when the store fails.
 *
 * @param signal ends it at its next durable point
 */
export async function workOn<S>(
  options: RunWorkOptions<S>,
  known: Tenant<S>,
  run: RunRow,
  signal: AbortSignal,
): Promise<End> {
  const { store, service, tenants, log, now, timing, retry } = options;
  // It only takes records in, as they were: the lane finds out where it delivers them.
  if (run.kind === "replay")
    return runReplay({ ...options, ...retrying({ store, tenant: known }), tenant: known }, run);
  const tenant = await confirmed(known);
  if (tenant === undefined) return { state: "error", error: haltedBy(service, known) ?? UNCONFIRMED };
  if (run.options.simulate === true) return dryRun();
  const real = { store, tenant };
  return run.kind === "batch" ? batch(real, options.intake) : fetch(real, options.firehose);

  /** With changed credentials, what is remembered may belong to another remote. */
  async function confirmed(before: Tenant<S>): Promise<Tenant<S> | undefined> {
    if (before.target === undefined || before.fingerprint === before.target.fingerprint) return before;
    // A batch only takes records in: the lane finds out before it delivers them.
    if (run.kind === "batch" && run.options.simulate !== true) return before;
    return (await options.verify(before.key)) === "wait" ? undefined : tenants.load(before.key);
  }

  function retrying(place: Place<S>) {
    const { credentials } = place.tenant;
    return {
      store: place.store,
      retry,
      signal,
      onWarning: (message: string) => log(jobLine(credentials, "warning", run, message)),
      onProgress: (row: RunRow) => log(jobLine(credentials, "progress", row)),
    };
  }

  async function fetch(place: Place<S>, connect: RunWorkOptions<S>["firehose"]): Promise<End> {
    const { settings, remote, key, credentials } = place.tenant;
    const type = typeNamed(service, run.type);
    const connection = tenants.connection(place.tenant);
    if (settings === undefined || remote === undefined || connection === undefined) {
      return { state: "error", error: haltedBy(service, place.tenant) ?? UNCONFIRMED };
    }
    if (type === undefined) return { state: "error", error: `${service.name} has no ${run.type}.` };
    const firehose = connect(credentials);
    const lane = { remote, tenant: key };
    const onRows = (rows: readonly StepRow[]): void => rows.forEach((row) => logRow(place.tenant, type.entity, row));
    const { settleMs } = timing;
    try {
      const order = { ...retrying(place), service, connection, firehose, settings, lane, type, settleMs, now, onRows };
      const end = await runFetch(order, run, await store.lastRun(key, "fetch", type.name));
      if (end?.state !== "interrupted") await sayLeftOut(place);
      return end;
    } finally {
      firehose.close();
    }
  }

  async function sayLeftOut({ store: there, tenant: { credentials } }: Place<S>): Promise<void> {
    const row = await there.run(run.id);
    const fields = leftOutOf(row?.leftOut);
    if (row === undefined || fields.length === 0) return;
    const text = leftOutText(fields);
    log(jobLine(credentials, "warning", row, `Hull cannot hold some values and was not told them: ${text}.`));
  }

  async function batch(place: Place<S>, intakeOn: RunWorkOptions<S>["intake"]): Promise<End> {
    const order = opened();
    if (order === undefined) return { state: "error", error: SEALED };
    const { reader, maxWaiting } = options;
    const { tenant } = place;
    const bounded = boundedLog(log);
    const intake = intakeOn(bounded.log, place.store);
    const end = await runBatch({ ...retrying(place), intake, reader, tenant, maxWaiting }, run, order);
    const left = bounded.leftOut();
    if (left > 0) log(jobLine(tenant.credentials, "warning", run, `${left} more rows cannot be read.`));
    return end;
  }

  /** Undefined when it was encrypted with another SECRET. */
  function opened(): BatchOrder | undefined {
    try {
      return JSON.parse(options.seal.open(run.order ?? "", runPlace(run))) as BatchOrder;
    } catch {
      return undefined;
    }
  }

  /** The same on a store of its own; the figures are copied to where people look for them. */
  async function dryRun(): Promise<End> {
    if (tenant === undefined) return undefined;
    const reported = run.options.verbose === true ? await endOfReport(store, run.id) : 0;
    const dryRun = await options.dryRun();
    try {
      const place = { store: dryRun.store, tenant };
      // What an earlier try of the same dry run counted is counted again from zero.
      const counts = Object.fromEntries(Object.entries(run.counts).map(([name, count]) => [name, -count]));
      await dryRun.store.changeRun(run.id, { counts, leftOut: {}, total: run.kind === "batch" ? 0 : undefined });
      const end = await (run.kind === "batch" ? dryRunBatch(place) : fetch(place, () => dryFirehose));
      await copyFigures(dryRun.store, store, run.id);
      if (run.options.verbose === true && end?.state !== "interrupted")
        await copyReport(dryRun.store, store, run.id, reported);
      return end;
    } finally {
      await dryRun.close();
    }
  }

  async function dryRunBatch(place: Place<S>): Promise<End> {
    const { settings, remote, key } = place.tenant;
    const connection = tenants.connection(place.tenant);
    const quiet = createIntake({
      store: place.store,
      service,
      seal: options.seal,
      log: () => undefined,
      now,
      wake: () => undefined,
    });
    let undecided: Stop | undefined;
    const reports: Json[] = [];
    let reported = 0;
    const onReport = (report: Json): void => {
      reported += JSON.stringify(report).length;
      if (reported <= MOST_REPORTED) reports.push(report);
    };
    async function decide(): Promise<void> {
      if (settings === undefined || remote === undefined || connection === undefined) return;
      const lane = { remote, tenant: key };
      const drain = {
        store: place.store,
        service,
        seal: options.seal,
        connection,
        settings,
        lane,
        run,
        timing,
        retry,
        now,
        signal,
        onReport,
      };
      const known = reports.length;
      undecided = (await drainDryRun({ ...drain, batch: BATCH })) ?? undecided;
      if (reports.length > known) await store.changeRun(run.id, { reports: [...reports] });
    }
    const together = rowsTogether(run, service);
    const take: Intake<S>["take"] = async (shipment) => {
      const report = await quiet.take(shipment);
      const { done = 0, total = 0 } = (await place.store.run(run.id)) ?? {};
      if (total - done >= together) await decide();
      await copyFigures(place.store, store, run.id);
      return report;
    };
    const end = await batch(place, () => ({ take }));
    if (end?.state !== "interrupted") await decide();
    return end ?? undecided;
  }

  function logRow({ credentials }: Tenant<S>, entity: "user" | "account", row: StepRow): void {
    const { outcome, code, claims, leftOut } = row;
    const refused = code === "hull_refused";
    const name = outcome !== "sent" ? "skip" : refused ? "error" : "success";
    log({
      level: refused ? "warn" : run.options.verbose === true ? "info" : "debug",
      event: `incoming.${entity}.${name}`,
      get context() {
        return entityContext(credentials, entity, claims["id"] ?? "", claims);
      },
      data: {
        type: run.type,
        outcome,
        code,
        remote_id: row.row.record.id,
        left_out: leftOut.length > 0 ? leftOut : undefined,
        ...run.options,
      },
      leftOut: leftOut.length > 0 && run.options.simulate !== true ? { type: run.type, values: leftOut } : undefined,
    });
  }
}

/** A file that is not an extract must not fill the log; these are enough lines to see what is wrong. */
const MOST_UNREADABLE = 10;

/** The same log, except that only the first unreadable rows have their own line; the others are logged at debug. */
function boundedLog(log: Log): { readonly log: Log; readonly leftOut: () => number } {
  let unreadable = 0;
  return {
    log: (line) => {
      const isUnreadable = line.ended?.outcome.code === "invalid_message";
      if (isUnreadable) unreadable += 1;
      // Still passed on, because metrics count outcomes by these lines.
      log(isUnreadable && unreadable > MOST_UNREADABLE ? { ...line, level: "debug" } : line);
    },
    leftOut: () => Math.max(0, unreadable - MOST_UNREADABLE),
  };
}
