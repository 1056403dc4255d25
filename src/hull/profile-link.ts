/** Where people look at a profile in Hull. */

const HULL_ORGANIZATION = /^([a-z\d-]+)\.hullapp\.io$/;

/** Its page in Hull's dashboard; undefined for an organization that is not on Hull's own host. */
export function profileLink(organization: string, entity: "user" | "account", hullId: string): string | undefined {
  const [, namespace] = HULL_ORGANIZATION.exec(organization) ?? [];
  if (namespace === undefined) return undefined;
  return `https://dashboard.hullapp.io/${namespace}/${entity}s/${encodeURIComponent(hullId)}`;
}
