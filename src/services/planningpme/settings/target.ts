/** Where a company's planning is, and by what PlanningPME counts calls. */
import { fingerprintOfTarget, shortHash, withoutSlash, type Target } from "../../target";
import type { PlanningPmeSettings } from "./settings";

/**
 * @param apiUrlTemplate root of a stand-in, where `{brand}` is replaced; undefined: PlanningPME itself
 * @param fingerprintKey key of the hash that shows changed credentials without containing them
 * @returns undefined without brand, app key or token, since nothing can be reached without them
 */
export function targetOf(
  settings: PlanningPmeSettings,
  apiUrlTemplate: string | undefined,
  fingerprintKey: string,
): Target | undefined {
  const { apiHost, brand, appKey, authToken, tokenExchange, authorizationScheme } = settings;
  if (brand === undefined || appKey === undefined || authToken === undefined) return undefined;
  const template = apiUrlTemplate ?? `https://${apiHost}/{brand}`;
  const baseUrl = withoutSlash(template.replaceAll("{brand}", encodeURIComponent(brand)));
  const identity = [appKey, authToken, tokenExchange, authorizationScheme, baseUrl];
  return {
    baseUrl,
    account: brand,
    fingerprint: fingerprintOfTarget(fingerprintKey, identity),
    // The calls of an app key are counted together, whichever brand they are about.
    quotaKey: `${new URL(baseUrl).origin}#${shortHash(appKey)}`,
  };
}
