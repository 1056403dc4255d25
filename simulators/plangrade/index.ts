export * from "./face";
export * from "./simulator";
export * from "./switches";
export { maintenancePage } from "./failures";
export { AUTHORIZATION_PATHS } from "./table";
export type { Application, Pair } from "./authorization/grants";
export type { Duplicate, PlangradeCounts, RefreshUses, Write, WriteKind } from "./books";
export type { Activity, Company, Notice, Participant, ParticipantField, RecordType, User } from "./records/model";
export type { Records } from "./records/records";
