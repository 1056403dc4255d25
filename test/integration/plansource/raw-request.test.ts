/** `POST /plansource/api/internal/request` through the running server: what is let through, in both directions. */
import type { Answer } from "../asking";
import { errorOf } from "../edge";
import { json, startLoopback, type Answer as Answers, type Loopback } from "../../unit/http/loopback";
import { openPlanSource, usePlanSource, type PlanSourceFixture } from "../../fixture/plansource";
import { employee, hire } from "../../fixture/employees";
import { operate, SECRETS } from "./asking";

const open = usePlanSource();

const request = (opened: PlanSourceFixture, body: unknown, query: Readonly<Record<string, string>> = {}) =>
  operate(opened, "POST /request", { body, query });
const auditLines = ({ fixture }: PlanSourceFixture) =>
  fixture.logs.filter(({ message }) => message === "connector.operation").map(({ data }) => data);

test("the documented example works word for word", async () => {
  const opened = await open();
  const bo = { subscriber_id: 1, coverage_id: 2, first_name: "Bo", last_name: "Lee", relationship: "Spouse" };
  opened.plansource.organization().beneficiaries.seed({ ...bo, test: true });
  const answer = await request(opened, {
    method: "GET",
    endpoint: "/beneficiaries",
    query: { include_test: "true" },
  });
  expect([answer.status, answer.body]).toMatchObject([200, { status: "success", errors: [], data: [bo] }]);
  const [{ method, path, query }] = opened.calls as [(typeof opened.calls)[number]];
  expect(`${method} ${path}?${query.toString()}`).toBe("GET /admin/v2/beneficiaries?include_test=true");
});

describe("what would lead elsewhere or says more than a request may is a 400, and nothing is called:", () => {
  let opened: PlanSourceFixture;
  const seen: string[] = [];
  beforeAll(async () => {
    opened = await openPlanSource();
    opened.plansource.on("request", ({ route }) => void seen.push(route));
  });
  afterAll(() => opened.close());

  test.each([
    ["absolute addresses", ["https://evil.example/x", "HTTP:evil.example", "http:/evil.example", "//evil.example"]],
    ["other schemes", ["javascript:alert(1)", "file:///etc/passwd", "data:text/plain,x"]],
    ["backslashes", ["\\\\evil.example", "/\\evil.example", "/subscriber\\..\\..", "/subscriber%5c..%5c.."]],
    ["dots", ["..", "/..", "../oauth/v2/token", "/subscriber/../../../oauth/v2/token", "/./x", "/subscriber/..."]],
    ["dots in disguise", ["/%2e%2e/oauth", "/%2E./oauth", "/.%2e/oauth", "/%252e%252e/oauth", "/%25252e%25252e/x"]],
    ["dots in other alphabets", ["/%c0%ae%c0%ae/x", "/%u002e%u002e/x", "/\uff0e\uff0e/x", "/%ef%bc%8e%ef%bc%8e/x"]],
    ["dots before a parameter of a path", ["/..;/oauth", "/..%3b/oauth", "/%20../oauth"]],
    ["slashes in disguise", ["/subscriber%2f1", "/%2e%2e%2foauth", "/subscriber//1", "\u2215\u2215evil.example"]],
    ["ends of lines and NUL", ["/x\r\nHost: evil.example", "/x%0d%0aHost:%20evil.example", "/x\0", "/x%00", "/x\t"]],
    ["a query or a fragment", ["/beneficiaries?a=b", "/beneficiaries%3fa=b", "/beneficiaries#a", "/beneficiaries%23a"]],
    ["nothing at all", ["", "/", " /x", "/x/"]],
  ])("%s in the endpoint", async (_about, endpoints) => {
    for (const endpoint of endpoints) {
      const answer = await request(opened, { method: "GET", endpoint });
      const { code, details } = errorOf(answer);
      expect([endpoint, answer.status, code, details]).toEqual([
        endpoint,
        400,
        "invalid_request",
        [
          {
            path: "endpoint",
            message: expect.stringMatching(/^must be a path below \/admin\/v2/) as string,
            remedy: "Send the path alone, and parameters in query.",
          },
        ],
      ]);
    }
    expect(seen).toEqual([]);
  });

  test.each<readonly [string, object, string]>([
    ["headers", { headers: { authorization: "Bearer x" } }, "(body)"],
    ["another address", { baseUrl: "https://evil.example" }, "(body)"],
    ["a header in the method", { method: "GET / HTTP/1.1\r\nHost: evil.example\r\n" }, "method"],
    ["a method that is not on the list", { method: "CONNECT" }, "method"],
    ["a query that is a text", { query: "include_test=true" }, "query"],
    ["a query of objects", { query: { a: { b: "c" } } }, "query"],
  ])("%s", async (_about, more, field) => {
    const answer = await request(opened, { method: "GET", endpoint: "/beneficiaries", ...more });
    const { code, details } = errorOf(answer);
    expect([answer.status, code, details.map(({ path }) => path)]).toEqual([400, "invalid_request", [field]]);
    expect(seen).toEqual([]);
  });

  const DELETE = { method: "DELETE", endpoint: "/coverage/2/beneficiaries", query: { termination_date: "2026-01-31" } };
  test.each<readonly [string, Readonly<Record<string, string>>]>([
    ["without confirm", {}],
    ["that confirms something else", { confirm: "/coverage/3/beneficiaries" }],
  ])("a DELETE %s", async (_about, query) => {
    const answer = await request(opened, DELETE, query);
    expect([answer.status, errorOf(answer).code, seen]).toEqual([400, "not_confirmed", []]);
    expect(errorOf(answer).details[0]?.remedy).toContain("confirm=%2Fcoverage%2F2%2Fbeneficiaries");
  });

  test("while one that is confirmed is carried out", async () => {
    const bo = { subscriber_id: 1, coverage_id: 2, first_name: "Bo", last_name: "Lee", relationship: "Spouse" };
    const { beneficiaries } = opened.plansource.organization();
    beneficiaries.seed(bo);
    expect((await request(opened, DELETE, { confirm: DELETE.endpoint })).status).toBe(200);
    expect(beneficiaries.all).toMatchObject([{ ...bo, termination_date: "2026-01-31" }]);
  });
});

