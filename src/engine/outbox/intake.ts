/** Messages on their way in: what is remembered of them, and what becomes of them. */
import type { Documents, DocumentsOf } from "../../storage/port/documents";
import type { Acceptance, Accepted } from "../../storage/port/store";
import { accepted, acceptedNowhere, hindered, type Taken } from "./events/accepted";
import { versionOf } from "./events/content";
import { takeIds } from "./dedupe";
import { withFlight } from "./events/document";
import { carryOut, count, momentOf, note, openCommit } from "./effects";

/** One message of one record, in a commit. */
export function acceptOne(documentsOf: DocumentsOf, given: Acceptance): Accepted & { readonly unfinished: boolean } {
  const { tenant, type, hullId, remote } = given;
  const documents = documentsOf(remote ?? "");
  const { nowMs } = documents;
  const commit = openCommit(documents);
  if (remote === undefined) {
    const taken = takeIds(documents, given, undefined, false);
    met(documents, given, taken);
    const outcomes = acceptedNowhere(given, taken, nowMs);
    count(commit, given, outcomes);
    note(commit, given, { ended: outcomes });
    return { state: "ended", outcomes, children: [], unfinished: false };
  }
  const at = momentOf(commit, tenant);
  const before = withFlight(documents.record(type, hullId), at);
  const hindrance = hindered(before, given, at);
  if (hindrance !== undefined) return { state: hindrance, outcomes: [], children: [], unfinished: false };
  const isNewest = before !== undefined && given.undated !== true && given.version > versionOf(before, nowMs);
  const taken = takeIds(documents, given, before, isNewest);
  met(documents, given, taken);
  const change = accepted(before, given, taken, at);
  carryOut(commit, { tenant, type, hullId }, change, given.claims ?? {});
  const children = commit.outcomes.slice(change.ended.length);
  return { state: change.state, outcomes: change.ended, children, unfinished: commit.unfinished };
}

/** Counts messages that are here for the first time. */
function met(documents: Documents, { tenant, type, run }: Acceptance, { first }: Taken): void {
  if (first.size === 0) return;
  documents.count(tenant, "messages", type, first.size);
  if (run !== undefined) documents.countInRun(run, "met", first.size);
}
