/** Files come in many forms; what went in comes out, or one error says what was seen instead of rows. */
import fc from "fast-check";
import { ExtractError } from "../../../src/hull/extract/extract";
import { createCsvFormat } from "../../../src/hull/extract/csv";
import { createCutter } from "../../../src/hull/extract/cutter";
import { createJsonFormat } from "../../../src/hull/extract/json";
import { createOpening } from "../../../src/hull/extract/opening";
import { createRowReader } from "../../../src/hull/extract/rows";
import { parseJson } from "../../../src/json";
import {
  failureOfCsv,
  lengths,
  piecesOf,
  readAll,
  readFile,
  startReading,
  type ReaderOptions,
} from "./extract-reading";

const reading = startReading();

const csv = (content: string, options: ReaderOptions = {}): Promise<unknown[]> =>
  readFile(reading, { format: "csv", content }, options);
const json = (content: string, options: ReaderOptions & { skipRows?: number } = {}): Promise<unknown[]> =>
  readFile(reading, { content }, options);

/** The whole way of the bytes, without the download. */
function rowsOf(kind: "json" | "csv", text: string, sizes: readonly number[]): unknown[] {
  const fail = (trouble: ConstructorParameters<typeof ExtractError>[2]): ExtractError =>
    new ExtractError("", 0, trouble);
  const format = kind === "csv" ? createCsvFormat(fail) : createJsonFormat(fail);
  const opened = createOpening(kind, fail);
  const cutter = createCutter(format.scanner, 1_000_000);
  const reader = createRowReader({ format, skipRows: 0, maxRows: Infinity, maxRowBytes: 1_000_000 });
  const read = piecesOf(text, sizes).flatMap((piece) => reader.read(cutter.push(opened(piece))));
  read.push(...reader.read(cutter.end()));
  format.end?.();
  return read.map(({ row }) => (row.ok ? row.value : row.problem));
}

const ALPHABET = [
  '"',
  ",",
  ";",
  "\t",
  "\r",
  "\n",
  "\r\n",
  " ",
  "\u00a0",
  "\u2028",
  "a",
  "é",
  "🌍",
  "\\",
  "{",
  "[",
  "<",
];
const cell = fc.array(fc.constantFrom(...ALPHABET), { maxLength: 8 }).map((parts) => parts.join(""));
const mark = fc.constantFrom("", "\ufeff");

