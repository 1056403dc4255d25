/** JSON lines on stdout in Hull's shape: `{level, time, message: event, context, data}`. */
import pino, { type DestinationStream, type Logger } from "pino";
import type { Log, LogLine } from "../src/outcome/log-lines";
import type { Log as CallLog } from "../src/http/log";
import { createRedactor } from "../src/http/guards/redact";

/** @param destination where lines go; stdout by default */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    messageKey: "message",
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
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
