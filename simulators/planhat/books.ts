import type { Ledger, RequestCounts } from "../loopback/ledger";
import type { Activity } from "./activities";
import { keyOf } from "./matching";
import type { ModelName } from "./models";
import type { Fields } from "./collection";

/** What happened since the last reset. Plain data. */
export interface PlanhatCounts {
  /** By `METHOD /route/template`, then by status or fault. */
  readonly requests: RequestCounts;
  readonly calls: number;
  /** Without the calls to the analytics host, which has no quota. */
  readonly maximumCallsPerMinute: number;
  readonly bulkCalls: number;
  readonly bulkItems: number;
  /** Records created over the API, by model. */
  readonly created: Readonly<Record<ModelName, number>>;
  /** Writes that changed at least one field, by model. */
  readonly updated: Readonly<Record<ModelName, number>>;
  /** Writes that changed nothing. */
  readonly noOpWrites: number;
  /** Endusers that were not saved for lack of a company. */
  readonly ignoredEndusers: number;
  /** Records created beside one of the same identity: external id (companies), e-mail or external id in one company. */
  readonly duplicatesCreated: number;
  readonly duplicates: readonly string[];
  /** Activities recorded. */
  readonly activities: number;
  /** Activities that were accepted but not recorded: no key, no date, neither enduser nor company, unknown tenant. */
  readonly droppedActivities: number;
  /** Those recorded a second time: one enduser, action, date and info. */
  readonly duplicateActivities: readonly string[];
  /** Bulk calls that began while another one on the same model of the same tenant was under way. */
  readonly concurrentBulkWrites: number;
  /** Items of those calls that another call under way also held. */
  readonly overlappingItems: number;
}

export interface Books {
  bulk(items: number): void;
  created(model: ModelName): void;
  updated(model: ModelName, changed: boolean): void;
  ignored(): void;
  duplicate(model: ModelName, fields: Fields): void;
  activity(activity: Activity, repeated: boolean): void;
  droppedActivity(): void;
  concurrent(overlappingItems: number): void;
  snapshot(): PlanhatCounts;
  reset(): void;
}

const perModel = (): Record<ModelName, number> => ({
  companies: 0,
  endusers: 0,
  licenses: 0,
  users: 0,
  customfields: 0,
});

/** Creates the books over a ledger of requests. */
export function createBooks(ledger: Ledger): Books {
  let created = perModel();
  let updated = perModel();
  let duplicates: string[] = [];
  let duplicateActivities: string[] = [];
  let tally = emptyTally();

  function emptyTally() {
    return {
      bulkCalls: 0,
      bulkItems: 0,
      noOpWrites: 0,
      ignoredEndusers: 0,
      activities: 0,
      droppedActivities: 0,
      concurrentBulkWrites: 0,
      overlappingItems: 0,
    };
  }

  return {
    bulk(items) {
      tally.bulkCalls += 1;
      tally.bulkItems += items;
    },
    created(model) {
      created[model] += 1;
    },
    updated(model, changed) {
      if (changed) updated[model] += 1;
      else tally.noOpWrites += 1;
    },
    ignored() {
      tally.ignoredEndusers += 1;
    },
    duplicate(model, fields) {
      duplicates.push(`${model} ${keyOf(fields, "externalId") ?? keyOf(fields, "email") ?? ""}`);
    },
    activity({ enduserId, action, date }, repeated) {
      tally.activities += 1;
      if (repeated) duplicateActivities.push(`${enduserId} ${action ?? ""} ${date}`);
    },
    droppedActivity() {
      tally.droppedActivities += 1;
    },
    concurrent(overlappingItems) {
      tally.concurrentBulkWrites += 1;
      tally.overlappingItems += overlappingItems;
    },
    snapshot: () => ({
      requests: ledger.requests(),
      calls: ledger.calls,
      maximumCallsPerMinute: ledger.maximumPerWindow,
      ...tally,
      created: { ...created },
      updated: { ...updated },
      duplicatesCreated: duplicates.length,
      duplicates: [...duplicates],
      duplicateActivities: [...duplicateActivities],
    }),
    reset() {
      ledger.reset();
      created = perModel();
      updated = perModel();
      duplicates = [];
      duplicateActivities = [];
      tally = emptyTally();
    },
  };
}
