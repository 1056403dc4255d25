/** Sends tracked events: one call each, since Planhat's bulk form is not settled, several at once. */
import type { HttpClient } from "../../../http/client";
import { RemoteError } from "../../../http/errors";
import type { Applied, Intent, Problem, Result } from "../../connection";
import { attempt, isFailed, isRefusal, problemOf, unsent, type Failed } from "../api/failure";
import { inParallel } from "../../../in-parallel";

/** Concurrent calls; the host has no documented limit. */
const WIDTH = 10;

/**
 * @param tenantId the tenant's UUID, which the host takes as the credentials
 * @returns one result per intent. A lost answer leaves its event unconfirmed, since nobody can look it up.
 */
export async function trackActivities(
  client: HttpClient,
  tenantId: string,
  intents: readonly Intent[],
): Promise<Applied> {
  let problem: Problem | undefined;
  const results = await inParallel(intents, WIDTH, async (intent): Promise<Result> => {
    // Once the host refuses the tenant or is down, the rest is not tried.
    if (problem !== undefined) return { kind: "later", waitMs: problem.waitMs, message: problem.message };
    const params = { tenantId };
    const answer = await attempt(() =>
      client.request({ method: "POST", route: "/analytics/:tenantId", params, body: intent.fields, expect: "text" }),
    );
    if (!isFailed(answer)) return { kind: "created", remoteId: "" };
    const failed = resultOf(answer);
    if (failed.kind !== "rejected") problem ??= stopFor(answer);
    return failed;
  });
  return { results, problem };
}

function resultOf(error: Failed): Result {
  const { message } = error;
  if (isRefusal(error)) return { kind: "rejected", message, status: error.status ?? 0 };
  return unsent(error);
}

/** Only events wait: companies and endusers go to another host. */
function stopFor(error: Failed): Problem {
  const unknownTenant = error instanceof RemoteError && (error.kind === "auth" || error.kind === "not_found");
  const hint = "Check the tenant token in the settings.";
  return unknownTenant
    ? { ...problemOf(error), scope: "type", kind: "configuration", message: `${error.message}. ${hint}` }
    : { ...problemOf(error), scope: "type" };
}
