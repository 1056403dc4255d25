import fc from "fast-check";
import { createSeal, runPlace, tenantPlace, type Place } from "../../../src/storage/port/seal";
import { sealUnbound } from "./format-two";

const SECRET = "a secret of sixteen characters";
const PLACE = tenantPlace("planhat/org/c1");
const UNREADABLE = /cannot be read with this key/;

describe("sealed text", () => {
  const seal = createSeal(SECRET);

  it("opens to what it was, whatever it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(seal.open(seal.seal(text, PLACE), PLACE)).toBe(text);
      }),
      { seed: 1 },
    );
  });

  it("shows nothing of the text, and never looks the same twice", () => {
    const text = "planhat-token-0001";
    const sealed = [seal.seal(text, PLACE), seal.seal(text, PLACE)];
    expect(new Set(sealed).size).toBe(2);
    for (const each of sealed) {
      expect(each).not.toContain(text);
      expect(Buffer.from(each, "base64url").toString("latin1")).not.toContain(text);
    }
  });

  it("opens in another process with the same secret", () => {
    expect(createSeal(SECRET).open(seal.seal("text", PLACE), PLACE)).toBe("text");
  });

  it("does not open with another secret, and says which remedy there is", () => {
    const other = createSeal(`${SECRET}.`);
    expect(() => other.open(seal.seal("text", PLACE), PLACE)).toThrow(UNREADABLE);
    expect(() => other.open(seal.seal("text", PLACE), PLACE)).toThrow(/SECRET/);
  });

  it("does not open when a single bit was altered anywhere", () => {
    const bytes = Buffer.from(seal.seal("text", PLACE), "base64url");
    for (let index = 0; index < bytes.length; index += 1) {
      const altered = Buffer.from(bytes);
      altered[index] = (altered[index] ?? 0) ^ 1;
      expect(() => seal.open(altered.toString("base64url"), PLACE)).toThrow(UNREADABLE);
    }
  });

  it("does not open when it was cut short, be it to nothing", () => {
    const bytes = Buffer.from(seal.seal("text", PLACE), "base64url");
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => seal.open(bytes.subarray(0, length).toString("base64url"), PLACE)).toThrow(UNREADABLE);
    }
  });

  it("opens in its own row only", () => {
    const run = { tenant: "planhat/org/c1", id: "r1" };
    const places: readonly Place[] = [
      PLACE,
      tenantPlace("planhat/org/c2"),
      runPlace(run),
      runPlace({ ...run, id: "r2" }),
      runPlace({ ...run, tenant: "planhat/org/c2" }),
    ];
    for (const from of places) {
      for (const to of places.filter((each) => each !== from)) {
        expect(() => seal.open(seal.seal("text", from), to)).toThrow(UNREADABLE);
      }
    }
  });

  it("does not open when it was sealed for no row, as format 2 did, until it is bound to one", () => {
    const unbound = sealUnbound("text", SECRET);
    expect(() => seal.open(unbound, PLACE)).toThrow(UNREADABLE);
    expect(seal.open(seal.bind(unbound, PLACE), PLACE)).toBe("text");
    expect(() => createSeal(`${SECRET}.`).bind(unbound, PLACE)).toThrow(UNREADABLE);
    expect(() => seal.bind(seal.seal("text", PLACE), PLACE)).toThrow(UNREADABLE);
  });

  it("names no secret in its error", () => {
    try {
      createSeal("another secret of some length").open(seal.seal("planhat-token-0001", PLACE), PLACE);
    } catch (error) {
      expect(String(error)).not.toMatch(/planhat-token|another secret/);
    }
    expect.assertions(1);
  });
});

describe("the mark of a text", () => {
  it("is equal for equal texts and keys, and for nothing else", () => {
    const seal = createSeal(SECRET);
    expect(seal.mark("a")).toBe(createSeal(SECRET).mark("a"));
    expect(seal.mark("a")).not.toBe(seal.mark("b"));
    expect(seal.mark("a")).not.toBe(createSeal(`${SECRET}.`).mark("a"));
  });

  it("gives the text away neither as it is nor as a plain hash", () => {
    const seal = createSeal(SECRET);
    expect(seal.mark("token")).toMatch(/^[\w-]{22}$/);
    expect(seal.mark("token")).not.toContain("token");
  });
});
