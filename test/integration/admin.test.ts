/** `/admin` on the network: who is let in, and what whoever runs the server sees and changes of all connectors. */
import { tenantKey } from "../../src/storage/port/lane";
import { account, CONNECTOR as FIRST, TOKEN, useFixtures, user, type Bag, type Fixture } from "../fixture/fixture";
import { describeApi } from "../../server/openapi/document";
import { createFakeService } from "../unit/engine/fake-service";
import { basic, send, type Answer, type Sent } from "./asking";
import { ADMIN_TOKEN, CONNECTOR, errorOf, openEdge, OTHER, type Edge } from "./edge";

const BEARER = { authorization: `Bearer ${ADMIN_TOKEN}` };
const PATHS = Object.keys(describeApi(createFakeService())["paths"] as object)
  .filter((path) => path.startsWith("/admin"))
  .map((path) => path.replace(/\{\w+\}/, "x"));

const open = useFixtures();
let edge: Edge;
beforeEach(async () => (edge = await openEdge()));
afterEach(async () => {
  expect(edge.logged()).not.toContain(ADMIN_TOKEN);
  await edge.close();
});

const ask = (method: string, path: string, { headers, ...sent }: Sent = {}): Promise<Answer> =>
  edge.call(`/admin${path}`, { method, headers: { ...BEARER, ...headers }, ...sent });

describe("who is let in", () => {
  test.each([
    ["a bearer token", `Bearer ${ADMIN_TOKEN}`],
    ["any user name with the token as password", basic({ id: "anybody", secret: ADMIN_TOKEN })],
    ["no user name and the token as password", basic({ id: "", secret: ADMIN_TOKEN })],
  ])("%s", async (_, authorization) => {
    for (const path of ["", "/tenants", "/dead-letters"]) {
      const { status, headers } = await ask("GET", path, { headers: { authorization } });
      expect([status, headers.get("cache-control")]).toEqual([200, "no-store"]);
    }
  });

  test.each([
    ["nothing", "", "missing_credentials"],
    ["an empty password", basic({ id: ADMIN_TOKEN, secret: "" }), "missing_credentials"],
    ["another scheme", `Token ${ADMIN_TOKEN}`, "missing_credentials"],
    ["a wrong token", "Bearer a-wrong-token-of-some-length", "wrong_credentials"],
    ["the beginning of the token", `Bearer ${ADMIN_TOKEN.slice(0, -1)}`, "wrong_credentials"],
    ["the credentials of a connector", basic(CONNECTOR), "wrong_credentials"],
  ])("nobody with %s", async (_, authorization, code) => {
    const id = await edge.refuse("a1");
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/tenants"],
      ["GET", "/unknown"],
      ["DELETE", `/dead-letters/${id}`],
    ] as const) {
      const answer = await ask(method, path, { headers: { authorization } });
      expect([answer.status, errorOf(answer).code]).toEqual([401, code]);
      expect(answer.headers.get("www-authenticate")).toMatch(/^Basic realm=/);
    }
    expect(await edge.store.deadLetter(id)).toBeDefined();
    expect(edge.logged()).not.toContain("connector.admin");
  });

  test.each([
    "/ADMIN",
    "/admin/",
    "/Admin/Tenants",
    "/admin/tenants/",
    "/%61dmin",
    "//admin",
    "/admin/../admin/tenants",
  ])("nobody by writing the path as %s", async (path) => {
    expect([401, 404]).toContain((await edge.call(path)).status);
  });

  test("people who are not let in see a page, programs JSON", async () => {
    const page = await edge.call("/admin", { headers: { accept: "text/html,*/*;q=0.8" } });
    expect([page.status, page.headers.get("content-type")]).toEqual([401, "text/html; charset=utf-8"]);
    expect(page.text).toContain("Log in with any user name and ADMIN_TOKEN as password");
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(errorOf(await edge.call("/admin", { headers: { accept: "*/*" } })).code).toBe("missing_credentials");
    expect(edge.logged()).toContain('"path":"/admin"');
  });

  test("guessing is stopped, and a log-in of another kind goes on", async () => {
    const guess = (number: number): Promise<Answer> =>
      ask("GET", "/tenants", { headers: { authorization: `Bearer guess-number-${number}` } });
    for (let number = 0; number < 20; number += 1) expect((await guess(number)).status).toBe(401);
    const turnedAway = await guess(20);
    expect([turnedAway.status, turnedAway.headers.get("retry-after")]).toEqual([429, "60"]);
    expect(errorOf(turnedAway).code).toBe("too_many_attempts");
    expect((await edge.ask("/api/internal/runs")).status).toBe(200);
  });
});

