import { systemClock } from "../loopback/clock";
import { createLedger } from "../loopback/ledger";
import { createQuota } from "../loopback/quota";
import { createRandom, seedOf } from "../loopback/random";
import { createServiceSimulator, type Own, type ServiceSimulatorOptions } from "../loopback/service";
import { createBooks } from "./books";
import { createOverlapWatch } from "./overlap";
import { createPoisonList } from "./poison";
import { createRouter } from "./router";
import { defaultSwitches, switchValues, type PlanhatSwitches } from "./switches";
import { createTenant } from "./tenant";
import type { TenantState } from "./tenant-state";
import { createTokens } from "./tokens";
import type { PlanhatSimulator } from "./face";

export interface PlanhatSimulatorOptions extends ServiceSimulatorOptions<PlanhatSwitches> {
  /** Token of the tenant that exists from the start. Default `planhat-token`. */
  readonly token?: string;
  /** UUID of that tenant on the analytics host. Default `DEFAULT_TENANT_ID`. */
  readonly tenantId?: string;
  /** Regional clusters, reachable as `/<cluster>/…`; the first also without prefix. Default `["api"]`. */
  readonly clusters?: readonly string[];
  /** Calls per minute and token, null = no quota. Default 200. */
  readonly quotaPerMinute?: number | null;
  /** Default 5,000. */
  readonly maxBulkItems?: number;
}

/** UUID of the first tenant on the analytics host. */
export const DEFAULT_TENANT_ID = "0b7e1f3a-0000-4000-8000-000000000001";

/**
 * Creates a Planhat on loopback: its main REST host with tenants, quota, quirks and faults, and its analytics host at
 * the same address. Not yet listening.
 */
export function createPlanhatSimulator(options: PlanhatSimulatorOptions = {}): PlanhatSimulator {
  const { seed = 1, clock = systemClock, token: firstToken = "planhat-token", clusters = ["api"] } = options;
  const firstCluster = clusters[0] ?? "api";
  const switches: PlanhatSwitches = { ...defaultSwitches, ...options.switches };
  const ledger = createLedger();
  const books = createBooks(ledger);
  const poisons = createPoisonList();
  const tokens = createTokens();
  const tenants = new Map<string, TenantState>();
  const quota = createQuota(options.quotaPerMinute === undefined ? 200 : options.quotaPerMinute);

  const prepare = createRouter({
    clock,
    tokens,
    tenants,
    quota,
    overlaps: createOverlapWatch(),
    clusters,
    switches,
    books,
    poisons,
    random: createRandom(seedOf(seed, "planhat order")),
    activityRandom: createRandom(seedOf(seed, "planhat activities")),
    maxBulkItems: options.maxBulkItems ?? 5_000,
  });

  const tenantOf = (token: string, cluster: string): TenantState => {
    const access = tokens.open(token, cluster);
    if (access === undefined) throw new Error(`No tenant has this token on the cluster ${cluster}.`);
    return access.tenant;
  };

  const base = createServiceSimulator({
    name: "planhat",
    title: "Planhat",
    options,
    switchValues,
    switches,
    ledger,
    books,
    quota,
    prepare,
    snapshot: { by: "token", of: (name) => simulator.snapshot(name) },
  });
  const simulator: PlanhatSimulator = Object.assign(base, {
    tenant: (token = firstToken, cluster = firstCluster) => tenantOf(token, cluster),
    addTenant(token, cluster = firstCluster, tenantId) {
      const tenant = createTenant({ name: token, cluster, tenantId, seed, clock, switches });
      tokens.grant(token, tenant);
      tenants.set(tenant.tenantId, tenant);
      return tenant;
    },
    revokeToken: (token, cluster = firstCluster) => tokens.revoke(token, cluster),
    rotateToken: (token, newToken, cluster = firstCluster) => tokens.rotate(token, newToken, cluster),
    limitToken: (token, limits, cluster = firstCluster) => tokens.limit(token, limits, cluster),
    poison: (target, message, mode = "item") => poisons.add(target, message, mode),
    snapshot: (token = firstToken, cluster = firstCluster) => tenantOf(token, cluster).snapshot(),
  } satisfies Own<PlanhatSimulator>);
  simulator.addTenant(firstToken, firstCluster, options.tenantId ?? DEFAULT_TENANT_ID);
  return simulator;
}
