// Messages inside a notification, parsed one by one: a bad one is rejected by itself, not with its shipment.
import { z } from "zod";
import { problemsOf, type Problem } from "./problems";
import { attributes, identifier, isAttributes, isBlank, lenient, list, optionalKey, segments } from "./shapes";

const userKeys = { external_id: optionalKey, email: optionalKey };
const accountKeys = { external_id: optionalKey, domain: optionalKey };

/** Flat; custom attributes carry `traits_`, groups a slash: `traits_planhat/id`. */
const user = z.looseObject({ id: identifier, ...userKeys });

/** Flat, without `traits_`. */
const account = z.looseObject({ id: identifier, ...accountKeys });

/** The account of a user: `{}` when there is none, and without id in some extracts. */
const accountOfUser = lenient(
  (value) => (isBlank(value) ? undefined : value),
  z.looseObject({ id: identifier.optional(), ...accountKeys }).optional(),
);

/** `track` and `page` events. `created_at` is kept as it came: read it with `parseInstant`. */
const event = z.looseObject({
  event: z.string().nullish(),
  event_id: optionalKey,
  created_at: z.unknown().optional(),
  properties: attributes,
  context: attributes,
});

/** Real payloads say `entered`, one test stand-in says `enter`. */
const segmentChanges = lenient(
  (value) => (isAttributes(value) ? { ...value, entered: value["entered"] ?? value["enter"] } : {}),
  z.looseObject({ entered: segments, left: segments }),
);

/** Absent for exports and batches, which differs from "nothing changed". */
const changes = lenient(
  (value) => (Array.isArray(value) && isBlank(value) ? undefined : (value ?? undefined)),
  z
    .looseObject({
      is_new: z
        .unknown()
        .optional()
        .transform((value) => value === true),
      /** Attribute → [old, new]. Array items as `anonymous_ids[1]`. */
      user: attributes,
      account: attributes,
      segments: segmentChanges,
      account_segments: segmentChanges,
    })
    .optional(),
);

/** Since the last notification; each becomes a record of its own. */
const MAX_EVENTS = 5_000;

const userMessage = z.looseObject({
  user,
  account: accountOfUser,
  segments,
  account_segments: segments,
  events: list(event, MAX_EVENTS),
  changes,
  message_id: optionalKey,
});

const accountMessage = z.looseObject({ account, account_segments: segments, changes, message_id: optionalKey });

export type HullEvent = z.output<typeof event>;
export type Changes = NonNullable<z.output<typeof changes>>;
export type UserMessage = z.output<typeof userMessage>;
export type AccountMessage = z.output<typeof accountMessage>;

export type ParsedMessage<T> =
  { readonly ok: true; readonly message: T } | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads one element of a `user:update` shipment, or a user row of an extract in the same shape. */
export function parseUserMessage(input: unknown): ParsedMessage<UserMessage> {
  return outcome(userMessage.safeParse(input), input);
}

/** Reads one element of an `account:update` shipment. */
export function parseAccountMessage(input: unknown): ParsedMessage<AccountMessage> {
  return outcome(accountMessage.safeParse(input), input);
}

function outcome<T>(result: z.ZodSafeParseResult<T>, input: unknown): ParsedMessage<T> {
  return result.success ? { ok: true, message: result.data } : { ok: false, problems: problemsOf(result.error, input) };
}
