/** What is stored: every kind of document, how it is written, and by what else than its key it is found. */
import { hash } from "node:crypto";
import { foldedKey, type Desired } from "../../record";
import type {
  AlertMessage,
  AlertRow,
  KeyedCallRow,
  Attempt,
  Content,
  Entry,
  Fact,
  FanOut,
  ListedPage,
  MirrorRow,
  Outcome,
  OwnPart,
  PauseRow,
  PendingHullUpdate,
  RecordDocument,
  Refused,
  RemoteDocument,
  RivalRow,
  RunRow,
  TenantRow,
} from "../port/rows";
import type { LeaseRow, Loss } from "../port/leases";
import type { ReportLine } from "../port/store";
import { HISTORY_ROW, nameOf, type HistoryRow } from "../history/row";
import type { Key } from "../database/rows";
import { asIs, extended, listOf, mapOf, structure, type Codec } from "./structure";
import { defineCounter, defineTable, indexName, type Reader } from "./view";

/**
 * Raised when the meaning of stored rows changes; older data is upgraded (`data-folder/upgrade`, on Redis `../upgrade.ts`) or
 * refused at start.
 */
export const FORMAT = 7;

/** Field, remote, sent, told; and so on. If others sent something too, their number comes first, then their values. */
const FACTS: Codec<Readonly<Record<string, Fact>>> = {
  pack: (value) => {
    const list: (string | number | null)[] = [];
    let others = 0;
    for (const field in value) others = Math.max(others, (value[field]?.length ?? 0) - 3);
    if (others > 0) list.push(others);
    for (const field in value) {
      const fact = value[field];
      if (fact === undefined) continue;
      list.push(field, fact[0], fact[1], fact[2]);
      for (let index = 0; index < others; index += 1) list.push(fact[3 + index] ?? null);
    }
    return list;
  },
  unpack: (packed) => {
    const list = packed as readonly (string | null)[];
    const value: Record<string, Fact> = {};
    const [first] = packed as readonly (string | number | null)[];
    const others = typeof first === "number" ? first : 0;
    for (let index = others > 0 ? 1 : 0; index < list.length; index += 4 + others) {
      const known = [list[index + 1] ?? null, list[index + 2] ?? null, list[index + 3] ?? null] as const;
      value[String(list[index])] = others > 0 ? [...known, ...list.slice(index + 4, index + 4 + others)] : known;
    }
    return value;
  },
};

const OUTCOME = structure<Outcome>({
  messageId: true,
  outcome: true,
  code: true,
  text: true,
  atMs: true,
  counted: true,
  note: true,
  derived: true,
  run: true,
});

const CONTENT = structure<Content>({
  desired: asIs<Desired>(),
  claims: true,
  hintId: true,
  force: true,
  replay: true,
  messageId: true,
  version: true,
  seq: true,
  derived: true,
  counted: true,
  once: true,
  run: true,
  digest: true,
  shown: true,
  earlier: asIs<NonNullable<Content["earlier"]>>(),
  apart: true,
  trace: true,
});

const ENTRY = structure<Entry>({
  acceptedAtMs: true,
  content: CONTENT,
  attempt: structure<Attempt>({ content: CONTENT, kind: true, startedAtMs: true }),
  notBeforeMs: true,
  attempts: true,
  blockedOn: true,
  withdrawn: true,
  problem: true,
  orphaned: true,
  recheck: true,
});

const HULL_UPDATE = structure<PendingHullUpdate>({
  remoteId: true,
  claims: true,
  attributes: true,
  facts: true,
  account: true,
  outcomes: listOf(OUTCOME),
  seq: true,
  notBeforeMs: true,
  attempts: true,
  folded: true,
  trace: true,
});

const OWN = extended<OwnPart>({
  last: OUTCOME,
  same: true,
  entry: ENTRY,
  hullUpdate: HULL_UPDATE,
  deadLetter: structure<Refused>({ id: true, content: CONTENT, ending: OUTCOME, attempts: true }),
  rival: structure<RivalRow>({ remoteId: true, content: CONTENT, atMs: true }),
  kept: structure<NonNullable<OwnPart["kept"]>>({ content: CONTENT, atMs: true }),
  trail: true,
});

const RECORD = extended<RecordDocument>({
  version: true,
  messageId: true,
  revision: true,
  remoteId: true,
  generation: true,
  confirmedAtMs: true,
  unconfirmed: asIs<NonNullable<RecordDocument["unconfirmed"]>>(),
  recent: true,
  claims: asIs<NonNullable<RecordDocument["claims"]>>(),
  own: mapOf(OWN),
  pending: listOf(asIs<FanOut>()),
});

const MIRROR = extended<MirrorRow>({
  id: true,
  generation: true,
  keys: asIs<MirrorRow["keys"]>(),
  parentId: true,
  linkedTo: true,
  facts: FACTS,
  complete: true,
  archived: true,
  createdAtMs: true,
  writtenAtMs: true,
  seenAtMs: true,
  missing: true,
  confirmedRest: true,
  confirmedUnder: true,
});

