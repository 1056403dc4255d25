/** What demo, tests and bench see of the simulator of plangrade. */
import type { Faults } from "../loopback/faults";
import type { Hooks } from "../loopback/hooks";
import type { Application, Pair } from "./authorization/grants";
import type { Books } from "./books";
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

export interface PlangradeSimulator {
  listen(port?: number): Promise<void>;
  close(): Promise<void>;
  /** `http://127.0.0.1:PORT`, without a slash at the end: the root of `/api/v1` and of the authorization. */
  readonly url: string;
  readonly faults: Faults;
  readonly on: Hooks["on"];
  readonly books: Pick<Books, "snapshot" | "reset">;
  /** The switches in force. */
  readonly switches: Readonly<PlangradeSwitches>;
  /** Changes switches from the next call on. */
  configure(switches: Partial<PlangradeSwitches>): void;
  /** Changes the quota of each user from the next call on; null = none. */
  setQuota(perMinute: number | null): void;
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
  /** A user takes back whatever he granted to any application. Default: the first. */
  revokeGrants(userId?: number): void;
  /** Ends all access tokens before their time; refresh tokens stay good. */
  expireTokens(): void;
  /** Everything, or what the account of a user shows. */
  snapshot(userId?: number): PlangradeSnapshot;
}
