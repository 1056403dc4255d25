import type { ServerResponse } from "node:http";
import net from "node:net";
import type { AddressInfo } from "node:net";
import { createAgents, closeAgents } from "../../../src/http/agents";
import { createGuardedLookup } from "../../../src/http/guards/addresses";
import { createBudget } from "../../../src/http/limits/budget";
import { createHttpClient, type CallRecord, type HttpClient, type HttpClientOptions } from "../../../src/http/client";
import {
  classify,
  classifyFailure,
  RemoteError,
  UnexpectedAnswer,
  type RemoteErrorFacts,
} from "../../../src/http/errors";
import { whilePermitted } from "../../../src/http/guards/permit";
import { createTokenSource } from "../../../src/http/token-source";
import { createFakeTime, settle } from "./fake-time";
import { json, startLoopback, type Answer, type Loopback } from "./loopback";

const TOKEN = "planhat-token-0123456789";

let server: Loopback | undefined;
let client: HttpClient | undefined;
let time = createFakeTime();
let calls: CallRecord[] = [];
let logged: { level: string; fields: object }[] = [];

beforeEach(() => {
  time = createFakeTime();
  calls = [];
  logged = [];
});

afterEach(async () => {
  client?.close();
  await server?.close();
  client = server = undefined;
});

async function setUp(answer: Answer, options: Partial<HttpClientOptions> = {}): Promise<HttpClient> {
  server = await startLoopback(answer);
  const write =
    (level: string) =>
    (fields: object): void =>
      void logged.push({ level, fields });
  client = createHttpClient({
    system: "planhat",
    baseUrl: server.url,
    auth: { headers: () => ({ Authorization: `Bearer ${TOKEN}` }) },
    clock: time.clock,
    sleep: time.autoSleep,
    random: () => 0,
    retryBaseMs: 100,
    timeoutMs: 2_000,
    log: { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") },
    onCall: (call) => calls.push(call),
    ...options,
  });
  return client;
}

const get = (http: HttpClient) => http.request({ method: "GET", route: "/x" });
const post = (http: HttpClient) => http.request({ method: "POST", route: "/x", body: {} });

function seen(): Loopback["seen"] {
  return server?.seen ?? [];
}

async function failure(promise: Promise<unknown>): Promise<RemoteError> {
  const error: unknown = await promise.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof RemoteError)) throw new Error(`expected a RemoteError, got ${String(error)}`);
  return error;
}

describe("a request", () => {
  it("goes out encoded, with credentials, and comes back parsed", async () => {
    const http = await setUp((_request, response) => json(response, 200, { ok: true }));
    const answer = await http.request({
      method: "PUT",
      route: "/endusers/:id",
      params: { id: "a/b" },
      query: { email: "a+b@x.y" },
      body: { name: "Zoë" },
    });
    expect(answer).toMatchObject({ status: 200, body: { ok: true } });
    expect(seen()[0]).toMatchObject({
      method: "PUT",
      url: "/endusers/a%2Fb?email=a%2Bb%40x.y",
      body: '{"name":"Zoë"}',
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    });
    expect(calls).toEqual([{ system: "planhat", method: "PUT", route: "/endusers/:id", status: 200, durationMs: 0 }]);
  });

  it("takes 206 for an answer, not for an error", async () => {
    const http = await setUp((_request, response) => json(response, 206, { createdErrors: [1] }));
    expect((await http.request({ method: "PUT", route: "/companies", body: [] })).body).toEqual({ createdErrors: [1] });
  });

  it("reads text, empty bodies and mislabelled JSON", async () => {
    const bodies = ["plain", "", '{"a":1}'];
    const http = await setUp((_request, response, n) => response.end(bodies[n - 1]));
    for (const expected of ["plain", undefined, { a: 1 }]) expect((await get(http)).body).toEqual(expected);
  });

  it("is not sent with a blank id", async () => {
    const http = await setUp((_request, response) => json(response, 200, []));
    const error = await failure(http.request({ method: "GET", route: "/endusers/:id", params: { id: " " } }));
    expect(error).toMatchObject({ kind: "validation", applied: "no", failure: "invalid_request" });
    expect(seen()).toHaveLength(0);
  });

  it("follows no redirect", async () => {
    const http = await setUp((_request, response) =>
      response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
    );
    expect(await failure(get(http))).toMatchObject({
      kind: "configuration",
      status: 302,
    });
  });
});

