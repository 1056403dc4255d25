/**
 * Reads what formats 2 to 6 stored. Their rows were lists of fields in a fixed order, and long words of keys (remotes,
 * tenants, types) were written short, as a table of names says. None of it changes any more.
 */
import { checkBeside } from "../../database/checks";
import { DamagedRow, type Key, type Rows } from "../../database/rows";
import type {
  Content,
  DeadLetterRow,
  EntryRow,
  Fact,
  HullUpdateRow,
  MirrorRow,
  Outcome,
  RecordRow,
  RivalRow,
} from "../../port/rows";

/** Of 3.5 and 4.5 an upgrade by a former program broke off. */
const FORMATS: ReadonlySet<number> = new Set([2, 3, 3.5, 4, 4.5, 5, 6]);
/** Encrypted texts are not bound to their rows. */
export const UNBOUND = 2;
/** Before it, what was sent counted for every connector of a remote. */
export const DIVIDED = 4;
/** Before it, tenants' keys did not name the service. */
const NAMED = 5;

/** Last seen at, generation, number of the mapping under which Hull knows everything or 0, run that counted it last. */
export type LastSeen = readonly [seenAtMs: number, generation: number, told: number, run: string];

/** @returns undefined when the stored value is none of its kind */
type Reader<V> = (stored: unknown) => V | undefined;

export interface OldTable<V> {
  readonly name: string;
  /** With how many short words its keys begin. */
  readonly words: number;
  /** Which part of a key is a tenant. */
  readonly tenant?: number;
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
  /** Undefined: no row has the word. */
  readonly short: (word: string) => string | undefined;
  /** A tenant with its service. */
  readonly named: (tenant: string) => string;
}

/** A list of fields; null stands for an absent one. */
function list<V>(names: string, parts: Readonly<Record<string, Reader<unknown>>> = {}): Reader<V> {
  const fields = names.split(" ");
  return (stored) => {
    if (!Array.isArray(stored)) return undefined;
    const value: Record<string, unknown> = {};
    for (const [index, field] of (stored as readonly unknown[]).entries()) {
      const name = fields[index];
      if (name === undefined || field === null) continue;
      const part = parts[name];
      value[name] = part === undefined ? field : part(field);
    }
    // It was written from such a row.
    return value as V;
  };
}

/** Only rows that have what all of their kind have. */
const only =
  <V>(read: Reader<V>, isWhole: (value: V) => boolean): Reader<V> =>
  (stored) => {
    const value = read(stored);
    return value !== undefined && isWhole(value) ? value : undefined;
  };

const text: Reader<string> = (stored) => (typeof stored === "string" ? stored : undefined);
const number: Reader<number> = (stored) => (typeof stored === "number" ? stored : undefined);

/** Field, remote, sent, told; and so on. If others sent something too, their number comes first, then their values. */
const facts: Reader<Readonly<Record<string, Fact>>> = (stored) => {
  const value: Record<string, Fact> = {};
  if (!Array.isArray(stored)) return value;
  const [first] = stored as readonly unknown[];
  const others = typeof first === "number" ? first : 0;
  const parts = stored as readonly (string | null)[];
  for (let at = others > 0 ? 1 : 0; at < parts.length; at += 4 + others) {
    const [field, remote = null, sent = null, told = null, ...more] = parts.slice(at, at + 4 + others);
    value[String(field)] = [remote, sent, told, ...more];
  }
  return value;
};

const outcome = list<Outcome>("messageId outcome code text atMs counted note derived run");
const outcomes: Reader<readonly Outcome[]> = (stored) =>
  Array.isArray(stored) ? (stored as readonly unknown[]).flatMap((each) => outcome(each) ?? []) : [];
const content = list<Content>(
  "desired claims hintId force replay messageId version seq derived counted once run digest shown earlier",
);
const attempt = list<NonNullable<EntryRow["attempt"]>>("content kind startedAtMs", { content });

/** Of a table whose rows were stored as they are. @param tenant which part of its keys is one */
export const plainTable = <V extends object>(name: string, tenant?: number): OldTable<V> => ({
  name,
  words: 0,
  // It was written from such a row.
  read: (stored) => (typeof stored === "object" && stored !== null ? (stored as V) : undefined),
  ...(tenant !== undefined && { tenant }),
});

