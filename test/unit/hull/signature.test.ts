import { createHmac, createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { RemoteError } from "../../../src/http/errors";
import { createHostAllowList } from "../../../src/http/guards/hosts";
import { createSignatureVerifier, type SignatureVerifierOptions } from "../../../src/hull/auth/signature";
import { createFakeTime, settle } from "../http/fake-time";

const hull = generateKeyPairSync("rsa", { modulusLength: 2048 });
const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pemOf = (key: KeyObject): string => String(key.export({ type: "spki", format: "pem" }));
const KEY_URL = "https://keys.hullapp.io/v1.pem";

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function sign(payload: object, key = hull.privateKey, header: object = { typ: "JWT", alg: "RS256" }): string {
  const signed = `${encode(header)}.${encode(payload)}`;
  return `${signed}.${createSign("RSA-SHA256").update(signed).sign(key, "base64url")}`;
}

function headersFor(signature: string, url = KEY_URL, version = "v1"): Record<string, string> {
  return {
    "x-hull-smart-notifier": "true",
    "x-hull-smart-notifier-signature": signature,
    "x-hull-smart-notifier-signature-version": version,
    "x-hull-smart-notifier-signature-public-key-url": url,
  };
}

function unreachable(): RemoteError {
  return new RemoteError({ system: "hull-keys", method: "POST", route: "/", kind: "transient", applied: "maybe" });
}

function setUp(options: Partial<SignatureVerifierOptions> = {}) {
  const time = createFakeTime();
  const fetched: string[] = [];
  const source = { answer: (): Promise<string> => Promise.resolve(pemOf(hull.publicKey)) };
  const verifier = createSignatureVerifier({
    allowedKeyHosts: createHostAllowList(["*.hullapp.io", "127.0.0.1:*"]),
    clock: time.clock,
    fetchKey: (url) => {
      fetched.push(url);
      return source.answer();
    },
    ...options,
  });
  const reason = async (headers: Record<string, string>): Promise<string> => {
    const verdict = await verifier.verify(headers);
    if ("absent" in verdict) return "absent";
    return verdict.ok ? "ok" : verdict.reason;
  };
  return { time, fetched, source, verifier, reason };
}

const good = sign({ jti: "n-1" });

describe("the signature of a notification", () => {
  it("is accepted when Hull's key signed this notification id", async () => {
    expect(await setUp().reason(headersFor(good))).toBe("ok");
  });

  it("says which notification it covers", async () => {
    expect(await setUp().verifier.verify(headersFor(good))).toEqual({ ok: true, notificationId: "n-1" });
  });

  it("may be absent", async () => {
    expect(await setUp().reason({ "x-hull-smart-notifier": "true" })).toBe("absent");
  });

  it.each<[string, Record<string, string>]>([
    ["incomplete", { "x-hull-smart-notifier-signature": good }],
    ["unknown_version", headersFor(good, KEY_URL, "v2")],
    ["malformed", headersFor("not-a-token")],
    ["other_notification", headersFor(sign({}))],
    ["wrong_algorithm", headersFor(sign({ jti: "n-1" }, hull.privateKey, { alg: "none" }))],
    ["wrong_algorithm", headersFor(sign({ jti: "n-1" }, hull.privateKey, { alg: "HS256" }))],
    ["expired", headersFor(sign({ jti: "n-1", exp: 1_600_000_000 }))],
    ["expired", headersFor(sign({ jti: "n-1", exp: "soon" }))],
    ["not_yet_valid", headersFor(sign({ jti: "n-1", nbf: 1_800_000_000 }))],
    ["key_host_refused", headersFor(good, "https://evil.example.com/key")],
    ["key_host_refused", headersFor(good, "http://keys.hullapp.io/v1.pem")],
    ["key_host_refused", headersFor(good, "keys.hullapp.io")],
    ["key_host_refused", headersFor(good, "https://10.0.0.1/key")],
  ])("is refused as %s without asking anybody for a key", async (expected, headers) => {
    const { reason, fetched } = setUp();
    expect(await reason(headers)).toBe(expected);
    expect(fetched).toEqual([]);
  });

  it("is refused when a stranger made it, or when its text was changed", async () => {
    const { reason } = setUp();
    expect(await reason(headersFor(sign({ jti: "n-1" }, stranger.privateKey)))).toBe("wrong_signature");
    const [header = "", , signature = ""] = good.split(".");
    expect(await reason(headersFor(`${header}.${encode({ jti: "n-1", more: 1 })}.${signature}`))).toBe(
      "wrong_signature",
    );
  });

  it("is refused when the public key was used as an HMAC secret", async () => {
    const signed = `${encode({ alg: "RS256" })}.${encode({ jti: "n-1" })}`;
    const mac = createHmac("sha256", pemOf(hull.publicKey)).update(signed).digest("base64url");
    expect(await setUp().reason(headersFor(`${signed}.${mac}`))).toBe("wrong_signature");
  });

  it("honours exp and nbf when they are there", async () => {
    const { reason, time } = setUp();
    const now = time.clock() / 1_000;
    expect(await reason(headersFor(sign({ jti: "n-1", exp: now + 10, nbf: now - 10 })))).toBe("ok");
  });

  it("may use plain http for a loopback host that is named", async () => {
    expect(await setUp().reason(headersFor(good, "http://127.0.0.1:4010/key"))).toBe("ok");
  });
});

describe("the key", () => {
  it("is fetched once, however many ask at once, and again after its time", async () => {
    const { reason, fetched, time } = setUp({ cacheTtlMs: 1_000 });
    await Promise.all([1, 2, 3].map(() => reason(headersFor(good))));
    await reason(headersFor(good));
    expect(fetched).toHaveLength(1);
    await time.advance(1_000);
    await reason(headersFor(good));
    expect(fetched).toHaveLength(2);
  });

  it("that cannot be fetched makes the signature unavailable, not invalid, and is not asked for at once again", async () => {
    const { reason, fetched, source, time } = setUp({ negativeTtlMs: 500 });
    source.answer = () => Promise.reject(unreachable());
    expect(await reason(headersFor(good))).toBe("unavailable");
    source.answer = () => Promise.resolve(pemOf(hull.publicKey));
    expect(await reason(headersFor(good))).toBe("unavailable");
    expect(fetched).toHaveLength(1);
    await time.advance(500);
    expect(await reason(headersFor(good))).toBe("ok");
  });

  it("must be an RSA public key", async () => {
    const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" });
    for (const text of [
      "",
      "hello",
      "-----BEGIN PUBLIC KEY-----\nxx\n-----END PUBLIC KEY-----",
      pemOf(elliptic.publicKey),
    ]) {
      const { reason, source } = setUp();
      source.answer = () => Promise.resolve(text);
      expect(await reason(headersFor(good))).toBe("key_unusable");
    }
  });

  it("may be changed by Hull; forgeries make us look at most once per negative TTL", async () => {
    const { reason, fetched, source, time } = setUp({ negativeTtlMs: 1_000, cacheTtlMs: 3_600_000 });
    await reason(headersFor(good));
    source.answer = () => Promise.resolve(pemOf(stranger.publicKey));
    const renewed = headersFor(sign({ jti: "n-1" }, stranger.privateKey));
    expect(await reason(renewed)).toBe("wrong_signature");
    await time.advance(1_000);
    expect(await reason(renewed)).toBe("ok");
    for (let i = 0; i < 5; i += 1) await reason(headersFor(good));
    expect(fetched).toHaveLength(2);
  });

  it("that holds is kept when its host is down while a forgery makes us look", async () => {
    const { reason, source, time } = setUp({ negativeTtlMs: 1_000, cacheTtlMs: 3_600_000 });
    await reason(headersFor(good));
    await time.advance(1_000);
    source.answer = () => Promise.reject(unreachable());
    expect(await reason(headersFor(sign({ jti: "n-1" }, stranger.privateKey)))).toBe("wrong_signature");
    expect(await reason(headersFor(good))).toBe("ok");
  });

  it("hosts that were refused are remembered for the status, and not without end", async () => {
    const { reason, verifier } = setUp();
    for (let i = 0; i < 30; i += 1) await reason(headersFor(good, `https://host-${i}.example.com/k`));
    await reason(headersFor(good, "nonsense"));
    await settle();
    expect(verifier.refusedHosts()).toHaveLength(20);
    expect(verifier.refusedHosts().slice(-2)).toEqual(["host-29.example.com", "(not a URL)"]);
  });
});
