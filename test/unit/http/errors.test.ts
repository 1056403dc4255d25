import { inspect } from "node:util";
import { classify, classifyFailure, RemoteError } from "../../../src/http/errors";

const NOW = Date.UTC(2024, 0, 1);

describe("classify", () => {
  it.each([
    [400, "validation", "no"],
    [401, "auth", "no"],
    [402, "configuration", "no"],
    [403, "auth", "no"],
    [404, "not_found", "no"],
    [408, "transient", "no"],
    [409, "validation", "no"],
    [413, "too_large", "no"],
    [422, "validation", "no"],
    [429, "throttled", "no"],
    [302, "configuration", "maybe"],
    [500, "transient", "maybe"],
    [503, "transient", "maybe"],
    [501, "unknown", "maybe"],
    [199, "unknown", "no"],
  ])("sorts %d as %s, applied: %s", (status, kind, applied) => {
    expect(classify(status, {}, NOW)).toEqual({ kind, applied, retryAfterMs: undefined });
  });

  it("carries the wait that the server names", () => {
    expect(classify(503, { "retry-after": "7" }, NOW).retryAfterMs).toBe(7_000);
  });
});

describe("classifyFailure", () => {
  it("knows that a refused connection cannot have been applied, while a time-out may have been", () => {
    expect(classifyFailure("connection")).toEqual({ kind: "transient", applied: "no" });
    expect(classifyFailure("timeout")).toEqual({ kind: "transient", applied: "maybe" });
  });
});

describe("RemoteError", () => {
  const error = new RemoteError({
    system: "planhat",
    method: "GET",
    route: "/endusers/:id",
    kind: "auth",
    applied: "no",
    status: 401,
    answer: { echoed: "s3cret" },
  });

  it("says what happened and what to do", () => {
    expect(error.message).toBe(
      "planhat GET /endusers/:id answered 401: the credentials were refused; " +
        "check the token and the region or host that it belongs to",
    );
  });

  it("offers the whole answer to callers but to no log", () => {
    expect(error.answer).toEqual({ echoed: "s3cret" });
    expect(JSON.stringify(error) + inspect(error, { depth: 9 }) + Object.keys(error).join()).not.toMatch(
      /s3cret|answer(?!ed)/,
    );
  });
});
