/** The places of the store that several of its parts use. Part of the Store port. */
import type { Claims } from "../../record";
import type { Outcome } from "./rows";

export interface Lane {
  readonly remote: string;
  readonly tenant: string;
}

export interface RecordOutcome {
  readonly type: string;
  readonly hullId: string;
  readonly claims: Claims;
  readonly outcome: Outcome;
}
