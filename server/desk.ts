/** Carries out what the command-line tools ask for; the same inside the running server and on a store at rest. */
import { createRedactor } from "../src/http/redact";
import { letterId } from "../src/storage/letters";
import type { DeadLetterRow } from "../src/storage/rows";
import type { Lane, RecordEnding, Replay, Store } from "../src/storage/store";
import type { Answers, Command, Letter, LetterDetail, TenantSummary } from "./commands";

export interface DeskOptions {
  readonly store: Store;
  /** Says that a lane has new work. */
  readonly wake: (lane: Lane) => void;
  /** Outcomes that were written. */
  readonly announce: (tenantKey: string, endings: readonly RecordEnding[]) => Promise<void>;
  /** Erases a tenant; answers how many rows there were. */
  readonly forgetTenant: (tenantKey: string) => Promise<number>;
}

/** Letters that one command of many sends again. */
const REPLAY_PAGE = 200;
/** Reasons in lists are cut here; the whole one is in the letter. */
const LIST_TEXT = 300;

/** Carries out one command, already read. */
export function createDesk(options: DeskOptions) {
  const { store } = options;
  // What Planhat says may quote what it was sent, and a tool's output is copied into tickets.
  const redactor = createRedactor();

  function summary(row: DeadLetterRow): Letter {
    const { tenant, type, hullId, content, ending } = row;
    const { email, external_id, domain } = content.claims;
    const name = email ?? external_id ?? domain ?? hullId;
    const { atMs, outcome, code } = ending;
    return { id: letterId(row), atMs, tenant, type, hullId, name, outcome, code, text: redactor.text(ending.text) };
  }

  function detail(row: DeadLetterRow): LetterDetail {
    const { remote, attempts, content } = row;
    const { messageId, version, derived, replay, claims, desired } = content;
    const rest = { remote, messageId, version, attempts, derived, claims, desired: redactor.value(desired) };
    return { ...summary(row), ...rest, replayed: replay === true };
  }

  async function replay(ids: readonly string[]): Promise<Pick<Answers["letters.replay-all"], Replay["state"]>> {
    const counts = { queued: 0, underway: 0, superseded: 0 };
    const done = new Set<string>();
    for (const id of ids) {
      // A parent before it on the page may have taken it along.
      if (done.has(id)) continue;
      for (const each of await store.replayLetter(id)) {
        done.add(each.id);
        counts[each.state] += 1;
        await options.announce(each.tenant, each.endings);
        if (each.state === "queued") options.wake({ remote: each.remote, tenant: each.tenant });
      }
    }
    return counts;
  }

  async function summaryOf(tenant: string, settingsAtMs: number, remote: string | undefined): Promise<TenantSummary> {
    if (remote === undefined) return { tenant, settingsAtMs, outbox: 0, tells: 0 };
    return { tenant, settingsAtMs, remote, ...(await store.depth({ remote, tenant })) };
  }

  return async (command: Command): Promise<Answers[keyof Answers]> => {
    switch (command.command) {
      case "letters.list": {
        const { letters, next } = await store.letters(command);
        const cut = (letter: Letter): Letter => ({ ...letter, text: letter.text.slice(0, LIST_TEXT) });
        return { letters: letters.map((row) => cut(summary(row))), ...(next === undefined ? {} : { next }) };
      }
      case "letters.show": {
        const row = await store.letter(command.id);
        return row === undefined ? {} : { letter: detail(row) };
      }
      case "letters.replay": {
        const replayed = await replay([command.id]);
        return { known: replayed.queued + replayed.underway + replayed.superseded > 0, replayed };
      }
      case "letters.replay-all": {
        const { letters, next } = await store.letters({ ...command, limit: REPLAY_PAGE });
        return { ...(await replay(letters.map(letterId))), ...(next === undefined ? {} : { next }) };
      }
      case "letters.drop": {
        const row = await store.dropLetter(command.id);
        return row === undefined ? {} : { letter: summary(row) };
      }
      case "tenants.list": {
        const rows = await store.tenants();
        return { tenants: await Promise.all(rows.map((row) => summaryOf(row.key, row.settingsAtMs, row.remote))) };
      }
      case "tenants.forget":
        return { rows: await options.forgetTenant(command.tenant) };
    }
  };
}
