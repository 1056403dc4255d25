/** What is seen of a body while it arrives. */
import fc from "fast-check";
import { createJsonScan, type JsonScan } from "../../../src/http/guards/json-scan";

const LIMITS = { maxDepth: 64, maxValues: 1_000, maxMembers: 300 };
const NO_LIMITS = { maxDepth: 64, maxValues: Infinity, maxMembers: Infinity };

/** Scans a text that comes in pieces of so many bytes. */
function scan(
  text: string,
  pieceBytes = Infinity,
  limits = LIMITS,
): JsonScan & { readonly problem: string | undefined } {
  const scanned = createJsonScan(limits, ["configuration"], { name: "messages", bytes: 8 });
  const bytes = Buffer.from(text);
  let problem: string | undefined;
  for (let at = 0; at < bytes.length && problem === undefined; at += pieceBytes) {
    problem = scanned.push(bytes.subarray(at, at + pieceBytes));
  }
  return Object.assign(Object.create(scanned) as JsonScan, { problem });
}

/** The deepest limit under which the text is too deep, plus one. */
function nesting(text: string): number {
  let depth = 0;
  while (scan(text, Infinity, { ...NO_LIMITS, maxDepth: depth }).problem === "too_deep") depth += 1;
  return depth;
}

test.each([
  ["", 0],
  ["1", 0],
  ['"text"', 0],
  ["{}", 1],
  ["[]", 1],
  ['{"a":[{"b":{}}],"c":{}}', 4],
  ["[[],[],[]]", 2],
])("%j nests %i deep", (text, depth) => {
  expect(nesting(text)).toBe(depth);
});

test("brackets in strings do not count", () => {
  expect(nesting('{"a":"[[[{{{"}')).toBe(1);
  expect(nesting('{"[[[":1}')).toBe(1);
});

test("an escaped quote does not end a string, an escaped backslash before a quote does", () => {
  expect(nesting(String.raw`{"a":"\"[[["}`)).toBe(1);
  expect(nesting(String.raw`{"a":"\\","b":[[]]}`)).toBe(3);
});

test("letters of several bytes hide nothing", () => {
  expect(nesting('{"ü€😀":["[",[]]}')).toBe(3);
});

test("strings of any length end where they end, whatever is escaped in them and wherever a piece is cut", () => {
  const part = fc.oneof(
    fc.constantFrom("\\", '"', "[", '\\"', "\\\\"),
    fc.integer({ min: 1, max: 700 }).map((n) => "x".repeat(n)),
  );
  fc.assert(
    fc.property(fc.array(part), fc.integer({ min: 1, max: 900 }), (parts, pieceBytes) => {
      const text = JSON.stringify({ a: parts.join(""), configuration: [[parts.length]] });
      const found = scan(text, pieceBytes);
      expect(found.problem).toBeUndefined();
      expect(found.values).toBe(4);
      expect(found.member("configuration")).toBe(`[[${parts.length}]]`);
    }),
    { seed: 7, numRuns: 500 },
  );
});

test("of short strings, of which a hostile body may hold millions, none is searched: that takes longer to begin", () => {
  const bytes = Buffer.from(String.raw`"",""":"\n","\"""",`.repeat(100));
  const searched = jest.spyOn(bytes, "indexOf");
  expect(createJsonScan(NO_LIMITS).push(bytes)).toBeUndefined();
  expect(searched).not.toHaveBeenCalled();
});

test("text that is no JSON is walked all the same", () => {
  expect(nesting('{"never closed [[[')).toBe(1);
  expect(nesting('{"a":"ends with a backslash\\')).toBe(1);
  expect(nesting("}}}}{")).toBe(0);
});

test("agrees with what a recursive walk of the parsed value says", () => {
  const value = { a: [1, { b: [[], "]]]", { 'c\\"[': [null] }] }], d: {} };
  const depthOf = (each: unknown): number =>
    typeof each === "object" && each !== null ? 1 + Math.max(0, ...Object.values(each).map(depthOf)) : 0;
  expect(nesting(JSON.stringify(value))).toBe(depthOf(value));
});

test("a million brackets take no stack", () => {
  expect(scan("[".repeat(1_000_000)).problem).toBe("too_deep");
});

test("values are counted before anything is made of them", () => {
  expect(scan(`[${"[{},{}],".repeat(150)}{}]`).problem).toBeUndefined();
  expect(scan(`[${"[{},{}],".repeat(250)}{}]`).problem).toBe("too_many_values");
  expect(scan(`{"a":"${"[,{".repeat(2_000)}"}`).problem).toBeUndefined();
});

test.each([
  ["an object", (count: number) => `{"a":{${'"a":1,'.repeat(count - 1)}"a":1}}`],
  ["a list", (count: number) => `[[${"1,".repeat(count - 1)}1]]`],
  ["the outermost", (count: number) => `{${'"a":1,'.repeat(count - 1)}"a":1}`],
])("members of %s are counted, whatever it stands in", (_name, text) => {
  expect(scan(text(300)).problem).toBeUndefined();
  expect(scan(text(301)).problem).toBe("too_many_members");
  // As many in several.
  expect(scan(`[${text(200)},${text(200)}]`).problem).toBeUndefined();
});

