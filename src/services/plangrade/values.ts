/** Values in the form in which plangrade takes them. What cannot be brought into it is named by its form. Pure. */
import { formOf } from "../../outcome/outcome";
import { withoutBlanks, type Json, type Keys } from "../../record";
import { NAME_AND_DOB } from "./objects";

interface Form {
  /** Undefined: the text has another form. */
  readonly write: (text: string) => string | undefined;
  readonly takes: string;
}

/** What people write between the digits of a number. */
const SIGNS = /[\s().\u2010-\u2015-]/g;

const digits =
  (pattern: RegExp) =>
  (text: string): string | undefined =>
    pattern.exec(text.replace(SIGNS, ""))?.[1];

/** Digits that a number has lost at its front are not guessed: an EIN of eight digits could be any of several. */
const FORMS: ReadonlyMap<string, Form> = new Map([
  ["ein", { write: digits(/^(\d{9})$/), takes: "nine digits such as 12-3456789" }],
  ["phone", { write: digits(/^(?:\+?1)?(\d{10})$/), takes: "ten digits such as (617) 555-0100" }],
  ["zip", { write: digits(/^(\d{5})(?:\d{4})?$/), takes: "five digits such as 02139" }],
  // Of a whole number, also with its first digits hidden, only the end is kept.
  ["ssn", { write: digits(/^(?:\d{5}|[Xx*•]{5})?(\d{4})$/), takes: "the last four digits, or all nine" }],
]);

export type Written = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly why: string };

/**
 * @param value as the field's type holds it
 * @returns an empty text stays empty: it clears an optional field
 */
export function written(field: string, value: Json): Written {
  if (typeof value !== "string") return { ok: true, value };
  const text = withoutBlanks(value);
  if (text.trim() === "") return { ok: true, value: "" };
  const form = FORMS.get(field);
  if (form === undefined) return { ok: true, value: text };
  const found = form.write(text);
  return found === undefined
    ? { ok: false, why: `${formOf(text)}; plangrade takes ${form.takes}` }
    : { ok: true, value: found };
}

/** As plangrade may show it: a number has lost the noughts at its front, and a text may have another form. */
export function shown(field: string, value: Json): Json {
  const width = { ein: 9, zip: 5 }[field];
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string") return text;
  const padded = width !== undefined && /^\d+$/.test(text) ? text.padStart(width, "0") : text;
  const read = written(field, padded);
  return read.ok ? read.value : padded;
}

export function isBlank(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "string" && value.trim() === "");
}

/** The keys of a participant by its fields, in one spelling; a key that lacks a part is left out. */
export function participantKeys(fields: Readonly<Record<string, Json>>): Keys {
  const [email = "", first = "", last = "", dob = ""] = ["email", "first_name", "last_name", "dob"].map((name) =>
    folded(fields[name]),
  );
  return {
    ...(email !== "" && { email }),
    ...(first !== "" && last !== "" && dob !== "" && { [NAME_AND_DOB]: `${first} ${last} ${dob}` }),
  };
}

/** Upper and lower case, and how many blanks there are, make nobody another person. */
function folded(value: Json | undefined): string {
  return typeof value === "string" ? value.trim().toLowerCase().replaceAll(/\s+/g, " ") : "";
}
