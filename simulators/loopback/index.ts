export type { Call, Reply } from "./call";
export { createManualClock, createSkippingClock, systemClock, type Clock, type ManualClock } from "./clock";
export type { FaultHandle, FaultKind, FaultRule, Faults } from "./faults";
export type { HookListener, HookName } from "./hooks";
export type { RequestCounts } from "./ledger";
export { createRandom, type Random } from "./random";
