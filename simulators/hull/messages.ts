import { createHash } from "node:crypto";
import { jsonOf } from "../loopback/wire";
import type { Segment } from "./connectors";
import type { Attributes, Profile } from "./profiles";

/** `changes` of a message: attribute → [old, new]. */
export type AttributeChanges = Readonly<Record<string, readonly [unknown, unknown]>>;
export interface SegmentChanges {
  readonly entered?: readonly Segment[];
  readonly left?: readonly Segment[];
}

export interface Changes {
  readonly is_new: boolean;
  readonly user?: AttributeChanges;
  readonly account?: AttributeChanges;
  readonly segments?: SegmentChanges;
  readonly account_segments?: SegmentChanges;
}

export interface UserMessage {
  readonly user: Attributes;
  readonly account: Attributes;
  readonly segments: readonly Segment[];
  readonly account_segments: readonly Segment[];
  readonly events: readonly Attributes[];
  readonly changes: Changes;
  readonly message_id: string;
  readonly update_id: string;
}

export type AccountMessage = Omit<UserMessage, "user" | "segments" | "events">;
export type Message = UserMessage | AccountMessage;

/** What a builder needs; everything but the entity has a default. */
export interface MessageParts {
  readonly account?: Attributes;
  readonly segments?: readonly Segment[];
  readonly account_segments?: readonly Segment[];
  readonly events?: readonly Attributes[];
  readonly changes?: Partial<Changes>;
  /** Host in `update_id`. Default `acme1234.hullapp.io`. */
  readonly organization?: string;
  /** Position in the platform's stream. Default 0. */
  readonly sequence?: number;
}

/** User attributes that travel without the `traits_` prefix (sheet 1.3). */
const standardUserAttributes: ReadonlySet<string> = new Set([
  "id",
  "external_id",
  "email",
  "anonymous_ids",
  "name",
  "first_name",
  "last_name",
  "domain",
  "created_at",
  "indexed_at",
  "is_approved",
  "segment_ids",
]);

/** Adds the prefix `traits_` to every user attribute that needs it and lacks it. */
export function prefixTraits<Value>(attributes: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      standardUserAttributes.has(name) || name.startsWith("traits_") ? name : `traits_${name}`,
      value,
    ]),
  );
}

function identityOf(entity: Attributes, sequence: number): string {
  return createHash("sha1")
    .update(jsonOf([entity["id"], entity["indexed_at"], sequence]))
    .digest("hex");
}

function envelopeParts(entity: Attributes, { organization = "acme1234.hullapp.io", sequence = 0 }: MessageParts) {
  return { message_id: identityOf(entity, sequence), update_id: `${organization}:std:${sequence}` };
}

/**
 * Builds a `user:update` message in the shape of real payloads (sheet 1.3). `user` is flat; custom attributes get
 * their prefix here, in `changes.user` too. The message id depends on the user's id, `indexed_at` and the sequence.
 */
export function buildUserMessage(user: Attributes, parts: MessageParts = {}): UserMessage {
  const { changes = {} } = parts;
  return {
    user: prefixTraits(user),
    account: parts.account ?? {},
    segments: parts.segments ?? [],
    account_segments: parts.account_segments ?? [],
    events: parts.events ?? [],
    changes: {
      is_new: changes.is_new ?? false,
      user: prefixTraits(changes.user ?? {}),
      account: changes.account ?? {},
      segments: changes.segments ?? {},
      account_segments: changes.account_segments ?? {},
    },
    ...envelopeParts(user, parts),
  };
}

/** Builds an `account:update` message (sheet 1.4). Account attributes never carry a prefix. */
export function buildAccountMessage(account: Attributes, parts: Omit<MessageParts, "account"> = {}): AccountMessage {
  const { changes = {} } = parts;
  return {
    account,
    account_segments: parts.account_segments ?? [],
    changes: {
      is_new: changes.is_new ?? false,
      account: changes.account ?? {},
      account_segments: changes.account_segments ?? {},
    },
    ...envelopeParts(account, parts),
  };
}

/** The flat form of a stored profile, as notifications and extracts show it. */
export function flatten(profile: Profile): Record<string, unknown> {
  const { attributes, account_id: _accountId, segment_ids: segmentIds, anonymous_ids: anonymousIds, ...rest } = profile;
  return {
    ...attributes,
    ...rest,
    ...(anonymousIds.length > 0 ? { anonymous_ids: [...anonymousIds] } : {}),
    ...(segmentIds.length > 0 ? { segment_ids: [...segmentIds] } : {}),
  };
}
