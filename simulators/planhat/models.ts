import { enduserLacks, licenseLacks, type Requirement } from "./requirements";

/** What the simulator knows about each model, as data. A further model is a further row of `models`. */
export type ModelName = "companies" | "endusers" | "licenses" | "users" | "customfields";
export type Action = "read" | "create" | "update" | "delete";
/** Keys by which a bulk item finds its record, in Planhat's order of mention (sheet 7). */
export type KeyName = "_id" | "sourceId" | "externalId" | "email";

/** A list route over a model. `leancompanies` is a second one over the companies. */
export interface ListRoute {
  readonly path: string;
  readonly model: ModelName;
  readonly defaultSize: number;
  readonly maxSize: number;
  /** Query parameters that filter; every other one is ignored, as Planhat does (sheet 6.3). */
  readonly filters: readonly string[];
  /** Fields shown whatever `select` says; all fields when absent. */
  readonly onlyFields?: readonly string[];
}

export interface Model {
  readonly name: ModelName;
  /** Singular, for the texts of errors. */
  readonly noun: string;
  readonly bulkKeys: readonly KeyName[];
  /** Without these a record is not created. */
  readonly required: readonly string[];
  /** Further ones that only the bulk route demands (sheet 8). */
  readonly requiredInBulk?: readonly string[];
  /** What a new record lacks beyond `required`. */
  readonly lacks?: Requirement;
  /**
   * Whether records belong to a company, inside which alone their external ids are unique. `assigned`: the domain of
   * the e-mail may find it, and a record without one is not saved, in silence; `named`: a record without one is refused.
   */
  readonly company: "none" | "assigned" | "named";
  /** Fields whose casing Planhat changes. */
  readonly casedFields: readonly string[];
  /** Fields that hold ids of users or roles and are shown as objects on lists. */
  readonly references: Readonly<Record<string, "user" | "roles">>;
  /** Overlapping bulk writes are answered with errors (sheet 13, point 1). */
  readonly overlapFails: boolean;
  /** Fields of a fresh record. Shared between records, which are never changed in place. */
  readonly defaults: Readonly<Record<string, unknown>>;
}

/** Set by the service alone; in a payload they are passed over. */
export const readOnlyFields: ReadonlySet<string> = new Set([
  "_id",
  "companyName",
  "createDate",
  "createdAt",
  "updatedAt",
  "lastUpdated",
  "emailMd5",
  "__v",
]);

const none: readonly never[] = Object.freeze([]);

export const models: Readonly<Record<ModelName, Model>> = {
  companies: {
    name: "companies",
    noun: "company",
    bulkKeys: ["_id", "sourceId", "externalId"],
    required: ["name"],
    company: "none",
    casedFields: ["name"],
    references: { owner: "user", coOwner: "user" },
    overlapFails: false,
    defaults: { followers: none, domains: none, collaborators: none, products: none, tags: none, features: {}, __v: 0 },
  },
  endusers: {
    name: "endusers",
    noun: "enduser",
    bulkKeys: ["_id", "sourceId", "externalId", "email"],
    required: [],
    lacks: enduserLacks,
    company: "assigned",
    casedFields: ["firstName", "lastName", "name"],
    references: {},
    overlapFails: true,
    defaults: {
      archived: false,
      featured: false,
      otherEmails: none,
      tags: none,
      personas: none,
      relatedEndusers: none,
      npsUnsubscribed: false,
      beats: 0,
      convsTotal: 0,
      __v: 0,
    },
  },
  licenses: {
    name: "licenses",
    noun: "license",
    bulkKeys: ["_id", "sourceId", "externalId"],
    required: ["companyId", "_currency", "fromDate"],
    lacks: licenseLacks,
    company: "named",
    casedFields: none,
    references: {},
    overlapFails: false,
    defaults: { fixedPeriod: false, renewalStatus: "ongoing", __v: 0 },
  },
  users: {
    name: "users",
    noun: "user",
    bulkKeys: ["_id", "externalId", "email"],
    required: ["email", "firstName", "lastName"],
    requiredInBulk: ["nickName"],
    company: "none",
    casedFields: none,
    references: { roles: "roles" },
    overlapFails: false,
    defaults: { roles: none, inactive: true, isHidden: false, removed: false, notificationsEnabled: true, __v: 0 },
  },
  customfields: {
    name: "customfields",
    noun: "custom field",
    bulkKeys: none,
    required: ["name", "type", "parent"],
    company: "none",
    casedFields: none,
    references: {},
    overlapFails: false,
    defaults: { isHidden: false, isFeatured: false, isLocked: false, isMandatory: false, isFormula: false, __v: 0 },
  },
};

/** List routes with their page sizes (sheets 5.5, 6.3, 6.4, 8, 9, 11.1). */
export const listRoutes: readonly ListRoute[] = [
  { path: "/companies", model: "companies", defaultSize: 100, maxSize: 5_000, filters: ["companyId"] },
  {
    path: "/leancompanies",
    model: "companies",
    defaultSize: Number.POSITIVE_INFINITY,
    maxSize: Number.POSITIVE_INFINITY,
    filters: ["externalId", "sourceId", "status"],
    onlyFields: ["_id", "name", "externalId", "sourceId"],
  },
  { path: "/endusers", model: "endusers", defaultSize: 100, maxSize: 2_000, filters: ["companyId", "email"] },
  { path: "/licenses", model: "licenses", defaultSize: 100, maxSize: 2_000, filters: ["companyId"] },
  { path: "/users", model: "users", defaultSize: 10_000, maxSize: 10_000, filters: ["email"] },
  { path: "/customfields", model: "customfields", defaultSize: 100, maxSize: 2_000, filters: [] },
];

export function belongsToCompany(model: ModelName): boolean {
  return models[model].company !== "none";
}

export function isModelName(name: string): name is ModelName {
  return Object.hasOwn(models, name);
}
