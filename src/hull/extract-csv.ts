// Extracts as CSV (RFC 4180): a header, `"` for quoting, an empty cell for a value that is not there.
import { isUtf8 } from "node:buffer";
import { CsvError, parse } from "csv-parse/sync";
import { TOO_LONG, type Scanner } from "./extract-cutter";
import type { Fail } from "./extract-error";
import { MAX_COLUMNS, NOT_UTF8, type RowFormat, type RowValue } from "./extract-format";

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const CARRIAGE_RETURN = 0x0d;
const LINE_BREAK = Buffer.of(NEWLINE);

export function createCsvFormat(fail: Fail): RowFormat {
  let header: readonly string[] | undefined;

  return {
    scanner: createRecordScanner(),
    tooLongHint: ", perhaps because a quote in it is not closed",
    isRow(cut) {
      if (cut !== TOO_LONG && isEmpty(cut)) return false;
      if (header !== undefined) return true;
      const cells = cut === TOO_LONG ? undefined : readCells(cut);
      if (cells === undefined || typeof cells === "string") {
        const problem = cells ?? "is too long";
        const what = `its header ${problem}, so no row can be read. Send the batch from Hull again.`;
        throw fail({ kind: "not_an_extract", what, retryable: false });
      }
      header = cells;
      return false;
    },
    read: (rows) =>
      readAll(rows).map((cells) => (typeof cells === "string" ? bad(cells) : nameCells(header ?? [], cells))),
  };
}

/**
 * Finds where a record ends: at a line break outside quotes. A quote opens a cell only as its first byte, so a stray
 * one spoils its own row alone.
 */
function createRecordScanner(): Scanner {
  let isQuoted = false;

  return (bytes) => {
    const nextQuote = createFinder(bytes, QUOTE);
    const nextBreak = createFinder(bytes, NEWLINE);

    return (start, from) => {
      let at = from;
      for (;;) {
        const quote = nextQuote(at);
        if (isQuoted) {
          // Whether it is doubled, hence a part of the cell, shows only in the byte after it.
          if (quote + 1 >= bytes.length) return { found: false, at: quote };
          isQuoted = bytes[quote + 1] === QUOTE;
          at = quote + (isQuoted ? 2 : 1);
        } else {
          const end = nextBreak(at);
          if (end < quote) return { found: true, at: end };
          if (quote === bytes.length) return { found: false, at: quote };
          isQuoted = quote === start || bytes[quote - 1] === COMMA;
          at = quote + 1;
        }
      }
    };
  };
}

/** The next such byte from an index that never goes back, or the length; looks at every byte once. */
function createFinder(bytes: Buffer, wanted: number): (from: number) => number {
  let next = -1;
  return (from) => {
    if (next < from) {
      const found = bytes.indexOf(wanted, from);
      next = found === -1 ? bytes.length : found;
    }
    return next;
  };
}

function isEmpty(record: Buffer): boolean {
  return record.length === 0 || (record.length === 1 && record[0] === CARRIAGE_RETURN);
}

/** The cells of every record, or what is wrong with it. All at once where possible: that is many times faster. */
function readAll(records: readonly Buffer[]): readonly (readonly string[] | string)[] {
  if (records.length === 0) return [];
  const whole = Buffer.concat(records.flatMap((record) => [record, LINE_BREAK]));
  if (!records.some(isTooWide) && isUtf8(whole)) {
    const rows = parseCsv(whole);
    if (typeof rows !== "string" && rows.length === records.length) return rows;
  }
  return records.map(readCells);
}

function readCells(record: Buffer): readonly string[] | string {
  if (isTooWide(record)) return `has more than ${MAX_COLUMNS} cells`;
  if (!isUtf8(record)) return NOT_UTF8;
  const rows = parseCsv(Buffer.concat([record, LINE_BREAK]));
  if (typeof rows === "string") return `${rows}${swallowed(record)}`;
  const [cells] = rows;
  return rows.length === 1 && cells !== undefined ? cells : "cannot be read";
}

/** Looked at before anything is made of the cells. An even number of quotes stands before a comma between two of them. */
function isTooWide(record: Buffer): boolean {
  if (record.length < MAX_COLUMNS) return false;
  let cells = 1;
  let isQuoted = false;
  for (const byte of record) {
    if (byte === QUOTE) isQuoted = !isQuoted;
    else if (byte === COMMA && !isQuoted) cells += 1;
  }
  return cells > MAX_COLUMNS;
}

/** A quote that is not closed takes the following lines along; nobody can tell where they should have been cut. */
function swallowed(record: Buffer): string {
  let lines = 0;
  for (let at = record.indexOf(NEWLINE); at !== -1; at = record.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines === 0 ? "" : `, which spoils the next ${lines === 1 ? "line" : `${lines} lines`} too`;
}

function parseCsv(bytes: Buffer): readonly (readonly string[])[] | string {
  try {
    return parse(bytes, { record_delimiter: ["\r\n", "\n"], relax_column_count: true, skip_empty_lines: true });
  } catch (error) {
    // The message quotes the row, hence only the code.
    const code: string = error instanceof CsvError ? error.code : "";
    return code === "CSV_QUOTE_NOT_CLOSED" ? "has a quote that is never closed" : "has a quote in the wrong place";
  }
}

function nameCells(header: readonly string[], cells: readonly string[]): RowValue {
  if (cells.length !== header.length) {
    return bad(`has ${count(cells.length)}, the header names ${header.length}`);
  }
  const values = new Map<string, string>();
  for (const [i, name] of header.entries()) {
    const cell = cells[i] ?? "";
    if (cell === "") continue;
    if (name === "") return bad(`has a value in column ${i + 1}, which has no name`);
    if ((values.get(name) ?? cell) !== cell) return bad(`has different values in two columns called "${name}"`);
    values.set(name, cell);
  }
  return { ok: true, value: Object.fromEntries(values) };
}

function count(cells: number): string {
  return cells === 1 ? "1 cell" : `${cells} cells`;
}

function bad(problem: string): RowValue {
  return { ok: false, problem };
}
