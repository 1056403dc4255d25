/** What a failed call to plangrade means for the records that waited for it. */
import { RemoteError } from "../../../http/errors";
import type { Problem } from "../../connection";
import { problemOf as failureProblem, type Failed } from "../../failure";
import { challengeIn } from "./envelope";

const HINT =
  "Let the connector in, by the link that its status shows, and check application key and secret in the settings.";

/** Tells the lane who has to act on a failure, and when to try again. */
export function problemOf(error: Failed): Problem {
  const said = error instanceof RemoteError ? challengeIn(error.headers) : undefined;
  return failureProblem(error, said === undefined ? HINT : `plangrade says: ${said}. ${HINT}`);
}

/** plangrade does not have it, or not any more. */
export function isNotThere(error: unknown): error is RemoteError {
  return error instanceof RemoteError && (error.status === 404 || error.status === 410);
}
