/** Dead letters as the API shows them, in Hull's spelling: names in snake_case, instants in ISO 8601. */
import { z } from "zod";
import type { DeadLetter, DeadLetterDetail } from "../../admin/dead-letters";
import { remedyFor } from "../../admin/remedies";
import { instantAnswer, isoOf } from "../../openapi/instants";

export const deadLetterAnswer = z.object({
  id: z.string().meta({ description: "Stays the same as long as the dead letter is about the same record." }),
  type: z.string().meta({ description: "The object type, such as {{a type}}." }),
  hull_id: z.string(),
  name: z.string().meta({ description: "Who or what it is about: e-mail address, external id, domain or Hull id." }),
  outcome: z.string().meta({ description: "rejected or dead." }),
  code: z.string().meta({ description: "The reason in one word." }),
  text: z.string().meta({ description: "The reason in words; in lists cut after 300 characters." }),
  refused_at: instantAnswer,
});

export const deadLetterDetailAnswer = deadLetterAnswer.extend({
  remedy: z.string().meta({ description: "What a person can do about it." }),
  message_id: z.string().meta({ description: "The message that was refused." }),
  message_at: instantAnswer.nullable().meta({ description: "The date of the message's content, if it had one." }),
  attempts: z.int().meta({ description: "How often it was postponed before it was refused." }),
  replayed: z.boolean().meta({ description: "It was sent again before, and refused again." }),
  derived: z.boolean().meta({ description: "No message asked for it: it was created for its children." }),
  claims: z.record(z.string(), z.string()).meta({ description: "How Hull identifies the record." }),
  desired: z.unknown().meta({ description: "What Hull wants the record to be." }),
});

export const deadLetterPage = z.object({
  dead_letters: z.array(deadLetterAnswer),
  next: z.string().nullable().meta({
    description: "`after` of the next page; null when there is none. A page may be empty and another one follow.",
  }),
});

const counts = {
  queued: z.int().meta({ description: "Wait for delivery again, with what failed because of them." }),
  underway: z.int().meta({ description: "Were on their way already and are left alone." }),
  superseded: z.int().meta({ description: "Were closed, since Hull sent something newer." }),
};

export const replayAnswer = z.object(counts);

export const replayPageAnswer = z.object({
  ...counts,
  next: z.string().nullable().meta({ description: "`after` of the next call; null when no dead letters are left." }),
});

type DeadLetterAnswer = Readonly<z.output<typeof deadLetterAnswer>>;
type DeadLetterDetailAnswer = Readonly<z.output<typeof deadLetterDetailAnswer>>;

/** The tenant is the caller itself, so it is left out. */
export function showDeadLetter({ id, type, hullId, name, outcome, code, text, atMs }: DeadLetter): DeadLetterAnswer {
  return { id, type, hull_id: hullId, name, outcome, code, text, refused_at: isoOf(atMs) };
}

/** The service's address is left out as well, since it may contain the tenant token. */
export function showDeadLetterDetail(
  deadLetter: DeadLetterDetail,
  remedies: Readonly<Record<string, string>>,
): DeadLetterDetailAnswer {
  const { code, messageId, version, attempts, replayed, derived, claims, desired } = deadLetter;
  return {
    ...showDeadLetter(deadLetter),
    remedy: remedyFor(code, remedies),
    message_id: messageId,
    message_at: version === 0 ? null : isoOf(version),
    attempts,
    replayed,
    derived,
    claims,
    desired,
  };
}
