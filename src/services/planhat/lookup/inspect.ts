/**
 * Whether Planhat accepts what the settings say: token, region, rights, custom fields, owners. At most five small
 * calls, in the class of interactive requests. Trouble on the way is a finding like any other.
 */
import { RemoteError } from "../../../http/errors";
import type { Finding } from "../../connection";
import { clause, error, unanswered, warning } from "../../findings";
import type { CustomField } from "../api/custom-fields";
import { checkCustomFields, customNames } from "../settings/custom-mapping";
import { attempt, isFailed, lacksRight, problemOf } from "../api/failure";
import type { Failed } from "../api/failure";
import { OWNER_FIELDS } from "../object-types";
import type { Rest } from "../api/rest";
import type { PlanhatSettings } from "../settings/settings";
import { sendsLicenses } from "../settings/status";

interface Inspection {
  readonly rest: Rest;
  /** @throws RemoteError, UnexpectedAnswer */
  readonly customFields: () => Promise<readonly CustomField[]>;
}

export async function inspect(
  settings: PlanhatSettings,
  { rest, customFields }: Inspection,
): Promise<readonly Finding[]> {
  const ask = (path: string, select?: string) => attempt(() => rest.list(path, { limit: 1, select }));
  const probe = await ask("/companies", "_id");
  // After a refusal or no answer, further calls are pointless.
  if (isFailed(probe) && !lacksRight(probe)) return [explain(probe, "companies", settings)];
  const further = [
    readable("/endusers", "endusers"),
    ...(sendsLicenses(settings) ? [readable("/licenses", "licenses")] : []),
    ...(needsOwners(settings) ? [owners()] : []),
    ...(customNames(settings).length > 0 ? [fields()] : []),
  ];
  const own = isFailed(probe) ? [explain(probe, "companies", settings)] : [];
  return [...own, ...(await Promise.all(further)).flat()];

  async function readable(path: string, what: string): Promise<readonly Finding[]> {
    const answer = await ask(path, "_id");
    return isFailed(answer) ? [explain(answer, what, settings)] : [];
  }

  async function owners(): Promise<readonly Finding[]> {
    const answer = await ask("/users");
    if (isFailed(answer)) return [explain(answer, "users", settings)];
    if (answer.length > 0) return [];
    const text =
      "Planhat shows no users, so every owner counts as invalid and such companies are skipped. Allow the service account to read users.";
    return [warning(text)];
  }

  async function fields(): Promise<readonly Finding[]> {
    const known = await attempt(customFields);
    if (!isFailed(known)) return checkCustomFields(settings, known);
    // Nothing stops without that right.
    const text = `The mapped custom fields could not be checked: ${clause(known.message)}. Unless that passes, their values are sent unchecked. Allow the service account to read custom fields.`;
    return [warning(text)];
  }
}

/** Owners are looked up by their e-mail addresses, and told by name if that is switched on. */
function needsOwners({ mapping, incoming }: PlanhatSettings): boolean {
  return incoming.resolveOwners || mapping.companies.some((row) => OWNER_FIELDS.some(([field]) => field === row.field));
}

/** @param what could not be read */
function explain(failed: Failed, what: string, { apiPrefix }: PlanhatSettings): Finding {
  if (!(failed instanceof RemoteError) || problemOf(failed).kind === "transient") {
    return unanswered("Planhat", failed, "look at Planhat's status page or at the network");
  }
  if (failed.kind !== "auth") {
    const text = `Planhat's API does not answer as it should: ${clause(failed.message)}. Check API Prefix, which is ${apiPrefix}.`;
    return error(text);
  }
  return lacksRight(failed)
    ? error(
        `Planhat does not let the token read ${what} (403). Give its service account the right to ${what === "users" ? "read" : "read and write"} ${what}.`,
      )
    : error(
        `Planhat refuses the Personal Access Token. It was mistyped or withdrawn, or it belongs to another region: API Prefix is ${apiPrefix}, and other regions do not know your token. Paste the token again, or choose the prefix of your API address.`,
      );
}
