/**
 * The last check of custom fields before they are sent, against the tenant's definitions. Planhat stores an unknown
 * name without showing it to anybody, and accepts every value, so what does not fit is withheld with a warning. Pure.
 */
import { listed } from "../../../outcome/listed";
import { formOf } from "../../../outcome/outcome";
import { reason, type ReasonCode } from "../reasons";
import type { Reason } from "../../../outcome/outcome";
import type { Desired, Json } from "../../../record";
import type { FieldType } from "../../model";
import type { Prepared } from "../../connection";
import type { CustomField } from "../api/custom-fields";
import { customName } from "../object-types";
import { customNamesOf, namingsOf } from "../settings/custom-mapping";
import type { Naming } from "../settings/custom-mapping";
import type { MappingRow } from "../settings/settings";
import { convert, listOf } from "../../mapping/values";
import type { Converted } from "../../mapping/values";

export type Ready = Extract<Prepared, { kind: "ready" }>;

export function hasCustomFields({ fields }: Desired): boolean {
  return Object.keys(fields).some((field) => customName(field) !== undefined);
}

/** @param rows the mapping of this type; records that still wait may come from an earlier one */
export function checkCustom(
  type: string,
  records: readonly Desired[],
  rows: readonly MappingRow[],
  known: readonly CustomField[],
): readonly Ready[] {
  const mapped = customNamesOf(rows);
  const all = new Set(records.flatMap(({ fields }) => Object.keys(fields).flatMap((field) => customName(field) ?? [])));
  for (const name of mapped) all.delete(name);
  const namings = namingsOf(type, [...all, ...mapped], known);
  const attributes = new Map(rows.map(({ attribute, field }) => [field, attribute.text]));
  return records.map((record) => checkOne(record, namings, attributes));
}

function checkOne(
  { fields }: Desired,
  namings: ReadonlyMap<string, Naming>,
  attributes: ReadonlyMap<string, string>,
): Ready {
  const wire = new Map<string, Json>();
  const withheld = new Map<string, Reason>();
  const warnings: Reason[] = [];
  for (const [field, value] of Object.entries(fields)) {
    const name = customName(field);
    const attribute = attributes.get(field) ?? "";
    const verdict: Verdict =
      name === undefined ? { value } : judge(namings.get(name) ?? { kind: "unknown" }, value, attribute);
    if (verdict.value !== undefined) wire.set(field, verdict.value);
    if (verdict.code === undefined) continue;
    const why = reason(verdict.code, `${attribute === "" ? "" : `${attribute} → `}${field}: ${verdict.text}`);
    if (verdict.value === undefined) withheld.set(field, why);
    else warnings.push(why);
  }
  return {
    kind: "ready",
    fields: Object.fromEntries(wire),
    withheld: withheld.size > 0 ? Object.fromEntries(withheld) : undefined,
    warnings: warnings.length > 0 ? warnings : undefined,
  };
}

/** The value to be sent, if it is, and what a person should know. */
type Verdict =
  | { readonly value: Json; readonly code?: undefined }
  | { readonly value?: Json; readonly code: ReasonCode; readonly text: string };

function judge(naming: Naming, value: Json, attribute: string): Verdict {
  if (naming.kind === "unknown") {
    return { code: "unknown_field", text: "correct the name in the settings, or create the field in Planhat" };
  }
  const { field } = naming;
  if (naming.kind === "twin") {
    return { code: "twin_field", text: `"${naming.instead}" fills "${field.name}" already; remove one of the rows` };
  }
  if (field.formula) return { code: "fixed_field", text: "Planhat computes it; remove the row" };
  const fitted = fit(value, field, attribute);
  if (!fitted.ok) {
    const text = `${formOf(value)}; the field takes ${fitted.why}; correct the attribute, or map another field`;
    return { code: "invalid_value", text };
  }
  if (naming.kind === "exact") return fitted;
  return { value: fitted.value, code: "misspelt_field", text: `it is "${field.name}"; write it so in the settings` };
}

interface Kind {
  readonly type: FieldType;
  /** What it accepts, for people. */
  readonly takes: string;
  /** Its definition may offer choices. */
  readonly chooses?: true;
}

const TEXT: Kind = { type: "text", takes: "a text" };
const NUMBER: Kind = { type: "number", takes: "a number" };
const DATE: Kind = { type: "instant", takes: "a date" };
const ID: Kind = { type: "text", takes: "an id of Planhat" };
const IDS: Kind = { type: "set", takes: "a list of ids of Planhat" };

/** Planhat's words for what fields hold (planhat.com/developers/api/custom-field). */
const KINDS: Readonly<Record<string, Kind>> = {
  text: TEXT,
  "rich text": TEXT,
  phone: TEXT,
  email: TEXT,
  url: TEXT,
  number: NUMBER,
  rating: NUMBER,
  checkbox: { type: "boolean", takes: "true or false" },
  day: DATE,
  date: DATE,
  list: { type: "text", takes: "one text", chooses: true },
  multipicklist: { type: "set", takes: "a list of texts", chooses: true },
  "team member": ID,
  enduser: ID,
  "team members": IDS,
  endusers: IDS,
};

/** Fields of unknown kind are sent unchecked. Null clears every field. `why`: what the field takes. */
function fit(value: Json, { holds, choices, name }: CustomField, attribute: string): Converted {
  const kind = Object.hasOwn(KINDS, holds) ? KINDS[holds] : undefined;
  if (value === null || kind === undefined) return { ok: true, value };
  const offer = kind.chooses === true ? choices : undefined;
  const given = kind.type === "set" ? asChoices(value, offer) : value;
  const converted = convert(given, { name, type: kind.type }, attribute);
  if (!converted.ok) return { ok: false, why: kind.takes };
  return offer === undefined || isAmong(offer, converted.value) ? converted : { ok: false, why: offered(offer) };
}

/** A list may come as its JSON text; a single choice may contain a comma. */
function asChoices(value: Json, offer: readonly string[] = []): Json {
  return typeof value === "string" && offer.includes(value) ? [value] : (listOf(value) ?? value);
}

/** The empty text chooses nothing, like an empty list. */
function isAmong(offer: readonly string[], value: Json): boolean {
  const chosen = Array.isArray(value) ? (value as readonly Json[]) : value === "" ? [] : [value];
  return chosen.every((each) => typeof each === "string" && offer.includes(each));
}

/** Most choices that one warning names. */
const MOST_NAMED = 20;

function offered(choices: readonly string[]): string {
  const named = choices.map((each) => `"${each}"`);
  return `only what it offers (${listed(named, MOST_NAMED)})`;
}