describe("an error answer", () => {
  it("keeps the whole body for the caller and a clean excerpt for logs", async () => {
    const body = { createdErrors: [{ externalId: "1" }], echo: `Bearer ${TOKEN}`, long: "x".repeat(5_000) };
    const http = await setUp((_request, response) => json(response, 400, body));
    const error = await failure(http.request({ method: "PUT", route: "/companies", body: [] }));
    expect(error).toMatchObject({ kind: "validation", applied: "no", status: 400 });
    expect(error.answer).toEqual(body);
    expect(JSON.stringify(error)).not.toContain(TOKEN);
    expect(JSON.stringify(error).length).toBeLessThan(3_000);
  });

  it("may be plain text", async () => {
    const http = await setUp((_request, response) => {
      response.writeHead(500, { "content-type": "text/html" }).end("Failed to create company");
    });
    const error = await failure(http.request({ method: "POST", route: "/companies", body: {} }));
    expect(error).toMatchObject({ kind: "transient", applied: "maybe", body: "Failed to create company" });
    expect(seen()).toHaveLength(1);
  });

  it("never carries a token, whatever the cause", async () => {
    const http = await setUp((_request, response) => response.socket?.destroy(), { maxAttempts: 1 });
    const error = await failure(http.request({ method: "POST", route: "/x", body: { token: TOKEN } }));
    const { inspect } = await import("node:util");
    expect(inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(logged)).not.toContain(TOKEN);
    expect(error.cause).toMatchObject({ code: "ECONNRESET" });
  });
});

describe("repetition", () => {
  it("happens for safe requests, and is logged with attempt n of max", async () => {
    const http = await setUp((_request, response, n) => json(response, n < 3 ? 503 : 200, {}));
    expect((await get(http)).status).toBe(200);
    expect(time.slept).toEqual([100, 100]);
    expect(logged.filter((line) => line.level === "warn").map((line) => line.fields)).toMatchObject([
      { attempt: 1, maxAttempts: 3, status: 503, waitMs: 100, reason: "transient" },
      { attempt: 2, maxAttempts: 3 },
    ]);
    expect(calls.map((call) => call.errorKind)).toEqual(["transient", "transient", undefined]);
  });

  it("does not happen for a write whose fate is unknown", async () => {
    const http = await setUp((_request, response) => json(response, 500, {}));
    await failure(post(http));
    expect(seen()).toHaveLength(1);
    await failure(http.request({ method: "PUT", route: "/x", body: {}, safeToRepeat: true }));
    expect(seen()).toHaveLength(4);
    await failure(http.request({ method: "GET", route: "/writes", safeToRepeat: false }));
    expect(seen()).toHaveLength(5);
  });

  it("obeys 429 for any method, and makes everybody wait", async () => {
    const budget = createBudget({ limit: 100, clock: time.clock, sleep: time.sleep });
    const http = await setUp((_r, res, n) => json(res, n === 1 ? 429 : 200, {}, { "retry-after": "30" }), { budget });
    const start = time.clock();
    await post(http);
    expect(time.clock() - start).toBe(30_000);
    expect(await budget.left()).toBe(98);
    budget.close();
  });

  it("says what the service said also when nobody can be made to wait", async () => {
    const window = { start: () => 0, left: () => 1, penalise: () => Promise.reject(new Error("Redis is away.")) };
    const budget = createBudget({ limit: 100, window });
    const http = await setUp((_r, res) => json(res, 429, {}), { budget, maxAttempts: 1 });
    expect(await failure(post(http))).toMatchObject({ kind: "throttled", status: 429, applied: "no" });
    budget.close();
  });

  it("repeats a connection that was never made, even for writes", async () => {
    const http = await setUp(() => undefined, { baseUrl: "http://127.0.0.1:1", maxAttempts: 2 });
    expect(await failure(post(http))).toMatchObject({
      kind: "transient",
      failure: "connection",
      applied: "no",
    });
    expect(calls).toHaveLength(2);
  });

  it("repeats a stale keep-alive socket at once, but only for safe requests", async () => {
    // Answers the first request of each connection and breaks it when a second one arrives.
    const raw = net.createServer((socket) => {
      let requests = 0;
      socket.on("error", () => undefined);
      socket.on("data", () => {
        requests += 1;
        if (requests > 1) socket.destroy();
        else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
      });
    });
    await new Promise<void>((resolve) => raw.listen(0, "127.0.0.1", resolve));
    const baseUrl = `http://127.0.0.1:${(raw.address() as AddressInfo).port}`;
    const http = await setUp(() => undefined, { baseUrl, maxAttempts: 1 });
    await get(http);
    await settle();
    expect((await get(http)).status).toBe(200);
    await settle();
    const error = await failure(post(http));
    expect(error).toMatchObject({ failure: "stale_socket", applied: "maybe" });
    expect(time.slept).toEqual([]);
    http.close();
    await new Promise((resolve) => raw.close(resolve));
  });
});

