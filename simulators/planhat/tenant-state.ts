/** The data of one tenant, as people in its app and as the routes see it. */
import type { Activity } from "./activities";
import type { Collection, Fields, PlanhatRecord } from "./collection";
import type { ModelName } from "./models";

export type TenantSnapshot = Readonly<Record<ModelName, readonly PlanhatRecord[]>> & {
  readonly activities: readonly Activity[];
};

/** The data of one Planhat tenant, and what a person in its app can do with it. */
export interface Tenant {
  readonly name: string;
  readonly cluster: string;
  /** The UUID that opens the analytics host for this tenant. */
  readonly tenantId: string;
  readonly companies: ReadonlyMap<string, PlanhatRecord>;
  readonly endusers: ReadonlyMap<string, PlanhatRecord>;
  readonly licenses: ReadonlyMap<string, PlanhatRecord>;
  readonly users: ReadonlyMap<string, PlanhatRecord>;
  readonly customfields: ReadonlyMap<string, PlanhatRecord>;
  /** What endusers did, in the order of arrival. */
  readonly activities: readonly Activity[];
  /** Adds records as if they had always been there: no call, no book entry. `_id` and time stamps may be given. */
  seedCompany(fields?: Fields): PlanhatRecord;
  /** `companyId` may be an `_id`, `extid-…` or `srcid-…`. */
  seedEnduser(fields?: Fields): PlanhatRecord;
  /** `companyId` as for endusers. */
  seedLicense(fields?: Fields): PlanhatRecord;
  seedUser(fields?: Fields): PlanhatRecord;
  seedCustomField(fields?: Fields): PlanhatRecord;
  /** Changes fields as a person would; moves `updatedAt`. Throws when the record does not exist. */
  edit(model: ModelName, id: string, fields: Fields): PlanhatRecord;
  /** Deletes without a trace. Answers whether there was such a record. */
  remove(model: ModelName, id: string): boolean;
  /** Archived records drop out of lists but answer to their id. */
  archive(model: ModelName, id: string): PlanhatRecord;
  /** The custom fields of a record as people see them. Throws when the record does not exist. */
  shownCustom(model: ModelName, id: string): Fields;
  /** Plain copies, records sorted by `_id`, for comparing whole states. */
  snapshot(): TenantSnapshot;
}

/** The tenant as the routes see it. */
export interface TenantState extends Tenant {
  collection(model: ModelName): Collection;
  newId(): string;
  /** Keeps an activity. Answers whether the same one was there already. */
  record(activity: Activity): boolean;
  /** `_id` of the company that a reference means: an `_id`, `extid-<external id>` or `srcid-<source id>`. */
  resolveCompany(reference: unknown): string | undefined;
  /** `_id` of the record that an id in a path means. Of several with one external id the oldest answers. */
  resolve(model: ModelName, reference: string): PlanhatRecord | undefined;
}
