/** What was refused for good. Part of the Store port. */
import { hash } from "node:crypto";
import type { DeadLetterRow } from "./rows";
import type { Lane, RecordOutcome } from "./lane";

/** The record that a dead letter is about; also the place where a page of them ended. */
export interface DeadLetterKey extends Lane {
  readonly type: string;
  readonly hullId: string;
}

export interface DeadLetterQuery {
  readonly tenant?: string | undefined;
  readonly type?: string | undefined;
  readonly code?: string | undefined;
  /** `next` of the page before. */
  readonly after?: string | undefined;
  /** Most letters of the page. */
  readonly limit: number;
}

export interface DeadLetterPage {
  readonly deadLetters: readonly DeadLetterRow[];
  /** The place where this page ends: there may be more behind it, even if the page is empty. */
  readonly next?: string;
}

/** What became of a letter that was to be sent again. */
export interface Replay extends DeadLetterKey {
  /** Of the letter. */
  readonly id: string;
  /** `underway`: its content waits or is in flight already. `superseded`: a newer message was seen; the letter is closed. */
  readonly state: "queued" | "underway" | "superseded";
  readonly outcomes: readonly RecordOutcome[];
}

export interface DeadLetterStore {
  deadLettersOf(lane: Lane): Promise<readonly DeadLetterRow[]>;
  /** Dead letters of all lanes, page by page. */
  deadLetters(query: DeadLetterQuery): Promise<DeadLetterPage>;
  /** @param tenant whose letter it must be; without it, anybody's */
  deadLetter(id: string, tenant?: string): Promise<DeadLetterRow | undefined>;
  /** Forgets a letter; undefined when there is none. */
  dropDeadLetter(id: string, tenant?: string): Promise<DeadLetterRow | undefined>;
  /** Takes the content of a letter in again, then that of its children; empty when there is no such letter. */
  replayDeadLetter(id: string, tenant?: string): Promise<readonly Replay[]>;
}

/** Short enough to be typed, and the same as long as the letter is about the same record. */
export function deadLetterId({ remote, tenant, type, hullId }: DeadLetterKey): string {
  return hash("sha256", JSON.stringify([remote, tenant, type, hullId]), "hex").slice(0, 12);
}

/** Names the place of a letter in the list without showing where it is kept, since pages are asked for in addresses. */
export function placeOf(key: DeadLetterKey): string {
  return Buffer.from(JSON.stringify([deadLetterId(key), key.type, key.hullId])).toString("base64url");
}

/** Whether a text can be `next` of a page. */
export function isDeadLetterPlace(text: string): boolean {
  return readPlace(text) !== undefined;
}

export function readPlace(text: string): readonly [id: string, type: string, hullId: string] | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    const parts: readonly unknown[] = Array.isArray(parsed) ? parsed : [];
    const [id, type, hullId] = parts;
    if (typeof id !== "string" || typeof type !== "string" || typeof hullId !== "string") return undefined;
    return [id, type, hullId];
  } catch {
    return undefined;
  }
}
