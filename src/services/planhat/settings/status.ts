/**
 * What can be said from the settings alone: the checks of the earlier connector in their order and with their levels,
 * and some more. Planhat is not asked, so a token that looks right may still be refused; see `inspect.ts` for that.
 */
import type { Finding } from "../../connection";
import { error, lately, setupRequired, warning, when } from "../../findings";
import { COMPANIES, findField, OWNER_FIELDS } from "../object-types";
import type { MappingWarning } from "./mapping-warnings";
import type { PlanhatSettings } from "./settings";

/** The settings by their titles. */
export const TITLES = {
  outgoing: {
    endusers: "User attributes mapping",
    companies: "Account attributes mapping",
    licenses: "Licenses attributes mapping",
  },
  incoming: {
    endusers: "Incoming user attributes mapping",
    companies: "Incoming account attributes mapping",
    licenses: "",
  },
  custom: {
    endusers: "User custom attributes mapping",
    companies: "Account custom attributes mapping",
    licenses: "Licenses custom attributes mapping",
  },
} as const;

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Whether licenses are sent at all. */
export function sendsLicenses({ licenses, mapping }: PlanhatSettings): boolean {
  return licenses.attribute !== undefined && mapping.licenses.length > 0;
}

/** Without both tokens there is nothing else to say: one step after the other. */
export function checkSettings(settings: PlanhatSettings): readonly Finding[] {
  const missing = credentials(settings);
  if (missing.length > 0) return missing;
  return [
    ...licenseUse(settings),
    ...settings.oddRows.filter(isUnknown).map(unknownField),
    ...enduserFields(settings),
    ...companyFields(settings),
    ...licenseFields(settings),
    ...tenantToken(settings),
    ...settings.oddRows.filter((row) => !isUnknown(row)).map(oddRow),
    ...filters(settings),
  ];
}

/** Owners are values of accounts, which only Hull knows: whether they exist shows when an account is sent. */
export function checkOutcomes(outcomes: Readonly<Record<string, number>>): readonly Finding[] {
  return OWNER_FIELDS.flatMap(([field, code]) => {
    const title = findField(COMPANIES.name, field)?.label ?? field;
    const text = `an account was skipped because its ${title} is not a Planhat user. Put the e-mail address or the id of a Planhat user there, or take ${title} out of ${TITLES.outgoing.companies}; then send these accounts again.`;
    return lately(outcomes, (name) => name === `${COMPANIES.name}/skipped/${code}`, text);
  });
}

function credentials({ token, tenantId }: PlanhatSettings): readonly Finding[] {
  const noToken =
    "Personal Access Token is empty, so nothing can be sent or fetched. Make a service account in Planhat and paste its API access token.";
  const noTenant =
    "Tenant Token is empty, so no event can be sent. Copy the id (UUID) of your tenant; Planhat shows it beside the API access tokens.";
  return [
    ...when(token === undefined, setupRequired(noToken)),
    ...when(tenantId === undefined, setupRequired(noTenant)),
  ];
}

function licenseUse({ licenses, mapping }: PlanhatSettings): readonly Finding[] {
  const isChosen = licenses.attribute !== undefined;
  const isMapped = mapping.licenses.length > 0;
  const unmapped =
    "Licenses account attribute is chosen and the mapping of licenses is empty, so no license is sent. Add rows to Licenses attributes mapping, or empty the attribute.";
  const unchosen =
    "Licenses are mapped and Licenses account attribute is empty, so no license is sent. Choose the account attribute that holds the list of licenses, or remove the rows.";
  return [...when(isChosen && !isMapped, warning(unmapped)), ...when(isMapped && !isChosen, warning(unchosen))];
}

const isUnknown = ({ code, incoming }: MappingWarning): boolean => code === "unknown_field" && !incoming;

function unknownField({ type, name }: MappingWarning): Finding {
  return error(
    `${TITLES.outgoing[type]}: "${name}" is not a property of Planhat's ${type}, so its row is left out. Choose one from the list; a custom field belongs in ${TITLES.custom[type]}.`,
  );
}

function enduserFields({ mapping }: PlanhatSettings): readonly Finding[] {
  const has = hasField(mapping.endusers);
  const title = TITLES.outgoing.endusers;
  const noKey = `${title} has neither email nor externalId, so no enduser can be recognised. Add a row for one of them.`;
  const noName = `${title} has neither name nor both of firstName and lastName. Add a row for name, or for the two.`;
  return [
    ...when(!has("externalId") && !has("email"), error(noKey)),
    ...when(!has("name") && !(has("firstName") && has("lastName")), error(noName)),
  ];
}

function companyFields({ mapping }: PlanhatSettings): readonly Finding[] {
  const text = `${TITLES.outgoing.companies} has no row for name, and Planhat creates no company without it. Add one.`;
  return when(!hasField(mapping.companies)("name"), error(text));
}

function licenseFields(settings: PlanhatSettings): readonly Finding[] {
  if (!sendsLicenses(settings)) return [];
  const has = hasField(settings.mapping.licenses);
  const title = TITLES.outgoing.licenses;
  const noAmount = `${title} has neither mrr nor value. Planhat wants one of them; add a row.`;
  return [
    ...["externalId", "_currency", "fromDate"].flatMap((field) =>
      when(!has(field), error(`${title} has no row for ${field}, and Planhat creates no license without it. Add one.`)),
    ),
    ...when(!has("mrr") && !has("value"), error(noAmount)),
  ];
}

/** Only its form; a token that was pasted into the wrong place is the usual mistake. */
function tenantToken({ tenantId }: PlanhatSettings): readonly Finding[] {
  const text =
    "Tenant Token does not look like the id of a tenant (a UUID such as 01234567-89ab-cdef-0123-456789abcdef), so Planhat will probably refuse events. Copy it again; it is not the access token.";
  return when(tenantId !== undefined && !UUID.test(tenantId), warning(text));
}

function oddRow({ code, type, incoming, name }: MappingWarning): Finding {
  const title = TITLES[incoming ? "incoming" : "outgoing"][type];
  if (code === "duplicate_field") {
    return warning(`${title}: "${name}" is filled by several rows, and only the last one counts. Remove the others.`);
  }
  return warning(`${title}: "${name}" is set by the connector or by Planhat, so its row is left out. Remove it.`);
}

function filters({ userSegments, accountSegments }: PlanhatSettings): readonly Finding[] {
  const text =
    "Endusers Filter and Company Filter are both empty, so only what you send by hand is sent. Choose segments to begin.";
  return when(userSegments.length + accountSegments.length === 0, { level: "ok", text });
}

function hasField(rows: readonly { readonly field: string }[]): (field: string) => boolean {
  return (field) => rows.some((row) => row.field === field);
}
