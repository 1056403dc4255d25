import { fitForHull } from "../../../src/hull/firehose/attribute-values";

const fitted = (value: unknown) => {
  const result = fitForHull(value);
  return result.fits ? result.value : "(left out)";
};

describe("a value that Hull shall hold", () => {
  it.each([[0], [false], [""], [null], [-1.5], ["Ann"], [["a", 1, true]], [[]]])("stays as it is: %j", (value) => {
    expect(fitted(value)).toEqual(value);
  });

  it("becomes JSON text when it is an object, whatever the order of its keys", () => {
    expect(fitted({ b: 1, a: { d: [2], c: null } })).toBe('{"a":{"c":null,"d":[2]},"b":1}');
    expect(fitted({ a: { c: null, d: [2] }, b: 1 })).toBe('{"a":{"c":null,"d":[2]},"b":1}');
    expect(fitted([{ b: 1, a: 2 }, "x", [1]])).toEqual(['{"a":2,"b":1}', "x", "[1]"]);
    expect(fitted(JSON.parse('{"__proto__": 1}'))).toBe('{"__proto__":1}');
  });

  it("is nothing when the object is empty", () => {
    expect(fitted({})).toBeNull();
  });

  it("is left out whole when it is too large", () => {
    expect(fitted("x".repeat(2_000))).toHaveLength(2_000);
    expect(fitted("x".repeat(2_001))).toBe("(left out)");
    expect(fitted("é".repeat(1_001))).toBe("(left out)");
    expect(fitted(Array<number>(49).fill(1))).toHaveLength(49);
    expect(fitted(Array<number>(50).fill(1))).toBe("(left out)");
    expect(fitted(["x".repeat(2_000)])).toBe("(left out)");
    expect(fitted({ text: "x".repeat(2_000) })).toBe("(left out)");
  });

  it("is left out when no database takes it", () => {
    const deep = JSON.parse("[".repeat(5_000) + "]".repeat(5_000)) as unknown;
    for (const value of [Infinity, JSON.parse("1e999"), "a\u0000b", "\ud800", { "\u0000": 1 }, deep, undefined]) {
      expect(fitted(value)).toBe("(left out)");
    }
  });
});
