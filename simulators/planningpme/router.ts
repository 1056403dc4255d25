import { refuse, type Prepared, type Reply } from "../loopback/call";
import type { Quota } from "../loopback/quota";
import type { Arrival } from "../loopback/server";
import type { Access } from "./access";
import type { Books } from "./books";
import type { BrandState } from "./brand";
import { describeTemplates } from "./describe";
import { failure } from "./errors";
import { runExport } from "./export";
import { runImport } from "./import";
import { readImport } from "./model";
import { replyToImport } from "./report";
import { routeOf, type Route } from "./routes";
import type { PlanningPmeSwitches } from "./switches";
import type { Template } from "./template";

export interface RouterDeps {
  readonly access: Access;
  readonly quota: Quota;
  readonly books: Books;
  readonly switches: Readonly<PlanningPmeSwitches>;
  /** By name in lower case. */
  readonly brands: ReadonlyMap<string, BrandState>;
  readonly maxRows: number;
}

/** The installed version: the first one with stock templates. */
const VERSION = "4.1.1.116";

/** Decides what a call is: who calls, which route, and the work to do once the latency is over. */
export function createRouter({ access, quota, books, switches, brands, maxRows }: RouterDeps) {
  const fail = (status: number, message: string): Reply => failure(status, message, switches);

  return (arrival: Arrival): Prepared => {
    const route = routeOf(arrival.method, arrival.path);
    const state = brands.get(route.brand);
    if (state === undefined) return refuse(route.name, fail(404, "There is no such brand."));
    const appKey = access.appKeyOf(arrival, route.brand);
    if (appKey === undefined) return refuse(route.name, fail(401, "The application key is missing or unknown."));
    const outsideQuota = route.is === "token" && switches.tokenQuota === "free";
    const exhausted = outsideQuota ? undefined : takeQuota(appKey, arrival.receivedAt);
    if (exhausted !== undefined) return refuse(route.name, exhausted);
    if (route.is === "token") return prepareToken(route, arrival, outsideQuota);
    // The one call that needs no user.
    if (route.is !== "config" && !access.isUser(arrival, route.brand)) {
      return refuse(route.name, fail(401, "Authorization has been denied for this request."));
    }
    if (route.is === "unknown") return refuse(route.name, fail(404, "There is no such address."));
    books.begun();
    return { route: route.name, apply: () => work(route, state, arrival), release: () => books.ended() };
  };

  function takeQuota(appKey: string, atMs: number): Reply | undefined {
    const exhausted = quota.take(appKey, atMs, switches.quotaHeaders);
    if (exhausted === undefined || switches.overQuota === "refused") return exhausted;
    books.overQuota();
    return undefined;
  }

  function prepareToken(route: Route, arrival: Arrival, outsideQuota: boolean): Prepared {
    if (switches.tokens === "lasting") return refuse(route.name, fail(404, "There is no such address."));
    if (arrival.method !== "PUT") return refuse(route.name, fail(405, "The method is not allowed."));
    const apply = (): Reply => {
      const reply = access.exchange(arrival, route.brand);
      books.token(reply.status === 200);
      return reply;
    };
    return { route: route.name, outsideQuota, apply };
  }

  function work(route: Route, state: BrandState, arrival: Arrival): Reply {
    switch (route.is) {
      case "config":
        return { status: 200, body: { brand: state.brand.name, version: VERSION } };
      case "templates":
        return { status: 200, body: describeTemplates(state.brand.templates, switches) };
      case "export":
        return withTemplate(route, state, "out", (template) => {
          const { reply, rows } = runExport(state, template, arrival.query.get("since"), switches);
          if (reply.status === 200) books.exported(rows);
          return reply;
        });
      case "import":
        return withTemplate(route, state, "in", (template) => importInto(state, template, arrival));
      case "token":
      case "unknown":
        return fail(404, "There is no such address.");
    }
  }

  function withTemplate(
    { template: name }: Route,
    state: BrandState,
    direction: Template["direction"],
    use: (template: Template) => Reply,
  ): Reply {
    const template = state.template(name);
    if (template !== undefined && template.direction === direction) return use(template);
    return fail(switches.missingTemplate, `There is no ${direction === "in" ? "import" : "export"} template ${name}.`);
  }

  function importInto(state: BrandState, template: Template, { body: sent, receivedAt }: Arrival): Reply {
    const body = readImport(sent, template, switches);
    if (typeof body === "string") return fail(400, body);
    if (body.rows.length > maxRows) return fail(400, `The model has more than ${maxRows} elements.`);
    const result = runImport({ brand: state, template, body, switches, nowMs: receivedAt });
    books.imported(state.brand, template, body, result);
    return replyToImport(result, template, body, switches);
  }
}
