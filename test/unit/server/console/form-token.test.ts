import { createFormTokens } from "../../../../server/console/form-token";

const OWNER = { organization: "acme.hullapp.io", id: "connector-1" };
const HOUR_MS = 3_600_000;

let nowMs = Date.parse("2026-03-01T11:59:00Z");
const tokens = createFormTokens("a key of some length", () => nowMs);

test("a token holds for its owner and its action alone", () => {
  const token = tokens.make(OWNER, "drop a1");
  expect(tokens.fits(OWNER, "drop a1", token)).toBe(true);
  expect(tokens.fits(OWNER, "drop a2", token)).toBe(false);
  expect(tokens.fits(OWNER, "replay a1", token)).toBe(false);
  expect(tokens.fits({ ...OWNER, id: "connector-2" }, "drop a1", token)).toBe(false);
  expect(tokens.fits({ ...OWNER, organization: "other.hullapp.io" }, "drop a1", token)).toBe(false);
  expect(createFormTokens("another key of some length", () => nowMs).fits(OWNER, "drop a1", token)).toBe(false);
  // What stands where cannot be shifted.
  expect(tokens.fits({ organization: "a", id: "bc" }, "d", tokens.make({ organization: "ab", id: "c" }, "d"))).toBe(
    false,
  );
});

test.each(["", "x", "=".repeat(43), "A".repeat(43), "A".repeat(5_000), "\0"])("%j is no token", (text) => {
  expect(tokens.fits(OWNER, "drop a1", text)).toBe(false);
});

test("a token holds for twelve hours at least, and never for a whole day", () => {
  const begin = nowMs;
  const token = tokens.make(OWNER, "drop a1");
  nowMs = begin + 12 * HOUR_MS;
  expect(tokens.fits(OWNER, "drop a1", token)).toBe(true);
  nowMs = begin + 24 * HOUR_MS;
  expect(tokens.fits(OWNER, "drop a1", token)).toBe(false);
});
