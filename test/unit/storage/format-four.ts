/** Stores as format 4 left them: tenants' keys do not name the service. */
import { createLmdbKeyValue } from "../../../src/storage/database/lmdb";
import type { Key, KeyValue } from "../../../src/storage/database/kv";

/** All tables of that format that hold tenants, or words that may be tenants. */
const TABLES =
  "names tenants remotes outbox blocked tells dead letterIds letterParents rivals rivalsFor holds tally hours depth runs " +
  "runsByTime openRuns lastRuns";

/** An attribute such as `planhat/id` is none. */
const TENANT = /"planhat\/(?=[^"/]+\/)/;

/** Takes the service out of every key and row. */
export async function takeServiceOut(kv: KeyValue): Promise<void> {
  await kv.transact(() => {
    for (const name of TABLES.split(" ")) {
      const table = kv.table<unknown>(name);
      for (const [key, row] of [...table.range([])]) {
        const text = JSON.stringify([key, row]);
        if (!TENANT.test(text)) continue;
        table.remove(key);
        table.put(...(JSON.parse(text.replaceAll(new RegExp(TENANT, "g"), '"')) as [Key, unknown]));
      }
    }
    kv.table<number>("meta").put(["format"], 4);
  });
}

/** Makes a closed store of today one of format 4. */
export async function makeFormatFour(path: string): Promise<void> {
  const kv = createLmdbKeyValue(path);
  await takeServiceOut(kv);
  await kv.close();
}
