/** The one reader of dates: which forms are dates, and what is none (docs/decisions/26-dates.md). */
import fc from "fast-check";
import { parseInstant, writtenInstant } from "../../src/instant";

const AT = Date.UTC(2018, 2, 30, 14, 38, 2);
const DAY = Date.UTC(2018, 2, 30);

describe("an instant", () => {
  it.each([
    "2018-03-30 14:38:02 UTC",
    "2018-03-30T14:38:02Z",
    "2018-03-30T14:38:02z",
    "2018-03-30 14:38:02 GMT",
    "2018-03-30 14:38:02gmt",
    "2018-03-30T14:38:02+00",
    "2018-03-30T14:38:02+0000",
    "2018-03-30T14:38:02+00:00",
    "2018-03-30 16:38:02+02",
    "2018-03-30T16:38:02+02:00",
    "2018-03-30T16:38:02+0200",
    "2018-03-30 07:38:02 -0700",
    "2018-03-31T04:38:02+14:00",
    "2018-03-30T14:38:02",
    "2018-03-30T14:38:02:Z",
    "2018-03-30T14:38:02,000Z",
    " 2018-03-30t14:38:02z ",
    "20180330143802",
    "20180330T143802",
    "20180330T143802Z",
    "Fri, 30 Mar 2018 14:38:02 GMT",
    "30 Mar 2018 14:38:02 GMT",
    "Fri, 30 Mar 2018 16:38:02 +0200",
    "1522420682",
    "1522420682.0",
    1522420682,
    1522420682000,
    "1522420682000",
    20180330143802,
  ])("is read from %j", (value) => {
    expect(parseInstant(value)).toBe(AT);
  });

  it.each(["2018-03-30", "2018-03-30 00:00:00+00", "20180330", 20180330, " 20180330 "])("may be a day: %j", (value) => {
    expect(parseInstant(value)).toBe(DAY);
  });

  it("keeps fractions of a second to the millisecond", () => {
    expect(parseInstant("2018-03-30T14:38:02.123456Z")).toBe(AT + 123);
    expect(parseInstant("2021-10-16T16:00:27.029:Z")).toBe(Date.UTC(2021, 9, 16, 16, 0, 27, 29));
    expect(parseInstant(1522420682.5)).toBe(AT + 500);
    expect(parseInstant("1522420682.5")).toBe(AT + 500);
    expect(parseInstant("2018-03-30T14:38")).toBe(AT - 2_000);
  });

  it("may be of any century when it is written out: a birthday, an end that never comes", () => {
    expect(parseInstant("1955-03-01")).toBe(Date.UTC(1955, 2, 1));
    expect(parseInstant("19550301")).toBe(Date.UTC(1955, 2, 1));
    expect(parseInstant("1815-12-10")).toBe(Date.UTC(1815, 11, 10));
    expect(parseInstant("9999-12-31T23:59:59Z")).toBe(Date.UTC(9999, 11, 31, 23, 59, 59));
  });

  it.each([
    ...[undefined, null, "", " ", "yesterday", "2018", "2018-03", NaN, Infinity, 1e300, -1522420682, {}, [], true],
    ...["2021-02-30", "2021-13-01", "2021-01-01T25:00:00Z", "2021-01-01T10:60:00Z", "2021-01-01T10:00:61Z"],
    ...["2021-01-01T10:00:00+15:00", "2021-01-01T10:00:00+01:60", "2021-01-01T10:00:00 CET", "2021-01-01T10:00:00:"],
    ...["0000-00-00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "+010000-01-01", "31/01/2025", "1.2.2025"],
    ...["Fri, 30 Feb 2018 14:38:02 GMT", "Fri, 30 Abc 2018 14:38:02 GMT", "Fri, 30 Mar 2018 14:38:02"],
  ])("is not read from %p", (value) => {
    expect(parseInstant(value)).toBeUndefined();
  });

  it.each([
    ...[0, 1, 45688, "45688", 123456789, "123456789", "20251301", "18991231", "21000101", "20250132"],
    ...["20250131250000", "99999999999999", "12345678901234", 12345678901234, "4102444800", "4102444800000"],
    ...["631151999", "631151999999", "9007199254740993", "20180330.5", "-20180330", "+1522420682"],
  ])("is no counter and no id: %p", (value) => {
    expect(parseInstant(value)).toBeUndefined();
  });

  it("is not read from Unix seconds where digits of that size may be a counter", () => {
    expect(parseInstant(1522420682, { seconds: false })).toBeUndefined();
    expect(parseInstant("1522420682", { seconds: false })).toBeUndefined();
    expect(parseInstant("1522420682000", { seconds: false })).toBe(AT);
    expect(parseInstant("20180330", { seconds: false })).toBe(DAY);
    expect(parseInstant("2018-03-30", { seconds: false })).toBe(DAY);
  });

  it("reads every ISO instant back, digits never as another century, and never throws", () => {
    const dates = fc.date({ min: new Date("0100-01-01"), max: new Date("9999-12-31"), noInvalidDate: true });
    fc.assert(fc.property(dates, (date) => parseInstant(date.toISOString()) === date.getTime()));
    fc.assert(fc.property(fc.anything(), (value) => ["number", "undefined"].includes(typeof parseInstant(value))));
    const digits = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.stringMatching(/^\d{1,18}$/));
    fc.assert(
      fc.property(digits, (value) => {
        const at = parseInstant(value) ?? AT;
        expect(at).toBe(Math.min(Math.max(at, Date.UTC(1900, 0)), Date.UTC(2100, 0) - 1));
      }),
      { seed: 21, numRuns: 1_000 },
    );
  });
});

