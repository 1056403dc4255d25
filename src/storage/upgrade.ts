/**
 * Brings a store of format 2 to format 3 when it is opened. What differs: sealed texts are bound to their rows, and the
 * file holds nothing but rows. A new file is made beside the old one and takes its place at once, so a crash at any moment
 * leaves one of the two, whole.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { copyDatabase } from "./copy";
import type { KeyValue } from "./kv";
import { createLmdbKeyValue } from "./lmdb";
import type { RunRow, TenantRow } from "./rows";
import { runPlace, tenantPlace, type Place, type Seal } from "./seal";
import { FORMAT } from "./tables";

const FORMAT_BEFORE = 2;
/** Within the store's folder, which may be a volume of its own: nothing is renamed from one volume to another. */
const DRAFT = "upgrade";

/**
 * Opens the database of a store, upgraded if need be.
 *
 * @param path its folder; created when missing
 * @param seal made only when it is needed; undefined: an old store is refused
 * @throws Error when the upgrade failed or is not possible here; the old store is as it was then
 */
export async function openUpgraded(path: string, seal: (() => Seal) | undefined): Promise<KeyValue> {
  // What an upgrade that was interrupted left behind.
  rmSync(join(path, DRAFT), { recursive: true, force: true });
  const kv = createLmdbKeyValue(path);
  if (kv.table<number>("meta").get(["format"]) !== FORMAT_BEFORE) return kv;
  await kv.close();
  if (seal === undefined) {
    throw new Error(
      `The store in ${path} has format ${FORMAT_BEFORE}. ` +
        `Start the server once, with its SECRET: it brings the store to format ${FORMAT}.`,
    );
  }
  await upgrade(path, seal());
  return createLmdbKeyValue(path);
}

async function upgrade(path: string, seal: Seal): Promise<void> {
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
  const reason = cause instanceof Error ? cause.message : String(cause);
  return (
    `The store in ${path} could not be brought from format ${FORMAT_BEFORE} to format ${FORMAT} (${reason.replace(/\.$/, "")}). ` +
    `The old store is unchanged. Make sure that this user may write there and that ${megabytes} MB are free, and start again.`
  );
}

/** Rows that another SECRET sealed stay as they are, and are replaced as ever. */
async function bindRows(path: string, seal: Seal): Promise<void> {
  const kv = createLmdbKeyValue(path);
  try {
    await kv.transact(() => {
      const tenants = kv.table<TenantRow>("tenants");
      for (const [key, row] of [...tenants.range([])]) {
        const sealed = bound(seal, row.sealed, tenantPlace(row.key));
        if (sealed !== undefined) tenants.put(key, { ...row, sealed });
      }
      const runs = kv.table<RunRow>("runs");
      for (const [key, row] of [...runs.range([])]) {
        const order = row.order === undefined ? undefined : bound(seal, row.order, runPlace(row));
        if (order !== undefined) runs.put(key, { ...row, order });
      }
      kv.table<number>("meta").put(["format"], FORMAT);
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

/** A file's content, or the names in a folder; Windows wants to write what it flushes. */
function flush(path: string, access: "r" | "r+"): void {
  const handle = openSync(path, access);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
