/**
 * Which messages were taken in before: redelivered ones are processed again, since that is idempotent, but counted
 * once. The last few of a record are in its row, so that remembering one more costs no further write.
 */
import { hash } from "node:crypto";
import type { RecordRow } from "../port/rows";
import { connectorOf } from "../port/lane";
import type { Acceptance } from "../port/store";
import { dayOf, remember, remembered, type Tables } from "./tables";

/** Characters of one id: 48 bits distinguish the messages of one record. */
const ID_LENGTH = 8;
const MOST = 16 * ID_LENGTH;

export interface Dedupe {
  /**
   * True when the message is here for the first time.
   * @param certain it is newer than everything seen of its record, so it cannot have been here before
   */
  take(messageId: string, certain: boolean): boolean;
  /** What the record's row remembers from now on. */
  recent(): Pick<RecordRow, "recent">;
}

/** @param record undefined when the message has no record, or leaves none: then each is remembered by itself */
export function openDedupe(
  tables: Tables,
  { tenant, type, hullId, remote, once }: Acceptance,
  record: RecordRow | undefined,
  nowMs: number,
): Dedupe {
  const connector = connectorOf(tenant);
  if (remote === undefined || once === true) {
    return {
      take: (messageId) => {
        const id = hash("md5", JSON.stringify([connector, type, hullId, messageId]), "base64url");
        if (remembered(tables.seen, id, nowMs) !== undefined) return false;
        remember(tables.seen, id, "", nowMs);
        return true;
      },
      recent: () => ({}),
    };
  }
  let recent = record?.recent ?? "";
  const own = (): string => hash("md5", JSON.stringify([remote, type, hullId]), "base64url");
  /** The ids in the record's rows of yesterday and today: a message merged from thousands asks for each of them. */
  let earlier: Set<string> | undefined;
  const inEarlier = (id: string): boolean => {
    if (earlier === undefined) {
      const days = [dayOf(nowMs), dayOf(nowMs) - 1];
      const rows = days.flatMap((day) => [...tables.seen.range([day, own()])]);
      earlier = new Set(rows.flatMap(([, ids]) => split(ids)));
    }
    return earlier.has(id);
  };
  return {
    take: (messageId, certain) => {
      const id = hash("md5", `${connector}\n${messageId}`, "base64url").slice(0, ID_LENGTH);
      if (!certain && (split(recent).includes(id) || inEarlier(id))) return false;
      if (recent.length >= MOST) {
        tables.seen.put([dayOf(nowMs), own(), id], recent);
        for (const each of split(recent)) earlier?.add(each);
        recent = "";
      }
      recent += id;
      return true;
    },
    recent: () => (recent === "" ? {} : { recent }),
  };
}

function split(ids: string): string[] {
  return Array.from({ length: ids.length / ID_LENGTH }, (_, at) => ids.slice(at * ID_LENGTH, (at + 1) * ID_LENGTH));
}
