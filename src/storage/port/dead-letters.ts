/** What was refused for good. Part of the Store port. */
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
  readonly letters: readonly DeadLetterRow[];
  /** The place where this page ends: there may be more behind it, even if the page is empty. */
  readonly next?: string;
}

/** What became of a letter that was to be sent again. */
export interface Replay extends DeadLetterKey {
  /** Of the letter. */
  readonly id: string;
  /** `underway`: its content waits or is in flight already. `superseded`: a newer message was seen; the letter is closed. */
  readonly state: "queued" | "underway" | "superseded";
  readonly endings: readonly RecordOutcome[];
}

export interface DeadLetterStore {
  deadLetters(lane: Lane): Promise<readonly DeadLetterRow[]>;
  /** Dead letters of all lanes, page by page. */
  letters(query: DeadLetterQuery): Promise<DeadLetterPage>;
  /** @param tenant whose letter it must be; without it, anybody's */
  letter(id: string, tenant?: string): Promise<DeadLetterRow | undefined>;
  /** Forgets a letter; undefined when there is none. */
  dropLetter(id: string, tenant?: string): Promise<DeadLetterRow | undefined>;
  /** Takes the content of a letter in again, then that of its children; empty when there is no such letter. */
  replayDeadLetter(id: string, tenant?: string): Promise<readonly Replay[]>;
}
