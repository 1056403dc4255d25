/** A subscriber as PlanSource stores it: dates as CCYY-MM-DD, numbers and flags as such, nothing for what is empty. */

/** Only the first two can be reached over the API; the others are set by the client's HR administrator. */
export type Status = "active" | "terminated" | "leave" | "cobra";

export type Value = string | number | boolean;

export interface Subscriber {
  readonly id: number;
  readonly status: Status;
  readonly fields: Readonly<Record<string, Value>>;
}

/** Why a request is refused. */
export interface Problem {
  readonly status: number;
  readonly message: string;
  readonly code?: string | number;
  /** Told by a list, whatever the other problems are (sheet 4). */
  readonly isListValidation?: boolean;
}

/** A write that was done, with the names of what changed. */
export interface Written {
  readonly subscriber: Subscriber;
  readonly changed: readonly string[];
}

/** The same, or why it was not done. */
export type WriteResult = Written | { readonly problems: readonly Problem[] };

export const refused = (status: number, message: string, code?: string | number): { problems: Problem[] } => ({
  problems: [{ status, message, ...(code === undefined ? {} : { code }) }],
});
