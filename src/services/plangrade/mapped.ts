/** The mapping tables applied to a message: every value in the form in which plangrade takes it. Pure. */
import type { Reason } from "../../outcome/outcome";
import type { Json } from "../../record";
import { own, readAttribute } from "../mapping/attributes";
import type { MappedField } from "../mapping/fields";
import { convert, isBlank } from "../mapping/values";
import type { EntityMessage } from "../message";
import { COMPANIES, fieldSpec, PARTICIPANTS, requiredFields, SSN } from "./objects";
import { reason } from "./reasons";
import { rowsOf, type PlangradeSettings } from "./settings/settings";
import { written } from "./values";

export interface MappedRecord {
  readonly fields: Readonly<Record<string, Json>>;
  /** Values that are left out, because they have no form that plangrade takes. */
  readonly warnings: readonly Reason[];
  /** An EIN that cannot be read: such a company would be created again and again. */
  readonly brokenKeys: readonly Reason[];
}

export function mapCompany(message: EntityMessage, settings: PlangradeSettings): MappedRecord {
  const mapped = mapRows(COMPANIES.name, rowsOf(COMPANIES.name, settings), message);
  const isBroken = ({ field }: Misfit): boolean => field === "ein";
  return {
    fields: mapped.fields,
    warnings: mapped.misfits.filter((each) => !isBroken(each)).map(({ why }) => why),
    brokenKeys: mapped.misfits.filter(isBroken).map(({ why }) => why),
  };
}

/** With the last four digits of the social security number, where there is an attribute for it. */
export function mapParticipant(message: EntityMessage, settings: PlangradeSettings): MappedRecord {
  const { ssnAttribute } = settings;
  const rows: readonly MappedField[] = [
    ...rowsOf(PARTICIPANTS.name, settings),
    ...(ssnAttribute === undefined ? [] : [{ field: SSN, attribute: ssnAttribute }]),
  ];
  const { fields, misfits } = mapRows(PARTICIPANTS.name, rows, message);
  return { fields, warnings: misfits.map(({ why }) => why), brokenKeys: [] };
}

interface Misfit {
  readonly field: string;
  readonly why: Reason;
}

function mapRows(type: string, rows: readonly MappedField[], message: EntityMessage) {
  const required = requiredFields(type);
  const misfits: Misfit[] = [];
  const fields: Record<string, Json> = {};
  for (const { field, attribute } of rows) {
    const value = readAttribute(message, attribute);
    // Hull holds nothing, or nothing that may be empty in plangrade; an empty text clears the rest.
    if (value === undefined || value === null || (isBlank(value) && !clearable(type, field, required))) continue;
    const converted = convert(value, fieldSpec(type, field), attribute.text);
    const form = converted.ok ? written(field, converted.value) : converted;
    if (form.ok) fields[field] = form.value;
    else misfits.push({ field, why: reason("invalid_value", `${attribute.text} → ${field}: ${form.why}`) });
  }
  return { fields, misfits };
}

function clearable(type: string, field: string, required: readonly string[]): boolean {
  return !required.includes(field) && fieldSpec(type, field).writeOnly !== true;
}

/** The required fields that are missing, in the order of plangrade's documentation. */
export function missingIn(type: string, fields: Readonly<Record<string, Json>>): readonly string[] {
  return requiredFields(type).filter((field) => isBlank(own(fields, field)));
}
