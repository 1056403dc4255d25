/** `/api/internal/runs`: who may look, what is shown, and what never is. */
import { createLogins } from "../../server/middleware/authentication";
import { basic, queryOf, type Answer } from "./asking";
import { CONNECTOR, errorOf, NOBODY, openEdge, OTHER, type Edge } from "./edge";

const PATHS = ["/api/internal/runs", "/api/internal/runs/some-run"];

let edge: Edge;
beforeAll(async () => (edge = await openEdge()));
afterEach(() => {
  expect(edge.logged()).not.toContain(CONNECTOR.secret);
  edge.forget();
});
afterAll(() => edge.close());

/** Stores a run that has ended, in order of its id. */
async function store(id: string, { id: connector } = CONNECTOR): Promise<void> {
  const tenant = `planhat/${edge.organization}/${connector}`;
  const order = { url: "https://acme.s3.amazonaws.com/x?X-Amz-Signature=a-signature-4711" };
  await edge.store.beginRun(
    { id, tenant, kind: "fetch", type: "endusers", options: { verbose: true }, order: JSON.stringify(order), total: 4 },
    false,
  );
  await edge.store.changeRun(id, {
    state: "running",
    startedAtMs: Date.parse("2026-03-01T12:00:00Z"),
    checkpoint: order,
    counts: { "endusers/sent/told": 2, "endusers/unchanged/known": 1 },
  });
}

describe("a run", () => {
  beforeAll(() => store("run-0"));

  test("is shown with its counts and its progress, and without its order", async () => {
    const answer = await edge.ask("/api/internal/runs/run-0");
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        id: "run-0",
        kind: "fetch",
        type: "endusers",
        state: "running",
        options: { simulate: false, verbose: true, stop_on_error: false },
        counts: { endusers: { sent: { told: 2 }, unchanged: { known: 1 } } },
        done: 3,
        total: 4,
        total_is_final: false,
        progress: 0.75,
        created_at: "2026-03-01T12:00:00.000Z",
        started_at: "2026-03-01T12:00:00.000Z",
        ended_at: null,
        error: null,
      },
    ]);
    expect(answer.text).not.toMatch(/order|checkpoint|signature|tenant|127\.0\.0\.1/i);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  test("brings its report in pages when asked", async () => {
    const line = (n: number) => ({
      type: "endusers",
      hullId: `h${n}`,
      ...(n === 1 ? {} : { remoteId: `p${n}` }),
      outcome: "sent",
      code: "told",
      text: "Hull was told.",
    });
    await edge.store.report("run-0", [line(1), line(2), line(3)]);
    const page = async (query: Readonly<Record<string, string>>) =>
      (await edge.ask("/api/internal/runs/run-0", { query })).body["report"] as {
        lines: { at: number }[];
        next: number | null;
      };
    const first = await page({ lines: "2" });
    expect(first.lines).toEqual([
      {
        at: expect.any(Number) as number,
        type: "endusers",
        hull_id: "h1",
        remote_id: null,
        outcome: "sent",
        code: "told",
        text: "Hull was told.",
      },
      {
        at: first.next,
        type: "endusers",
        hull_id: "h2",
        remote_id: "p2",
        outcome: "sent",
        code: "told",
        text: "Hull was told.",
      },
    ]);
    expect(await page({ lines: "2", after: String(first.next) })).toMatchObject({
      lines: [{ hull_id: "h3" }],
      next: null,
    });
    expect((await page({ after: "0" })).lines).toHaveLength(3);
    expect(await page({})).toBeUndefined();
  });

  test.each(["another", "run-0 ", "%00", "..%2f..", "a".repeat(300), "__proto__", "%0d%0aset-cookie:%20x"])(
    "that there is not is not found: %.30s",
    async (id) => {
      const answer = await edge.ask(`/api/internal/runs/${id}`);
      expect([answer.status, errorOf(answer).code]).toEqual([404, "run_not_found"]);
    },
  );

  test("of somebody else is answered exactly like one that there is not", async () => {
    await store("foreign", OTHER);
    const foreign = await edge.ask("/api/internal/runs/foreign");
    const unknown = await edge.ask("/api/internal/runs/unknown");
    expect([foreign.status, foreign.text]).toEqual([404, unknown.text]);
    expect((await edge.ask("/api/internal/runs/foreign", { login: OTHER })).status).toBe(200);
  });

  test("under a path that cannot be read is a clear 400", async () => {
    const answer = await edge.ask("/api/internal/runs/%E0%A4%A");
    expect([answer.status, errorOf(answer).code]).toEqual([400, "unreadable_path"]);
  });
});