/** Key values are found in their folded form (identity compares exactly afterwards); long ones by hash. */
export function indexValue(value: string): string {
  const folded = foldedKey(value);
  return folded.length <= 120 ? folded : hash("sha256", folded, "base64url");
}

const NOWHERE: readonly Key[] = [];

type Parts = readonly (readonly [number: string, part: OwnPart])[];

/** What is the connectors' own in a record. */
export const partsOf = (() => {
  // Asked for each index of both documents of a write, and an object with numbers as names is slow to list.
  let [one, other]: readonly { readonly document?: RecordDocument; readonly parts: Parts }[] = [];
  return (document: RecordDocument | undefined): Parts => {
    if (document === undefined) return [];
    if (document === one?.document) return one.parts;
    if (document !== other?.document) other = { document, parts: Object.entries(document.own) };
    [one, other] = [other, one];
    return one.parts;
  };
})();

/** Places of something that belongs to single connectors, one for each of them at the most. */
const ownPlaces =
  <P extends keyof OwnPart>(
    part: P,
    placeOf: (own: NonNullable<OwnPart[P]>, tenant: number, key: Key) => Key | undefined,
  ) =>
  (document: RecordDocument, key: Key, other?: RecordDocument): readonly Key[] => {
    let places: Key[] | undefined;
    for (const [tenant, own] of partsOf(document)) {
      const value = own[part];
      if (value === undefined || value === other?.own[tenant]?.[part]) continue;
      const place = placeOf(value, Number(tenant), key);
      if (place !== undefined) (places ??= []).push(place);
    }
    return places ?? NOWHERE;
  };

type Values = Readonly<Record<string, string>> | undefined;

function valuesOf(values: Values, [remote = "", type = ""]: Key, others: Values): readonly Key[] {
  let places: Key[] | undefined;
  for (const name in values) {
    const value = values[name] ?? "";
    if (value !== others?.[name]) (places ??= []).push([remote, type, name, indexValue(value)]);
  }
  return places ?? NOWHERE;
}

/** [remote, type, hull id] */
export const RECORDS = defineTable<RecordDocument>()("records", RECORD, {
  /** [remote, type, claim name, value] */
  claims: ({ claims }, key, other) => valuesOf(claims, key, other?.claims),
  /** [remote, tenant, type, not before, seq]; what could be worked on, or is */
  due: ownPlaces("entry", ({ content, attempt, blockedOn, notBeforeMs }, tenant, [remote = "", type = ""]) => {
    const { seq } = content ?? attempt?.content ?? {};
    return seq === undefined || blockedOn !== undefined ? undefined : [remote, tenant, type, notBeforeMs, seq];
  }),
  /** [remote, parent type, parent hull id, tenant, type] */
  waiting: ownPlaces("entry", ({ content, blockedOn }, tenant, [remote = "", type = ""]) => {
    const parent = content?.desired.parent;
    return blockedOn === undefined ? undefined : parent && [remote, parent.type, blockedOn, tenant, type];
  }),
  /** [remote, tenant, not before, seq, type] */
  updates: ownPlaces("hullUpdate", ({ notBeforeMs, seq }, tenant, [remote = "", type = ""]) => [
    remote,
    tenant,
    notBeforeMs,
    seq,
    type,
  ]),
  /** [remote, tenant, type] */
  dead: ownPlaces("deadLetter", (_, tenant, [remote = "", type = ""]) => [remote, tenant, type]),
  /** [dead letter id, remote, tenant, type] */
  deadIds: ownPlaces("deadLetter", ({ id }, tenant, [remote = "", type = ""]) => [id, remote, tenant, type]),
  /** [remote, tenant, parent type, parent hull id, type] */
  orphans: ownPlaces("deadLetter", ({ content: { desired } }, tenant, [remote = "", type = ""]) => {
    const { parent } = desired;
    return parent && [remote, tenant, parent.type, parent.hullId, type];
  }),
  /** [remote, type, remote id, tenant] */
  rivals: ownPlaces("rival", ({ remoteId }, tenant, [remote = "", type = ""]) => [remote, type, remoteId, tenant]),
  /** [remote, type]; children end, or are freed, slice by slice */
  pending: ({ pending }, [remote = "", type = ""]) => (pending === undefined ? NOWHERE : [[remote, type]]),
});

/** [remote, type, hull id, slot]: content that is too large to be written with its record again and again */
export const CONTENTS = defineTable<Content>()("contents", CONTENT);

/** [remote, type, remote id] */
export const MIRRORS = defineTable<MirrorRow>()("mirror", MIRROR, {
  /** [remote, type, key name, value] */
  keys: ({ keys }, key, other) => valuesOf(keys, key, other?.keys),
});

/** [remote, tenant, id]: content that is in flight together and may be repeated, so that its records need no journal */
export const FLIGHTS = defineTable<{ readonly atMs: number; readonly seqs: readonly number[] }>()("flights");

