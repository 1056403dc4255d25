/** One entity's update as the engine sees it: normalised once, read by filter and mapping. */
import { hash } from "node:crypto";
import { excessIn } from "../../hull/protocol/message-size";
import {
  parseAccountMessage,
  parseUserMessage,
  type HullEvent,
  type ParsedMessage,
  type UserMessage,
} from "../../hull/protocol/messages";
import type { Problem } from "../../hull/protocol/problems";
import { idText, isAttributes } from "../../hull/protocol/shapes";
import { MAX_AHEAD_MS, parseInstant } from "../../instant";
import type { Json } from "../../record";
import { formOf, reason } from "../../outcome/outcome";
import { plainParts } from "./plain-message";
import { textOf } from "../../services/mapping/attributes";
import type { Attributes, EntityMessage, TrackedEvent } from "../../services/message";

export type ReadMessage =
  | { readonly ok: true; readonly message: EntityMessage }
  | { readonly ok: false; readonly messageId: string; readonly problems: readonly Problem[] };

/** There was no Hull before that: an unset clock would make every message an old one. */
const EARLIEST_MS = Date.UTC(2000, 0);

/** Ids become keys of the store, so their length is limited; Hull's own have 24 to 40 characters. */
const MAX_ID_LENGTH = 200;

export interface ReadContext {
  readonly entity: "user" | "account";
  readonly isExport: boolean;
  /** Milliseconds since 1970; the version of a message that has none. */
  readonly receivedAtMs: number;
  /** For rows of a batch, whatever they say: when the extract was requested, milliseconds since 1970. */
  readonly version?: number;
}

/** Reads one element of a shipment. A bad one is rejected by itself, not with its shipment. */
export function readMessage(raw: unknown, context: ReadContext): ReadMessage {
  const { entity, isExport } = context;
  const excess = excessIn(raw);
  if (excess.length > 0) return { ok: false, messageId: messageIdOf(raw), problems: excess };
  const plain = plainParts(raw, entity);
  if (plain !== undefined) {
    const subject = entity === "user" ? plain.user : plain.account;
    const dating = datingOf(subject, context);
    return { ok: true, message: { entity, id: idOf(subject), ...dating, events: [], isExport, ...plain } };
  }
  const parsed = partsOf(raw, entity);
  if (!parsed.ok) return { ok: false, messageId: messageIdOf(raw), problems: parsed.problems };
  const { segments, account_segments, changes, events } = parsed.message;
  const user = attributesOf(parsed.message.user);
  const account = attributesOf(parsed.message.account);
  const subject = entity === "user" ? user : account;
  const id = idOf(subject);
  const accountId = idOf(account);
  const problem = badId(`${entity}.id`, id) ?? (accountId === "" ? undefined : badId("account.id", accountId));
  if (problem !== undefined) return { ok: false, messageId: messageIdOf(raw), problems: [problem] };
  return {
    ok: true,
    message: {
      entity,
      id,
      messageId: messageIdOf(raw),
      ...datingOf(subject, context),
      user,
      account,
      segmentIds: entity === "user" ? segmentIds(raw, "segments", segments, subject) : [],
      accountSegmentIds: segmentIds(raw, "account_segments", account_segments, entity === "user" ? {} : subject),
      segmentNames: entity === "user" ? namesIn(raw, "segments", segments) : undefined,
      accountSegmentNames: namesIn(raw, "account_segments", account_segments),
      leftSegmentIds: leftIn(changes, entity),
      changes: { user: attributesOf(changes?.user), account: attributesOf(changes?.account) },
      events: events.flatMap(eventOf),
      isExport,
    },
  };
}

/** Undefined when there are none, as in most messages. */
function leftIn(changes: Parts["changes"], entity: "user" | "account"): readonly string[] | undefined {
  const moved = (entity === "user" ? changes?.segments : changes?.account_segments)?.left ?? [];
  return moved.length === 0 ? undefined : moved.map(({ id }) => id);
}

function datingOf(
  subject: Attributes,
  { version, receivedAtMs }: ReadContext,
): Pick<EntityMessage, "version" | "undated" | "warnings"> {
  if (version !== undefined) return { version };
  const { indexed_at: written = null } = subject;
  const indexedAtMs = parseInstant(written);
  if (indexedAtMs !== undefined && indexedAtMs >= EARLIEST_MS) {
    if (indexedAtMs <= receivedAtMs + MAX_AHEAD_MS) return { version: indexedAtMs };
    return { version: receivedAtMs, undated: true };
  }
  const what = indexedAtMs === undefined ? formOf(written) : "a date before the year 2000";
  const warning = reason("invalid_date", `indexed_at: ${what}; the message counts from its arrival`);
  return { version: receivedAtMs, undated: true, warnings: written === null ? undefined : [warning] };
}

/** Events without a name are ignored; those without an id get one that the same event gets again next time. */
function eventOf(event: HullEvent): TrackedEvent[] {
  const { event: name, event_id: given, created_at: created, properties } = event;
  if (name === undefined || name === null || name === "") return [];
  const id =
    typeof given === "string" && given !== "" && badId("", given) === undefined
      ? given
      : `content:${hash("sha1", JSON.stringify([name, created, properties]))}`;
  return [{ id, name, createdAt: created, properties: attributesOf(properties) }];
}

