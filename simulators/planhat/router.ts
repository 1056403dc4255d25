import { refuse, textReply, type Prepared, type Reply } from "../loopback/call";
import type { Quota } from "../loopback/quota";
import type { Arrival } from "../loopback/server";
import { prepareAnalytics, type AnalyticsDeps } from "./analytics";
import { bulkUpsert, type BulkDeps } from "./bulk";
import { listRecords } from "./list";
import { isModelName, listRoutes, models, type ModelName } from "./models";
import type { OverlapWatch } from "./overlap";
import { createRecord, deleteRecord, getRecord, singleError, updateRecord } from "./single";
import type { Access } from "./tenant";
import type { Fields } from "./collection";
import { tokenOf, type Tokens } from "./tokens";
import { isObject } from "../loopback/call";

export interface RouterDeps extends BulkDeps, AnalyticsDeps {
  readonly tokens: Tokens;
  readonly quota: Quota;
  readonly overlaps: OverlapWatch;
  /** Clusters with a path prefix of their own; a path without prefix belongs to the first. */
  readonly clusters: readonly string[];
}

interface Target {
  readonly cluster: string;
  readonly collection: string;
  readonly id: string;
}

function targetOf(path: string, clusters: readonly string[]): Target {
  const parts = path.split("/").filter((part) => part !== "");
  const [first = ""] = parts;
  const prefixed = clusters.includes(first);
  const [collection = "", ...rest] = prefixed ? parts.slice(1) : parts;
  // A blank id falls through to the list (sheet 5.1).
  return { cluster: prefixed ? first : (clusters[0] ?? ""), collection, id: decodeURIComponent(rest.join("/")) };
}

/** Decides what a call is: who calls, may he, which route, and the work to do once the latency is over. */
export function createRouter(deps: RouterDeps): (arrival: Arrival) => Prepared {
  const { switches, clock } = deps;

  return (arrival) => {
    const { method, query, body } = arrival;
    const { cluster, collection, id } = targetOf(arrival.path, deps.clusters);
    const route = `${method} /${collection}${id === "" ? "" : "/:id"}`;
    if (method === "POST" && collection === "analytics") return prepareAnalytics(arrival, id, deps);
    const token = tokenOf(arrival.headers.authorization);
    const access = deps.tokens.open(token, cluster);
    // Unknown paths too answer 401 to whoever is unknown (sheet 4).
    if (access === undefined) return refuse(route, singleError(401, "Unauthorized", switches));
    const exhausted = deps.quota.take(`${cluster} ${token ?? ""}`, arrival.receivedAt, switches.quotaHeaders);
    if (exhausted !== undefined) return refuse(route, exhausted);

    if (method === "GET" && id === "") return prepareList(route, collection, access, query);
    if (!isModelName(collection)) return refuse(route, textReply(404, "Not Found"));
    const model = collection;
    if (method === "PUT" && id === "") return prepareBulk(route, model, access, body);

    const order = { access, model, id, body };
    const single = (work: (at: number) => Reply): Prepared => ({ route, apply: () => work(clock.now()) });
    if (method === "POST" && id === "") return single((at) => createRecord({ ...order, at }, deps));
    if (id === "") return refuse(route, textReply(404, "Not Found"));
    if (method === "GET") return single((at) => getRecord({ ...order, at }, deps));
    if (method === "PUT") return single((at) => updateRecord({ ...order, at }, deps));
    if (method === "DELETE") return single((at) => deleteRecord({ ...order, at }, deps));
    return refuse(route, textReply(404, "Not Found"));
  };

  function prepareList(route: string, collection: string, access: Access, query: URLSearchParams): Prepared {
    const listRoute = listRoutes.find(({ path }) => path === `/${collection}`);
    if (listRoute === undefined) return refuse(route, textReply(404, "Not Found"));
    if (access.denied.has(`${listRoute.model}:read`)) return refuse(route, singleError(403, "Forbidden", switches));
    return { route, apply: () => listRecords(access.tenant, listRoute, query, switches) };
  }

  function prepareBulk(route: string, model: ModelName, access: Access, body: unknown): Prepared {
    if (!Array.isArray(body) || models[model].bulkKeys.length === 0) {
      return refuse(route, textReply(400, "An array is expected"));
    }
    const list: readonly unknown[] = body;
    const items = list.map((item): Fields => (isObject(item) ? item : {}));
    deps.books.bulk(items.length);
    // From arrival on, so that two slow calls are seen to overlap whichever is applied first.
    const flight = deps.overlaps.begin(access.tenant, model, items, switches);
    if (flight.concurrent) deps.books.concurrent(flight.overlapping.size);
    return {
      route,
      apply: () => bulkUpsert({ access, model, body: list, flight, at: clock.now() }, deps),
      release: () => flight.end(),
    };
  }
}
