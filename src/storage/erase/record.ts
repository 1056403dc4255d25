/** Erasing what is stored about one Hull entity. */
import { reason } from "../../outcome/outcome";
import { openEntries } from "../tables/entries";
import type { Key } from "../database/kv";
import { childDeadLetters, closeDeadLetter } from "../tables/dead-letters";
import { removeHullUpdate } from "../tables/hull-updates";
import { forgetMirror } from "../outbox/links";
import type { Content } from "../port/rows";
import { dropRival } from "../outbox/rivals";
import { forgetReportLines } from "../tables/runs";
import { inSlices, SLICE } from "../database/slices";
import type { DeadLetterKey, RecordOutcome, TenantStore } from "../port/store";
import { countOutcome, transact, type Ledger } from "../tables/ledger";
import { distrustScan } from "../tables/mirror";
import { idsWith, outcomeOf, isWaiting, lanesOf, pathOf, reindex, remoteRow, type Tables } from "../tables/tables";

const FORGOTTEN = reason("forgotten");

/** Erases one entity wherever the tenant stored it; its child records first. */
export async function forgetEntity(
  tables: Tables,
  tenant: string,
  { types, children }: Parameters<TenantStore["forgetEntity"]>[1],
  hullId: string,
): Promise<readonly RecordOutcome[]> {
  const forget = (keys: readonly DeadLetterKey[]): Promise<RecordOutcome[]> =>
    inSlices(keys, (slice) => transact(tables, (ledger) => slice.flatMap((key) => forgetRecord(tables, ledger, key))));
  const outcomes: RecordOutcome[] = [];
  for (const lane of tables.kv.read(() => lanesOf(tables, tenant))) {
    for (const own of types.map((type) => ({ ...lane, type, hullId }))) {
      for (const type of children) outcomes.push(...(await forget(await childrenOf(tables, own, type))));
      outcomes.push(...(await forget([own])));
    }
  }
  await forgetReportLines(tables, tenant, hullId);
  return outcomes;
}

/** Records of a type that name the given one as their parent, in the outbox or as dead letters. */
async function childrenOf(tables: Tables, parent: DeadLetterKey, type: string): Promise<readonly DeadLetterKey[]> {
  const { remote, tenant } = parent;
  const { kv } = tables;
  const found = kv.read(() => childDeadLetters(tables, parent).filter((each) => each.type === type));
  for (let after: Key | undefined, full = true; full;) {
    const from = after;
    const rows = kv.read(() => [...tables.outbox.range([remote, tenant, type], { after: from, limit: SLICE })]);
    for (const [, { hullId, content, attempt }] of rows) {
      if (isChild(content, parent) || isChild(attempt?.content, parent)) found.push({ remote, tenant, type, hullId });
    }
    after = rows.at(-1)?.[0];
    full = rows.length === SLICE;
    // An outbox may be long: requests are served in between.
    if (full) await new Promise(setImmediate);
  }
  return found;
}

function isChild(content: Content | undefined, { type, hullId }: DeadLetterKey): boolean {
  const parent = content?.desired.parent;
  return parent?.type === type && parent.hullId === hullId;
}

/**
 * Erases one record in one lane. What waits of it ends `skipped / forgotten`; a record that only Hull had still to be
 * told of was delivered, and ends that way. No outcome names anybody.
 */
function forgetRecord(tables: Tables, ledger: Ledger, key: DeadLetterKey): RecordOutcome[] {
  const { remote, tenant, type, hullId } = key;
  const outcomes: RecordOutcome[] = [];
  const entries = openEntries(tables, ledger, key, outcomes);
  const note = (end: RecordOutcome["outcome"]): void => {
    countOutcome(ledger, tenant, type, hullId, end);
    outcomes.push({ type, hullId, claims: {}, outcome: end });
  };
  const entry = entries.get(type, hullId);
  if (entry !== undefined) {
    for (const content of [entry.attempt?.content, entry.content]) {
      if (content !== undefined) note(outcomeOf(content, "skipped", FORGOTTEN, tables.now()));
    }
    entries.remove(entry);
    entries.refuseChildren(type, hullId, "skipped", FORGOTTEN.text);
  }
  const hullUpdate = tables.hullUpdates.get(pathOf(key));
  if (hullUpdate !== undefined) removeHullUpdate(tables, ledger, key, hullUpdate);
  hullUpdate?.outcomes.forEach(note);
  closeDeadLetter(tables, key);
  dropRival(tables, key);

  const recordKey = [remote, type, hullId];
  const record = tables.records.get(recordKey);
  if (record?.remoteId !== undefined) forgetLinked(tables, ledger, key, record.remoteId);
  reindex(tables.claimIndex, recordKey, record?.claims);
  if (record === undefined || !isWaiting(tables, recordKey)) tables.records.remove(recordKey);
  else {
    // Another connector of the remote has not heard of it yet: what it delivers must find its row.
    const { version, messageId, revision } = record;
    tables.records.put(recordKey, { version, messageId, revision: revision + 1 });
  }
  return outcomes;
}

/** The remote record that the entity is linked to, and those that it was linked to in earlier generations. */
function forgetLinked(tables: Tables, ledger: Ledger, { remote, type, hullId }: DeadLetterKey, remoteId: string): void {
  const mirror = tables.mirror.get([remote, type, remoteId]);
  if (mirror?.linkedTo !== hullId) return;
  const namesakes = Object.entries(mirror.keys).flatMap(([name, value]) => [
    ...idsWith(tables.mirrorKeys, [remote, type], name, value),
  ]);
  const row = remoteRow(tables, remote);
  for (const id of new Set([remoteId, ...namesakes])) {
    if (tables.mirror.get([remote, type, id])?.linkedTo === hullId) forgetMirror(tables, ledger, row, type, id);
  }
  // The last scan did see that record.
  distrustScan(tables, remote, type);
}
