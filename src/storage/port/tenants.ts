/** Installed connectors, and where their records live. Part of the Store port. */
import type { AlertRow, KeyedCallRow, PauseRow, RemoteDocument, TenantRow } from "./rows";
import type { Lane, RecordOutcome } from "./lane";

/** Where a tenant was, and what was known there, when its changed credentials were tried. */
export interface TriedAt {
  readonly remote: string;
  readonly fingerprint: string | undefined;
  readonly generation: number;
}

export interface TenantStore {
  tenant(key: string): Promise<TenantRow | undefined>;
  tenants(): Promise<readonly TenantRow[]>;
  /**
   * Stores the row, unless the stored settings are newer; returns the row that counts now.
   *
   * @param evenOver the sealed text of a row that it replaces although that one's settings are newer
   */
  saveTenant(row: TenantRow, evenOver?: string): Promise<TenantRow>;
  /** Points the tenant to a remote; waiting entries of an earlier remote move along. */
  assign(tenant: string, remote: string, fingerprint: string): Promise<TenantRow>;
  /**
   * The same for changed credentials, if everything is as it was when they were tried; otherwise nothing happens.
   * @param to `renewed`: all ids known so far no longer count
   * @returns the tenant, and how what newer messages replaced ended; undefined when the tenant is gone, or another job has
   *   confirmed or renewed something meanwhile
   */
  reassign(
    tenant: string,
    from: TriedAt,
    to: { readonly remote: string; readonly fingerprint: string; readonly renewed: boolean },
  ): Promise<{ readonly row: TenantRow; readonly outcomes: readonly RecordOutcome[] } | undefined>;
  /**
   * Moves what was accepted for an earlier remote after the tenant had left it.
   * @returns how what newer messages replaced ended
   */
  move(lane: Lane, remote: string): Promise<readonly RecordOutcome[]>;
  remote(key: string): Promise<RemoteDocument>;
  /** All ids known so far no longer count. */
  newGeneration(remote: string): Promise<RemoteDocument>;
  /** Every remote where something of the tenant may be stored. */
  remotesOf(tenant: string): Promise<readonly string[]>;
  /** What a person granted the tenant, encrypted. */
  grant(tenant: string): Promise<string | undefined>;
  /**
   * Replaces it.
   * @param after undefined: it is taken back
   * @returns false, and nothing is done, when `before` is not what is stored, or the tenant was erased
   */
  replaceGrant(tenant: string, before: string | undefined, after: string | undefined): Promise<boolean>;
  /**
   * Begins a call, unless one with the same key was begun within a day.
   *
   * @param key whatever names the call
   * @returns the row of the other one; `full`, and nothing done, when the tenant has too many
   * @throws TenantErased
   */
  beginCall(tenant: string, key: string, row: Omit<KeyedCallRow, "atMs">): Promise<KeyedCallRow | "begun" | "full">;
  /**
   * Stores what became of it.
   * @param sealed undefined: nothing; it may be begun again
   * @returns false, and nothing done, when it is not there any more
   */
  endCall(tenant: string, key: string, by: string, sealed: string | undefined): Promise<boolean>;
  pause(lane: Lane, scope: string, pause: Omit<PauseRow, "tenant" | "scope"> | undefined): Promise<void>;
  pauses(lane: Lane): Promise<readonly PauseRow[]>;
  /** What receivers of alerts were told, of all tenants and of the server. */
  alerts(): Promise<readonly AlertRow[]>;
  /** Stores a row. */
  putAlert(row: AlertRow): Promise<void>;
  /** Nothing is left to tell. */
  dropAlert(row: Pick<AlertRow, "subject" | "kind" | "receiver">): Promise<void>;
  /**
   * Erases what is stored about one Hull entity. What waited of it ends `skipped / forgotten`.
   * @param what the entity's own types, and the types whose records name it as their parent
   */
  forgetEntity(
    tenant: string,
    what: { readonly types: readonly string[]; readonly children: readonly string[] },
    hullId: string,
  ): Promise<readonly RecordOutcome[]>;
  /** Erases a tenant, and what is known of its remotes unless another tenant uses them; returns how many rows. */
  forgetTenant(tenant: string, remotes?: readonly string[]): Promise<number>;
}
