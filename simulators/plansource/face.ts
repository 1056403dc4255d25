/** What demo, tests and bench see of the simulator of PlanSource. */
import type { Faults } from "../loopback/faults";
import type { Hooks } from "../loopback/hooks";
import type { ApiUser } from "./assertion";
import type { Books } from "./books";
import type { Organization } from "./organization";
import type { Subscriber } from "./subscriber";
import type { PlanSourceSwitches } from "./switches";

export interface PlanSourceSimulator {
  listen(port?: number): Promise<void>;
  close(): Promise<void>;
  /** `http://127.0.0.1:PORT`, without a slash at the end: the root of `/admin/v2` and `/oauth/v2`. */
  readonly url: string;
  readonly faults: Faults;
  readonly on: Hooks["on"];
  readonly books: Pick<Books, "snapshot" | "reset">;
  /** The switches in force. */
  readonly switches: Readonly<PlanSourceSwitches>;
  /** Changes switches from the next call on. */
  configure(switches: Partial<PlanSourceSwitches>): void;
  /** Changes the quota of each client from the next call on; null = none, which is what the documentation says. */
  setQuota(perMinute: number | null): void;
  /** The client that an API user works for. Default: the first. Throws on an unknown client id. */
  organization(clientId?: string): Organization;
  /** Adds an API user with an empty client of its own. */
  addApiUser(user: ApiUser): Organization;
  /** Refuses the API user and its tokens from the next call on. */
  revokeApiUser(clientId?: string): void;
  /** Ends all tokens before their time. */
  expireTokens(): void;
  snapshot(clientId?: string): readonly Subscriber[];
}
