/**
 * Every stored value carries a check, since LMDB's pages have none: a byte that changed on the disk is noticed when its
 * row is read, and costs that row alone. Values of before, without a check, are told apart by their first byte.
 */
import { crc32 } from "node:zlib";
import type { Key, Table } from "./kv";

/** A row whose value is not what was written. What becomes of it: `outbox/damaged.ts`. */
export class DamagedRow extends Error {
  override readonly name = "DamagedRow";

  /** @param key as it is stored, with short words */
  constructor(
    readonly table: string,
    readonly key: Key,
  ) {
    super(
      `A row of the store's table "${table}" cannot be read: its value is not what was written. ` +
        "Have the disk checked, and restore a backup if there are many.",
    );
  }
}

/** The row's value, or nothing if it is damaged: where it is not this row's turn to be mended. */
export function wholeOr<V>(get: () => V): V | undefined {
  try {
    return get();
  } catch (error) {
    if (error instanceof DamagedRow) return undefined;
    throw error;
  }
}

/** In place of a value that is not what was written. */
export const DAMAGED = Symbol("damaged");

/** How LMDB's interface writes values: as MessagePack. */
export interface Packer {
  encode(value: unknown): Buffer;
  decode(bytes: Uint8Array, part?: { readonly start: number; readonly end: number }): unknown;
}

/** MessagePack never uses this byte. */
const CHECKED = 0xc1;
/** The byte above, and the check: four bytes, the lowest first. */
const HEAD_BYTES = 5;

export function isPacker(value: unknown): value is Packer {
  return typeof value === "object" && value !== null && "encode" in value && "decode" in value;
}

/**
 * Whether a stored value is what was written, as far as it can be told.
 *
 * @param bytes of the value as it is stored
 * @returns true too for a value of before, which has no check
 */
export function isWhole(bytes: Uint8Array): boolean {
  if (bytes[0] !== CHECKED) return true;
  const [, a = 0, b = 0, c = 0, d = 0] = bytes;
  const check = ((d << 24) | (c << 16) | (b << 8) | a) >>> 0;
  return bytes.length > HEAD_BYTES && crc32(bytes.subarray(HEAD_BYTES)) === check;
}

/** Where in a stored value MessagePack begins. */
export const contentStart = (bytes: Uint8Array): number => (bytes[0] === CHECKED ? HEAD_BYTES : 0);

/** @param packer that of the database itself, so that what was written before is read the same */
export function createChecks(packer: Packer) {
  return {
    encode: (value: unknown): Buffer => {
      const content = packer.encode(value);
      // Every byte of it is written below.
      const bytes = Buffer.allocUnsafe(HEAD_BYTES + content.length);
      bytes[0] = CHECKED;
      bytes.writeUInt32LE(crc32(content), 1);
      bytes.set(content, HEAD_BYTES);
      return bytes;
    },
    /**
     * @param size how much of the buffer is the value, where LMDB's interface says so
     * @returns `DAMAGED` instead of throwing, since LMDB's cursor would stay open
     */
    decode: (bytes: Uint8Array, size?: unknown): unknown => {
      const end = typeof size === "number" ? size : bytes.length;
      if (!isWhole(bytes.subarray(0, end))) return DAMAGED;
      try {
        return packer.decode(bytes, { start: contentStart(bytes), end });
      } catch {
        return DAMAGED;
      }
    },
  };
}

/** The check of a row whose value stays plain. */
const checkBeside = (key: Key, value: unknown): number => crc32(JSON.stringify([key, value]));

/**
 * A table whose values stay as a program of before reads them. Their checks are rows of a table beside it; a row of
 * before has none.
 */
export function checkedBeside<V>(name: string, table: Table<V>, checks: Table<number>): Table<V> {
  const assertWhole = (key: Key, value: V): void => {
    const check = checks.get([name, ...key]);
    if (check !== undefined && check !== checkBeside(key, value)) throw new DamagedRow(name, key);
  };
  return {
    ...table,
    get: (key) => {
      const value = table.get(key);
      if (value !== undefined) assertWhole(key, value);
      return value;
    },
    put: (key, value) => {
      table.put(key, value);
      checks.put([name, ...key], checkBeside(key, value));
    },
    remove: (key) => {
      table.remove(key);
      checks.remove([name, ...key]);
    },
    *range(prefix, options) {
      for (const row of table.range(prefix, options)) {
        assertWhole(...row);
        yield row;
      }
    },
  };
}
