/** What was sent of a record, as its history shows it. Pure. */
import type { SentFields } from "../../../storage/port/store";
import type { TypeContext, Work } from "../work";

/** Fields with their values; further ones are named, and those beyond all bounds are not. */
const MOST_VALUES = 20;
const MOST_NAMES = 60;
/** Characters of a value. */
const MOST_TEXT = 60;

/** Undefined when nothing was sent. Values of write-only fields are secrets, and long ones are cut. */
export function sentOf(work: Work, context: TypeContext, fields: readonly string[]): SentFields | undefined {
  if (fields.length === 0) return undefined;
  const sent: Record<string, string | undefined> = {};
  for (const [index, field] of fields.slice(0, MOST_NAMES).entries()) {
    const isShown = index < MOST_VALUES && context.specOf(field).writeOnly !== true;
    sent[field] = isShown ? shown(work.wire[field] ?? work.content.desired.fields[field]) : undefined;
  }
  return sent;
}

const shown = (value: unknown): string =>
  typeof value === "string" ? JSON.stringify(cut(value)) : cut(JSON.stringify(value ?? null));

const cut = (text: string): string => (text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT)}…`);