describe("what PlanSource answers comes through:", () => {
  let server: Loopback | undefined;
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  /** A server in PlanSource's place that answers anything. */
  async function openAt(answers: Answers): Promise<PlanSourceFixture> {
    server = await startLoopback((sent, response, n) => {
      if (sent.url === "/oauth/v2/token") json(response, 200, { access_token: "token-of-this-test-0001" });
      else answers(sent, response, n);
    });
    return open({ environment: { PLANSOURCE_API_URL: server.url } });
  }
  const X = { method: "PUT", endpoint: "/subscriber/12", body: { city: "Boston" } };
  const calls = () => server?.seen.filter(({ url }) => url !== "/oauth/v2/token") ?? [];
  const HEADERS = {
    "retry-after": "120",
    "x-request-id": "r-1",
    "set-cookie": "session=1",
    "x-powered-by": "Ruby",
    "access-control-allow-origin": "*",
    "cache-control": "public, max-age=600",
    location: "/elsewhere",
  };

  function expectNothingElse({ headers }: Answer): void {
    expect(headers.get("cache-control")).toBe("no-store");
    for (const name of ["set-cookie", "x-powered-by", "access-control-allow-origin", "location"]) {
      expect([name, headers.get(name)]).toEqual([name, null]);
    }
  }

  test.each([
    [200, "application/json", '{"data":[1.50]}'],
    [200, "text/csv; charset=utf-8", "id,name\r\n1,Bo\r\n"],
    [404, "application/json", '{"errors":{"error_code":"route_not_found"}}'],
    [409, "text/plain", "Not now"],
    [422, "text/plain; charset=iso-8859-1", "{ broken"],
    [429, "text/html", "<h1>Too many</h1>"],
    [500, "text/html", "<script>alert(1)</script>"],
    [503, "application/octet-stream", "\0\u0001"],
  ])("%i of %s with its bytes, and of its headers only what a caller needs", async (status, type, text) => {
    const opened = await openAt((_sent, response) => {
      response.writeHead(status, { ...HEADERS, "content-type": type }).end(text);
    });
    const answer = await request(opened, X);
    expect([answer.status, answer.bytes.toString()]).toEqual([status, text]);
    const { headers } = answer;
    expect([headers.get("content-type"), headers.get("retry-after"), headers.get("x-request-id")]).toEqual([
      type,
      "120",
      "r-1",
    ]);
    expectNothingElse(answer);
    // A page runs nothing here.
    expect(headers.get("content-security-policy")).toBe("default-src 'none'; sandbox");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(auditLines(opened)).toEqual([{ operation: "rawRequest", method: "PUT", path: "/subscriber/{id}", status }]);
  });

  test.each([401, 403])("%i as 502 with its words, since the caller's log-in was good", async (refused) => {
    const opened = await openAt((_sent, response) => {
      json(response, refused, { status: "failure", errors: { message: "Organization out of scope" } }, HEADERS);
    });
    const answer = await request(opened, X);
    expect([answer.status, errorOf(answer).code]).toEqual([502, "plansource_token_refused"]);
    expect(errorOf(answer).message).toContain("Organization out of scope");
    expectNothingElse(answer);
  });

  test.each([301, 302, 303, 307, 308])("%i as 502, and it is not followed", async (redirect) => {
    const opened = await openAt((_sent, response) => {
      response.writeHead(redirect, { location: "https://evil.example/" }).end();
    });
    const answer = await request(opened, { method: "GET", endpoint: "/beneficiaries" });
    expect([answer.status, errorOf(answer).code, calls().length]).toEqual([502, "plansource_unavailable", 1]);
    expect(answer.text).not.toContain("evil.example");
    expectNothingElse(answer);
  });

  test("no answer to a write is 502, and it is not sent again", async () => {
    const opened = await openAt((_sent, response) => void response.destroy());
    const answer = await request(opened, X);
    expect([answer.status, errorOf(answer).code, calls().length]).toEqual([502, "outcome_unknown", 1]);
  });

  test("and nothing of the caller reaches PlanSource but what the request says", async () => {
    const opened = await openAt((_sent, response) => json(response, 200, {}));
    const headers = { cookie: "a=b", "x-forwarded-for": "10.0.0.1", "x-evil": "1" };
    await operate(opened, "POST /request", { headers, body: { ...X, query: { "a&b": ["1", "\r\nX: y"], c: "" } } });
    const [sent] = calls();
    expect(sent).toMatchObject({
      method: "PUT",
      url: "/admin/v2/subscriber/12?a%26b=1&a%26b=%0D%0AX%3A%20y&c=",
      body: '{"city":"Boston"}',
      headers: { authorization: "Bearer token-of-this-test-0001", "content-type": "application/json" },
    });
    for (const name of [...Object.keys(headers), "x"]) expect(sent?.headers[name]).toBeUndefined();
  });
});

