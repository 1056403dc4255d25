/** `/api/internal/dead-letters`: what a connector sees of its own dead letters, what it may do, and nothing of others'. */
import { deadLetterId } from "../../src/storage/port/dead-letters";
import { account, minute, TOKEN, useFixtures, user, type Fixture } from "../fixture/fixture";
import { finish, update } from "../unit/storage/builders";
import { basic, send, type Answer } from "./asking";
import { CONNECTOR, errorOf, NOBODY, openEdge, OTHER, REMOTE_PARTS, type Edge, type LoggedIn } from "./edge";

const BASE = "/api/internal/dead-letters";

interface Shown {
  readonly id: string;
  readonly hull_id: string;
}

let edge: Edge;
beforeEach(async () => {
  edge = await openEdge();
});
afterEach(async () => {
  expect(edge.logged()).not.toContain(CONNECTOR.secret);
  await edge.close();
});

const ask = (method: string, path = "", asking: LoggedIn = {}): Promise<Answer> =>
  edge.ask(`${BASE}${path}`, { method, ...asking });

/** Keeps letters of so many records. */
async function refuseMany(count: number): Promise<void> {
  const lane = edge.laneOf(CONNECTOR);
  const hullIds = Array.from({ length: count }, (_, n) => `a${String(n).padStart(4, "0")}`);
  await edge.store.accept(hullIds.map((hullId) => update({ hullId, id: `c-${hullId}`, lane })));
  const views = await edge.store.view(lane, "companies", hullIds);
  const finished = views.flatMap(({ entry }) => (entry === undefined ? [] : [finish(entry, "rejected", "refused")]));
  await edge.store.settle(lane, finished);
}

const page = async (query: Readonly<Record<string, string>> = {}, owner = CONNECTOR) => {
  const { status, body } = await ask("GET", "", { query, login: owner });
  expect(status).toBe(200);
  const { dead_letters: letters, next } = body as { dead_letters: readonly Shown[]; next: string | null };
  return { ids: letters.map(({ hull_id: id }) => id), next };
};

describe("the list", () => {
  test("shows the connector's own letters in the API's words, and not where Planhat is", async () => {
    const id = await edge.refuse("a1");
    await edge.refuse("b1", { owner: OTHER });
    const answer = await ask("GET");
    expect(answer.body).toEqual({
      dead_letters: [
        {
          id,
          type: "companies",
          hull_id: "a1",
          name: "a1",
          outcome: "rejected",
          code: "refused",
          text: "refused.",
          refused_at: "1970-01-01T00:00:00.000Z",
        },
      ],
      next: null,
    });
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.text).not.toMatch(REMOTE_PARTS);
    expect(answer.text).not.toContain('"b1"');
  });

  test("comes page by page, whatever is dropped meanwhile and whoever else has letters", async () => {
    for (const hullId of ["a1", "a2", "a3", "a4"]) await edge.refuse(hullId);
    for (const hullId of ["b1", "b2"]) await edge.refuse(hullId, { owner: OTHER });
    const first = await page({ limit: "2" });
    expect(first.ids).toEqual(["a1", "a2"]);
    await ask("DELETE", `/${deadLetterId({ ...edge.laneOf(CONNECTOR), type: "companies", hullId: "a2" })}`);
    const second = await page({ limit: "2", after: String(first.next) });
    expect(second.ids).toEqual(["a3", "a4"]);
    expect(Buffer.from(String(first.next), "base64url").toString()).not.toMatch(REMOTE_PARTS);
    expect((await page({ limit: "2", after: String(second.next) })).ids).toEqual([]);
    // Another connector's place leads nowhere.
    expect(await page({ after: String(first.next) }, OTHER)).toEqual({ ids: [], next: null });
  });

  test("is narrowed by type and code, and never by tenant", async () => {
    await edge.refuse("a1");
    await edge.refuse("a2", { code: "identity_alarm" });
    await edge.refuse("u1", { type: "endusers" });
    await edge.refuse("b1", { owner: OTHER });
    expect((await page({ code: "identity_alarm" })).ids).toEqual(["a2"]);
    expect((await page({ type: "endusers" })).ids).toEqual(["u1"]);
    expect((await page({ run: "none" })).ids).toEqual([]);
    expect((await page({ q: "A" })).ids).toEqual(["a1", "a2"]);
    expect((await page({ q: "b1" })).ids).toEqual([]);
    expect((await page({ tenant: edge.laneOf(OTHER).tenant })).ids).toEqual(["a1", "a2", "u1"]);
  });

  test("goes on behind more letters than one look takes", async () => {
    await refuseMany(1_100);
    await edge.refuse("z1", { code: "identity_alarm" });
    const first = await page({ code: "identity_alarm" });
    expect(first).toEqual({ ids: [], next: expect.any(String) as string });
    expect(await page({ code: "identity_alarm", after: String(first.next) })).toEqual({ ids: ["z1"], next: null });
  });

  test.each([
    "limit=0",
    "limit=201",
    "limit=many",
    "limit=1&limit=2",
    "type=",
    "type=a%0d%0ab",
    "code=a&code=b",
    "code=%00",
    "run=%20",
    "q=",
    `q=${"a".repeat(201)}`,
    "after=",
    "after=x",
    "after=bnVsbA",
    "after=%22%5b%5d",
    `after=${"a".repeat(5_000)}`,
  ])("names a parameter that cannot be read: %.40s", async (query) => {
    const [name = ""] = query.split("=");
    const answer = await ask("GET", "", { query });
    const { code, details } = errorOf(answer);
    expect([answer.status, code, details.map(({ path }) => path)]).toEqual([400, "invalid_query", [name]]);
    expect(details[0]?.remedy).not.toBe("");
  });
});

