/** A stored record. Never changed in place: a write puts a new object. */
export type Fields = Readonly<Record<string, unknown>>;

export interface PlanhatRecord {
  readonly _id: string;
  readonly [field: string]: unknown;
}

/** Indexed ways to find records. `emailFolded` is the e-mail in lower case, `domain` one entry of `domains`. */
export type IndexName = "externalId" | "sourceId" | "email" | "emailFolded" | "companyId" | "domain" | "status";

/** All records of one model of one tenant, with an index per key, so that pages and bulk writes stay fast. */
export interface Collection {
  readonly records: ReadonlyMap<string, PlanhatRecord>;
  get(id: string): PlanhatRecord | undefined;
  /** Adds a record or takes the place of the one with its `_id`. */
  put(record: PlanhatRecord): void;
  remove(id: string): boolean;
  /** Records with this key, archived ones too, oldest entry first. */
  find(index: IndexName, key: string): PlanhatRecord[];
  /** Ids of all records that are not archived, in the order of `sort` (`name`, `-name`; none = as created). */
  listedIds(sort?: string): readonly string[];
}

/** A key; a number is found by its digits, and a bigint stands for one that JavaScript would round. */
const text = (value: unknown): readonly string[] => {
  if (typeof value === "number" || typeof value === "bigint") return [String(value)];
  return typeof value === "string" && value !== "" ? [value] : [];
};

const extractors: Readonly<Record<IndexName, (record: PlanhatRecord) => readonly string[]>> = {
  externalId: (record) => text(record["externalId"]),
  sourceId: (record) => text(record["sourceId"]),
  email: (record) => text(record["email"]),
  emailFolded: (record) => text(record["email"]).map((email) => email.toLowerCase()),
  companyId: (record) => text(record["companyId"]),
  domain: (record) => (Array.isArray(record["domains"]) ? record["domains"].flatMap(text) : []),
  status: (record) => text(record["status"]),
};
const indexNames = Object.keys(extractors) as readonly IndexName[];

/** One id is kept bare and only several in a Set: with a million records that is a matter of gigabytes. */
type Ids = string | Set<string>;

function addTo(index: Map<string, Ids>, key: string, id: string): void {
  const ids = index.get(key);
  if (ids === undefined) index.set(key, id);
  else if (typeof ids !== "string") ids.add(id);
  else if (ids !== id) index.set(key, new Set([ids, id]));
}

function removeFrom(index: Map<string, Ids>, key: string, id: string): void {
  const ids = index.get(key);
  if (ids === undefined) return;
  if (typeof ids === "string") {
    if (ids === id) index.delete(key);
  } else if (ids.delete(id) && ids.size === 0) index.delete(key);
}

function compare(left: unknown, right: unknown): number {
  if (left === right) return 0;
  if (left === undefined || left === null) return -1;
  if (right === undefined || right === null) return 1;
  return left < right ? -1 : 1;
}

/** Order by one property; a leading minus turns it round (sheet 5.5). */
export function orderBy(sort: string): (left: PlanhatRecord, right: PlanhatRecord) => number {
  const direction = sort.startsWith("-") ? -1 : 1;
  const field = sort.replace(/^-/, "");
  return (left, right) => direction * compare(left[field], right[field]);
}

/** Creates an empty collection. */
export function createCollection(): Collection {
  const records = new Map<string, PlanhatRecord>();
  const indexes = new Map<IndexName, Map<string, Ids>>(indexNames.map((name) => [name, new Map<string, Ids>()]));
  /** Id lists by sort, built when asked for. `_id` orders survive updates and growth, others no write at all. */
  const views = new Map<string, string[]>();

  const reindex = (before: PlanhatRecord | undefined, after: PlanhatRecord | undefined): void => {
    const id = (after ?? before)?._id ?? "";
    for (const [name, index] of indexes) {
      const extract = extractors[name];
      const old = before === undefined ? [] : extract(before);
      const fresh = after === undefined ? [] : extract(after);
      if (old.length === fresh.length && old.every((key, position) => key === fresh[position])) continue;
      for (const key of old) removeFrom(index, key, id);
      for (const key of fresh) addTo(index, key, id);
    }
  };

  const refreshViews = (before: PlanhatRecord | undefined, after: PlanhatRecord | undefined): void => {
    if (views.size === 0) return;
    const wasListed = before !== undefined && before["archived"] !== true;
    const isListed = after !== undefined && after["archived"] !== true;
    for (const [sort, ids] of views) {
      if (sort === "" || sort === "_id") {
        if (wasListed && isListed) continue;
        const last = ids.at(-1);
        if (before === undefined && isListed && (sort === "" || last === undefined || last < after._id)) {
          ids.push(after._id);
          continue;
        }
      }
      views.delete(sort);
    }
  };

  const build = (sort: string): string[] => {
    const listed = [...records.values()].filter((record) => record["archived"] !== true);
    if (sort !== "") listed.sort(orderBy(sort));
    return listed.map((record) => record._id);
  };

  return {
    records,
    get: (id) => records.get(id),
    put(record) {
      const before = records.get(record._id);
      records.set(record._id, record);
      reindex(before, record);
      refreshViews(before, record);
    },
    remove(id) {
      const before = records.get(id);
      if (before === undefined) return false;
      records.delete(id);
      reindex(before, undefined);
      refreshViews(before, undefined);
      return true;
    },
    find(name, key) {
      const ids = indexes.get(name)?.get(key);
      if (ids === undefined) return [];
      const list = typeof ids === "string" ? [ids] : [...ids];
      return list.flatMap((id) => records.get(id) ?? []);
    },
    listedIds(sort = "") {
      const view = views.get(sort) ?? build(sort);
      views.set(sort, view);
      return view;
    },
  };
}
