// Signed JSON Web Tokens (RFC 7519) with a shared secret, by node:crypto alone.
import { createHmac, randomUUID } from "node:crypto";

const DIGESTS = { HS256: "sha256", HS384: "sha384", HS512: "sha512" } as const;

export type HmacAlgorithm = keyof typeof DIGESTS;

const HEADERS: Readonly<Record<HmacAlgorithm, string>> = {
  HS256: encodePart({ typ: "JWT", alg: "HS256" }),
  HS384: encodePart({ typ: "JWT", alg: "HS384" }),
  HS512: encodePart({ typ: "JWT", alg: "HS512" }),
};

/** A token over `payload`, keys in the given order. */
export function signJwt(algorithm: HmacAlgorithm, payload: object, secret: string): string {
  const signedPart = `${HEADERS[algorithm]}.${encodePart(payload)}`;
  return `${signedPart}.${createHmac(DIGESTS[algorithm], secret).update(signedPart).digest("base64url")}`;
}

export interface ClientAssertion {
  readonly algorithm: HmacAlgorithm;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Whom it is for, as the service calls itself: a host name, or the address of its token endpoint. */
  readonly audience: string;
  /** The time as the service sees it. Milliseconds since the epoch. */
  readonly nowMs: number;
  /** Further claims that the service asks for. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

/** Long enough for a slow connection, and for clocks that differ a little. */
const ASSERTION_LIFE_SECONDS = 120;

/**
 * The token with which a client proves who it is to a token endpoint (RFC 7523 §3). Each is good for one request: its
 * `jti` is new. It does not say when it was made, so a clock that is a little fast makes no token of the future.
 */
export function signClientAssertion(assertion: ClientAssertion): string {
  const { algorithm, clientId, clientSecret, audience, nowMs, claims } = assertion;
  const payload = {
    ...claims,
    iss: clientId,
    sub: clientId,
    aud: audience,
    exp: Math.floor(nowMs / 1_000) + ASSERTION_LIFE_SECONDS,
    jti: randomUUID(),
  };
  return signJwt(algorithm, payload, clientSecret);
}

function encodePart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
