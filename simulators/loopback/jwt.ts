import { createHmac, timingSafeEqual } from "node:crypto";
import { isObject } from "./call";

const DIGESTS = { HS256: "sha256", HS384: "sha384", HS512: "sha512" } as const;

export type HmacAlgorithm = keyof typeof DIGESTS;

/** The claims of a token, or why it is not believed. */
export type OpenedToken =
  | { readonly claims: Readonly<Record<string, unknown>> }
  | { readonly problem: "malformed" | "algorithm" | "signature" };

function objectIn(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Opens a JWT that a shared secret signed with this very algorithm. What the claims say is left to the caller. */
export function openToken(token: string, secret: string, algorithm: HmacAlgorithm): OpenedToken {
  const [header = "", payload = "", signature = "", ...rest] = token.split(".");
  const head = objectIn(header);
  const claims = objectIn(payload);
  if (head === undefined || claims === undefined || signature === "" || rest.length > 0)
    return { problem: "malformed" };
  if (head["alg"] !== algorithm) return { problem: "algorithm" };
  const expected = createHmac(DIGESTS[algorithm], secret).update(`${header}.${payload}`).digest();
  const given = Buffer.from(signature, "base64url");
  const matches = given.length === expected.length && timingSafeEqual(given, expected);
  return matches ? { claims } : { problem: "signature" };
}
