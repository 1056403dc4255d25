import type { Answer } from "../http/loopback";
import { ask, type Heard } from "./ask";
import { useOpenApi, type OpenApi } from "./open-api";

const { open, openAt, seen } = useOpenApi();

const send = (fixture: OpenApi, body: unknown): Promise<Heard> => ask(fixture, "rawRequest", { body });
/** Requests but those for tokens, as they came. */
const arrived = () => seen().filter(({ url }) => url !== "/oauth/v2/token");
const ok: Answer = (_request, response) => response.end("{}");
const ANN = { subscriber_code: "E-1", first_name: "Ann", last_name: "Lee" };

describe("a raw request", () => {
  test("works as PlanSource's documentation shows it", async () => {
    const fixture = await open();
    const beneficiary = {
      subscriber_id: 1,
      coverage_id: 2,
      first_name: "Bo",
      last_name: "Lee",
      relationship: "Spouse",
    };
    fixture.sim.organization().beneficiaries.seed({ ...beneficiary, test: true });
    const answer = await send(fixture, { method: "GET", endpoint: "/beneficiaries", query: { include_test: "true" } });
    expect(answer).toMatchObject({ status: 200, headers: { "content-type": "application/json; charset=utf-8" } });
    expect(JSON.parse(String(answer.body))).toMatchObject({ status: "success", data: [{ first_name: "Bo" }] });
    expect(fixture.taken).toEqual(["interactive"]);
    expect(answer.touched).toEqual([]);
  });

  test.each([
    ["beneficiaries", "/admin/v2/beneficiaries"],
    ["/subscriber/E-1/terminate", "/admin/v2/subscriber/E-1/terminate"],
    ["/subscriber/a%20b@c.example", "/admin/v2/subscriber/a%20b%40c.example"],
    ["/subscriber/100.5", "/admin/v2/subscriber/100.5"],
    ["/administrators/7", "/admin/v2/administrators/7"],
  ])("reaches %s below the path of the API", async (endpoint, url) => {
    const fixture = await openAt(ok);
    expect(await send(fixture, { method: "PUT", endpoint, body: { a: [1] } })).toMatchObject({ status: 200 });
    expect(arrived()).toMatchObject([{ method: "PUT", url, body: '{"a":[1]}' }]);
  });

  test("repeats a key of the query for each text of its list, and encodes what is special", async () => {
    const fixture = await openAt(ok);
    await send(fixture, { method: "GET", endpoint: "/dependents", query: { "a&b": ["1", "x y+\r\n#"], c: "" } });
    expect(arrived()[0]?.url).toBe("/admin/v2/dependents?a%26b=1&a%26b=x%20y%2B%0D%0A%23&c=");
  });

  test.each([
    ["an object", { a: 1 }, '{"a":1}'],
    ["a list", [1, "ü"], '[1,"ü"]'],
    ["a text", 'say "x"', '"say \\"x\\""'],
    ["a number", 0, "0"],
    ["false", false, "false"],
    ["null", null, ""],
    ["nothing", undefined, ""],
  ])("sends %s as JSON", async (_name, body, sent) => {
    const fixture = await openAt(ok);
    await send(fixture, { method: "POST", endpoint: "/dependents", body });
    expect(arrived()[0]?.body).toBe(sent);
  });
});

describe("an endpoint that would lead elsewhere is refused before anything is sent:", () => {
  test.each([
    "",
    "/",
    "//evil.example",
    "//evil.example/beneficiaries",
    "///evil.example",
    "https://evil.example/x",
    "http:/evil.example",
    "HTTPS:evil.example",
    "javascript:alert(1)",
    "\\\\evil.example",
    "/\\evil.example",
    "/subscriber\\..\\..",
    "..",
    "/..",
    "../oauth/v2/token",
    "/subscriber/../../../oauth/v2/token",
    "/./beneficiaries",
    "/subscriber/.",
    "/subscriber/...",
    "/%2e%2e/%2e%2e/oauth",
    "/%2E./oauth",
    "/.%2e/oauth",
    "/%252e%252e/oauth",
    "/%25252e%25252e/oauth",
    "/%20../oauth",
    "/..;/oauth",
    "/..%3b/oauth",
    "/%2e%2e%2foauth",
    "/subscriber%2f1",
    "/subscriber%5c..%5c..",
    "/%c0%ae%c0%ae/oauth",
    "/%u002e%u002e/oauth",
    "/subscriber/%",
    "/subscriber/%00",
    "/subscriber/1\0",
    "/subscriber/1\r\nHost: evil.example",
    "/subscriber/%0d%0aHost:%20evil.example",
    "/subscriber/1\t",
    " /subscriber",
    "/subscriber/1 ",
    "/beneficiaries?include_test=true",
    "/beneficiaries%3finclude_test=true",
    "/beneficiaries#x",
    "/beneficiaries%23x",
    "/beneficiaries/",
    "/subscriber//1",
    "/\uff0e\uff0e/oauth",
    "/\u2025/oauth",
    "\u2215\u2215evil.example",
    "/%ef%bc%8e%ef%bc%8e/oauth",
    "/\u202eoauth",
    `/${"a".repeat(500)}`,
  ])("%j", async (endpoint) => {
    const fixture = await openAt(ok);
    const refusal = await send(fixture, { method: "GET", endpoint });
    expect(refusal).toMatchObject({ status: 400, code: "invalid_request", fields: ["endpoint"] });
    expect(seen()).toEqual([]);
  });
});

