/** Logging of unreadable rows: a file that is not an extract must not fill the log. */
import type { Log } from "../../outcome/log-lines";

/** Enough lines for a person to see what is wrong; the others would say the same. */
const MAX_LINES = 10;

export interface BoundedLog {
  readonly log: Log;
  /** How many lines were left out. */
  readonly leftOut: () => number;
}

/** The same log, except that only the first unreadable rows have their own line; the others are logged at debug. */
export function boundedLog(log: Log): BoundedLog {
  let unreadable = 0;
  return {
    log: (line) => {
      const isUnreadable = line.ended?.outcome.code === "invalid_message";
      if (isUnreadable) unreadable += 1;
      // Still passed on, because metrics count outcomes by these lines.
      log(isUnreadable && unreadable > MAX_LINES ? { ...line, level: "debug" } : line);
    },
    leftOut: () => Math.max(0, unreadable - MAX_LINES),
  };
}
