// Cuts a stream of bytes into rows, whatever the pieces in which it comes. What is kept between two pieces is at most
// one row, and of a row that is too long nothing but the knowledge that it goes on.

export const TOO_LONG = "too_long";

/** A row as it stands in the file, without the byte that ends it. The bytes are a view, valid until the next `push`. */
export type Cut = Buffer | typeof TOO_LONG;

/**
 * Looks for the end of a row among the bytes at hand. `at` is the byte that ends it; if that is not there yet, the first
 * byte that was not looked at.
 *
 * @param start where the row begins; when that is gone already (the row is too long), any index before `from`
 * @param from bytes before it were looked at already
 */
export type FindEnd = (start: number, from: number) => { readonly found: boolean; readonly at: number };

/** Begins to look at other bytes; what it knows of the row (inside quotes or not) it remembers. */
export type Scanner = (bytes: Buffer) => FindEnd;

export interface Cutter {
  /** The rows that end within these bytes, one by one: how the next one is cut may depend on what the last one said. */
  push(bytes: Buffer): Iterable<Cut>;
  /** The last row, if no line break ends it. */
  end(): Cut[];
  /** Bytes that wait for the end of their row. */
  readonly heldBytes: number;
}

export function createCutter(scanner: Scanner, maxRowBytes: number): Cutter {
  let bytes = Buffer.alloc(0);
  let length = 0;
  /** Bytes before it were handed out; they are dropped with the next push, since views of them are still read. */
  let start = 0;
  let from = 0;
  let discarding = false;

  function append(more: Buffer): void {
    const kept = length - start;
    if (kept + more.length > bytes.length) {
      // Doubling: a row that comes byte by byte must not be copied with each of them.
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
    *push(more) {
      append(more);
      const findEnd = scanner(bytes.subarray(0, length));
      for (;;) {
        const { found, at } = findEnd(start, from);
        const isTooLong = discarding || at - start > maxRowBytes;
        if (!found) {
          from = at;
          discarding = isTooLong;
          // The last byte stays: whether a quote opens a cell depends on the one before it.
          if (discarding) start = from - 1;
          return;
        }
        const row = isTooLong ? TOO_LONG : bytes.subarray(start, at);
        discarding = false;
        start = from = at + 1;
        yield row;
      }
    },
    end() {
      const rest = bytes.subarray(start, length);
      start = from = length;
      if (discarding) return [TOO_LONG];
      return rest.length === 0 ? [] : [rest.length > maxRowBytes ? TOO_LONG : rest];
    },
    get heldBytes() {
      return length - start;
    },
  };
}

/** The next such byte from an index that never goes back, or the length; looks at every byte once. */
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
