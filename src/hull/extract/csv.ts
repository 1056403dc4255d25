// Extracts as CSV (RFC 4180): a header, `"` for quoting, an empty cell for an absent value. The header shows what
// separates cells and ends lines: many European spreadsheets write semicolons, old ones end lines with CR.
import { isUtf8 } from "node:buffer";
import { CsvError, parse } from "csv-parse/sync";
import maxBy from "lodash/maxBy";
import { createFinder, TOO_LONG, type Scanner } from "./cutter";
import type { Fail } from "./error";
import { bad, IDENTITY, MAX_COLUMNS, NOT_UTF8, type RowFormat, type RowValue } from "./rows";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const QUOTE = 0x22;
const LINE_BREAK = Buffer.of(LINE_FEED);

/** Tried in this order; the first that yields a column `id` wins. */
const SEPARATORS = [
  { byte: 0x2c, plural: "commas" },
  { byte: 0x3b, plural: "semicolons" },
  { byte: 0x09, plural: "tabs" },
] as const;

const OTHER_ENDS = "; perhaps its line ends differ from the header's";

interface Header {
  readonly names: readonly string[];
  /** The byte between two cells. */
  readonly separator: number;
}

export function createCsvFormat(fail: Fail): RowFormat {
  let header: Header | undefined;

  return {
    scanner: createRecordScanner(() => header?.separator),
    tooLongHint: ", perhaps because a quote in it is not closed or its line ends differ from the header's",
    isRow(cut) {
      if (cut !== TOO_LONG && withoutReturn(cut).length === 0) return false;
      if (header !== undefined) return true;
      const read = cut === TOO_LONG ? "its header is too long" : readHeader(withoutReturn(cut));
      if (typeof read === "string") {
        const what = `${read}, so no row can be read. Send the batch from Hull again.`;
        throw fail({ kind: "not_an_extract", what });
      }
      header = read;
      return false;
    },
    read(rows) {
      if (header === undefined) return [];
      const { names, separator } = header;
      return readAll(rows.map(withoutReturn), separator).map((cells) =>
        typeof cells === "string" ? bad(cells) : nameCells(names, cells),
      );
    },
  };
}

/**
 * Finds where a record ends: at a line break outside quotes. A quote opens a cell only as its first byte, so a stray
 * one spoils only its own row. If the header ends with a carriage return alone, so may every record; otherwise one
 * outside quotes is part of its cell.
 *
 * @param separator what separates cells; unknown for the header, where each candidate does
 */
function createRecordScanner(separator: () => number | undefined): Scanner {
  let isQuoted = false;
  /** Unknown until the header has ended. */
  let returnEnds: boolean | undefined;

  const separates = (byte: number | undefined): boolean => {
    const known = separator();
    return known === undefined ? SEPARATORS.some((each) => each.byte === byte) : byte === known;
  };

  return (bytes) => {
    const nextQuote = createFinder(bytes, QUOTE);
    const nextFeed = createFinder(bytes, LINE_FEED);
    const nextReturn = createFinder(bytes, CARRIAGE_RETURN);
    const nextBreak = (from: number): number =>
      returnEnds === false ? nextFeed(from) : Math.min(nextFeed(from), nextReturn(from));

    return (start, from) => {
      let at = from;
      for (;;) {
        const quote = nextQuote(at);
        if (isQuoted) {
          // Only the next byte shows whether it is doubled, and so part of the cell.
          if (quote + 1 >= bytes.length) return { found: false, at: quote };
          isQuoted = bytes[quote + 1] === QUOTE;
          at = quote + (isQuoted ? 2 : 1);
        } else {
          const end = nextBreak(at);
          if (end < quote) {
            if (returnEnds === undefined && bytes[end] === CARRIAGE_RETURN) {
              // Only the next byte shows whether it stands alone.
              if (end + 1 === bytes.length) return { found: false, at: end };
              returnEnds = bytes[end + 1] !== LINE_FEED;
            }
            returnEnds ??= false;
            return { found: true, at: returnEnds ? end : nextFeed(end) };
          }
          if (quote === bytes.length) return { found: false, at: quote };
          isQuoted = quote === start || separates(bytes[quote - 1]);
          at = quote + 1;
        }
      }
    };
  };
}

/** A record without the CR of a Windows line end. */
function withoutReturn(record: Buffer): Buffer {
  return record.at(-1) === CARRIAGE_RETURN ? record.subarray(0, -1) : record;
}

/**
 * The header, or a clause that says what was found in its place. Its cells are not quoted: without a header, the
 * first line is somebody's row.
 */