describe("one letter", () => {
  test("is shown with its content and what to do", async () => {
    const id = await edge.refuse("a1");
    const { status, body, text } = await ask("GET", `/${id}`);
    expect([status, body]).toEqual([
      200,
      {
        id,
        type: "companies",
        hull_id: "a1",
        name: "a1",
        outcome: "rejected",
        code: "refused",
        text: "refused.",
        refused_at: "1970-01-01T00:00:00.000Z",
        remedy: expect.stringMatching(/replay/) as string,
        message_id: "c-a1",
        message_at: "2026-03-01T00:00:00.000Z",
        attempts: 0,
        replayed: false,
        derived: false,
        claims: { external_id: "a1" },
        desired: { fields: { name: "Acme" }, keys: {}, cleared: [] },
      },
    ]);
    expect(text).not.toMatch(REMOTE_PARTS);
    const head = await ask("HEAD", `/${id}`);
    expect([head.status, head.text]).toEqual([200, ""]);
  });

  test("is sent again once, however often that is asked for", async () => {
    const id = await edge.refuse("a1");
    expect((await ask("POST", `/${id}/replay`)).body).toEqual({ queued: 1, underway: 0, superseded: 0 });
    expect(edge.woken).toEqual([edge.laneOf(CONNECTOR)]);
    expect((await ask("POST", `/${id}/replay`)).body).toEqual({ queued: 0, underway: 1, superseded: 0 });
    expect(edge.woken).toHaveLength(1);
  });

  test("is closed instead when Hull sent something newer", async () => {
    const id = await edge.refuse("a1");
    const newer = {
      hullId: "a1",
      id: "c-newer",
      lane: edge.laneOf(CONNECTOR),
      version: Date.parse("2026-03-01T06:00:00Z"),
    };
    await edge.store.accept([update(newer)]);
    expect((await ask("POST", `/${id}/replay`)).body).toEqual({ queued: 0, underway: 0, superseded: 1 });
    expect((await ask("POST", `/${id}/replay`)).status).toBe(404);
  });

  test("is dropped, and is no more", async () => {
    const id = await edge.refuse("a1");
    const { status, body } = await ask("DELETE", `/${id}`);
    expect([status, body]).toMatchObject([200, { id, hull_id: "a1" }]);
    expect((await page()).ids).toEqual([]);
    expect((await ask("DELETE", `/${id}`)).status).toBe(404);
  });
});

