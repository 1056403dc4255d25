/** Messages and settlements with the little that a test cares about; messages about companies are `c…`, users `u…`. */
import type { DesiredParent, Json, Keys, OutcomeKind } from "../../../src/record";
import type {
  Content,
  HullUpdate,
  UnconfirmedCreate,
  Outcome,
  EntryRow,
  TenantRow,
} from "../../../src/storage/port/rows";
import type { Acceptance, Lane, MirrorPatch, Observation, Settlement } from "../../../src/storage/port/store";

export const LANE: Lane = { remote: "org|planhat|t1", tenant: "planhat/org/c1" };
/** A second connector on the same remote. */
export const NEIGHBOUR: Lane = { remote: LANE.remote, tenant: "planhat/org/c2" };

/** Settings of connector c1. */
export function tenantRow(more: Partial<TenantRow> = {}): TenantRow {
  return { key: LANE.tenant, organization: "org", connectorId: "c1", sealed: "…", settingsAtMs: 1, ...more };
}

/** A record as a list or a read shows it. */
export function seen(id: string, more: Partial<Observation> = {}): Observation {
  return { id, keys: {}, complete: true, archived: false, facts: {}, ...more };
}

export interface MessageOptions {
  readonly id?: string;
  readonly type?: string;
  readonly hullId?: string;
  readonly version?: number;
  readonly lane?: Lane;
  readonly merged?: readonly string[];
  readonly fields?: Readonly<Record<string, Json>>;
  readonly keys?: Keys;
  readonly cleared?: readonly string[];
  readonly force?: boolean;
  /** Hull id of the user's company, or of another kind of parent. */
  readonly parent?: string;
  readonly parentType?: string;
}

export function parentOf(hullId: string, type = "companies"): DesiredParent {
  return {
    type,
    hullId,
    desired: { fields: { name: hullId }, keys: { externalId: hullId }, cleared: [] },
    claims: { external_id: hullId },
  };
}

function contentOf(options: MessageOptions): Content {
  const { id = "c1", version = 1, fields = { name: "Acme" }, keys = {}, cleared = [], force = false } = options;
  const parent = options.parent === undefined ? undefined : parentOf(options.parent, options.parentType);
  return {
    desired: { fields, keys, cleared, ...(parent && { parent }) },
    claims: { external_id: options.hullId ?? "a1" },
    force,
    messageId: id,
    version,
    seq: 0,
    derived: false,
    counted: true,
  };
}

function base(options: MessageOptions): Omit<Acceptance, "content"> {
  const { id = "c1", type = "companies", hullId = "a1", version = 1, lane = LANE, merged = [] } = options;
  return { tenant: lane.tenant, remote: lane.remote, type, hullId, messageId: id, version, merged };
}

export function endingOf(messageId: string, outcome: OutcomeKind, code: string): Outcome {
  return { messageId, outcome, code, text: `${code}.`, atMs: 0, counted: true };
}

/** A message that shall be delivered. */
export function update(options: MessageOptions = {}): Acceptance {
  return { ...base(options), content: { kind: "entry", content: contentOf(options) } };
}

/** A message that a filter keeps out. */
export function skip(options: MessageOptions = {}): Acceptance {
  const ending = endingOf(options.id ?? "c1", "skipped", "outside_account_segments");
  return { ...base(options), content: { kind: "end", outcome: ending } };
}

/** A message that seemed in sync when the record had this revision. */
export function inSync(options: MessageOptions, revision: number): Acceptance {
  const ending = endingOf(options.id ?? "c1", "unchanged", "in_sync");
  return { ...base(options), content: { kind: "unchanged", outcome: ending, content: contentOf(options), revision } };
}

/** A message about a user of company `parent`. */
export function userUpdate(options: MessageOptions & { readonly parent: string }): Acceptance {
  return update({ type: "endusers", hullId: "e1", id: "u1", ...options });
}

/** What the lane works on: the attempt if there is one, else what waits. */
export function workedOn(entry: EntryRow): Content {
  const content = entry.attempt?.content ?? entry.content;
  if (content === undefined) throw new Error("An entry always has content.");
  return content;
}

function settled(entry: EntryRow, rest: Pick<Settlement, "mirror" | "gone" | "then">): Settlement {
  const { tenant, type, hullId } = entry;
  return { tenant, type, hullId, seq: workedOn(entry).seq, ...rest };
}

export function patch(id: string, more: Partial<MirrorPatch> = {}): MirrorPatch {
  return { id, keys: {}, facts: {}, fresh: false, ...more };
}

export interface TellOptions {
  readonly mirror?: Partial<MirrorPatch>;
  readonly outcome?: "sent" | "unchanged";
  readonly tell?: Partial<HullUpdate>;
}

/** The service holds it; Hull is to be told. */
export function deliver(entry: EntryRow, remoteId: string, options: TellOptions = {}): Settlement {
  const { outcome = "sent" } = options;
  const ending = endingOf(workedOn(entry).messageId, outcome, outcome === "sent" ? "updated" : "in_sync");
  const tell: HullUpdate = {
    claims: { external_id: entry.hullId },
    attributes: { "planhat/id": remoteId },
    facts: { _id: remoteId },
    ...options.tell,
  };
  return settled(entry, {
    mirror: patch(remoteId, options.mirror),
    then: { kind: "tell", outcome: ending, hullUpdate: tell },
  });
}

/** The service holds it, and Hull knows everything. */
export function deliverQuietly(entry: EntryRow, remoteId: string, mirror: Partial<MirrorPatch> = {}): Settlement {
  const ending = endingOf(workedOn(entry).messageId, "sent", "updated");
  return settled(entry, { mirror: patch(remoteId, mirror), then: { kind: "end", outcome: ending } });
}

export function finish(entry: EntryRow, outcome: OutcomeKind, code: string): Settlement {
  return settled(entry, { then: { kind: "end", outcome: endingOf(workedOn(entry).messageId, outcome, code) } });
}

/** Skipped, since the record is linked to another Hull entity. */
export function skipFor(entry: EntryRow, remoteId: string): Settlement {
  const ending = endingOf(workedOn(entry).messageId, "skipped", "same_remote_record");
  return settled(entry, { then: { kind: "end", outcome: ending, rivalFor: remoteId } });
}

export function postpone(entry: EntryRow, notBeforeMs: number, unconfirmed?: UnconfirmedCreate): Settlement {
  const then = {
    kind: "wait",
    notBeforeMs,
    problem: "try later",
    ...(unconfirmed === undefined ? {} : { unconfirmed }),
  } as const;
  return settled(entry, { then });
}

export function forget(entry: EntryRow, gone = "p1"): Settlement {
  return settled(entry, { gone, then: { kind: "wait", notBeforeMs: 0, problem: "gone" } });
}

/** The record waits for its company, which is made from what the record carries if nobody sent it. */
export function blockOn(entry: EntryRow): Settlement {
  const content = workedOn(entry);
  const { parent } = content.desired;
  if (parent === undefined) throw new Error("Only a child can be blocked.");
  const { type, hullId, desired, claims } = parent;
  const made: Content = {
    desired,
    claims,
    force: false,
    messageId: content.messageId,
    version: 0,
    seq: 0,
    derived: true,
    counted: true,
  };
  return settled(entry, { then: { kind: "block", parent: { type, hullId, together: false, content: made } } });
}
