/** Where a client's subscribers are, and by what PlanSource's calls are counted. */
import { fingerprintOfTarget, withoutSlash, type Target } from "../../target";
import type { PlanSourceSettings } from "./settings";

/** Each has its own employees, client ids and secrets, so each is a remote of its own. */
const HOSTS: Readonly<Record<PlanSourceSettings["environment"], string>> = {
  "partner-dev": "https://partner-dev-api.plansource.com",
  production: "https://api.plansource.com",
};

/**
 * @param apiUrl root of a stand-in with `/admin/v2` and `/oauth/v2/token`; undefined: PlanSource itself
 * @param fingerprintKey key of the hash that shows changed credentials without containing them
 * @returns undefined without client id, secret or user name, since there is no token without them
 */
export function targetOf(
  settings: PlanSourceSettings,
  apiUrl: string | undefined,
  fingerprintKey: string,
): Target | undefined {
  const { clientId, clientSecret, loggedInUser, environment } = settings;
  if (clientId === undefined || clientSecret === undefined || loggedInUser === undefined) return undefined;
  const baseUrl = withoutSlash(apiUrl ?? HOSTS[environment]);
  return {
    baseUrl,
    account: clientId,
    fingerprint: fingerprintOfTarget(fingerprintKey, [clientId, clientSecret, loggedInUser, baseUrl]),
    quotaKey: `${baseUrl}#${clientId}`,
  };
}
