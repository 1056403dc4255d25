/** What waits moves along with a tenant that points to another remote. */
import { reason } from "../../outcome/outcome";
import { openEntries } from "../tables/entries";
import { countOutcome, type Ledger } from "../tables/ledger";
import { outcomeOf, reindex, type Tables } from "../tables/tables";
import type { Content } from "../port/rows";
import type { Lane } from "../port/store";
import { mergeContent, newEntry } from "./accept";

/**
 * Moves some of a lane's entries to another remote. Links, unconfirmed creates and attempts belong to the old one and
 * stay.
 *
 * @returns false when none was left
 */
export function moveEntries(tables: Tables, ledger: Ledger, lane: Lane, remote: string, limit: number): boolean {
  const { tenant } = lane;
  const from = openEntries(tables, ledger, lane, []);
  const to = openEntries(tables, ledger, { remote, tenant }, []);
  const slice = [...tables.outbox.range([lane.remote, tenant], { limit })];
  for (const [, entry] of slice) {
    const { type, hullId, attempt } = entry;
    from.remove(entry);
    const end = (content: Content): void => {
      const superseded = outcomeOf(content, "superseded", reason("newer_message"), tables.now());
      countOutcome(ledger, tenant, type, hullId, superseded);
    };
    const contents = [attempt?.content, entry.content].filter((content) => content !== undefined);
    const isWithdrawn = entry.content === undefined && entry.withdrawn === true;
    const moved = isWithdrawn ? undefined : contents.pop();
    contents.forEach(end);
    if (moved === undefined) continue;
    const there = to.get(type, hullId);
    const waiting = there?.content;
    const seen = tables.records.get([remote, type, hullId])?.version ?? 0;
    if (Math.max(seen, waiting?.version ?? 0) > moved.version) {
      end(moved);
      continue;
    }
    if (waiting !== undefined) end(waiting);
    moveVersion(tables, lane.remote, remote, type, hullId);
    const content: Content = { ...moved, ...mergeContent(waiting ?? contents[0], moved) };
    to.put(there, {
      ...newEntry({ tenant, type, hullId }, content, Math.min(entry.acceptedAtMs, there?.acceptedAtMs ?? Infinity)),
      attempt: there?.attempt,
      unconfirmed: there?.unconfirmed,
    });
  }
  return slice.length > 0;
}

/** The newest version seen counts there too, so that an older message cannot come after it. */
function moveVersion(tables: Tables, from: string, to: string, type: string, hullId: string): void {
  const record = tables.records.get([from, type, hullId]);
  const there = tables.records.get([to, type, hullId]);
  if (record === undefined || (there !== undefined && there.version >= record.version)) return;
  const { version, messageId, recent = there?.recent, claims = there?.claims } = record;
  reindex(tables.claimIndex, [to, type, hullId], there?.claims, claims);
  tables.records.put([to, type, hullId], { ...(there ?? { revision: 0 }), version, messageId, recent, claims });
}
