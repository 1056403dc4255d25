import fc from "fast-check";
import { createCsvFormat } from "../../../src/hull/extract/csv";
import { createCutter, TOO_LONG, type Cut } from "../../../src/hull/extract/cutter";
import { ExtractError } from "../../../src/hull/extract/error";
import type { RowFormat } from "../../../src/hull/extract/rows";
import { createJsonFormat } from "../../../src/hull/extract/json";
import { lengths, piecesOf } from "./extract-reading";

const fail = (trouble: ConstructorParameters<typeof ExtractError>[2]): ExtractError => new ExtractError("", 0, trouble);

/** What every file of a kind begins with. */
const kinds: readonly (readonly [string, opening: string, () => RowFormat])[] = [
  ["lines of JSON", "", () => createJsonFormat(fail)],
  ["a list in JSON", "[", () => createJsonFormat(fail)],
  ["CSV records", "id,a\n", () => createCsvFormat(fail)],
  ["CSV records with semicolons", "id;a\r\n", () => createCsvFormat(fail)],
  ["CSV records that end with CR", "id\ta\r", () => createCsvFormat(fail)],
];

const MAX_ROW_BYTES = 12;

function cut(format: RowFormat, pieces: readonly Buffer[]): string[] {
  const cutter = createCutter(format.scanner, MAX_ROW_BYTES);
  const found: string[] = [];
  const read = (cuts: Iterable<Cut>): void => {
    for (const each of cuts) {
      format.isRow(each);
      found.push(each.toString());
    }
  };
  for (const piece of pieces) read(cutter.push(piece));
  read(cutter.end());
  return found;
}

const PARTS = ["a", ",", ";", "\t", '"', '""', "\n", "\r", "\r\n", '"\n', "bcdefgh", ',"', '\t"', "[", "]", "{", "}"];
const text = fc.array(fc.constantFrom(...PARTS, "\\"), { maxLength: 60 }).map((parts) => parts.join(""));

describe.each(kinds)("cutting %s", (_name, opening, create) => {
  it("does not depend on the pieces in which the bytes come, so that rows keep their numbers", () => {
    fc.assert(
      fc.property(text, lengths, (given, sizes) => {
        const whole = opening + given;
        expect(cut(create(), piecesOf(whole, sizes))).toEqual(cut(create(), [Buffer.from(whole)]));
      }),
      { numRuns: 200 },
    );
  });

  it("loses no byte of rows that are not too long", () => {
    const ends = /[\r\n,[\]]/g;
    fc.assert(
      fc.property(text, lengths, (given, sizes) => {
        const rows = cut(create(), piecesOf(opening + given, sizes));
        const whole = (opening + given).replace(ends, "");
        if (!rows.includes(TOO_LONG)) expect(rows.join("").replace(ends, "")).toEqual(whole);
      }),
    );
  });

  it("holds at most one row and one piece, and of a row that is too long nothing", () => {
    const format = create();
    const cutter = createCutter(format.scanner, 1_000_000);
    const piece = Buffer.alloc(65_536, "x");
    let most = 0;
    const push = (bytes: Buffer): string[] => {
      const cuts = [...cutter.push(bytes)].map((each) => (format.isRow(each) ? each.toString() : ""));
      most = Math.max(most, cutter.heldBytes);
      return cuts.filter((each) => each !== "");
    };
    expect(push(Buffer.from(`${opening}"`))).toEqual([]);
    for (let i = 0; i < 320; i += 1) expect(push(piece)).toEqual([]);
    expect(most).toBeLessThanOrEqual(1_000_000 + piece.length);
    expect(cutter.heldBytes).toBeLessThan(10);
    expect(push(Buffer.from(opening === "[" ? '",b' : `"${opening.slice(4) || "\n"}b`))).toEqual([TOO_LONG]);
    expect(cutter.end()).toEqual([Buffer.from("b")]);
  });
});

it("a CSV record ends outside quotes, and a quote opens a cell only as its first byte", () => {
  const given = 'id,a\na,"b\nc"\n5" d\n"e""\n",f\n"g"h,"\n"';
  const rows = cut(createCsvFormat(fail), [Buffer.from(given)]);
  expect(rows).toEqual(["id,a", 'a,"b\nc"', '5" d', '"e""\n",f', '"g"h,"\n"']);
});
