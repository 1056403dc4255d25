import type { Reply } from "../loopback/call";
import { orderBy, type Collection, type PlanhatRecord } from "./collection";
import { withEmail } from "./matching";
import { models, type ListRoute } from "./models";
import { shownRecord } from "./show";
import type { PlanhatSwitches } from "./switches";
import type { TenantState } from "./tenant-state";

const commaList = (value: string | null): readonly string[] | undefined =>
  value === null || value === "" ? undefined : value.split(",").map((part) => part.trim());

function wholeNumber(text: string | null, fallback: number): number {
  const value = Number(text);
  return text !== null && text !== "" && Number.isInteger(value) && value >= 0 ? value : fallback;
}

function hits(collection: Collection, filter: string, value: string, switches: Readonly<PlanhatSwitches>) {
  switch (filter) {
    case "companyId":
      return collection.find("companyId", value);
    case "email":
      return withEmail(collection, value, switches);
    case "externalId":
      return collection.find("externalId", value);
    case "sourceId":
      return collection.find("sourceId", value);
    default:
      return collection.find("status", value);
  }
}

/** Records that pass the known filters of a route; `undefined` when the query holds none of them. */
function filtered(
  tenant: TenantState,
  route: ListRoute,
  query: URLSearchParams,
  switches: Readonly<PlanhatSwitches>,
): PlanhatRecord[] | undefined {
  const collection = tenant.collection(route.model);
  let result: Map<string, PlanhatRecord> | undefined;
  for (const filter of route.filters) {
    const text = query.get(filter) ?? (filter === "companyId" ? query.get("c") : null);
    if (text === null || text === "") continue;
    if (route.model === "companies" && filter === "companyId" && switches.companiesCompanyFilter === "ignored")
      continue;
    const values = filter === "companyId" || filter === "status" ? (commaList(text) ?? []) : [text];
    const found =
      route.model === "companies" && filter === "companyId"
        ? values.flatMap((id) => collection.get(id) ?? [])
        : values.flatMap((value) => hits(collection, filter, value, switches));
    const earlier = result;
    const kept = earlier === undefined ? found : found.filter((record) => earlier.has(record._id));
    result = new Map(kept.map((record) => [record._id, record]));
  }
  return result === undefined ? undefined : [...result.values()].filter((record) => record["archived"] !== true);
}

/** References become objects on lists (sheets 6.2 and 8). */
function withReferences(tenant: TenantState, route: ListRoute, record: PlanhatRecord): PlanhatRecord {
  const references = Object.entries(models[route.model].references);
  if (references.length === 0) return record;
  const shown: Record<string, unknown> & { readonly _id: string } = { ...record };
  for (const [field, target] of references) {
    const value = record[field];
    if (target === "user" && typeof value === "string" && value !== "") {
      const nickName = tenant.users.get(value)?.["nickName"];
      shown[field] = nickName === undefined ? { _id: value } : { _id: value, nickName };
    }
    if (target === "roles" && Array.isArray(value)) {
      shown[field] = value.map((role: unknown) =>
        typeof role === "string" ? { _id: role, name: `Role ${role.slice(-4)}`, description: "" } : role,
      );
    }
  }
  return shown;
}

const missingOnLeanLists: ReadonlySet<string> = new Set(["externalId", "createDate", "updatedAt", "lastUpdated"]);

/** A page of a list route (sheets 5.5, 6.3, 6.4, 8, 9): a bare array without total; filters that are not known do nothing. */
export function listRecords(
  tenant: TenantState,
  route: ListRoute,
  query: URLSearchParams,
  switches: Readonly<PlanhatSwitches>,
): Reply {
  const paged = route.path !== "/leancompanies" || switches.leanPaging === "honoured";
  const limit = paged ? Math.min(wholeNumber(query.get("limit"), route.defaultSize), route.maxSize) : route.maxSize;
  const offset = paged ? wholeNumber(query.get("offset"), 0) : 0;
  const collection = tenant.collection(route.model);
  const sort = query.get("sort") ?? "";

  const matches = filtered(tenant, route, query, switches);
  const page =
    matches === undefined
      ? collection
          .listedIds(sort)
          .slice(offset, offset + limit)
          .flatMap((id) => collection.get(id) ?? [])
      : (sort === "" ? matches : matches.sort(orderBy(sort))).slice(offset, offset + limit);

  const select = commaList(query.get("select"));
  const wanted = route.onlyFields ?? (select === undefined ? undefined : ["_id", ...select]);
  const hidesFields = wanted === undefined && route.model === "companies" && switches.companyList === "lean";
  const show = (stored: PlanhatRecord): Record<string, unknown> => {
    const record = shownRecord(route.model, stored, switches);
    const shown = switches.listReferences === "objects" ? withReferences(tenant, route, record) : record;
    if (wanted !== undefined) {
      return Object.fromEntries(wanted.flatMap((name) => (shown[name] === undefined ? [] : [[name, shown[name]]])));
    }
    if (!hidesFields) return shown;
    return Object.fromEntries(Object.entries(shown).filter(([name]) => !missingOnLeanLists.has(name)));
  };
  return { status: 200, body: page.map(show) };
}
