import fc from "fast-check";
import { namedWaitMs, parseReset, parseRetryAfter } from "../../../src/http/server-wait";

const NOW = Date.UTC(2024, 0, 1, 12);

describe("the wait that a server names", () => {
  it("reads Retry-After as seconds or as a date", () => {
    expect(parseRetryAfter("12", NOW)).toBe(12_000);
    expect(parseRetryAfter("0.5", NOW)).toBe(500);
    expect(parseRetryAfter("Mon, 01 Jan 2024 12:00:30 GMT", NOW)).toBe(30_000);
    expect(parseRetryAfter("Mon, 01 Jan 2024 11:00:00 GMT", NOW)).toBe(0);
  });

  it.each(["", "-5", "soon", "1,5", "Infinity", "1e9", "2024"])("reads %j as no date", (value) => {
    expect(parseRetryAfter(value, NOW)).toBe(value === "2024" ? 2_024_000 : undefined);
  });

  it("reads reset headers as seconds to go, unix seconds or unix milliseconds", () => {
    expect(parseReset("30", NOW)).toBe(30_000);
    expect(parseReset(String(NOW / 1_000 + 5), NOW)).toBe(5_000);
    expect(parseReset(String(NOW + 5_000), NOW)).toBe(5_000);
    expect(parseReset("x", NOW)).toBeUndefined();
  });

  it("takes the longest of all, in both spellings", () => {
    expect(namedWaitMs(429, { "retry-after": "1", "x-rate-limit-reset": "3", "x-ratelimit-reset": "2" }, NOW)).toBe(
      3_000,
    );
    expect(namedWaitMs(429, { "x-ratelimit-reset": "4" }, NOW)).toBe(4_000);
  });

  it("takes reset headers for a description of the window unless the answer is 429", () => {
    expect(namedWaitMs(503, { "x-ratelimit-reset": "40" }, NOW)).toBeUndefined();
  });

  it("is never negative, never more than an hour, whatever the headers say", () => {
    const value = fc.oneof(fc.string(), fc.integer().map(String), fc.double().map(String), fc.date().map(String));
    fc.assert(
      fc.property(value, value, (retryAfter, reset) => {
        const wait = namedWaitMs(429, { "retry-after": retryAfter, "x-rate-limit-reset": reset }, NOW) ?? 0;
        return wait >= 0 && wait <= 3_600_000;
      }),
    );
  });
});
