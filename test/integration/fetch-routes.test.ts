/** `/fetch/…`: who may ask, how it is answered, and what the engine is asked for. */
import { signJwt } from "../../src/http/jwt";
import type { FetchAnswer } from "../../src/engine/runs/orders";
import { CONNECTOR, errorOf, NOBODY, NOW, openEdge, OTHER, TOKEN_KEY, type Edge } from "./edge";

let edge: Edge;
beforeAll(async () => (edge = await openEdge()));
afterEach(() => {
  expect(edge.logged()).not.toContain(CONNECTOR.secret);
  edge.forget();
});
afterAll(() => edge.close());

const token = (payload: object, key = TOKEN_KEY): string => signJwt("HS256", payload, key);
const soon = NOW / 1_000 + 60;
const inToken = (): object => ({ organization: edge.organization, ship: CONNECTOR.id, secret: CONNECTOR.secret });

describe("what is asked for", () => {
  test.each([
    ["/fetch/users", "endusers"],
    ["/fetch/accounts", "companies"],
  ])("%s begins a fetch of %s, whatever the method", async (path, type) => {
    for (const method of ["GET", "POST", "PUT", "DELETE"]) {
      const answer = await edge.call(`${path}?${edge.query()}`, { method });
      expect([answer.status, answer.body]).toEqual([
        200,
        { ok: true, state: "begun", run: "run-1", message: "The fetch has begun." },
      ]);
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
    const asked = { kind: "fetch", tenant: edge.tenantKey, type, options: {}, force: false };
    expect(edge.asked).toEqual([asked, asked, asked, asked]);
  });

  test("a body is not looked at", async () => {
    const answer = await edge.call(`/fetch/users?${edge.query()}`, { method: "POST", body: "{ no json" });
    expect(answer.status).toBe(200);
  });

  test.each([
    ["", {}, false],
    ["simulate=1", { simulate: true }, false],
    ["verbose=true&simulate=0", { verbose: true }, false],
    ["stop_on_error=yes&verbose=false", { stopOnError: true }, false],
    ["simulate=on&verbose=TRUE&stop_on_error=1", { simulate: true, verbose: true, stopOnError: true }, false],
    ["force=1", {}, true],
    ["force=0", {}, false],
  ])("%j means %j, forced: %p", async (query, options, force) => {
    await edge.call(`/fetch/users?${edge.query()}&${query}`);
    expect(edge.asked).toMatchObject([{ options, force }]);
  });

  test.each(["simulate=2", "verbose=", "stop_on_error=perhaps", "force=no", "simulate=1&simulate=1", "force=%0d%0a"])(
    "%j is refused by name",
    async (query) => {
      const answer = await edge.call(`/fetch/users?${edge.query()}&${query}`);
      const { code, message, details } = errorOf(answer);
      expect([answer.status, code]).toEqual([400, "invalid_query"]);
      expect(details).toEqual([expect.objectContaining({ path: query.split("=")[0] })]);
      expect(message).toContain("Write 1 to switch it on");
      expect(edge.asked).toEqual([]);
    },
  );
});

describe("the answer says how it stands", () => {
  const row = { id: "run-7" } as Extract<FetchAnswer, { kind: "begun" }>["run"];
  test.each<[FetchAnswer, object]>([
    [
      { kind: "underway", run: row },
      { state: "underway", run: "run-7" },
    ],
    [
      { kind: "early", nextAtMs: NOW },
      { state: "early", next_at: "2026-03-01T12:00:00.000Z" },
    ],
    [
      { kind: "halted", reason: "Enter the token." },
      { state: "halted", message: "Enter the token." },
    ],
  ])("%j", async (given, shown) => {
    edge.answerFetches(given);
    const { status, body } = await edge.call(`/fetch/users?${edge.query()}`);
    expect([status, body]).toEqual([200, expect.objectContaining({ ok: true, ...shown })]);
  });
});

test("a tenant that never sent a notification is known from then on", async () => {
  await edge.call(`/fetch/users?${edge.query({ ship: OTHER.id, secret: OTHER.secret })}`);
  expect(await edge.store.tenant(`planhat/${edge.organization}/${OTHER.id}`)).toMatchObject({ connectorId: OTHER.id });
});

describe("credentials", () => {
  test("id is another name of ship, and both may be there", async () => {
    expect((await edge.call(`/fetch/users?${edge.query({ ship: undefined, id: CONNECTOR.id })}`)).status).toBe(200);
    expect((await edge.call(`/fetch/users?${edge.query({ id: CONNECTOR.id })}`)).status).toBe(200);
    const answer = await edge.call(`/fetch/users?${edge.query({ id: OTHER.id })}`);
    expect([answer.status, errorOf(answer).details]).toEqual([400, [expect.objectContaining({ path: "id" })]]);
  });

  test.each(["hullToken", "token"])("may come as a token of ours in %s", async (name) => {
    const { status } = await edge.call(`/fetch/users?${name}=${token({ ...inToken(), exp: soon })}`);
    expect(status).toBe(200);
    expect(edge.asked).toMatchObject([{ tenant: edge.tenantKey }]);
  });

  test.each<[string, () => string, number, string]>([
    ["signed with another key", () => token({ ...inToken(), exp: soon }, "another key"), 401, "invalid_token"],
    ["without an end", () => token(inToken()), 401, "invalid_token"],
    ["with an end that is no number", () => token({ ...inToken(), exp: "never" }), 401, "invalid_token"],
    ["that has expired", () => token({ ...inToken(), exp: NOW / 1_000 }), 401, "expired_token"],
    ["that is none", () => "abc", 401, "invalid_token"],
    ["with a foreign algorithm", () => unsigned({ ...inToken(), exp: soon }), 401, "invalid_token"],
    ["without a secret", () => token({ ...inToken(), secret: undefined, exp: soon }), 400, "unreadable_credentials"],
    ["with lists in it", () => token({ ...inToken(), ship: [["a"]], exp: soon }), 400, "unreadable_credentials"],
    ["with a wrong secret", () => token({ ...inToken(), secret: "wrong", exp: soon }), 401, "wrong_credentials"],
  ])("in a token %s are refused", async (_how, make, status, code) => {
    const answer = await edge.call(`/fetch/users?token=${make()}`);
    expect([answer.status, errorOf(answer).code]).toEqual([status, code]);
    expect(edge.asked).toEqual([]);
  });

  function unsigned(payload: object): string {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    return `${part({ alg: "none" })}.${part(payload)}.${Buffer.from("x").toString("base64url")}`;
  }

  test.each([
    [{ organization: undefined }, "organization"],
    [{ organization: "" }, "organization"],
    [{ ship: undefined }, "ship"],
    [{ secret: undefined }, "secret"],
    [{ organization: "acme.hullapp.io\r\nx-evil: 1" }, "organization"],
    [{ ship: "a b" }, "ship"],
    [{ ship: "a".repeat(201) }, "ship"],
    [{ ship: "ünïcode" }, "ship"],
  ])("%j: 400 names %s and what to do", async (changes, field) => {
    const answer = await edge.call(`/fetch/users?${edge.query(changes)}`);
    const { code, message, details } = errorOf(answer);
    expect([answer.status, code]).toEqual([400, "unreadable_credentials"]);
    expect(details.map(({ path }) => path)).toEqual([field]);
    expect(message).toContain("Call the address as Hull does");
    expect(answer.text).not.toMatch(/evil|ünïcode|aaaa/);
  });

  test("all that is missing is named at once", async () => {
    const { details } = errorOf(await edge.call("/fetch/users"));
    expect(details.map(({ path, message }) => `${path} ${message}`)).toEqual([
      "organization is missing",
      "ship is missing",
      "secret is missing",
    ]);
  });

  test.each(["organization=a", "ship=a", "secret=a", "token=a&token=b", "hullToken=a&hullToken=a"])(
    "a second %s is refused",
    async (again) => {
      const answer = await edge.call(`/fetch/users?${edge.query()}&${again}`);
      expect([answer.status, errorOf(answer).message]).toEqual([
        400,
        expect.stringContaining("is given more than once") as string,
      ]);
    },
  );

  test.each([
    "organization[]=a&ship[]=b&secret[]=c",
    "organization[a][b]=c",
    "__proto__[organization]=a",
    "constructor=1",
  ])("nested parameters are none: %s", async (query) => {
    const answer = await edge.call(`/fetch/users?${query}`);
    expect([answer.status, errorOf(answer).code]).toEqual([400, "unreadable_credentials"]);
  });

  test.each([
    [{ secret: "wrong" }, 401, "wrong_credentials"],
    [{ secret: "a\r\nb" }, 401, "malformed_credentials"],
    [{ ship: "5f00000000000000000000ff" }, 404, "connector_not_found"],
    [{ organization: "acme.example" }, 401, "organization_not_allowed"],
    [{ organization: "127.0.0.1:80/api" }, 401, "organization_not_allowed"],
    [{ organization: "http://127.0.0.1" }, 401, "organization_not_allowed"],
  ])("%j: %i %s", async (changes, status, code) => {
    const answer = await edge.call(`/fetch/users?${edge.query(changes)}`);
    expect([answer.status, errorOf(answer).code]).toEqual([status, code]);
    expect(edge.asked).toEqual([]);
  });

  test("a disabled organization is told so", async () => {
    const disabled = await openEdge();
    disabled.hull.setOrganizationDisabled(true);
    const answer = await disabled.call(`/fetch/users?${disabled.query()}`);
    expect([answer.status, errorOf(answer).code]).toEqual([402, "organization_disabled"]);
    await disabled.close();
  });

  test("while Hull does not answer, nobody is let in, and told when to come again", async () => {
    const answer = await edge.call(`/fetch/users?${edge.query({ organization: NOBODY })}`);
    expect([answer.status, errorOf(answer).code]).toEqual([503, "unavailable"]);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(edge.asked).toEqual([]);
  });
});

test("a very long query is refused", async () => {
  const answer = await edge.call(`/fetch/users?${edge.query()}&x=${"y".repeat(20_000)}`).catch(() => undefined);
  expect(answer?.status ?? 431).toBe(431);
  expect((await edge.call(`/fetch/users?${edge.query()}`)).status).toBe(200);
});
