/** What can be done with dead letters: for the command-line tools of the machine, and for connectors with their own. */
import { createRedactor } from "../../src/http/guards/redact";
import { deadLetterId } from "../../src/storage/port/dead-letters";
import type { DeadLetterRow } from "../../src/storage/port/rows";
import type { Lane, DeadLetterQuery, RecordOutcome, Store } from "../../src/storage/port/store";
import type { DeadLetter, DeadLetterDetail } from "./commands";

export interface DeadLettersOptions {
  readonly store: Pick<Store, "deadLetters" | "deadLetter" | "replayDeadLetter" | "dropDeadLetter">;
  /** Says that a lane has new work. */
  readonly wake: (lane: Lane) => void;
  /** Outcomes that were written. */
  readonly announce: (tenantKey: string, outcomes: readonly RecordOutcome[]) => Promise<void>;
}

/** What became of letters that were sent again; `queued` counts children of a replayed parent too. */
export interface ReplayCounts {
  readonly queued: number;
  readonly underway: number;
  readonly superseded: number;
}

export interface Page {
  /** `after` of the next page; without it there is none. */
  readonly next?: string;
}

/** With a tenant, letters of others do not exist. */
export interface DeadLetters {
  list(query: DeadLetterQuery): Promise<{ readonly deadLetters: DeadLetter[] } & Page>;
  show(id: string, tenant?: string): Promise<DeadLetterDetail | undefined>;
  /** Sends a letter again, and what failed because of it; all zero when there is no such letter. */
  replay(id: string, tenant?: string): Promise<ReplayCounts>;
  /** Sends the letters of one page again. */
  replayPage(query: Omit<DeadLetterQuery, "limit">): Promise<ReplayCounts & Page>;
  /** Forgets a letter and answers what it was. */
  drop(id: string, tenant?: string): Promise<DeadLetter | undefined>;
}

/** Letters that one command of many sends again. */
const REPLAY_PAGE = 200;
/** Reasons in lists are cut here; the whole one is in the letter. */
const LIST_TEXT = 300;

export function createDeadLetters({ store, wake, announce }: DeadLettersOptions): DeadLetters {
  // What Planhat says may quote what it was sent, and a tool's output is copied into tickets.
  const redactor = createRedactor();

  /** @param maxChars of the text, the letters of a page being many */
  function summary(row: DeadLetterRow, maxChars = Infinity): DeadLetter {
    const { tenant, type, hullId, content, ending } = row;
    const { email, external_id, domain } = content.claims;
    const name = email ?? external_id ?? domain ?? hullId;
    const { atMs, outcome, code } = ending;
    const text = redactor.opening(ending.text, maxChars);
    return { id: deadLetterId(row), atMs, tenant, type, hullId, name, outcome, code, text };
  }

  function detail(row: DeadLetterRow): DeadLetterDetail {
    const { remote, attempts, content } = row;
    const { messageId, version, derived, replay, claims, desired } = content;
    const rest = { remote, messageId, version, attempts, derived, claims, desired: redactor.value(desired) };
    return { ...summary(row), ...rest, replayed: replay === true };
  }

  async function replay(ids: readonly string[], tenant: string | undefined): Promise<ReplayCounts> {
    const counts = { queued: 0, underway: 0, superseded: 0 };
    const done = new Set<string>();
    for (const id of ids) {
      // A parent before it on the page may have taken it along.
      if (done.has(id)) continue;
      for (const each of await store.replayDeadLetter(id, tenant)) {
        done.add(each.id);
        counts[each.state] += 1;
        await announce(each.tenant, each.outcomes);
        if (each.state === "queued") wake({ remote: each.remote, tenant: each.tenant });
      }
    }
    return counts;
  }

  return {
    list: async (query) => {
      const { deadLetters, next } = await store.deadLetters(query);
      return { deadLetters: deadLetters.map((row) => summary(row, LIST_TEXT)), ...pageOf(next) };
    },
    show: async (id, tenant) => {
      const row = await store.deadLetter(id, tenant);
      return row === undefined ? undefined : detail(row);
    },
    replay: (id, tenant) => replay([id], tenant),
    replayPage: async (query) => {
      const { deadLetters, next } = await store.deadLetters({ ...query, limit: REPLAY_PAGE });
      return { ...(await replay(deadLetters.map(deadLetterId), query.tenant)), ...pageOf(next) };
    },
    drop: async (id, tenant) => {
      const row = await store.dropDeadLetter(id, tenant);
      return row === undefined ? undefined : summary(row);
    },
  };
}

function pageOf(next: string | undefined): Page {
  return next === undefined ? {} : { next };
}
