import { UnexpectedAnswer } from "../../src/http/errors";
import type { HttpClient } from "../../src/http/client";
import { signClientAssertion, signJwt, type ClientAssertion } from "../../src/http/jwt";
import { encodeQuery } from "../../src/http/route";
import { createTokenSource, type TokenSourceOptions } from "../../src/http/token-source";
import { createManualClock, type ManualClock } from "../../simulators/loopback";
import { createPlanSourceSimulator, DEFAULT_API_USER, type PlanSourceSimulator } from "../../simulators/plansource";
import { askToken, bearerOf, call, clientOf, goodAssertion, tokenForm } from "./plansource-calls";

let clock: ManualClock;
let sim: PlanSourceSimulator;
beforeEach(async () => {
  clock = createManualClock();
  sim = createPlanSourceSimulator({ clock });
  await sim.listen();
});
afterEach(() => sim.close());

const signed = (changes: Partial<ClientAssertion> = {}) => signClientAssertion({ ...goodAssertion, ...changes });
const refusal = (text: string, error = "invalid_request") => ({ error, error_description: text });
const exp = goodAssertion.nowMs / 1_000 + 60;
const claims = { ...goodAssertion.claims, iss: "x", sub: DEFAULT_API_USER.clientId, aud: "127.0.0.1", exp, jti: "1" };
const handMade = (changes: object) => signJwt("HS256", { ...claims, ...changes }, DEFAULT_API_USER.clientSecret);

describe("the token endpoint", () => {
  it("gives a token for a signed assertion, and the token opens the API", async () => {
    const { status, body, headers } = await askToken(sim);
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: "Bearer", expires_in: 300 });
    expect(headers.get("date")).toBe("Thu, 01 Jan 2026 00:00:00 GMT");
    const { access_token: token } = body as { access_token: string };
    expect((await call(sim, `Bearer ${token}`, "GET", "/organizations")).body).toMatchObject({
      status: "success",
      errors: [],
      data: [{ name: DEFAULT_API_USER.clientId }],
    });
    expect(sim.books.snapshot()).toMatchObject({ calls: 2, maximumCallsPerMinute: 1, tokensIssued: 1 });
  });

  it.each([
    ["another grant", { grant_type: "password" }, refusal("grant_type is wrong", "unsupported_grant_type")],
    ["another kind of assertion", { client_assertion_type: "x" }, refusal("client_assertion_type is wrong")],
    ["no code", { code: "" }, refusal("code is missing")],
    ["an unknown client", { client_id: "nobody" }, refusal("client_id is unknown", "invalid_client")],
    ["no assertion", { client_assertion: "" }, refusal("client_assertion is not a token")],
    [
      "another algorithm",
      { client_assertion: signed({ algorithm: "HS512" }) },
      refusal("token is signed with another algorithm"),
    ],
    ["another secret", { client_assertion: signed({ clientSecret: "x" }) }, refusal("signature verification failed")],
    ["another host", { client_assertion: signed({ audience: "api.plansource.com" }) }, refusal("aud is not 127.0.0.1")],
    [
      "an assertion of two minutes ago",
      { client_assertion: signed({ nowMs: goodAssertion.nowMs - 120_000 }) },
      refusal("token has expired"),
    ],
    [
      "an assertion from the future",
      { client_assertion: signed({ nowMs: goodAssertion.nowMs + 3_600_000 }) },
      refusal("exp is too far in the future"),
    ],
    ["a time of issue to come", { client_assertion: handMade({ iat: exp }) }, refusal("token is not valid yet")],
    ["no issuer", { client_assertion: handMade({ iss: undefined }) }, refusal("iss is missing")],
    ["another subject", { client_assertion: handMade({ sub: "x" }) }, refusal("sub is not the client_id")],
    ["no end", { client_assertion: handMade({ exp: undefined }) }, refusal("exp is missing")],
    ["no id", { client_assertion: handMade({ jti: undefined }) }, refusal("jti is missing")],
    ["no scope", { client_assertion: handMade({ scopes: "x" }) }, refusal("scopes is not admin_api_v2")],
    ["nobody logged in", { client_assertion: handMade({ logged_in_user: "x" }) }, refusal("logged_in_user is unknown")],
  ])("refuses %s", async (_name, form, body) => {
    expect(await askToken(sim, { ...tokenForm(), ...form })).toMatchObject({
      status: body.error === "invalid_client" ? 401 : 400,
      body,
    });
    expect(sim.books.snapshot()).toMatchObject({ tokensIssued: 0, tokensRefused: 1 });
  });

  it("takes an assertion once", async () => {
    const form = tokenForm();
    expect((await askToken(sim, form)).status).toBe(200);
    expect((await askToken(sim, form)).body).toEqual(refusal("jti was used before"));
  });

  it("takes what the switches say instead", async () => {
    sim.configure({ algorithm: "HS384", loggedInUserIn: "form", tokenAnswer: "bare" });
    const assertion = signed({ algorithm: "HS384", claims: { scopes: "admin_api_v2" } });
    const { body } = await askToken(sim, tokenForm(assertion, { logged_in_user: DEFAULT_API_USER.loggedInUser }));
    expect(Object.keys(body as object)).toEqual(["access_token"]);
    sim.configure({ algorithm: "HS256", loggedInUserIn: "claim", tokenAnswer: "text-expiry" });
    expect((await askToken(sim)).body).toMatchObject({ expires_in: "300" });
  });

  it("may allow for clocks that differ", async () => {
    await sim.close();
    sim = createPlanSourceSimulator({ clock, leewayMs: 60_000 });
    await sim.listen();
    const late = signed({ nowMs: goodAssertion.nowMs - 150_000 });
    expect((await askToken(sim, tokenForm(late))).status).toBe(200);
  });
});

