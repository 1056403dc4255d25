import type { ManualClock } from "../../simulators/loopback";
import { AUTHORIZATION_PATHS, type PlangradeSimulator } from "../../simulators/plangrade";
import {
  BACK,
  decide,
  exchange,
  openPlangrade,
  pairOf,
  refresh,
  send,
  statusWith,
  wish,
  type Form,
} from "./plangrade-calls";

let clock: ManualClock;
let sim: PlangradeSimulator;
beforeEach(async () => {
  ({ clock, sim } = await openPlangrade());
});
afterEach(() => sim.close());

const { authorize } = AUTHORIZATION_PATHS.documents;
const show = (changes = {}, path = authorize) =>
  send(sim, "GET", `${path}?${new URLSearchParams(wish(changes)).toString()}`);
const codeOf = async () => (await decide(sim)).get("code") ?? "";

describe("the authorize page", () => {
  it("asks who grants, and carries the wish of the application in a form", async () => {
    sim.records.seedUser({ name: "<b>", email: "b@example.com" });
    const { status, body, headers } = await show();
    expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(body).toContain(`<form method="post" action="${authorize}">`);
    expect(body).toContain('<input type="hidden" name="state" value="s&#38;1">');
    expect(body).toContain('<option value="1001">Olive Operator (olive@example.com)</option>');
    expect(body).toContain('<option value="1002">&#60;b&#62; (b@example.com)</option>');
  });

  it("sends back a code and the state once somebody accepts", async () => {
    const query = await decide(sim);
    expect([...query.keys()]).toEqual(["from", "code", "state"]);
    expect([query.get("from"), query.get("state")]).toEqual(["plangrade", "s&1"]);
    expect(sim.books.snapshot()).toMatchObject({ codesIssued: 1, requests: { [`POST ${authorize}`]: { 302: 1 } } });
  });

  it("sends back that it was denied", async () => {
    expect(Object.fromEntries(await decide(sim, { decision: "deny" }))).toEqual({
      from: "plangrade",
      error: "access_denied",
      state: "s&1",
    });
    expect(sim.books.snapshot().codesIssued).toBe(0);
  });

  it("sends back what it cannot give", async () => {
    const { status, headers } = await show({ response_type: "token" });
    expect(status).toBe(302);
    expect(new URL(headers.get("location") ?? "").searchParams.get("error")).toBe("unsupported_response_type");
  });

  it.each([
    ["an unknown application", { client_id: "x" }, 401],
    ["a place that is not registered", { redirect_uri: `${BACK}&more` }, 401],
    ["somebody unknown", { decision: "accept", user: "1" }, 400],
  ])("sends nobody anywhere for %s", async (_, changes, expected) => {
    const { status, headers } = await send(
      sim,
      "POST",
      authorize,
      wish({ decision: "accept", user: "1001", ...changes }),
    );
    expect([status, headers.get("location")]).toEqual([expected, null]);
  });

  it("knows the places of each application", async () => {
    sim.addApplication({ key: "other", secret: "s", redirectUris: ["http://127.0.0.1:9/other"] });
    expect((await show({ client_id: "other" })).status).toBe(401);
    expect((await show({ client_id: "other", redirect_uri: "http://127.0.0.1:9/other" })).status).toBe(200);
  });
});

describe("the addresses", () => {
  it.each([
    ["documents", [200, 404], [400, 404]],
    ["clients", [404, 200], [404, 400]],
    ["both", [200, 200], [400, 400]],
  ] as const)("are those of the %s", async (paths, pages, endpoints) => {
    sim.configure({ paths });
    const pairs = Object.values(AUTHORIZATION_PATHS);
    const shown = await Promise.all(pairs.map((pair) => show({}, pair.authorize)));
    const asked = await Promise.all(pairs.map(({ token }) => send(sim, "POST", token, {})));
    expect(shown.map(({ status }) => status)).toEqual(pages);
    expect(asked.map(({ status }) => status)).toEqual(endpoints);
  });

  it("of the clients serve the whole way", async () => {
    sim.configure({ paths: "clients" });
    const code = (await decide(sim, {}, "clients")).get("code") ?? "";
    expect(code).not.toBe("");
    expect((await exchange(sim, code)).status).toBe(404);
    expect((await send(sim, "DELETE", "/oauth/token")).status).toBe(405);
  });
});

describe("a code", () => {
  it("gives a pair, whose access token opens the API for the user who granted it", async () => {
    const answer = await exchange(sim, await codeOf());
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ expires_in: 7_200, token_type: "bearer" });
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await statusWith(sim, pairOf(answer).access_token)).toBe(200);
  });

  it("lives ten minutes", async () => {
    const [first, second] = [await codeOf(), await codeOf()];
    clock.advance(599_999);
    expect((await exchange(sim, first)).status).toBe(200);
    clock.advance(1);
    expect(await exchange(sim, second)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
  });

  it("serves once, and ends what it gave when it is used again", async () => {
    const code = await codeOf();
    const first = pairOf(await exchange(sim, code));
    const { access_token: later, refresh_token } = pairOf(await refresh(sim, first.refresh_token));
    expect(await statusWith(sim, later)).toBe(200);
    expect((await exchange(sim, code)).body).toMatchObject({ error: "invalid_grant" });
    expect(await statusWith(sim, later)).toBe(401);
    expect((await refresh(sim, refresh_token)).body).toMatchObject({ error: "invalid_grant" });
  });

  it("is bound to application and place", async () => {
    sim.addApplication({ key: "other", secret: "s", redirectUris: [BACK] });
    const code = await codeOf();
    const others: Form[] = [{ redirect_uri: "http://127.0.0.1:9/else" }, { client_id: "other", client_secret: "s" }];
    for (const changes of others) {
      expect((await exchange(sim, code, changes)).body).toMatchObject({ error: "invalid_grant" });
    }
    expect((await exchange(sim, code)).status).toBe(200);
  });

  it("ends when the user takes back what he granted", async () => {
    const code = await codeOf();
    sim.revokeGrants();
    expect((await exchange(sim, code)).body).toMatchObject({ error: "invalid_grant" });
  });
});
