// From cut text to numbered rows, in any format: empty ones do not count, those done already are not parsed.
import type { Json } from "../../record";
import { TOO_LONG, type Cut, type Scanner } from "./cutter";

/** A row that was read, or what is wrong with it: a clause to follow "Row 7", without any of its values. */
export type RowValue =
  | { readonly ok: true; readonly value: Readonly<Record<string, Json>> }
  | { readonly ok: false; readonly problem: string };

/** How one file is read; it remembers the header and the position. */
export interface RowFormat {
  readonly scanner: Scanner;
  /** Other reasons why a row may seem too long. */
  readonly tooLongHint: string;
  /**
   * False for an empty line, and for the header, which is remembered. Called for each cut before the next one is made:
   * the header says how the others are cut.
   *
   * @throws what `fail` makes of a bad header
   */
  isRow(cut: Cut): boolean;
  /** One result per row, in order. */
  read(rows: readonly Buffer[]): RowValue[];
  /** Called after the last row. @throws the error of `fail` for a file that ends too early */
  end?(): void;
}

/** What every row must have: Hull's id of the user or account. */
export const IDENTITY = "id";

export function bad(problem: string): RowValue {
  return { ok: false, problem };
}

export const NOT_UTF8 = "is not valid UTF-8";

/** Limit of one row; more attributes than any profile has, and few enough to be read in a hundredth of a second. */
export const MAX_COLUMNS = 10_000;

export interface ExtractRow {
  /** From 0; every line or record counts that is not empty, good or bad. The header of a CSV file does not. */
  readonly index: number;
  /** `problem` is a sentence that names the row by its number from 1 and contains none of its values. */
  readonly row: RowValue;
  /** Size in the file; unknown for a row that is too long. */
  readonly bytes: number;
}

export interface RowReaderOptions {
  readonly format: RowFormat;
  readonly skipRows: number;
  readonly maxRows: number;
  /** For the sentence about a row that is too long. */
  readonly maxRowBytes: number;
}

export function createRowReader({ format, skipRows, maxRows, maxRowBytes }: RowReaderOptions) {
  let seen = 0;
  let nextRow = skipRows;
  let isFull = false;

  function number(value: RowValue, bytes: number): ExtractRow {
    const index = nextRow;
    nextRow += 1;
    return { index, bytes, row: value.ok ? value : { ok: false, problem: `Row ${index + 1} ${value.problem}.` } };
  }

  return {
    /** The rows among these cuts, without those before `skipRows`. */
    read(cuts: Iterable<Cut>): ExtractRow[] {
      const rows: ExtractRow[] = [];
      let run: Buffer[] = [];
      const readRun = (): void => {
        for (const [at, value] of format.read(run).entries()) rows.push(number(value, run[at]?.length ?? 0));
        run = [];
      };
      for (const cut of cuts) {
        if (isFull || !format.isRow(cut)) continue;
        isFull = seen >= maxRows;
        if (isFull) continue;
        seen += 1;
        if (seen <= skipRows) continue;
        if (cut === TOO_LONG) {
          readRun();
          rows.push(number({ ok: false, problem: `is longer than ${maxRowBytes} bytes${format.tooLongHint}` }, 0));
        } else {
          run.push(cut);
        }
      }
      readRun();
      return rows;
    },
    /** Index of the first row that was not returned; at least `skipRows`. */
    get nextRow(): number {
      return nextRow;
    },
    /** True once there are more rows than allowed; the first of them and all others are left out. */
    get isFull(): boolean {
      return isFull;
    },
  };
}
