import { createRotation } from "../../../src/engine/authorization/rotation";
import { readGrant, type Grant, type GrantAccess, type Pair } from "../../../src/engine/authorization/grant";
import { createRedactor } from "../../../src/http/guards/redact";
import { RemoteError, type RemoteErrorFacts } from "../../../src/http/errors";
import type { Sleep } from "../../../src/http/time";
import type { AccessToken } from "../../../src/http/token-source";

const LIFE_MS = 7_200_000;
const MINUTE_MS = 60_000;

/** The other side: a refresh token serves once. */
class TokenServer {
  latest = 1;
  lifeMs = LIFE_MS;
  /** The one that every answer has; undefined: a new one each time. */
  accessToken: string | undefined;
  /** Every refresh token that came, in order. */
  readonly used: string[] = [];
  /** What happens to the next requests, instead of an answer; `lost`: it rotates, and the answer never arrives. */
  readonly trouble: ("lost" | Partial<RemoteErrorFacts>)[] = [];
  /** Resolves when the server may answer. */
  gate = Promise.resolve();

  async refresh(token: string): Promise<AccessToken> {
    this.used.push(token);
    await this.gate;
    const trouble = this.trouble.shift();
    if (trouble !== undefined && trouble !== "lost") throw failure(trouble);
    if (token !== `refresh-${this.latest}`) throw failure({ kind: "validation", applied: "no", status: 400 });
    this.latest += 1;
    if (trouble === "lost") throw failure({ failure: "reset" });
    return {
      value: this.accessToken ?? `access-${this.latest}`,
      refreshToken: `refresh-${this.latest}`,
      lifeMs: this.lifeMs,
    };
  }
}

const failure = (facts: Partial<RemoteErrorFacts>): RemoteError =>
  new RemoteError({
    ...{ system: "plangrade", method: "POST", route: "/token", kind: "transient", applied: "maybe" },
    ...facts,
  });

let nowMs: number;
let stored: string | undefined;
let server: TokenServer;
const access: GrantAccess = {
  read: () => Promise.resolve(stored),
  replace: (before, after) => {
    if (before !== stored) return Promise.resolve(false);
    stored = after;
    return Promise.resolve(true);
  },
  isKnown: () => Promise.resolve(true),
};
const grant = (): Grant => readGrant(stored);
const pair = (more: Partial<Pair> = {}): Pair => ({
  accessToken: "access-1",
  refreshToken: "refresh-1",
  refreshAtMs: 100 * MINUTE_MS,
  endsAtMs: 120 * MINUTE_MS,
  ...more,
});
const aMinute: Sleep = () => {
  nowMs += MINUTE_MS;
  return Promise.resolve();
};
/** One process. @param sleep what happens while it waits @param account the one that it knows */
const start = (sleep: Sleep = aMinute, account?: string) =>
  createRotation({
    ...{ access, system: "plangrade", refresh: (token) => server.refresh(token), now: () => nowMs, sleep },
  })(account);
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

beforeEach(() => {
  nowMs = 0;
  server = new TokenServer();
  stored = JSON.stringify({ pair: pair() } satisfies Grant);
});

test("serves the tokens of the grant while they are fresh, and says what to do when there is none", async () => {
  const rotation = start();
  expect(await rotation.headers()).toEqual(bearer("access-1"));
  expect(server.used).toEqual([]);
  stored = undefined;
  await expect(rotation.headers()).rejects.toMatchObject({ kind: "auth", applied: "no" });
  await expect(rotation.headers()).rejects.toThrow("nobody has authorized the connector yet");
});