describe("pages of other sites", () => {
  const changes = async (headers: Readonly<Record<string, string>>): Promise<readonly [number, boolean]> => {
    const id = await edge.refuse("a1");
    const { status } = await ask("DELETE", `/dead-letters/${id}`, { headers });
    return [status, (await edge.store.deadLetter(id)) !== undefined];
  };

  test("may not change anything with a log-in that the browser remembers", async () => {
    expect(await changes({ "sec-fetch-site": "cross-site" })).toEqual([403, true]);
    expect(await changes({ "sec-fetch-site": "same-site" })).toEqual([403, true]);
    expect(await changes({ origin: "https://elsewhere.example" })).toEqual([403, true]);
    expect(await changes({ "sec-fetch-site": "same-origin" })).toEqual([200, false]);
  });

  test("see no answer, not even from the origins that may use the internal API", async () => {
    const origin = "https://app.example.com";
    const fixture = await open({ environment: { ADMIN_TOKEN, CORS_ORIGINS: origin } });
    const opened = ({ headers }: Answer) => [...headers.keys()].filter((name) => name.startsWith("access-control"));
    const read = await send(fixture.baseUrl, "/admin/tenants", { headers: { ...BEARER, origin } });
    expect([read.status, opened(read)]).toEqual([200, []]);
    const preflight = { origin, "access-control-request-method": "DELETE" };
    const asked = await send(fixture.baseUrl, "/admin/tenants", { method: "OPTIONS", headers: preflight });
    expect([asked.status, opened(asked)]).toEqual([403, []]);
    const drop = await send(fixture.baseUrl, "/admin/dead-letters/x", {
      method: "DELETE",
      headers: { ...BEARER, origin },
    });
    expect(errorOf(drop).code).toBe("other_site");
  });
});

test("without ADMIN_TOKEN its paths are unknown paths", async () => {
  const fixture = await open();
  const unknown = await send(fixture.baseUrl, "/unknown", { headers: BEARER });
  expect(PATHS.length).toBeGreaterThan(5);
  for (const path of PATHS) {
    for (const method of ["GET", "POST", "DELETE"]) {
      const { status, body, headers } = await send(fixture.baseUrl, path, { method, headers: BEARER });
      const message = `There is no ${method} ${path}.`;
      expect([status, body]).toEqual([404, { ...unknown.body, error: { code: "not_found", message } }]);
      expect(headers.get("www-authenticate")).toBeNull();
    }
  }
});

