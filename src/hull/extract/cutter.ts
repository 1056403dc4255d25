// Cuts a stream of bytes into rows, however it is chunked. Between two chunks it buffers at most one row, and of a row
// that is too long only the fact that it continues.

export const TOO_LONG = "too_long";

/** A row as in the file, without the byte that ends it. The bytes are a view, valid until the next `push`. */
export type Cut = Buffer | typeof TOO_LONG;

/**
 * Looks for the end of a row in the available bytes. `at` is the byte that ends it; if that has not arrived, the first
 * byte that was not searched.
 *
 * @param start where the row begins; when that is gone already (the row is too long), any index before `from`
 * @param from bytes before it were searched already
 */
export type FindEnd = (start: number, from: number) => { readonly found: boolean; readonly at: number };

/** Continues in other bytes; it remembers its state in the row (inside quotes or not). */
export type Scanner = (bytes: Buffer) => FindEnd;

export function createCutter(scanner: Scanner, maxRowBytes: number) {
  let bytes = Buffer.alloc(0);
  let length = 0;
  /** Bytes before it were handed out; they are dropped with the next push, since views of them are still in use. */
  let start = 0;
  let from = 0;
  let discarding = false;

  function append(more: Buffer): void {
    const kept = length - start;
    if (kept + more.length > bytes.length) {
      // Doubles the buffer: a row that arrives byte by byte must not be copied for each of them.
      const grown = Buffer.allocUnsafe(Math.max(kept + more.length, 2 * bytes.length));
      bytes.copy(grown, 0, start, length);
      bytes = grown;
    } else if (start > 0) {
      bytes.copyWithin(0, start, length);
    }
    more.copy(bytes, kept);
    length = kept + more.length;
    from -= start;
    start = 0;
  }

  return {
    /** The rows that end within these bytes, one by one: how the next one is cut may depend on the last one. */
    *push(more: Buffer): Iterable<Cut> {
      append(more);
      const findEnd = scanner(bytes.subarray(0, length));
      for (;;) {
        const { found, at } = findEnd(start, from);
        const isTooLong = discarding || at - start > maxRowBytes;
        if (!found) {
          from = at;
          discarding = isTooLong;
          // The last byte is kept: whether a quote opens a cell depends on the byte before it.
          if (discarding) start = from - 1;
          return;
        }
        const row = isTooLong ? TOO_LONG : bytes.subarray(start, at);
        discarding = false;
        start = from = at + 1;
        yield row;
      }
    },
    /** The last row, if no line break ends it. */
    end(): Cut[] {
      const rest = bytes.subarray(start, length);
      start = from = length;
      if (discarding) return [TOO_LONG];
      return rest.length === 0 ? [] : [rest.length > maxRowBytes ? TOO_LONG : rest];
    },
    /** Bytes that wait for the end of their row. */
    get heldBytes(): number {
      return length - start;
    },
  };
}

/** The next such byte from an index that never goes back, or the length; each byte is searched once. */
export function createFinder(bytes: Buffer, wanted: number): (from: number) => number {
  let next = -1;
  return (from) => {
    if (next < from) {
      const found = bytes.indexOf(wanted, from);
      next = found === -1 ? bytes.length : found;
    }
    return next;
  };
}
