/** What is logged of unreadable rows: a file that is no extract must not fill the log. */
import type { Log } from "../../outcome/log-lines";

/** Lines by which a person sees what is wrong; the others would say the same. */
const MAX_LINES = 10;

export interface BoundedLog {
  readonly log: Log;
  /** How many lines were left out. */
  readonly leftOut: () => number;
}

/** The same log, in which only the first unreadable rows have a line of their own; the others are logged at level debug. */
export function boundedLog(log: Log): BoundedLog {
  let unreadable = 0;
  return {
    log: (line) => {
      const isUnreadable = line.ended?.outcome.code === "invalid_message";
      if (isUnreadable) unreadable += 1;
      // Still passed on: metrics count outcomes by these lines.
      log(isUnreadable && unreadable > MAX_LINES ? { ...line, level: "debug" } : line);
    },
    leftOut: () => Math.max(0, unreadable - MAX_LINES),
  };
}
