/** The part of a message's fingerprint that is the same for all messages. */
import { hash } from "node:crypto";
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
