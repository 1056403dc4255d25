/** What demo, tests and bench see of the simulator of PlanningPME. */
import type { ServiceSimulator } from "../loopback/service";
import type { Credentials } from "./access";
import type { PlanningPmeCounts } from "./books";
import type { Brand } from "./brand";
import type { PlanningPmeRecord } from "./records";
import type { PlanningPmeSwitches } from "./switches";
import type { Template } from "./template";

export interface PlanningPmeSimulator extends ServiceSimulator<PlanningPmeSwitches, PlanningPmeCounts> {
  /** Default: the first. Throws on an unknown name. */
  brand(name?: string): Brand;
  /** Adds a brand with its own templates and no records, or another key and user to a brand that is there. */
  addBrand(credentials: Credentials, templates?: readonly Template[]): Brand;
  /** Refuses the application from the next call on. Default: the first. */
  revokeAppKey(appKey?: string): void;
  /** Refuses the user's token, and what was exchanged for it, from the next call on. Default: the first. */
  revokeAuthToken(credentials?: Omit<Credentials, "appKey">): void;
  /** Ends all exchanged tokens before their time. */
  expireTokens(): void;
  snapshot(brand?: string): readonly PlanningPmeRecord[];
}
