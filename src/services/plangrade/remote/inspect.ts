/**
 * Whether plangrade accepts what the settings and the grant say, in one or two calls. Trouble on the way is a finding like
 * any other.
 */
import { RemoteError } from "../../../http/errors";
import type { Finding } from "../../connection";
import { clause, error, unanswered } from "../../findings";
import { attempt, isFailed, type Failed } from "../../failure";
import { challengeIn } from "../api/envelope";
import { isNotThere, problemOf } from "../api/failure";
import type { Rest } from "../api/rest";
import { APPLICATIONS, TITLES } from "../settings/status";

export async function inspect(rest: Rest): Promise<readonly Finding[]> {
  const me = await attempt(() => rest.me());
  // The call is younger than the first documentation: without it the list of companies says the same.
  const probe = isNotThere(me) ? await attempt(() => rest.companies.list()) : me;
  return isFailed(probe) ? [explain(probe)] : [];
}

function explain(failed: Failed): Finding {
  if (!(failed instanceof RemoteError) || problemOf(failed).kind === "transient") {
    return unanswered("plangrade", failed);
  }
  if (failed.status === 403) {
    return error(
      "plangrade does not let the person who granted access see companies (403). Grant access again as somebody who manages them.",
    );
  }
  if (failed.kind === "auth") {
    const said = challengeIn(failed.headers);
    const words = said === undefined ? "" : ` (${said})`;
    return error(
      `plangrade refuses the access that was granted${words}. Grant access again; if that does not help, copy ${TITLES.application_key} and ${TITLES.application_secret} from ${APPLICATIONS} again.`,
    );
  }
  return error(
    `plangrade does not answer as it should: ${clause(failed.message)}. Ask those who run this server whether it asks at plangrade's address.`,
  );
}
