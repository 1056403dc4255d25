/** One document of what former formats stored about a Hull entity in rows of several tables. Pure. */
import isEmpty from "lodash/isEmpty";
import mapValues from "lodash/mapValues";
import maxBy from "lodash/maxBy";
import minBy from "lodash/minBy";
import { reason } from "../../../outcome/outcome";
import { connectorOf } from "../../port/lane";
import type { Outcome, OwnPart, RecordDocument, UnconfirmedCreate } from "../../port/rows";
import { FREE } from "../../tables/documents";
import type { OldRecord } from "./legacy";

/** What one connector had of a record, and what that means for the record itself. */
export interface OldPart extends OwnPart, Pick<RecordDocument, "unconfirmed" | "pending"> {}

/** Before anything is known of it. */
export const NOTHING: RecordDocument = { version: 0, messageId: "", revision: 0, own: {} };

/** A record with another part. */
export function withPart(
  before: RecordDocument,
  number: string,
  { unconfirmed, pending = [], ...part }: OldPart,
): RecordDocument {
  return {
    ...before,
    // Of several connectors' lost creates the first one counts.
    unconfirmed: minBy([before.unconfirmed, unconfirmed], "sinceMs"),
    own: { ...before.own, [number]: { ...before.own[number], ...part } },
    ...(pending.length > 0 && { pending: [...(before.pending ?? []), ...pending] }),
  };
}

/** A create may be behind what was lost: the next message looks for the record first. */
const unknownCreate = (nowMs: number): UnconfirmedCreate => ({ sinceMs: nowMs, reads: 0 });

/** How what waited with a row that is lost ends, under the newest message of its record. @param record undefined: lost too */
export function lostOutcome(record: OldRecord | undefined, nowMs: number): Outcome {
  const { code, text } = reason("damaged");
  const { messageId = "" } = record ?? {};
  // A row of a batch has an id of its run and its number.
  const run = messageId.slice(0, Math.max(0, messageId.indexOf("/")));
  // Nobody sent it: it was made for its children.
  const derived = record?.version === 0 && messageId === "";
  const outcome = { messageId, outcome: "dead", code, text, atMs: nowMs, counted: true } as const;
  return { ...outcome, ...(derived && { derived }), ...(run !== "" && { run }) };
}

/** In place of a row that is lost. @param number of its connector, whose records that wait for it end with it */
export function lostPart(last: Outcome, number: string, isLinked: boolean): OldPart {
  if (isLinked) return { last };
  const refuse = { kind: "refuse", tenant: number, cause: "dead", text: last.text } as const;
  return { last, unconfirmed: unknownCreate(last.atMs), pending: [refuse] };
}

/** A record whose row is lost, as far as its parts tell. */
export function withoutRow({ own, ...parts }: RecordDocument, nowMs: number): RecordDocument {
  const waiting = Object.values(own).flatMap(({ entry }) => [entry?.content, entry?.attempt?.content]);
  const others = Object.values(own).flatMap(({ deadLetter, rival }) => [deadLetter?.content, rival?.content]);
  const newest = maxBy([...waiting, ...others], "version");
  // An event that waits was not sent.
  const isEvent = waiting.some((content) => content?.once === true);
  return {
    ...parts,
    version: newest?.version ?? 0,
    messageId: newest === undefined || newest.derived ? "" : newest.messageId,
    unconfirmed: parts.unconfirmed ?? (isEvent ? undefined : unknownCreate(nowMs)),
    own,
  };
}

/** A record with its row. @param parts what it has without @param senders connectors in the order of their numbers */
export function withRow(
  { own, unconfirmed, pending }: RecordDocument,
  { last, same, ...row }: OldRecord,
  senders: readonly string[] = [],
): RecordDocument {
  const isWhole = Object.values(own).every((part) => part.last === undefined);
  const first = senders.findIndex((tenant) => tenant !== FREE);
  // A fingerprint begins with organization and connector id. Whatever was lost is compared again.
  const owner = senders.findIndex((tenant) => tenant !== FREE && same?.startsWith(`${connectorOf(tenant)} `));
  // Whose last message it was is not known; one that was lost has ended since.
  const parts = isEmpty(own) && first !== -1 ? { [first]: {} } : own;
  const withLast = (part: OwnPart): OwnPart => ({ ...part, last: part.last ?? last });
  const ended: RecordDocument["own"] = last === undefined ? own : mapValues(parts, withLast);
  return {
    ...row,
    unconfirmed: unconfirmed ?? row.unconfirmed,
    own: isWhole && owner !== -1 ? { ...ended, [owner]: { ...ended[owner], same } } : ended,
    pending,
  };
}
