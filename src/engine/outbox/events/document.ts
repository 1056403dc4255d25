/** What every event works on, and what it comes to: a record's document, outcomes, and what follows for others. Pure. */
import mapValues from "lodash/mapValues";
import omit from "lodash/omit";
import type { OutcomeKind } from "../../../record";
import type { SentFields } from "../../../storage/port/store";
import type { FanOut, Outcome, OwnPart, RecordDocument, RecordRow } from "../../../storage/port/rows";

/** When and for whom an event is worked on. */
export interface Moment {
  readonly nowMs: number;
  /** Number of the connector at the remote: whose part of the document it is. */
  readonly number: string;
  /** Links of earlier generations do not count. */
  readonly generation: number;
  /** A number that no other content has. */
  readonly nextSeq: () => number;
  /** Since when content is in flight of which its record says nothing, because it may be repeated. */
  readonly flightOf: (seq: number) => number | undefined;
}

/** What follows from an event for other records. */
export type Effect =
  /** The record has a remote id now, or will have none: its children move. */
  | { readonly kind: "children"; readonly what: FanOut }
  /** The remote record is free for whoever was skipped because of its link. */
  | { readonly kind: "freed"; readonly remoteId: string }
  /** The record is linked to it: it waits for it no longer. */
  | { readonly kind: "linked"; readonly remoteId: string };

export interface Change {
  /** The same object when nothing changed; undefined: nothing is known any more. */
  readonly document: RecordDocument | undefined;
  /** Outcomes of the record that are written with it. */
  readonly ended?: readonly Outcome[];
  /** What was sent of it just now. */
  readonly sent?: SentFields | undefined;
  readonly effects?: readonly Effect[];
}

const NOBODY: OwnPart = {};

export const ownOf = (document: RecordDocument | undefined, { number }: Pick<Moment, "number">): OwnPart =>
  document?.own[number] ?? NOBODY;

/** The document with changed parts of one connector; a part without anything goes. */
export function withOwn(
  document: RecordDocument,
  { number }: Pick<Moment, "number">,
  changes: OwnPart,
): RecordDocument {
  const part: OwnPart = { ...document.own[number], ...changes };
  return { ...document, own: isEmpty(part) ? omit(document.own, number) : { ...document.own, [number]: part } };
}

function isEmpty(part: OwnPart): boolean {
  for (const name in part) if (part[name as keyof OwnPart] !== undefined) return false;
  return true;
}

/** The document with what is in flight, where it does not say so itself. */
export function withFlight<T extends RecordDocument | undefined>(
  document: T,
  at: Pick<Moment, "number" | "flightOf">,
): T {
  const { entry } = ownOf(document, at);
  if (document === undefined || entry?.content === undefined || entry.attempt !== undefined) return document;
  const startedAtMs = at.flightOf(entry.content.seq);
  if (startedAtMs === undefined) return document;
  const attempt = { content: entry.content, kind: "update", startedAtMs } as const;
  return withOwn(document, at, { entry: { ...entry, content: undefined, attempt } }) as T;
}

/** A record of which no message was seen; whatever Hull says of it is newer. */
export const unseen = (claims?: RecordDocument["claims"]): RecordDocument => ({
  version: 0,
  messageId: "",
  revision: 0,
  claims,
  own: {},
});

/** Its remote id, if its link belongs to today's generation. */
export function linkOf(document: RecordDocument | undefined, generation: number): string | undefined {
  return document?.generation === generation ? document.remoteId : undefined;
}

export const hasArrived = ({ outcome }: Pick<Outcome, "outcome">): boolean =>
  outcome === "sent" || outcome === "unchanged";

export function isRefused(outcome: OutcomeKind): outcome is NonNullable<FanOut["cause"]> {
  return outcome === "rejected" || outcome === "dead" || outcome === "skipped";
}

/** What the rest of the engine sees of a record. */
export function recordRow(document: RecordDocument, { last, same, entry }: OwnPart): RecordRow {
  const { version, messageId, revision, remoteId, generation, confirmedAtMs, unconfirmed, recent, claims } = document;
  return {
    version,
    messageId,
    revision,
    remoteId,
    generation,
    confirmedAtMs,
    unconfirmed: entry === undefined ? unconfirmed : undefined,
    recent,
    claims,
    last,
    same,
  };
}

/** From now on, no message ends only because the last unchanged one said the same. */
export function withoutFingerprints(document: RecordDocument): RecordDocument {
  const isMarked = Object.values(document.own).some(({ same }) => same !== undefined);
  return isMarked ? { ...document, own: mapValues(document.own, (part) => ({ ...part, same: undefined })) } : document;
}
