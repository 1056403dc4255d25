import { createSign, generateKeyPairSync } from "node:crypto";

/** The key pair with which the platform signs notifications (sheet 3). */
export interface Signer {
  /** PEM of the public key. */
  readonly publicKey: string;
  /** RS256 token whose `jti` is the notification id. */
  sign(notificationId: string): string;
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Creates a signer. The pair is made at the first use, since it costs a noticeable time. */
export function createSigner(): Signer {
  let pair: { readonly publicKey: string; readonly privateKey: string } | undefined;
  const keys = () =>
    (pair ??= generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    }));

  return {
    get publicKey() {
      return keys().publicKey;
    },
    sign(notificationId) {
      const content = `${encode({ typ: "JWT", alg: "RS256" })}.${encode({ jti: notificationId })}`;
      return `${content}.${createSign("RSA-SHA256").update(content).sign(keys().privateKey, "base64url")}`;
    },
  };
}
