import { UnexpectedAnswer } from "../../src/http/errors";
import { createHttpClient, type HttpClientOptions } from "../../src/http/client";
import { encodeQuery } from "../../src/http/route";
import { createTokenSource } from "../../src/http/token-source";
import { createManualClock, type ManualClock } from "../../simulators/loopback";
import { DEFAULT_CREDENTIALS, type PlanningPmeSimulator } from "../../simulators/planningpme";
import { call, exchange, logIn, openPlanningPme } from "./planningpme-calls";

const { appKey, authToken } = DEFAULT_CREDENTIALS;
const TEMPLATES = "/acme/api/integration/templates";

let clock: ManualClock;
let sim: PlanningPmeSimulator;
beforeEach(async () => {
  clock = createManualClock();
  sim = await openPlanningPme({ clock });
});
afterEach(() => sim.close());

const statusWith = async (headers: Readonly<Record<string, string>>, path = TEMPLATES) =>
  (await call(sim, "GET", path, headers)).status;

describe("the token endpoint", () => {
  it("gives a token for the one that was issued to a user, and the token opens the API", async () => {
    const { status, body, headers } = await exchange(sim);
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: "bearer", expires_in: 3_600 });
    expect(headers.get("date")).toBe("Thu, 01 Jan 2026 00:00:00 GMT");
    expect(await statusWith(await logIn(sim))).toBe(200);
    expect(sim.books.snapshot()).toMatchObject({
      calls: 3,
      maximumCallsPerHour: 3,
      tokensIssued: 2,
      requests: { "PUT /token": { 200: 2 }, "GET /api/integration/templates": { 200: 1 } },
    });
  });

  it.each([
    [{ grant_type: "password" }, "unsupported_grant_type"],
    [{ assertion: "x" }, "invalid_grant"],
  ])("refuses %j", async (form, error) => {
    expect(await exchange(sim, form)).toMatchObject({ status: 400, body: error });
    sim.configure({ tokenRefusal: 401 });
    expect((await exchange(sim, form)).status).toBe(401);
    expect(sim.books.snapshot()).toMatchObject({ tokensIssued: 0, tokensRefused: 2 });
  });

  it("wants PUT and a form", async () => {
    expect((await exchange(sim, {}, "POST")).status).toBe(405);
    expect((await call(sim, "PUT", "/acme/token", { "x-appkey": appKey }, {})).status).toBe(400);
  });

  it.each([
    ["text-expiry", ["access_token", "token_type", "expires_in"], "3600"],
    ["bare", ["access_token"], undefined],
  ] as const)("may answer otherwise (%s)", async (tokenAnswer, names, expiry) => {
    sim.configure({ tokenAnswer });
    const body = (await exchange(sim)).body as Record<string, unknown>;
    expect(Object.keys(body)).toEqual(names);
    expect(body["expires_in"]).toBe(expiry);
  });

  it("counts towards the quota, or does not", async () => {
    sim.setQuota(1);
    expect((await exchange(sim)).status).toBe(200);
    expect((await exchange(sim)).status).toBe(429);
    sim.configure({ tokenQuota: "free" });
    expect((await exchange(sim)).status).toBe(200);
    expect(sim.books.snapshot().maximumCallsPerHour).toBe(2);
  });
});