describe("a token that ends soon", () => {
  beforeEach(() => {
    nowMs = 101 * MINUTE_MS;
  });

  test("is refreshed once for a hundred requests, and the pair is replaced in the store", async () => {
    const rotation = start();
    const all = await Promise.all(Array.from({ length: 100 }, async () => rotation.headers()));
    expect(all).toEqual(Array.from({ length: 100 }, () => bearer("access-2")));
    expect(server.used).toEqual(["refresh-1"]);
    expect(grant().pair).toEqual({
      accessToken: "access-2",
      refreshToken: "refresh-2",
      refreshAtMs: nowMs + 0.9 * LIFE_MS,
      endsAtMs: nowMs + LIFE_MS,
    });
  });

  test("is refreshed by one of two processes, and the other one waits for its pair", async () => {
    let answer = (): void => undefined;
    server.gate = new Promise((resolve) => (answer = resolve));
    const [one, two] = [start(), start(() => Promise.resolve().then(answer))];
    const first = one.headers();
    const second = two.headers();
    expect(await Promise.all([first, second])).toEqual([bearer("access-2"), bearer("access-2")]);
    expect(server.used).toEqual(["refresh-1"]);
  });

  test.each([
    ["is out of reach", { failure: "connection", applied: "no" }],
    ["rests for maintenance", { status: 503 }],
    ["leads to another page, since its path is wrong", { kind: "configuration", status: 302 }],
  ] as const)("serves on while the token endpoint %s, and the refresh token is not used up", async (_why, trouble) => {
    server.trouble.push(trouble);
    expect(await start().headers()).toEqual(bearer("access-1"));
    expect(grant()).toEqual({ pair: pair() });
    expect(await start().headers()).toEqual(bearer("access-2"));
  });

  test("does not use its refresh token up when it could not be asked for, whatever was stored meanwhile", async () => {
    const served = [{ nonce: "n", untilMs: 1 }];
    server.trouble.push({ failure: "connection", applied: "no" });
    server.gate = Promise.resolve().then(() => void (stored = JSON.stringify({ ...grant(), served })));
    expect(await start().headers()).toEqual(bearer("access-1"));
    expect(grant()).toEqual({ pair: pair(), served });
  });

  test("keeps the account, and whatever else is stored", async () => {
    const served = [{ nonce: "n", untilMs: 1 }];
    stored = JSON.stringify({ pair: pair({ account: { id: "7", name: "Ada" } }), served });
    await start(aMinute, "7").headers();
    expect(grant()).toMatchObject({ pair: { accessToken: "access-2", account: { id: "7", name: "Ada" } }, served });
  });
});

test("a token that is said to live for ever is not renewed for every request", async () => {
  nowMs = 101 * MINUTE_MS;
  server.lifeMs = Infinity;
  const rotation = start();
  await rotation.headers();
  expect(await rotation.headers()).toEqual(bearer("access-2"));
  expect(server.used).toEqual(["refresh-1"]);
});

describe("a token that was refused", () => {
  test("is refreshed, and its successor is not taken for it", async () => {
    const rotation = start();
    rotation.renew?.(bearer("access-1"));
    expect(await rotation.headers()).toEqual(bearer("access-2"));
    // Whoever was refused late with the old one drops nothing.
    rotation.renew?.(bearer("access-1"));
    expect(await rotation.headers()).toEqual(bearer("access-2"));
    expect(server.used).toEqual(["refresh-1"]);
  });

  test("and is answered once more by the server is good again, and not refreshed for every request", async () => {
    server.accessToken = "access-1";
    const rotation = start();
    rotation.renew?.(bearer("access-1"));
    for (let request = 0; request < 3; request += 1) expect(await rotation.headers()).toEqual(bearer("access-1"));
    expect(server.used).toEqual(["refresh-1"]);
  });

  test("is replaced by what another process has refreshed meanwhile", async () => {
    const [one, two] = [start(), start()];
    one.renew?.(bearer("access-1"));
    await one.headers();
    two.renew?.(bearer("access-1"));
    expect(await two.headers()).toEqual(bearer("access-2"));
    expect(server.used).toEqual(["refresh-1"]);
  });
});

