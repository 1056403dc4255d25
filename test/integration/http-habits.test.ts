/** What programs expect of an HTTP API: ids of requests, problem documents, what is left of limits, and keys of calls. */
import { createLogins } from "../../server/middleware/authentication";
import { OperationError, type OperationAnswer } from "../../src/services/operations";
import { basic } from "./asking";
import { ADMIN_TOKEN, CONNECTOR, errorOf, openEdge, OTHER, type Edge, type LoggedIn } from "./edge";
import { madeUpOperations, type Script } from "./operations.cases";

const script: Script = { ran: [], next: {} };
const FEW = { windowMs: 60_000, perAddress: 3, perConnector: 1_000 };
const PROBLEM = "application/problem+json";
const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;
const THINGS = "/api/internal/things";
let left: { readonly limit: number | null; readonly per: "minute" | "hour"; readonly left: number } | undefined;
let edge: Edge;

beforeEach(async () => {
  script.ran.length = 0;
  left = undefined;
  edge = await openEdge(
    { logins: createLogins(FEW) },
    {
      operations: madeUpOperations(script),
      corsOrigins: ["https://app.example.com"],
      budget: () => Promise.resolve(left),
    },
  );
});
afterEach(() => edge.close());

const lines = (event: string): readonly { readonly context: Readonly<Record<string, unknown>> }[] =>
  edge
    .logged()
    .split("\n")
    .filter((line) => line.includes(`"${event}"`))
    .map((line) => JSON.parse(line) as { readonly context: Readonly<Record<string, unknown>> });

describe("the id of a request", () => {
  test("is made where there is none, another one each time, and stands in every answer", async () => {
    const ids = [];
    for (const path of [
      "/health",
      "/nowhere",
      "/manifest.json",
      "/api/internal/runs",
      "/admin/tenants",
      "/console",
      "/%",
    ]) {
      ids.push((await edge.call(path)).headers.get("x-request-id"));
    }
    ids.push((await edge.call("/smart-notifier", { method: "POST", body: {} })).headers.get("x-request-id"));
    for (const id of ids) expect(id).toMatch(UUID);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("is the caller's own where that has a safe form, in answer and log", async () => {
    for (const own of ["a", "Abc_1.2~3-4", "x".repeat(128)]) {
      const { headers } = await edge.call("/api/internal/runs", { headers: { "x-request-id": own } });
      expect(headers.get("x-request-id")).toBe(own);
      expect(lines("connector.request.refused").at(-1)?.context["request_id"]).toBe(own);
    }
  });

  test.each(["x".repeat(129), "a b", "a,b", 'a"b', "a/b", "{}", "<script>", "a%0ab", "\u00e9", ""])(
    "is another one than what could mean something elsewhere (%#)",
    async (own) => {
      const { headers } = await edge.call("/nowhere", { headers: { "x-request-id": own } });
      expect(headers.get("x-request-id")).toMatch(UUID);
    },
  );

  test("is in the line of each call, and of what an administrator does", async () => {
    script.next = { body: { id: "t1" } };
    await edge.ask(THINGS, { method: "POST", body: { size: 1 }, headers: { "x-request-id": "one" } });
    const id = await edge.refuse("a1");
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "x-request-id": "two" };
    await edge.call(`/admin/dead-letters/${id}`, { method: "DELETE", headers });
    expect(lines("connector.operation").map(({ context }) => context["request_id"])).toEqual(["one"]);
    expect(lines("connector.admin").map(({ context }) => context["request_id"])).toEqual(["two"]);
  });
});

describe("a problem document", () => {
  const refused = (accept: string, more: LoggedIn = {}): Promise<Answer> =>
    edge.ask("/api/internal/runs", { query: "limit=0", ...more, headers: { accept, ...more.headers } });
  type Answer = Awaited<ReturnType<Edge["ask"]>>;

  test("says the same as the usual form, without flow control", async () => {
    const usual = errorOf(await refused("application/json"));
    const answer = await refused(PROBLEM);
    const id = answer.headers.get("x-request-id");
    expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json(?:;|$)/);
    expect(answer.headers.get("vary")).toContain("accept");
    expect([answer.status, answer.body]).toEqual([
      400,
      {
        type: "about:blank",
        title: "Bad Request",
        status: 400,
        detail: usual.message,
        instance: `urn:uuid:${String(id)}`,
        code: usual.code,
        request_id: id,
        details: usual.details,
      },
    ]);
    // An id that is no UUID is no URI.
    const named = await refused(PROBLEM, { headers: { "x-request-id": "mine" } });
    expect([named.body["instance"], named.body["request_id"]]).toEqual([undefined, "mine"]);
  });

  test.each([
    [PROBLEM, true],
    [`${PROBLEM}, application/json;q=0.9`, true],
    [`application/json;q=0.5, ${PROBLEM};q=0.6`, true],
    [`text/html, ${PROBLEM}`, true],
    ["APPLICATION/PROBLEM+JSON", true],
    [`${PROBLEM}; charset=utf-8`, true],
    [`${PROBLEM}; charset=utf-16`, false],
    [`${PROBLEM};q=0`, false],
    [`${PROBLEM};q=0, */*`, false],
    [`application/json, ${PROBLEM};q=0.9`, false],
    ["*/*", false],
    ["application/*", false],
    ["text/html", false],
    ["application/problem+xml", false],
    ["", false],
    [",;=,q", false],
    [`${"x/y;q=0.1,".repeat(700)}*/*;q=0.1`, false],
  ])("is sent for what asks for it (%#)", async (accept, isProblem) => {
    const { status, headers, body } = await refused(accept);
    expect(status).toBe(400);
    expect(headers.get("content-type")?.startsWith(PROBLEM)).toBe(isProblem);
    expect("flow_control" in body).toBe(!isProblem);
  });

  test("has the headers of the refusal, and comes from every place where programs ask", async () => {
    const accept = { accept: PROBLEM };
    const wrong = { ...CONNECTOR, secret: "a-wrong-secret-0001" };
    for (const [answer, status, code, header] of [
      [await edge.ask(THINGS, { login: wrong, headers: accept }), 401, "wrong_credentials", "www-authenticate"],
      [await edge.ask("/api/internal/runs", { method: "PUT", headers: accept }), 405, "method_not_allowed", "allow"],
      [await edge.call("/admin/tenants", { headers: accept }), 401, "missing_credentials", "www-authenticate"],
      [
        await edge.ask("/explain", { method: "POST", body: "{", headers: accept }),
        400,
        "malformed_json",
        "x-request-id",
      ],
      [await edge.call("/nowhere", { headers: accept }), 404, "not_found", "x-request-id"],
    ] as const) {
      expect(answer.headers.get("content-type")).toContain(PROBLEM);
      expect([answer.status, answer.body["code"], answer.body["status"]]).toEqual([status, code, status]);
      expect([header, answer.headers.get(header)]).toEqual([header, expect.any(String)]);
    }
  });

  test("is nothing for Hull, which finds its flow control whatever it accepts, nor for people", async () => {
    const accept = { accept: PROBLEM };
    for (const [path, method] of [
      ["/smart-notifier", "POST"],
      ["/batch", "POST"],
      ["/fetch/users", "GET"],
      ["/status", "GET"],
      ["/status", "DELETE"],
    ] as const) {
      const answer = await edge.call(path, { method, headers: accept, ...(method === "POST" && { body: {} }) });
      expect([path, answer.status >= 400, errorOf(answer).code]).toEqual([path, true, expect.any(String)]);
    }
    const page = await edge.call("/console?org=%00", { headers: accept });
    expect([page.status, page.headers.get("content-type")]).toEqual([400, "text/html; charset=utf-8"]);
    const admin = await edge.call("/admin", { headers: { accept: "text/html, */*;q=0.1" } });
    expect([admin.status, admin.headers.get("content-type")]).toEqual([401, "text/html; charset=utf-8"]);
  });
});

