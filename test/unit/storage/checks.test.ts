import { Packr } from "msgpackr";
import { createChecks, DAMAGED, isWhole } from "../../../src/storage/database/checks";

const packr = new Packr();
const checks = createChecks(packr);
const VALUE = ["planhat/org/c1", { name: "Zoë", staff: 12, isOpen: true }, null, 2 ** 40];

describe("a stored value", () => {
  it("is read as it was written, and has a check", () => {
    const bytes = checks.encode(VALUE);
    expect(bytes[0]).toBe(0xc1);
    expect(bytes.subarray(5)).toEqual(packr.encode(VALUE));
    expect(isWhole(bytes)).toBe(true);
    expect(checks.decode(bytes)).toEqual(VALUE);
  });

  it("is read out of a larger buffer", () => {
    const bytes = checks.encode(VALUE);
    expect(checks.decode(Buffer.concat([bytes, Buffer.from("rest")]), bytes.length)).toEqual(VALUE);
  });

  it.each([[1], ["text"], [""], [null], [[]], [{}]])("of before is read without a check: %j", (value) => {
    const bytes = packr.encode(value);
    expect(isWhole(bytes)).toBe(true);
    expect(checks.decode(bytes)).toEqual(value);
  });

  it("with a single flipped bit is noticed, wherever it is", () => {
    const bytes = checks.encode(VALUE);
    // Without its first byte it is taken for a value of before, which ends elsewhere.
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(checks.decode(flipped)).toBe(DAMAGED);
      expect(isWhole(flipped)).toBe(bit < 8);
    }
  });

  it("that was cut is noticed, down to its first byte", () => {
    const bytes = checks.encode(VALUE);
    for (let length = 1; length < bytes.length; length += 1) {
      const cut = bytes.subarray(0, length);
      expect([isWhole(cut), checks.decode(cut)]).toEqual([false, DAMAGED]);
    }
  });

  it("that is empty is damaged, and does not throw", () => {
    expect(checks.decode(Buffer.alloc(0))).toBe(DAMAGED);
  });
});
