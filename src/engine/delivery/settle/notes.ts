/** What people are told of a record besides its outcome, over all steps of its delivery. Pure. */
import { reason, type Reason } from "../../../outcome/outcome";
import type { Content, Earlier, Outcome } from "../../../storage/port/rows";

interface Subject {
  readonly content: Content;
  /** Of this step. */
  readonly note?: Reason;
}

/** Names of all fields that were written, in earlier steps and in this one. */
function writtenFields({ content }: Subject, sent: readonly string[]): readonly string[] {
  return [...new Set([...(content.earlier?.fields ?? []), ...sent])];
}

/** A later step may say again what is still so. */
function notesOf({ content: { earlier }, note }: Subject): readonly string[] {
  const [before, now] = [earlier?.note, note?.text];
  if (before === undefined || now?.includes(before) === true) return now === undefined ? [] : [now];
  return now === undefined || before.includes(now) ? [before] : [before, now];
}

/** What the next step must know of this one and of those before it, if anything. */
export function earlierFor(subject: Subject, sent: readonly string[]): Earlier | undefined {
  const fields = writtenFields(subject, sent);
  const notes = notesOf(subject);
  if (notes.length > 0) return { fields, note: notes.join(" ") };
  return fields.length === 0 ? undefined : { fields };
}

/** The outcome with the notes of all steps. */
export function noted(subject: Subject, outcome: Outcome, first: readonly Reason[] = []): Outcome {
  const said = [...first.map(({ text }) => text), ...notesOf(subject)];
  return said.length === 0 ? outcome : { ...outcome, note: said.join(" ") };
}

/** The same for a record of which something could not be done: which fields were written all the same. */
export function notedInPart(subject: Subject, outcome: Outcome, sent: readonly string[] = []): Outcome {
  const fields = writtenFields(subject, sent);
  return noted(subject, outcome, fields.length === 0 ? [] : [reason("partly_written", fields.join(", "))]);
}
