/** Where a tenant's records are, and by what the service counts its calls. Pure. */
import { createHash, createHmac } from "node:crypto";

export interface Target {
  readonly baseUrl: string;
  /** The customer's account at the service, never derived from a token that rotates; absent when it is not known. */
  readonly account?: string;
  /**
   * Changes whenever other credentials were entered (token, host, tenant id), never when a grant rotates. A keyed hash,
   * not a secret.
   */
  readonly fingerprint: string;
  /** The key by which the service counts quotas. */
  readonly quotaKey: string;
}

/**
 * The fingerprint of a target.
 *
 * @param key that of the service's context
 * @param identity what makes another target of it when it changes, in a fixed order
 */
export function fingerprintOfTarget(key: string, identity: readonly unknown[]): string {
  return createHmac("sha256", key).update(JSON.stringify(identity)).digest("hex");
}

/** Stands for a secret in a quota key: the same for the same secret, and too short to find it by. */
export function shortHash(secret: string): string {
  return createHash("sha256").update(secret).digest("hex").slice(0, 16);
}

/** An address to which routes are appended: without slashes at its end. */
export function withoutSlash(url: string): string {
  return url.replace(/(?<!\/)\/+$/, "");
}
