/** What a failed call to PlanningPME means for the records that waited for it. */
import type { Problem } from "../../connection";
import { problemOf as failureProblem, type Failed } from "../../failure";

const HINT =
  "Check app key, authorization token, host and brand in the settings; perhaps the user must issue a new token.";

/** Tells the lane who has to act on a failure, and when to try again. */
export const problemOf = (error: Failed): Problem => failureProblem(error, HINT);
