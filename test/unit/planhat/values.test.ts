/** Which texts are numbers for Planhat. */
import fc from "fast-check";
import { convert } from "../../../src/services/planhat/values";

/** As it was before texts of many digits had to be feared: the same texts, two ways to read each. */
const FORMER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

const numberOf = (text: string) => convert(text, { name: "seats", type: "number" }, "seats");

it.each(["0", "-1", "+1.", ".5", "1.50", " 7 ", "1e3", "1.E-3"])("takes %j for a number", (text) => {
  expect(numberOf(text)).toEqual({ ok: true, value: Number(text) });
});

it.each(["", ".", "1,5", "0x10", "1e", "e1", "--1", "1 2", "Infinity", "1e999", "1_000"])("refuses %j", (text) => {
  expect(numberOf(text)).toEqual({ ok: false });
});

it("takes for numbers just what it always did", () => {
  const texts = fc.string({ unit: fc.constantFrom("0", "1", ".", "e", "E", "+", "-", "x", " ", "\n"), maxLength: 9 });
  fc.assert(
    fc.property(texts, (text) => {
      const isNumber = FORMER.test(text.trim()) && Number.isFinite(Number(text));
      expect(numberOf(text)).toEqual(isNumber ? { ok: true, value: Number(text) } : { ok: false });
    }),
    { numRuns: 5_000 },
  );
});
