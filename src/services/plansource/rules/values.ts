/**
 * A value as PlanSource takes it. Numbers, switches and days were read before; here a label becomes its value, and what
 * PlanSource writes in a form of its own gets that form. What cannot be sent is refused before any call is made. Pure.
 */
import { formOf, type Reason } from "../../../outcome/outcome";
import { withoutBlanks, type Json } from "../../../record";
import { PHONE, type TextForm } from "../../mapping/digits";
import { convert } from "../../mapping/values";
import type { FieldSpec } from "../../model";
import { chosen, named, quoted, type Choice } from "./choices";
import type { Meta } from "./meta";
import { reason } from "../reasons";

export type WireValue = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly reason: Reason };

/** Lists that the guide for integrations gives, for a client whose meta has none. */
const OWN_CHOICES: ReadonlyMap<string, readonly Choice[]> = new Map([
  ["gender", listOf({ M: ["Male"], F: ["Female"] })],
  ["marital_status", listOf({ S: ["Single"], M: ["Married"], U: ["Unknown"] })],
  [
    "country",
    listOf({
      US: ["United States", "United States of America", "USA", "U.S.A.", "U.S."],
      CA: ["Canada", "CAN"],
    }),
  ],
]);

/** The names of countries are the same for every client, so they stand beside the client's own list. */
const ALSO_NAMED = "country";

/** In this grouping alone: nine digits in another one are some other number. */
const SSN = /^(\d{3})[\s\u2010-\u2015-]{0,3}(\d{2})[\s\u2010-\u2015-]{0,3}(\d{4})$/;

/** Forms that the guide for integrations names. */
const FORMS: ReadonlyMap<string, TextForm> = new Map([
  ["home_phone", PHONE],
  ["ssn", { write: (text) => SSN.exec(text)?.slice(1).join("-"), takes: "nine digits such as 123-45-6789" }],
]);

/**
 * @param value as the field's type holds it, and not blank
 * @returns what is sent, or `value_not_allowed`: it quotes the value of a list-validated field, and names any other by its
 *   form
 */
export function wireValue(spec: FieldSpec, value: Json, meta: Meta): WireValue {
  const fromMeta = meta.rule(spec.name).choices;
  const choices = fromMeta.length > 0 ? fromMeta : OWN_CHOICES.get(spec.name);
  if (choices !== undefined) return fromList(spec, value, choices);
  const form = FORMS.get(spec.name);
  if (form === undefined) return { ok: true, value };
  const written = typeof value === "object" ? undefined : form.write(withoutBlanks(String(value)));
  if (written !== undefined) return { ok: true, value: written };
  return notAllowed(`${spec.name}: ${formOf(value)}; it takes ${form.takes}`);
}

function fromList(spec: FieldSpec, value: Json, choices: readonly Choice[]): WireValue {
  for (const word of wordsFor(spec.name, value)) {
    const found = chosen(choices, word);
    if (found === undefined) continue;
    const typed = convert(found, spec, spec.name);
    return { ok: true, value: typed.ok ? typed.value : found };
  }
  const shown = spec.writeOnly === true ? "hidden" : typeof value === "object" ? formOf(value) : quoted(String(value));
  return notAllowed(`${spec.name}: ${shown}; allowed: ${named(choices)}`);
}

/** What may stand in the list for a value, the value itself first. */
function wordsFor(field: string, value: Json): readonly string[] {
  if (typeof value === "object") return [];
  const word = String(value);
  // Hull has switches where such a list has words.
  if (word === "true") return [word, "Yes", "Y"];
  if (word === "false") return [word, "No", "N"];
  const country = field === ALSO_NAMED ? chosen(OWN_CHOICES.get(field) ?? [], word) : undefined;
  return country === undefined ? [word] : [word, country];
}

function notAllowed(detail: string): WireValue {
  return { ok: false, reason: reason("value_not_allowed", detail) };
}

/** @param labels value → its labels, the one that people are shown first */
function listOf(labels: Readonly<Record<string, readonly string[]>>): readonly Choice[] {
  return Object.entries(labels).flatMap(([value, each]) => each.map((label) => ({ label, value })));
}
