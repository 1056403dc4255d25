/** Signatures of webhooks as Standard Webhooks 1.0 has them (standardwebhooks.com): HMAC-SHA256 over id, time and body. */
import { createHmac } from "node:crypto";

const PREFIX = "whsec_";
/** What the specification asks for. */
const KEY_BYTES = { least: 24, most: 64 };

/** What a secret must look like, as the end of a sentence. */
export const WEBHOOK_SECRET_FORM = `whsec_ followed by ${KEY_BYTES.least} to ${KEY_BYTES.most} random bytes in Base64`;

/** @returns the key that a secret (`whsec_` and Base64) holds; undefined when it is not such a secret */
export function readWebhookSecret(secret: string): Buffer | undefined {
  if (!/^whsec_[A-Za-z0-9+/]{1,200}={0,2}$/.test(secret)) return undefined;
  const key = Buffer.from(secret.slice(PREFIX.length), "base64");
  return key.length >= KEY_BYTES.least && key.length <= KEY_BYTES.most ? key : undefined;
}

/** What is signed: the body byte for byte as it is sent. */
export interface SignedWebhook {
  readonly id: string;
  /** When it is sent, in whole seconds since 1970. */
  readonly timestamp: number;
  readonly body: string;
}

/** The three headers of a webhook; each try has a new time, and so another signature, under the same id. */
export function webhookHeaders(key: Buffer, { id, timestamp, body }: SignedWebhook): Readonly<Record<string, string>> {
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": `v1,${signature}` };
}
