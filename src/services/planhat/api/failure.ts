/** What a failed call to Planhat means for the records that waited for it. */
import type { Problem } from "../../connection";
import { problemOf as failureProblem, type Failed } from "../../failure";

export { attempt, isFailed, isRefusal, lacksRight, unsent, waitOf, type Failed } from "../../failure";

const HINT = "Check the token or region in the settings, and the rights of its service account in Planhat.";

/** Tells the lane who has to act on a failure, and when to try again. */
export const problemOf = (error: Failed): Problem => failureProblem(error, HINT);
