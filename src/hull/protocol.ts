// The envelope of a notification: what Hull posts to /smart-notifier.
import { z } from "zod";
import { problemsOf, type Problem } from "./problems";
import { attributes, identifier, list, segments } from "./shapes";

const configuration = z.looseObject({
  id: identifier,
  /** Host name of the organization; check it against the allow-list before any request to it. */
  organization: z.string().min(1),
  /** The plain connector secret. */
  secret: z.string().min(1),
});

const connector = z.looseObject({
  id: identifier.optional(),
  private_settings: attributes,
  /** Kept as it came: read it with `parseInstant`. */
  updated_at: z.unknown().optional(),
});

const notification = z
  .looseObject({
    notification_id: identifier,
    channel: z.string().min(1),
    configuration,
    connector,
    segments,
    users_segments: segments,
    accounts_segments: segments,
    account_segments: segments,
    messages: list(z.unknown()),
    is_export: z
      .unknown()
      .optional()
      .transform((value) => value === true),
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
/** `messages` are unread: give each to `parseUserMessage` or `parseAccountMessage`. */
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

/** Reads a connector object as `GET app` answers it; `undefined` when it is none. */
export function parseConnector(body: unknown): Connector | undefined {
  return connector.safeParse(body).data;
}
