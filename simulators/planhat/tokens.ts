import type { Action, ModelName } from "./models";
import type { Access } from "./tenant";
import type { TenantState } from "./tenant-state";

/** One thing that a token may not do (sheet 2.1). */
export interface Limit {
  readonly model: ModelName;
  readonly action: Action;
}

interface Grant {
  readonly tenant: TenantState;
  readonly denied: Set<`${ModelName}:${Action}`>;
}

/** Which token opens which tenant, per cluster. */
export interface Tokens {
  grant(token: string, tenant: TenantState): void;
  revoke(token: string, cluster: string): void;
  /** The tenant gets a new token and the old one dies. */
  rotate(token: string, newToken: string, cluster: string): void;
  limit(token: string, limits: readonly Limit[], cluster: string): void;
  open(token: string | undefined, cluster: string): Access | undefined;
}

/** Reads a token from `Bearer <token>` or `Basic base64(<token>:)`; the colon is required (sheet 2.1). */
export function tokenOf(authorization: string | undefined): string | undefined {
  const [scheme = "", value = ""] = authorization?.split(" ") ?? [];
  if (/^bearer$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return undefined;
  const credentials = Buffer.from(value, "base64").toString("utf8");
  return credentials.endsWith(":") ? credentials.slice(0, -1) : undefined;
}

/** Creates an empty set of tokens. */
export function createTokens(): Tokens {
  const grants = new Map<string, Grant>();
  const keyOf = (token: string, cluster: string): string => `${cluster} ${token}`;
  const known = (token: string, cluster: string): Grant => {
    const grant = grants.get(keyOf(token, cluster));
    if (grant === undefined) throw new Error(`There is no such token on the cluster ${cluster}.`);
    return grant;
  };

  return {
    grant(token, tenant) {
      grants.set(keyOf(token, tenant.cluster), { tenant, denied: new Set() });
    },
    revoke(token, cluster) {
      grants.delete(keyOf(token, cluster));
    },
    rotate(token, newToken, cluster) {
      grants.set(keyOf(newToken, cluster), known(token, cluster));
      grants.delete(keyOf(token, cluster));
    },
    limit(token, limits, cluster) {
      const { denied } = known(token, cluster);
      denied.clear();
      for (const { model, action } of limits) denied.add(`${model}:${action}`);
    },
    open: (token, cluster) => (token === undefined ? undefined : grants.get(keyOf(token, cluster))),
  };
}
