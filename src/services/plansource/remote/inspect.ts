/**
 * Whether PlanSource accepts what the settings say: credentials, environment, rights, mapping, reasons. Two small calls and
 * perhaps a token, in the class of interactive requests. Trouble on the way is a finding like any other.
 */
import { RemoteError } from "../../../http/errors";
import { listed } from "../../../outcome/listed";
import type { Finding } from "../../connection";
import { clause, error, unanswered, warning } from "../../findings";
import { attempt, isFailed, type Failed } from "../../failure";
import { problemOf } from "../api/failure";
import type { Rest } from "../api/rest";
import { missingOf, reasonCodeOf } from "../rules/check";
import { EMPTY_META, type Meta } from "../rules/meta";
import { API_USERS, TITLES } from "../settings/status";
import type { PlanSourceSettings } from "../settings/settings";
import type { Learnt } from "./learnt";

interface Inspection {
  readonly rest: Rest;
  /** @throws RemoteError, UnexpectedAnswer */
  readonly meta: () => Promise<Meta>;
  readonly learnt: Learnt;
  /** Another connector of this server names employees in the other way. */
  readonly othersDiffer: boolean;
}

export async function inspect(
  settings: PlanSourceSettings,
  { rest, meta: ask, learnt, othersDiffer }: Inspection,
): Promise<readonly Finding[]> {
  const own = [...(othersDiffer ? [differs()] : []), ...(learnt.ignoresFlag ? [flagIgnored(settings)] : [])];
  const probe = await attempt(() => rest.page(1, { perPage: 1 }));
  // After a refusal or no answer, further calls are pointless.
  if (isFailed(probe)) return [explain(probe, settings), ...own];
  const meta = await attempt(ask);
  if (isFailed(meta)) return [warning(metaUnread(meta)), ...own];
  if (meta === EMPTY_META) return [warning(NO_META), ...own];
  return [...mapping(settings, meta), ...reasons(settings, meta), ...own];
}

const OTHER = { "partner-dev": "production", production: "partner-dev" } as const;

function explain(failed: Failed, { environment }: PlanSourceSettings): Finding {
  const message = clause(failed.message);
  if (!(failed instanceof RemoteError) || problemOf(failed).kind === "transient")
    return unanswered("PlanSource", failed);
  if (failed.status === 403) {
    return error(
      `PlanSource does not let the API user see employees (403). Give the user that ${TITLES.logged_in_user} names access to your organization, or choose another one under ${API_USERS}.`,
    );
  }
  if (failed.kind === "auth") {
    return error(
      `PlanSource refuses ${TITLES.client_id}, ${TITLES.client_secret} or ${TITLES.logged_in_user}. One of them was mistyped or withdrawn, or they belong to the environment ${OTHER[environment]}: chosen is ${environment}, and each environment has its own. Copy them again from ${API_USERS}, or choose the other environment.`,
    );
  }
  return error(`PlanSource does not answer as it should: ${message}. Check the environment, which is ${environment}.`);
}

const NO_META =
  "PlanSource does not describe its fields to this API user (404 for /subscriber/meta), so values are sent unchecked, and PlanSource refuses what it does not like in its own words. Ask PlanSource's support to allow the call.";

const metaUnread = (failed: Failed): string =>
  `PlanSource's description of its fields could not be read: ${clause(failed.message)}. Values cannot be checked without it, so nobody is sent until it can.`;

/** What the mapping names and this client does not have, and what the client requires and the mapping lacks. */
function mapping({ rows }: PlanSourceSettings, meta: Meta): readonly Finding[] {
  const mapped = new Set(rows.map(({ field }) => field));
  const unknown = [...mapped].filter((field) => !meta.fields.includes(field) && field !== "subscriber_code");
  const fixed = [...mapped].filter((field) => !meta.rule(field).update);
  const lacking = missingOf(meta, (field) => !mapped.has(field));
  const title = TITLES.subscriber_attributes_outbound;
  return [
    ...named(
      unknown,
      (names) =>
        `${title}: PlanSource does not describe ${names} for your company, so whether it takes them is not known. If employees are refused because of them, remove the rows.`,
    ),
    ...named(
      lacking,
      (names) =>
        `${title} has no row for ${names}, which your company requires of new employees. They are refused until there are rows for them.`,
    ),
    ...named(
      fixed,
      (names) =>
        `${title}: PlanSource does not allow updates of ${names}. New employees get them; later changes are left out.`,
    ),
  ];
}

/** A warning that names fields, if there are any. */
function named(fields: readonly string[], text: (names: string) => string): readonly Finding[] {
  return fields.length === 0 ? [] : [warning(text(listed(fields, MOST)))];
}

const MOST = 20;

function reasons({ lifeCycle }: PlanSourceSettings, meta: Meta): readonly Finding[] {
  const { onLeavingSegments, defaultReason } = lifeCycle;
  if (!onLeavingSegments || defaultReason === undefined || meta.reasons.length === 0) return [];
  const code = reasonCodeOf(defaultReason, meta);
  return code.ok
    ? []
    : [error(`${TITLES.termination_reason_default}: ${clause(code.reason.text)}. Choose one of them.`)];
}

function differs(): Finding {
  return warning(
    `Connectors on this server differ in "${TITLES.subscriber_key}" (a change counts as a difference for an hour). PlanSource wants one choice for all clients of an integration, and single sign-on needs the subscriber_code. Make the settings the same.`,
  );
}

function flagIgnored({ terminationFlagName }: PlanSourceSettings): Finding {
  return warning(
    `PlanSource did not take "${terminationFlagName}" of the last termination, which says whether somebody left by choice. Choose the other spelling in "${TITLES.termination_flag_name}".`,
  );
}