describe("the list", () => {
  beforeAll(async () => {
    for (const n of [1, 2, 3]) await store(`list-${n}`, OTHER);
  });
  const ids = async (query: Readonly<Record<string, string>>) => {
    const { status, body } = await edge.ask("/api/internal/runs", { query, login: OTHER });
    expect(status).toBe(200);
    return [(body["runs"] as { id: string }[]).map(({ id }) => id), body["next"]];
  };

  test("holds the connector's own runs, page by page", async () => {
    const [all, next] = await ids({});
    expect([[...(all as string[])].sort(), next]).toEqual([["foreign", "list-1", "list-2", "list-3"], null]);
    const [first, place] = await ids({ limit: "3" });
    expect(place).toBe((first as string[])[2]);
    const [rest, end] = await ids({ limit: "3", before: String(place) });
    expect([...(first as string[]), ...(rest as string[])]).toEqual(all);
    expect(end).toBeNull();
  });

  test("is narrowed by kind and state, and a page of it may be empty", async () => {
    expect(await ids({ kind: "batch" })).toEqual([[], null]);
    const [fetches] = await ids({ kind: "fetch" });
    expect([...(fetches as string[])].sort()).toEqual(["foreign", "list-1", "list-2", "list-3"]);
    const [first, place] = await ids({ state: "running", limit: "3" });
    expect(place).toBe((first as string[])[2]);
    const [rest] = await ids({ state: "running", limit: "3", before: String(place) });
    expect([...(first as string[]), ...(rest as string[])]).toEqual(fetches);
    expect(await ids({ state: "success" })).toEqual([[], null]);
  });

  test("is empty for one who has none, whoever else has", async () => {
    const { body } = await edge.ask("/api/internal/runs", { query: { before: "run-0" } });
    expect(body).toEqual({ runs: [], next: null });
  });

  test.each([{ before: "run-0" }, { before: "unknown" }])(
    "does not go on behind %j, which is not the asker's",
    async (query) => {
      const answer = await edge.ask("/api/internal/runs", { query, login: OTHER });
      expect([answer.status, errorOf(answer).code]).toEqual([404, "run_not_found"]);
    },
  );
});

describe("a parameter that cannot be read is named", () => {
  test.each([
    ["/api/internal/runs", "limit=0"],
    ["/api/internal/runs", "limit=101"],
    ["/api/internal/runs", "limit=ten"],
    ["/api/internal/runs", "limit=1e1"],
    ["/api/internal/runs", "limit=-1"],
    ["/api/internal/runs", "limit="],
    ["/api/internal/runs", "limit=1&limit=2"],
    ["/api/internal/runs", "before=%0d%0aset-cookie:x"],
    ["/api/internal/runs", "before=a&before=b"],
    ["/api/internal/runs", "kind=fetches"],
    ["/api/internal/runs", "kind=fetch&kind=batch"],
    ["/api/internal/runs", "state="],
    ["/api/internal/runs/run-0", "lines=0"],
    ["/api/internal/runs/run-0", "lines=1001"],
    ["/api/internal/runs/run-0", "lines=99999999999999999999"],
    ["/api/internal/runs/run-0", "after=-1"],
    ["/api/internal/runs/run-0", "after=NaN"],
  ])("%s?%s", async (path, query) => {
    const answer = await edge.ask(path, { query });
    const { code, details } = errorOf(answer);
    expect([answer.status, code, details.map(({ path: name }) => name)]).toEqual([
      400,
      "invalid_query",
      [query.split("=")[0]],
    ]);
    expect(answer.headers.get("set-cookie")).toBeNull();
  });
});

