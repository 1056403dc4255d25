/** Values as bytes. Numbers are decimal digits, so that a script can add to them; a mark of an index is one byte. */
import { Packr } from "msgpackr";
import { DamagedRow, type Key } from "../rows";

// As on disk: names of fields are mostly left out before (`tables/structure.ts`).
const packer = new Packr({ useRecords: false, variableMapSize: true });

/** MessagePack would write a number that way, and nothing else: a digit, or a minus. */
const isDigits = (first: number | undefined): boolean =>
  first === 0x2d || (first !== undefined && first >= 0x30 && first <= 0x39);

export const encodeValue = (value: unknown): Buffer =>
  typeof value === "number" && Number.isFinite(value) ? Buffer.from(String(value), "latin1") : packer.pack(value);

/** @throws DamagedRow when it is not what was written */
export function decodeValue(bytes: Buffer, table: string, key: Key): unknown {
  if (isDigits(bytes[0])) return Number(bytes.toString("latin1"));
  try {
    return packer.unpack(bytes) as unknown;
  } catch {
    throw new DamagedRow(table, key);
  }
}
