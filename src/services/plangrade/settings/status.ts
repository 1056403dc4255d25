/**
 * What can be said from the settings alone, and from the outcomes of the last day. plangrade is not asked, and whether
 * somebody granted access is not known here.
 */
import { listed } from "../../../outcome/listed";
import type { Finding } from "../../connection";
import { error, hint, lately, setupRequired, warning, when } from "../../findings";
import { COMPANIES, PARTICIPANTS, requiredFields } from "../objects";
import type { ReasonCode } from "../reasons";
import { rowsOf, type PlangradeSettings, type UnusedRow } from "./settings";

/** The settings that findings name, by their titles in the manifest. */
export const TITLES = {
  application_key: "Application key",
  application_secret: "Application secret",
  account_synchronized_segments: "Companies Filter",
  synchronized_segments: "Participants Filter",
  company_attributes_outbound: "Company attributes mapping",
  participant_attributes_outbound: "Participant attributes mapping",
  ssn_attribute: "Social security number",
  archive_on_leaving_segments: "Archive whoever leaves all segments?",
} as const;

const TABLES: Readonly<Record<string, string>> = {
  [COMPANIES.name]: TITLES.company_attributes_outbound,
  [PARTICIPANTS.name]: TITLES.participant_attributes_outbound,
};

/** Where plangrade shows key and secret. */
export const APPLICATIONS = "plangrade.com/oauth/applications";
const MOST_NAMES = 20;

/** In the order in which they are best mended. Without credentials there is nothing else to say. */
export function checkSettings(settings: PlangradeSettings): readonly Finding[] {
  const missing = credentials(settings);
  if (missing.length > 0) return missing;
  return [
    ...required(COMPANIES.name, settings),
    ...required(PARTICIPANTS.name, settings),
    ...settings.rowWarnings.map(unusedRow),
    ...filters(settings),
    ...newEmployees(settings),
    ...archiving(settings),
  ];
}

function credentials({ applicationKey, applicationSecret }: PlangradeSettings): readonly Finding[] {
  const then = `so nothing can be sent or fetched. Copy it from your application at ${APPLICATIONS}.`;
  return [
    ...when(applicationKey === undefined, setupRequired(`${TITLES.application_key} is empty, ${then}`)),
    ...when(applicationSecret === undefined, setupRequired(`${TITLES.application_secret} is empty, ${then}`)),
  ];
}

function required(type: string, settings: PlangradeSettings): readonly Finding[] {
  const mapped = rowsOf(type, settings).map(({ field }) => field);
  const missing = requiredFields(type).filter((field) => !mapped.includes(field));
  const names = listed(missing, MOST_NAMES);
  const text = `${TABLES[type] ?? type} has no row for ${names}, which plangrade requires, so no ${type} are created. Add the rows.`;
  return when(missing.length > 0, error(text));
}

function unusedRow({ code, type, name }: UnusedRow): Finding {
  const table = TABLES[type] ?? type;
  switch (code) {
    case "unknown_field":
      return error(
        `${table}: "${name}" is not a field of plangrade's ${type}, so its row is left out. Choose one from the list.`,
      );
    case "fixed_field":
      return warning(
        `${table}: "${name}" is set by plangrade, or by a setting of its own, so its row is left out. Remove it.`,
      );
    case "duplicate_field":
      return warning(`${table}: "${name}" is filled by several rows, and only the last one counts. Remove the others.`);
  }
}

function filters({ accountSegments, segments }: PlangradeSettings): readonly Finding[] {
  const noCompanies = `${TITLES.account_synchronized_segments} is empty, so companies are sent only by hand, and with their first participant. Choose segments to begin.`;
  const noParticipants = `${TITLES.synchronized_segments} is empty, so participants are sent only by hand. Choose segments to begin.`;
  return [
    ...when(accountSegments.length === 0, hint(noCompanies)),
    ...when(segments.length === 0, hint(noParticipants)),
  ];
}

function newEmployees({ ssnAttribute, segments }: PlangradeSettings): readonly Finding[] {
  const text = `${TITLES.ssn_attribute} is not chosen. plangrade wants the last four digits of every new employee, so participants whom plangrade has are updated, and nobody is created. Choose the attribute that holds the number or its last four digits.`;
  return when(ssnAttribute === undefined && segments.length > 0, warning(text));
}

function archiving({ archiveOnLeavingSegments }: PlangradeSettings): readonly Finding[] {
  const text = `"${TITLES.archive_on_leaving_segments}" is on. plangrade archives dependents with the employee, and the connector cannot undo it.`;
  return when(archiveOnLeavingSegments, hint(text));
}

/** Values are only in Hull: whether plangrade takes them shows when somebody is sent. */
const LATELY: readonly (readonly [ReasonCode, string])[] = [
  [
    "incomplete",
    "a record was skipped because it lacks a field that plangrade requires. The log names the fields: fill the attributes in Hull.",
  ],
  [
    "ambiguous",
    "a record was skipped because several in plangrade have the same EIN, e-mail address, or name and date of birth. Compare them in plangrade, and correct or archive the wrong ones.",
  ],
  [
    "other_company",
    "a participant was left alone because the account in Hull is another one than the company in plangrade, which cannot be changed there. Correct the account in Hull, or create the participant anew in plangrade.",
  ],
  [
    "unconfirmed",
    "the answer to a call that must not be repeated was lost. Look in plangrade what became of the participant, then replay or drop the dead letter.",
  ],
];

/** @param outcomes of the last day: `type/outcome/code` → count */
export function checkOutcomes(outcomes: Readonly<Record<string, number>>): readonly Finding[] {
  return LATELY.flatMap(([code, what]) => lately(outcomes, (name) => name.endsWith(`/${code}`), what));
}
