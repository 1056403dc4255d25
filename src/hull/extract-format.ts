// What the formats of extracts have in common.
import type { Json } from "../record";
import type { Cut, Scanner } from "./extract-cutter";

/** A row that was read, or what is wrong with it: a clause to follow "Row 7", without any of its values. */
export type RowValue =
  | { readonly ok: true; readonly value: Readonly<Record<string, Json>> }
  | { readonly ok: false; readonly problem: string };

/** How one file is read; it remembers the header, and where it is. */
export interface RowFormat {
  readonly scanner: Scanner;
  /** Why a row may seem too long, besides being so. */
  readonly tooLongHint: string;
  /** False for an empty line, and for the header, which is remembered. @throws what `fail` makes of a bad header */
  isRow(cut: Cut): boolean;
  /** One result per row, in order. */
  read(rows: readonly Buffer[]): RowValue[];
  /** Behind the last row. @throws what `fail` makes of a file that should go on */
  end?(): void;
}

/** What every row must have: Hull's id of the user or account. */
export const IDENTITY = "id";

export function bad(problem: string): RowValue {
  return { ok: false, problem };
}

export const NOT_UTF8 = "is no valid UTF-8";

/** Of one row; more attributes than anybody has, and few enough to be read in a hundredth of a second. */
export const MAX_COLUMNS = 10_000;
