// Our REST client and key fetch against a real server.
import { createSign, generateKeyPairSync } from "node:crypto";
import { RemoteError } from "../../../src/http/errors";
import { createHostAllowList } from "../../../src/http/guards/hosts";
import { createHullClient } from "../../../src/hull/client";
import { createSignatureVerifier } from "../../../src/hull/auth/signature";
import { json, startLoopback, type Answer, type Loopback } from "../../unit/http/loopback";

let server: Loopback;

async function listen(answer: Answer): Promise<string> {
  server = await startLoopback(answer);
  return `127.0.0.1:${server.port}`;
}

afterEach(() => server.close());

const secret = "connector-secret-1";

describe("Hull's REST API", () => {
  it("is called with the three headers, below /api/v1", async () => {
    const organization = await listen((_request, response) => json(response, 200, { id: "c-1" }));
    const hull = createHullClient({ organization, id: "c-1", secret }, { protocol: "http" });
    expect(await hull.getApp()).toEqual({ id: "c-1" });
    await hull.putStatus({ status: "ok", messages: ["Fine"] });
    hull.close();

    expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "GET /api/v1/app",
      "PUT /api/v1/c-1/status",
    ]);
    expect(server.seen[1]?.body).toBe('{"status":"ok","messages":["Fine"]}');
    for (const { headers } of server.seen) {
      expect(headers).toMatchObject({
        "hull-app-id": "c-1",
        "hull-access-token": secret,
        "hull-organization": organization,
        "content-type": "application/json",
      });
    }
  });

  it("is refused without the secret in the error, even if Hull echoes it", async () => {
    const organization = await listen((_request, response) => json(response, 401, { message: `bad ${secret}` }));
    const hull = createHullClient({ organization, id: "c-1", secret }, { protocol: "http" });
    const error: unknown = await hull.getApp().catch((caught: unknown) => caught);
    hull.close();
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ kind: "auth", status: 401, route: "/app" });
    expect(JSON.stringify(error)).not.toContain(secret);
  });
});

describe("the public key of a signature", () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = String(publicKey.export({ type: "spki", format: "pem" }));
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${encode({ typ: "JWT", alg: "RS256" })}.${encode({ jti: "n-1" })}`;
  const token = `${signed}.${createSign("RSA-SHA256").update(signed).sign(privateKey, "base64url")}`;

  async function verify(answer: Answer): Promise<unknown> {
    const host = await listen(answer);
    const verifier = createSignatureVerifier({
      allowedKeyHosts: createHostAllowList(["127.0.0.1:*"]),
      clock: Date.now,
    });
    return verifier.verify({
      "x-hull-smart-notifier-signature": token,
      "x-hull-smart-notifier-signature-version": "v1",
      "x-hull-smart-notifier-signature-public-key-url": `http://${host}/keys/public?v=1`,
    });
  }

  it("is fetched by a POST of the token", async () => {
    expect(await verify((_request, response) => response.end(pem))).toEqual({ ok: true, notificationId: "n-1" });
    expect(server.seen).toMatchObject([
      {
        method: "POST",
        url: "/keys/public?v=1",
        body: token,
        headers: { "content-type": "application/x-www-form-urlencoded" },
      },
    ]);
  });

  it("is fetched by GET where POST is refused", async () => {
    const answer: Answer = (request, response) => {
      response.statusCode = request.method === "GET" ? 200 : 405;
      response.end(request.method === "GET" ? pem : "");
    };
    expect(await verify(answer)).toEqual({ ok: true, notificationId: "n-1" });
    expect(server.seen.map((request) => request.method)).toEqual(["POST", "GET"]);
  });

  it.each<[string, string, Answer]>([
    ["behind a redirect", "key_unusable", (_r, res) => res.writeHead(302, { location: "/other" }).end()],
    ["bigger than 16 kB", "key_unusable", (_r, res) => res.end(pem + "x".repeat(20_000))],
    ["of a host in trouble", "unavailable", (_r, res) => res.writeHead(503).end()],
    ["of a host that hangs up", "unavailable", (_r, res) => res.socket?.destroy()],
  ])("%s is not used: %s", async (_what, reason, answer) => {
    expect(await verify(answer)).toMatchObject({ ok: false, reason });
    expect(server.seen).toHaveLength(1);
  });
});