/** [remote, type, hull id] */
export const RECORDS: OldTable<RecordRow> = {
  name: "records",
  words: 2,
  read: list("version messageId revision remoteId generation confirmedAtMs last unconfirmed same recent claims", {
    last: outcome,
  }),
};
/** [remote, type, remote id] */
export const MIRRORS: OldTable<MirrorRow> = {
  name: "mirror",
  words: 2,
  read: list(
    "id generation keys parentId linkedTo facts complete archived createdAtMs writtenAtMs seenAtMs missing confirmedRest",
    { facts },
  ),
};
/** [remote, type, remote id] */
export const LAST_SEEN: OldTable<LastSeen> = {
  name: "sightings",
  words: 2,
  read: (stored) => (Array.isArray(stored) ? (stored as unknown as LastSeen) : undefined),
};
/** [remote, tenant, type, hull id] */
export const ENTRIES: OldTable<EntryRow> = {
  name: "outbox",
  words: 3,
  tenant: 1,
  read: only(
    list(
      "tenant type hullId acceptedAtMs content attempt notBeforeMs attempts unconfirmed blockedOn withdrawn problem",
      { content, attempt },
    ),
    (entry) => (entry.content ?? entry.attempt?.content) !== undefined,
  ),
};
/** [remote, tenant, type, hull id] */
export const HULL_UPDATES: OldTable<HullUpdateRow> = {
  name: "tells",
  words: 3,
  tenant: 1,
  read: list("tenant type hullId remoteId claims attributes facts account outcomes seq notBeforeMs attempts", {
    outcomes,
  }),
};
/** [remote, tenant, type, hull id] */
export const DEAD_LETTERS: OldTable<DeadLetterRow> = plainTable("dead", 1);
/** [remote, tenant, type, hull id] */
export const RIVALS: OldTable<RivalRow> = plainTable("rivals", 1);
/** [remote, tenant]; how much waits, which is counted anew */
export const DEPTHS: OldTable<unknown> = plainTable("depth", 1);

export const textTable = (name: string, tenant?: number): OldTable<string> => ({
  ...plainTable(name, tenant),
  read: text,
});
export const numberTable = (name: string, tenant?: number): OldTable<number> => ({
  ...plainTable(name, tenant),
  read: number,
});

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
  const shorts = new Map<string, string>();
  for (const [key, word] of rows.range("names", [])) {
    const check = rows.get("checks", ["names", ...key]);
    if (typeof word !== "string" || (check !== undefined && check !== checkBeside(key, word))) {
      throw new DamagedRow("names", key);
    }
    words.set(String(key[0]), word);
    shorts.set(word, String(key[0]));
  }
  const prefix = `${service}/`;
  return {
    format,
    word: (short) => words.get(short) ?? short,
    short: (word) => shorts.get(word),
    // Where an earlier upgrade broke off, some have it already.
    named: (tenant) => (format >= NAMED || tenant === "" || tenant.startsWith(prefix) ? tenant : prefix + tenant),
  };
}

/** A key with its words written out. */
function writtenOut({ words, tenant }: OldTable<unknown>, raw: Key, { word, named }: Dictionary): Key {
  return raw.map((part, index) => {
    const written = index < words ? word(String(part)) : part;
    return index === tenant ? named(String(written)) : written;
  });
}

/** Rows in the order of their keys; damaged ones, too. @param after key of the last row before, as it is stored */
export function* walk<V>(rows: Rows, table: OldTable<V>, names: Dictionary, after?: Key): Generator<OldRow<V>> {
  for (let from = after; ;) {
    try {
      for (const [raw, stored] of rows.range(table.name, [], { after: from })) {
        from = raw;
        yield { key: writtenOut(table, raw, names), raw, value: table.read(stored) };
      }
      return;
    } catch (error) {
      if (!(error instanceof DamagedRow) || error.table !== table.name) throw error;
      from = error.key;
      yield { key: writtenOut(table, error.key, names), raw: error.key, value: undefined };
    }
  }
}

/** One row. @param raw its key as it is stored; undefined: there is none */
export function rowAt<V>(rows: Rows, table: OldTable<V>, raw: Key): { readonly value: V | undefined } | undefined {
  try {
    const stored = rows.get(table.name, raw);
    return stored === undefined ? undefined : { value: table.read(stored) };
  } catch (error) {
    if (error instanceof DamagedRow) return { value: undefined };
    throw error;
  }
}

/** Sorts behind every other part of a key. */
const LAST = "\u{10FFFF}";

/** What the keys of a table begin with, each once: found by skipping the rest. */
export function beginnings(
  rows: Rows,
  table: OldTable<unknown>,
  names: Dictionary,
  parts: number,
): readonly OldRow<unknown>[] {
  const found: OldRow<unknown>[] = [];
  for (let after: Key | undefined; ;) {
    const next = first(walk(rows, table, names, after));
    if (next === undefined) return found;
    found.push(next);
    after = [...next.raw.slice(0, parts), LAST];
  }
}

/** A walk that is left closes the database's cursor. */
function first<T>(walked: Iterable<T>): T | undefined {
  for (const each of walked) return each;
  return undefined;
}
