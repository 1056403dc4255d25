// The envelope of a notification: what Hull posts to /smart-notifier.
import { z } from "zod";
import { jsonIn } from "../../json";
import { problemsOf, type Problem } from "./problems";
import { attributes, identifier, list, segments } from "./shapes";

const configuration = z.looseObject({
  id: identifier,
  /** Check it against the allow-list before any request to it. */
  organization: z.string().min(1).meta({ description: "Host name of the organization." }),
  /** The plain connector secret. */
  secret: z.string().min(1),
});

const connector = z.looseObject({
  id: identifier.optional(),
  private_settings: attributes.meta({ type: "object", description: "The connector's settings." }),
  /** As it came: read it with `parseInstant`. */
  updated_at: z.unknown().optional(),
});

/** The posted form; `parseNotification` reads it. */
export const notification = z
  .looseObject({
    notification_id: identifier,
    channel: z
      .string()
      .min(1)
      .meta({ description: "user:update, account:update, user:delete, ship:update and others." }),
    configuration,
    connector,
    segments: segments.meta({ type: "array", description: "User segments of the organization." }),
    users_segments: segments.meta({ type: "array", description: "Another name for `segments`." }),
    accounts_segments: segments.meta({ type: "array", description: "Account segments of the organization." }),
    account_segments: segments.meta({ type: "array", description: "Another name for `accounts_segments`." }),
    messages: list(z.unknown()).meta({ type: "array", description: "One for each user or account that changed." }),
    is_export: z
      .unknown()
      .optional()
      .transform((value) => value === true)
      .meta({ type: "boolean", description: "Somebody asked for it: sent whatever filters say." }),
  })
  .transform(({ users_segments, account_segments, ...rest }) => ({
    ...rest,
    /** All user segments of the organization, under either of their two names. */
    segments: rest.segments.length > 0 ? rest.segments : users_segments,
    /** All account segments of the organization, under either of their two names. */
    accounts_segments: rest.accounts_segments.length > 0 ? rest.accounts_segments : account_segments,
  }));

export type Configuration = z.output<typeof configuration>;
export type Connector = z.output<typeof connector>;
/** `messages` are not parsed: give each to `parseUserMessage` or `parseAccountMessage`. */
export type Notification = z.output<typeof notification>;

export type ParsedNotification =
  | { readonly ok: true; readonly notification: Notification }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads the parsed JSON body of a notification; problems name the field, what is wrong and what to do. */
export function parseNotification(body: unknown): ParsedNotification {
  const result = notification.safeParse(body);
  return result.success
    ? { ok: true, notification: result.data }
    : { ok: false, problems: problemsOf(result.error, body) };
}

/** Reads the text of `configuration` alone; `undefined` when it names no connector. */
export function parseConfiguration(text: string): Configuration | undefined {
  return configuration.safeParse(jsonIn(text)).data;
}

/** Reads a connector object as `GET app` answers it; `undefined` when it is none. */
export function parseConnector(body: unknown): Connector | undefined {
  return connector.safeParse(body).data;
}
