/** Stores as format 2 left them: sealed texts that stand in no row, and remains of the heap between the rows. */
import { createCipheriv, hkdfSync, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLmdbKeyValue } from "../../../src/storage/database/lmdb";
import type { RunRow, TenantRow } from "../../../src/storage/port/rows";
import { shareFacts } from "./format-three";
import { createSeal } from "../../../src/storage/port/seal";

/** As `seal` of format 2 did. */
export function sealUnbound(text: string, secret: string): string {
  const key = Buffer.from(hkdfSync("sha256", secret, "", "seal", 32));
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64url");
}

/** Makes a closed store of today one of format 2. */
export async function makeFormatTwo(path: string, secret: string): Promise<void> {
  const seal = createSeal(secret);
  const kv = createLmdbKeyValue(path);
  await shareFacts(kv);
  const tenants = kv.table<TenantRow>("tenants");
  const runs = kv.table<RunRow>("runs");
  await kv.transact(() => {
    for (const [key, row] of [...tenants.range([])]) {
      tenants.put(key, { ...row, sealed: sealUnbound(seal.open(row.sealed, `tenant/${row.key}`), secret) });
    }
    for (const [key, row] of [...runs.range([])]) {
      if (row.order === undefined) continue;
      runs.put(key, { ...row, order: sealUnbound(seal.open(row.order, `run/${row.tenant}/${row.id}`), secret) });
    }
    kv.table<number>("meta").put(["format"], 2);
  });
  await kv.close();
}

const PAGE = 4_096;
/** The first two pages are LMDB's own. */
const FIRST_PAGE = 2;

/**
 * Puts the marker into the unused middle of every page of a closed store, as noMemInit would have.
 *
 * @returns how often there was room for it
 */
export function litter(path: string, marker: string): number {
  const file = join(path, "data.mdb");
  const content = readFileSync(file);
  const room = Buffer.alloc(marker.length + 64);
  let times = 0;
  for (let page = FIRST_PAGE * PAGE; page < content.length; page += PAGE) {
    const at = content.subarray(page, page + PAGE).indexOf(room);
    if (at < 0) continue;
    content.write(marker, page + at + 32);
    times += 1;
  }
  writeFileSync(file, content);
  return times;
}
