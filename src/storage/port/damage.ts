/** What the engine does about what was lost with a damaged row. Part of the Store port. */
import type { Claims } from "../../record";
import type { Documents, RecordPlace } from "./documents";

/** What is still known of a record whose document is lost. */
export interface Traces {
  /** Connectors of which something waited for the service, or Hull was still to be told: once for each that did. */
  readonly waited: readonly string[];
  readonly claims: Claims;
  /** What it is linked to; absent when nobody knows. */
  readonly remoteId: string | undefined;
}

/** Each is done in the commit that mends the row. */
export interface DamageRules {
  /** A record's document is lost; nothing is stored of it any more. */
  record(documents: Documents, record: Omit<RecordPlace, "tenant">, traces: Traces): void;
  /** Content that stood apart from its record is lost: that of a part of the document, which is there. */
  content(documents: Documents, record: RecordPlace, part: "entry" | "deadLetter" | "rival"): void;
  /** What a remote record holds is lost. @param linkedTo Hull id of the record that is linked to it, if any is */
  mirror(documents: Documents, type: string, id: string, linkedTo: string | undefined): void;
  /** Goes on with children, in further commits. @returns whether some are left */
  goOn(documents: Documents): boolean;
}