/** [remote, type, run, page] */
export const LISTED = defineTable<ListedPage>()("listed");

/** [key]; what others are numbered by stands in its indexes as well, should its document be damaged */
export const REMOTES = defineTable<RemoteDocument>()("remotes", asIs<RemoteDocument>(), {
  /** [number] */
  numbers: ({ number }) => [[number]],
  /** [generation] */
  generations: ({ generation }) => [[generation]],
  /** [place, connector]; but for places that are free */
  senders: ({ senders = [] }) => senders.flatMap((tenant, place) => (tenant === "" ? [] : [[place, tenant]])),
});

/** [number] */
export const LOSSES = defineTable<Loss>()("losses");

/** [name] */
export const META = defineTable<number>()("meta");
export const TENANTS = defineTable<TenantRow>()("tenants");
/** [tenant] → what a person granted, encrypted */
export const GRANTS = defineTable<string>()("grants");
/** [tenant, hash of an Idempotency-Key] */
export const KEYED_CALLS = defineTable<KeyedCallRow>()(
  "keyed_calls",
  structure<KeyedCallRow>({ atMs: true, by: true, sealed: true }),
  {
    /** [time, tenant] */
    age: ({ atMs }, [tenant = ""]) => [[atMs, tenant]],
  },
);
/** [day, id] → organization and connector id */
export const NOTIFICATIONS = defineTable<string>()("notifications");
/** [day, hash of a message] → "", or [day, hash of a record, id] → ids of its messages; see `engine/outbox/dedupe.ts` */
export const SEEN = defineTable<string>()("seen");
/** [remote, tenant, scope] */
export const PAUSES = defineTable<PauseRow>()("pauses");
/** [tenant or `server`, kind, receiver] */
export const ALERTS = defineTable<AlertRow>()(
  "alerts",
  structure<AlertRow>({
    subject: true,
    kind: true,
    receiver: true,
    sinceMs: true,
    title: true,
    text: true,
    mayKnow: true,
    toldAtMs: true,
    message: structure<AlertMessage>({ id: true, state: true, atMs: true, attempts: true, dueAtMs: true }),
  }),
);
/** [hash of a quota key, milliseconds since 1970, seq]; requests that were started */
export const STARTS = defineTable<number>()("starts");
/** [tenant, kind, type] → id of the last run that ended well */
export const LAST_RUNS = defineTable<string>()("lastRuns");
/** [run id, seq] */
export const REPORTS = defineTable<ReportLine>()("reports");

/** [tenant, minus its number]; see `history/row.ts` */
export const HISTORY = defineTable<HistoryRow>()("history", HISTORY_ROW, {
  /** [tenant, type/outcome/code] */
  reasons: ({ lines }, [tenant = ""]) => {
    const names = new Set(lines.map(nameOf));
    names.delete(undefined);
    return Array.from(names, (name = "") => [tenant, name]);
  },
});

/** [id]; its counts are in `RUN_COUNTS` */
export const RUNS = defineTable<RunRow>()("runs", asIs<RunRow>(), {
  /** [tenant, minus the time of its making] */
  time: ({ tenant, createdAtMs }) => [[tenant, -createdAtMs]],
  /** [tenant, kind, type]; in progress, or ended without its end being logged */
  open: ({ tenant, kind, type, announced }) => (announced === true ? [] : [[tenant, kind, type]]),
});

/** [name]; see `coordination/leases.ts` */
export const LEASES = defineTable<LeaseRow>()("leases");

/** [tenant, family, name] */
export const TALLY = defineCounter("tally");
/** [tenant, hours since 1970, name] */
export const HOURS = defineCounter("hours");
/** [remote, tenant, name] */
export const DEPTH = defineCounter("depth");
/** [run id, family, name] */
export const RUN_COUNTS = defineCounter("runCounts");
/** [name of a lease] */
export const RENEWALS = defineCounter("renewals");

export const TABLES = [
  RECORDS,
  CONTENTS,
  FLIGHTS,
  MIRRORS,
  LISTED,
  REMOTES,
  LOSSES,
  META,
  TENANTS,
  GRANTS,
  KEYED_CALLS,
  NOTIFICATIONS,
  SEEN,
  PAUSES,
  ALERTS,
  STARTS,
  LAST_RUNS,
  REPORTS,
  HISTORY,
  RUNS,
  LEASES,
] as const;

/** Every table, index and counter by the database's name of it. */
export const TABLE_NAMES: readonly string[] = [
  ...TABLES.flatMap((table) => [table.name, ...Object.keys(table.indexes).map((index) => indexName(table, index))]),
  ...[TALLY, HOURS, DEPTH, RUN_COUNTS, RENEWALS].map(({ name }) => name),
];

/** The remote's row; one that was never stored starts with the first generation. */
export function remoteRow(view: Reader, key: string): RemoteDocument {
  return view.get(REMOTES, [key]) ?? { key, number: 0, generation: 1, scans: {} };
}
