/** Encryption at rest for credentials: AES-256-GCM under a key derived from the configured secret or key file. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";

export interface Seal {
  /** Text in, `base64url(nonce ‖ tag ‖ ciphertext)` out. */
  seal(text: string): string;
  /** @throws when the text was sealed with another key, or altered */
  open(sealed: string): string;
  /** A keyed hash: says whether two secrets are equal without giving either away. */
  mark(text: string): string;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * @param secret any text of 16 characters or more; the keys are derived from it
 */
export function createSeal(secret: string): Seal {
  const derive = (purpose: string): Buffer => Buffer.from(hkdfSync("sha256", secret, "", purpose, 32));
  const sealKey = derive("seal");
  const markKey = derive("mark");
  return {
    seal: (text) => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", sealKey, nonce);
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64url");
    },
    open: (sealed) => {
      const bytes = Buffer.from(sealed, "base64url");
      try {
        const nonce = bytes.subarray(0, NONCE_BYTES);
        const decipher = createDecipheriv("aes-256-gcm", sealKey, nonce, { authTagLength: TAG_BYTES });
        decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
        const body = bytes.subarray(NONCE_BYTES + TAG_BYTES);
        return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
      } catch (cause) {
        throw new Error(
          "Stored credentials cannot be read with this key. Restore the SECRET (or key file) that sealed them.",
          {
            cause,
          },
        );
      }
    },
    mark: (text) => createHmac("sha256", markKey).update(text).digest("base64url").slice(0, 22),
  };
}