function readHeader(record: Buffer): Header | string {
  const readings = SEPARATORS.map(({ byte, plural }) => ({ byte, plural, cells: readCells(record, byte) }));
  const strange = /[^\P{Cc}\t\r\n]|[\u2028\u2029]/u.test(record.toString("utf8"));
  if (strange)
    return "its header holds control characters, as UTF-16 does, or a file whose lines end in an unusual way";
  for (const { byte, cells } of readings) {
    if (typeof cells !== "string" && cells.includes(IDENTITY)) return { names: cells, separator: byte };
  }
  const likely = maxBy(readings, ({ byte }) => record.filter((each) => each === byte).length);
  const { cells = "cannot be read", plural = "" } = likely ?? {};
  if (typeof cells === "string") return `its header ${cells}`;
  if (cells.length > 1) return `its first line, ${cells.length} cells separated by ${plural}, names no "${IDENTITY}"`;
  const foreign = /[|^~:]/.exec(cells[0] ?? "")?.[0];
  const seen = foreign === undefined ? "" : `, but a "${foreign}"`;
  return `its first line holds no comma, semicolon or tab${seen}, and names no "${IDENTITY}"`;
}

/** The cells of every record, or what is wrong with it. All at once where possible: that is many times faster. */
function readAll(records: readonly Buffer[], separator: number): readonly (readonly string[] | string)[] {
  if (records.length === 0) return [];
  const whole = Buffer.concat(records.flatMap((record) => [record, LINE_BREAK]));
  if (!records.some((record) => isTooWide(record, separator)) && isUtf8(whole)) {
    const rows = parseCsv(whole, separator);
    if (typeof rows !== "string" && rows.length === records.length) return rows;
  }
  return records.map((record) => readCells(record, separator));
}

function readCells(record: Buffer, separator: number): readonly string[] | string {
  if (isTooWide(record, separator)) return `has more than ${MAX_COLUMNS} cells`;
  if (!isUtf8(record)) return NOT_UTF8;
  const rows = parseCsv(Buffer.concat([record, LINE_BREAK]), separator);
  if (typeof rows === "string") return `${rows}${swallowed(record)}`;
  const [cells] = rows;
  return rows.length === 1 && cells !== undefined ? cells : "cannot be read";
}

/** Checked before the cells are parsed. An even number of quotes comes before a separator between two cells. */
function isTooWide(record: Buffer, separator: number): boolean {
  if (record.length < MAX_COLUMNS) return false;
  let cells = 1;
  let isQuoted = false;
  for (const byte of record) {
    if (byte === QUOTE) isQuoted = !isQuoted;
    else if (byte === separator && !isQuoted) cells += 1;
  }
  return cells > MAX_COLUMNS;
}

/** An unclosed quote swallows the following lines; nobody can tell where they should have been cut. */
function swallowed(record: Buffer): string {
  const lines = record.toString("latin1").match(/\r\n?|\n/g)?.length ?? 0;
  return lines === 0 ? "" : `, which spoils the next ${lines === 1 ? "line" : `${lines} lines`} too`;
}

function parseCsv(bytes: Buffer, separator: number): readonly (readonly string[])[] | string {
  try {
    return parse(bytes, {
      delimiter: Buffer.of(separator),
      record_delimiter: "\n",
      relax_column_count: true,
      skip_empty_lines: true,
    });
  } catch (error) {
    // The message quotes the row, so only the code is used.
    const code: string = error instanceof CsvError ? error.code : "";
    return code === "CSV_QUOTE_NOT_CLOSED" ? "has a quote that is never closed" : "has a quote in the wrong place";
  }
}

function nameCells(header: readonly string[], cells: readonly string[]): RowValue {
  if (cells.length !== header.length) {
    const hint = cells.some((cell) => cell.includes("\r")) ? OTHER_ENDS : "";
    return bad(
      `has ${cells.length} ${cells.length === 1 ? "cell" : "cells"}, the header names ${header.length}${hint}`,
    );
  }
  const values = new Map<string, string>();
  for (const [i, name] of header.entries()) {
    const cell = cells[i] ?? "";
    if (cell === "") continue;
    if (name === "") return bad(`has a value in column ${i + 1}, which has no name`);
    if ((values.get(name) ?? cell) !== cell) return bad(`has different values in two columns called "${name}"`);
    values.set(name, cell);
  }
  if (/[\r\n]/.test(values.get(IDENTITY) ?? "")) return bad(`has a line break in "${IDENTITY}"${OTHER_ENDS}`);
  return { ok: true, value: Object.fromEntries(values) };
}
