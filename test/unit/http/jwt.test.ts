import { createHmac } from "node:crypto";
import { signClientAssertion, signJwt } from "../../../src/http/jwt";

const decoded = (token: string) =>
  token
    .split(".")
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>);

it.each([
  ["HS256", "sha256"],
  ["HS384", "sha384"],
  ["HS512", "sha512"],
] as const)("a token is signed with %s", (algorithm, digest) => {
  const token = signJwt(algorithm, { a: "ä", b: 1 }, "secret");
  expect(decoded(token)).toEqual([
    { typ: "JWT", alg: algorithm },
    { a: "ä", b: 1 },
  ]);
  const [header = "", payload = "", signature] = token.split(".");
  expect(signature).toBe(createHmac(digest, "secret").update(`${header}.${payload}`).digest("base64url"));
});

describe("the assertion of a client", () => {
  const base = {
    algorithm: "HS256",
    clientId: "acme",
    clientSecret: "secret",
    audience: "api.example.com",
    nowMs: 1_700_000_000_999,
  } as const;

  it("names client and audience, lives for two minutes and says nothing of its own past", () => {
    const [, claims] = decoded(signClientAssertion({ ...base, claims: { scopes: "all" } }));
    const { jti, ...others } = claims ?? {};
    expect(others).toEqual({ iss: "acme", sub: "acme", aud: "api.example.com", exp: 1_700_000_120, scopes: "all" });
    expect(jti).toEqual(expect.stringMatching(/^[\da-f-]{36}$/));
  });

  it("is another one each time", () => {
    expect(signClientAssertion(base)).not.toBe(signClientAssertion(base));
  });

  it("keeps its own claims, whatever others are added", () => {
    const [, claims] = decoded(signClientAssertion({ ...base, claims: { sub: "mallory", exp: 0 } }));
    expect(claims).toMatchObject({ sub: "acme", exp: 1_700_000_120 });
  });
});
