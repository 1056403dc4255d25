/** Stores as format 2 left them: sealed texts that stand in no row, and remains of the heap between the rows. */
import { createCipheriv, hkdfSync, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunRow, TenantRow } from "../../../src/storage/port/rows";
import { createSeal, type Place } from "../../../src/storage/port/seal";
import { ofFormat } from "./format-five";
import { rowsOfFormatSix, writeOld, type OldRow } from "./format-six";
import { shareFacts } from "./format-three";

/** As `seal` of format 2 did. */
export function sealUnbound(text: string, secret: string): string {
  const key = Buffer.from(hkdfSync("sha256", secret, "", "seal", 32));
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64url");
}

/** Makes a closed store of today one of format 2. @param under another secret, if that was used last */
export async function makeFormatTwo(path: string, secret: string, under = secret): Promise<void> {
  const seal = createSeal(secret);
  const unbound = (sealed: string, place: Place): string => sealUnbound(seal.open(sealed, place), under);
  const rows = shareFacts(await rowsOfFormatSix(path)).map(([table, key, value]): OldRow => {
    if (table === "tenants") {
      const row = value as TenantRow;
      return [table, key, { ...row, sealed: unbound(row.sealed, `tenant/${row.key}`) }];
    }
    if (table === "runs") {
      const row = value as RunRow;
      const { order, tenant, id } = row;
      return [table, key, order === undefined ? row : { ...row, order: unbound(order, `run/${tenant}/${id}`) }];
    }
    return [table, key, value];
  });
  await writeOld(path, ofFormat(rows, 2), false);
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
