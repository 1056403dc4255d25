import type { ManualClock } from "../../simulators/loopback";
import type { PlangradeSimulator } from "../../simulators/plangrade";
import {
  APPLICATION,
  askToken,
  callsOf,
  openPlangrade,
  pairOf,
  refresh,
  sendJson,
  statusWith,
} from "./plangrade-calls";

let clock: ManualClock;
let sim: PlangradeSimulator;
beforeEach(async () => {
  ({ clock, sim } = await openPlangrade());
});
afterEach(() => sim.close());

const deadGrant = { status: 400, body: { error: "invalid_grant" } };

describe("the token endpoint", () => {
  it.each([
    [{}, 400, "invalid_request"],
    [{ grant_type: "refresh_token" }, 400, "invalid_request"],
    [{ grant_type: "authorization_code", code: "x" }, 400, "invalid_request"],
    [{ grant_type: "password" }, 400, "unsupported_grant_type"],
    [{ grant_type: "refresh_token", refresh_token: "x" }, 400, "invalid_grant"],
    [{ grant_type: "refresh_token", refresh_token: "x", client_id: "x" }, 401, "invalid_client"],
    [{ grant_type: "refresh_token", refresh_token: "x", client_secret: "" }, 401, "invalid_client"],
  ])("refuses %j", async (form, status, error) => {
    expect(await askToken(sim, form)).toMatchObject({ status, body: { error } });
    expect(sim.books.snapshot()).toMatchObject({ tokensIssued: 0, tokensRefused: 1 });
  });

  it("wants a form", async () => {
    const form = { ...APPLICATION, grant_type: "refresh_token", refresh_token: sim.grant().refreshToken };
    expect((await sendJson(sim, "POST", "/oauth/v1/token", form, {})).body).toMatchObject({ error: "invalid_request" });
  });

  it("may refuse otherwise", async () => {
    sim.configure({ tokenErrors: "html", grantRefusal: 401 });
    const { status, body, headers } = await refresh(sim, "x");
    expect([status, headers.get("content-type")]).toEqual([401, "text/html; charset=utf-8"]);
    expect(body).toContain("grant is invalid");
  });

  it.each([
    ["full", ["access_token", "expires_in", "refresh_token", "token_type"], 7_200],
    ["text-expiry", ["access_token", "expires_in", "refresh_token", "token_type"], "7200"],
    ["bare", ["access_token", "refresh_token"], undefined],
  ] as const)("may answer otherwise (%s)", async (tokenAnswer, names, expiry) => {
    sim.configure({ tokenAnswer });
    const body = (await refresh(sim, sim.grant().refreshToken)).body as Record<string, unknown>;
    expect(Object.keys(body)).toEqual(names);
    expect(body["expires_in"]).toBe(expiry);
  });
});

