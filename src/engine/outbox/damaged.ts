/** What becomes of a record of which a row was damaged: nothing is made twice, and nobody waits for ever. */
import { outcomeOf, reason } from "../../outcome/outcome";
import type { DamageRules } from "../../storage/port/documents";
import type { RecordDocument } from "../../storage/port/rows";
import { distrustScan } from "./delivery";
import { linkOf, ownOf, unseen, withOwn, withoutFingerprints, type Effect } from "./events/document";
import { carryOut, follow, goOn, isUnfinished, momentOf, openCommit } from "./effects";

const DAMAGED = reason("damaged");
/** Children go back into the queue, where their parent is made anew if need be. */
const FREED: Effect = { kind: "children", what: { kind: "release" } };

export const DAMAGE_RULES: DamageRules = {
  record: (documents, { type, hullId }, { waited, claims, remoteId }) => {
    const commit = openCommit(documents);
    const { nowMs } = commit;
    const { generation } = documents.remote();
    let document: RecordDocument = {
      ...unseen(claims),
      // Greater than any: what was compared before does not count.
      revision: nowMs,
      // Without a link nobody knows whether a create is behind it.
      ...(remoteId === undefined ? { unconfirmed: { sinceMs: nowMs, reads: 0 } } : { remoteId, generation }),
    };
    const end = outcomeOf({ messageId: "", counted: true }, "dead", DAMAGED, nowMs);
    documents.putRecord(type, hullId, document);
    for (const tenant of waited) {
      document = withOwn(document, momentOf(commit, tenant), { last: end });
      carryOut(commit, { tenant, type, hullId }, { document, ended: [end] }, {});
    }
    follow(commit, { tenant: "", type, hullId }, FREED);
  },
  content: (documents, place, part) => {
    const commit = openCommit(documents);
    const { tenant, type, hullId } = place;
    const before = documents.record(type, hullId);
    if (before === undefined) return;
    const at = momentOf(commit, tenant);
    const { entry } = ownOf(before, at);
    const left = withOwn(before, at, { [part]: undefined });
    if (part !== "entry" || entry === undefined) {
      documents.putRecord(type, hullId, left);
      return;
    }
    const contents = [entry.attempt?.content, entry.content].filter((content) => content !== undefined);
    const ended = contents.map((content) => outcomeOf(content, "dead", DAMAGED, at.nowMs));
    // A create that is in flight is looked for before it is tried again.
    const isOpen = entry.attempt !== undefined && linkOf(before, at.generation) === undefined;
    const unconfirmed = before.unconfirmed ?? (isOpen ? { sinceMs: at.nowMs, reads: 0 } : undefined);
    const document = withOwn({ ...left, unconfirmed }, at, { same: undefined, last: ended.at(-1) });
    carryOut(commit, place, { document, ended, effects: [FREED] }, {});
  },
  mirror: (documents, type, id, linkedTo) => {
    // No scan proves its absence, so it is looked for.
    distrustScan(documents, type);
    if (linkedTo === undefined) return;
    const { generation } = documents.remote();
    documents.putMirror(type, id, { id, generation, keys: {}, linkedTo, facts: {}, complete: false });
    const record = documents.record(type, linkedTo);
    if (record === undefined) return;
    documents.putRecord(type, linkedTo, { ...withoutFingerprints(record), revision: record.revision + 1 });
  },
  goOn: (documents) => {
    goOn(openCommit(documents));
    return isUnfinished(documents);
  },
};
