/** Numbers between whose digits people write signs. Pure. */

/** The form that texts of a field must have. */
export interface TextForm {
  /** Undefined: the text has another form. */
  readonly write: (text: string) => string | undefined;
  /** For people: "nine digits such as …". */
  readonly takes: string;
}

const SIGNS = /[\s().\u2010-\u2015-]/g;

/** @param pattern of the text without signs; its group is what is written */
export function digits(pattern: RegExp, takes: string): TextForm {
  return { write: (text) => pattern.exec(text.replace(SIGNS, ""))?.[1], takes };
}

/** Of North America. */
export const PHONE = digits(/^(?:\+?1)?(\d{10})$/, "ten digits such as (617) 555-0100");
