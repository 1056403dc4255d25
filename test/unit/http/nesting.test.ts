import { nestingOf } from "../../../src/http/nesting";

const nesting = (text: string): number => nestingOf(Buffer.from(text));

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
  expect(nestingOf(Buffer.alloc(1_000_000, "["))).toBe(1_000_000);
});
