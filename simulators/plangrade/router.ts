import { refuse, type Prepared, type Reply } from "../loopback/call";
import type { Quota } from "../loopback/quota";
import type { Arrival } from "../loopback/server";
import { createAuthorizePage } from "./authorization/authorize";
import type { Application, Grants } from "./authorization/grants";
import { createTokenEndpoint, isApplication } from "./authorization/token";
import { readFields, readForm, type Fields } from "./body";
import type { Books } from "./books";
import { failure, maintenancePage, page, unauthorized, unknownApplication } from "./failures";
import { companyRoutes } from "./records/companies";
import type { User } from "./records/model";
import { participantRoutes } from "./records/participants";
import type { RecordsState } from "./records/records";
import type { ApiRequest } from "./records/routes";
import { userRoutes } from "./records/users";
import type { PlangradeSwitches } from "./switches";
import { API_ROOT, createRouteTable, type Found } from "./table";

export interface RouterDeps {
  readonly applications: ReadonlyMap<string, Application>;
  readonly records: RecordsState;
  readonly grants: Grants;
  readonly quota: Quota;
  readonly books: Books;
  readonly switches: Readonly<PlangradeSwitches>;
  readonly tokenLifeMs: number;
}

type ApiCall = Extract<Found, { is: "api" }>;

/** Decides what a call is: who calls, which route, and the work to do once the latency is over. */
export function createRouter(deps: RouterDeps) {
  const { applications, records, grants, quota, books, switches } = deps;
  const find = createRouteTable([...userRoutes(deps), ...companyRoutes(deps), ...participantRoutes(deps)], {
    paths: () => switches.paths,
  });
  const authorize = createAuthorizePage(deps);
  const issue = createTokenEndpoint(deps);

  return (arrival: Arrival): Prepared => {
    const found = find(arrival.method, arrival.path);
    if (found.is === "token") notePresented(arrival);
    if (switches.maintenance === "on") return refuse(found.name, maintenancePage);
    switch (found.is) {
      case "authorize":
        return { route: found.name, outsideQuota: true, apply: () => authorize(arrival) };
      case "token":
        return { route: found.name, outsideQuota: true, apply: () => issue(arrival) };
      case "none":
        return refuse(found.name, page(found.status, found.status === 404 ? "Not Found" : "Method Not Allowed"));
      case "api":
        return prepareApi(found, arrival);
    }
  };

  /** When it arrives, since the answer may be lost or never made. */
  function notePresented(arrival: Arrival): void {
    const sent = readForm(arrival);
    const token = sent.get("refresh_token");
    if (sent.get("grant_type") === "refresh_token" && token !== undefined) books.refresh(token, "presented");
  }

  function prepareApi(found: ApiCall, arrival: Arrival): Prepared {
    const { route, id, name } = found;
    if (!acceptsJson(arrival.headers.accept)) return refuse(name, failure(406, "Not Acceptable", switches));
    const fields = readFields(arrival, switches);
    if (route.access === "application") {
      const isKnown = switches.userCredentials === "not-needed" || isApplication(applications, fields ?? new Map());
      if (!isKnown) return refuse(name, unknownApplication());
      return work(name, fields?.get("client_id") ?? "", arrival, fields, (sent) => {
        return route.handle(requestOf(id, arrival, sent));
      });
    }
    const user = userOf(arrival);
    if ("status" in user) return refuse(name, user);
    return work(name, `user ${user.id}`, arrival, fields, (sent) => {
      return route.handle({ ...requestOf(id, arrival, sent), user });
    });
  }

  /** Who granted the token of a call, or the 401. */
  function userOf({ headers, receivedAt }: Arrival): User | Reply {
    const token = /^Bearer (\S+)$/i.exec(headers.authorization ?? "")?.[1] ?? "";
    const opened = grants.open(token, receivedAt);
    if (typeof opened === "string") return unauthorized(opened);
    return records.users.get(opened.userId) ?? unauthorized("revoked");
  }

  /** @param payer whose quota the call is taken from */
  function work(
    route: string,
    payer: string,
    arrival: Arrival,
    fields: Fields | undefined,
    handle: (fields: Fields) => Reply,
  ): Prepared {
    const exhausted = quota.take(payer, arrival.receivedAt, switches.quotaHeaders);
    if (exhausted !== undefined) return refuse(route, exhausted);
    books.begun();
    const apply = () => (fields === undefined ? failure(400, "The body is malformed.", switches) : handle(fields));
    return { route, apply, release: () => books.ended() };
  }
}

const requestOf = (id: number, { query, headers }: Arrival, fields: Fields): ApiRequest => ({
  id,
  query,
  fields,
  root: `http://${headers.host ?? ""}${API_ROOT}`,
});

/** 406 where a format other than JSON is asked for (sheet 4). */
function acceptsJson(accept: string | undefined): boolean {
  return accept === undefined || /\bjson\b|\*\/\*|\bapplication\/\*/.test(accept);
}