describe("what is refused as well", () => {
  test.each<readonly [string, unknown, string]>([
    ["other keys", { method: "GET", endpoint: "/x", headers: {} }, "(body)"],
    ["another host", { method: "GET", endpoint: "/x", baseUrl: "https://evil.example" }, "(body)"],
    ["a list", [], "(body)"],
    ["no body", undefined, "(body)"],
    ["another method", { method: "TRACE", endpoint: "/x" }, "method"],
    ["a method in small letters", { method: "get", endpoint: "/x" }, "method"],
    ["no endpoint", { method: "GET" }, "endpoint"],
    ["a query that is a text", { method: "GET", endpoint: "/x", query: "a=1" }, "query"],
    ["a number in the query", { method: "GET", endpoint: "/x", query: { page: 1 } }, "query"],
    ["an object in the query", { method: "GET", endpoint: "/x", query: { a: { b: "c" } } }, "query"],
    ["half a character", { method: "GET", endpoint: "/x", query: { a: "\ud800" } }, "query"],
  ])("%s", async (_name, body, field) => {
    const fixture = await openAt(ok);
    expect(await send(fixture, body)).toMatchObject({ status: 400, code: "invalid_request", fields: [field] });
    expect(seen()).toEqual([]);
  });
});

test("a DELETE must be confirmed with its endpoint, and nothing else must", async () => {
  const fixture = await open();
  const endpoint = "/coverage/2/beneficiaries";
  const query = { termination_date: "2026-01-31" };
  expect((await send(fixture, { method: "DELETE", endpoint, query })).confirm).toBe(endpoint);
  expect((await send(fixture, { method: "PUT", endpoint })).confirm).toBeUndefined();
});

describe("the answer", () => {
  test.each([200, 204, 400, 404, 409, 418, 422, 429, 500, 503])("%i keeps its status and its bytes", async (status) => {
    const bytes = status === 204 ? Buffer.alloc(0) : Buffer.from([0x7b, 0xff, 0x00, 0x80, 0x0a]);
    const fixture = await openAt((_request, response) => {
      response.writeHead(status, {
        "content-type": "application/json",
        "retry-after": "1",
        "x-request-id": "r-1",
        "set-cookie": "session=1",
        "x-powered-by": "Ruby",
        date: "Thu, 01 Jan 2026 00:00:00 GMT",
      });
      response.end(bytes);
    });
    const answer = await send(fixture, { method: "PATCH", endpoint: "/x" });
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual(bytes);
    expect(answer.headers).toEqual({ "content-type": "application/json", "retry-after": "1", "x-request-id": "r-1" });
  });

  test.each([301, 302, 303, 304, 307, 308])("%i is not followed, and is 502", async (status) => {
    const fixture = await openAt((_request, response) => response.writeHead(status, { location: "/evil" }).end());
    const answer = await send(fixture, { method: "GET", endpoint: "/x" });
    expect(answer).toMatchObject({ status: 502, code: "plansource_unavailable", touched: [] });
    expect(answer.message).toContain(`redirect (${status})`);
    expect(arrived()).toHaveLength(1);
  });

  test("to a write that is a redirect may have been carried out", async () => {
    const fixture = await openAt((_request, response) => response.writeHead(303, { location: "/x" }).end());
    const answer = await send(fixture, { method: "PUT", endpoint: "/subscriber/12" });
    expect(answer).toMatchObject({ status: 502, touched: [{ type: "subscribers", id: "12" }] });
  });

  test.each([401, 403])("%i becomes 502 with PlanSource's words", async (status) => {
    const fixture = await openAt((_request, response) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify({ status: "failure", errors: { message: "Organization out of scope" }, data: [] }));
    });
    const answer = await send(fixture, { method: "GET", endpoint: "/organizations" });
    expect(answer).toMatchObject({ status: 502, code: "plansource_token_refused" });
    expect(answer.message).toContain("Organization out of scope");
  });

  test("that credentials are refused for a token is 502 with PlanSource's words", async () => {
    const fixture = await open({ settings: { client_secret: "another-secret-0123" } });
    const answer = await send(fixture, { method: "GET", endpoint: "/organizations" });
    expect(answer).toMatchObject({ status: 502, code: "plansource_token_refused" });
    expect(answer.message).toContain("signature verification failed");
  });

  test("that never comes is 502, and a write is not sent again", async () => {
    const fixture = await open();
    fixture.sim.organization().seed(ANN);
    fixture.sim.faults.add({ kind: "reset-after", route: "PUT /subscriber/:id" });
    const query = { is_custom_id: "true" };
    const answer = await send(fixture, { method: "PUT", endpoint: "/subscriber/E-1", query, body: { city: "Rome" } });
    expect(answer).toMatchObject({ status: 502, code: "outcome_unknown" });
    expect(answer.touched).toEqual([{ type: "subscribers", key: { name: "subscriber_code", value: "E-1" } }]);
    expect(fixture.sim.books.snapshot().writes).toHaveLength(1);
  });
});