describe("dead letters", () => {
  interface Shown {
    readonly id: string;
    readonly tenant: string;
  }
  const list = async (query = ""): Promise<readonly Shown[]> =>
    (await ask("GET", `/dead-letters${query}`)).body["dead_letters"] as readonly Shown[];

  test("of all connectors are listed, and chosen by tenant, type and code", async () => {
    const [mine, dead, other] = [
      await edge.refuse("a1"),
      await edge.refuse("a2", { code: "parent_dead", type: "endusers" }),
      await edge.refuse("b1", { owner: OTHER }),
    ];
    const ids = async (query: string): Promise<readonly string[]> => (await list(query)).map(({ id }) => id).sort();
    expect(await ids("")).toEqual([mine, dead, other].sort());
    const [of, ofOther] = [CONNECTOR, OTHER].map(({ id }) => tenantKey("planhat", edge.organization, id)) as [
      string,
      string,
    ];
    expect(await ids(`?tenant=${ofOther}`)).toEqual([other]);
    expect(await ids(`?tenant=${of}&type=endusers`)).toEqual([dead]);
    expect(await ids("?code=refused")).toEqual([mine, other].sort());
    expect((await list(`?tenant=${of}&code=refused`))[0]).toMatchObject({ id: mine, tenant: of, outcome: "rejected" });
  });

  test("go on where a page ended", async () => {
    for (const hullId of ["a1", "a2", "a3"]) await edge.refuse(hullId);
    const found: string[] = [];
    let after = "";
    for (let pages = 0; pages < 5; pages += 1) {
      const { body } = await ask("GET", `/dead-letters?limit=1${after}`);
      found.push(...(body["dead_letters"] as readonly Shown[]).map(({ id }) => id));
      if (body["next"] === null) break;
      after = `&after=${body["next"] as string}`;
    }
    expect(new Set(found).size).toBe(3);
  });

  test("are shown, sent again and dropped one by one, whosever they are", async () => {
    const [mine, other] = [await edge.refuse("a1"), await edge.refuse("b1", { owner: OTHER })];
    const { body } = await ask("GET", `/dead-letters/${other}`);
    const lane = edge.laneOf(OTHER);
    expect(body).toMatchObject({
      id: other,
      tenant: lane.tenant,
      remote: lane.remote,
      remedy: expect.any(String) as string,
    });
    expect((await ask("POST", `/dead-letters/${other}/replay`)).body).toEqual({
      queued: 1,
      underway: 0,
      superseded: 0,
    });
    expect(edge.woken).toEqual([lane]);
    expect((await ask("DELETE", `/dead-letters/${mine}`)).body).toMatchObject({ id: mine });
    for (const [method, path] of [
      ["GET", `/dead-letters/${mine}`],
      ["DELETE", `/dead-letters/${mine}`],
      ["POST", `/dead-letters/${mine}/replay`],
      ["GET", "/dead-letters/%20"],
    ] as const) {
      const answer = await ask(method, path);
      expect([answer.status, errorOf(answer).code]).toEqual([404, "dead_letter_not_found"]);
      expect(errorOf(answer).message).toMatch(/^There is no such dead letter/);
    }
  });

  test("are sent again all at once, those of one connector if it is named", async () => {
    for (const owner of [CONNECTOR, OTHER]) for (const hullId of ["x1", "x2"]) await edge.refuse(hullId, { owner });
    const { tenant } = edge.laneOf(OTHER);
    const replay = async (query: string): Promise<unknown> => (await ask("POST", `/dead-letters/replay${query}`)).body;
    expect(await replay(`?tenant=${tenant}`)).toEqual({ queued: 2, underway: 0, superseded: 0, next: null });
    expect(new Set(edge.woken.map((lane) => lane.tenant))).toEqual(new Set([tenant]));
    expect(await replay("")).toEqual({ queued: 2, underway: 2, superseded: 0, next: null });
  });

  test.each([
    ["limit=0", "limit must be a whole number from 1 to 200"],
    ["limit=5&limit=6", "limit is given more than once"],
    ["after=nowhere", "after is not next of an answer"],
    ["type=", "type is missing"],
    ["tenant=", "tenant is missing"],
    ["tenant=a&tenant=b", "tenant is given more than once"],
    ["tenant=with%20a%20blank", "tenant is not the name of a tenant"],
    [`tenant=${"x".repeat(501)}`, "tenant is too long"],
  ])("a query with %s is refused by name", async (query, problem) => {
    const answer = await ask("GET", `/dead-letters?${query}`);
    const { code, message, details } = errorOf(answer);
    expect([answer.status, code]).toEqual([400, "invalid_query"]);
    expect(message).toContain(problem);
    expect(details).toEqual([
      {
        path: problem.split(" ")[0],
        message: expect.any(String) as string,
        remedy: expect.stringMatching(/leave it out/) as string,
      },
    ]);
  });
});

test("other methods are named", async () => {
  for (const [path, allowed] of [
    ["", "GET, HEAD"],
    ["/tenants", "GET, HEAD"],
    ["/tenants/x", "DELETE"],
    ["/dead-letters", "GET, HEAD"],
    ["/dead-letters/x", "GET, HEAD, DELETE"],
    ["/dead-letters/replay", "POST"],
    ["/dead-letters/x/replay", "POST"],
  ] as const) {
    const { status, headers } = await ask("PATCH", path);
    expect([path, status, headers.get("allow")]).toEqual([path, 405, allowed]);
  }
});

describe("the log", () => {
  const lines = (): readonly unknown[] =>
    edge
      .logged()
      .split("\n")
      .filter((line) => line.includes('"connector.admin"'))
      .map((line) => (JSON.parse(line) as { readonly data: unknown }).data);

  test("has a line for each change, without ids, and none for what only reads or was refused", async () => {
    const id = await edge.refuse("a1");
    await ask("GET", "/dead-letters");
    await ask("GET", `/dead-letters/${id}`);
    await ask("DELETE", "/dead-letters/unknown");
    await ask("DELETE", `/dead-letters/${id}`, { headers: { "sec-fetch-site": "cross-site" } });
    expect(lines()).toEqual([]);
    await ask("POST", `/dead-letters/${id}/replay`);
    await ask("POST", "/dead-letters/replay?code=refused");
    await ask("DELETE", `/dead-letters/${id}`);
    expect(lines()).toEqual([
      { method: "POST", path: "/admin/dead-letters/:id/replay", status: 200 },
      { method: "POST", path: "/admin/dead-letters/replay", status: 200 },
      { method: "DELETE", path: "/admin/dead-letters/:id", status: 200 },
    ]);
  });
});

