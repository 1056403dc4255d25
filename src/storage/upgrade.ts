/** A store that several processes share is upgraded once nobody is there any more who cannot read what that makes. */
import type { Database } from "./database/rows";
import type { PresentProcess } from "./port/leases";
import { DiskError, REDIS_LOST } from "./port/disk";
import {
  beginUpgrade,
  finishUpgrade,
  fitOf,
  formatIn,
  type Fit,
  type Formats,
  type StoreFormat,
} from "./tables/formats";
import { renewEra } from "./tables/history";

export { FORMATS, formatIn, type Formats } from "./tables/formats";

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
  await beginUpgrade(database, formats, (view) => void renewEra(view));
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