test("text that closes more than it opens leaves nothing behind for each level", () => {
  expect(scan("},".repeat(400)).problem).toBeUndefined();
});

describe("a list that is cut", () => {
  /** What the text comes to, parsed piece by piece. */
  function inPieces(text: string, pieceBytes = Infinity): unknown {
    const bytes = Buffer.from(text);
    const { list } = scan(text, pieceBytes, NO_LIMITS);
    if (list === undefined) return JSON.parse(text);
    const elements = list.cuts.slice(0, -1).flatMap((from, at) => {
      const piece = bytes.subarray(from + 1, list.cuts[at + 1]);
      if (at < list.cuts.length - 2) expect(piece.length).toBeGreaterThanOrEqual(8);
      return JSON.parse(`[${piece.toString()}]`) as unknown[];
    });
    const [begin = 0] = list.cuts;
    const around = Buffer.concat([bytes.subarray(0, begin + 1), bytes.subarray(list.cuts.at(-1))]);
    return { ...(JSON.parse(around.toString()) as object), [list.name]: elements };
  }

  test("is cut between its elements, wherever it stands", () => {
    const messages = [{ a: "x],[,", b: [1, 2, { c: 3 }] }, "ü€😀,[", [[], []], 1, 2, 3, 4, 5, 6, { messages: [1, 2] }];
    for (const body of [{ messages }, { a: [1, 2, 3], messages, z: { messages: 1 } }, { messages, b: "messages" }]) {
      for (const pieceBytes of [1, 3, 10, Infinity]) {
        const text = JSON.stringify(body, undefined, 2);
        expect(scan(text, pieceBytes, NO_LIMITS).list?.cuts.length).toBeGreaterThan(4);
        expect(inPieces(text, pieceBytes)).toEqual(body);
      }
    }
  });

  test("is the last of that name; something else of that name is none, and neither is a short one", () => {
    const long = JSON.stringify(Array.from({ length: 20 }, (_, index) => index + 100));
    const other = JSON.stringify(Array.from({ length: 20 }, (_, index) => index + 500));
    for (const text of [
      `{"messages":${long},"messages":${other}}`,
      `{"messages":${long},"messages":{"messages":${other}}}`,
      `{"messages":${long},"messages":5,"x":${other}}`,
      `{"messages":"x","x":${other}}`,
      `{"x":{"messages":${long}}}`,
      `[{"messages":${long}}]`,
      `{"messages":[],"x":${long}}`,
      '{"messages":[1,2]}',
    ]) {
      expect(inPieces(text)).toEqual(JSON.parse(text));
    }
  });
});

test("a member is found wherever it stands, in whatever pieces the text comes", () => {
  const configuration = { id: 'c"1', organization: 'a{b}[c],"d', secret: { deep: [1, "configuration"] } };
  const texts = [
    JSON.stringify({ configuration, messages: [{ configuration: 1 }] }),
    JSON.stringify({ messages: [{ configuration: 1 }, "configuration"], a: "b", configuration }),
    JSON.stringify({ a: 1, configuration, z: null }, undefined, 2),
  ];
  for (const text of texts) {
    for (const pieceBytes of [1, 2, 3, 7, 16, 1_000]) {
      expect(JSON.parse(scan(text, pieceBytes).member("configuration") ?? "null")).toEqual(configuration);
    }
  }
});

test("of several the last counts, as for JSON.parse", () => {
  expect(scan('{"configuration":1,"configuration":2}').member("configuration")).toBe("2");
});

test("one in the depth, in a list, incomplete, or of absurd length is none", () => {
  for (const text of [
    '{"a":{"configuration":1}}',
    '[{"configuration":1}]',
    '["configuration",1]',
    '{"configuration":{"id":1}',
    '{"x":"configuration"}',
    `{"configuration":"${"x".repeat(20_000)}"}`,
  ]) {
    expect(scan(text).member("configuration")).toBeUndefined();
  }
});

test("colons that follow no name cost nothing", () => {
  const found = scan(`{"configuration"${":".repeat(100_000)}{"id":1}}`);
  expect(found.member("configuration")).toBeUndefined();
});

test("any JSON object: the member is what JSON.parse says, and the depth never above its own", () => {
  const parsed = fc.dictionary(
    fc.constantFrom("configuration", "messages", 'odd "name"', "ü"),
    fc.jsonValue({ maxDepth: 5 }),
  );
  fc.assert(
    fc.property(parsed, fc.integer({ min: 1, max: 20 }), (value, pieceBytes) => {
      const found = scan(JSON.stringify(value), pieceBytes, NO_LIMITS);
      expect(found.problem).toBeUndefined();
      const text = found.member("configuration");
      expect(text === undefined ? undefined : JSON.stringify(JSON.parse(text))).toEqual(
        Object.hasOwn(value, "configuration") ? JSON.stringify(value["configuration"]) : undefined,
      );
    }),
    { seed: 7, numRuns: 300 },
  );
});
