import fc from "fast-check";
import { createCsvFormat } from "../../../src/hull/extract-csv";
import { createCutter, scanLines, TOO_LONG, type Cut, type Scanner } from "../../../src/hull/extract-cutter";
import { ExtractError } from "../../../src/hull/extract-error";

const scanners: readonly (readonly [string, () => Scanner])[] = [
  ["lines", () => scanLines],
  ["CSV records", () => createCsvFormat((trouble) => new ExtractError("", 0, trouble)).scanner],
];

const MAX_ROW_BYTES = 12;

function cut(scanner: Scanner, pieces: readonly Buffer[]): string[] {
  const cutter = createCutter(scanner, MAX_ROW_BYTES);
  const print = (cuts: readonly Cut[]): string[] => cuts.map((each) => each.toString());
  return [...pieces.flatMap((piece) => print(cutter.push(piece))), ...print(cutter.end())];
}

/** The text in pieces of these lengths, over and over. */
function piecesOf(text: string, lengths: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text);
  const pieces: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const length = lengths[i % lengths.length] ?? 1;
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

const text = fc
  .array(fc.constantFrom("a", ",", '"', '""', "\n", "\r\n", '"\n', "bcdefgh", ',"'), { maxLength: 60 })
  .map((parts) => parts.join(""));
const lengths = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });

describe.each(scanners)("cutting %s", (_name, createScanner) => {
  it("does not depend on the pieces in which the bytes come, so that rows keep their numbers", () => {
    fc.assert(
      fc.property(text, lengths, (given, sizes) => {
        expect(cut(createScanner(), piecesOf(given, sizes))).toEqual(cut(createScanner(), [Buffer.from(given)]));
      }),
      { numRuns: 500 },
    );
  });

  it("loses no byte of rows that are not too long", () => {
    fc.assert(
      fc.property(text, lengths, (given, sizes) => {
        const rows = cut(createScanner(), piecesOf(given, sizes));
        const whole = rows.join("\n");
        if (!rows.includes(TOO_LONG)) expect([whole, `${whole}\n`]).toContain(given);
      }),
    );
  });

  it("holds at most one row and one piece, and of a row that is too long nothing", () => {
    const cutter = createCutter(createScanner(), 1_000_000);
    const piece = Buffer.alloc(65_536, "x");
    let most = 0;
    const count = (cuts: readonly Cut[]): number => {
      most = Math.max(most, cutter.heldBytes);
      return cuts.length;
    };
    expect(count(cutter.push(Buffer.from('a,"')))).toBe(0);
    for (let i = 0; i < 3_200; i += 1) expect(count(cutter.push(piece))).toBe(0);
    expect(most).toBeLessThanOrEqual(1_000_000 + piece.length);
    expect(cutter.heldBytes).toBeLessThan(10);
    expect(cutter.push(Buffer.from('"\nb'))).toEqual([TOO_LONG]);
    expect(cutter.end()).toEqual([Buffer.from("b")]);
  });
});

it("a CSV record ends outside quotes, and a quote opens a cell only as its first byte", () => {
  const [, createScanner] = scanners[1] ?? [];
  if (createScanner === undefined) throw new Error("There is no scanner of CSV.");
  const given = 'a,"b\nc"\n5" d\n"e""\n",f\n"g"h,"\n"';
  const whole = createCutter(createScanner(), 100);
  const rows = [...whole.push(Buffer.from(given)), ...whole.end()].map(String);
  expect(rows).toEqual(['a,"b\nc"', '5" d', '"e""\n",f', '"g"h,"\n"']);
});