describe("a token", () => {
  it("lives for five minutes", async () => {
    const bearer = await bearerOf(sim);
    clock.advance(299_999);
    expect((await call(sim, bearer, "GET", "/subscribers")).status).toBe(200);
    clock.advance(1);
    expect(await call(sim, bearer, "GET", "/subscribers")).toMatchObject({
      status: 401,
      body: { status: "failure", errors: { message: "Signature has expired", error_code: "invalid_token" } },
    });
  });

  it("is needed for everything", async () => {
    expect(await call(sim, "", "GET", "/subscribers")).toMatchObject({
      status: 403,
      body: { errors: { message: "Forbidden" } },
    });
    expect((await call(sim, "Bearer x", "GET", "/subscribers")).status).toBe(401);
  });

  it("opens one client, and ends with its API user", async () => {
    const other = { clientId: "globex", clientSecret: "s", loggedInUser: "g" };
    sim.addApiUser(other).seed({ first_name: "Homer" });
    sim.organization().seed({ first_name: "Ada" });
    const bearer = await bearerOf(sim);
    expect((await call(sim, bearer, "GET", "/subscribers")).body).toMatchObject({ data: [{ first_name: "Ada" }] });
    expect(sim.snapshot("globex")).toMatchObject([{ id: 2_000_001, fields: { first_name: "Homer" } }]);
    sim.revokeApiUser();
    expect((await call(sim, bearer, "GET", "/subscribers")).status).toBe(401);
  });
});

describe("the token source of the HTTP client", () => {
  let tokens: HttpClient;
  let api: HttpClient;
  afterEach(() => [tokens, api].forEach((client) => client.close()));

  /** As a service would do it, by our own clock. */
  function connect(options: Partial<TokenSourceOptions> = {}, now = (): number => clock.now()): void {
    tokens = clientOf(sim, { maxAttempts: 1 });
    const auth = createTokenSource({
      lifeMs: 300_000,
      now,
      async fetchToken(nowMs) {
        const { body } = await tokens.request({
          method: "POST",
          route: "/oauth/v2/token",
          headers: { "content-type": "application/x-www-form-urlencoded" },
          body: encodeQuery(tokenForm(signed({ nowMs }))),
        });
        const { access_token: value } = body as { access_token?: string };
        if (value === undefined) throw new UnexpectedAnswer("There is no token in the answer.");
        return { value };
      },
      ...options,
    });
    api = clientOf(sim, { auth });
  }
  const create = () =>
    api.request({ method: "POST", route: "/admin/v2/subscriber", body: { first_name: "A", last_name: "B" } });
  const issued = (): number => sim.books.snapshot().tokensIssued;

  it("needs one token in four minutes, or one for each call", async () => {
    connect();
    await Promise.all([create(), create(), create()]);
    clock.advance(239_000);
    await create();
    expect(issued()).toBe(1);
    clock.advance(1_000);
    await create();
    expect(issued()).toBe(2);
    [tokens, api].forEach((client) => client.close());
    connect({ perCall: true });
    await Promise.all([create(), create()]);
    expect(issued()).toBe(4);
  });

  it("renews a token that ended before its time, once for all, and no create is lost or doubled", async () => {
    connect();
    await create();
    sim.expireTokens();
    await Promise.all([create(), create()]);
    expect(issued()).toBe(2);
    expect(sim.snapshot()).toHaveLength(3);
  });

  it("asks again, with a new assertion, after its answer was lost", async () => {
    connect();
    sim.faults.add({ kind: "reset-after", route: "POST /oauth/v2/token", count: 1 });
    await create();
    expect(sim.books.snapshot()).toMatchObject({ tokensIssued: 2, tokensRefused: 0 });
    expect(sim.snapshot()).toHaveLength(1);
  });

  it.each([-86_400_000, 86_400_000])("is content with a clock that is wrong by %i ms", async (off) => {
    connect({}, () => clock.now() + off);
    await create();
    await create();
    expect(sim.books.snapshot()).toMatchObject({ tokensIssued: 1, tokensRefused: 1 });
  });

  it("says that credentials were refused, and sends nothing without", async () => {
    sim.revokeApiUser();
    connect();
    await expect(create()).rejects.toMatchObject({ kind: "auth", applied: "no" });
    expect(sim.books.snapshot().requests["POST /subscriber"]).toBeUndefined();
  });
});
