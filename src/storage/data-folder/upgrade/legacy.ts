/**
 * Reads what formats 2 to 6 stored. Their rows were lists of fields in a fixed order, and long words of keys (remotes,
 * tenants, types) were written short, as a table of names says. None of it changes any more.
 */
import compact from "lodash/compact";
import { checkBeside } from "../../database/checks";
import { DamagedRow, wholeOr, type Key, type Rows } from "../../database/rows";
import type {
  Attempt,
  Content,
  Entry,
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
} from "../../port/rows";
import type { ReportLine } from "../../port/store";
import { CONTENTS, MIRRORS as MIRRORS_TODAY } from "../../tables/tables";

/** Of 3.5 and 4.5 an upgrade by a former program broke off. */
const FORMATS: ReadonlySet<number> = new Set([2, 3, 3.5, 4, 4.5, 5, 6]);
/** Encrypted texts are not bound to their rows. */
export const UNBOUND = 2;
/** Before it, what was sent counted for every connector of a remote. */
export const DIVIDED = 4;
/** Before it, tenants' keys did not name the service. */
const NAMED = 5;

/** @returns undefined when the stored value is none of its kind */
type Reader<V> = (stored: unknown) => V | undefined;

export interface OldTable<V> {
  readonly name: string;
  /** Names of the parts with which its keys begin. */
  readonly key: readonly string[];
  /** With how many short words they begin. */
  readonly words: number;
  readonly read: Reader<V>;
}

export interface OldRow<V> {
  /** Words are written out, and tenants name their service. */
  readonly key: Key;
  /** As it is stored. */
  readonly raw: Key;
  /** Undefined: damaged. */
  readonly value: V | undefined;
}

export interface Dictionary {
  readonly format: number;
  readonly word: (short: string) => string;
  /** A tenant with its service. */
  readonly named: (tenant: string) => string;
}

/** How the last message ended, and the fingerprint, were not told apart by connectors. */
export type OldRecord = Omit<RecordDocument, "own" | "pending"> & Pick<OwnPart, "last" | "same">;
export type OldEntry = Entry & Pick<RecordDocument, "unconfirmed">;
/** Last seen at, generation, number of the mapping under which Hull knows everything or 0, run that counted it last. */
type LastSeen = readonly [seenAtMs: number, generation: number, told: number, run: string];

/** A list of fields; null stands for an absent one. @param names a dash for one that nobody needs */
function list<V>(names: string, parts: Readonly<Record<string, Reader<unknown>>> = {}): Reader<V> {
  const fields = names.split(" ");
  return (stored) => {
    if (!Array.isArray(stored)) return undefined;
    const value: Record<string, unknown> = {};
    for (const [index, field] of (stored as readonly unknown[]).entries()) {
      const name = fields[index] ?? "-";
      if (name === "-" || field === null) continue;
      const part = parts[name];
      value[name] = part === undefined ? field : part(field);
    }
    // It was written from such a row.
    return value as V;
  };
}

const outcome = list<Outcome>("messageId outcome code text atMs counted note derived run");
const outcomes: Reader<readonly Outcome[]> = (stored) =>
  Array.isArray(stored) ? (stored as readonly unknown[]).flatMap((each) => outcome(each) ?? []) : [];
/** As today. */
const content: Reader<Content> = (stored) => (Array.isArray(stored) ? CONTENTS.codec.unpack(stored) : undefined);
const attempt = list<Attempt>("content kind startedAtMs", { content });
const entry = list<OldEntry>(
  "- - - acceptedAtMs content attempt notBeforeMs attempts unconfirmed blockedOn withdrawn problem",
  { content, attempt },
);

/** @param key names of the parts with which its keys begin, as far as anybody asks */
const table = <V>(name: string, key: string, words: number, read: Reader<V>): OldTable<V> => ({
  name,
  key: compact(key.split(" ")),
  words,
  read,
});

/** Of a table whose rows were stored as they are. */
const plain = <V>(kind: "object" | "string" | "number", name: string, key = ""): OldTable<V> =>
  // It was written from such a row.
  table(name, key, 0, (stored) => (typeof stored === kind && stored !== null ? (stored as V) : undefined));