describe("connectors", () => {
  const listed = async (fixture: Fixture) =>
    (await send(fixture.baseUrl, "/admin/tenants", { headers: BEARER })).body["tenants"] as readonly Bag[];

  test("are listed with state, backlog and pauses, without secrets, and no service is asked", async () => {
    const fixture = await open({ environment: { ADMIN_TOKEN } });
    fixture.planhat.faults.add({ kind: "status", status: 401 });
    await fixture.tellUser(user(1), account(1));
    await fixture.until(async () => (await fixture.connector.store.pauses(fixture.lane)).length > 0);
    const calls = fixture.calls.length;
    const answer = await send(fixture.baseUrl, "/admin/tenants", { headers: BEARER });
    expect(await listed(fixture)).toMatchObject([
      {
        tenant: fixture.tenantKey,
        service: "Planhat",
        organization: fixture.hull.host,
        connector: FIRST.id,
        status: "error",
        outbox: 2,
        hull_updates: 0,
        dead_letters: 0,
        more_dead_letters: false,
        pauses: [{ scope: "*", kind: "auth" }],
      },
    ]);
    const page = await send(fixture.baseUrl, "/admin", { headers: BEARER });
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(page.text).not.toMatch(/<script|<style|style="|\son\w+=/);
    expect(page.text).toContain(`href="/console?org=${encodeURIComponent(fixture.hull.host)}"`);
    expect(page.text).toMatch(/Delivery is paused since .* until /);
    for (const secret of [TOKEN, FIRST.secret, ADMIN_TOKEN]) expect(answer.text + page.text).not.toContain(secret);
    expect(fixture.calls).toHaveLength(calls);
  });

  test("that were never set up say so", async () => {
    const fixture = await open({ environment: { ADMIN_TOKEN }, settings: { personal_acccess_token: "" } });
    await fixture.tellUser(user(1), account(1));
    expect(await listed(fixture)).toMatchObject([{ status: "setupRequired", remote: null, outbox: 0 }]);
    expect((await send(fixture.baseUrl, "/admin", { headers: BEARER })).text).toContain("Setup required");
  });

  test("whose settings another SECRET encrypted are shown as in trouble, beside the others", async () => {
    const fixture = await open({ environment: { ADMIN_TOKEN } });
    await fixture.deliverUser(user(1), account(1));
    await fixture.connector.store.saveTenant({
      key: "planhat/acme.hullapp.io/1",
      organization: "acme.hullapp.io",
      connectorId: "1",
      sealed: "not with this key",
      settingsAtMs: 0,
    });
    expect(await listed(fixture)).toMatchObject([
      { tenant: "planhat/acme.hullapp.io/1", status: "error", messages: [expect.stringContaining("SECRET") as string] },
      { tenant: fixture.tenantKey, status: "ok" },
    ]);
  });

  test("are erased by name, once", async () => {
    const fixture = await open({ environment: { ADMIN_TOKEN } });
    await fixture.deliverUser(user(1), account(1));
    const erase = (name: string): Promise<Answer> =>
      send(fixture.baseUrl, `/admin/tenants/${encodeURIComponent(name)}`, { method: "DELETE", headers: BEARER });
    const { status, body } = await erase(fixture.tenantKey);
    expect([status, body]).toEqual([200, { tenant: fixture.tenantKey, rows: expect.any(Number) as number }]);
    expect(await fixture.connector.store.tenants()).toEqual([]);
    for (const name of [fixture.tenantKey, "nobody", "with a blank", "x".repeat(600)]) {
      expect(errorOf(await erase(name)).code).toBe("tenant_not_found");
    }
    expect(await listed(fixture)).toEqual([]);
    const line = fixture.logs.find(({ message }) => message === "connector.admin");
    expect(line?.data).toEqual({ method: "DELETE", path: "/admin/tenants/:tenant", status: 200 });
  });
});
