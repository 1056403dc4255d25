/** `POST /batch…`: what is taken, what is refused by name, and that nothing is said before the order is on disk. */
import { gzipSync } from "node:zlib";
import { ExtractError } from "../../src/hull/extract/error";
import type { Answer } from "./asking";
import { CONNECTOR, errorOf, openEdge, type Edge } from "./edge";

const LINK = "https://acme.s3.amazonaws.com/extracts/users.json?X-Amz-Signature=a-signature-4711";
const GOOD = { url: LINK, format: "json", object_type: "user_report" };

let edge: Edge;
beforeAll(async () => (edge = await openEdge()));
afterEach(() => {
  for (const secret of [CONNECTOR.secret, "a-signature-4711"]) expect(edge.logged()).not.toContain(secret);
  edge.forget();
});
afterAll(() => edge.close());

const post = (path: string, body: unknown, query = "", headers: Record<string, string> = {}): Promise<Answer> =>
  edge.call(`${path}?${edge.query()}${query}`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });

test("no body at all is a bad one", async () => {
  const answer = await edge.call(`/batch?${edge.query()}`, { method: "POST" });
  expect([answer.status, errorOf(answer).code]).toEqual([400, "invalid_batch"]);
});

const order = { url: LINK, format: "json", entity: "user", segmentIds: [] };

test.each([
  ["/batch", {}, "user"],
  ["/batch-accounts", {}, "account"],
  ["/batch", { object_type: null }, "user"],
  ["/batch", { object_type: "account_report" }, "account"],
  ["/batch-accounts", { object_type: "user_report" }, "user"],
])("%s with %j is a batch of %ss", async (path, more, entity) => {
  const answer = await post(path, { url: LINK, format: "json", ...more });
  expect([answer.status, answer.body]).toEqual([200, { ok: true, run: "run-2" }]);
  expect(edge.asked).toEqual([{ kind: "batch", tenant: edge.tenantKey, order: { ...order, entity }, options: {} }]);
});

test("it is understood as Hull sends it", async () => {
  const body = {
    ...GOOD,
    format: "csv",
    channel: "user:extract",
    notification_id: "user:extract:5c138a6e5a8bc0648c000085",
    segments: [{ id: "s1", name: "Everybody", query: { and: [{}] }, fields_list: [] }],
    account_segments: {},
  };
  const { status } = await post(
    "/batch",
    body,
    "&segment_id=5b&source=connector&verbose=1&stop_on_error=1&simulate=on",
  );
  expect(status).toBe(200);
  expect(edge.asked).toEqual([
    {
      kind: "batch",
      tenant: edge.tenantKey,
      order: { ...order, format: "csv", segmentIds: ["5b"] },
      options: { verbose: true, stopOnError: true, simulate: true },
    },
  ]);
});

test.each(["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data; boundary=x"])(
  "the body is JSON, and be it called %j",
  async (type) => {
    expect((await post("/batch", GOOD, "", { "content-type": type })).status).toBe(200);
  },
);

test("the body may be packed", async () => {
  const packed = gzipSync(JSON.stringify(GOOD));
  expect((await post("/batch", packed, "", { "content-encoding": "gzip" })).status).toBe(200);
});

