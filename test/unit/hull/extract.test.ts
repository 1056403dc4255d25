import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import type { ExtractFile } from "../../../simulators/hull";
import { ExtractError } from "../../../src/hull/extract/error";
import { unpack } from "../../../src/hull/extract/unpack";
import { failureOfCsv, lines, readAll, readFile, startReading } from "./extract-reading";

const reading = startReading();
const read = (file: ExtractFile, options = {}): Promise<unknown[]> => readFile(reading, file, options);
const csv = (content: string, options = {}): Promise<unknown[]> => read({ format: "csv", content }, options);

describe("an extract as JSON", () => {
  it("holds one object a line, nested ones included", async () => {
    const ada = { id: "u1", email: "ada@example.com", segment_ids: ["s1", "s2"], account: { id: "a1" }, age: null };
    expect(await read({ content: `${JSON.stringify(ada)}\n{"id":"u2"}\n` })).toEqual([ada, { id: "u2" }]);
  });

  it("may end without a line break, have empty lines, Windows line ends and a byte order mark", async () => {
    expect(await read({ content: '\ufeff\r\n{"id":1}\r\n\r\n   \n{"id":2}' })).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it("may be empty", async () => {
    for (const content of ["", "\n \n", "\ufeff"]) expect(await read({ content })).toEqual([]);
  });

  it("goes on after a bad row, which is called by its number and not quoted", async () => {
    const content = '{"id":1}\n{"email":"ada@exa\n\n[1,2]\n"x"\nsecret words\n{"id":2}\n';
    const problems = await read({ content });
    expect(problems).toEqual([
      { id: 1 },
      "Row 2 breaks off in the middle of its JSON.",
      "Row 3 is not an object; every row must be one JSON object.",
      "Row 4 is not an object; every row must be one JSON object.",
      "Row 5 is not valid JSON.",
      { id: 2 },
    ]);
  });

  it("may nest 64 levels; a deeper row is a bad row among good ones", async () => {
    const row = (levels: number): string => `{"id":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
    const content = [row(64), row(65), row(200_000), '{"id":"[[[[[[[["}'].join("\n");
    expect(await read({ content })).toEqual([
      JSON.parse(row(64)),
      "Row 2 nests deeper than 64 levels.",
      "Row 3 nests deeper than 64 levels.",
      { id: "[[[[[[[[" },
    ]);
  });

  it("may have 10,000 columns, and 10,000 values in one of them; a row of more is a bad row among good ones", async () => {
    const list = (count: number): string => JSON.stringify(Array.from({ length: count }, () => 1));
    const names = (count: number): string => Array.from({ length: count - 1 }, (_, at) => `,"c${at}":1`).join("");
    const object = (count: number): string => `{"id":1${names(count)}}`;
    const lists = (count: number): string =>
      `{"id":1,"a":[${Array.from({ length: count }, () => list(9_999)).join(",")}]}`;
    const content = [
      ...[object(10_000), object(10_001), object(50_000)],
      ...[`{"id":1,"a":${list(10_000)}}`, `{"id":1,"a":${list(10_001)}}`, `{"id":1,"account":${object(10_001)}}`],
      ...[lists(9), lists(11)],
      `{"id":1,"a":"${"[{,".repeat(100_000)}"}`,
    ];
    const wide = "holds more than 10000 columns, or as many values in one of them.";
    const parse = jest.spyOn(JSON, "parse");
    const found = await read({ content: content.join("\n") });
    const parsed = parse.mock.calls.map(([text]) => text);
    parse.mockRestore();
    expect(found.map((row) => (typeof row === "string" ? row : "good"))).toEqual([
      ...["good", `Row 2 ${wide}`, `Row 3 ${wide}`],
      ...["good", `Row 5 ${wide}`, `Row 6 ${wide}`],
      ...["good", "Row 8 holds more than 100000 values."],
      "good",
    ]);
    // Nothing is made of the bad ones.
    expect(content.filter((row) => parsed.includes(row))).toHaveLength(4);
  });

  it("must be UTF-8: other bytes are not replaced in silence", async () => {
    const latin = Buffer.from('{"name":"Andr\xe9"}\n{"id":2}\n', "latin1");
    expect(await read({ content: latin })).toEqual(["Row 1 is not valid UTF-8.", { id: 2 }]);
    expect(await read({ content: '{"id":"André 🌍"}\n' })).toEqual([{ id: "André 🌍" }]);
  });

  it("keeps a key called __proto__ a plain key", async () => {
    const [row] = await read({ content: '{"id":1,"__proto__":{"admin":true}}\n' });
    expect(Object.entries(row as object)).toEqual([
      ["id", 1],
      ["__proto__", { admin: true }],
    ]);
    const [cells] = await csv("id,__proto__\n1,x\n");
    expect(Object.entries(cells as object)).toEqual([
      ["id", "1"],
      ["__proto__", "x"],
    ]);
  });
});

describe("an extract as CSV", () => {
  it("has a header; an empty cell is a value that is not there", async () => {
    expect(await csv('id,email,segment_ids\nu1,ada@example.com,"s1,s2"\nu2,,\n')).toEqual([
      { id: "u1", email: "ada@example.com", segment_ids: "s1,s2" },
      { id: "u2" },
    ]);
  });

  it("quotes commas, quotes and line breaks", async () => {
    const content = 'id,"full ""name"""\n1,"Lovelace, ""Ada"""\n2,"two\nlines"\r\n3,""\n\n4," x "';
    expect(await csv(content)).toEqual([
      { id: "1", 'full "name"': 'Lovelace, "Ada"' },
      { id: "2", 'full "name"': "two\nlines" },
      { id: "3" },
      { id: "4", 'full "name"': " x " },
    ]);
  });

  it("may be empty, or be a header alone", async () => {
    for (const content of ["", "\r\n", "id,name", "id,name\n", "id;name", "id\tname\r", '"name";"id"\r\n', "id"])
      expect(await csv(content)).toEqual([]);
  });

  it("goes on after a row with too many or too few cells", async () => {
    expect(await csv("id,name\n1\n2,Ada,Lovelace\n3,Grace\n")).toEqual([
      "Row 1 has 1 cell, the header names 2.",
      "Row 2 has 3 cells, the header names 2.",
      { id: "3", name: "Grace" },
    ]);
  });

  it("goes on after a row of more than 10,000 cells; commas inside quotes make none", async () => {
    const quoted = `1,"${'a,""b"",'.repeat(20_000)}"`;
    const content = ["id,name", ",".repeat(9_999), ",".repeat(10_000), quoted, ",".repeat(1_000_000), "2,Ada"];
    const found = await csv(content.join("\n"));
    expect(found[2]).toHaveProperty("name.length", 120_000);
    expect(found).toEqual([
      "Row 1 has 10000 cells, the header names 2.",
      "Row 2 has more than 10000 cells.",
      expect.objectContaining({ id: "1" }),
      "Row 4 has more than 10000 cells.",
      { id: "2", name: "Ada" },
    ]);
  });

  it("may have 10,000 columns, and is no extract with more", async () => {
    const header = (count: number): string => `id${Array.from({ length: count - 1 }, (_, at) => `,c${at}`).join("")}`;
    const [row] = await csv(`${header(10_000)}\n${"1,".repeat(9_999)}1\n`);
    expect(Object.keys(row as object)).toHaveLength(10_000);
    const failure = await failureOfCsv(reading, `${header(10_001)}\n1\n`);
    expect(failure).toMatchObject({ kind: "not_an_extract", retryable: false });
    expect(failure.message).toContain("its header has more than 10000 cells, so no row can be read.");
  });

  it("goes on after a row with a stray quote", async () => {
    expect(await csv('id,name\n1,5" disk\n2,"Ada" Lovelace\n3,Grace\n')).toEqual([
      "Row 1 has a quote in the wrong place.",
      "Row 2 has a quote in the wrong place.",
      { id: "3", name: "Grace" },
    ]);
  });

  it("says how many lines a quote took along that is not closed", async () => {
    expect(await csv('id,name\n1,"Ada\n2,Grace\n3,"Joan"\n4,Mary\n')).toEqual([
      "Row 1 has a quote in the wrong place, which spoils the next 2 lines too.",
      { id: "4", name: "Mary" },
    ]);
    expect(await csv('id,name\n1,"Ada\n2,Grace\n')).toEqual([
      "Row 1 has a quote that is never closed, which spoils the next 2 lines too.",
    ]);
  });

  it("with two columns of one name has bad rows only where they disagree", async () => {
    expect(await csv("id,name,name\n1,Ada,\n2,Ada,Ada\n3,Ada,Grace\n4,,Mary\n")).toEqual([
      { id: "1", name: "Ada" },
      { id: "2", name: "Ada" },
      'Row 3 has different values in two columns called "name".',
      { id: "4", name: "Mary" },
    ]);
  });

  it("may have columns without a name as long as they are empty", async () => {
    expect(await csv("id,\n1,\n2,x\n")).toEqual([{ id: "1" }, "Row 2 has a value in column 2, which has no name."]);
  });

  it("must be UTF-8", async () => {
    const content = Buffer.from("id,name\n1,Andr\xe9\n2,Ada\n", "latin1");
    expect(await read({ format: "csv", content })).toEqual(["Row 1 is not valid UTF-8.", { id: "2", name: "Ada" }]);
  });
});

describe("a packed extract", () => {
  const formats = [
    ["json", '{"id":"1"}\n{"id":"2"}\n'],
    ["csv", "id\n1\n2\n"],
  ] as const;

  it.each(formats)("is unpacked by its bytes or by its content-encoding (%s)", async (format, content) => {
    for (const gzip of ["file", "transfer"] as const) {
      for (const framing of ["length", "chunked", "close"] as const) {
        expect(await read({ format, content, gzip, framing })).toEqual([{ id: "1" }, { id: "2" }]);
      }
    }
  });

  it.each(formats)("comes through byte by byte as well (%s)", async (format, content) => {
    for (const gzip of [undefined, "file"] as const) {
      const published = reading.sim.publishExtract({ format, content: `\ufeff${content}`, ...(gzip && { gzip }) });
      published.fail({ kind: "slow", pieceBytes: 1, waitMs: 0 });
      const { rows } = await readAll(reading.reader(), { url: published.url, format });
      expect(rows.map(({ row }) => row)).toEqual(["1", "2"].map((id) => ({ ok: true, value: { id } })));
    }
  });

  it("may be packed once more for the way", async () => {
    const content = gzipSync('{"id":"1"}\n');
    expect(await read({ content, gzip: "transfer" })).toEqual([{ id: "1" }]);
  });

  it("is not unpacked once more than it should be packed: that is no file of rows, and one error says so", async () => {
    const twice = gzipSync(gzipSync("x\n".repeat(40_000)));
    for (const file of [{ content: twice }, { content: gzipSync(twice), gzip: "transfer" }] as const) {
      const { url } = reading.sim.publishExtract(file);
      const { rows, error } = await readAll(reading.reader(), { url });
      expect(rows).toEqual([]);
      expect(error).toMatchObject({ kind: "not_an_extract", retryable: false });
      expect(String(error)).toContain("it is packed with gzip twice. Pack it once");
    }
  });

  it("that becomes 500 times as large and more than 100 MB ends there", async () => {
    const lines = Buffer.alloc(120_000_000, `${"x".repeat(65_535)}\n`);
    const { url } = reading.sim.publishExtract({ content: gzipSync(lines) });
    const { error } = await readAll(reading.reader(), { url, format: "json" });
    expect(error).toMatchObject({ kind: "too_large", retryable: false });
    expect(String(error)).toContain("more than 500 times as large");
  });

  it("may become 50 times as large, whatever that comes to", async () => {
    const row = (): string => `${randomBytes(80).toString("hex")}${" ".repeat(10_000)}\n`;
    const part = gzipSync(Array.from({ length: 1_000 }, row).join(""));
    const stream = Readable.from(Array.from({ length: 12 }, () => part));
    const unpacked = await unpack(stream, 1, (trouble) => new ExtractError("", 0, trouble));
    let bytes = 0;
    for await (const piece of unpacked.body) {
      bytes += (piece as Buffer).length;
      unpacked.check(bytes);
    }
    expect(bytes / part.length / 12).toBeGreaterThan(50);
    expect(bytes).toBeGreaterThan(100_000_000);
  });

  it("may be made of several parts", async () => {
    const content = Buffer.concat([gzipSync('{"id":"1"}\n{"i'), gzipSync('d":"2"}\n')]);
    expect(await read({ content })).toEqual([{ id: "1" }, { id: "2" }]);
  });

  it("may be empty", async () => {
    expect(await read({ content: "", gzip: "file" })).toEqual([]);
  });
});

describe("rows that are done", () => {
  it.each([
    ["json", '{"id":"0"}\n\nbroken\n{"id":"2"}\n{"id":"3"}\n'],
    ["csv", 'id\n0\n\n"broken"x\n2\n3\n'],
  ] as const)("are counted, bad ones too, and not given out (%s)", async (format, content) => {
    expect(await read({ format, content }, { skipRows: 2 })).toEqual([{ id: "2" }, { id: "3" }]);
    expect(await read({ format, content }, { skipRows: 3 })).toEqual([{ id: "3" }]);
    expect(await read({ format, content }, { skipRows: 9 })).toEqual([]);
  });

  it("are not parsed: what is wrong with them is never noticed", async () => {
    const parse = jest.spyOn(JSON, "parse");
    try {
      const { url } = reading.sim.publishExtract({ content: lines(0, 1_000) });
      parse.mockClear();
      const { rows } = await readAll(reading.reader(), { url, skipRows: 990 });
      expect(rows).toHaveLength(10);
      expect(parse).toHaveBeenCalledTimes(10);
    } finally {
      parse.mockRestore();
    }
  });
});

describe("a row that is too long", () => {
  const limits = { maxRowBytes: 100 };
  const long = "x".repeat(91);

  it.each([
    ["json", `{"id":"0"}\n{"id":"${long}x"}\n{"id":"${long}"}\n{"id":"3"}`],
    ["csv", `id\n0\n${"x".repeat(101)}\n${"x".repeat(100)}\n3`],
  ] as const)("is a bad row, and the next one is read (%s)", async (format, content) => {
    const values = await read({ format, content }, { limits });
    expect(values).toEqual([
      { id: "0" },
      expect.stringContaining("Row 2 is longer than 100 bytes"),
      { id: expect.stringMatching(/^x+$/) as string },
      { id: "3" },
    ]);
  });

  it("in CSV goes on to the end of its quotes", async () => {
    const cell = `"${`a ""b"",\n`.repeat(30)}"`;
    expect(await csv(`id,name\n1,${cell}\n2,Ada\n`, { limits })).toEqual([
      "Row 1 is longer than 100 bytes, perhaps because a quote in it is not closed or its line ends differ from the header's.",
      { id: "2", name: "Ada" },
    ]);
  });

  it("may be the last one", async () => {
    expect(await read({ content: `{"id":1}\n${"x".repeat(500)}` }, { limits })).toEqual([
      { id: 1 },
      "Row 2 is longer than 100 bytes.",
    ]);
  });

  it("is not held in memory, were it 200 MB", async () => {
    const piece = Buffer.alloc(65_536, "x");
    let largest = 0;
    const before = process.memoryUsage().arrayBuffers;
    const content = function* (): Generator<string | Buffer> {
      yield '{"id":1}\n{"name":"';
      for (let i = 0; i < 3_200; i += 1) {
        // A look costs as much as a piece.
        if (i % 32 === 0) largest = Math.max(largest, process.memoryUsage().arrayBuffers - before);
        yield piece;
      }
      yield '"}\n{"id":3}\n';
    };
    expect(await read({ content })).toEqual([{ id: 1 }, "Row 2 is longer than 5000000 bytes.", { id: 3 }]);
    // Much of it is garbage that nobody has collected yet; the row alone would be 200 MB, and more while it grows.
    expect(largest).toBeLessThan(150_000_000);
  });
});

it("reads 15,000 rows of 1 kB within its time", async () => {
  const content = function* (): Generator<string> {
    for (let id = 0; id < 15_000; id += 100) yield lines(id, id + 100, "x".repeat(980));
  };
  const { url } = reading.sim.publishExtract({ content });
  let rows = 0;
  for await (const batch of reading.reader().rows({ url, format: "json", skipRows: 0 }, new AbortController().signal)) {
    rows += batch.length;
  }
  expect(rows).toBe(15_000);
  // It takes half a second; work that grows with the square of the rows would not end in time.
});
