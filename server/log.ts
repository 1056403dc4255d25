/** JSON lines on stdout in Hull's shape: `{level, time, message: event, context, data}`. */
import pino, { type DestinationStream, type Logger } from "pino";
import type { Log, LogLine } from "../src/engine/report";
import { createRedactor } from "../src/http/redact";

/** @param destination where lines go; stdout when left out */
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

/** The engine's lines, with secrets taken out by name and by the look of them. */
export function createLog(logger: Logger): Log {
  const redactor = createRedactor();
  return (line: LogLine) => {
    if (!logger.isLevelEnabled(line.level)) return;
    logger[line.level]({ context: line.context, data: redactor.value(line.data) }, line.event);
  };
}