describe("a bad field is named, with what to do", () => {
  test.each<[unknown, readonly string[]]>([
    [{}, ["url", "format"]],
    [{ ...GOOD, url: undefined }, ["url"]],
    [{ ...GOOD, url: null }, ["url"]],
    [{ ...GOOD, url: [LINK] }, ["url"]],
    [{ ...GOOD, url: { href: LINK } }, ["url"]],
    [{ ...GOOD, url: `https://acme.s3.amazonaws.com/${"x".repeat(17_000)}` }, ["url"]],
    [{ ...GOOD, format: "xml" }, ["format"]],
    [{ ...GOOD, format: 7 }, ["format"]],
    [{ ...GOOD, format: ["json"] }, ["format"]],
    [{ ...GOOD, object_type: "event_report" }, ["object_type"]],
    [{ ...GOOD, object_type: {} }, ["object_type"]],
    [{ url: 1, format: 2, object_type: 3 }, ["url", "format", "object_type"]],
    [[], ["(body)"]],
    [[[[]]], ["(body)"]],
  ])("%j", async (body, fields) => {
    const answer = await post("/batch", body);
    const { code, message, details } = errorOf(answer);
    expect([answer.status, code]).toEqual([400, "invalid_batch"]);
    expect(details.map(({ path }) => path)).toEqual(fields);
    for (const { path, remedy } of details) {
      expect(message).toContain(path);
      expect(remedy).toMatch(/^(Send|Post) .+\.$/);
    }
    expect(edge.asked).toEqual([]);
  });

  test.each(["segment_id=", "segment_id=a&segment_id=b", "segment_id=%0d%0ax", "simulate=perhaps"])(
    "%s",
    async (query) => {
      const answer = await post("/batch", GOOD, `&${query}`);
      expect([answer.status, errorOf(answer).code]).toEqual([400, "invalid_query"]);
      expect(edge.asked).toEqual([]);
    },
  );

  test.each([
    ["{ no json", "malformed_json"],
    ['"text"', "malformed_json"],
    ["null", "malformed_json"],
    [`${"[".repeat(100)}${"]".repeat(100)}`, "too_deep"],
    [`{"url":"${"x".repeat(6_000_000)}"}`, "too_large"],
  ])("a body of %.20s… is refused", async (body, code) => {
    const answer = await post("/batch", body);
    expect([answer.status, errorOf(answer).code]).toEqual([code === "too_large" ? 413 : 400, code]);
  });

  test("one that unpacks to too much is refused, with the limit", async () => {
    const packed = gzipSync(`{"url":"${"x".repeat(6_000_000)}"}`);
    const answer = await post("/batch", packed, "", { "content-encoding": "gzip" });
    expect([answer.status, errorOf(answer).message]).toEqual([
      413,
      expect.stringContaining("larger than 5 MB") as string,
    ]);
  });
});

// Which others may not: test/unit/hull/extract-download.test.ts and test/unit/http/hosts.test.ts.
describe("a link that may not be visited is refused before anything is stored", () => {
  test.each([
    "https://evil.example/extract.json",
    "https://169.254.169.254/latest/meta-data",
    "http://acme.s3.amazonaws.com/extract.json",
    "javascript:alert(1)",
    "//acme.s3.amazonaws.com/x",
    "https://acme.s3.amazonaws.com/\r\nx: y",
    " ",
    "",
  ])("%j", async (url) => {
    const answer = await post("/batch", { ...GOOD, url: `${url}?X-Amz-Signature=a-signature-4711` });
    const { code, details } = errorOf(answer);
    expect([answer.status, code, details.map(({ path }) => path)]).toEqual([400, "invalid_batch", ["url"]]);
    expect(answer.text).not.toContain("a-signature-4711");
    expect(edge.asked).toEqual([]);
  });

  test("also when only the engine finds out", async () => {
    edge.failBatches(
      new ExtractError("acme.s3.amazonaws.com/x", 0, { kind: "forbidden_url", what: "not today.", retryable: false }),
    );
    const answer = await post("/batch", GOOD);
    expect([answer.status, errorOf(answer).message]).toEqual([400, expect.stringContaining("not today.") as string]);
  });
});

test("an order that could not be stored is no success", async () => {
  edge.failBatches(new Error("The disk is full."));
  const answer = await post("/batch", GOOD);
  expect([answer.status, errorOf(answer).code]).toEqual([503, "internal"]);
  expect(answer.text).not.toContain("disk");
});

test("nobody's body is read before Hull has confirmed the sender", async () => {
  const path = `/batch?${edge.query({ secret: "wrong" })}`;
  const answer = await edge.call(path, { method: "POST", body: "{ no json" });
  expect([answer.status, errorOf(answer).code]).toEqual([401, "wrong_credentials"]);
  expect((await edge.call("/batch", { method: "POST", body: JSON.stringify(GOOD) })).status).toBe(400);
  expect(edge.asked).toEqual([]);
});

test.each(["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])("%s is not possible", async (method) => {
  for (const path of ["/batch", "/batch-accounts"]) {
    const answer = await edge.call(`${path}?${edge.query()}`, { method });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"]);
    if (method !== "HEAD") expect(errorOf(answer).code).toBe("method_not_allowed");
  }
});
