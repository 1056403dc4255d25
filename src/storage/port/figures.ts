/** Counts, depths and what became of records lately, for monitoring and for people. Part of the Store port. */
import type { Outcome, RecordName } from "./rows";
import type { Lane } from "./lane";

/** Counts by `type/outcome/code`; derived records (companies made for users) are counted apart. */
export interface Tally {
  readonly messages: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly derived: Readonly<Record<string, number>>;
}

/** Entries and Hull updates that wait. */
interface Depth {
  readonly outbox: number;
  readonly hullUpdates: number;
}

/** What waits and what is paused, over all lanes of a service. */
export interface Backlog extends Depth {
  /** Lanes that have anything in outbox or write-back. */
  readonly lanes: number;
  /** When the entry that has waited longest was accepted, milliseconds since 1970; undefined when none waits. */
  readonly oldestAtMs: number | undefined;
  /** Kinds of the pauses in force, one each. */
  readonly pauses: readonly string[];
  readonly deadLetters: number;
}

/** What a person should look at in one lane; big numbers are capped. */
export interface LaneHealth extends Depth {
  /** When the entry that has waited longest was accepted, milliseconds since 1970. */
  readonly oldestAtMs?: number;
  /** Dead letters by reason code. */
  readonly deadLetters: Readonly<Record<string, number>>;
  /** There may be more than were counted. */
  readonly moreDeadLetters: boolean;
  /** Values of keys that should be unique and that several records have. */
  readonly shared: readonly { readonly of: UniqueKey; readonly value: string }[];
}

/** Outcomes of one hour. */
export interface HourCount {
  /** Beginning of the hour, milliseconds since 1970. */
  readonly atMs: number;
  /** `type/outcome/code` */
  readonly name: string;
  readonly count: number;
}

/** Names of fields that were sent, with their values as JSON; undefined: a value is not shown, or not kept. */
export type SentFields = Readonly<Record<string, string | undefined>>;

/** How a message of a record ended, or what was sent of it before that. */
export interface HistoryLine extends RecordName {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** Absent: fields were sent, and their message has not ended yet. Quiet ones have no message id. */
  readonly ending?: Pick<Outcome, "outcome" | "code" | "text" | "run" | "derived"> & {
    readonly messageId?: string;
    /** So many messages, if several ended alike while Hull could not be told. */
    readonly times?: number;
  };
  /** What was sent to the service. */
  readonly sent?: SentFields;
}

const MINUTE_MS = 60_000;
/** Minutes are counted from 2020 on, so that their numbers leave room in a double until 2083. */
const BEGIN_MS = Date.UTC(2020, 0);
/** Numbers of rows that one minute has. */
export const ROWS_A_MINUTE = 2 ** 28;

/** The number of a minute, with which those of its rows begin. */
export const historyMinute = (atMs: number): number => Math.max(0, Math.floor((atMs - BEGIN_MS) / MINUTE_MS));

/** When a row was written, milliseconds since 1970: the beginning of its minute. */
export const historyRowAtMs = (row: number): number => BEGIN_MS + Math.floor(row / ROWS_A_MINUTE) * MINUTE_MS;

/** Where a page ended: number of its row, and how many of the row's lines, from the end, were looked at. */
export const HISTORY_PLACE = /^(\d{1,16})\.(\d{1,4})$/;

/** Lines of one tenant, the newest first. */
export interface HistoryQuery {
  readonly tenant: string;
  readonly type?: string | undefined;
  readonly outcome?: string | undefined;
  readonly code?: string | undefined;
  /** Id of the run that the messages belong to. */
  readonly run?: string | undefined;
  /** Bounds, milliseconds since 1970, in whole minutes: the first one is wanted, the second is not. */
  readonly fromMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /** `next` of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface HistoryPage {
  readonly lines: readonly HistoryLine[];
  /** Where the page ends: there may be more behind it, even if the page is empty. */
  readonly next?: string;
}

/** What `type/outcome/code` says; a code may contain slashes. */
export function readOutcomeName(name: string) {
  const [type = "", outcome = "", ...code] = name.split("/");
  return { type, outcome, code: code.join("/") };
}

export interface UniqueKey {
  readonly type: string;
  readonly key: string;
}

export interface FigureStore {
  /** When requests of this quota were started since then, in their order; milliseconds since 1970. */
  requestStarts(quotaKey: string, sinceMs: number): Promise<readonly number[]>;
  /** Remembers one; those before `forgetBeforeMs` are forgotten. */
  noteStart(quotaKey: string, atMs: number, forgetBeforeMs: number): Promise<void>;
  tally(tenant: string): Promise<Tally>;
  /** Outcomes by the hour, oldest first; stored for eight days. @param fromMs milliseconds since 1970 */
  hours(tenant: string, fromMs: number): Promise<readonly HourCount[]>;
  /** How messages ended, page by page; kept for some days. */
  history(query: HistoryQuery): Promise<HistoryPage>;
  /** What became of one record, the newest first. */
  timeline(lane: Lane, record: RecordName, limit: number): Promise<readonly HistoryLine[]>;
  depth(lane: Lane): Promise<Depth>;
  /** @param unique keys that no two records of a type should share */
  laneHealth(lane: Lane, unique: readonly UniqueKey[]): Promise<LaneHealth>;
  /** For monitoring: quick, however much waits. */
  backlog(service: string): Promise<Backlog>;
}
