/**
 * The format of a store, and the oldest programs that may work on it. A store that several processes share is upgraded
 * once nobody is there any more who could not read what that makes; whoever is there nevertheless is shut out before it
 * begins, by a new era.
 */
import type { Database, Rows } from "./database/rows";
import { DiskError, REDIS_LOST } from "./port/disk";
import { StoreTooNew, type PresentProcess } from "./port/leases";
import { renewEra } from "./tables/history";
import { FORMAT, META } from "./tables/tables";
import { commit, read, type Reader, type View } from "./tables/view";

export interface StoreFormat {
  /** Undefined: there is nothing yet. */
  readonly format: number | undefined;
  /** Programs whose newest format is older may not work on it. Later than `format` while an upgrade is under way. */
  readonly reader: number;
}

/** What a program can do with formats. */
export interface Formats {
  /** The one that it makes. */
  readonly newest: number;
  /** The oldest program, by its newest format, that may work on a store of that one. */
  readonly reader: number;
  /** The oldest format that it reads and writes as it is, as long as older programs work on the store as well. */
  readonly oldest: number;
  /** From an older format to the newest one; absent: there is no way. */
  readonly upgrade?: Upgrade | undefined;
}

export interface Upgrade {
  /** The oldest format from which it leads. */
  readonly from: number;
  /** Changes rows, in commits of its own. It may end anywhere, be run again, and be run by several processes at once. */
  readonly run: (database: Database) => Promise<void>;
}

export const FORMATS: Formats = { newest: FORMAT, reader: FORMAT, oldest: FORMAT };

const stateOf = (format: number | undefined, reader = format ?? 0): StoreFormat => ({ format, reader });

export const formatOf = (view: Reader): StoreFormat => stateOf(view.get(META, ["format"]), view.get(META, ["reader"]));

/** The same, in rows as they are stored. */
export const formatIn = (rows: Rows): StoreFormat =>
  stateOf(...(["format", "reader"].map((name) => rows.get(META.name, [name])) as [number?, number?]));

/** `current`: all is well; `older`: it can be worked on as it is, and upgraded; `outdated`: it must be upgraded first. */
export type Fit = "current" | "older" | "outdated";

/** @throws StoreTooNew; Error when the format is older, and there is no way from it */
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

/** Names the format of a store that has none, and what may read it where only the format is named. */
export function nameFormat(view: View, { newest, reader }: Formats): void {
  const found = formatOf(view);
  if (found.format === undefined) view.put(META, ["format"], newest);
  if (view.get(META, ["reader"]) === undefined)
    view.put(META, ["reader"], found.format === undefined ? reader : found.reader);
}

/** Whether others have upgraded a store since it was so, or begun to. */
export const isUpgraded = (before: StoreFormat, now: StoreFormat): boolean =>
  now.reader > before.reader || (now.format ?? 0) > (before.format ?? 0);

/** Shuts everybody out who works on the store as it is, unless an upgrade is under way already. */
export const beginUpgrade = (database: Database, { newest }: Formats): Promise<void> =>
  commit(database, (view) => {
    const { format = newest, reader } = formatOf(view);
    if (format >= newest || reader >= newest) return;
    view.put(META, ["reader"], newest);
    // Which all of them notice at their next commit.
    renewEra(view);
  });

/** After that: upgrades it. @throws StoreTooNew when a newer program was faster */
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

/** Nothing can be done on the store before older processes are gone; the message says which. */
export class StoreWaits extends DiskError {
  override readonly name = "StoreWaits";

  /** @param redis where that is, without a password */
  constructor(
    message: string,
    readonly redis: string,
  ) {
    super(message, REDIS_LOST);
  }
}

/** Of all versions whose processes do not say that they are there. */
const FORMER_FORMAT = 7;

export interface SharedUpgradeOptions {
  readonly database: Database;
  readonly formats: Formats;
  /** How long nobody must have been there. */
  readonly silentMs: number;
}

export interface Look {
  readonly fit: Fit;
  /** Why it is not upgraded yet, a sentence. */
  readonly waits?: string | undefined;
}

/**
 * Looks at the store, and upgrades it if that may begin.
 *
 * @param present all processes that are there
 * @throws StoreTooNew
 */
export async function upgradeShared(options: SharedUpgradeOptions, present: readonly PresentProcess[]): Promise<Look> {
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
  // Whoever has been looking for so long would have said it of the others.
  if (present.some(({ forMs }) => forMs >= silentMs)) return undefined;
  return `${begin} when no older process has been seen for a minute.`;
}
