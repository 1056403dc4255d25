/** Calls of PlanSource's part of the server, as programs and Hull make them. */
import { DEFAULT_API_USER } from "../../../simulators/plansource/simulator";
import { EMPLOYER } from "../../fixture/plansource";
import { createAsking } from "../service-asking";

export type { Asking } from "../service-asking";

/** What no answer and no log line may show. */
export const SECRETS: readonly string[] = [EMPLOYER.secret, DEFAULT_API_USER.clientSecret];

export const { ask, operate, askAsHull } = createAsking("plansource", EMPLOYER, SECRETS);
