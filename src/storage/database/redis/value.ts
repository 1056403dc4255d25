/**
 * Values as bytes. Numbers are decimal digits, so that a script can add to them; a mark of an index is one byte. What
 * stays for long is compressed where that saves much: a remote record says most of its facts three times.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { Packr } from "msgpackr";
import { DamagedRow, type Key } from "../rows";

// As on disk: names of fields are mostly left out before (`tables/structure.ts`).
const packer = new Packr({ useRecords: false, variableMapSize: true });

/** Tables whose rows stay, and up to how many bytes: a record that is longer has something that soon goes. */
const COMPRESSED: Readonly<Record<string, number>> = { mirror: Infinity, history: Infinity, records: 700 };
/** Of less there is little to win. */
const LEAST_COMPRESSED = 200;
/** MessagePack never uses this byte: compressed bytes follow. */
const DEFLATED = 0xc1;
/**
 * Words that rows often hold, so that they need not be written out; the commonest ones last. They belong to the stored
 * format: others would need another byte instead of `DEFLATED`.
 */
const WORDS = Buffer.from(
  "external_id lastName firstName createdAt updatedAt status " +
    "country city language title position phone domain owner email name unchanged skipped no_change sent updated created",
);
/** A small window is faster to set up, and as good for a row. */
const DEFLATE = { level: 3, windowBits: 10, memLevel: 4, dictionary: WORDS } as const;

/** MessagePack would write a number that way, and nothing else: a digit, or a minus. */
const isDigits = (first: number | undefined): boolean =>
  first === 0x2d || (first !== undefined && first >= 0x30 && first <= 0x39);

export function encodeValue(table: string, value: unknown): Buffer {
  if (typeof value === "number" && Number.isFinite(value)) return Buffer.from(String(value), "latin1");
  const bytes = packer.pack(value);
  if (bytes.length < LEAST_COMPRESSED || bytes.length > (COMPRESSED[table] ?? 0)) return bytes;
  return Buffer.concat([Buffer.of(DEFLATED), deflateRawSync(bytes, DEFLATE)]);
}

/** @throws DamagedRow when it is not what was written */
export function decodeValue(bytes: Buffer, table: string, key: Key): unknown {
  if (isDigits(bytes[0])) return Number(bytes.toString("latin1"));
  try {
    return packer.unpack(
      bytes[0] === DEFLATED ? inflateRawSync(bytes.subarray(1), { dictionary: WORDS }) : bytes,
    ) as unknown;
  } catch {
    throw new DamagedRow(table, key);
  }
}
