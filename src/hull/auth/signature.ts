// Was this notification signed by Hull? The signature covers the notification id only, not the body: it proves that
// Hull sent something under this id, and never replaces the check of the credentials.
import { decodeToken, isSignedBy, type DecodedToken } from "./jwt";
import { createKeyFetcher, createSignatureKeys, type KeyAnswer, type SignatureKeysOptions } from "./signature-keys";

/** Why a signature is invalid. */
export const SIGNATURE_REFUSALS = [
  "incomplete",
  "unknown_version",
  "malformed",
  "wrong_algorithm",
  "other_notification",
  "expired",
  "not_yet_valid",
  "key_host_refused",
  "key_unusable",
  "wrong_signature",
] as const;

export type SignatureRefusal = (typeof SIGNATURE_REFUSALS)[number] | Extract<KeyAnswer, { ok: false }>["reason"];

export type SignatureVerdict =
  /** `notificationId`: what it covers, which must be that of the body. */
  | { readonly ok: true; readonly notificationId: string }
  | { readonly ok: false; readonly reason: SignatureRefusal; readonly message: string }
  | { readonly absent: true };

/** `fetchKey`: pass one with guarded agents if names may lead to private addresses. */
export type SignatureVerifierOptions = Partial<SignatureKeysOptions> &
  Pick<SignatureKeysOptions, "allowedKeyHosts" | "clock">;

export type SignatureVerifier = ReturnType<typeof createSignatureVerifier>;

export const OTHER_NOTIFICATION = "The signature belongs to another notification id.";

const PREFIX = "x-hull-smart-notifier-signature";
/** The clocks of two machines always differ a little. */
const LEEWAY_S = 60;

export function createSignatureVerifier(options: SignatureVerifierOptions) {
  const { clock, negativeTtlMs = 60_000 } = options;
  const keys = createSignatureKeys({
    fetchKey: createKeyFetcher({ log: options.log }),
    cacheTtlMs: 3_600_000,
    negativeTtlMs,
    ...options,
  });

  async function verifyWithKey(
    token: DecodedToken,
    signature: string,
    keyUrl: string,
    good: SignatureVerdict,
  ): Promise<SignatureVerdict> {
    const first = await keys.get(keyUrl, signature);
    if (!first.ok) return first;
    if (isSignedBy(token, first.key)) return good;
    // Hull may have changed its key; it is fetched again at most once per `negativeTtlMs`, whatever strangers send.
    const second = await keys.get(keyUrl, signature, clock() - negativeTtlMs);
    if (!second.ok) return second;
    return isSignedBy(token, second.key)
      ? good
      : refuse("wrong_signature", "The signature does not belong to the published key.");
  }

  return {
    /** @param headers as node:http gives them, with lower-case names */
    async verify(headers: Readonly<Record<string, string | readonly string[] | undefined>>): Promise<SignatureVerdict> {
      const signature = headers[PREFIX];
      const keyUrl = headers[`${PREFIX}-public-key-url`];
      if (signature === undefined && keyUrl === undefined) return { absent: true };
      if (typeof signature !== "string" || typeof keyUrl !== "string") {
        return refuse("incomplete", `Send both ${PREFIX} and ${PREFIX}-public-key-url, once each.`);
      }
      if (headers[`${PREFIX}-version`] !== "v1") {
        return refuse("unknown_version", `${PREFIX}-version must be v1.`);
      }
      // First everything that needs no key: a request that cannot be right must not make us call anybody.
      const token = decodeToken(signature);
      if (token === undefined) return refuse("malformed", "The signature is not a JSON Web Token.");
      const claimed = checkClaims(token, clock());
      return claimed.ok ? verifyWithKey(token, signature, keyUrl, claimed) : claimed;
    },
    /** For the status: hosts that signed requests named and that are not allowed. */
    refusedHosts: (): readonly string[] => keys.refusedHosts(),
  };
}

function checkClaims(token: DecodedToken, nowMs: number): Exclude<SignatureVerdict, { readonly absent: true }> {
  const { alg } = token.header;
  const { jti, exp, nbf } = token.payload;
  if (alg !== "RS256") return refuse("wrong_algorithm", "Only RS256 is accepted.");
  if (typeof jti !== "string") return refuse("other_notification", OTHER_NOTIFICATION);
  const nowS = nowMs / 1_000;
  if (exp !== undefined && !(typeof exp === "number" && nowS < exp + LEEWAY_S)) {
    return refuse("expired", "The signature has expired.");
  }
  if (nbf !== undefined && !(typeof nbf === "number" && nowS >= nbf - LEEWAY_S)) {
    return refuse("not_yet_valid", "The signature is not valid yet.");
  }
  return { ok: true, notificationId: jti };
}

function refuse(reason: SignatureRefusal, message: string): Exclude<SignatureVerdict, { readonly absent: true }> {
  return { ok: false, reason, message };
}
