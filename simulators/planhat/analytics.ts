/** The analytics host: user activities (sheet 10.1). Known by the tenant's UUID, outside quota and rights. */
import { isObject, refuse, textReply, type Prepared, type Reply } from "../loopback/call";
import { isoOf, type Clock } from "../loopback/clock";
import type { Random } from "../loopback/random";
import type { Arrival } from "../loopback/server";
import type { Activity } from "./activities";
import type { PlanhatRecord } from "./collection";
import { companyOf, keyOf, withEmail } from "./matching";
import { isMissing } from "./requirements";
import type { PlanhatSwitches } from "./switches";
import type { Fields } from "./collection";
import type { TenantState } from "./tenant-state";
import { writeRecord, type WriteDeps } from "./write";

export interface AnalyticsDeps extends WriteDeps {
  readonly clock: Clock;
  /** Chooses among several endusers that an activity may mean. */
  readonly activityRandom: Random;
  readonly tenants: ReadonlyMap<string, TenantState>;
}

interface EventNames {
  readonly externalId: string;
  readonly company: string;
  readonly weight: string;
}

const singleNames: EventNames = { externalId: "externalId", company: "companyExternalId", weight: "weight" };

/** Field names of the bulk route, on which the sources disagree. */
const bulkNames: Readonly<Record<PlanhatSwitches["bulkActivityNames"], EventNames>> = {
  single: singleNames,
  "2017": { externalId: "id", company: "cId", weight: "count" },
  "2023": { externalId: "euExtId", company: "companyExternalId", weight: "count" },
};

/** Puts an event into the names of the single route. */
function renamed(event: Fields, names: EventNames): Fields {
  if (names === singleNames) return event;
  const { externalId: _externalId, companyExternalId: _company, weight: _weight, ...rest } = event;
  return {
    ...rest,
    externalId: event[names.externalId],
    companyExternalId: event[names.company],
    weight: event[names.weight],
  };
}

/** The company that an event names: its `_id`, `null` for one that does not exist, `undefined` when none is named. */
function namedCompany(tenant: TenantState, event: Fields): string | null | undefined {
  if (!isMissing(event["companyId"])) return tenant.resolveCompany(event["companyId"]) ?? null;
  const externalId = event["companyExternalId"];
  if (typeof externalId !== "string" || externalId === "") return undefined;
  return tenant.collection("companies").find("externalId", externalId)[0]?._id ?? null;
}

/** External id before e-mail; of several that fit, any (sheet 13, point 12). */
function enduserOf(
  tenant: TenantState,
  event: Fields,
  companyId: string | undefined,
  { switches, activityRandom }: AnalyticsDeps,
): PlanhatRecord | undefined {
  const endusers = tenant.collection("endusers");
  const within = (records: readonly PlanhatRecord[]): readonly PlanhatRecord[] =>
    companyId === undefined ? records : records.filter((record) => record["companyId"] === companyId);
  const externalId = keyOf(event, "externalId");
  const email = keyOf(event, "email");
  const byId = externalId === undefined ? [] : within(endusers.find("externalId", externalId));
  const hits = byId.length > 0 || email === undefined ? byId : within(withEmail(endusers, email, switches));
  return hits.length === 0 ? undefined : activityRandom.pick(hits);
}

/** Makes the enduser of an event that names, or whose e-mail leads to, a company. */
function newEnduser(
  tenant: TenantState,
  event: Fields,
  companyId: string | undefined,
  deps: AnalyticsDeps,
): PlanhatRecord | undefined {
  const company = companyId ?? companyOf(tenant, "endusers", event, deps.switches);
  if (company === undefined) return undefined;
  const fields: Record<string, unknown> = { companyId: company };
  for (const name of ["email", "externalId", "name", "firstName", "lastName"]) {
    if (!isMissing(event[name])) fields[name] = event[name];
  }
  const access = { tenant, denied: new Set<never>() };
  const at = deps.clock.now();
  const result = writeRecord({ access, model: "endusers", before: undefined, fields, bulk: false, at }, deps);
  return result.kind === "created" ? result.record : undefined;
}

/** Any date that JavaScript reads; the time of receipt when there is none. */
function dateOf(value: unknown, receivedAt: number): string | undefined {
  if (isMissing(value)) return isoOf(receivedAt);
  const ms = typeof value === "string" || typeof value === "number" ? new Date(value).getTime() : Number.NaN;
  return Number.isNaN(ms) ? undefined : isoOf(ms);
}

/** What an event becomes; nothing when it is to be dropped without a word. Makes its enduser where that is due. */
function activityOf(tenant: TenantState, event: Fields, receivedAt: number, deps: AnalyticsDeps): Activity | undefined {
  if ((keyOf(event, "email") ?? keyOf(event, "externalId")) === undefined) return undefined;
  const date = dateOf(event["date"], receivedAt);
  const companyId = namedCompany(tenant, event);
  if (date === undefined || companyId === null) return undefined;
  const enduser = enduserOf(tenant, event, companyId, deps) ?? newEnduser(tenant, event, companyId, deps);
  if (enduser === undefined) return undefined;

  const { action, info, weight } = event;
  return {
    enduserId: enduser._id,
    action: typeof action === "string" && action !== "" ? action : null,
    date,
    info: isObject(info) ? structuredClone(info) : {},
    weight: typeof weight === "number" ? weight : 1,
    receivedAt: isoOf(receivedAt),
  };
}

function answer({ activityAnswer }: Readonly<PlanhatSwitches>): Reply {
  const status = activityAnswer.startsWith("201") ? 201 : 200;
  return activityAnswer.endsWith("empty") ? { status } : { status, body: {} };
}

/** `POST /analytics/{uuid}` with one event, `POST /analytics/bulk/{uuid}` with an array; `rest` follows `analytics/`. */
export function prepareAnalytics({ body, receivedAt }: Arrival, rest: string, deps: AnalyticsDeps): Prepared {
  const { switches } = deps;
  const bulk = rest.startsWith("bulk/");
  const route = bulk ? "POST /analytics/bulk/:tenant" : "POST /analytics/:tenant";
  const tenant = deps.tenants.get(bulk ? rest.slice("bulk/".length) : rest);
  const outsideQuota = true;
  if (tenant === undefined && switches.unknownTenant === "404") {
    return { ...refuse(route, textReply(404, "Not Found")), outsideQuota };
  }
  const list: readonly unknown[] | undefined = bulk ? (Array.isArray(body) ? body : undefined) : [body];
  if (list === undefined || (!bulk && !isObject(body))) {
    return { ...refuse(route, textReply(400, bulk ? "An array is expected" : "An object is expected")), outsideQuota };
  }
  const names = bulk ? bulkNames[switches.bulkActivityNames] : singleNames;
  return {
    route,
    outsideQuota,
    apply() {
      for (const event of list) {
        const known = tenant !== undefined && isObject(event);
        const activity = known ? activityOf(tenant, renamed(event, names), receivedAt, deps) : undefined;
        if (tenant === undefined || activity === undefined) deps.books.droppedActivity();
        else deps.books.activity(activity, tenant.record(activity));
      }
      return answer(switches);
    },
  };
}
