import { isoOf, type Clock } from "../loopback/clock";
import { createRandom, seedOf } from "../loopback/random";
import { createCollection, type Collection, type Fields, type PlanhatRecord } from "./collection";
import type { TenantState } from "./tenant-state";
import { createActivityLog } from "./activities";
import { belongsToCompany, models, type Action, type ModelName } from "./models";
import type { PlanhatSwitches } from "./switches";
import { compose, fullName } from "./compose";
import { shownCustom } from "./custom";

/** What a token opens. */
export interface Access {
  readonly tenant: TenantState;
  /** Actions that the token may not do, as `model:action`. */
  readonly denied: ReadonlySet<`${ModelName}:${Action}`>;
}

export interface TenantDeps {
  readonly name: string;
  readonly cluster: string;
  /** Default: a UUID that depends on seed, cluster and name. */
  readonly tenantId?: string | undefined;
  readonly seed: number;
  readonly clock: Clock;
  readonly switches: Readonly<PlanhatSwitches>;
}

/** Creates an empty tenant. Its ids depend on seed, cluster and name alone and grow with each record. */
export function createTenant({ name, cluster, tenantId, seed, clock, switches }: TenantDeps): TenantState {
  const collections: Readonly<Record<ModelName, Collection>> = {
    companies: createCollection(),
    endusers: createCollection(),
    licenses: createCollection(),
    users: createCollection(),
    customfields: createCollection(),
  };
  const activities = createActivityLog();
  const idPrefix = createRandom(seedOf(seed, `${cluster}/${name}`)).hex(16);
  let issued = 0;

  const newId = (): string => idPrefix + (issued += 1).toString(16).padStart(8, "0");

  const resolve = (model: ModelName, reference: string): PlanhatRecord | undefined => {
    const collection = collections[model];
    if (reference.startsWith("extid-")) return collection.find("externalId", reference.slice(6))[0];
    if (reference.startsWith("srcid-")) return collection.find("sourceId", reference.slice(6))[0];
    return collection.get(reference);
  };
  const resolveCompany = (reference: unknown): string | undefined =>
    typeof reference === "string" ? resolve("companies", reference)?._id : undefined;

  const known = (model: ModelName, id: string): PlanhatRecord => {
    const record = collections[model].get(id);
    if (record === undefined) throw new Error(`There is no record ${id} among the ${model}.`);
    return record;
  };

  const state: TenantState = {
    name,
    cluster,
    tenantId: tenantId ?? createRandom(seedOf(seed, `${cluster}/${name}/uuid`)).uuid(),
    companies: collections.companies.records,
    endusers: collections.endusers.records,
    licenses: collections.licenses.records,
    users: collections.users.records,
    customfields: collections.customfields.records,
    activities: activities.all,
    collection: (model) => collections[model],
    newId,
    record: (activity) => activities.add(activity),
    resolve,
    resolveCompany,
    seedCompany: (fields = {}) => seedRecord("companies", fields),
    seedEnduser: (fields = {}) => seedRecord("endusers", fields),
    seedLicense: (fields = {}) => seedRecord("licenses", fields),
    seedUser: (fields = {}) => seedRecord("users", fields),
    seedCustomField: (fields = {}) => seedRecord("customfields", fields),
    edit(model, id, fields) {
      const { record } = compose({ tenant: state, model, before: known(model, id), fields, switches, at: clock.now() });
      collections[model].put(record);
      return record;
    },
    remove: (model, id) => collections[model].remove(id),
    archive: (model, id) => state.edit(model, id, { archived: true }),
    shownCustom: (model, id) => shownCustom(state, model, known(model, id)),
    snapshot() {
      const sorted = (model: ModelName): PlanhatRecord[] =>
        structuredClone([...collections[model].records.values()]).sort((left, right) =>
          left._id < right._id ? -1 : 1,
        );
      return {
        companies: sorted("companies"),
        endusers: sorted("endusers"),
        licenses: sorted("licenses"),
        users: sorted("users"),
        customfields: sorted("customfields"),
        activities: structuredClone([...activities.all]),
      };
    },
  };

  /** Takes what a seed names literally, read-only fields included. Apart from writes, since a bench seeds millions. */
  function seedRecord(model: ModelName, fields: Fields): PlanhatRecord {
    const at = isoOf(clock.now());
    const seeded: Record<string, unknown> & { readonly _id: string } = {
      ...models[model].defaults,
      createDate: at,
      updatedAt: at,
      ...fields,
      _id: typeof fields["_id"] === "string" ? fields["_id"] : newId(),
    };
    if (model === "companies") seeded["lastUpdated"] ??= seeded["updatedAt"];
    if (belongsToCompany(model)) {
      const companyId = resolveCompany(fields["companyId"]);
      if (companyId !== undefined) {
        seeded["companyId"] = companyId;
        seeded["companyName"] ??= collections.companies.get(companyId)?.["name"];
      }
    }
    if (model === "endusers") {
      const name = fullName(fields["firstName"], fields["lastName"]);
      if (name !== "") seeded["name"] ??= name;
    }
    collections[model].put(seeded);
    return seeded;
  }

  return state;
}
