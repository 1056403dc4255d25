/** What the documentation leaves open and a client's own answers show. It is learnt again after a restart. */

/** What clears a field. */
export type Blank = "" | null;

export interface Learnt {
  blank: Blank;
  /** The flag of the last termination had no effect: it is spelt in the other way. */
  ignoresFlag: boolean;
}
