// Extracts as JSON: one object a line (reference/hull-platform.md, 4.2).
import { isUtf8 } from "node:buffer";
import { createJsonScan, MAX_DEPTH } from "../http/json-scan";
import type { Json } from "../record";
import { isBlank, scanLines, TOO_LONG } from "./extract-cutter";
import { MAX_COLUMNS, NOT_UTF8, type RowFormat, type RowValue } from "./extract-format";

/** What a row may hold: all its values, and those of one object or list, be it the row itself. */
const MAX_VALUES = 100_000;
const LIMITS = { maxDepth: MAX_DEPTH, maxValues: MAX_VALUES, maxMembers: MAX_COLUMNS };

const TROUBLE = {
  too_deep: `nests deeper than ${MAX_DEPTH} levels`,
  too_many_values: `holds more than ${MAX_VALUES} values`,
  too_many_members: `holds more than ${MAX_COLUMNS} columns, or as many values in one of them`,
} as const;

export function createJsonFormat(): RowFormat {
  return {
    scanner: scanLines,
    tooLongHint: "",
    isRow: (cut) => cut === TOO_LONG || !isBlank(cut),
    read: (rows) => rows.map(readObject),
  };
}

function readObject(line: Buffer): RowValue {
  if (!isUtf8(line)) return { ok: false, problem: NOT_UTF8 };
  const trouble = createJsonScan(LIMITS).push(line);
  if (trouble !== undefined) return { ok: false, problem: TROUBLE[trouble] };
  try {
    const value = JSON.parse(line.toString("utf8")) as Json;
    if (isRecord(value)) return { ok: true, value };
    return { ok: false, problem: "is no object; every line must be one JSON object" };
  } catch (error) {
    // The message of the error quotes the row, hence only what it tells about the place.
    const isCut = error instanceof Error && /^Unexpected end|^Unterminated string/.test(error.message);
    return { ok: false, problem: isCut ? "breaks off in the middle of its JSON" : "is no valid JSON" };
  }
}

function isRecord(value: Json): value is Readonly<Record<string, Json>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
