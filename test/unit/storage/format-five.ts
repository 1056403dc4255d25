/** Stores as format 5 left them: values carry no checks. */
import type { OldRow } from "./format-six";
import { rowsOfFormatSix, writeOld } from "./format-six";

/** Rows under another format. */
export function ofFormat(rows: readonly OldRow[], format: number): readonly OldRow[] {
  return rows.map((row) => (row[0] === "meta" && row[1][0] === "format" ? ["meta", row[1], format] : row));
}

/** Makes a closed store of today one of format 5. @returns how many rows it has */
export async function makeFormatFive(path: string): Promise<number> {
  const rows = await rowsOfFormatSix(path);
  await writeOld(path, ofFormat(rows, 5), false);
  return rows.length;
}
