/** Encryption at rest for credentials: AES-256-GCM under a key derived from the configured secret or key file. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { connectorOf } from "./lane";
import type { RecordName } from "./rows";

/**
 * The row of an encrypted text, the only place where it opens; see `tenantPlace` and `runPlace`, and for single values
 * `engine/rules/write-only.ts`.
 */
export type Place = `${"tenant" | "run" | "grant" | "call" | "value" | "state"}/${string}`;

export interface Seal {
  /** Text in, `base64url(nonce ‖ tag ‖ ciphertext)` out. */
  seal(text: string, place: Place): string;
  /** @throws when the text was encrypted with another key or for another row, or altered */
  open(sealed: string, place: Place): string;
  /**
   * Encrypts for its row what format 2 had encrypted for none.
   *
   * @throws when the text was encrypted with another key or for a row, or altered
   */
  bind(sealed: string, place: Place): string;
  /** A keyed hash: says whether two secrets are equal without revealing either. */
  mark(text: string): string;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** @param key the tenant's key under which the row stands, whatever the row itself says */
export const tenantPlace = (key: string): Place => `tenant/${connectorOf(key)}`;

export const grantPlace = (tenant: string): Place => `grant/${tenant}`;

/** @param key of the call */
export const keyedCallPlace = (tenant: string, key: string): Place => `call/${tenant}/${key}`;

/** The tenant counts, too: no order of one is carried out for another. */
export const runPlace = (run: { readonly id: string; readonly tenant: string }): Place =>
  `run/${connectorOf(run.tenant)}/${run.id}`;

/** Of a write-only value of a record. */
export const valuePlace = (tenant: string, { type, hullId }: RecordName, field: string): Place =>
  `value/${connectorOf(tenant)}/${type}/${hullId}/${field}`;

/**
 * @param secret any text of 16 characters or more; the keys are derived from it
 */
export function createSeal(secret: string): Seal {
  const derive = (purpose: string): Buffer => Buffer.from(hkdfSync("sha256", secret, "", purpose, 32));
  const sealKey = derive("seal");
  const markKey = derive("mark");

  function seal(text: string, place: Place): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", sealKey, nonce).setAAD(Buffer.from(place));
    const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64url");
  }

  /** @param place undefined: encrypted for no row */
  function open(sealed: string, place: Place | undefined): string {
    const bytes = Buffer.from(sealed, "base64url");
    try {
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv("aes-256-gcm", sealKey, nonce, { authTagLength: TAG_BYTES });
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      if (place !== undefined) decipher.setAAD(Buffer.from(place));
      const body = bytes.subarray(NONCE_BYTES + TAG_BYTES);
      return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
    } catch (cause) {
      throw new Error(
        "A stored value cannot be read with this key, or it was moved here from another row. " +
          "If SECRET (or the key file) was changed, restore the former one.",
        { cause },
      );
    }
  }

  return {
    seal,
    open,
    bind: (sealed, place) => seal(open(sealed, undefined), place),
    mark: (text) => createHmac("sha256", markKey).update(text).digest("base64url").slice(0, 22),
  };
}
