/**
 * An owner that was thought dead may still write what it had in flight, after a newer owner has written. What was delivered
 * of such a record is kept for a while; when the former owner says that it wrote, the record is read, and what differs is
 * sent again. Pure.
 */
import type { Content, Entry, OwnPart, RecordDocument } from "../../../storage/port/rows";
import { again, newEntry } from "./content";
import { ownOf, withOwn, type Moment } from "./document";

/** Nobody writes after a longer silence. */
const KEPT_MS = 86_400_000;

/** Its former owner may still write it. */
export function orphaned(document: RecordDocument, at: Moment): RecordDocument {
  const { entry } = ownOf(document, at);
  return entry === undefined ? document : withOwn(document, at, { entry: { ...entry, orphaned: true } });
}

/** What stays of content that was delivered. */
export function keptOf({ kept }: OwnPart, { orphaned }: Entry, content: Content, { nowMs }: Moment): OwnPart["kept"] {
  // An event is sent once, and cannot be read.
  if (content.once === true) return undefined;
  if (orphaned === true) return { content, atMs: nowMs };
  return kept === undefined || isOver(kept, nowMs) ? undefined : { content, atMs: kept.atMs };
}

export const isOver = ({ atMs }: NonNullable<OwnPart["kept"]>, nowMs: number): boolean => nowMs - atMs > KEPT_MS;

/** The former owner wrote. */
export function rechecked(document: RecordDocument, at: Moment): RecordDocument {
  const { entry, kept } = ownOf(document, at);
  if (entry !== undefined) {
    const content = entry.content && { ...entry.content, replay: true as const };
    return withOwn(document, at, { entry: { ...entry, content, orphaned: true, recheck: true } });
  }
  return kept === undefined ? document : withOwn(document, at, { same: undefined, entry: onceMore(kept.content, at) });
}

/** The same content, compared with what is there. Its message has ended already. */
export function onceMore(content: Content, at: Moment): Entry {
  return newEntry({ ...again(content, at.nextSeq()), counted: false }, at.nowMs);
}
