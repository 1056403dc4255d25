/** What a failed call to PlanSource means for the records that waited for it. */
import type { Problem } from "../../connection";
import { problemOf as failureProblem, type Failed } from "../../failure";

const HINT =
  "Check client id, secret, user name and environment in the settings, and the rights of the API user in PlanSource.";

/** Tells the lane who has to act on a failure, and when to try again. */
export const problemOf = (error: Failed): Problem => failureProblem(error, HINT);
