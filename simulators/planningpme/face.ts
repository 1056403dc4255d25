/** What demo, tests and bench see of the simulator of PlanningPME. */
import type { Faults } from "../loopback/faults";
import type { Hooks } from "../loopback/hooks";
import type { Credentials } from "./access";
import type { Books } from "./books";
import type { Brand } from "./brand";
import type { PlanningPmeRecord } from "./records";
import type { PlanningPmeSwitches } from "./switches";
import type { Template } from "./template";

export interface PlanningPmeSimulator {
  listen(port?: number): Promise<void>;
  close(): Promise<void>;
  /** `http://127.0.0.1:PORT`, without a slash at the end. What belongs to a brand begins with `/{brand}`. */
  readonly url: string;
  readonly faults: Faults;
  readonly on: Hooks["on"];
  readonly books: Pick<Books, "snapshot" | "reset">;
  /** The switches in force. */
  readonly switches: Readonly<PlanningPmeSwitches>;
  /** Changes switches from the next call on. */
  configure(switches: Partial<PlanningPmeSwitches>): void;
  /** Changes the quota of each app key from the next call on; null = none. */
  setQuota(perHour: number | null): void;
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
