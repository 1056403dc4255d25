// Extracts as JSON: one object a line, as Hull writes them, or all of them in a list.
import { isUtf8 } from "node:buffer";
import { createJsonScan, MAX_DEPTH } from "../../http/guards/json-scan";
import { parseJson } from "../../json";
import type { Json } from "../../record";
import { createFinder, TOO_LONG, type Scanner } from "./cutter";
import type { Fail } from "./error";
import { bad, IDENTITY, MAX_COLUMNS, NOT_UTF8, type RowFormat, type RowValue } from "./rows";

/** Limits of a row: all its values, and those of one object or list, including the row itself. */
const MAX_VALUES = 100_000;
const LIMITS = { maxDepth: MAX_DEPTH, maxValues: MAX_VALUES, maxMembers: MAX_COLUMNS };

const TROUBLE = {
  too_deep: `nests deeper than ${MAX_DEPTH} levels`,
  too_many_values: `holds more than ${MAX_VALUES} values`,
  too_many_members: `holds more than ${MAX_COLUMNS} columns, or as many values in one of them`,
} as const;

/** Typical members of an API's answer, or of a wrapper around the rows. Other names are not reported. */
const TELLING = ["error", "errors", "message", "data", "rows", "records", "results", "items", "users", "accounts"];

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

const LIST_OPENS = 0x5b;
const LIST_ENDS = 0x5d;
const OBJECT_OPENS = 0x7b;
const OBJECT_ENDS = 0x7d;

export function createJsonFormat(fail: Fail): RowFormat {
  const { scanner, isInList } = createRowScanner();

  return {
    scanner,
    tooLongHint: "",
    isRow: (cut) => cut === TOO_LONG || !cut.every(isBlank),
    read: (rows) => rows.map(readObject),
    end() {
      if (!isInList()) return;
      const what =
        "its list of rows is never closed, so rows at its end may be missing. Send the batch from Hull again.";
      throw fail({ kind: "not_an_extract", what });
    },
  };
}

/**
 * Finds where a row ends: with its line; or, in a file that begins with a list, by its place in the list. In valid JSON
 * a line break only occurs between values. A file of lines stays one: a list in it is a bad row, which must not swallow
 * the next ones.
 */
function createRowScanner(): { readonly scanner: Scanner; readonly isInList: () => boolean } {
  /** `outside`: before a list, or after one, where another may follow. */
  let state: "outside" | "list" | "lines" = "outside";
  /** Within a row of the list. */
  let depth = 0;
  let isQuoted = false;
  let isEscaped = false;

  /** The byte that ends a row of the list, or the list; the length when it is not there yet. */
  function endInList(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at];
      if (isEscaped) isEscaped = false;
      else if (isQuoted) {
        if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) isQuoted = false;
      } else if (byte === QUOTE) isQuoted = true;
      else if (byte === LIST_OPENS || byte === OBJECT_OPENS) depth += 1;
      else if (depth > 0) {
        if (byte === LIST_ENDS || byte === OBJECT_ENDS) depth -= 1;
      } else if (byte === COMMA) return at;
      else if (byte === LIST_ENDS) {
        state = "outside";
        return at;
      }
    }
    return bytes.length;
  }

  const scanner: Scanner = (bytes) => {
    const nextFeed = createFinder(bytes, LINE_FEED);
    const nextReturn = createFinder(bytes, CARRIAGE_RETURN);
    const result = (at: number): ReturnType<ReturnType<Scanner>> => ({ found: at < bytes.length, at });

    return (_start, from) => {
      if (state === "list") return result(endInList(bytes, from));
      let at = from;
      if (state === "outside") {
        while (at < bytes.length && isBlank(bytes[at])) at += 1;
        if (at === bytes.length) return result(at);
        state = bytes[at] === LIST_OPENS ? "list" : "lines";
        if (state === "list") return result(at);
      }
      return result(Math.min(nextFeed(at), nextReturn(at)));
    };
  };
  return { scanner, isInList: () => state === "list" };
}

function isBlank(byte = 0): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

function readObject(row: Buffer): RowValue {
  if (!isUtf8(row)) return bad(NOT_UTF8);
  const trouble = createJsonScan(LIMITS).push(row);
  if (trouble !== undefined) return bad(TROUBLE[trouble]);
  const text = row.toString("utf8");
  try {
    const value = parseJson(text) as Json;
    if (!isRecord(value)) return bad("is not an object; every row must be one JSON object");
    if (Object.hasOwn(value, IDENTITY)) return { ok: true, value };
    const telling = TELLING.filter((name) => Object.hasOwn(value, name)).map((name) => `"${name}"`);
    return bad(`is an object without "${IDENTITY}"${telling.length === 0 ? "" : `, but with ${telling.join(", ")}`}`);
  } catch (error) {
    // The message of the error quotes the row, so only the position in it is used.
    const isCut =
      (error instanceof Error && /^Unexpected end|^Unterminated string/.test(error.message)) ||
      /[[{]$/.test(text.trimEnd());
    return bad(isCut ? "breaks off in the middle of its JSON" : "is not valid JSON");
  }
}

function isRecord(value: Json): value is Readonly<Record<string, Json>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