describe("a call", () => {
  it("needs an app key, and the configuration needs nothing else", async () => {
    const { authorization } = await logIn(sim);
    expect(await call(sim, "GET", "/acme/api/config", { "x-appkey": appKey })).toMatchObject({
      status: 200,
      body: { brand: "acme", version: "4.1.1.116" },
    });
    expect(await statusWith({ authorization })).toBe(401);
    expect(await statusWith({ authorization, "x-appkey": "x" })).toBe(401);
    expect(await statusWith({ "x-appkey": appKey })).toBe(401);
    expect(await statusWith({ "x-appkey": appKey, authorization: "Bearer x" })).toBe(401);
  });

  it("has its brand in the address, in any case", async () => {
    const headers = await logIn(sim);
    expect(await statusWith(headers, "/ACME/api/integration/templates")).toBe(200);
    expect(await statusWith(headers, "/globex/api/integration/templates")).toBe(404);
    sim.addBrand({ brand: "Globex", appKey, authToken: "other" }, []);
    expect(await statusWith(headers, "/globex/api/integration/templates")).toBe(401);
    expect(sim.brand("GLOBEX").templates).toEqual([]);
    expect(() => sim.brand("x")).toThrow("There is no brand x.");
  });

  it.each(["/acme/api/x", "/acme", "/acme/api/integration/%E0%A4%A", "/"])("to %s leads nowhere", async (path) => {
    expect(await statusWith(await logIn(sim), path)).toBe(404);
  });

  it.each([
    ["exchanged", "Bearer", { lasting: [401, 401], exchanged: [200, 401] }],
    ["exchanged", "none", { lasting: [401, 401], exchanged: [401, 200] }],
    ["exchanged", "both", { lasting: [401, 401], exchanged: [200, 200] }],
    ["both", "Bearer", { lasting: [200, 401], exchanged: [200, 401] }],
    ["lasting", "none", { lasting: [401, 200], exchanged: [401, 401] }],
  ] as const)("takes %s tokens with scheme %s", async (tokens, scheme, expected) => {
    const { authorization } = await logIn(sim);
    sim.configure({ tokens, scheme });
    const both = async (token: string) => [
      await statusWith({ "x-appkey": appKey, authorization: `Bearer ${token}` }),
      await statusWith({ "x-appkey": appKey, authorization: token }),
    ];
    expect(await both(authToken)).toEqual(expected.lasting);
    expect(await both(authorization.replace("Bearer ", ""))).toEqual(expected.exchanged);
  });

  it("is all that there is where nothing is exchanged", async () => {
    sim.configure({ tokens: "lasting" });
    expect((await exchange(sim)).status).toBe(404);
  });
});

describe("a token", () => {
  it("ends after an hour, or before its time", async () => {
    const headers = await logIn(sim);
    clock.advance(3_599_999);
    expect(await statusWith(headers)).toBe(200);
    clock.advance(1);
    expect(await statusWith(headers)).toBe(401);
    const later = await logIn(sim);
    sim.expireTokens();
    expect(await statusWith(later)).toBe(401);
  });

  it("outlives a newer one, or does not", async () => {
    const first = await logIn(sim);
    const second = await logIn(sim);
    expect(await statusWith(first)).toBe(200);
    sim.configure({ formerTokens: "ended" });
    await exchange(sim);
    expect([await statusWith(first), await statusWith(second)]).toEqual([401, 401]);
  });

  it("ends with the user's own, and nothing outlives the app key", async () => {
    const headers = await logIn(sim);
    sim.revokeAuthToken();
    expect(await statusWith(headers)).toBe(401);
    expect((await exchange(sim)).body).toBe("invalid_grant");
    sim.addBrand({ ...DEFAULT_CREDENTIALS, authToken: "new" });
    expect((await exchange(sim, { assertion: "new" })).status).toBe(200);
    sim.revokeAppKey();
    expect((await exchange(sim, { assertion: "new" })).status).toBe(401);
  });
});

it("the token source of the HTTP client exchanges again after a 401, once for all", async () => {
  const open = (more: Partial<HttpClientOptions> = {}) =>
    createHttpClient({
      system: "planningpme",
      baseUrl: `${sim.url}/acme`,
      sleep: () => Promise.resolve(),
      ...more,
    });
  const tokens = open({ maxAttempts: 1 });
  const auth = createTokenSource({
    lifeMs: 3_600_000,
    now: () => clock.now(),
    async fetchToken() {
      const { body } = await tokens.request({
        method: "PUT",
        route: "/token",
        headers: { "x-appkey": appKey, "content-type": "application/x-www-form-urlencoded" },
        body: encodeQuery({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: authToken }),
      });
      const { access_token: value } = body as { access_token?: string };
      if (value === undefined) throw new UnexpectedAnswer("There is no token in the answer.");
      return { value };
    },
  });
  const api = open({ auth });
  const list = () =>
    api.request({ method: "GET", route: "/api/integration/templates", headers: { "x-appkey": appKey } });
  await list();
  sim.expireTokens();
  await Promise.all([list(), list()]);
  expect(sim.books.snapshot()).toMatchObject({
    tokensIssued: 2,
    requests: { "GET /api/integration/templates": { 200: 3 } },
  });
  tokens.close();
  api.close();
});
