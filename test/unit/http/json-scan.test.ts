/** What is seen of a body while it arrives. */
import fc from "fast-check";
import { createJsonScan, type JsonScan } from "../../../src/http/json-scan";

const LIMITS = { maxDepth: 64, maxValues: 1_000 };

/** Scans a text that comes in pieces of so many bytes. */
function scan(
  text: string,
  pieceBytes = Infinity,
  limits = LIMITS,
): JsonScan & { readonly problem: string | undefined } {
  const scanned = createJsonScan(limits, ["configuration"]);
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
  while (scan(text, Infinity, { maxDepth: depth, maxValues: Infinity }).problem === "too_deep") depth += 1;
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
  expect(scan(`[${"{},".repeat(400)}{}]`).problem).toBeUndefined();
  expect(scan(`[${"{},".repeat(600)}{}]`).problem).toBe("too_many_values");
  expect(scan(`{"a":"${"[,{".repeat(2_000)}"}`).problem).toBeUndefined();
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

test("any JSON object: the member is what JSON.parse says, and the depth never above its own", () => {
  const parsed = fc.dictionary(
    fc.constantFrom("configuration", "messages", 'odd "name"', "ü"),
    fc.jsonValue({ maxDepth: 5 }),
  );
  fc.assert(
    fc.property(parsed, fc.integer({ min: 1, max: 20 }), (value, pieceBytes) => {
      const found = scan(JSON.stringify(value), pieceBytes, { maxDepth: 64, maxValues: Infinity });
      expect(found.problem).toBeUndefined();
      const text = found.member("configuration");
      expect(text === undefined ? undefined : JSON.stringify(JSON.parse(text))).toEqual(
        Object.hasOwn(value, "configuration") ? JSON.stringify(value["configuration"]) : undefined,
      );
    }),
    { seed: 7, numRuns: 300 },
  );
});
