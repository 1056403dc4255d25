/**
 * Tokens of our own that stand for a connector's credentials in an address: HS256 over `{organization, ship, secret,
 * exp}`. Whoever reads such a token reads the secret, so it must expire.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { decodeToken } from "../../src/hull/auth/jwt";
import type { Attributes } from "../../src/hull/protocol/shapes";

export type TokenReading =
  | { readonly ok: true; readonly payload: Attributes }
  | { readonly ok: false; readonly reason: "invalid_token" | "expired_token" };

/**
 * @param key what our tokens are signed with
 * @param nowMs milliseconds since 1970
 */
export function readConnectorToken(token: string, key: string, nowMs: number): TokenReading {
  const decoded = decodeToken(token);
  // The algorithm is ours to choose; what the token says about it is only compared.
  if (decoded?.header["alg"] !== "HS256") return { ok: false, reason: "invalid_token" };
  const expected = createHmac("sha256", key).update(decoded.signedPart).digest();
  const { signature, payload } = decoded;
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
    return { ok: false, reason: "invalid_token" };
  }
  const { exp } = payload;
  // One that never ends would be a secret for ever.
  if (typeof exp !== "number" || !Number.isFinite(exp)) return { ok: false, reason: "invalid_token" };
  return exp * 1_000 > nowMs ? { ok: true, payload } : { ok: false, reason: "expired_token" };
}
