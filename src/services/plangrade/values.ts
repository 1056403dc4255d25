/** Values in the form in which plangrade takes them. What cannot be brought into it is named by its form. Pure. */
import { formOf } from "../../outcome/outcome";
import { withoutBlanks, type Json, type Keys } from "../../record";
import { digits, PHONE, type TextForm } from "../mapping/digits";
import { NAME_AND_DOB, SSN } from "./objects";

/** Zeros that a number has lost at its beginning are not guessed: an EIN of eight digits may simply lack one. */
const FORMS: ReadonlyMap<string, TextForm> = new Map([
  ["ein", digits(/^(\d{9})$/, "nine digits such as 12-3456789")],
  ["phone", PHONE],
  ["zip", digits(/^(\d{5})(?:\d{4})?$/, "five digits such as 02139")],
  // Of a whole number, also with its first digits hidden, only the end is kept.
  [SSN, digits(/^(?:\d{5}|[Xx*•]{5})?(\d{4})$/, "the last four digits, or all nine")],
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

/** As plangrade may show it: a number has lost the zeros at its beginning, and a text may have another form. */
export function shown(field: string, value: Json): Json {
  const width = { ein: 9, zip: 5 }[field];
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string") return text;
  const padded = width !== undefined && /^\d+$/.test(text) ? text.padStart(width, "0") : text;
  const read = written(field, padded);
  return read.ok ? read.value : padded;
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
