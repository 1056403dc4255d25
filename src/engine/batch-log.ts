/** What is logged of rows that cannot be read: a file that is no extract must not fill the log. */
import type { Log } from "./report";

/** Lines by which a person sees what is wrong; the others would say the same. */
const MOST_LINES = 10;

export interface BoundedLog {
  readonly log: Log;
  /** How many were left out. */
  readonly left: () => number;
}

/** The same log, in which only the first rows that cannot be read have a line of their own, unless one debugs. */
export function boundedLog(log: Log): BoundedLog {
  let unreadable = 0;
  return {
    log: (line) => {
      const isUnreadable = line.ended?.ending.code === "invalid_message";
      if (isUnreadable) unreadable += 1;
      // It goes on its way all the same: others count by it.
      log(isUnreadable && unreadable > MOST_LINES ? { ...line, level: "debug" } : line);
    },
    left: () => Math.max(0, unreadable - MOST_LINES),
  };
}