export const RECORDS = table(
  "records",
  "remote type hullId",
  2,
  list<OldRecord>("version messageId revision remoteId generation confirmedAtMs last unconfirmed same recent claims", {
    last: outcome,
  }),
);
/** As today. */
export const MIRRORS = table("mirror", "remote type remoteId", 2, (stored) => {
  const [, , , , , facts] = Array.isArray(stored) ? (stored as readonly unknown[]) : [];
  return Array.isArray(facts) ? MIRRORS_TODAY.codec.unpack(stored) : undefined;
});
export const LAST_SEEN = table("sightings", "remote type remoteId", 2, (stored) =>
  Array.isArray(stored) ? (stored as unknown as LastSeen) : undefined,
);
export const ENTRIES = table("outbox", "remote tenant type hullId", 3, (stored) => {
  const value = entry(stored);
  return (value?.content ?? value?.attempt?.content) === undefined ? undefined : value;
});
export const HULL_UPDATES = table(
  "tells",
  "remote tenant type hullId",
  3,
  list<PendingHullUpdate>("- - - remoteId claims attributes facts account outcomes seq notBeforeMs attempts", {
    outcomes,
  }),
);
export const DEAD_LETTERS = plain<Omit<Refused, "id">>("object", "dead", "remote tenant type hullId");
export const RIVALS = plain<RivalRow>("object", "rivals", "remote tenant type hullId");
/** How much waits, which is counted anew. */
export const DEPTHS = plain("object", "depth", "remote tenant");
/** Without numbers. */
export const REMOTES = plain<Omit<RemoteDocument, "number">>("object", "remotes", "remote");
export const PAUSES = plain<PauseRow>("object", "holds", "remote tenant");
export const TENANTS = plain<TenantRow>("object", "tenants", "tenant");
export const RUNS = plain<RunRow>("object", "runs");
export const STARTS = plain<number>("number", "starts");
export const texts = (name: string, key?: string): OldTable<string> => plain("string", name, key);
export const counts = (name: string): OldTable<number> => plain("number", name, "tenant");
export const REPORTS = plain<ReportLine>("object", "reports");

/** The format of a store. @returns undefined for one that is new, of today's format, or unknown: nothing to upgrade */
export function oldFormatOf(rows: Rows): number | undefined {
  const format = rows.get("meta", ["format"]);
  return typeof format === "number" && FORMATS.has(format) ? format : undefined;
}

/**
 * @param service that every tenant had before keys named it
 * @throws DamagedRow when a word is damaged: nobody knows then what the keys with it meant
 */
export function readDictionary(rows: Rows, format: number, service: string): Dictionary {
  const words = new Map<string, string>();
  for (const [key, word] of rows.range("names", [])) {
    const check = rows.get("checks", ["names", ...key]);
    if (typeof word !== "string" || (check !== undefined && check !== checkBeside(key, word))) {
      throw new DamagedRow("names", key);
    }
    words.set(String(key[0]), word);
  }
  const prefix = `${service}/`;
  return {
    format,
    word: (short) => words.get(short) ?? short,
    // Where an earlier upgrade broke off, some have it already.
    named: (tenant) => (format >= NAMED || tenant === "" || tenant.startsWith(prefix) ? tenant : prefix + tenant),
  };
}

/** A key with its words written out. */
function writtenOut({ key, words }: OldTable<unknown>, raw: Key, { word, named }: Dictionary): Key {
  return raw.map((part, index) => {
    const written = index < words ? word(String(part)) : part;
    return key[index] === "tenant" ? named(String(written)) : written;
  });
}

/** Rows in the order of their keys; damaged ones, too. @param after key of the last row before, as it is stored */
export function* walk<V>(rows: Rows, table: OldTable<V>, names: Dictionary, after?: Key): Generator<OldRow<V>> {
  const rowOf = (raw: Key, stored?: unknown): OldRow<V> => ({
    key: writtenOut(table, raw, names),
    raw,
    value: table.read(stored),
  });
  for (let from = after; ;) {
    try {
      for (const [raw, stored] of rows.range(table.name, [], { after: from })) {
        from = raw;
        yield rowOf(raw, stored);
      }
      return;
    } catch (error) {
      if (!(error instanceof DamagedRow) || error.table !== table.name) throw error;
      from = error.key;
      yield rowOf(error.key);
    }
  }
}

/** One row; without a value it is damaged. @param raw its key as it is stored */
export function rowAt<V>(rows: Rows, table: OldTable<V>, raw: Key): { readonly value: V | undefined } | undefined {
  const found = wholeOr(() => ({ stored: rows.get(table.name, raw) }));
  return found !== undefined && found.stored === undefined ? undefined : { value: table.read(found?.stored) };
}

export function isDamagedAt(rows: Rows, table: OldTable<unknown>, raw: Key): boolean {
  const row = rowAt(rows, table, raw);
  return row !== undefined && row.value === undefined;
}
