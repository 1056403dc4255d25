// How a file begins: perhaps with a byte order mark, or with something that is not an extract.
import type { Fail } from "./error";

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const NOTHING = Buffer.alloc(0);

const BLANKS = { json: " \t\n\v\f\r", csv: " \n\r" } as const;

/**
 * Checks the beginning of one file; afterwards everything passes.
 *
 * @returns takes bytes, and gives them back without byte order mark and without blanks before the first row. Throws what
 *   `fail` makes of a file that is no extract.
 */
export function createOpening(format: "json" | "csv", fail: Fail): (bytes: Buffer) => Buffer {
  let state: "mark" | "blanks" | "rows" = "mark";
  let head = NOTHING;

  return (bytes) => {
    if (state === "rows") return bytes;
    head = Buffer.concat([head, bytes]);
    if (state === "mark") {
      // A first piece may be shorter than the mark.
      if (head.length < 3 && BYTE_ORDER_MARK.subarray(0, head.length).equals(head)) return NOTHING;
      if (BYTE_ORDER_MARK.equals(head.subarray(0, 3))) head = head.subarray(3);
      state = "blanks";
    }
    // A tab is a separator, too: the first column of a CSV file may have no name.
    const first = head.findIndex((byte) => !BLANKS[format].includes(String.fromCharCode(byte)));
    const opened = first === -1 ? NOTHING : head.subarray(first);
    head = NOTHING;
    if (opened.length === 0) return NOTHING;
    state = "rows";
    const what = strangeOpening(opened[0] ?? 0, format);
    if (what !== undefined) throw fail({ kind: "not_an_extract", what });
    return opened;
  };
}

function strangeOpening(byte: number, format: "json" | "csv"): string | undefined {
  // No UTF-8 text begins like this: marks of UTF-16, and the first half of its letters.
  if (byte === 0xff || byte === 0xfe || byte === 0) {
    return "it is UTF-16 or no text at all; only UTF-8 is read. Send the batch from Hull again.";
  }
  const first = String.fromCharCode(byte);
  if (first === "<") return "it is a page or a document with tags, not rows. Send the batch from Hull again.";
  if (format === "csv" && (first === "{" || first === "[")) {
    return "it was announced as CSV and holds JSON. Send the batch again with the right format.";
  }
  return undefined;
}
