/**
 * Which messages were taken in before: redelivered ones are processed again, since that is idempotent, but counted
 * once. The last few of a record are in its document, so that remembering one more costs no further write.
 */
import { hash } from "node:crypto";
import { connectorOf } from "../../storage/port/lane";
import type { Documents } from "../../storage/port/documents";
import type { RecordDocument } from "../../storage/port/rows";
import type { Acceptance } from "../../storage/port/store";
import type { Taken } from "./events/accepted";

/** Characters of one id: 48 bits distinguish the messages of one record. */
const ID_LENGTH = 8;
const MOST = 16 * ID_LENGTH;

type Memory = Pick<Documents, "remembered" | "remember" | "earlierIds" | "rememberIds">;

/**
 * Remembers the ids of a message and of those merged into it.
 *
 * @param isNewest it is newer than everything seen of its record, so it cannot have been here before
 */
export function takeIds(
  memory: Memory,
  given: Acceptance,
  record: RecordDocument | undefined,
  isNewest: boolean,
): Taken {
  const { tenant, type, hullId, remote, once, messageId, merged } = given;
  const connector = connectorOf(tenant);
  const ids = [messageId, ...merged];
  // The message has no record, or leaves none: then each is remembered by itself.
  if (remote === undefined || once === true) {
    const first = ids.filter((each) => {
      const id = hash("md5", JSON.stringify([connector, type, hullId, each]), "base64url");
      if (memory.remembered(id)) return false;
      memory.remember(id);
      return true;
    });
    return { first: new Set(first), recent: undefined };
  }
  let recent = record?.recent ?? "";
  const own = (): string => hash("md5", JSON.stringify([remote, type, hullId]), "base64url");
  /** Ids that no longer fit: a message merged from thousands asks for each of them. */
  let earlier: Set<string> | undefined;
  const isKnown = (id: string): boolean => {
    if (split(recent).includes(id)) return true;
    earlier ??= new Set(memory.earlierIds(own()).flatMap(split));
    return earlier.has(id);
  };
  const first = ids.filter((each, index) => {
    const id = hash("md5", `${connector}\n${each}`, "base64url").slice(0, ID_LENGTH);
    if (!(isNewest && index === 0) && isKnown(id)) return false;
    if (recent.length >= MOST) {
      memory.rememberIds(own(), id, recent);
      for (const old of split(recent)) earlier?.add(old);
      recent = "";
    }
    recent += id;
    return true;
  });
  return { first: new Set(first), recent: recent === "" ? undefined : recent };
}

function split(ids: string): string[] {
  return Array.from({ length: ids.length / ID_LENGTH }, (_, at) => ids.slice(at * ID_LENGTH, (at + 1) * ID_LENGTH));
}
