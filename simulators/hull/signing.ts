import { createSign, generateKeyPairSync } from "node:crypto";

/** The key pair with which the platform signs notifications (sheet 3). */
export interface Signer {
  /** PEM of the public key. */
  readonly publicKey: string;
  /** RS256 token whose `jti` is the notification id. */
  sign(notificationId: string): string;
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

let pair: { readonly publicKey: string; readonly privateKey: string } | undefined;

/** All signers of a process share one pair, made at the first use: making it costs more than most tests do. */
const keys = () =>
  (pair ??= generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  }));

/** Creates a signer. */
export function createSigner(): Signer {
  let last: { readonly id: string; readonly token: string } | undefined;
  return {
    get publicKey() {
      return keys().publicKey;
    },
    sign(notificationId) {
      // A shipment that is refused is posted again under its id, often many times.
      if (last?.id === notificationId) return last.token;
      const content = `${encode({ typ: "JWT", alg: "RS256" })}.${encode({ jti: notificationId })}`;
      const signature = createSign("RSA-SHA256").update(content).sign(keys().privateKey, "base64url");
      last = { id: notificationId, token: `${content}.${signature}` };
      return last.token;
    },
  };
}
