import type { Ledger, RequestCounts } from "../loopback/ledger";
import type { Brand } from "./brand";
import type { ImportResult } from "./import";
import type { ImportOptions } from "./model";
import type { Value } from "./records";
import type { EntityResult } from "./row";
import { keyFieldOf, type Template } from "./template";

export type WriteKind = "insert" | "update";

/** One record that an import wrote. */
export interface Write {
  readonly kind: WriteKind;
  readonly template: string;
  readonly type: string;
  readonly id: number;
  /** By which its template matches; undefined if it has none. */
  readonly key: Value | undefined;
  /** What changed, as it is stored; null for what was cleared. */
  readonly changed: Readonly<Record<string, Value | null>>;
}

interface Tally {
  /** Calls past the quota that were served nevertheless. */
  callsOverQuota: number;
  /** The most calls under way at a time, those for tokens left out. */
  mostAtOnce: number;
  tokensIssued: number;
  tokensRefused: number;
  /** Imports in earnest, and rows sent with them. */
  imports: number;
  importedRows: number;
  simulations: number;
  simulatedRows: number;
  exports: number;
  exportedRows: number;
  /** Matched and left as they were. */
  noOpRows: number;
  failedRows: number;
  skippedRows: number;
  /** Behind a failure, or taken back because of it. */
  notAttemptedRows: number;
}

/** What happened since the last reset. Plain data. */
export interface PlanningPmeCounts extends Readonly<Tally> {
  /** By `METHOD /route/template`, then by status or fault. */
  readonly requests: RequestCounts;
  readonly calls: number;
  /** In any sliding hour, those that no quota counts left out. */
  readonly maximumCallsPerHour: number;
  /** In the order in which they were done. Simulations write nothing. */
  readonly writes: readonly Write[];
  /** How many of these there were, by type and kind. */
  readonly written: Readonly<Record<string, Readonly<Record<WriteKind, number>>>>;
  /** Keys of records that were inserted beside one of the same key. */
  readonly duplicates: readonly Value[];
}

export interface Books {
  begun(): void;
  ended(): void;
  token(isIssued: boolean): void;
  overQuota(): void;
  exported(rows: number): void;
  imported(brand: Brand, template: Template, options: ImportOptions, result: ImportResult): void;
  snapshot(): PlanningPmeCounts;
  reset(): void;
}

const emptyTally = (): Tally => ({
  ...{ callsOverQuota: 0, mostAtOnce: 0, tokensIssued: 0, tokensRefused: 0 },
  ...{ imports: 0, importedRows: 0, simulations: 0, simulatedRows: 0, exports: 0, exportedRows: 0 },
  ...{ noOpRows: 0, failedRows: 0, skippedRows: 0, notAttemptedRows: 0 },
});

/** Creates the books over a ledger of requests. */
export function createBooks(ledger: Ledger): Books {
  let tally = emptyTally();
  let writes: Write[] = [];
  let duplicates: Value[] = [];
  let underWay = 0;

  function enter(brand: Brand, template: Template, result: EntityResult): void {
    if (result.is !== "inserted" && result.is !== "updated") return;
    const { type, record, changed } = result;
    const keyField = template.types.flatMap((each) => (each.name === type ? (keyFieldOf(each) ?? []) : []))[0];
    const key = keyField === undefined ? undefined : record.fields[keyField];
    writes.push({
      kind: result.is === "inserted" ? "insert" : "update",
      template: template.name,
      type,
      id: record.id,
      key,
      changed: Object.fromEntries(changed.map((name) => [name, record.fields[name] ?? null])),
    });
    if (result.is !== "inserted" || keyField === undefined || key === undefined) return;
    const twin = brand
      .find(type, keyField, key)
      .find(({ id, fields }) => id < record.id && String(fields[keyField]) === String(key));
    if (twin !== undefined) duplicates.push(key);
  }

  function writtenByKind(): Record<string, Record<WriteKind, number>> {
    const counts: Record<string, Record<WriteKind, number>> = {};
    for (const { type, kind } of writes) (counts[type] ??= { insert: 0, update: 0 })[kind] += 1;
    return counts;
  }

  return {
    begun() {
      underWay += 1;
      tally.mostAtOnce = Math.max(tally.mostAtOnce, underWay);
    },
    ended() {
      underWay -= 1;
    },
    token(isIssued) {
      if (isIssued) tally.tokensIssued += 1;
      else tally.tokensRefused += 1;
    },
    overQuota() {
      tally.callsOverQuota += 1;
    },
    exported(rows) {
      tally.exports += 1;
      tally.exportedRows += rows;
    },
    imported(brand, template, { simulate }, { rows }) {
      tally[simulate ? "simulations" : "imports"] += 1;
      tally[simulate ? "simulatedRows" : "importedRows"] += rows.length;
      if (simulate) return;
      for (const { results } of rows) {
        if (results.length === 0) tally.notAttemptedRows += 1;
        else if (results.some(({ is }) => is === "failed")) tally.failedRows += 1;
        else if (results.every(({ is }) => is === "unchanged")) tally.noOpRows += 1;
        else if (results.every(({ is }) => is === "skipped")) tally.skippedRows += 1;
        for (const result of results) enter(brand, template, result);
      }
    },
    snapshot: () => ({
      requests: ledger.requests(),
      calls: ledger.calls,
      maximumCallsPerHour: ledger.maximumPerWindow,
      ...tally,
      writes: structuredClone(writes),
      written: writtenByKind(),
      duplicates: [...duplicates],
    }),
    reset() {
      ledger.reset();
      tally = { ...emptyTally(), mostAtOnce: underWay };
      writes = [];
      duplicates = [];
    },
  };
}
