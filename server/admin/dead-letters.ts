/** What can be done with dead letters: by the command-line tools, and by a connector with its own. */
import orderBy from "lodash/orderBy";
import { createRedactor } from "../../src/http/guards/redact";
import { shownDesired } from "../../src/record";
import { deadLetterId, type DeadLetterPage, type Replay } from "../../src/storage/port/dead-letters";
import type { Content, DeadLetterRow, Outcome } from "../../src/storage/port/rows";
import type { Lane, DeadLetterQuery, RecordOutcome, Store } from "../../src/storage/port/store";

/** A dead letter in a list. */
export interface DeadLetter
  extends Pick<DeadLetterRow, "tenant" | "type" | "hullId">, Pick<Outcome, "atMs" | "code" | "text"> {
  readonly id: string;
  /** Who or what it is about: e-mail, external id or Hull id. */
  readonly name: string;
  readonly outcome: string;
}

/** `version` is 0 if the message's content had no date. */
export interface DeadLetterDetail
  extends
    DeadLetter,
    Pick<DeadLetterRow, "remote" | "attempts">,
    Pick<Content, "messageId" | "version" | "derived" | "claims"> {
  readonly replayed: boolean;
  readonly desired: unknown;
}

export interface DeadLettersOptions {
  readonly store: Pick<
    Store,
    "deadLetters" | "deadLetterCounts" | "deadLetter" | "replayDeadLetter" | "dropDeadLetter"
  >;
  /** Says that a lane has new work. */
  readonly wake: (lane: Lane) => void;
  /** Called with outcomes that were written. */
  readonly announce: (outcomes: readonly RecordOutcome[]) => void;
}

/** What became of replayed dead letters; `queued` counts children of a replayed parent too. */
export type ReplayCounts = Readonly<Record<Replay["state"], number>>;

/** How many dead letters there are for a reason. */
export interface ReasonCount extends Pick<DeadLetter, "type" | "code"> {
  readonly count: number;
}

/** Without `after` of the next page there is none. */
export type Page = Pick<DeadLetterPage, "next">;

/** With a tenant, dead letters of other tenants do not exist. */
export interface DeadLetters {
  list(query: DeadLetterQuery): Promise<{ readonly deadLetters: DeadLetter[] } & Page>;
  /** Dead letters by type and reason, the most frequent first; `more`: there are more than were counted. */
  counts(
    query: Omit<DeadLetterQuery, "limit" | "after">,
  ): Promise<{ readonly reasons: readonly ReasonCount[]; readonly more: boolean }>;
  show(id: string, tenant?: string): Promise<DeadLetterDetail | undefined>;
  /** Replays a dead letter, and those that failed because of it; all zero when there is no such dead letter. */
  replay(id: string, tenant?: string): Promise<ReplayCounts>;
  /** Replays the dead letters of one page. */
  replayPage(query: Omit<DeadLetterQuery, "limit">): Promise<ReplayCounts & Page>;
  /** Drops a dead letter and returns what it was. */
  drop(id: string, tenant?: string): Promise<DeadLetter | undefined>;
}

/** Dead letters that one command for many replays. */
const REPLAY_PAGE = 200;
/** Thousands of dead letters that are counted: a page that shows the counts should not take long. */
const MOST_COUNTED = 5;
/** Reasons in lists are cut here; a single dead letter shows the whole one. */
const LIST_TEXT = 300;

export function createDeadLetters({ store, wake, announce }: DeadLettersOptions): DeadLetters {
  // A service's words may quote what it was sent, and a tool's output is copied into tickets.
  const redactor = createRedactor();

  /** @param maxChars limit of the text, since a page has many dead letters */
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
    const rest = {
      remote,
      messageId,
      version,
      attempts,
      derived,
      claims,
      desired: redactor.value(shownDesired(desired)),
    };
    return { ...summary(row), ...rest, replayed: replay === true };
  }

  async function replay(ids: readonly string[], tenant: string | undefined): Promise<ReplayCounts> {
    const counts = { queued: 0, underway: 0, superseded: 0 };
    const done = new Set<string>();
    for (const id of ids) {
      // A parent earlier on the page may have replayed it already.
      if (done.has(id)) continue;
      for (const each of await store.replayDeadLetter(id, tenant)) {
        done.add(each.id);
        counts[each.state] += 1;
        announce(each.outcomes);
        if (each.state === "queued") wake({ remote: each.remote, tenant: each.tenant });
      }
    }
    return counts;
  }

  return {
    list: async (query) => {
      const { deadLetters, next } = await store.deadLetters(query);
      return { deadLetters: deadLetters.map((row) => summary(row, LIST_TEXT)), next };
    },
    counts: async (query) => {
      const sums = new Map<string, number>();
      let after: string | undefined;
      for (let looks = 0; looks < MOST_COUNTED && (looks === 0 || after !== undefined); looks += 1) {
        const { counts, next } = await store.deadLetterCounts({ ...query, after });
        for (const [name, count] of Object.entries(counts)) sums.set(name, (sums.get(name) ?? 0) + count);
        after = next;
      }
      const reasons = [...sums].map(([name, count]) => {
        const [type = "", ...code] = name.split("/");
        return { type, code: code.join("/"), count };
      });
      return {
        reasons: orderBy(reasons, ["count", "type", "code"], ["desc", "asc", "asc"]),
        more: after !== undefined,
      };
    },
    show: async (id, tenant) => {
      const row = await store.deadLetter(id, tenant);
      return row === undefined ? undefined : detail(row);
    },
    replay: (id, tenant) => replay([id], tenant),
    replayPage: async (query) => {
      const { deadLetters, next } = await store.deadLetters({ ...query, limit: REPLAY_PAGE });
      return { ...(await replay(deadLetters.map(deadLetterId), query.tenant)), next };
    },
    drop: async (id, tenant) => {
      const row = await store.dropDeadLetter(id, tenant);
      return row === undefined ? undefined : summary(row);
    },
  };
}
