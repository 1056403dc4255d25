/** What demo, tests and bench see of the simulator of plangrade. */
import type { ServiceSimulator } from "../loopback/service";
import type { Application, Pair } from "./authorization/grants";
import type { PlangradeCounts } from "./books";
import type { Company, Participant, User } from "./records/model";
import type { Records } from "./records/records";
import type { PlangradeSwitches } from "./switches";

/** Plain copies by id, for comparing whole states. */
export interface PlangradeSnapshot {
  readonly users: readonly User[];
  readonly companies: readonly Company[];
  /** With `ssn`, which the API never shows. */
  readonly participants: readonly Participant[];
}

/** Its address is the root of `/api/v1` and of the authorization; its quota that of each user, by the minute. */
export interface PlangradeSimulator extends ServiceSimulator<PlangradeSwitches, PlangradeCounts> {
  /** What plangrade keeps, and what people do in it by hand. */
  readonly records: Records;
  /** Registers a consumer application, or replaces one of the same key. */
  addApplication(application: Application): void;
  /** Registers one more place that the authorize page may send browsers to. Default: for the first application. */
  addRedirectUri(redirectUri: string, key?: string): void;
  /** Refuses an application, its codes and its tokens from the next call on. Default: the first. */
  removeApplication(key?: string): void;
  /** A pair of tokens without a page: from the first user for the first application unless others are named. */
  grant(userId?: number, key?: string): Pair;
  /** A user takes back whatever they granted to any application. Default: the first. */
  revokeGrants(userId?: number): void;
  /** Ends all access tokens before their time; refresh tokens stay good. */
  expireTokens(): void;
  /** Everything, or what the account of a user shows. */
  snapshot(userId?: number): PlangradeSnapshot;
}
