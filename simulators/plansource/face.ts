/** What demo, tests and bench see of the simulator of PlanSource. */
import type { ServiceSimulator } from "../loopback/service";
import type { ApiUser } from "./assertion";
import type { PlanSourceCounts } from "./books";
import type { Organization } from "./organization";
import type { Subscriber } from "./subscriber";
import type { PlanSourceSwitches } from "./switches";

export interface PlanSourceSimulator extends ServiceSimulator<PlanSourceSwitches, PlanSourceCounts> {
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
