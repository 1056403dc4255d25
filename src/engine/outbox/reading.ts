/** What was read of the service, and what Hull was told of it, as it is written down. */
import { isAlike } from "../../record";
import type { MirrorRow } from "../../storage/port/rows";
import type { MissingQuery, Store } from "../../storage/port/store";
import type { Stored } from "../../storage/port/stored";
import { distrustScan, forgetMirror } from "./delivery";
import { withoutFingerprints } from "./events/document";
import { follow } from "./effects";
import { confirmed, listed, missing, observed, seenFrom } from "./events/remote-record";
import { inSlices } from "./slices";
import { mirrorFor, mirrorOf, PAGE } from "./views";
import type { Shell } from "./shell";

type Reading = Pick<
  Store,
  | ("observe" | "candidates" | "mirrors" | "fetchView" | "toldUnder" | "sharedKeys" | "takeFetched" | "markSeen")
  | ("markMissing" | "confirmFacts" | "markUnknown" | "forgetGone")
>;

export function createReading(stored: Stored, { work, each, reading }: Shell): Reading {
  return {
    observe: async (remote, type, readAtMs, settleMs, observations, scan) => {
      await each(remote, observations, ({ documents }, seen) => {
        const { generation } = documents.remote();
        const before = mirrorOf(documents, type, seen.id);
        documents.putMirror(type, seen.id, observed(generation, before, seen, readAtMs, settleMs));
      });
      if (scan !== undefined) await stored.noteScan(remote, type, scan);
    },
    candidates: ({ remote, tenant }, type, keys) =>
      reading(remote, (documents) => {
        const found = new Map<string, MirrorRow>();
        for (const { name, value } of keys) {
          for (const id of documents.idsWith(type, name, value)) {
            const row = mirrorOf(documents, type, id);
            if (row !== undefined && isAlike(row.keys[name], value)) found.set(id, row);
          }
        }
        return [...found.values()].map((row) => seenFrom(documents.numberIn(tenant), row));
      }),
    mirrors: ({ remote, tenant }, type, ids) =>
      reading(remote, (documents) => ids.map((id) => mirrorFor(documents, tenant, type, id))),
    fetchView: (remote, type, ids) =>
      reading(remote, (documents) =>
        ids.map((id) => {
          const mirror = mirrorOf(documents, type, id);
          const record = mirror?.linkedTo === undefined ? undefined : documents.record(type, mirror.linkedTo);
          // Something of it waits, is in flight, or is still to be told to Hull.
          const busy = Object.values(record?.own ?? {}).some(
            ({ entry, hullUpdate }) => (entry ?? hullUpdate) !== undefined,
          );
          return { mirror, busy };
        }),
      ),
    toldUnder: (remote, type, ids) =>
      reading(remote, (documents) => ids.map((id) => mirrorOf(documents, type, id)?.confirmedUnder)),
    sharedKeys: (remote, type, wanted) =>
      reading(remote, (documents) => {
        const isOther = (id: string, name: string, value: string): boolean => {
          for (const other of documents.idsWith(type, name, value)) {
            const row = other === id ? undefined : mirrorOf(documents, type, other);
            if (row !== undefined && row.missing !== true && isAlike(row.keys[name], value)) return true;
          }
          return false;
        };
        return wanted.map(({ id, keys }) => Object.keys(keys).filter((name) => isOther(id, name, keys[name] ?? "")));
      }),
    takeFetched: async (remote, type, { rows, readAtMs, settleMs, run }) => {
      const shown = await stored.listed(remote, type, run);
      await inSlices(rows, async (slice) => {
        const first = slice.flatMap(({ seen }) => (shown.has(seen.id) ? [] : [seen.id]));
        await work(remote, ({ documents }) => {
          const { generation } = documents.remote();
          const news = new Set(first);
          for (const { seen, confirmed: known, line } of slice) {
            const row = observed(generation, mirrorOf(documents, type, seen.id), seen, readAtMs, settleMs);
            documents.putMirror(type, seen.id, listed(row, known));
            // Each row counts once in its run, also if the list shows it twice.
            if (news.delete(seen.id)) documents.countInRun(run, line);
          }
          documents.putListed(type, run, readAtMs, first);
        });
        shown.add(first);
        return [];
      });
    },
    markSeen: async (remote, type, { readAtMs, run, ids, outcome, code }) => {
      const shown = await stored.listed(remote, type, run);
      const first = [...new Set(ids)].filter((id) => !shown.has(id));
      await work(remote, ({ documents }) => {
        documents.putListed(type, run, readAtMs, first);
        if (first.length > 0) {
          documents.countInRun(run, { type, hullId: "", outcome, code, text: "" }, first.length);
        }
      });
      shown.add(first);
    },
    markMissing: async (remote, type, { scanStartedAtMs, untold, after, limit, run }) => {
      const shown = await stored.listed(remote, type, run);
      const ids = await reading(remote, (documents) => documents.mirrorIds(type, after, limit));
      // Mostly none: rows are read, and a commit is made, only of what the list has not shown.
      const left = ids.filter((id) => !shown.has(id));
      const gone = await inSlices(left, (slice) =>
        work(remote, ({ documents }) => {
          const { generation } = documents.remote();
          const marked = slice.flatMap((id) => {
            const row = documents.mirror(type, id);
            const knownAtMs = Math.max(row?.seenAtMs ?? 0, row?.writtenAtMs ?? 0);
            if (row?.generation !== generation || knownAtMs >= scanStartedAtMs) return [];
            return row.missing !== true || (untold !== undefined && !isTold(row, untold)) ? [missing(row)] : [];
          });
          for (const row of marked) {
            documents.putMirror(type, row.id, row);
            // From now on, no message ends only because the last unchanged one said the same.
            const linked = row.linkedTo === undefined ? undefined : documents.record(type, row.linkedTo);
            if (linked !== undefined && row.linkedTo !== undefined)
              documents.putRecord(type, row.linkedTo, withoutFingerprints(linked));
          }
          return marked;
        }),
      );
      return { gone, after: ids.length < limit ? undefined : ids.at(-1) };
    },
    confirmFacts: async (remote, type, rows) => {
      await each(remote, rows, ({ documents }, { id, facts }) => {
        const row = mirrorOf(documents, type, id);
        if (row !== undefined) documents.putMirror(type, id, confirmed(row, facts));
      });
    },
    markUnknown: async (remote, type, id) => {
      const unknown = (row: MirrorRow, nowMs: number): MirrorRow => ({ ...row, complete: false, writtenAtMs: nowMs });
      await work(remote, ({ documents, nowMs }) => {
        const row = id === undefined ? undefined : documents.mirror(type, id);
        // It may be new there, too.
        if (row === undefined) distrustScan(documents, type);
        else documents.putMirror(type, row.id, unknown(row, nowMs));
      });
      if (id !== undefined) return;
      for (let after: string | undefined, more = true; more;) {
        const from = after;
        const rows = await work(remote, ({ documents, nowMs }) => {
          const page = documents.mirrors(type, from, PAGE);
          for (const row of page) documents.putMirror(type, row.id, unknown(row, nowMs));
          return page;
        });
        after = rows.at(-1)?.id;
        more = rows.length === PAGE;
      }
    },
    forgetGone: async (remote, type, ids) => {
      await each(remote, ids, (open, id) => {
        follow(open, { tenant: "", type, hullId: "" }, forgetMirror(open.documents, type, id));
      });
    },
  };
}

/** Whether Hull has confirmed that the record is gone. */
function isTold({ facts }: MirrorRow, { field, nothing }: NonNullable<MissingQuery["untold"]>): boolean {
  const mark = facts[field]?.[2] ?? null;
  return mark !== null && mark !== nothing;
}
