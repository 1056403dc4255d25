/**
 * Every stored value carries a check, since LMDB's pages have none: a byte that changed on the disk is noticed when its
 * row is read, and costs that row alone. Older values, without a check, are told apart by their first byte.
 */
import { crc32 } from "node:zlib";
import { RESERVE_START_SPACE } from "msgpackr";
import type { Key } from "./rows";

/** In place of a value that is not what was written. */
export const DAMAGED = Symbol("damaged");

/** How LMDB's interface writes values: as MessagePack. */
export interface Packer {
  encode(value: unknown, mode?: number): Buffer & { readonly start?: number; readonly end?: number };
  decode(bytes: Uint8Array, part?: { readonly start: number; readonly end: number }): unknown;
}

/** MessagePack never uses this byte. */
const CHECKED = 0xc1;
/** The byte above, and the check: four bytes, the lowest first. */
const HEAD_BYTES = 5;

/**
 * Whether a stored value is what was written, as far as it can be told.
 *
 * @param bytes of the value as it is stored
 * @param end where it ends
 * @returns true for an older value, too, which has no check
 */
export function isWhole(bytes: Uint8Array, end = bytes.length): boolean {
  if (bytes[0] !== CHECKED) return true;
  if (end <= HEAD_BYTES) return false;
  // By index: a list of bytes is slow to walk. They are there, since the value is longer than its head.
  const [a, b, c, d] = [bytes[1] ?? 0, bytes[2] ?? 0, bytes[3] ?? 0, bytes[4] ?? 0];
  const check = ((d << 24) | (c << 16) | (b << 8) | a) >>> 0;
  return crc32(bytes.subarray(HEAD_BYTES, end)) === check;
}

/** Where in a stored value MessagePack begins. */
export const contentStart = (bytes: Uint8Array): number => (bytes[0] === CHECKED ? HEAD_BYTES : 0);

/** @param packer that of the database itself, so that what was written before is read the same */
export function createChecks(packer: Packer) {
  return {
    /** LMDB's interface asks by `mode` for a buffer that is used again, and reads from its `start` to its `end`. */
    copyBuffers: true,
    encode: (value: unknown, mode = 0): Buffer => {
      const bytes = packer.encode(value, mode | RESERVE_START_SPACE | HEAD_BYTES);
      const { start = 0, end = bytes.length } = bytes;
      bytes[start] = CHECKED;
      bytes.writeUInt32LE(crc32(bytes.subarray(start + HEAD_BYTES, end)), start + 1);
      return bytes;
    },
    /**
     * @param size how much of the buffer is the value, where LMDB's interface says so
     * @returns `DAMAGED` instead of throwing, since LMDB's cursor would stay open
     */
    decode: (bytes: Uint8Array, size?: unknown): unknown => {
      const end = typeof size === "number" ? size : bytes.length;
      if (!isWhole(bytes, end)) return DAMAGED;
      try {
        return packer.decode(bytes, { start: contentStart(bytes), end });
      } catch {
        return DAMAGED;
      }
    },
  };
}

/** The check of a row whose value stays plain. */
export const checkBeside = (key: Key, value: unknown): number => crc32(JSON.stringify([key, value]));
