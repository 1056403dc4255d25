/** Sending a dead letter again: its content is taken in as a new message, unless something newer came meanwhile. */
import { mergeContent, NEWER, queued } from "./accept";
import { openEntries } from "./entries";
import { closeLetter, letterId } from "./letters";
import type { Content, EntryRow } from "./rows";
import type { Lane, LetterKey, RecordEnding, Replay } from "./store";
import { countEnding, ending, type Ledger, type Tables } from "./tables";

/** Takes a letter's content in again, as a new message. The letter stays until the record arrives. */
export function replayLetter(tables: Tables, ledger: Ledger, key: LetterKey): Replay | undefined {
  const row = tables.dead.get([key.remote, key.tenant, key.type, key.hullId]);
  if (row === undefined) return undefined;
  const { remote, tenant, type, hullId, content } = row;
  const lane: Lane = { remote, tenant };
  const endings: RecordEnding[] = [];
  const answer = (state: Replay["state"]): Replay => ({ id: letterId(row), ...pickKey(row), state, endings });
  const nowMs = tables.now();

  const record = tables.records.get([remote, type, hullId]);
  const entries = openEntries(tables, ledger, lane, endings);
  const entry = entries.get(type, hullId);
  const newest = record ?? entry?.content ?? entry?.attempt?.content;
  const outdated = newest !== undefined && isNewer(newest, content);
  if (!outdated && isUnderway(entry, content)) return answer("underway");

  const note = (of: Content): void => {
    const end = ending(of, "superseded", "newer_message", `${NEWER} (${newest?.messageId ?? ""})`, nowMs);
    countEnding(ledger, tenant, type, hullId, end);
    endings.push({ type, hullId, claims: of.claims, ending: end });
  };
  // The run that it came in has counted it.
  const { seq: _, run: _run, ...old } = content;
  const again = { ...old, counted: true, replay: true } as const;
  ledger.count(tenant, content.derived ? "derived" : "messages", type);
  if (outdated) {
    note({ ...again, seq: 0 });
    closeLetter(tables, row);
    return answer("superseded");
  }
  if (record === undefined) {
    const { version, derived, messageId } = content;
    tables.records.put([remote, type, hullId], { version, messageId: derived ? "" : messageId, revision: 0 });
  }
  const replaced = entry?.content;
  if (replaced !== undefined) note(replaced);
  const next: Content = { ...again, ...mergeContent(replaced, again), seq: ledger.nextSeq() };
  entries.put(entry, queued(entry, next, { tenant, type, hullId }, record?.doubt, nowMs));
  return answer("queued");
}

function pickKey({ remote, tenant, type, hullId }: LetterKey): LetterKey {
  return { remote, tenant, type, hullId };
}

/** Of two messages with one version the later one was remembered. A derived record updates nothing, so it is never old. */
function isNewer(newest: { readonly version: number; readonly messageId: string }, content: Content): boolean {
  if (content.derived) return false;
  return newest.version === content.version ? newest.messageId !== content.messageId : newest.version > content.version;
}

/** The very same content waits or is in flight already; for a derived record anything about it will do. */
function isUnderway(entry: EntryRow | undefined, content: Content): boolean {
  return [entry?.content, entry?.attempt?.content].some(
    (each) => each !== undefined && (content.derived || (!each.derived && each.messageId === content.messageId)),
  );
}
