/**
 * Carries out what events come to: writes documents, counts outcomes, and moves those that wait for a record. One commit
 * touches a bounded number of documents: what does not fit is marked in the record, and goes on in further ones.
 */
import dropRight from "lodash/dropRight";
import sortBy from "lodash/sortBy";
import type { Documents } from "../../storage/port/documents";
import { deadLetterId } from "../../storage/port/dead-letters";
import type { Content, FanOut, Outcome, RecordDocument, RecordPlace } from "../../storage/port/rows";
import type { HistoryLine, RecordOutcome } from "../../storage/port/store";
import { cutText } from "../../outcome/outcome";
import type { OutcomeKind } from "../../record";
import { childAfter } from "./events/children";
import { ownOf, unseen, withOwn, type Change, type Effect, type Moment } from "./events/document";
import { retaken } from "./events/replayed";
import type { unfolded } from "./events/settled";
import { ownAt } from "./views";

/** Documents that one commit changes at the most. */
export const MOST_DOCUMENTS = 500;
/** What one more child may change: its record, the content of its dead letter, and the mark in the parent. */
const OF_A_CHILD = 3;
/** Rivals remembered for one remote record; the newest ones. */
const MOST_RIVALS = 10;
/** A rival and its children's dead letters that are replayed with it; further ones are left to a person. */
const MOST_FAMILY = 200;
/** Outcomes that a refused parent causes. */
const ORPHANED = new Set(["parent_rejected", "parent_skipped", "parent_dead"]);

/** One commit over the documents of a remote. */
export interface Commit {
  readonly documents: Documents;
  readonly nowMs: number;
  /** What ended in it, of whichever record. */
  readonly outcomes: RecordOutcome[];
  /** Some children of a record that it changed are left for further commits. */
  unfinished: boolean;
}

export const openCommit = (documents: Documents): Commit => ({
  documents,
  nowMs: documents.nowMs,
  outcomes: [],
  unfinished: false,
});

export function momentOf({ documents, nowMs }: Commit, tenant: string): Moment {
  return {
    nowMs,
    number: documents.numberOf(tenant),
    generation: documents.remote().generation,
    nextSeq: () => documents.nextSeq(),
    flightOf: (seq) => documents.flights(tenant).get(seq),
  };
}

/** Claims by which the log names a record that is being worked on. */
export function claimsOf(document: RecordDocument | undefined, at: Moment): RecordOutcome["claims"] {
  const { entry } = ownOf(document, at);
  return (entry?.attempt ?? entry)?.content?.claims ?? {};
}

/** Counts outcomes; derived records are counted apart, redelivered messages not at all. */
export function count({ documents }: Commit, place: RecordPlace, ended: readonly Outcome[]): void {
  for (const end of ended) if (end.counted) countTimes(documents, place, end, end.derived === true, 1);
}

/** Keeps what became of a record. @param before the row with the line before */
export function note(
  { documents, nowMs }: Commit,
  { tenant, type, hullId }: RecordPlace,
  { ended = [], sent }: Pick<Change, "ended" | "sent">,
  before?: number,
): void {
  const lines: HistoryLine[] = [];
  for (const end of ended) if (end.counted) lines.push({ type, hullId, atMs: nowMs, ending: endingOf(end) });
  if (sent !== undefined) lines[0] = { type, hullId, atMs: nowMs, ...lines[0], sent };
  for (const [index, line] of lines.entries()) documents.note(tenant, line, index === 0 ? before : undefined);
}

/** Counts and notes outcomes that are known by their number only. */
export function countFolded(
  { documents, nowMs }: Commit,
  place: RecordPlace,
  folded: ReturnType<typeof unfolded>,
): void {
  const { tenant, type, hullId } = place;
  for (const { outcome, code, derived, run, times } of folded) {
    countTimes(documents, place, { outcome, code, text: "", run }, derived, times);
    const ending = { outcome, code, text: "", derived: derived || undefined, run, times } as const;
    documents.note(tenant, { type, hullId, atMs: nowMs, ending });
  }
}

