/** Stores as format 3 left them: what was sent counts for every connector of a remote. */
import { ofFormat } from "./format-five";
import { takeServiceOut } from "./format-four";
import { rowsOfFormatSix, writeOld, type OldRow } from "./format-six";

/** Where the facts are in a row of the mirror. */
const FACTS = 5;

/** What one connector sent is all that these stores know. */
export function shareFacts(rows: readonly OldRow[]): readonly OldRow[] {
  const shared = takeServiceOut(rows).map(([table, key, value]): OldRow => {
    if (table === "remotes") return [table, key, { ...(value as object), senders: undefined }];
    if (table === "mirror") return [table, key, (value as unknown[]).with(FACTS, firstOnly(value as unknown[]))];
    return [table, key, value];
  });
  return ofFormat(JSON.parse(JSON.stringify(shared)) as OldRow[], 3);
}

function firstOnly(row: readonly unknown[]): readonly unknown[] {
  const facts = row[FACTS] as readonly unknown[];
  const others = typeof facts[0] === "number" ? facts[0] : 0;
  const list = others > 0 ? facts.slice(1) : facts;
  return list.filter((_, at) => at % (4 + others) < 4);
}

/** Makes a closed store of today one of format 3. */
export async function makeFormatThree(path: string): Promise<void> {
  await writeOld(path, shareFacts(await rowsOfFormatSix(path)), false);
}
