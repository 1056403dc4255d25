/**
 * What the store does by itself, and what it offers to the engine's rules (`engine/outbox`), which add the rest of the
 * `Store`. Part of the Store port.
 */
import type { DeadLetterKey, DeadLetterQuery } from "./dead-letters";
import type { Commits } from "./documents";
import type { FigureStore } from "./figures";
import type { Lane } from "./lane";
import type { LossStore, LeaseStore, Terms } from "./leases";
import type { RecordName, RecordPlace, TenantRow } from "./rows";
import type { RunStore } from "./runs";
import type { Store } from "./store";
import type { TenantStore } from "./tenants";

/** A tenant that points to a remote now. `left`: the lane whose entries must move along. */
export interface Assigned {
  readonly row: TenantRow;
  readonly left?: Lane;
}

export interface Stored
  extends
    Commits,
    RunStore,
    FigureStore,
    LeaseStore,
    LossStore,
    Omit<TenantStore, "assign" | "reassign" | "move" | "forgetEntity">,
    Pick<
      Store,
      | ("mayUseNotification" | "claimNotification" | "lanes" | "sampleLinked" | "noteScan")
      | ("housekeep" | "ping" | "close")
    > {
  /** The same store, whose commits count only where these terms, too, are met: otherwise they throw. */
  under(terms: Terms): Stored;
  assignRemote(...given: Parameters<Store["assign"]>): Promise<Assigned>;
  /** Undefined, and nothing done, when something is not as it was when the credentials were tried. */
  reassignRemote(...given: Parameters<Store["reassign"]>): Promise<Assigned | undefined>;
  /** Where dead letters are, in pages. */
  deadLetterPlaces(
    query: DeadLetterQuery,
  ): Promise<{ readonly places: readonly (DeadLetterKey & { readonly code: string })[]; readonly next?: string }>;
  /** The record of a dead letter. @param tenant whose it must be */
  deadLetterPlace(id: string, tenant?: string): Promise<DeadLetterKey | undefined>;
  /** Records of a type that name the given one as their parent, in the outbox or as dead letters. */
  childrenOf(lane: Lane, parent: RecordPlace, type: string): Promise<readonly RecordPlace[]>;
  /** Removes the lines about a Hull entity from the reports of a tenant's runs. */
  forgetReportLines(tenant: string, hullId: string): Promise<void>;
  /** Removes what is kept of what became of a record. @param trail as its document had it */
  forgetTrail(tenant: string, record: RecordName, trail: number): Promise<void>;
  /** When a list showed a remote record last, milliseconds since 1970. */
  listedAt(remote: string, type: string, id: string): Promise<number | undefined>;
  /** Some records, each time those behind the ones before; round and round. */
  nextRecords(limit: number): Promise<readonly Omit<DeadLetterKey, "tenant">[]>;
}
