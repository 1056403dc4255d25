import type { Ledger, RequestCounts } from "../loopback/ledger";
import type { Subscriber, Value } from "./subscriber";

export type WriteKind = "create" | "update" | "terminate" | "rehire";

/** One write that was done. */
export interface Write {
  readonly kind: WriteKind;
  readonly id: number;
  readonly code: string | undefined;
  /** What changed, as it is stored; null for what was cleared. Empty for a write that changed nothing. */
  readonly changed: Readonly<Record<string, Value | null>>;
}

/** What happened since the last reset. Plain data. */
export interface PlanSourceCounts {
  /** By `METHOD /route/template`, then by status or fault. */
  readonly requests: RequestCounts;
  readonly calls: number;
  /** Without calls for tokens and meta. */
  readonly maximumCallsPerMinute: number;
  /** The most calls under way at a time, those for tokens left out. */
  readonly mostAtOnce: number;
  readonly tokensIssued: number;
  readonly tokensRefused: number;
  readonly bulkCalls: number;
  readonly bulkRows: number;
  /** In the order in which they were done. */
  readonly writes: readonly Write[];
  /** Updates that changed nothing. */
  readonly noOpWrites: number;
  /** Codes of subscribers that were created beside one of the same code. */
  readonly duplicates: readonly string[];
}

export interface Books {
  begun(): void;
  ended(): void;
  token(isIssued: boolean): void;
  bulk(rows: number): void;
  wrote(kind: WriteKind, subscriber: Subscriber, changed: readonly string[], isDuplicate: boolean): void;
  snapshot(): PlanSourceCounts;
  reset(): void;
}

const emptyTally = () => ({
  mostAtOnce: 0,
  tokensIssued: 0,
  tokensRefused: 0,
  bulkCalls: 0,
  bulkRows: 0,
  noOpWrites: 0,
});

/** Creates the books over a ledger of requests. */
export function createBooks(ledger: Ledger): Books {
  let tally = emptyTally();
  let writes: Write[] = [];
  let duplicates: string[] = [];
  let underWay = 0;

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
    bulk(rows) {
      tally.bulkCalls += 1;
      tally.bulkRows += rows;
    },
    wrote(kind, { id, status, fields }, changed, isDuplicate) {
      const code = fields["subscriber_code"]?.toString();
      const now: Readonly<Record<string, Value | undefined>> = { ...fields, status };
      writes.push({ kind, id, code, changed: Object.fromEntries(changed.map((name) => [name, now[name] ?? null])) });
      if (kind === "update" && changed.length === 0) tally.noOpWrites += 1;
      if (isDuplicate) duplicates.push(code ?? "");
    },
    snapshot: () => ({
      requests: ledger.requests(),
      calls: ledger.calls,
      maximumCallsPerMinute: ledger.maximumPerWindow,
      ...tally,
      writes: structuredClone(writes),
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