const WAYS = [
  ["GET", ""],
  ["DELETE", ""],
  ["POST", "/replay"],
] as const;

describe.each(WAYS)("%s /:id%s", (method, tail) => {
  test("answers for somebody else's letter exactly as for none, and leaves it alone", async () => {
    const id = await edge.refuse("b1", { owner: OTHER });
    const foreign = await ask(method, `/${id}${tail}`);
    const unknown = await ask(method, `/000000000000${tail}`);
    expect([foreign.status, errorOf(foreign).code]).toEqual([404, "dead_letter_not_found"]);
    expect(foreign.text).toBe(unknown.text);
    expect((await page({}, OTHER)).ids).toEqual(["b1"]);
    expect(await edge.store.lanes()).toEqual([]);
  });

  test.each(["x", "..%2f..", "%00", "a".repeat(3_000), "__proto__", "%0d%0aset-cookie:%20x", "%20", "%C3%A9"])(
    "does not find %.20s",
    async (id) => {
      await edge.refuse("a1");
      const answer = await ask(method, `/${id}${tail}`);
      expect([answer.status, errorOf(answer).code]).toEqual([404, "dead_letter_not_found"]);
      expect((await page()).ids).toEqual(["a1"]);
    },
  );
});

describe("all letters", () => {
  test("of the connector are sent again, and nobody else's", async () => {
    for (const hullId of ["a1", "a2", "a3"]) await edge.refuse(hullId);
    await edge.refuse("b1", { owner: OTHER });
    const { status, body } = await ask("POST", "/replay");
    expect([status, body]).toEqual([200, { queued: 3, underway: 0, superseded: 0, next: null }]);
    expect(await edge.store.lanes()).toEqual([edge.laneOf(CONNECTOR)]);
    expect((await ask("POST", "/replay")).body).toMatchObject({ queued: 0, underway: 3 });
  });

  test("that type and code choose", async () => {
    await edge.refuse("a1");
    await edge.refuse("a2", { code: "identity_alarm" });
    expect((await ask("POST", "/replay", { query: { code: "identity_alarm" } })).body).toMatchObject({ queued: 1 });
    expect((await ask("POST", "/replay", { query: { type: "endusers" } })).body).toMatchObject({ queued: 0 });
    expect((await ask("POST", "/replay")).body).toMatchObject({ queued: 1, underway: 1 });
  });

  test("more than one call takes are gone through with next", async () => {
    await refuseMany(2_050);
    const first = (await ask("POST", "/replay")).body;
    expect(first).toEqual({ queued: 2_000, underway: 0, superseded: 0, next: expect.any(String) as string });
    const rest = (await ask("POST", "/replay", { query: { after: String(first["next"]) } })).body;
    expect(rest).toEqual({ queued: 50, underway: 0, superseded: 0, next: null });
  });

  test.each(["after=x", "code=", "type=%00", "run="])("not for a query that cannot be read: %s", async (query) => {
    await edge.refuse("a1");
    const answer = await ask("POST", "/replay", { query });
    expect([answer.status, errorOf(answer).code]).toEqual([400, "invalid_query"]);
    expect(await edge.store.lanes()).toEqual([]);
  });
});