describe("what is left of a limit", () => {
  const limits = ({ headers }: { readonly headers: Headers }) => [
    headers.get("ratelimit-policy"),
    headers.get("ratelimit"),
  ];
  const POLICY = '"failed-log-ins";q=3;w=60';

  test("of failed log-ins stands where a log-in is counted, until none is left", async () => {
    const wrong = (n: number) => edge.ask(THINGS, { login: { ...CONNECTOR, secret: `a-wrong-secret-000${n}` } });
    for (const [n, remaining] of [2, 1, 0].entries()) {
      const answer = await wrong(n);
      expect([answer.status, ...limits(answer)]).toEqual([
        401,
        POLICY,
        expect.stringMatching(`^"failed-log-ins";r=${remaining};t=`),
      ]);
      const seconds = Number(/t=(\d+)$/.exec(answer.headers.get("ratelimit") ?? "")?.[1]);
      expect(seconds >= 1 && seconds <= 60).toBe(true);
    }
    const turnedAway = await wrong(9);
    expect([turnedAway.status, turnedAway.headers.get("retry-after")]).toEqual([429, "60"]);
    expect(limits(turnedAway)).toEqual([POLICY, expect.stringMatching(/^"failed-log-ins";r=0;t=\d+$/)]);
    // The administrator's log-ins are counted by themselves.
    const admin = (token: string) => edge.call("/admin/tenants", { headers: { authorization: `Bearer ${token}` } });
    expect(limits(await admin("wrong"))[1]).toMatch(/r=19;t=\d+$/);
    expect(limits(await admin(ADMIN_TOKEN))[1]).toMatch(/r=19;t=\d+$/);
  });

  test("of requests to the service stands in answers of calls, refused ones too, and nowhere else", async () => {
    script.next = { body: { id: "t1" } };
    // Known from here on, so that the log-in is not counted.
    expect(limits(await edge.ask(THINGS))[1]).toBe('"failed-log-ins";r=3;t=0');
    expect(limits(await edge.ask(THINGS))).toEqual([null, null]);
    left = { limit: 200, per: "minute", left: 199 };
    expect(limits(await edge.ask(THINGS))).toEqual(['"service-requests";q=200;w=60', '"service-requests";r=199;t=60']);
    left = { limit: 100, per: "hour", left: 100 };
    expect(limits(await edge.ask(THINGS))).toEqual(['"service-requests";q=100;w=3600', '"service-requests";r=100;t=0']);
    left = { limit: 200, per: "minute", left: 0 };
    script.next = new OperationError(503, "acme_busy", "Try again later.", { headers: { "retry-after": "30" } });
    const busy = await edge.ask(THINGS);
    expect([busy.status, busy.headers.get("retry-after"), ...limits(busy)]).toEqual([
      ...[503, "30", '"service-requests";q=200;w=60', '"service-requests";r=0;t=60'],
    ]);
    left = { limit: null, per: "minute", left: Infinity };
    expect(limits(await edge.ask(THINGS))).toEqual([null, null]);
    left = { limit: 200, per: "minute", left: 199 };
    expect(limits(await edge.ask("/api/internal/runs"))).toEqual([null, null]);
    // Both, where both count.
    script.next = { body: { id: "t1" } };
    expect(limits(await edge.ask(THINGS, { login: OTHER }))).toEqual([
      `${POLICY}, "service-requests";q=200;w=60`,
      '"failed-log-ins";r=3;t=0, "service-requests";r=199;t=60',
    ]);
  });

  test("may be read by pages that may ask", async () => {
    const { headers } = await edge.ask(THINGS, { headers: { origin: "https://app.example.com" } });
    expect(headers.get("access-control-expose-headers")).toBe(
      "allow, idempotent-replayed, ratelimit, ratelimit-policy, retry-after, x-request-id",
    );
  });
});