describe("a date that is compared", () => {
  it("is none when it is digits alone: a counter and a date are two things", () => {
    const digits = fc.oneof(fc.nat().map(String), fc.stringMatching(/^\d{1,18}(\.\d{1,3})?$/));
    fc.assert(
      fc.property(digits, (text) => expect(writtenInstant(text)).toBeUndefined()),
      { seed: 22, numRuns: 500 },
    );
  });

  it.each([
    ...["20180330", "20180330143802", "1522420682", "", "2024", "2024-5-1", "tomorrow", "2024-05-01T", "12:30"],
    ...["2024-05-01T10:20:30 CET", "2021-02-30", "2021-13-01", "2021-02-29T00:00:00Z", "2021-01-01T25:00:00Z"],
  ])("is none when it is written like %j", (text) => {
    expect(writtenInstant(text)).toBeUndefined();
  });

  it("is read like every other in all its other forms", () => {
    for (const text of ["2018-03-30 14:38:02+00", "20180330T143802Z", "Fri, 30 Mar 2018 14:38:02 GMT"]) {
      expect(writtenInstant(text)).toBe(AT);
    }
    expect(writtenInstant("2018-03-30")).toBe(DAY);
    expect(writtenInstant("2018-03-30T14:38Z")).toBe(AT - 2_000);
    expect(writtenInstant("2018-03-30T14:38:02.123456Z")).toBe(AT + 123);
  });
});

describe("the usual form", () => {
  /** A blank before the zone keeps it from the shortcut. */
  const slowly = (text: string): number | undefined => parseInstant(text.replace(/(?=(?:Z|\+00:00)$)/, " "));
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
        { weight: 5, arbitrary: fc.constantFrom("Z", "+00:00") },
        { weight: 1, arbitrary: fc.constantFrom("z", "", "-00:00", "ZZ", "Z\n") },
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
          for (const zone of ["Z", "+00:00"]) {
            const text = `${year}-${two(month)}-${two(day)}T23:59:59${zone}`;
            expect([text, parseInstant(text)]).toEqual([text, slowly(text)]);
          }
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