describe("who asks", () => {
  const ROUTES = [
    ["GET", ""],
    ["POST", "/replay"],
    ["GET", "/000000000000"],
    ["DELETE", "/000000000000"],
    ["POST", "/000000000000/replay"],
  ] as const;

  test.each(ROUTES)("%s %s: must log in", async (method, path) => {
    const bare = await edge.call(`${BASE}${path}?org=${edge.organization}`, { method });
    expect([bare.status, errorOf(bare).code]).toEqual([401, "missing_credentials"]);
    const wrong = await ask(method, path, { login: { ...CONNECTOR, secret: OTHER.secret } });
    expect([wrong.status, errorOf(wrong).code]).toEqual([401, "wrong_credentials"]);
    const nobody = await ask(method, path, { query: { org: NOBODY } });
    expect([nobody.status, errorOf(nobody).code]).toEqual([503, "unavailable"]);
  });

  test.each([
    ["PUT", "", "GET, HEAD"],
    ["POST", "", "GET, HEAD"],
    ["DELETE", "", "GET, HEAD"],
    ["GET", "/replay", "POST"],
    ["DELETE", "/replay", "POST"],
    ["GET", "/000000000000/replay", "POST"],
    ["POST", "/000000000000", "GET, HEAD, DELETE"],
    ["OPTIONS", "/000000000000", "GET, HEAD, DELETE"],
  ])("%s %s is not possible", async (method, path, allowed) => {
    const answer = await ask(method, path);
    expect([answer.status, answer.headers.get("allow"), errorOf(answer).code]).toEqual([
      405,
      allowed,
      "method_not_allowed",
    ]);
  });

  const CHANGES = ROUTES.filter(([method]) => method !== "GET");

  test.each(
    CHANGES.flatMap(([method, path]) => [
      [method, path, { "sec-fetch-site": "cross-site" }] as const,
      [method, path, { "sec-fetch-site": "same-site" }] as const,
      [method, path, { origin: "https://evil.example" }] as const,
      [method, path, { origin: "null" }] as const,
    ]),
  )("%s %s: no page of another site changes anything (%j)", async (method, path, headers) => {
    const answer = await ask(method, path, { headers });
    expect([answer.status, errorOf(answer).code]).toEqual([403, "other_site"]);
  });

  test("a page of our own may", async () => {
    const own: Record<string, string>[] = [{ origin: edge.baseUrl }, { "sec-fetch-site": "same-origin" }];
    for (const headers of own) {
      expect((await ask("POST", "/replay", { headers })).status).toBe(200);
    }
  });
});

describe("with Planhat behind it", () => {
  const open = useFixtures();

  const call = async ({ baseUrl, hull }: Fixture, method: string, path = ""): Promise<Answer["body"]> => {
    const headers = { authorization: basic(CONNECTOR) };
    const { status, text, body } = await send(baseUrl, `${BASE}${path}?org=${hull.host}`, { method, headers });
    expect([status, text]).toEqual([200, expect.not.stringContaining(TOKEN)]);
    return body;
  };
  const listed = async (fixture: Fixture): Promise<readonly Shown[]> =>
    (await call(fixture, "GET"))["dead_letters"] as readonly Shown[];

  test("all that is replayed after its cause was mended arrives, a company with its users, and closes", async () => {
    const fixture = await open();
    fixture.seed([account(1)], [user(1)]);
    const heal = fixture.planhat.poison(
      { type: "companies", field: "externalId", value: "acme-1" },
      "Name is reserved",
    );
    await fixture.tellAccount(account(1));
    await fixture.settled();
    await fixture.tellUser({ ...user(1), indexed_at: minute(1) }, account(1));
    await fixture.settled();
    const letters = await listed(fixture);
    expect(letters).toMatchObject([
      { hull_id: account(1).id, code: "refused", text: expect.stringContaining("Name is reserved") as string },
      { hull_id: user(1).id, name: "person-1@example.com", code: "parent_rejected" },
    ]);
    heal();
    expect(await call(fixture, "POST", "/replay")).toEqual({ queued: 2, underway: 0, superseded: 0, next: null });
    await fixture.settled();
    expect(fixture.companies()).toHaveLength(1);
    expect(fixture.endusers()).toMatchObject([{ externalId: "person-1" }]);
    expect(fixture.profile("user", user(1).id)["planhat/id"]).toBeDefined();
    expect(await listed(fixture)).toEqual([]);
  });
});
