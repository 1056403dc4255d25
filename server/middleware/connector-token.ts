/**
 * Our own tokens that stand for a connector's credentials in an address: HS256 over `{organization, ship, secret,
 * exp}`. A token contains the secret readably, so it must expire.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { decodeToken } from "../../src/hull/auth/jwt";
import type { Attributes } from "../../src/hull/protocol/shapes";

export type TokenReading =
  | { readonly ok: true; readonly payload: Attributes }
  | { readonly ok: false; readonly reason: "invalid_token" | "expired_token" };

/**
 * @param key signs our tokens
 * @param nowMs milliseconds since 1970
 */
export function readConnectorToken(token: string, key: string, nowMs: number): TokenReading {
  const decoded = decodeToken(token);
  // We choose the algorithm; the one that the token names is only compared.
  if (decoded?.header["alg"] !== "HS256") return { ok: false, reason: "invalid_token" };
  const expected = createHmac("sha256", key).update(decoded.signedPart).digest();
  const { signature, payload } = decoded;
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
    return { ok: false, reason: "invalid_token" };
  }
  const { exp } = payload;
  // A token that never expires would be a permanent secret.
  if (typeof exp !== "number" || !Number.isFinite(exp)) return { ok: false, reason: "invalid_token" };
  return exp * 1_000 > nowMs ? { ok: true, payload } : { ok: false, reason: "expired_token" };
}