describe("a raw request takes its turn:", () => {
  const LIST = { method: "GET", endpoint: "/beneficiaries" };

  test("each takes a call from the budget of all", async () => {
    const opened = await open({ settings: { requests_per_minute: 5 } });
    const { connector } = opened.fixture;
    for (const left of [4, 3]) {
      await request(opened, LIST);
      expect(Math.floor(await connector.engine("plansource").budgetLeft())).toBe(left);
    }
  });

  test.each([1, 2])("%i at once, if the settings allow no more", async (atOnce) => {
    const opened = await open({ settings: { concurrent_requests: atOnce } });
    opened.plansource.faults.add({ kind: "latency", min: 30, max: 30 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => request(opened, LIST)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(opened.plansource.books.snapshot().mostAtOnce).toBe(atOnce);
  });
});

test("its query, bodies and secrets are in no log line, whatever becomes of it", async () => {
  const opened = await open();
  hire(opened.plansource.organization(), employee(1), { city: "Quahog-Falls", ssn: "078-05-1120" });
  const query = { is_custom_id: "true", note: "query-of-this-test" };
  const body = { city: "Lower-Tadfield", ssn: "219-09-9999", current_salary: 71717.71 };
  for (const method of ["GET", "PUT", "PATCH"] as const) {
    const isRead = method === "GET";
    await request(opened, { method, endpoint: "/subscriber/emp-1", query, ...(isRead ? {} : { body }) });
  }
  opened.plansource.faults.add({ kind: "reset-after" });
  await request(opened, { method: "PUT", endpoint: "/subscriber/emp-1", query, body });
  expect(auditLines(opened)).toMatchObject([{ status: 200 }, { status: 400 }, { status: 404 }, { status: 502 }]);
  const logged = JSON.stringify(opened.fixture.logs);
  expect(logged).not.toMatch(/Quahog|Tadfield|query-of-this|emp-1|078-?05-?1120|219-?09-?9999|71717/);
  expect(SECRETS.filter((secret) => logged.includes(secret))).toEqual([]);
});