describe("a refresh", () => {
  it("gives a new pair, and the old one is dead at once", async () => {
    const old = sim.grant();
    const fresh = pairOf(await refresh(sim, old.refreshToken));
    expect(await statusWith(sim, fresh.access_token)).toBe(200);
    expect(await statusWith(sim, old.accessToken)).toBe(401);
    expect(await refresh(sim, old.refreshToken)).toMatchObject(deadGrant);
    expect(await statusWith(sim, fresh.access_token)).toBe(200);
    expect((await refresh(sim, fresh.refresh_token)).status).toBe(200);
  });

  it("may leave the old access token its time", async () => {
    sim.configure({ formerAccess: "kept" });
    const old = sim.grant();
    await refresh(sim, old.refreshToken);
    expect(await statusWith(sim, old.accessToken)).toBe(200);
  });

  it("may leave the old refresh token good until the new access token is used", async () => {
    sim.configure({ formerRefresh: "until-use" });
    const old = sim.grant();
    await refresh(sim, old.refreshToken);
    expect(await statusWith(sim, old.accessToken)).toBe(200);
    const second = pairOf(await refresh(sim, old.refreshToken));
    expect(await statusWith(sim, second.access_token)).toBe(200);
    expect(await refresh(sim, old.refreshToken)).toMatchObject(deadGrant);
    expect(await statusWith(sim, old.accessToken)).toBe(401);
  });

  it("with a dead token may end everything that the person granted", async () => {
    sim.configure({ deadRefresh: "revokes" });
    const [old, foreign] = [sim.grant(), sim.grant()];
    const fresh = pairOf(await refresh(sim, old.refreshToken));
    await refresh(sim, old.refreshToken);
    expect(await statusWith(sim, fresh.access_token)).toBe(401);
    expect(await statusWith(sim, foreign.accessToken)).toBe(200);
  });

  it("is for the application alone that was granted it", async () => {
    sim.addApplication({ key: "other", secret: "s", redirectUris: [] });
    const { refreshToken } = sim.grant();
    expect(await refresh(sim, refreshToken, { client_id: "other", client_secret: "s" })).toMatchObject(deadGrant);
    expect((await refresh(sim, refreshToken)).status).toBe(200);
  });

  it("is counted for each token, answered or not", async () => {
    const { refreshToken } = sim.grant();
    const again = pairOf(await refresh(sim, refreshToken)).refresh_token;
    sim.faults.add({ kind: "reset-before", route: "POST /oauth/v1/token", count: 1 });
    await expect(refresh(sim, again)).rejects.toThrow();
    await refresh(sim, refreshToken);
    expect(sim.books.snapshot()).toMatchObject({
      refreshUses: { [refreshToken]: { presented: 2, granted: 1 }, [again]: { presented: 1, granted: 0 } },
      mostRefreshUses: 2,
      tokensIssued: 1,
      tokensRefused: 1,
    });
  });

  it("may be done although its answer is lost", async () => {
    const { refreshToken } = sim.grant();
    sim.faults.add({ kind: "reset-after", route: "POST /oauth/v1/token", count: 1 });
    await expect(refresh(sim, refreshToken)).rejects.toThrow();
    expect(await refresh(sim, refreshToken)).toMatchObject(deadGrant);
  });
});

describe("an access token", () => {
  const reasonFor = async (token: string) => {
    const { status, body, headers } = await callsOf(sim, token).call("GET", "/me");
    return [status, body, headers.get("content-type"), headers.get("www-authenticate")];
  };
  const refusal = (text: string) => [
    401,
    " ",
    "text/html; charset=utf-8",
    `Bearer realm="Doorkeeper", error="invalid_token", error_description="The access token ${text}"`,
  ];

  it("lasts two hours, or ends before its time", async () => {
    const { accessToken } = sim.grant();
    clock.advance(7_199_999);
    expect(await statusWith(sim, accessToken)).toBe(200);
    clock.advance(1);
    expect(await reasonFor(accessToken)).toEqual(refusal("expired"));
    const next = sim.grant();
    sim.expireTokens();
    expect(await reasonFor(next.accessToken)).toEqual(refusal("expired"));
    expect((await refresh(sim, next.refreshToken)).status).toBe(200);
  });

  it("is needed", async () => {
    expect(await reasonFor("x")).toEqual(refusal("is invalid"));
  });

  it("ends with the grant, the application and the user", async () => {
    const other = sim.records.seedUser({ name: "Bo", email: "bo@example.com" });
    const [mine, his] = [sim.grant(), sim.grant(other.id)];
    sim.revokeGrants();
    expect(await reasonFor(mine.accessToken)).toEqual(refusal("was revoked"));
    expect(await refresh(sim, mine.refreshToken)).toMatchObject(deadGrant);
    expect(await statusWith(sim, his.accessToken)).toBe(200);
    sim.records.remove("user", other.id);
    expect(await reasonFor(his.accessToken)).toEqual(refusal("was revoked"));
    expect(await refresh(sim, his.refreshToken)).toMatchObject(deadGrant);
    const last = sim.grant();
    sim.removeApplication();
    expect(await statusWith(sim, last.accessToken)).toBe(401);
    expect(await refresh(sim, last.refreshToken)).toMatchObject({ status: 401, body: { error: "invalid_client" } });
  });
});
