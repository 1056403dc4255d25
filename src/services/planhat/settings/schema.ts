/** The lists of fields that people choose from in Hull's settings. */
import startCase from "lodash/startCase";
import uniqBy from "lodash/uniqBy";
import type { FieldOption, FieldUse } from "../../connection";
import { COMPANY_PROPERTIES } from "../api/company-properties";
import type { CustomField } from "../api/custom-fields";
import { COMPANIES, customField, ENDUSERS, LICENSES, typeSpec } from "../object-types";

/** As the earlier connector called the lists. */
const TABLES: Readonly<Record<string, string>> = {
  contacts: ENDUSERS.name,
  companies: COMPANIES.name,
  licenses: LICENSES.name,
};

/** What Planhat shows of endusers besides the fields that can be written (planhat.com/developers/api/enduser). */
const ENDUSER_PROPERTIES = [
  ...["nps", "npsDate", "npsSent", "npsComment", "beats", "beatsTotal", "beatTrend", "convs14", "convsTotal"],
  ...["experience", "relevance", "lastTouch", "lastTouchTime", "archived", "createdAt", "updatedAt"],
];

/** Objects with varying keys: told as JSON text, not useful as the source of an attribute. */
const UNSUITABLE = ["custom", "features", "sunits", "usage", "lastTouchByType"];

const SHOWN: Readonly<Record<string, readonly string[]>> = {
  [ENDUSERS.name]: ENDUSER_PROPERTIES,
  [COMPANIES.name]: COMPANY_PROPERTIES.filter((name) => !UNSUITABLE.includes(name)),
};

const ORDER = new Intl.Collator("en", { numeric: true });

/**
 * In alphabetical order, each value once.
 *
 * @param table `contacts`, `companies` or `licenses`
 * @param custom all fields that the tenant made; hidden ones and those of other tables are left out
 * @returns undefined when there is no such list
 */
export function optionsOf(
  table: string,
  use: FieldUse,
  custom: readonly CustomField[],
): readonly FieldOption[] | undefined {
  const type = Object.hasOwn(TABLES, table) ? TABLES[table] : undefined;
  // Licenses do not come to Hull.
  if (type === undefined || (use === "incoming" && type === LICENSES.name)) return undefined;
  // What Planhat computes can be read but not written.
  const own = custom.filter((field) => field.type === type && !field.hidden && (use === "incoming" || !field.formula));
  const options = [...(use === "custom" ? [] : standardOptions(type, use)), ...own.map((field) => offer(field, use))];
  return uniqBy(options, "value").sort(
    (left, right) => ORDER.compare(left.label, right.label) || ORDER.compare(left.value, right.value),
  );
}

function standardOptions(type: string, use: FieldUse): readonly FieldOption[] {
  const { fields } = typeSpec(type);
  const offered = use === "incoming" ? fields : fields.filter((row) => row.fixed !== true && row.readOnly !== true);
  const labelled = offered.map(({ name, label }) => ({ value: name, label }));
  if (use !== "incoming") return labelled;
  return [...labelled, ...(SHOWN[type] ?? []).map((name) => ({ value: name, label: startCase(name) }))];
}

/** In its own list a custom field has its bare name; among standard ones it must be distinguishable. */
function offer({ name }: CustomField, use: FieldUse): FieldOption {
  return use === "custom"
    ? { value: name, label: name.trim() }
    : { value: customField(name), label: `${name.trim()} (custom)` };
}
