/** Stores as format 3 left them: what was sent counts for every connector of a remote. */
import { createLmdbKeyValue } from "../../../src/storage/database/lmdb";
import type { KeyValue } from "../../../src/storage/database/kv";
import type { Fact } from "../../../src/storage/port/rows";
import { openTables } from "../../../src/storage/tables/tables";
import { takeServiceOut } from "./format-four";

/** What one connector sent is all that these stores know. */
export async function shareFacts(kv: KeyValue): Promise<void> {
  await takeServiceOut(kv);
  const tables = openTables(kv, Date.now);
  await tables.kv.transact(() => {
    for (const [key, { senders: _, ...remote }] of [...tables.remotes.range([])]) tables.remotes.put(key, remote);
    for (const [key, row] of [...tables.mirror.range([])]) {
      const facts = Object.entries(row.facts).map(([field, [there, sent, told]]): [string, Fact] => [
        field,
        [there, sent, told],
      ]);
      tables.mirror.put(key, { ...row, facts: Object.fromEntries(facts) });
    }
    tables.meta.put(["format"], 3);
  });
}

/** Makes a closed store of today one of format 3. */
export async function makeFormatThree(path: string): Promise<void> {
  const kv = createLmdbKeyValue(path);
  await shareFacts(kv);
  await kv.close();
}
