export * from "./simulator";
export * from "./switches";
export type { PlanhatCounts } from "./books";
export type { PlanhatRecord } from "./collection";
export type { BulkEnvelope } from "./envelope";
export type { Action, ModelName } from "./models";
export type { PoisonMode, PoisonTarget } from "./poison";
export type { Fields, Tenant, TenantSnapshot } from "./tenant";
export type { Limit } from "./tokens";
