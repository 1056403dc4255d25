import { DEFAULT_API_USER } from "../../../simulators/plansource";
import { RemoteError } from "../../../src/http/errors";
import { useOpenApi, type OpenApi } from "./open-api";

const TOKEN_ROUTE = "POST /oauth/v2/token";
const ORGANIZATIONS = { method: "GET", route: "/organizations" } as const;

const { open } = useOpenApi();

const tokensOf = ({ sim }: OpenApi): number => sim.books.snapshot().tokensIssued;
const failureOf = (call: Promise<unknown>): Promise<RemoteError> =>
  call.then(
    () => {
      throw new Error("The call was served.");
    },
    (error: unknown) => {
      if (error instanceof RemoteError) return error;
      throw error;
    },
  );

describe("the token", () => {
  test("of many calls, of several users of the same credentials, is one", async () => {
    const fixture = await open();
    const [first, second] = [fixture.api(), fixture.api()];
    await Promise.all([first, second, first, second].map((api) => api.request(ORGANIZATIONS)));
    await first.requestUncounted({ method: "GET", route: "/subscriber/meta" });
    expect(tokensOf(fixture)).toBe(1);
  });

  test("stays when one of its users is closed, and goes when the cache is cleared", async () => {
    const fixture = await open();
    const first = fixture.api();
    await first.request(ORGANIZATIONS);
    first.close();
    await fixture.api().request(ORGANIZATIONS);
    expect(tokensOf(fixture)).toBe(1);
    fixture.shared.tokens.clear();
    await fixture.api().request(ORGANIZATIONS);
    expect(tokensOf(fixture)).toBe(2);
  });

  test.each(["full", "text-expiry", "bare"] as const)("of a %s answer serves four minutes", async (tokenAnswer) => {
    const fixture = await open({ switches: { tokenAnswer } });
    const api = fixture.api();
    await api.request(ORGANIZATIONS);
    fixture.clock.advance(239_999);
    await api.request(ORGANIZATIONS);
    expect(tokensOf(fixture)).toBe(1);
    fixture.clock.advance(1);
    await api.request(ORGANIZATIONS);
    expect(tokensOf(fixture)).toBe(2);
  });

  test("that lives longer than five minutes is not used longer", async () => {
    const fixture = await open({ tokenLifeMs: 3_600_000 });
    const api = fixture.api();
    await api.request(ORGANIZATIONS);
    fixture.clock.advance(240_000);
    await api.request(ORGANIZATIONS);
    expect(tokensOf(fixture)).toBe(2);
  });

  test("is a new one for every call if the settings want that", async () => {
    const fixture = await open({ settings: { token_per_call: true } });
    const api = fixture.api();
    await Promise.all([api.request(ORGANIZATIONS), api.request(ORGANIZATIONS)]);
    await api.request(ORGANIZATIONS);
    expect(tokensOf(fixture)).toBe(3);
    expect(new Set(fixture.calls.map(({ headers }) => headers.authorization)).size).toBe(4);
  });

  test("that is refused is replaced once, and the call is made again", async () => {
    const fixture = await open();
    const api = fixture.api();
    await api.request(ORGANIZATIONS);
    fixture.sim.expireTokens();
    expect((await api.request(ORGANIZATIONS)).status).toBe(200);
    expect(tokensOf(fixture)).toBe(2);
    expect(fixture.sim.books.snapshot().requests["GET /organizations"]).toEqual({ "200": 2, "401": 1 });
  });

  test("is not asked for again and again when new ones are refused as well", async () => {
    const fixture = await open();
    fixture.sim.on("applied", ({ route }) => {
      if (route === TOKEN_ROUTE) fixture.sim.expireTokens();
    });
    expect(await failureOf(fixture.api().request(ORGANIZATIONS))).toMatchObject({ status: 401, kind: "auth" });
    expect(tokensOf(fixture)).toBe(2);
  });

  test("costs nothing of the budget, and neither does meta data", async () => {
    const fixture = await open();
    const api = fixture.api();
    await api.requestUncounted({ method: "GET", route: "/subscriber/meta" });
    expect(fixture.taken).toEqual([]);
    await api.request(ORGANIZATIONS);
    expect(fixture.taken).toEqual(["delivery"]);
  });
});