function countTimes(
  documents: Documents,
  { tenant, type, hullId }: RecordPlace,
  { outcome, code, text, run }: Pick<Outcome, "outcome" | "code" | "text" | "run">,
  derived: boolean,
  times: number,
): void {
  documents.count(tenant, derived ? "derived" : "outcomes", `${type}/${outcome}/${code}`, times);
  if (run !== undefined && !derived) documents.countInRun(run, { type, hullId, outcome, code, text }, times);
}

/** Of these there are many, and nobody looks for their messages. */
const QUIET: ReadonlySet<OutcomeKind> = new Set(["unchanged", "superseded"]);
/** Reasons that quote more than this are cut; a dead letter has the whole one. */
const MOST_TEXT = 300;

function endingOf({ outcome, code, text, messageId, run, derived }: Outcome): HistoryLine["ending"] {
  const id = QUIET.has(outcome) ? undefined : messageId;
  return { outcome, code, text: cutText(text, MOST_TEXT), run, derived, messageId: id };
}

/** Writes what an event came to. */
export function carryOut(commit: Commit, place: RecordPlace, change: Change, claims: RecordOutcome["claims"]): void {
  const { tenant, type, hullId } = place;
  const { ended = [], effects = [] } = change;
  commit.documents.putRecord(type, hullId, withTrail(commit, place, change));
  count(commit, place, ended);
  for (const outcome of ended) commit.outcomes.push({ tenant, type, hullId, claims, outcome });
  for (const effect of effects) follow(commit, place, effect);
}

/** Notes what an event came to. @returns the document, with the row of its newest line */
function withTrail(commit: Commit, place: RecordPlace, change: Change): RecordDocument | undefined {
  const { document, ended = [], sent } = change;
  if (sent === undefined && !ended.some(({ counted }) => counted)) return document;
  const trail = commit.documents.historyRow(place.tenant);
  const at = { number: commit.documents.numberOf(place.tenant) };
  const part = document?.own[at.number];
  if (document === undefined || part === undefined) {
    // It was erased: nobody is named, and nothing leads to what is kept.
    note(commit, { ...place, hullId: "" }, { ended: ended.map((end) => ({ ...end, messageId: "" })) });
    return document;
  }
  note(commit, place, change, part.trail === trail ? undefined : part.trail);
  return trail === undefined || part.trail === trail ? document : withOwn(document, at, { trail });
}

/** Does for others what an event about a record comes to. */
export function follow(commit: Commit, place: RecordPlace, effect: Effect): void {
  switch (effect.kind) {
    case "children":
      if (!moveChildren(commit, place, effect.what)) mark(commit, place, effect.what);
      return;
    case "linked":
      for (const rival of commit.documents.rivalsFor(place.type, effect.remoteId)) {
        if (rival.hullId === place.hullId) dropRival(commit, rival);
      }
      return;
    case "freed":
      admitRivals(commit, place.type, effect.remoteId);
  }
}

/** Moves children of a record, as many as fit into the commit. @returns whether none is left */
function moveChildren(commit: Commit, parent: RecordPlace, what: FanOut): boolean {
  const { documents } = commit;
  const tenant = what.tenant === undefined ? undefined : documents.tenantOf(what.tenant);
  const name = `${parent.type} ${parent.hullId}`;
  for (;;) {
    const limit = Math.max(1, MOST_DOCUMENTS - documents.changed());
    const children = documents.waitingFor(parent.type, parent.hullId, limit, tenant);
    let moved = 0;
    for (const child of children) {
      if (isFull(documents)) return false;
      const document = documents.record(child.type, child.hullId);
      if (document === undefined) continue;
      moved += 1;
      const at = momentOf(commit, child.tenant);
      const claims = claimsOf(document, at);
      carryOut(commit, child, childAfter(document, what, name, idOf(documents, child), at), claims);
    }
    // Where rows are fetched for the work, a child may be known by its place alone: the run does not count.
    if (moved === 0) return true;
  }
}

const isFull = (documents: Documents): boolean => documents.changed() + OF_A_CHILD > MOST_DOCUMENTS;