describe("an answer that never completes", () => {
  const ways: [string, string, Answer][] = [
    [
      "is cut off",
      "truncated",
      (_r, res) => {
        res.writeHead(200, { "content-type": "application/json", "content-length": "100" });
        res.write('{"a":');
        setImmediate(() => res.socket?.destroy());
      },
    ],
    [
      "ends early without saying so",
      "truncated",
      (_r, res) => {
        res.writeHead(200, { "content-type": "application/json", connection: "close" });
        res.end('{"a":');
      },
    ],
    ["never starts", "timeout", () => undefined],
    [
      "drips without end",
      "timeout",
      (_r, res) => {
        res.writeHead(200, { "content-type": "text/plain" });
        const timer = setInterval(() => res.write("."), 5);
        res.on("close", () => clearInterval(timer));
      },
    ],
    ["is too large", "response_too_large", (_r, res) => void res.end("x".repeat(5_000))],
  ];

  it.each(ways)("because it %s is a failure (%s), perhaps applied", async (_what, expected, answer) => {
    // Short only where it is waited for.
    const timeoutMs = expected === "timeout" ? 60 : 5_000;
    const http = await setUp(answer, { timeoutMs, maxResponseBytes: 1_000, maxAttempts: 1 });
    expect(await failure(post(http))).toMatchObject({
      failure: expected,
      applied: "maybe",
    });
  });
});

describe("an answer that nests too deep", () => {
  const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
  const write = (res: ServerResponse, status: number, text: string, type = "application/json"): void =>
    void res.writeHead(status, { "content-type": type }).end(text);

  it("is of no use, and is not asked for again", async () => {
    const http = await setUp((_r, res) => write(res, 200, nested(200_000)));
    const error = await failure(get(http));
    expect(error).toMatchObject({ kind: "unknown", failure: "too_deep", applied: "maybe", status: 200 });
    expect(error.message).toContain("nests deeper than 64 levels");
    expect(JSON.stringify(error).length).toBeLessThan(3_000);
    expect(seen()).toHaveLength(1);
  });

  it("is what its status says when it is an error", async () => {
    const http = await setUp((_r, res) => write(res, 422, nested(65)));
    const error = await failure(post(http));
    expect(error).toMatchObject({ kind: "validation", status: 422, answer: nested(65) });
  });

  it("is read up to 64 levels, and as a text when it is called one", async () => {
    const http = await setUp(({ url }, res) => {
      if (url === "/json") write(res, 200, nested(64));
      else write(res, 200, nested(65), "text/plain");
    });
    expect((await http.request({ method: "GET", route: "/json" })).body).toEqual(JSON.parse(nested(64)));
    expect((await http.request({ method: "GET", route: "/text" })).body).toBe(nested(65));
  });
});

describe("the budget", () => {
  it("is charged for every request, repetitions included, by class", async () => {
    const taken: unknown[] = [];
    const budget = createBudget({ limit: null });
    const spying = {
      ...budget,
      take: (asking: "interactive" | "delivery" | "fetch") => (taken.push(asking), budget.take(asking)),
    };
    const http = await setUp((_r, res, n) => json(res, n === 1 ? 503 : 200, {}), { budget: spying });
    await http.request({ method: "GET", route: "/x", priority: "fetch" });
    await get(http);
    expect(taken).toEqual(["fetch", "fetch", "delivery"]);
  });

  it("refuses without sending when it closes", async () => {
    const budget = createBudget({ limit: 1, clock: time.clock, sleep: time.sleep });
    const http = await setUp((_r, res) => json(res, 200, {}), { budget });
    await get(http);
    const waiting = failure(post(http));
    await settle();
    budget.close();
    expect(await waiting).toMatchObject({ failure: "budget_closed", applied: "no" });
    expect(seen()).toHaveLength(1);
  });
});

describe("work that may lose its permission", () => {
  it("sends nothing from then on, also what waited for the quota, and nothing is repeated", async () => {
    const budget = createBudget({ limit: 1, clock: time.clock, sleep: time.sleep });
    const http = await setUp((_r, res) => json(res, 200, {}), { budget });
    let may = true;
    await whilePermitted(
      () => may,
      async () => {
        await post(http);
        const waiting = failure(post(http));
        await settle();
        may = false;
        await time.advance(60_000);
        expect(await waiting).toMatchObject({ failure: "not_permitted", kind: "transient", applied: "no" });
      },
    );
    expect([seen().length, calls.length]).toEqual([1, 1]);
    // Others may go on.
    await time.advance(60_000);
    await get(http);
    expect(seen()).toHaveLength(2);
  });
});

