/** Fingerprints of messages: the part that is the same for all of them, and those that no value can be guessed from. */
import { createHmac, hash } from "node:crypto";
import memoize from "lodash/memoize";

/**
 * The fingerprint of settings: needed for every message, computed once.
 *
 * @param rules raised whenever filters or mapping decide differently about the same message: earlier verdicts no longer count
 */
export function settingsFingerprints(rules: number): (settings: object) => string {
  const fingerprint = memoize((settings: object) => hash("sha256", JSON.stringify([rules, settings]), "base64url"));
  fingerprint.cache = new WeakMap();
  return fingerprint;
}

/** @param key of the hash: it is stored, and the values are data of people */
export function keyedFingerprint(key: string, values: readonly unknown[]): string {
  return createHmac("sha256", key).update(JSON.stringify(values)).digest("base64url").slice(0, 22);
}