describe("a lost answer to a refresh", () => {
  beforeEach(() => {
    nowMs = 121 * MINUTE_MS;
    server.trouble.push("lost");
  });

  test("leads to a new authorization where the token serves once, and the same process alone had asked again", async () => {
    const rotation = start();
    await expect(rotation.headers()).rejects.toMatchObject({ kind: "transient" });
    await expect(rotation.headers()).rejects.toMatchObject({ kind: "auth" });
    expect(grant().pair?.lost).toBe(true);
    expect(server.used).toEqual(["refresh-1", "refresh-1"]);
    // Nobody asks any more.
    await expect(rotation.headers()).rejects.toThrow("the authorization cannot be renewed");
    const why: unknown = await Promise.resolve(start().headers()).catch(String);
    // Logs and pages show it as the redactor leaves it.
    expect(createRedactor().text(String(why))).toContain(
      "the authorization cannot be renewed, so it must be given again",
    );
    expect(server.used).toHaveLength(2);
  });

  test("is not repeated by the next process: that one waits a minute, and asks for an authorization", async () => {
    await expect(start().headers()).rejects.toMatchObject({ kind: "transient" });
    await expect(start().headers()).rejects.toMatchObject({ kind: "auth" });
    expect(server.used).toEqual(["refresh-1"]);
    expect(grant().pair?.lost).toBe(true);
  });

  test("does not hurt a grant that a person has given meanwhile", async () => {
    await expect(start().headers()).rejects.toMatchObject({ kind: "transient" });
    stored = JSON.stringify({ pair: pair({ accessToken: "given", refreshToken: "again", refreshAtMs: 9e9 }) });
    expect(await start().headers()).toEqual(bearer("given"));
  });
});

test.each([
  ["a page", "<html>Not acceptable</html>"],
  ["no words", undefined],
  ["OAuth's words", { error: "invalid_grant" }],
])("a refresh token that is refused with %s leads to a new authorization", async (_words, answer) => {
  nowMs = 121 * MINUTE_MS;
  server.trouble.push({ kind: "auth", applied: "no", status: 401, answer });
  await expect(start().headers()).rejects.toThrow("the authorization cannot be renewed");
  expect(grant().pair?.lost).toBe(true);
});

test.each([
  [{ answer: { error: "invalid_client" } }],
  [{ answer: '{"error":"unauthorized_client"}' }],
  [{ headers: { "www-authenticate": 'Bearer realm="Doorkeeper", error="invalid_client"' } }],
] as const)("an application that is refused with %j says nothing about the refresh token", async (said) => {
  nowMs = 121 * MINUTE_MS;
  server.trouble.push({ kind: "auth", applied: "no", status: 401, ...said });
  await expect(start().headers()).rejects.toMatchObject({ status: 401 });
  expect(grant()).toEqual({ pair: pair() });
  expect(await start().headers()).toEqual(bearer("access-2"));
});

test("tokens of another account are not handed out to who knows the one before, and that is said", async () => {
  stored = JSON.stringify({ pair: pair({ account: { id: "8" } }) });
  for (const known of ["7", undefined]) {
    await expect(start(aMinute, known).headers()).rejects.toMatchObject({ kind: "transient", applied: "no" });
  }
  expect(await start(aMinute, "8").headers()).toEqual(bearer("access-1"));
});

test("a grant without a refresh token ends with its token", async () => {
  stored = JSON.stringify({ pair: pair({ refreshToken: undefined }) });
  nowMs = 110 * MINUTE_MS;
  expect(await start().headers()).toEqual(bearer("access-1"));
  nowMs = 121 * MINUTE_MS;
  await expect(start().headers()).rejects.toThrow("cannot be renewed");
});

test("waiting for another process ends with our own end", async () => {
  nowMs = 121 * MINUTE_MS;
  stored = JSON.stringify({ pair: pair({ refreshing: { by: "another", sinceMs: nowMs } }) });
  const rotation = start(() => Promise.reject(new Error("ended")));
  await expect(rotation.headers()).rejects.toMatchObject({ failure: "client_closed", applied: "no" });
});
