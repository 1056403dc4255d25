/** `CORS_ORIGINS`: whose pages may use the internal API, and that nothing else is opened. */
import { CONNECTOR } from "../fixture/fixture";
import { basic, send } from "./asking";
import { openUsersFixture, type UsersFixture } from "./users-api";

const ORIGIN = "https://app.example.com";

let fixture: UsersFixture;
beforeAll(async () => {
  fixture = await openUsersFixture({ environment: { CORS_ORIGINS: `${ORIGIN}, http://localhost:3000` } });
});
afterAll(() => fixture.close());

const opened = (headers: Headers) => [...headers.keys()].filter((name) => name.startsWith("access-control"));
const preflight = (origin: string, more: Readonly<Record<string, string>> = {}) => ({
  method: "OPTIONS",
  login: null,
  org: null,
  headers: {
    origin,
    "access-control-request-method": "PUT",
    "access-control-request-headers": "authorization,content-type",
    ...more,
  },
});

test("a page of a named origin may read, errors too", async () => {
  for (const [asking, status] of [
    [{}, 200],
    [{ login: null }, 401],
    [{ query: "cacheclear=x" }, 400],
    [{ path: "/5d00000000000000000000ff" }, 404],
  ] as const) {
    const { headers, ...answer } = await fixture.ask({ ...asking, headers: { origin: ORIGIN } });
    expect(answer.status).toBe(status);
    expect(headers.get("access-control-allow-origin")).toBe(ORIGIN);
    // What is refused may be asked for in another form.
    expect(headers.get("vary")).toBe(status === 200 ? "origin" : "origin, accept");
    expect(headers.get("access-control-allow-credentials")).toBeNull();
  }
});

test.each(["", "/5d0000000000000000000a01", "/anything/else"])(
  "it may ask first, without a log-in: …%s",
  async (path) => {
    const { status, headers, text } = await fixture.ask({ ...preflight("http://localhost:3000"), path });
    expect([status, text, headers.get("vary")]).toEqual([204, "", "origin"]);
    expect(Object.fromEntries(opened(headers).map((name) => [name, headers.get(name)]))).toEqual({
      "access-control-allow-origin": "http://localhost:3000",
      "access-control-allow-methods": "GET, HEAD, POST, PUT",
      "access-control-allow-headers": "authorization, content-type, idempotency-key, x-request-id",
      "access-control-max-age": "600",
    });
  },
);

test.each([
  "https://evil.example",
  "https://app.example.com.evil.example",
  "https://sub.app.example.com",
  "http://app.example.com",
  "https://app.example.com:8443",
  "https://APP.example.com",
  `${ORIGIN}/`,
  `${ORIGIN}, https://evil.example`,
  "null",
  "*",
  "",
])("a page of another origin may not: %j", async (origin) => {
  const asked = await fixture.ask(preflight(origin));
  expect([asked.status, opened(asked.headers)]).toEqual([405, []]);
  const answer = await fixture.ask({ headers: { origin } });
  expect([answer.status, opened(answer.headers), answer.headers.get("vary")]).toEqual([200, [], "origin"]);
});

test("OPTIONS that asks for no method is not possible", async () => {
  const answer = await fixture.ask({ method: "OPTIONS", headers: { origin: ORIGIN } });
  expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
});

test("runs are part of the internal API", async () => {
  const headers = { origin: ORIGIN, authorization: basic(CONNECTOR) };
  const answer = await send(fixture.baseUrl, `/api/internal/runs?org=${fixture.hull.host}`, { headers });
  expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([200, ORIGIN]);
});

test.each(["/health", "/ready", "/smart-notifier", "/fetch/users", "/batch", "/metrics", "/api/internalusers"])(
  "%s is not opened",
  async (path) => {
    for (const method of ["GET", "OPTIONS"]) {
      const asking = { origin: ORIGIN, "access-control-request-method": "GET" };
      const { headers } = await send(fixture.baseUrl, path, { method, headers: asking });
      expect([opened(headers), headers.get("vary")?.includes("origin") ?? false]).toEqual([[], false]);
    }
  },
);