describe("CSV with any separator and any line end, in any pieces", () => {
  const name = fc.array(fc.constantFrom('"', ",", ";", "\t", "\r\n", " ", "b", "é", "🌍"), { maxLength: 6 });
  const table = fc
    .uniqueArray(
      name.map((parts) => `n${parts.join("")}`),
      { minLength: 1, maxLength: 4 },
    )
    .chain((names) =>
      fc.record({
        names: fc.nat({ max: names.length }).map((at) => [...names.slice(0, at), "id", ...names.slice(at)]),
        rows: fc.array(fc.array(cell, { minLength: names.length + 1, maxLength: names.length + 1 }), { maxLength: 5 }),
      }),
    )
    // No id breaks its line.
    .map(({ names, rows }) => ({
      names,
      rows: rows.map((cells) => cells.map((each, at) => (names[at] === "id" ? each.replace(/[\r\n]/g, "") : each))),
    }));
  const separators = fc.constantFrom(",", ";", "\t");
  /** How the header ends, and how the rows do. */
  const ends: fc.Arbitrary<readonly [string, readonly string[]]> = fc.oneof(
    fc.tuple(fc.constant("\r"), fc.array(fc.constantFrom("\r", "\n", "\r\n"), { minLength: 1, maxLength: 3 })),
    fc.tuple(fc.constantFrom("\n", "\r\n"), fc.array(fc.constantFrom("\n", "\r\n"), { minLength: 1, maxLength: 3 })),
  );

  it("comes out as it went in", () => {
    fc.assert(
      fc.property(
        fc.record({ table, separators, ends, mark, lengths, quoteAll: fc.boolean(), endsItself: fc.boolean() }),
        ({ table: { names, rows }, separators: separator, ends: [first, others], ...how }) => {
          const write = (value: string): string =>
            how.quoteAll || /["\r\n]/.test(value) || value.includes(separator)
              ? `"${value.replaceAll('"', '""')}"`
              : value;
          const written = [names, ...rows].map((cells) => cells.map(write).join(separator));
          const file = written.reduce(
            (text, line, at) => `${text}${at === 1 ? first : (others[at % others.length] ?? "")}${line}`,
          );
          const text = `${how.mark}${file}${how.endsItself ? (rows.length === 0 ? first : (others[0] ?? "")) : ""}`;
          const expected = rows.map((cells) => {
            const values = names.map((each, at): [string, string] => [each, cells[at] ?? ""]);
            return Object.fromEntries(values.filter(([, value]) => value !== ""));
          });
          expect(rowsOf("csv", text, how.lengths)).toEqual(expected);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("JSON in lines or in a list, in any pieces", () => {
  const row = fc.record({ id: cell, value: fc.jsonValue(), [`"],[{\\`]: cell });
  const lines = fc.constantFrom("\n", "\r\n", "\r").map((end) => (rows: readonly unknown[]) => {
    return rows.map((each) => `${JSON.stringify(each)}${end}`).join("");
  });
  const list = fc.constantFrom(0, 1, 2).map((indent) => (rows: readonly unknown[]) => {
    return JSON.stringify(rows, undefined, indent);
  });
  const lists = fc.constantFrom("", "\n", " \r\n\r\n ").map((between) => (rows: readonly unknown[]) => {
    return rows.map((each) => JSON.stringify([each, each])).join(between);
  });

  it("comes out as it went in", () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 4 }), fc.oneof(lines, list), mark, lengths, (rows, write, bom, sizes) => {
        expect(rowsOf("json", bom + write(rows), sizes)).toEqual(rows.map((each) => parseJson(JSON.stringify(each))));
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.array(row, { maxLength: 3 }), lists, lengths, (rows, write, sizes) => {
        const read = rows.map((each) => parseJson(JSON.stringify(each)));
        expect(rowsOf("json", write(rows), sizes)).toEqual(read.flatMap((each) => [each, each]));
      }),
      { numRuns: 100 },
    );
  });
});

describe("CSV by its header", () => {
  it("may end its lines with CR alone, also where others follow", async () => {
    const expected = [
      { id: "1", name: "Ada" },
      { id: "2", name: "two\rlines" },
      { id: "3", name: "Grace" },
    ];
    for (const last of ["\r", "\n", "\r\n", "\r\r\n", ""]) {
      expect(await csv(`id,name\r1,Ada\r2,"two\rlines"${last || "\r"}3,Grace${last}`)).toEqual(expected);
    }
  });

  it("separates its cells with commas, semicolons or tabs", async () => {
    for (const separator of [",", ";", "\t"]) {
      const lines = ['id,"a,b;c\td"', '1,"x,y;z\tw"', "2,"].map((line) => line.replace(",", separator));
      expect(await csv(lines.join("\n"))).toEqual([{ id: "1", "a,b;c\td": "x,y;z\tw" }, { id: "2" }]);
    }
    expect(await csv("\tid\n\t1\n2,3;4\t5\n")).toEqual([
      { id: "1" },
      "Row 2 has a value in column 1, which has no name.",
    ]);
    expect(await csv("id;name\n1;Ada, Countess\n2;a;b\n")).toEqual([
      { id: "1", name: "Ada, Countess" },
      "Row 2 has 3 cells, the header names 2.",
    ]);
  });

  it("has a header longer than a piece, and longer rows", async () => {
    const name = "n".repeat(300_000);
    const value = "v;\r".repeat(100_000);
    expect(await csv(`id;${name}\r1;"${value}"\r`)).toEqual([{ id: "1", [name]: value }]);
  });

  it("bounds columns and rows with every separator", async () => {
    const quoted = `1;"${'a;""b"";'.repeat(20_000)}"`;
    expect(await csv(`id;name\r${";".repeat(10_000)}\r${quoted}\r2;Ada`)).toEqual([
      "Row 1 has more than 10000 cells.",
      { id: "1", name: 'a;"b";'.repeat(20_000) },
      { id: "2", name: "Ada" },
    ]);
    expect(await csv(`id\r${"x".repeat(101)}\r2`, { limits: { maxRowBytes: 100 } })).toEqual([
      expect.stringContaining("Row 1 is longer than 100 bytes"),
      { id: "2" },
    ]);
  });

  it("reads no rows that end with CR below a header that does not, and says so", async () => {
    expect(await csv("id,name\n1,Ada\r2,Grace\r")).toEqual([
      "Row 1 has 3 cells, the header names 2; perhaps its line ends differ from the header's.",
    ]);
    for (const content of ["id\n1\r2\r3", "id,name\n\r1,Ada\n"]) {
      expect(await csv(content)).toEqual([
        `Row 1 has a line break in "id"; perhaps its line ends differ from the header's.`,
      ]);
    }
  });
});

describe("JSON in a list", () => {
  it("has bad rows among good ones, by their numbers", async () => {
    const deep = `{"id":${"[".repeat(64)}${"]".repeat(64)}}`;
    const content = `[{"id":1}, [1,[2]], "x,]", {"id":2,}, {"id":3}}, ${deep}, {"ID":4}, {"id":"]},{\\"["}\n]\n`;
    const expected = [
      { id: 1 },
      "Row 2 is not an object; every row must be one JSON object.",
      "Row 3 is not an object; every row must be one JSON object.",
      "Row 4 is not valid JSON.",
      "Row 5 is not valid JSON.",
      "Row 6 nests deeper than 64 levels.",
      'Row 7 is an object without "id".',
      { id: ']},{"[' },
    ];
    expect(await json(content)).toEqual(expected);
    expect(await json(content, { skipRows: 7 })).toEqual(expected.slice(7));
  });

  it("may be empty, and may be followed by another list or by lines", async () => {
    for (const content of ["[]", " [\n] ", "[][]"]) expect(await json(content)).toEqual([]);
    expect(await json('[{"id":1}]\n[{"id":2},\n{"id":3}]\n{"id":4}\n{"id":5}')).toEqual(
      [1, 2, 3, 4, 5].map((id) => ({ id })),
    );
  });

  it("holds rows of any length, and drops one that is too long", async () => {
    const rows = [0, 150_000, 250_000, 1].map((length, id) => ({ id, name: '"],['.repeat(length / 4) }));
    const content = JSON.stringify(rows);
    const lengthsOf = (read: readonly unknown[]): unknown[] => read.map((row) => JSON.stringify(row).length);
    expect(lengthsOf(await json(content, { limits: { maxRowBytes: 1_000_000 } }))).toEqual(lengthsOf(rows));
    const read = await json(content, { limits: { maxRowBytes: 250_000 } });
    expect(lengthsOf([read[0], read[1], read[3]])).toEqual(lengthsOf([rows[0], rows[1], rows[3]]));
    expect(read[2]).toBe("Row 3 is longer than 250000 bytes.");
  });

  it("is read row by row: the first rows are there long before the last ones are sent", async () => {
    const padding = "x".repeat(65_536);
    const all = 800;
    let made = 0;
    const content = function* (): Generator<string> {
      yield "[";
      for (; made < all; made += 1) yield `${made === 0 ? "" : ","}{"id":${made},"padding":"${padding}"}`;
      yield "]";
    };
    const { url } = reading.sim.publishExtract({ content });
    const order = { url, format: "json", skipRows: 0 } as const;
    let rows = 0;
    let madeAtFirst = all;
    for await (const batch of reading.reader().rows(order, new AbortController().signal)) {
      if (rows === 0) madeAtFirst = made;
      rows += batch.length;
    }
    expect(rows).toBe(all);
    expect(madeAtFirst).toBeLessThan(all / 2);
  });

  it("that is never closed gives its rows, and then an error", async () => {
    for (const rest of ["", ",", "\n"]) {
      const { url } = reading.sim.publishExtract({ content: `[{"id":1},{"id":2}${rest}` });
      const { rows, error } = await readAll(reading.reader(), { url });
      expect(rows).toHaveLength(2);
      expect(error).toMatchObject({ kind: "not_an_extract", retryable: false, atRow: 2 });
      expect(String(error)).toContain("its list of rows is never closed");
    }
  });
});

it("JSON in lines may end them with CR alone", async () => {
  expect(await json('{"id":1}\r{"id":"\\r"}\r\r\n{"id":3}\n')).toEqual([{ id: 1 }, { id: "\r" }, { id: 3 }]);
});

it.each([
  ["error", '{"error":"expired","secret":"s"}', 'Row 1 is an object without "id", but with "error".'],
  ["data", '{"data":[{"id":1}]}', 'Row 1 is an object without "id", but with "data".'],
  ["nothing telling", '{"ada@example.com":{"id":1}}', 'Row 1 is an object without "id".'],
])("a JSON object without id is a bad row, which says so (%s)", async (_name, content, problem) => {
  expect(await json(content)).toEqual([problem]);
});

describe("a file that is no extract", () => {
  const utf16 = (text: string): Buffer => Buffer.from(text, "utf16le");
  const swapped = (text: string): Buffer => utf16(text).swap16();

  it.each<[string, string | Buffer, string]>([
    ["a header without id", "email,name\nada@example.com,Ada\n", '2 cells separated by commas, names no "id"'],
    ["rows without header", "1;Ada;ada@example.com\r2;Grace;\r", '3 cells separated by semicolons, names no "id"'],
    ["an id in capitals", "ID\temail\n1\tada@example.com\n", '2 cells separated by tabs, names no "id"'],
    ["another separator", "id|email\n1|ada@example.com\n", 'holds no comma, semicolon or tab, but a "|", and names no'],
    ["a line of text", "ada@example.com", 'holds no comma, semicolon or tab, and names no "id"'],
    ["a quote that is not closed", 'id;"ada@example.com\n1;2\n', "has a quote that is never closed"],
    ["a header beyond measure", `id,${"x".repeat(6_000_000)}`, "its header is too long"],
    ["UTF-16", utf16("\ufeffid,email\n1,ada@example.com\n"), "it is UTF-16"],
    ["UTF-16, the other way round", swapped("\ufeffid,email\n1,ada@example.com\n"), "it is UTF-16"],
    ["UTF-16, the other way round, without mark", swapped("id,email\n1,ada@example.com\n"), "it is UTF-16"],
    ["UTF-16 without mark", utf16("id,email\n1,ada@example.com\n"), "control characters, as UTF-16 does"],
    ["lines that end with NEL", "id,email\u00851,ada@example.com\u0085", "whose lines end in an unusual way"],
    ["lines that end with LS", "id,email\u20281,ada@example.com\u2028", "whose lines end in an unusual way"],
    ["Latin-1", Buffer.from("id,größe\n1,2\n", "latin1"), "its header is not valid UTF-8"],
    ["a page", " \n<html>ada@example.com</html>", "a page or a document with tags"],
    ["a list of JSON", '[{"id":1,"email":"ada@example.com"}]', "announced as CSV and holds JSON"],
  ])("as CSV: %s", async (_name, content, words) => {
    const failure = await failureOfCsv(reading, content);
    expect(failure).toMatchObject({ kind: "not_an_extract", retryable: false, atRow: 0 });
    expect(failure.message).toContain(words);
    expect(failure.message).not.toContain("ada@example.com");
  });
});