function mark(commit: Commit, { type, hullId }: RecordPlace, what: FanOut): void {
  const { documents } = commit;
  const document = documents.record(type, hullId) ?? unseen();
  documents.putRecord(type, hullId, { ...document, pending: [...(document.pending ?? []), what] });
  commit.unfinished = true;
}

/** Whether children of some records did not fit into the commits so far. */
export const isUnfinished = (documents: Documents): boolean => documents.pending(1).length > 0;

/** Goes on with those children, as many as fit into the commit. */
export function goOn(commit: Commit): void {
  const { documents } = commit;
  for (const { type, hullId } of documents.pending(MOST_DOCUMENTS)) {
    const [what, ...rest] = documents.record(type, hullId)?.pending ?? [];
    if (what === undefined) continue;
    if (isFull(documents) || !moveChildren(commit, { tenant: "", type, hullId }, what)) return;
    const document = documents.record(type, hullId);
    if (document === undefined) continue;
    documents.putRecord(type, hullId, { ...document, pending: rest.length === 0 ? undefined : rest });
  }
}

export function idOf(documents: Documents, place: RecordPlace): string {
  return deadLetterId({ remote: documents.remote().key, ...place });
}

/** Whether the remote has one connector only. */
export const isAlone = ({ documents }: Commit): boolean => documents.lanes() < 2;

/** Of the rivals for a remote record, the newest stay. */
export function limitRivals(commit: Commit, type: string, remoteId: string): void {
  const { documents } = commit;
  const rivals = documents.rivalsFor(type, remoteId);
  if (rivals.length <= MOST_RIVALS) return;
  const byAge = sortBy(rivals, (each) => ownAt(documents, each).rival?.atMs);
  for (const old of dropRight(byAge, MOST_RIVALS)) dropRival(commit, old);
}

function dropRival(commit: Commit, { tenant, type, hullId }: RecordPlace): void {
  const document = commit.documents.record(type, hullId);
  if (document === undefined) return;
  commit.documents.putRecord(type, hullId, withOwn(document, momentOf(commit, tenant), { rival: undefined }));
}

/** The record is not linked any more, or is gone: its rivals are taken in again in the order in which they came. */
function admitRivals(commit: Commit, type: string, remoteId: string): void {
  const rivals = commit.documents.rivalsFor(type, remoteId).flatMap((place) => {
    const { rival } = ownAt(commit.documents, place);
    dropRival(commit, place);
    return rival === undefined ? [] : [{ place, rival }];
  });
  // Whatever else the commit has changed: what is not taken in now never will be.
  const most = commit.documents.changed() + MOST_DOCUMENTS;
  for (const { place, rival } of sortBy(rivals, "rival.atMs")) {
    if (!retake(commit, place, rival.content)) continue;
    for (const orphan of someOrphansOf(commit.documents, place)) {
      const { deadLetter } = ownAt(commit.documents, orphan);
      // Further ones are left to a person.
      if (commit.documents.changed() >= most) break;
      if (deadLetter !== undefined) retake(commit, orphan, deadLetter.content);
    }
  }
}

function retake(commit: Commit, place: RecordPlace, content: Content): boolean {
  const { documents } = commit;
  const document = documents.record(place.type, place.hullId);
  const change = retaken(document, content, isAlone(commit), momentOf(commit, place.tenant));
  if (change === undefined) return false;
  if (change.counts !== undefined) documents.count(place.tenant, change.counts, place.type);
  carryOut(commit, place, change, {});
  return true;
}

/** Dead letters of those that ended because their parent did, at any depth, as many as one commit can take. */
function someOrphansOf(documents: Documents, record: RecordPlace): readonly RecordPlace[] {
  const family = [record];
  // The list grows while it is walked; types are a tree, so this ends.
  for (const member of family) {
    if (family.length >= MOST_FAMILY) break;
    family.push(...documents.orphansOf(member, { limit: MOST_FAMILY }).filter((each) => isOrphaned(documents, each)));
  }
  return family.slice(1, MOST_FAMILY);
}

/** Whether a dead letter is one because its parent ended. */
export const isOrphaned = (documents: Documents, place: RecordPlace): boolean =>
  ORPHANED.has(ownAt(documents, place).deadLetter?.ending.code ?? "");
