/** What users, companies and participants have alike: reading one, changing it, and removing it for good. */
import { z } from "zod";
import { UnexpectedAnswer } from "../../../http/errors";
import type { InputWords } from "../../../input";
import { refusalsOf } from "../../interactive";
import { declare, type AnswerPart, type InputPart, type Operation, type OperationRefusal } from "../../operations";
import type { Row } from "../api/envelope";
import type { Rest } from "../api/rest";
import { SSN } from "../objects";
import type { PlangradeSettings } from "../settings/settings";
import { bodyPart, changesOf } from "./bodies";
import { PLANGRADE, type Calls, type Connected, type Missing } from "./calls";
import { isRecordId, NOT_A_RECORD_ID } from "./forms";
import { touched } from "./touched";

type Declared = Operation<PlangradeSettings>;
type One = "user" | "company" | "participant";

/** What the operations about one kind of record are made of. */
export interface Kind {
  readonly one: One;
  /** In paths. */
  readonly many: "users" | "companies" | "participants";
  /** In names: `getCompany`. */
  readonly title: "User" | "Company" | "Participant";
  readonly tag: Operation<PlangradeSettings>["tag"];
  readonly words: InputWords;
  /** As plangrade shows one. */
  readonly shown: z.ZodType;
  readonly example: Readonly<Record<string, unknown>>;
  /** What goes with a removed one, in a sentence. */
  readonly falls: string;
  /** The synchronised type, where there is one. */
  readonly type?: string;
  /** Another type of which some fall with a removed one; nobody says which. */
  readonly children?: string;
}

export interface Changes {
  readonly schema: z.ZodType<Readonly<Record<string, unknown>>>;
  readonly example: Readonly<Record<string, unknown>>;
  readonly summary: string;
  readonly description: string;
}

export const REFUSALS = refusalsOf(PLANGRADE);
export const LOST: OperationRefusal = {
  status: 502,
  text: "After a call without a usable answer: it may have been carried out",
  codes: ["outcome_unknown"],
};
/** Of calls whose repetition would do more, or find nothing. */
export const DONE_PERHAPS = {
  unrepeatable: "and it may have been done; look in plangrade before you send it again",
  writes: true,
} as const;

const numberOrText = z.union([z.number(), z.string()]);

/** As plangrade shows a record: what it shows may be missing, or a number. */
export function shownRecord(fields: readonly string[]) {
  return z.looseObject({
    id: numberOrText,
    ...Object.fromEntries(fields.map((field) => [field, numberOrText.nullish()])),
  });
}

/** The number of a person is never answered, whatever plangrade does. */
export function shownRow({ [SSN]: _, ...row }: Row): Readonly<Record<string, unknown>> {
  return row;
}

export const notFound = ({ one }: Pick<Kind, "one">): Missing => ({ code: `${one}_not_found`, thing: one });

export function notThere(kind: Pick<Kind, "one">): OperationRefusal {
  const { code, thing } = notFound(kind);
  return { status: 404, text: `plangrade has no such ${thing}`, codes: [code] };
}

export function idPart({ one }: Kind): InputPart<{ readonly id: string }> {
  return {
    schema: z.object({
      id: z
        .string()
        .refine(isRecordId, NOT_A_RECORD_ID)
        .meta({ description: `plangrade's id of the ${one}.` }),
    }),
    words: {
      code: `invalid_${one}_id`,
      problem: `The address names no ${one}`,
      remedies: { id: `Send plangrade's id of the ${one}.` },
    },
    refused: `The path names no ${one}`,
  };
}

/** `{company: {…}}`, however plangrade wraps it. */
function answerOf({ one, title, shown, example }: Kind): AnswerPart {
  return {
    name: title,
    schema: z.object({ [one]: shown }),
    description: `plangrade's ${one}.`,
    example: { [one]: example },
  };
}

export const CREATED: AnswerPart = {
  name: "RecordId",
  schema: z.object({ id: numberOrText }),
  description: "The id of the new record.",
  example: { id: 1042 },
  status: 201,
};

/** @throws UnexpectedAnswer without an id: what was created cannot be named */
export function createdAs(id: string | undefined): { readonly body: { readonly id: number | string } } {
  if (id === undefined) throw new UnexpectedAnswer("plangrade did not say which record it made.");
  return { body: { id: shownId(id) } };
}

/** A number, as plangrade has it, unless it is too large for one. */
export function shownId(id: string): number | string {
  return Number.isSafeInteger(Number(id)) ? Number(id) : id;
}

/** `GET`, `PUT` and `DELETE` of one record. */
export function recordOperations(calls: Calls, kind: Kind, changes: Changes): readonly Declared[] {
  const { one, many, title, tag, words, falls, type, children } = kind;
  const about = { path: `/${many}/{id}`, tag, parameters: idPart(kind) };
  const refusals = [...REFUSALS, notThere(kind)];
  const answer = answerOf(kind);
  const asking = <T>(asker: Connected, work: (rest: Rest[Kind["many"]]) => Promise<T>, more = {}): Promise<T> =>
    calls.granted(asker, (rest) => work(rest[many]), { missing: notFound(kind), ...more });

  return [
    declare({
      ...about,
      id: `get${title}`,
      method: "GET",
      summary: `One ${one}`,
      answer,
      refusals,
      run: async (asker, { parameters: { id } }) => ({
        body: { [one]: shownRow(await asking(asker, (records) => records.read(id))) },
      }),
    }),
    declare({
      ...about,
      id: `update${title}`,
      method: "PUT",
      summary: changes.summary,
      description: changes.description,
      body: bodyPart({ name: `${title}Changes`, schema: changes.schema, words, example: changes.example }),
      answer: { ...answer, description: `plangrade's ${one}; the id alone where plangrade does not show more.` },
      refusals,
      remembers: ({ parameters: { id } }) => touched(type, id),
      run: async (asker, { parameters: { id }, body }) => {
        const fields = changesOf(body, id, words);
        const row = await asking(asker, (records) => records.update(id, fields), { writes: true });
        return { body: { [one]: row === undefined ? { id: shownId(id) } : shownRow(row) } };
      },
    }),
    declare({
      ...about,
      id: `delete${title}`,
      method: "DELETE",
      summary: `Removes a ${one} for good`,
      description: falls,
      answer: { ...answer, description: "It is gone.", status: 204 },
      refusals: [...refusals, LOST],
      confirm: { repeats: "the id in the path", falls, value: ({ parameters: { id } }) => id },
      remembers: ({ parameters: { id } }, done) => [
        ...touched(type, id, done !== undefined),
        ...(children === undefined ? [] : [{ type: children }]),
      ],
      run: async (asker, { parameters: { id } }) => {
        await asking(asker, (records) => records.remove(id), DONE_PERHAPS);
        return {};
      },
    }),
  ];
}