describe("cancelling", () => {
  it("before sending sends nothing, and afterwards leaves the fate open", async () => {
    const controller = new AbortController();
    const http = await setUp(() => controller.abort());
    expect(await failure(http.request({ method: "GET", route: "/x", signal: AbortSignal.abort() }))).toMatchObject({
      failure: "cancelled",
      applied: "no",
    });
    expect(seen()).toHaveLength(0);
    expect(await failure(http.request({ method: "GET", route: "/x", signal: controller.signal }))).toMatchObject({
      failure: "cancelled",
      applied: "maybe",
    });
    expect(seen()).toHaveLength(1);
  });

  it("is what close does to running requests; later ones are refused", async () => {
    const http = await setUp(() => http.close());
    expect(await failure(get(http))).toMatchObject({ failure: "cancelled" });
    expect(await failure(get(http))).toMatchObject({ failure: "client_closed" });
  });
});

describe("expired credentials", () => {
  it("are renewed once for all who were refused, and the calls repeated", async () => {
    const tokens = ["old", "new"];
    const auth = createTokenSource({
      lifeMs: 60_000,
      now: time.clock,
      fetchToken: async () => {
        const value = tokens.shift() ?? "none";
        await settle();
        return { value };
      },
    });
    await auth.headers();
    const http = await setUp(
      (request, response) => json(response, request.headers.authorization === "Bearer new" ? 200 : 401, {}),
      { auth },
    );
    const answers = await Promise.all([post(http), post(http), post(http)]);
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
    expect(tokens).toEqual([]);
  });

  it("are not renewed twice for one call", async () => {
    let renewals = 0;
    const renew = (): boolean => (renewals += 1) > 0;
    const http = await setUp((_r, res) => json(res, 401, {}), { auth: { headers: () => ({}), renew } });
    expect(await failure(get(http))).toMatchObject({ kind: "auth" });
    expect([renewals, seen().length]).toEqual([1, 2]);
  });
});

describe("credentials that cannot be had", () => {
  const trouble = (status: number, facts: Partial<RemoteErrorFacts> = {}) =>
    new RemoteError({ system: "x", method: "POST", route: "/token", ...classify(status, {}, 0), status, ...facts });

  it.each([
    [400, "auth"],
    [401, "auth"],
    [404, "configuration"],
    [413, "configuration"],
    [501, "unknown"],
  ] as const)("because of a %i are trouble of the kind %s, and nothing was sent", async (status, kind) => {
    const renew = jest.fn(() => true);
    const headers = () => Promise.reject(trouble(status));
    const http = await setUp((_request, response) => json(response, 200, {}), { auth: { headers, renew } });
    const error = await failure(post(http));
    expect(error).toMatchObject({ kind, applied: "no", status: undefined, route: "/x" });
    expect(error.message).toContain(`no credentials could be obtained: x POST /token answered ${status}`);
    expect([seen().length, renew.mock.calls.length]).toEqual([0, 0]);
  });

  it.each([
    ["a broken connection", trouble(0, { ...classifyFailure("reset"), failure: "reset" })],
    ["an answer without a token", new UnexpectedAnswer("no token in it")],
  ])("because of %s are asked for again, also for a write that must not be repeated", async (_name, first) => {
    const headers = jest.fn().mockRejectedValueOnce(first).mockResolvedValue({});
    const http = await setUp((_request, response) => json(response, 200, {}), { auth: { headers } });
    expect((await post(http)).status).toBe(200);
    expect([headers.mock.calls.length, seen().length]).toEqual([2, 1]);
  });

  it("that never come hold no call that is cut off", async () => {
    const headers = (): Promise<Record<string, string>> => {
      setImmediate(() => http.close());
      return new Promise(() => undefined);
    };
    const http = await setUp((_request, response) => json(response, 200, {}), { auth: { headers } });
    expect(await failure(post(http))).toMatchObject({ failure: "cancelled", applied: "no" });
  });

  it("in time keep the request of a closed client at home", async () => {
    const headers = (): Promise<Record<string, string>> => {
      http.close();
      return Promise.resolve({});
    };
    const http = await setUp((_request, response) => json(response, 200, {}), { auth: { headers } });
    expect(await failure(post(http))).toMatchObject({ failure: "cancelled", applied: "no" });
    expect(seen()).toHaveLength(0);
  });
});

it("a host name that leads to a private address gets no request", async () => {
  const agents = createAgents({
    lookup: createGuardedLookup(
      () => false,
      () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]),
    ),
  });
  const http = await setUp((_r, res) => json(res, 200, {}));
  const port = server?.port ?? 0;
  http.close();
  client = createHttpClient({ system: "hull", baseUrl: `http://rebound.hullapp.io:${port}`, agents, maxAttempts: 1 });
  expect(await failure(client.request({ method: "GET", route: "/x" }))).toMatchObject({
    kind: "configuration",
    failure: "private_address",
    applied: "no",
  });
  expect(seen()).toHaveLength(0);
  closeAgents(agents);
});
