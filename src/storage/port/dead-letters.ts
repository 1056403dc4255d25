/** What was refused for good. Part of the Store port. */
import { hash } from "node:crypto";
import { z } from "zod";
import type { DeadLetterRow } from "./rows";
import { connectorOf, type Lane, type RecordOutcome } from "./lane";

/** The record that a dead letter is about; also the place where a page of them ended. */
export interface DeadLetterKey extends Lane {
  readonly type: string;
  readonly hullId: string;
}

export interface DeadLetterQuery {
  readonly tenant?: string | undefined;
  readonly type?: string | undefined;
  readonly code?: string | undefined;
  /** Only those that ended in this run. */
  readonly run?: string | undefined;
  /** Part of an e-mail address, external id, domain or Hull id; upper and lower case do not matter. */
  readonly q?: string | undefined;
  /** `next` of the previous page. */
  readonly after?: string | undefined;
  /** Most dead letters per page. */
  readonly limit: number;
}

export interface DeadLetterPage {
  readonly deadLetters: readonly DeadLetterRow[];
  /** The place where this page ends: there may be more after it, even if the page is empty. */
  readonly next?: string;
}

/** How many dead letters there are, as far as one look goes. */
export interface DeadLetterCounts {
  /** `type/code` → dead letters. */
  readonly counts: Readonly<Record<string, number>>;
  /** Where the look ended, if there may be more. */
  readonly next?: string;
}

/** The result of a replay. */
export interface Replay extends DeadLetterKey {
  /** Id of the dead letter. */
  readonly id: string;
  /** `underway`: its content waits or is in flight already. `superseded`: a newer message was seen, so it is closed. */
  readonly state: "queued" | "underway" | "superseded";
  readonly outcomes: readonly RecordOutcome[];
}

export interface DeadLetterStore {
  deadLettersOf(lane: Lane): Promise<readonly DeadLetterRow[]>;
  /** Dead letters of all lanes, page by page. */
  deadLetters(query: DeadLetterQuery): Promise<DeadLetterPage>;
  /** Counts those of the next thousand that the query chooses. */
  deadLetterCounts(query: Omit<DeadLetterQuery, "limit">): Promise<DeadLetterCounts>;
  /** @param tenant whose dead letter it must be; without it, anybody's */
  deadLetter(id: string, tenant?: string): Promise<DeadLetterRow | undefined>;
  /** Drops a dead letter; undefined when there is none. */
  dropDeadLetter(id: string, tenant?: string): Promise<DeadLetterRow | undefined>;
  /**
   * Replays a dead letter, then those of its children; empty when there is no such dead letter.
   *
   * @param run in which they are counted
   */
  replayDeadLetter(id: string, tenant?: string, run?: string): Promise<readonly Replay[]>;
}

/**
 * The name of a dead letter: short enough to be typed, and the same as long as it is about the same record. The remote
 * tells the service.
 */
export function deadLetterId({ remote, tenant, type, hullId }: DeadLetterKey): string {
  return hash("sha256", JSON.stringify([remote, connectorOf(tenant), type, hullId]), "hex").slice(0, 12);
}

/** Id, type and Hull id. */
const PLACE = z.tuple([z.string(), z.string(), z.string()]);

/** A dead letter's place in the list, without showing where it is stored: the place is part of a page's address. */
export function placeOf(key: DeadLetterKey): string {
  return Buffer.from(JSON.stringify([deadLetterId(key), key.type, key.hullId])).toString("base64url");
}

/** Whether a text can be `next` of a page. */
export function isDeadLetterPlace(text: string): boolean {
  return readPlace(text) !== undefined;
}

export function readPlace(text: string): z.infer<typeof PLACE> | undefined {
  try {
    return PLACE.safeParse(JSON.parse(Buffer.from(text, "base64url").toString("utf8"))).data;
  } catch {
    return undefined;
  }
}
