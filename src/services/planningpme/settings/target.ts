/** Where a company's planning is, and by what PlanningPME counts calls. */
import { createHash, createHmac } from "node:crypto";
import type { Target } from "../../connection";
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
  const baseUrl = (apiUrlTemplate ?? `https://${apiHost}/{brand}`)
    .replaceAll("{brand}", encodeURIComponent(brand))
    .replace(/(?<!\/)\/+$/, "");
  const identity = JSON.stringify([appKey, authToken, tokenExchange, authorizationScheme, baseUrl]);
  return {
    baseUrl,
    account: brand,
    fingerprint: createHmac("sha256", fingerprintKey).update(identity).digest("hex"),
    // The calls of an app key are counted together, whichever brand they are about.
    quotaKey: `${new URL(baseUrl).origin}#${createHash("sha256").update(appKey).digest("hex").slice(0, 16)}`,
  };
}
