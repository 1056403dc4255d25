/** Where a tenant's records are, and by what Planhat counts the tenant's calls. */
import { fingerprintOfTarget, shortHash, withoutSlash, type Target } from "../../target";
import { COMPANIES, ENDUSERS } from "../object-types";
import type { PlanhatSettings } from "./settings";

/** `{api_prefix}` stands for the cluster that a tenant chose. */
export const DEFAULT_API_URL = "https://{api_prefix}.planhat.com";

/**
 * @param apiUrlTemplate base URL, with or without `{api_prefix}`
 * @param fingerprintKey key of the hash that shows a changed token without containing it
 * @returns undefined without a token, since nothing can be reached then
 */
export function targetOf(
  settings: PlanhatSettings,
  apiUrlTemplate: string,
  fingerprintKey: string,
): Target | undefined {
  const { token, tenantId, apiPrefix } = settings;
  if (token === undefined) return undefined;
  const baseUrl = withoutSlash(apiUrlTemplate.replaceAll("{api_prefix}", apiPrefix));
  return {
    baseUrl,
    ...(tenantId !== undefined && { account: tenantId }),
    fingerprint: fingerprintOfTarget(fingerprintKey, [token, baseUrl, tenantId ?? null]),
    quotaKey: `${baseUrl}#${shortHash(token)}`,
  };
}

/** Names of the models as the pages of a workspace have them. */
const MODELS: Readonly<Record<string, string>> = { [COMPANIES.name]: "Company", [ENDUSERS.name]: "EndUser" };

/** Where people look at a record; undefined when the settings do not name the workspace. */
export function recordLink(type: string, remoteId: string, { workspace }: PlanhatSettings): string | undefined {
  const model = MODELS[type];
  if (workspace === undefined || model === undefined) return undefined;
  const preview = new URLSearchParams({ preview: `${model}.${remoteId}` });
  return `https://ws.planhat.com/${workspace}/home/data-explorer/${model.toLowerCase()}?${preview.toString()}`;
}
