/** What demo, tests and bench see of the simulator of Planhat. */
import type { ServiceSimulator } from "../loopback/service";
import type { PlanhatCounts } from "./books";
import { type PoisonMode, type PoisonTarget } from "./poison";
import { type PlanhatSwitches } from "./switches";
import type { Tenant, TenantSnapshot } from "./tenant-state";
import { type Limit } from "./tokens";

export interface PlanhatSimulator extends ServiceSimulator<PlanhatSwitches, PlanhatCounts> {
  /** The tenant that a token opens. Both default to the first. Throws on an unknown token. */
  tenant(token?: string, cluster?: string): Tenant;
  /** Adds an empty tenant, with a UUID of its own unless one is given. */
  addTenant(token: string, cluster?: string, tenantId?: string): Tenant;
  revokeToken(token: string, cluster?: string): void;
  rotateToken(token: string, newToken: string, cluster?: string): void;
  /** Replaces what the token may not do; an empty list allows everything again. */
  limitToken(token: string, limits: readonly Limit[], cluster?: string): void;
  /** Makes Planhat refuse some records. Answers the function that heals them. */
  poison(target: PoisonTarget, message: string, mode?: PoisonMode): () => void;
  snapshot(token?: string, cluster?: string): TenantSnapshot;
}