describe("the audit line", () => {
  test.each([
    ["/subscriber/E-1/terminate", "/subscriber/{id}/terminate"],
    ["subscriber/annlee", "/subscriber/{id}"],
    ["/subscriber/meta", "/subscriber/meta"],
    ["/coverage/12/beneficiaries", "/coverage/{id}/beneficiaries"],
    ["/administrators/annlee/7", "/administrators/{id}/{id}"],
    ["/E-1", "/{id}"],
  ])("has of %s the template alone", async (endpoint, path) => {
    const fixture = await openAt(ok);
    const { audited } = await send(fixture, { method: "POST", endpoint, query: { a: "secret" }, body: { ssn: "x" } });
    expect(audited).toEqual({ method: "POST", path });
  });

  test("is not the only place without ids: routes of calls have none either", async () => {
    const fixture = await openAt(ok);
    await send(fixture, { method: "GET", endpoint: "/madeup/annlee", query: { q: "secret-text" } });
    expect(fixture.logged()).toContain("/:id/:id2");
    expect(fixture.logged()).not.toMatch(/annlee|madeup|secret-text/);
  });
});

describe("what is remembered of a write", () => {
  const record = (more: object) => [{ type: "subscribers", ...more }];
  test.each<readonly [string, string, Readonly<Record<string, string | string[]>>, readonly object[]]>([
    ["PUT", "/subscriber/12", {}, record({ id: "12" })],
    ["PUT", "subscriber/12/terminate", { is_custom_id: "false" }, record({ id: "12" })],
    ["POST", "/subscriber/12/dependent", {}, record({ id: "12" })],
    ["PUT", "/subscriber/12", { is_custom_id: "true" }, record({ key: { name: "subscriber_code", value: "12" } })],
    ["PUT", "/subscriber/12", { is_custom_id: "1" }, record({})],
    ["PUT", "/subscriber/12", { is_custom_id: ["true", "false"] }, record({})],
    // Where PlanSource reads the number at the beginning, this is 12.
    ["PUT", "/subscriber/012x", {}, record({})],
    ["POST", "/subscriber", {}, record({})],
    ["PUT", "/subscribers", {}, record({})],
    ["DELETE", "/coverage/2/beneficiaries", {}, record({})],
    ["DELETE", "/subscriber/12", {}, record({ id: "12", gone: true })],
    ["DELETE", "/subscriber/12/x", {}, record({ id: "12" })],
    ["GET", "/subscriber/12", {}, []],
  ])("%s %s %j", async (method, endpoint, query, touched) => {
    const fixture = await openAt(ok);
    expect((await send(fixture, { method, endpoint, query })).touched).toEqual(touched);
  });

  test.each([
    [400, []],
    [500, record({ id: "12" })],
  ])("after %i: what may have been done", async (status, touched) => {
    const fixture = await openAt((_request, response) => response.writeHead(status).end());
    expect((await send(fixture, { method: "DELETE", endpoint: "/subscriber/12" })).touched).toEqual(touched);
  });
});

test("no value that is only ever written is in a log line or in what is said about a failure", async () => {
  const fixture = await openAt((request, response) => {
    response.writeHead(403, { "content-type": "application/json" });
    response.end(JSON.stringify({ status: "failure", errors: { message: `Bad: ${request.body}` } }));
  });
  const body = { ssn: "123-45-6789", nested: [{ current_salary: 81234 }] };
  const answer = await send(fixture, { method: "PUT", endpoint: "/subscriber/12", body });
  expect(answer.message).toContain("Bad: ");
  expect(fixture.logged() + String(answer.message)).not.toMatch(/6789|81234/);
});
