/** Calls of PlanningPME's part of the server, as programs and Hull make them. */
import { DEFAULT_CREDENTIALS } from "../../../simulators/planningpme";
import { PLANNER } from "../../fixture/planningpme";
import { createAsking } from "../service-asking";

export type { Asking } from "../service-asking";

/** What no answer and no log line may show. */
export const SECRETS: readonly string[] = [PLANNER.secret, DEFAULT_CREDENTIALS.appKey, DEFAULT_CREDENTIALS.authToken];

export const { ask, operate, askAsHull } = createAsking("planningpme", PLANNER, SECRETS);
