import fc from "fast-check";
import type { Failure, RemoteErrorKind } from "../../../src/http/errors";
import { decideRetry, MAX_WAIT_MS, type RetryQuestion } from "../../../src/http/retry";

type ErrorFacts = RetryQuestion["error"];

const transient: ErrorFacts = { kind: "transient", applied: "maybe", failure: undefined, retryAfterMs: undefined };
const throttled: ErrorFacts = { kind: "throttled", applied: "no", failure: undefined, retryAfterMs: undefined };

function ask(question: Partial<RetryQuestion>): ReturnType<typeof decideRetry> {
  return decideRetry({
    attempt: 1,
    maxAttempts: 3,
    error: transient,
    safeToRepeat: true,
    random: () => 0,
    baseMs: 100,
    ...question,
  });
}

describe("the retry law", () => {
  it("repeats a transient failure when that is safe", () => {
    expect(ask({})).toEqual({ retry: true, waitMs: 100, reason: "transient" });
  });

  it("does not repeat a write that may have been applied", () => {
    expect(ask({ safeToRepeat: false })).toMatchObject({ retry: false, reason: "not_safe_to_repeat" });
  });

  it("repeats any write that was certainly not applied", () => {
    expect(ask({ safeToRepeat: false, error: throttled })).toMatchObject({ retry: true, reason: "throttled" });
    const refused: ErrorFacts = { ...transient, failure: "connection", applied: "no" };
    expect(ask({ safeToRepeat: false, error: refused })).toMatchObject({ retry: true, reason: "not_sent" });
  });

  it("grows exponentially and spreads by chance", () => {
    expect([1, 2, 3].map((attempt) => ask({ attempt, maxAttempts: 9, random: () => 1 }).waitMs)).toEqual([
      200, 400, 800,
    ]);
    expect(ask({ attempt: 3, maxAttempts: 9, random: () => 0.5 }).waitMs).toBe(450);
  });

  it("obeys a longer wait that the server names", () => {
    expect(ask({ error: { ...throttled, retryAfterMs: 30_000 } }).waitMs).toBe(30_000);
  });

  it("gives up rather than shorten a named wait beyond two minutes", () => {
    expect(ask({ error: { ...throttled, retryAfterMs: 600_000 } })).toEqual({
      retry: false,
      waitMs: 600_000,
      reason: "named_wait_too_long",
    });
  });

  it("ends with the last attempt", () => {
    expect(ask({ attempt: 3 })).toMatchObject({ retry: false, reason: "attempts_used_up" });
  });

  it("repeats a stale keep-alive socket once and at once, even on the last attempt", () => {
    const stale: ErrorFacts = { ...transient, failure: "stale_socket" };
    expect(ask({ error: stale, attempt: 3 })).toEqual({ retry: true, waitMs: 0, reason: "stale_socket" });
    expect(ask({ error: stale, attempt: 1, staleRetryUsed: true })).toMatchObject({ reason: "transient", waitMs: 100 });
    expect(ask({ error: stale, safeToRepeat: false })).toMatchObject({ retry: false });
  });

  it("never repeats what we ended ourselves", () => {
    for (const failure of ["cancelled", "client_closed", "budget_closed", "not_permitted"] as const) {
      expect(ask({ error: { ...transient, failure } })).toMatchObject({
        retry: false,
        reason: "repeating_cannot_help",
      });
    }
  });

  const kinds: RemoteErrorKind[] = [
    "auth",
    "configuration",
    "not_found",
    "validation",
    "too_large",
    "throttled",
    "transient",
    "unknown",
  ];
  const failures: (Failure | undefined)[] = [undefined, "timeout", "stale_socket", "reset", "connection", "cancelled"];
  const question = fc.record({
    attempt: fc.integer({ min: 1, max: 60 }),
    maxAttempts: fc.integer({ min: 1, max: 60 }),
    error: fc.record({
      kind: fc.constantFrom(...kinds),
      applied: fc.constantFrom("no" as const, "maybe" as const),
      failure: fc.constantFrom(...failures),
      retryAfterMs: fc.option(fc.integer({ min: 0, max: 3_600_000 }), { nil: undefined }),
    }),
    safeToRepeat: fc.boolean(),
    staleRetryUsed: fc.boolean(),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }).map((x) => () => x),
    baseMs: fc.integer({ min: 1, max: 5_000 }),
  });

  it("never waits less than the base or the named wait, never more than two minutes", () => {
    fc.assert(
      fc.property(question, (asked) => {
        const decision = decideRetry(asked);
        if (!decision.retry || decision.reason === "stale_socket") return true;
        return (
          decision.waitMs >= asked.baseMs &&
          decision.waitMs >= (asked.error.retryAfterMs ?? 0) &&
          decision.waitMs <= MAX_WAIT_MS &&
          asked.attempt < asked.maxAttempts
        );
      }),
    );
  });

  it("never repeats an unsafe write that may have been applied, nor a refusal", () => {
    fc.assert(
      fc.property(question, (asked) => {
        const { retry } = decideRetry(asked);
        if (!asked.safeToRepeat && asked.error.applied === "maybe") return !retry;
        return (
          asked.error.failure === "stale_socket" || ["throttled", "transient"].includes(asked.error.kind) || !retry
        );
      }),
    );
  });
});
