/**
 * The format of a store, the oldest program that may work on it, and how it gets a newer one. A store that several processes
 * share is upgraded once none is left that could not read the result; one that was overlooked is shut out before anything
 * changes, by a new era. Why: docs/decisions/41-presence-and-formats.md.
 */
import type { Database, Rows } from "./database/rows";
import { StoreTooNew, type PresentProcess } from "./port/leases";
import { renewEra } from "./tables/eras";
import { FORMAT, META } from "./tables/tables";
import { commit, read, type Reader, type View } from "./tables/view";

export interface StoreFormat {
  /** Undefined: the store is empty. */
  readonly format: number | undefined;
  /** A program must read this format to work on the store. Higher than `format` while an upgrade is under way. */
  readonly reader: number;
}

/** What a program can do with formats. */
export interface Formats {
  /** The one that it makes. */
  readonly newest: number;
  /** A program must read this format to work on a store of the newest one. */
  readonly reader: number;
  /** The oldest one in which it can work, beside older programs. */
  readonly oldest: number;
  /** From an older format to the newest one; undefined: there is no way. */
  readonly upgrade?: Upgrade | undefined;
}

export interface Upgrade {
  /** The oldest format from which it leads. */
  readonly from: number;
  /** Changes rows, in commits of its own. It may be interrupted, repeated, and run by several processes at once. */
  readonly run: (database: Database) => Promise<void>;
}

export const FORMATS: Formats = { newest: FORMAT, reader: FORMAT, oldest: FORMAT };

const stateOf = (format: number | undefined, reader = format ?? 0): StoreFormat => ({ format, reader });

export const formatOf = (view: Reader): StoreFormat => stateOf(view.get(META, ["format"]), view.get(META, ["reader"]));

/** The same, of rows as they are stored. */
export const formatIn = (rows: Rows): StoreFormat =>
  stateOf(...(["format", "reader"].map((name) => rows.get(META.name, [name])) as [number?, number?]));

/** `current`: nothing is to be done; `older`: one can work on it, and upgrade it later; `outdated`: upgrade it first. */
export type Fit = "current" | "older" | "outdated";

/**
 * What a program can do with a store.
 *
 * @throws StoreTooNew
 * @throws Error when the format is older, and there is no way from it
 */
export function fitOf({ format, reader }: StoreFormat, { newest, oldest, upgrade }: Formats): Fit {
  if (format === undefined) return "current";
  if (reader > newest) throw new StoreTooNew(Math.max(format, reader), newest);
  if (format >= newest) return "current";
  // In the middle of an upgrade nobody works as before.
  if (format >= oldest && reader <= format) return "older";
  if (upgrade !== undefined && format >= upgrade.from) return "outdated";
  throw new Error(
    `The stored data has format ${format}, this program reads format ${newest}. ` +
      "Start the version that wrote it, or point DATA_DIR to an empty folder.",
  );
}

/** Gives an empty store its format, and a store of a former version, which names only that, its oldest reader. */
export function nameFormat(view: View, { newest, reader }: Formats): void {
  const found = formatOf(view);
  if (found.format === undefined) view.put(META, ["format"], newest);
  if (view.get(META, ["reader"]) === undefined)
    view.put(META, ["reader"], found.format === undefined ? reader : found.reader);
}

/** Whether somebody has upgraded a store since then, or begun to. */
export const isUpgraded = (before: StoreFormat, now: StoreFormat): boolean =>
  now.reader > before.reader || (now.format ?? 0) > (before.format ?? 0);

/** Shuts out everybody who works on the store as it is; does nothing when an upgrade is under way already. */
export const beginUpgrade = (database: Database, { newest }: Formats): Promise<void> =>
  commit(database, (view) => {
    const { format = newest, reader } = formatOf(view);
    if (format >= newest || reader >= newest) return;
    view.put(META, ["reader"], newest);
    // All of them notice at their next commit.
    renewEra(view);
  });

/** Upgrades a store whose upgrade has begun. @throws StoreTooNew when a newer program was faster */
export async function finishUpgrade(database: Database, formats: Formats): Promise<void> {
  const { newest, reader, upgrade } = formats;
  const isOpen = (view: Reader): boolean => {
    const found = formatOf(view);
    return fitOf(found, formats) !== "current" && found.reader === newest;
  };
  if (upgrade === undefined || !(await read(database, isOpen))) return;
  await upgrade.run(database);
  await commit(database, (view) => {
    if (!isOpen(view)) return;
    view.put(META, ["format"], newest);
    view.put(META, ["reader"], reader);
  });
}

/** The one that is read by all versions whose processes do not say that they are there. */
const FORMER_FORMAT = 7;

export interface SharedUpgradeOptions {
  readonly database: Database;
  readonly formats: Formats;
  /** How long no older process must have been seen, milliseconds. */
  readonly silentMs: number;
}

/**
 * Upgrades the store if that is due, and no older process is there.
 *
 * @param present all processes that are there
 * @returns how it fits this program now; `waits`: why it is not upgraded yet, a sentence
 * @throws StoreTooNew
 */
export async function upgradeShared(
  options: SharedUpgradeOptions,
  present: readonly PresentProcess[],
): Promise<{ readonly fit: Fit; readonly waits?: string | undefined }> {
  const { database, formats } = options;
  const found = await database.read(formatIn);
  const fit = fitOf(found, formats);
  if (fit === "current") return { fit };
  const waits = found.reader === formats.newest ? undefined : whomItWaitsFor(found, options, present);
  if (waits !== undefined) return { fit, waits };
  await beginUpgrade(database, formats);
  await finishUpgrade(database, formats);
  return { fit: "current" };
}

function whomItWaitsFor(
  { format }: StoreFormat,
  { formats: { newest }, silentMs }: SharedUpgradeOptions,
  present: readonly PresentProcess[],
): string | undefined {
  const begin = `The store has format ${format} and will be upgraded to format ${newest}`;
  const older = present.filter(({ reads }) => (reads?.[1] ?? FORMER_FORMAT) < newest);
  if (older.length > 0) {
    const names = older.map(
      ({ name, role, version }) => `${name} (${[role, version ?? "an older version"].filter(Boolean).join(", ")})`,
    );
    return `${begin} once these older processes are stopped, or silent for a minute: ${names.join("; ")}.`;
  }
  // A process that has been there for so long has seen the connections of those that say nothing, and said it for them.
  if (present.some(({ forMs }) => forMs >= silentMs)) return undefined;
  return `${begin} when no older process has been seen for a minute.`;
}