describe.each(PATHS)("%s asks who it is", (path) => {
  const challenge = expect.stringMatching(/^Basic realm=/) as string;

  test.each([
    "",
    "org=",
    "org=a&org=b",
    "org[]=acme.hullapp.io",
    "org=acme.hullapp.io%5c@evil.example",
    "org=me:you@acme.hullapp.io",
    "org=acme.hullapp.io%0d%0ahost:%20evil",
    "org=%20",
    "org=acme..hullapp.io",
    "org=*.hullapp.io",
    "org=https://dashboard.hullapp.io/x",
    `org=${"a".repeat(300)}`,
  ])("400 without an organization that could be one: %.40s", async (query) => {
    const answer = await edge.call(`${path}?${query}`, { headers: { authorization: basic(CONNECTOR) } });
    expect([answer.status, errorOf(answer).code]).toEqual([400, "invalid_organization"]);
    expect(errorOf(answer).details).toEqual([expect.objectContaining({ path: "org" })]);
  });

  test.each(["http://HOST", "HOST/api/v1", "HOST/..", "http://HOST/?x", "HOST#", " HOST "])(
    "an address names the organization of its host: %s",
    async (typed) => {
      const headers = { authorization: basic(CONNECTOR) };
      const answer = await edge.call(`${path}?${queryOf({ org: typed.replace("HOST", edge.organization) })}`, {
        headers,
      });
      const named = await edge.call(`${path}?${queryOf({ org: edge.organization })}`, { headers });
      expect([answer.status, answer.text]).toEqual([named.status, named.text]);
      expect(named.status).not.toBe(400);
    },
  );

  test.each([
    undefined,
    "",
    "Basic",
    "Basic !!!",
    `Bearer ${Buffer.from("a:b").toString("base64")}`,
    `Basic ${Buffer.from("no-colon").toString("base64")}`,
    `Basic ${Buffer.from(":secret").toString("base64")}`,
    `Basic ${Buffer.from("id:").toString("base64")}`,
    `Basic ${Buffer.from("a\r\nb:c").toString("base64")}`,
    `Basic ${Buffer.from(`${"a".repeat(300)}:c`).toString("base64")}`,
  ])("401 without a log-in: %j", async (authorization) => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const answer = await edge.call(`${path}?org=${edge.organization}`, { headers });
    expect([answer.status, errorOf(answer).code]).toEqual([401, "missing_credentials"]);
    expect(answer.headers.get("www-authenticate")).toEqual(challenge);
  });

  test.each([
    ["a wrong secret", { secret: "wrong" }, "wrong_credentials"],
    ["an unknown connector", { id: "5f00000000000000000000ff" }, "connector_not_found"],
    ["a secret with line breaks", { secret: "a\r\nb" }, "malformed_credentials"],
    ["somebody else's secret", { secret: OTHER.secret }, "wrong_credentials"],
  ])("401 for %s", async (_what, changes, code) => {
    const answer = await edge.ask(path, { login: { ...CONNECTOR, ...changes } });
    expect([answer.status, errorOf(answer).code]).toEqual([401, code]);
    expect(answer.headers.get("www-authenticate")).toEqual(challenge);
  });

  test.each(["acme.hullapp.io", "127.0.0.1", "localhost", "[::1]:80", "2130706433"])(
    "403 for an organization that is not allowed: %s",
    async (org) => {
      const answer = await edge.ask(path, { query: { org } });
      expect([answer.status, errorOf(answer).code]).toEqual([403, "organization_not_allowed"]);
    },
  );

  test("503 while Hull does not answer", async () => {
    const answer = await edge.ask(path, { query: { org: NOBODY } });
    expect([answer.status, errorOf(answer).code]).toEqual([503, "unavailable"]);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test.each(["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])("%s is not possible", async (method) => {
    const answer = await edge.ask(path, { method });
    expect([answer.status, answer.headers.get("allow"), errorOf(answer).code]).toEqual([
      405,
      "GET, HEAD",
      "method_not_allowed",
    ]);
  });

  test("no page of another site may read the answer", async () => {
    const asking = { origin: "https://evil.example", "access-control-request-method": "GET" };
    for (const method of ["GET", "OPTIONS"]) {
      const { headers } = await edge.ask(path, { method, headers: asking });
      expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
      expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    }
  });
});

test("403 for a disabled organization", async () => {
  const disabled = await openEdge();
  disabled.hull.setOrganizationDisabled(true);
  const answer = await disabled.ask("/api/internal/runs");
  expect([answer.status, errorOf(answer).code]).toEqual([403, "organization_disabled"]);
  await disabled.close();
});

test("403 for a connector of another kind", async () => {
  const foreign = { id: "5f0000000000000000000003", secret: "connector-secret-0003" };
  edge.hull.addConnector({ ...foreign, manifest: { source: "hubspot" } });
  const answer = await edge.ask("/api/internal/runs", { login: foreign });
  expect([answer.status, errorOf(answer).code]).toEqual([403, "other_kind"]);
  expect(await edge.store.tenant(`planhat/${edge.organization}/${foreign.id}`)).toBeUndefined();
});

describe("who guesses is slowed", () => {
  let guarded: Edge;
  beforeEach(async () => {
    guarded = await openEdge({ logins: createLogins({ windowMs: 60_000, perAddress: 6, perConnector: 3 }) });
  });
  afterEach(() => guarded.close());
  const login = (id: string, secret: string): Promise<Answer> =>
    guarded.ask("/api/internal/runs", { login: { id, secret } });
  const statuses = async (count: number, id: string, secret = "wrong"): Promise<readonly number[]> => {
    const found: number[] = [];
    for (let n = 0; n < count; n += 1) found.push((await login(id, `${secret}${n}`)).status);
    return found;
  };

  test("by connector, which is never locked out by it", async () => {
    expect(await statuses(5, CONNECTOR.id)).toEqual([401, 401, 401, 401, 401]);
    expect((await login(CONNECTOR.id, CONNECTOR.secret)).status).toBe(200);
  });

  test("by address, whatever connectors are named", async () => {
    const found: number[] = [];
    for (let n = 0; n < 8; n += 1) found.push(...(await statuses(1, `connector-${n}`)));
    expect(found).toEqual([401, 401, 401, 401, 401, 401, 429, 429]);
    const answer = await login(CONNECTOR.id, "wrong");
    expect([answer.status, errorOf(answer).code, answer.headers.get("retry-after")]).toEqual([
      429,
      "too_many_attempts",
      "60",
    ]);
  });

  test("on all doors together", async () => {
    const query = (n: number): string => guarded.query({ secret: `wrong-${n}` });
    const doors = [
      (n: number) => guarded.call(`/status?${query(n)}`),
      (n: number) => guarded.call(`/fetch/accounts?${query(n)}`),
      (n: number) => guarded.call(`/fetch/users?${query(n)}`, { method: "POST" }),
      (n: number) => guarded.call(`/batch?${query(n)}`, { method: "POST", body: "{}" }),
      (n: number) => login(CONNECTOR.id, `wrong-${n}`),
      (n: number) => guarded.ask("/explain", { method: "POST", login: { ...CONNECTOR, secret: `wrong-${n}` } }),
    ];
    const found: number[] = [];
    for (const [n, door] of [...doors, ...doors].entries()) found.push((await door(n)).status);
    expect(found).toEqual([...Array<number>(6).fill(401), ...Array<number>(6).fill(429)]);
  });

  test("guesses at once are no way around", async () => {
    const all = await Promise.all(Array.from({ length: 20 }, (_, n) => login(CONNECTOR.id, `wrong${n}`)));
    // Those that were under way when the sixth failed are tried as well.
    expect(all.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(10);
  });

  test("who logs in rightly is not, however often and however many at once", async () => {
    for (let round = 0; round < 3; round += 1) {
      const all = await Promise.all(Array.from({ length: 20 }, () => login(CONNECTOR.id, CONNECTOR.secret)));
      expect(all.map(({ status }) => status)).toEqual(Array<number>(20).fill(200));
    }
  });

  test("nobody locks out one who logged in before", async () => {
    expect((await login(CONNECTOR.id, CONNECTOR.secret)).status).toBe(200);
    await statuses(5, CONNECTOR.id);
    expect((await login(CONNECTOR.id, CONNECTOR.secret)).status).toBe(200);
  });

  test("neither the lack of a log-in nor an outage of Hull counts", async () => {
    for (let n = 0; n < 10; n += 1) {
      await guarded.call(`/api/internal/runs?org=${guarded.organization}`);
      expect((await guarded.ask("/api/internal/runs", { query: { org: NOBODY } })).status).toBe(503);
    }
    expect((await login(CONNECTOR.id, CONNECTOR.secret)).status).toBe(200);
  });
});
