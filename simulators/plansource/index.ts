export * from "./face";
export * from "./simulator";
export * from "./switches";
export type { ApiUser } from "./assertion";
export type { Beneficiary } from "./beneficiaries";
export type { PlanSourceCounts, Write, WriteKind } from "./books";
export type { Choice, FieldRule, Meta } from "./meta";
export type { Organization } from "./organization";
export type { Status, Subscriber, Value } from "./subscriber";
