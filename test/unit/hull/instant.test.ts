import fc from "fast-check";
import { parseInstant } from "../../../src/hull/instant";

describe("instants as Hull writes them", () => {
  const expected = Date.UTC(2018, 2, 30, 14, 38, 2);

  it.each([
    "2018-03-30 14:38:02 UTC",
    "2018-03-30T14:38:02Z",
    "2018-03-30T14:38:02+00:00",
    "2018-03-30T16:38:02+02:00",
    "2018-03-30T16:38:02+0200",
    "2018-03-30 07:38:02 -0700",
    "2018-03-30T14:38:02",
    " 2018-03-30t14:38:02z ",
    "1522420682",
    1522420682,
    1522420682000,
    "1522420682000",
    new Date(expected),
  ])("reads %j", (value) => {
    expect(parseInstant(value)).toBe(expected);
  });

  it("reads fractions and bare dates", () => {
    expect(parseInstant("2018-03-30T14:38:02.123456Z")).toBe(expected + 123);
    expect(parseInstant(1522420682.5)).toBe(expected + 500);
    expect(parseInstant("2018-03-30")).toBe(Date.UTC(2018, 2, 30));
    expect(parseInstant("2018-03-30T14:38")).toBe(expected - 2_000);
  });

  it.each([
    undefined,
    null,
    "",
    "yesterday",
    "2018",
    "2021-02-30",
    "2021-13-01",
    "2021-01-01T25:00:00Z",
    "2021-01-01T10:60:00Z",
    NaN,
    Infinity,
    1e300,
    {},
    [],
    true,
    new Date(NaN),
  ])("reads %p as no instant", (value) => {
    expect(parseInstant(value)).toBeUndefined();
  });

  it("reads every ISO instant back, and never throws", () => {
    const dates = fc.date({ min: new Date("0100-01-01"), max: new Date("9999-12-31"), noInvalidDate: true });
    fc.assert(fc.property(dates, (date) => parseInstant(date.toISOString()) === date.getTime()));
    fc.assert(fc.property(fc.anything(), (value) => ["number", "undefined"].includes(typeof parseInstant(value))));
  });
});

describe("the usual form", () => {
  /** A blank before the text keeps it from the shortcut. */
  const slowly = (text: string): number | undefined => parseInstant(` ${text}`);
  const two = (number: number): string => String(number).padStart(2, "0");

  const field =
    (...oddities: number[]) =>
    (least: number, most: number) =>
      fc.oneof(
        { weight: 5, arbitrary: fc.integer({ min: least, max: most }) },
        { weight: 1, arbitrary: fc.constantFrom(least, most, ...oddities) },
      );
  const usual = fc
    .record({
      year: fc.oneof(fc.integer({ min: 1970, max: 2100 }), fc.constantFrom(100, 1600, 1900, 2000, 2024, 2100, 9999)),
      month: field(0, 2, 13, 19)(1, 12),
      day: field(0, 28, 29, 30, 31, 32)(1, 28),
      hour: field(24, 25, 29)(0, 23),
      minute: field(60, 61)(0, 59),
      second: field(60, 61)(0, 59),
      fraction: fc.oneof(
        fc.constantFrom("", "", ".", ".000", ".999", ".5", ".1234", ",123"),
        fc.nat(999).map((ms) => `.${String(ms).padStart(3, "0")}`),
      ),
      zone: fc.oneof(
        { weight: 5, arbitrary: fc.constant("Z") },
        { weight: 1, arbitrary: fc.constantFrom("z", "", "+00:00", "ZZ", "Z\n") },
      ),
      between: fc.oneof(
        { weight: 9, arbitrary: fc.constant("T") },
        { weight: 1, arbitrary: fc.constantFrom("t", " ", "TT") },
      ),
    })
    .map(({ year, month, day, hour, minute, second, fraction, zone, between }) => {
      const date = `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`;
      return `${date}${between}${two(hour)}:${two(minute)}:${two(second)}${fraction}${zone}`;
    });

  it("is read as every other form is, or not at all", () => {
    let [read, refused] = [0, 0];
    fc.assert(
      fc.property(usual, (text) => {
        const found = parseInstant(text);
        expect([text, found]).toEqual([text, slowly(text)]);
        if (found === undefined) refused += 1;
        else read += 1;
      }),
      { numRuns: 5_000 },
    );
    expect(Math.min(read, refused)).toBeGreaterThan(500);
  });

  it("is read as every other form is on every day, leap years included", () => {
    for (const year of [1900, 1999, 2000, 2023, 2024, 2100]) {
      for (let month = 0; month <= 13; month += 1) {
        for (let day = 0; day <= 32; day += 1) {
          const text = `${year}-${two(month)}-${two(day)}T23:59:59Z`;
          expect([text, parseInstant(text)]).toEqual([text, slowly(text)]);
        }
      }
    }
    expect(parseInstant("2024-02-29T00:00:00Z")).toBe(Date.UTC(2024, 1, 29));
    expect(parseInstant("2023-02-29T00:00:00Z")).toBeUndefined();
    expect(parseInstant("2000-02-29T00:00:00Z")).toBe(Date.UTC(2000, 1, 29));
    expect(parseInstant("1900-02-29T00:00:00Z")).toBeUndefined();
    expect(parseInstant("2024-02-30T00:00:00.000Z")).toBeUndefined();
    expect(parseInstant("2024-01-31T24:00:00Z")).toBeUndefined();
    expect(parseInstant("2024-04-31T00:00:00Z")).toBeUndefined();
  });

  it("keeps every millisecond", () => {
    for (let ms = 0; ms < 1_000; ms += 1) {
      const at = Date.UTC(2018, 2, 28, 14, 38, 2, ms);
      expect(parseInstant(new Date(at).toISOString())).toBe(at);
      expect(slowly(new Date(at).toISOString())).toBe(at);
    }
  });
});
