/** JSON lines on stdout in Hull's shape: `{level, time, message: event, context, data}`. */
import { writeSync } from "node:fs";
import pino, { type DestinationStream, type Logger } from "pino";
import { connectorIn } from "../src/storage/port/lane";
import { SERVER, type AlertEvent } from "../src/engine/alerts/alerts";
import { DiskError, systemErrorOf, type DamagedName } from "../src/storage/port/disk";
import type { Loss } from "../src/storage/port/leases";
import type { Log, LogLine } from "../src/outcome/log-lines";
import type { Log as CallLog } from "../src/http/log";
import { createRedactor } from "../src/http/guards/redact";
import { traceFields } from "../src/tracing";

/** @param destination where lines go; stdout by default */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    messageKey: "message",
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    // With the names that OpenTelemetry gives them in logs that know no traces of their own.
    mixin: () => traceFields() ?? {},
  };
  return pino(options, destination ?? standardOutput());
}

const BUSY_WAIT_MS = 10;

/** Where nobody reads, or the log's own disk is full, lines are lost; the process goes on, and ends when it is asked to. */
function standardOutput(): DestinationStream {
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  return {
    write: (line) => {
      let rest = Buffer.from(line);
      while (rest.length > 0) {
        try {
          rest = rest.subarray(writeSync(1, rest));
        } catch (error) {
          if (systemErrorOf(error)?.code !== "EAGAIN") return;
          Atomics.wait(nobody, 0, 0, BUSY_WAIT_MS);
        }
      }
    },
  };
}

/** One line when the disk of the data folder is too full, and one when it is not any more. */
export function createDiskLog(logger: Logger, folder: string) {
  return (trouble: string | undefined, freeBytes: number): void => {
    const data = { data_dir: folder, free_bytes: freeBytes };
    if (trouble === undefined) logger.info({ data }, "connector.disk.writable");
    else logger.error({ data: { ...data, reason: trouble } }, "connector.disk.full");
  };
}

/** One line when Redis is lost, and one when it is back. */
export function createRedisLog(logger: Logger) {
  return (trouble: string | undefined): void => {
    if (trouble === undefined) logger.info("connector.redis.back");
    else logger.error({ data: { reason: trouble } }, "connector.redis.lost");
  };
}

/** One line when what Redis held is found to be lost. */
export function createLossLog(logger: Logger) {
  return ({ commits }: Loss, why: string): void => {
    const reason = `${why} What to do: docs/operations/redis.md#redis-has-lost-writes`;
    logger.error({ data: { reason, commits } }, "connector.redis.writes_lost");
  };
}

/** One line when the store is not for this process: older ones keep it from upgrading it, or newer ones have upgraded it. */
export function createWaitLog(logger: Logger) {
  return (reason: string, isTooNew: boolean): void => {
    if (isTooNew) logger.error({ data: { reason } }, "connector.store.too_new");
    else logger.warn({ data: { reason } }, "connector.store.waits");
  };
}

/** One line for each try to send an alert. Of its receiver only the host is named: the rest may be a secret. */
export function createAlertLog(logger: Logger) {
  return ({ result, subject, ...data }: AlertEvent): void => {
    const line = { context: subject === SERVER ? undefined : connectorIn(subject), data };
    if (result === "sent") logger.info(line, "connector.alert.sent");
    else if (result === "failed") logger.warn(line, "connector.alert.failed");
    else logger.error(line, "connector.alert.given_up");
  };
}

/** One line for each row of the store whose value was not what was written. */
export function createDamageLog(logger: Logger) {
  return ({ table, tenant, type, hullId, remoteId }: DamagedName): void => {
    const data = {
      table,
      reason:
        "A value in the store was damaged on the disk. It cost this row alone: send the record again if it ended " +
        "`dead / damaged`, have the disk checked, and restore a backup if there are many such lines.",
    };
    const context = { tenant, type, hull_id: hullId, remote_id: remoteId };
    logger.error({ context, data }, "connector.store.damaged");
  };
}

/** Faults of ours, such as those of work in the background; those of the disk, and of Redis, have a line of their own already. */
export function createFaultLog(logger: Logger, event = "connector.job.error") {
  return (error: unknown, context?: Readonly<Record<string, unknown>>): void => {
    logger[error instanceof DiskError ? "debug" : "error"]({ context, err: error }, event);
  };
}

/** The engine's lines, with secrets removed by name and by form. */
export function createLog(logger: Logger): Log {
  const redactor = createRedactor();
  return (line: LogLine) => {
    if (!logger.isLevelEnabled(line.level)) return;
    logger[line.level]({ context: line.context, data: redactor.value(line.data) }, line.event);
  };
}

/** Calls to Hull and the service as lines of the same shape; the HTTP client has removed secrets already. */
export function createCallLog(logger: Logger): CallLog {
  const write =
    (level: "debug" | "info" | "warn" | "error") =>
    (fields: object, note: string): void =>
      logger[level]({ data: { ...fields, note } }, "connector.service_api.call");
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}
