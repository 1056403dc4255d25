/**
 * The fast path for a message that has nothing unusual about it: the same result as the full reading, without copying
 * what is passed on unchanged. Anything else (numbers as ids, events, problems) is left to `readMessage`.
 */
import { isAttributes } from "../../hull/protocol/shapes";
import type { Attributes, EntityMessage } from "../../services/message";

export type PlainParts = Pick<
  EntityMessage,
  | "messageId"
  | "user"
  | "account"
  | "segmentIds"
  | "segmentNames"
  | "accountSegmentIds"
  | "accountSegmentNames"
  | "leftSegmentIds"
  | "changes"
>;

const NOTHING: Attributes = {};

/** Hull's own ids; longer or unusual ones are left to the full reading. */
const ID = /^[\x21-\x7e]{1,100}$/;

/** @returns undefined when the message is not plain */
export function plainParts(raw: unknown, entity: "user" | "account"): PlainParts | undefined {
  if (!isAttributes(raw)) return undefined;
  const { message_id: messageId, events } = raw;
  if (typeof messageId !== "string" || !ID.test(messageId)) return undefined;
  if (events !== undefined && !(Array.isArray(events) && events.length === 0)) return undefined;
  const user = entity === "user" ? subject(raw["user"], "email") : NOTHING;
  const account = entity === "user" ? accountOf(raw["account"]) : subject(raw["account"], "domain");
  const segmentNames: string[] | undefined = entity === "user" ? [] : undefined;
  const accountSegmentNames: string[] = [];
  const segmentIds = entity === "user" ? idsOf(raw["segments"], segmentNames) : [];
  const accountSegmentIds = idsOf(raw["account_segments"], accountSegmentNames);
  const changes = changesOf(raw["changes"], entity);
  if (user === undefined || account === undefined || segmentIds === undefined) return undefined;
  if (accountSegmentIds === undefined || changes === undefined) return undefined;
  const names = {
    segmentNames: segmentNames?.length === segmentIds.length ? segmentNames : undefined,
    accountSegmentNames: accountSegmentNames.length === accountSegmentIds.length ? accountSegmentNames : undefined,
  };
  return { messageId, user, account, segmentIds, accountSegmentIds, ...names, ...changes };
}

function subject(value: unknown, key: "email" | "domain"): Attributes | undefined {
  if (!isAttributes(value) || !isId(value["id"])) return undefined;
  // Attributes come from `parseJson`, so every value is JSON.
  return isKey(value["external_id"]) && isKey(value[key]) ? (value as Attributes) : undefined;
}

function accountOf(value: unknown): Attributes | undefined {
  if (!isAttributes(value)) return undefined;
  if (value["id"] !== undefined) return subject(value, "domain");
  for (const _key in value) return undefined;
  return NOTHING;
}

function isId(value: unknown): boolean {
  return typeof value === "string" && ID.test(value);
}

function isKey(value: unknown): boolean {
  return typeof value === "string" || value === undefined || value === null;
}

/** @param names takes those of the segments that have one */
function idsOf(value: unknown, names: string[] = []): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const ids: string[] = [];
  for (const segment of value as readonly unknown[]) {
    if (!isAttributes(segment) || typeof segment["id"] !== "string" || segment["id"] === "") return undefined;
    if (!isKey(segment["name"]) || !isKey(segment["type"])) return undefined;
    ids.push(segment["id"]);
    if (typeof segment["name"] === "string" && segment["name"].trim() !== "") names.push(segment["name"]);
  }
  return ids;
}

function changesOf(
  value: unknown,
  entity: "user" | "account",
): Pick<PlainParts, "changes" | "leftSegmentIds"> | undefined {
  if (value === undefined) return { changes: { user: {}, account: {} } };
  if (!isAttributes(value)) return undefined;
  const { user = {}, account = {}, segments = {}, account_segments: accountSegments = {} } = value;
  if (!isAttributes(user) || !isAttributes(account)) return undefined;
  if (!isPlainMove(segments) || !isPlainMove(accountSegments)) return undefined;
  const { left = [] } = entity === "user" ? segments : accountSegments;
  const leftSegmentIds = idsOf(left);
  if (leftSegmentIds === undefined) return undefined;
  return {
    changes: { user: user as Attributes, account: account as Attributes },
    leftSegmentIds: leftSegmentIds.length === 0 ? undefined : leftSegmentIds,
  };
}

/** What was entered does not matter here, only that it can be read. */
function isPlainMove(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isAttributes(value)) return false;
  for (const name in value) if (value[name] !== undefined && !Array.isArray(value[name])) return false;
  return true;
}