describe("the assertion", () => {
  test("is for the host's name, signed with the secret, and names the user", async () => {
    const fixture = await open();
    await fixture.api().request(ORGANIZATIONS);
    const form = new URLSearchParams(String(fixture.calls[0]?.body));
    const [, payload = ""] = (form.get("client_assertion") ?? "").split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
    expect(claims).toMatchObject({
      iss: DEFAULT_API_USER.clientId,
      sub: DEFAULT_API_USER.clientId,
      aud: "127.0.0.1",
      scopes: "admin_api_v2",
      logged_in_user: DEFAULT_API_USER.loggedInUser,
    });
    expect(form.get("client_id")).toBe(DEFAULT_API_USER.clientId);
    expect(form.has("logged_in_user")).toBe(false);
    expect(fixture.calls[0]?.headers["content-type"]).toBe("application/x-www-form-urlencoded");
  });

  test.each(["HS256", "HS384", "HS512"] as const)("is signed with %s if the settings say so", async (algorithm) => {
    const fixture = await open({ switches: { algorithm }, settings: { assertion_algorithm: algorithm } });
    expect((await fixture.api().request(ORGANIZATIONS)).status).toBe(200);
  });

  test("leaves the user to the form if the settings say so", async () => {
    const fixture = await open({ switches: { loggedInUserIn: "form" }, settings: { logged_in_user_in: "form" } });
    expect((await fixture.api().request(ORGANIZATIONS)).status).toBe(200);
  });

  test.each([-3_600_000, 3_600_000])(
    "is made again by PlanSource's clock when ours is %i ms ahead",
    async (aheadMs) => {
      const fixture = await open();
      fixture.setAhead(aheadMs);
      const api = fixture.api();
      expect((await api.request(ORGANIZATIONS)).status).toBe(200);
      expect(fixture.sim.books.snapshot()).toMatchObject({ tokensIssued: 1, tokensRefused: 1 });
      // What was learnt about the clock is not learnt again.
      fixture.clock.advance(240_000);
      await api.request(ORGANIZATIONS);
      expect(fixture.sim.books.snapshot()).toMatchObject({ tokensIssued: 2, tokensRefused: 1 });
    },
  );
});

describe("credentials that are refused", () => {
  test.each([
    ["secret", { client_secret: "another-secret-0123" }, "signature verification failed"],
    ["client", { client_id: "nobody-here" }, "client_id is unknown"],
    ["user", { logged_in_user: "somebody" }, "logged_in_user is unknown"],
  ])("because of the %s are trouble with the log-in, in PlanSource's words", async (_name, settings, words) => {
    const fixture = await open({ settings });
    const error = await failureOf(fixture.api().request(ORGANIZATIONS));
    expect(error).toMatchObject({ kind: "auth", applied: "no", status: undefined });
    expect(JSON.stringify(error.body)).toContain(words);
    expect(fixture.routes()).not.toContain("GET /organizations");
  });

  test("an answer without a token is no token, and is not quoted", async () => {
    const fixture = await open();
    fixture.sim.faults.add({ kind: "wrong-shape", form: "html", route: TOKEN_ROUTE });
    const error = await failureOf(fixture.api().request(ORGANIZATIONS));
    expect(error).toMatchObject({ kind: "transient", applied: "no" });
    expect(error.message).toMatch(/did not answer with a token/);
  });

  test("a lost token is asked for again with the call that needs it", async () => {
    const fixture = await open();
    fixture.sim.faults.add({ kind: "status", status: 503, route: TOKEN_ROUTE, count: 1 });
    expect((await fixture.api().request(ORGANIZATIONS)).status).toBe(200);
  });
});

test("neither credentials nor tokens are in any log line or error", async () => {
  const fixture = await open();
  const api = fixture.api();
  await api.request(ORGANIZATIONS);
  const { clientId, clientSecret } = DEFAULT_API_USER;
  const tokens = fixture.calls.flatMap(({ headers }) => headers.authorization?.split(" ")[1] ?? []);
  // Whoever answers may repeat what was sent.
  const echo = (route: string, ...sent: readonly string[]) =>
    fixture.sim.faults.add({ kind: "status", status: 500, body: `Echo: ${sent.join(" ")}`, route });
  echo("GET /organizations", clientId, clientSecret, ...tokens);
  echo(TOKEN_ROUTE, clientId, clientSecret);
  const errors = [await failureOf(api.request(ORGANIZATIONS))];
  fixture.shared.tokens.clear();
  errors.push(await failureOf(fixture.api().request(ORGANIZATIONS)));
  const form = new URLSearchParams(String(fixture.calls[0]?.body));
  const seen = fixture.logged() + errors.map((error) => error.message + JSON.stringify(error)).join("\n");
  expect(seen.split("Echo: ")).toHaveLength(3);
  expect(fixture.logged()).toContain("/oauth/v2/token");
  for (const secret of [...tokens, clientId, clientSecret, form.get("client_assertion") ?? "none"]) {
    expect(seen).not.toContain(secret);
  }
});
