/** Stores as format 5 left them: values carry no checks. */
import { open } from "lmdb";
import { MOST_TABLES } from "../../../src/storage/database/lmdb";

/** What a value begins with that carries a check, and how long its check is with it. */
const CHECKED = 0xc1;
const HEAD_BYTES = 5;

/** Makes a closed store of today one of format 5. @returns how many values lost their check */
export async function makeFormatFive(path: string): Promise<number> {
  const root = open({ path, maxDbs: MOST_TABLES });
  let stripped = 0;
  for (const name of [...root.getKeys()].map(String)) {
    const table = root.openDB<Buffer, Buffer>({ name, encoding: "binary", keyEncoding: "binary" });
    const rows = [...table.getRange()].map(({ key, value }) => [Buffer.from(key), Buffer.from(value)] as const);
    for (const [key, value] of rows.filter(([, bytes]) => bytes[0] === CHECKED)) {
      table.putSync(key, value.subarray(HEAD_BYTES));
      stripped += 1;
    }
  }
  // Format 5 has no such table.
  await root.openDB({ name: "checks" }).drop();
  root.openDB<number, string[]>({ name: "meta", encoding: "msgpack" }).putSync(["format"], 5);
  await root.close();
  return stripped;
}