describe("a call with a key", () => {
  const create = (key: string, more: LoggedIn = {}) =>
    edge.ask(THINGS, {
      method: "POST",
      body: { size: 1 },
      ...more,
      headers: { "idempotency-key": key, ...more.headers },
    });

  test("is made once, and answered with status, headers and body of the first, and marked", async () => {
    script.next = { body: { id: "t1" }, headers: { location: "/t1" } };
    const first = await create("k1");
    script.next = { body: { id: "t2" } };
    const second = await create('"k1"');
    for (const answer of [first, second]) {
      expect([answer.status, answer.text, answer.headers.get("location")]).toEqual([201, '{"id":"t1"}', "/t1"]);
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
    expect([first, second].map(({ headers }) => headers.get("idempotent-replayed"))).toEqual([null, "true"]);
    expect(script.ran).toHaveLength(1);
    expect(lines("connector.operation").map((line) => (line as { data?: { repeated?: true } }).data?.repeated)).toEqual(
      [...[undefined, true]],
    );
    expect((await create("k1", { login: OTHER })).body).toEqual({ id: "t2" });
    expect((await create("k2")).body).toEqual({ id: "t2" });
  });

  test("is refused with another request, and while it is made, and nothing of a bad request is remembered", async () => {
    script.next = { body: { id: "t1" } };
    expect(errorOf(await create("k1", { body: { size: "large" } })).code).toBe("invalid_thing");
    expect((await create("k1")).status).toBe(201);
    const other = await create("k1", { body: { size: 2 } });
    expect([other.status, errorOf(other).code]).toEqual([422, "idempotency_key_reused"]);
    const problem = await create("k1", { body: { size: 2 }, headers: { accept: PROBLEM } });
    expect([problem.status, problem.body["code"]]).toEqual([422, "idempotency_key_reused"]);

    let go: (answer: OperationAnswer) => void = () => undefined;
    script.next = new Promise<OperationAnswer>((resolve) => (go = resolve)) as unknown as OperationAnswer;
    const first = create("k2");
    while (script.ran.length < 2) await new Promise(setImmediate);
    const meanwhile = await create("k2");
    expect([meanwhile.status, errorOf(meanwhile).code, meanwhile.headers.get("retry-after")]).toEqual([
      ...[409, "call_in_progress", "5"],
    ]);
    go({ body: { id: "t2" } });
    expect((await first).body).toEqual({ id: "t2" });
    expect((await create("k2")).body).toEqual({ id: "t2" });
    expect(script.ran).toHaveLength(2);
  });

  test.each(["", "a, b", "a b", "ann@acme.example", "k".repeat(256)])(
    "of another form is refused (%#)",
    async (key) => {
      const { status, body, text } = await create(key);
      expect([status, body["error"]]).toMatchObject([400, { code: "invalid_idempotency_key" }]);
      expect(text).not.toContain("ann@");
      expect(script.ran).toEqual([]);
    },
  );

  test("needs a log-in like every other, and a key means nothing where nothing is created", async () => {
    script.next = { body: { id: "t1" } };
    const wrong = { ...CONNECTOR, secret: "a-wrong-secret-0001" };
    await create("k1");
    expect((await create("k1", { headers: { authorization: basic(wrong) } })).status).toBe(401);
    for (const size of [1, 2]) {
      const sent = { method: "PUT", body: { size }, headers: { "idempotency-key": "a b" } };
      expect((await edge.ask(`${THINGS}/t1`, sent)).status).toBe(200);
    }
    expect(script.ran).toHaveLength(3);
  });
});
