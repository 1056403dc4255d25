/**
 * Upgrades stores of older formats to today's when they are opened, step by step.
 *
 * From 2 to 3: encrypted texts are bound to their rows, and the file contains only rows. A new file is made beside the
 * old one and replaces it in one step, so a crash at any moment leaves one of the two, whole.
 *
 * From 3 to 4: what was sent counts per connector. What is stored goes on counting for each of a remote's connectors,
 * so that nobody's edit is overwritten. With only one connector, no record is changed. If it breaks off, it is begun
 * again.
 *
 * From 4 to 5: the service is written into every tenant's key; see `service-in-keys.ts`.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import groupBy from "lodash/groupBy";
import { copyDatabase } from "./copy";
import type { KeyValue } from "../database/kv";
import { createLmdbKeyValue, type DurableKeyValue } from "../database/lmdb";
import type { RunRow, TenantRow } from "../port/rows";
import type { Place, Seal } from "../port/seal";
import { shareSent } from "../tables/senders";
import { FORMAT, openTables } from "../tables/tables";
import { addService } from "./service-in-keys";

/** Encrypted texts are not bound, and there are remains of memory between the rows. */
const UNBOUND = 2;
/** What was sent counts for every connector. */
const SHARED = 3;
/** In transition to the next format: only a program that completes it may continue. */
const DIVIDING = 3.5;
/** Tenants' keys do not name the service. */
const NAMELESS = 4;
/** In transition to the next format. */
const NAMING = 4.5;
/** Values carry no checks. */
const UNCHECKED = 5;
/** Inside the store's folder, which may be a volume of its own: renaming does not work across volumes. */
const DRAFT = "upgrade";

/**
 * Opens the database of a store, upgraded if need be.
 *
 * @param path its folder; created when missing
 * @param service the one that every tenant had before keys named it
 * @param seal made only when it is needed; undefined: a store of format 2 is refused
 * @throws Error when the upgrade failed or is not possible here; the old store is unchanged or can be upgraded further then
 */
export async function openUpgraded(
  path: string,
  service: string,
  seal: (() => Seal) | undefined,
): Promise<DurableKeyValue> {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new Error(
      `${path} should be the folder of the store, but it is a file. Move it away, or set another DATA_DIR.`,
    );
  }
  // Removes what an interrupted upgrade left behind.
  rmSync(join(path, DRAFT), { recursive: true, force: true });
  let kv = createLmdbKeyValue(path);
  if (formatOf(kv) === UNBOUND) {
    await kv.close();
    if (seal === undefined) {
      throw new Error(
        `The store in ${path} has format ${UNBOUND}. ` +
          `Start the server once, with its SECRET: it upgrades the store to format ${FORMAT}.`,
      );
    }
    await bindAll(path, seal());
    kv = createLmdbKeyValue(path);
  }
  const format = formatOf(kv) ?? FORMAT;
  if (format < SHARED || format >= FORMAT) return kv;
  try {
    if (format < NAMELESS) await divide(kv);
    if (format < UNCHECKED) await nameService(kv, service);
    await allowChecks(kv);
  } catch (cause) {
    await kv.close();
    throw new Error(
      `The store in ${path} could not be upgraded from format ${Math.floor(format)} to format ${FORMAT}: ${wordsOf(cause)}. ` +
        "Make sure that this user may write there and that there is room, and start again to continue.",
      { cause },
    );
  }
  return kv;
}

function formatOf(kv: KeyValue): number | undefined {
  return kv.table<number>("meta").get(["format"]);
}

/** From format 3 to format 4. */
export async function divide(kv: KeyValue): Promise<void> {
  const tables = openTables(kv, Date.now);
  const rows = [...tables.tenants.range([])].map(([, row]) => row);
  await tables.kv.transact(() => tables.meta.put(["format"], DIVIDING));
  for (const [remote, tenants] of Object.entries(groupBy(rows, "remote"))) {
    // Tenants that never had a remote are grouped as well, under no remote's name.
    if (tenants[0]?.remote === undefined) continue;
    await shareSent(
      tables,
      remote,
      tenants.map(({ key }) => key),
    );
  }
  await tables.kv.transact(() => tables.meta.put(["format"], NAMELESS));
}

/** From format 4 to format 5. */
export async function nameService(kv: KeyValue, service: string): Promise<void> {
  const meta = kv.table<number>("meta");
  await kv.transact(() => meta.put(["format"], NAMING));
  await addService(kv, service);
  await kv.transact(() => meta.put(["format"], UNCHECKED));
}

/** From format 5 to format 6: whatever is written from now on carries a check, and what was written before is read. */
async function allowChecks(kv: KeyValue): Promise<void> {
  const meta = kv.table<number>("meta");
  await kv.transact(() => meta.put(["format"], FORMAT));
}

async function bindAll(path: string, seal: Seal): Promise<void> {
  const draft = join(path, DRAFT);
  try {
    mkdirSync(draft, { mode: 0o700 });
    await copyDatabase(path, draft);
    await bindRows(draft, seal);
    flush(join(draft, "data.mdb"), "r+");
    renameSync(join(draft, "data.mdb"), join(path, "data.mdb"));
  } catch (cause) {
    rmSync(draft, { recursive: true, force: true });
    throw new Error(failureMessage(path, cause), { cause });
  }
  if (process.platform !== "win32") flush(path, "r");
  rmSync(draft, { recursive: true, force: true });
}

function failureMessage(path: string, cause: unknown): string {
  const megabytes = Math.ceil(statSync(join(path, "data.mdb")).size / 1_000_000);
  return (
    `The store in ${path} could not be upgraded from format ${UNBOUND} to format ${FORMAT} (${wordsOf(cause).replace(/\.$/, "")}). ` +
    `The old store is unchanged. Make sure that this user may write there and that ${megabytes} MB are free, and start again.`
  );
}

function wordsOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Rows that another SECRET encrypted stay as they are, and are replaced as usual. */
async function bindRows(path: string, seal: Seal): Promise<void> {
  const kv = createLmdbKeyValue(path);
  try {
    await kv.transact(() => {
      const tenants = kv.table<TenantRow>("tenants");
      for (const [key, row] of [...tenants.range([])]) {
        const sealed = bound(seal, row.sealed, `tenant/${row.key}`);
        if (sealed !== undefined) tenants.put(key, { ...row, sealed });
      }
      const runs = kv.table<RunRow>("runs");
      for (const [key, row] of [...runs.range([])]) {
        const order = row.order === undefined ? undefined : bound(seal, row.order, `run/${row.tenant}/${row.id}`);
        if (order !== undefined) runs.put(key, { ...row, order });
      }
      // Some values carry a check now, so no program of format 3 may read them.
      kv.table<number>("meta").put(["format"], DIVIDING);
    });
  } finally {
    await kv.close();
  }
}

function bound(seal: Seal, sealed: string, place: Place): string | undefined {
  try {
    return seal.bind(sealed, place);
  } catch {
    return undefined;
  }
}

/** Content of a file, or the names in a folder; Windows needs write access for a flush. */
function flush(path: string, access: "r" | "r+"): void {
  const handle = openSync(path, access);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