type Parts = Pick<UserMessage, "account" | "account_segments" | "changes" | "events"> & Partial<UserMessage>;

/** An account's message is about no user, and has no events. */
function partsOf(raw: unknown, entity: "user" | "account"): ParsedMessage<Parts> {
  if (entity === "user") return parseUserMessage(raw);
  const parsed = parseAccountMessage(raw);
  return parsed.ok ? { ok: true, message: { ...parsed.message, user: undefined, events: [] } } : parsed;
}

/** Attributes come from `parseJson`, so every value is JSON. */
function attributesOf(value: unknown): Attributes {
  return isAttributes(value) ? (value as Attributes) : {};
}

/**
 * The message's segments. Extract rows carry only `segment_ids`; in notifications that attribute lags behind
 * (a user who left a segment may still list it), so the list counts whenever it is there.
 */
function segmentIds(
  raw: unknown,
  name: string,
  listed: readonly { readonly id: string }[] | undefined,
  subject: Attributes,
): readonly string[] {
  if (listed !== undefined && isListed(raw, name)) return listed.map((each) => each.id);
  const own = subject["segment_ids"];
  return Array.isArray(own) ? own.flatMap((id) => idText(id) ?? []) : [];
}

const isListed = (raw: unknown, name: string): boolean => isAttributes(raw) && raw[name] !== undefined;

/** All of them, or none: a list without some of its names would look like another one. */
function namesIn(
  raw: unknown,
  name: string,
  listed: readonly { readonly name?: unknown }[] | undefined,
): readonly string[] | undefined {
  const names = isListed(raw, name) ? listed?.map((each) => textOf(each.name)) : undefined;
  return names?.every((each) => each !== undefined) === true ? names : undefined;
}

function idOf(subject: Attributes): string {
  return idText(subject["id"]) ?? "";
}

function messageIdOf(raw: unknown): string {
  const id = idText(isAttributes(raw) ? raw["message_id"] : undefined);
  if (id !== undefined && id.length <= MAX_ID_LENGTH && id.isWellFormed() && !id.includes("\0")) return id;
  // The same message delivered again gets the same id.
  return `content:${hash("sha1", JSON.stringify(raw))}`;
}

function badId(path: string, id: string): Problem | undefined {
  const message =
    Buffer.byteLength(id) > MAX_ID_LENGTH
      ? `has ${Buffer.byteLength(id)} bytes, at most ${MAX_ID_LENGTH} are accepted`
      : !id.isWellFormed() || id.includes("\0")
        ? "contains characters that are not text (a lone surrogate or a NUL)"
        : undefined;
  return message === undefined ? undefined : { path, message, remedy: "Send the id as Hull shows it." };
}

/** The messages of one entity in a shipment, merged into the newest; `swallowed` are the ids of the others. */
export interface MergedMessage {
  readonly message: EntityMessage;
  readonly mergedIds: readonly string[];
  /** Fingerprint of the message, once it was made; null: the service makes none of it. */
  readonly made?: string | null;
}

/** Merges the messages of each entity: the newest state, the changes of all (first old value, last new value). */
export function mergeMessages(messages: readonly EntityMessage[]): readonly MergedMessage[] {
  const byEntity = new Map<string, EntityMessage[]>();
  for (const message of messages) {
    const group = byEntity.get(message.id);
    if (group === undefined) byEntity.set(message.id, [message]);
    else group.push(message);
  }
  return [...byEntity.values()].map((group) => {
    const ordered = group.toSorted((a, b) => a.version - b.version);
    const newest = ordered[ordered.length - 1] ?? group[0];
    if (newest === undefined) throw new Error("A group of messages is never empty.");
    const mergedIds = ordered.filter((each) => each !== newest).map((each) => each.messageId);
    if (mergedIds.length === 0) return { message: newest, mergedIds };
    return {
      message: {
        ...newest,
        isExport: ordered.some((each) => each.isExport),
        events: uniqueEvents(ordered.flatMap((each) => each.events)),
        leftSegmentIds: ordered.map((each) => each.leftSegmentIds ?? []).reduce((all, ids) => all.concat(ids)),
        changes: {
          user: mergeChanges(ordered.map((each) => each.changes.user)),
          account: mergeChanges(ordered.map((each) => each.changes.account)),
        },
      },
      mergedIds: [...new Set(mergedIds)].filter((id) => id !== newest.messageId),
    };
  });
}

function uniqueEvents(events: readonly TrackedEvent[]): readonly TrackedEvent[] {
  return [...new Map(events.map((event) => [event.id, event])).values()];
}

function mergeChanges(all: readonly Readonly<Record<string, Json>>[]): Record<string, Json> {
  const merged = new Map<string, Json>();
  for (const changes of all) {
    for (const [attribute, change] of Object.entries(changes)) {
      const before = merged.get(attribute);
      const pair = Array.isArray(before) && Array.isArray(change) ? [before[0] ?? null, change[1] ?? null] : change;
      merged.set(attribute, pair);
    }
  }
  return Object.fromEntries(merged);
}
