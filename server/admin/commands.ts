/** What the command-line tools may ask for, and the answers: the protocol of the control channel. */
import { z } from "zod";

const filter = {
  tenant: z.string().optional(),
  type: z.string().optional(),
  code: z.string().optional(),
  /** `next` of the previous answer. */
  after: z.string().optional(),
};
const id = z.string().max(100);

export const command = z.discriminatedUnion("command", [
  z.strictObject({ command: z.literal("letters.list"), ...filter, limit: z.int().min(1).max(500) }),
  z.strictObject({ command: z.literal("letters.show"), id }),
  z.strictObject({ command: z.literal("letters.replay"), id }),
  z.strictObject({ command: z.literal("letters.replay-all"), ...filter }),
  z.strictObject({ command: z.literal("letters.drop"), id }),
  z.strictObject({ command: z.literal("tenants.list") }),
  z.strictObject({ command: z.literal("tenants.forget"), tenant: z.string().max(500) }),
]);

export type Command = z.output<typeof command>;

const deadLetter = z.object({
  id: z.string(),
  /** Milliseconds since 1970. */
  atMs: z.number(),
  tenant: z.string(),
  type: z.string(),
  hullId: z.string(),
  /** Who or what it is about: e-mail, external id or Hull id. */
  name: z.string(),
  outcome: z.string(),
  code: z.string(),
  text: z.string(),
});

const deadLetterDetail = deadLetter.extend({
  remote: z.string(),
  messageId: z.string(),
  version: z.number(),
  attempts: z.number(),
  replayed: z.boolean(),
  derived: z.boolean(),
  claims: z.record(z.string(), z.string()),
  desired: z.unknown(),
});

const replayed = z.object({
  /** Dead letters whose content waits for delivery again, including those of children of a replayed parent. */
  queued: z.number(),
  /** Dead letters whose content waited or was in flight already. */
  underway: z.number(),
  /** Dead letters closed because Hull sent something newer. */
  superseded: z.number(),
  next: z.string().optional(),
});

const tenant = z.object({
  tenant: z.string(),
  /** When Hull saved the settings, milliseconds since 1970. */
  settingsAtMs: z.number(),
  remote: z.string().optional(),
  outbox: z.number(),
  tells: z.number(),
});

/** What each command answers. The names stay: tool and running server may be of two versions. */
const answers = {
  "letters.list": z.object({ letters: z.array(deadLetter), next: z.string().optional() }),
  "letters.show": z.object({ letter: deadLetterDetail.optional() }),
  "letters.replay": z.object({ known: z.boolean(), replayed }),
  "letters.replay-all": replayed,
  "letters.drop": z.object({ letter: deadLetter.optional() }),
  "tenants.list": z.object({ tenants: z.array(tenant) }),
  "tenants.forget": z.object({ rows: z.number() }),
} as const satisfies Record<Command["command"], z.ZodType>;

export type DeadLetter = z.output<typeof deadLetter>;
export type DeadLetterDetail = z.output<typeof deadLetterDetail>;
export type Replayed = z.output<typeof replayed>;
export type TenantSummary = z.output<typeof tenant>;
export type Answers = { readonly [C in Command["command"]]: z.output<(typeof answers)[C]> };
/** What a command needs besides its name. */
export type Parameters<C extends keyof Answers> = Omit<Extract<Command, { readonly command: C }>, "command">;

/** Carries commands out: the running server, or the tool itself on a store that nobody else uses. */
export interface Admin {
  /** @throws Error with a sentence for the person at the terminal */
  ask<C extends keyof Answers>(name: C, parameters: Parameters<C>): Promise<Answers[C]>;
}

const schemas: { readonly [C in keyof Answers]: z.ZodType<Answers[C]> } = answers;

/** @throws ZodError when it is not what the command answers */
export function readAnswer<C extends keyof Answers>(name: C, answer: unknown): Answers[C] {
  return schemas[name].parse(answer);
}
