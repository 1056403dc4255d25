/**
 * What the store does by itself, and what it offers to the engine's rules (`engine/outbox`), which add the rest of the
 * `Store`. Part of the Store port.
 */
import type { DeadLetterKey, DeadLetterQuery } from "./dead-letters";
import type { Commits } from "./documents";
import type { Lane } from "./lane";
import type { RecordPlace, TenantRow } from "./rows";
import type { Store } from "./store";
import type { TriedAt } from "./tenants";

/** A tenant that points to a remote now. `left`: the lane whose entries must move along. */
export interface Assigned {
  readonly row: TenantRow;
  readonly left?: Lane;
}

type Ruled =
  | ("assign" | "reassign" | "move" | "forgetEntity")
  | ("fingerprints" | "view" | "accept" | "inspectRecord" | "findBy")
  | ("ready" | "nextDue" | "nextHullUpdateDue" | "attempt" | "settle" | "retryNow" | "recover")
  | ("observe" | "candidates" | "mirrors" | "hullUpdates" | "confirmed" | "deferHullUpdates")
  | ("fetchView" | "toldUnder" | "sharedKeys" | "takeFetched" | "markSeen" | "markMissing")
  | ("confirmFacts" | "markUnknown" | "forgetGone")
  | ("deadLettersOf" | "deadLetters" | "deadLetter" | "dropDeadLetter" | "replayDeadLetter");

export interface Stored extends Omit<Store, Ruled>, Commits {
  assignRemote(tenant: string, remote: string, fingerprint: string): Promise<Assigned>;
  /** Undefined, and nothing done, when something is not as it was when the credentials were tried. */
  reassignRemote(
    tenant: string,
    from: TriedAt,
    to: { readonly remote: string; readonly fingerprint: string; readonly renewed: boolean },
  ): Promise<Assigned | undefined>;
  /** Where dead letters are, in pages. */
  deadLetterPlaces(
    query: DeadLetterQuery,
  ): Promise<{ readonly places: readonly DeadLetterKey[]; readonly next?: string }>;
  /** The record of a dead letter. @param tenant whose it must be */
  deadLetterPlace(id: string, tenant?: string): Promise<DeadLetterKey | undefined>;
  /** Records of a type that name the given one as their parent, in the outbox or as dead letters. */
  childrenOf(lane: Lane, parent: RecordPlace, type: string): Promise<readonly RecordPlace[]>;
  /** Removes the lines about a Hull entity from the reports of a tenant's runs. */
  forgetReportLines(tenant: string, hullId: string): Promise<void>;
  /** When a list showed a remote record last, milliseconds since 1970. */
  listedAt(remote: string, type: string, id: string): Promise<number | undefined>;
  /** Some records, each time those behind the ones before; round and round. */
  nextRecords(limit: number): Promise<readonly Omit<DeadLetterKey, "tenant">[]>;
}
