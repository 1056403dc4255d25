/** Where an application's companies are, and by what plangrade's calls are counted. */
import { fingerprintOfTarget, withoutSlash, type Target } from "../../target";
import type { PlangradeSettings } from "./settings";
import { readUrl } from "../../../web-address";

export const DEFAULT_URL = "https://plangrade.com";

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** plangrade is reached by https alone; a stand-in on this machine may do without. */
export function isSafeAddress(address: string): boolean {
  const url = readUrl(address);
  if (url === undefined) return false;
  const { protocol, hostname, username, password, search, hash } = url;
  if (username !== "" || password !== "" || search !== "" || hash !== "") return false;
  return protocol === "https:" || (protocol === "http:" && LOOPBACK.test(hostname));
}

/**
 * @param address root of plangrade or of a stand-in, above `/api/v1`
 * @param account of the person who granted access, as the grant says; undefined: there is none, or it names nobody
 * @param fingerprintKey key of the hash that shows changed credentials without containing them
 * @returns undefined without key or secret, and for an address that is not safe
 */
export function targetOf(
  settings: PlangradeSettings,
  address: string,
  account: string | undefined,
  fingerprintKey: string,
): Target | undefined {
  const { applicationKey, applicationSecret } = settings;
  if (applicationKey === undefined || applicationSecret === undefined || !isSafeAddress(address)) return undefined;
  const baseUrl = withoutSlash(address);
  const identity = [baseUrl, applicationKey, applicationSecret, account ?? null];
  return {
    baseUrl,
    account,
    fingerprint: fingerprintOfTarget(fingerprintKey, identity),
    quotaKey: `${baseUrl}#${applicationKey}`,
  };
}
