import type { Ledger, RequestCounts } from "../loopback/ledger";

/** What happened since the last reset. Plain data. */
export interface HullCounts {
  readonly requests: RequestCounts;
  readonly calls: number;
  readonly maximumCallsPerMinute: number;
  readonly firehoseRequests: number;
  readonly firehoseItems: number;
  /** `traits` items with attributes, by subject. */
  readonly userTraits: number;
  readonly accountTraits: number;
  /** Items that linked a user to an account he did not have before. */
  readonly links: number;
  readonly tracks: number;
  /** Items that told Hull nothing new: the billed noise that a good connector avoids. */
  readonly noOpItems: number;
  /** Firehose requests refused as a whole (token, claims, or a refusal set by the test). */
  readonly refusedRequests: number;
  /** Items whose claims name an id that nobody has. */
  readonly unresolvedItems: number;
  readonly settingsSaved: number;
  readonly statusReports: number;
}

type Tally = { -readonly [Name in keyof Omit<HullCounts, "requests" | "calls" | "maximumCallsPerMinute">]: number };

export interface Books {
  count(name: keyof Tally, by?: number): void;
  snapshot(): HullCounts;
  reset(): void;
}

const emptyTally = (): Tally => ({
  firehoseRequests: 0,
  firehoseItems: 0,
  userTraits: 0,
  accountTraits: 0,
  links: 0,
  tracks: 0,
  noOpItems: 0,
  refusedRequests: 0,
  unresolvedItems: 0,
  settingsSaved: 0,
  statusReports: 0,
});

/** Creates the books over a ledger of requests. */
export function createBooks(ledger: Ledger): Books {
  let tally = emptyTally();
  return {
    count(name, by = 1) {
      tally[name] += by;
    },
    snapshot: () => ({
      requests: ledger.requests(),
      calls: ledger.calls,
      maximumCallsPerMinute: ledger.maximumPerWindow,
      ...tally,
    }),
    reset() {
      ledger.reset();
      tally = emptyTally();
    },
  };
}
