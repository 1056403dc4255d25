import type { Ledger, RequestCounts } from "../loopback/ledger";
import type { RecordType } from "./records/model";

export type WriteKind = "create" | "update" | "archive" | "delete";

/** One write that the API did. */
export interface Write {
  readonly kind: WriteKind;
  readonly type: RecordType;
  readonly id: number;
  /** Of an update: names of the fields that changed. Of a create: those that are not blank. */
  readonly changed: readonly string[];
  /** Participants that were archived or deleted along with it. */
  readonly cascade: readonly number[];
}

/** A record that was created beside one that is the same. */
export interface Duplicate {
  readonly type: RecordType;
  readonly id: number;
  readonly other: number;
  /** An EIN within an account; the e-mail, or name and date of birth, of two employees of a company. */
  readonly by: "ein" | "email" | "name+dob";
}

/** What became of one refresh token. */
export interface RefreshUses {
  /** How often it was presented, whatever came of it. */
  presented: number;
  /** How often it was exchanged for a new pair. */
  granted: number;
}

/** What happened since the last reset. Plain data. */
export interface PlangradeCounts {
  /** By `METHOD /route/template`, then by status or fault. */
  readonly requests: RequestCounts;
  readonly calls: number;
  /** Without pages and calls of the authorization. */
  readonly maximumCallsPerMinute: number;
  /** The most calls under way at a time, those of the authorization left out. */
  readonly mostAtOnce: number;
  readonly codesIssued: number;
  /** Pairs. */
  readonly tokensIssued: number;
  readonly tokensRefused: number;
  /** By refresh token. */
  readonly refreshUses: Readonly<Record<string, Readonly<RefreshUses>>>;
  /** The largest `presented` of them. */
  readonly mostRefreshUses: number;
  /** In the order in which they were done. */
  readonly writes: readonly Write[];
  /** How many of these there were, by type and kind; what fell with others left out. */
  readonly written: Readonly<Record<RecordType, Readonly<Record<WriteKind, number>>>>;
  /** Updates that changed nothing. */
  readonly noOpUpdates: number;
  /** Updates of participants that carried an SSN. */
  readonly ssnUpdates: number;
  readonly duplicates: readonly Duplicate[];
}

export interface Books {
  begun(): void;
  ended(): void;
  codeIssued(): void;
  token(isIssued: boolean): void;
  refresh(token: string, what: keyof RefreshUses): void;
  wrote(write: Write): void;
  ssnUpdate(): void;
  duplicate(duplicate: Duplicate): void;
  snapshot(): PlangradeCounts;
  reset(): void;
}

const emptyTally = () => ({ mostAtOnce: 0, codesIssued: 0, tokensIssued: 0, tokensRefused: 0, ssnUpdates: 0 });
const noWrites = () => ({ create: 0, update: 0, archive: 0, delete: 0 });

/** Creates the books over a ledger of requests. */
export function createBooks(ledger: Ledger): Books {
  let tally = emptyTally();
  let writes: Write[] = [];
  let duplicates: Duplicate[] = [];
  let refreshUses = new Map<string, RefreshUses>();
  let underWay = 0;

  function writtenByKind() {
    const counts = { user: noWrites(), company: noWrites(), participant: noWrites() };
    for (const { type, kind } of writes) counts[type][kind] += 1;
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
    codeIssued() {
      tally.codesIssued += 1;
    },
    token(isIssued) {
      if (isIssued) tally.tokensIssued += 1;
      else tally.tokensRefused += 1;
    },
    refresh(token, what) {
      const uses = refreshUses.get(token) ?? { presented: 0, granted: 0 };
      refreshUses.set(token, uses);
      uses[what] += 1;
    },
    wrote: (write) => void writes.push(write),
    ssnUpdate() {
      tally.ssnUpdates += 1;
    },
    duplicate: (duplicate) => void duplicates.push(duplicate),
    snapshot: () => ({
      requests: ledger.requests(),
      calls: ledger.calls,
      maximumCallsPerMinute: ledger.maximumPerWindow,
      ...tally,
      refreshUses: structuredClone(Object.fromEntries(refreshUses)),
      mostRefreshUses: Math.max(0, ...[...refreshUses.values()].map(({ presented }) => presented)),
      writes: structuredClone(writes),
      written: writtenByKind(),
      noOpUpdates: writes.filter(({ kind, changed }) => kind === "update" && changed.length === 0).length,
      duplicates: [...duplicates],
    }),
    reset() {
      ledger.reset();
      tally = { ...emptyTally(), mostAtOnce: underWay };
      writes = [];
      duplicates = [];
      refreshUses = new Map();
    },
  };
}
