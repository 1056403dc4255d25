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
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: SignatureRefusal; readonly message: string }
  | { readonly absent: true };

/** `fetchKey`: pass one with guarded agents if names may lead to private addresses. */
export type SignatureVerifierOptions = Partial<SignatureKeysOptions> &
  Pick<SignatureKeysOptions, "allowedKeyHosts" | "clock">;

export type SignatureVerifier = ReturnType<typeof createSignatureVerifier>;

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

  async function verifyWithKey(token: DecodedToken, signature: string, keyUrl: string): Promise<SignatureVerdict> {
    const first = await keys.get(keyUrl, signature);
    if (!first.ok) return first;
    if (isSignedBy(token, first.key)) return { ok: true };
    // Hull may have changed its key; it is fetched again at most once per `negativeTtlMs`, whatever strangers send.
    const second = await keys.get(keyUrl, signature, clock() - negativeTtlMs);
    if (!second.ok) return second;
    return isSignedBy(token, second.key)
      ? { ok: true }
      : refuse("wrong_signature", "The signature does not belong to the published key.");
  }

  return {
    /**
     * @param headers as node:http gives them, with lower-case names
     * @param notificationId absent while the body is not read yet: then any id will do
     */
    async verify(
      headers: Readonly<Record<string, string | readonly string[] | undefined>>,
      notificationId?: string,
    ): Promise<SignatureVerdict> {
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
      return checkClaims(token, notificationId, clock()) ?? (await verifyWithKey(token, signature, keyUrl));
    },
    /** For the status: hosts that signed requests named and that are not allowed. */
    refusedHosts: (): readonly string[] => keys.refusedHosts(),
  };
}

function checkClaims(
  token: DecodedToken,
  notificationId: string | undefined,
  nowMs: number,
): SignatureVerdict | undefined {
  const { alg } = token.header;
  const { jti, exp, nbf } = token.payload;
  if (alg !== "RS256") return refuse("wrong_algorithm", "Only RS256 is accepted.");
  if (typeof jti !== "string" || (notificationId ?? jti) !== jti)
    return refuse("other_notification", "The signature belongs to another notification id.");
  const nowS = nowMs / 1_000;
  if (exp !== undefined && !(typeof exp === "number" && nowS < exp + LEEWAY_S)) {
    return refuse("expired", "The signature has expired.");
  }
  if (nbf !== undefined && !(typeof nbf === "number" && nowS >= nbf - LEEWAY_S)) {
    return refuse("not_yet_valid", "The signature is not valid yet.");
  }
  return undefined;
}

function refuse(reason: SignatureRefusal, message: string): SignatureVerdict {
  return { ok: false, reason, message };
}
