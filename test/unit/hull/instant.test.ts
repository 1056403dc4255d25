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
