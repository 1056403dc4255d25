import { isObject, refuse, type Prepared, type Reply } from "../loopback/call";
import type { Quota } from "../loopback/quota";
import type { Arrival } from "../loopback/server";
import { endBeneficiaries, listBeneficiaries } from "./beneficiaries";
import type { Books, WriteKind } from "./books";
import { rowsOf, writeRows } from "./bulk";
import { failure, noEmployee, routeNotFound, success } from "./envelope";
import { rehire, terminate } from "./life-cycle";
import { listSubscribers } from "./list";
import type { OrganizationState } from "./organization";
import { matchRoute, type Route } from "./routes";
import { shownSubscriber } from "./show";
import type { Subscriber, WriteResult, Written } from "./subscriber";
import type { PlanSourceSwitches } from "./switches";
import type { Tokens } from "./tokens";
import { createSubscriber, updateSubscriber, type Body } from "./writes";

export interface RouterDeps {
  readonly tokens: Tokens;
  readonly quota: Quota;
  readonly books: Books;
  readonly switches: Readonly<PlanSourceSwitches>;
  readonly maxBulkRows: number;
}

const writers = { update: updateSubscriber, terminate, rehire } as const;

/** Decides what a call is: who calls, which route, and the work to do once the latency is over. */
export function createRouter({ tokens, quota, books, switches, maxBulkRows }: RouterDeps) {
  return (arrival: Arrival): Prepared => {
    if (arrival.path === "/oauth/v2/token") return prepareToken(arrival);
    const route = matchRoute(arrival.method, arrival.path, switches);
    const name = `${arrival.method} ${route?.template ?? arrival.path}`;
    const opened = tokens.open(arrival.headers.authorization, arrival.receivedAt);
    if (!("organization" in opened)) return refuse(name, failure([opened], switches));
    const isMeta = route?.is === "meta";
    const exhausted = isMeta
      ? undefined
      : quota.take(String(opened.organization.id), arrival.receivedAt, switches.quotaHeaders);
    if (exhausted !== undefined) return refuse(name, exhausted);
    if (route === undefined) return refuse(name, failure([routeNotFound], switches));
    books.begun();
    const { organization } = opened;
    return {
      route: name,
      outsideQuota: isMeta,
      apply: () => work(route, organization, arrival),
      release: () => books.ended(),
    };
  };

  function prepareToken(arrival: Arrival): Prepared {
    const route = `${arrival.method} /oauth/v2/token`;
    if (arrival.method !== "POST") return refuse(route, failure([routeNotFound], switches));
    const apply = (): Reply => {
      const reply = tokens.issue(arrival);
      books.token(reply.status === 200);
      return reply;
    };
    return { route, outsideQuota: true, apply };
  }

  function work(route: Route, organization: OrganizationState, { query, body }: Arrival): Reply {
    const isCustomId = query.get("is_custom_id") === "true";
    const fields = isObject(body) ? body : {};
    const { id } = route;
    /** The subscriber of the path, or the 404. */
    const forSubscriber = (use: (subscriber: Subscriber) => Reply): Reply => {
      const subscriber = organization.resolve(id, isCustomId, switches);
      return subscriber === undefined ? failure([noEmployee(id, switches)], switches) : use(subscriber);
    };
    switch (route.is) {
      case "organizations":
        return success([{ id: organization.id, name: organization.name, organization_code: `ORG${organization.id}` }]);
      case "meta":
        return success(organization.meta.answer());
      case "list":
        return success(listSubscribers(organization, query, switches));
      case "create":
        return written("create", organization, createSubscriber(organization, fields, switches));
      case "read":
        return forSubscriber((subscriber) => success(shownSubscriber(subscriber, organization, switches)));
      case "update":
      case "terminate":
      case "rehire": {
        const { is: kind } = route;
        return forSubscriber((before) =>
          written(kind, organization, writers[kind](organization, before, fields, switches)),
        );
      }
      case "bulk": {
        const { kind } = route;
        const write = (before: Subscriber, row: Body) => writers[kind](organization, before, row, switches);
        books.bulk(rowsOf(body, switches)?.length ?? 0);
        const done = writeRows({ organization, body, isCustomId, maxRows: maxBulkRows, switches, write });
        for (const each of done.written) enter(kind, organization, each);
        return done.reply;
      }
      case "beneficiaries":
        if (id === "") return listBeneficiaries(organization.beneficiaries, query);
        return forSubscriber((subscriber) => listBeneficiaries(organization.beneficiaries, query, subscriber.id));
      case "end-beneficiaries":
        return endBeneficiaries(organization.beneficiaries, id, query, switches);
    }
  }

  function written(kind: WriteKind, organization: OrganizationState, result: WriteResult): Reply {
    if ("problems" in result) return failure(result.problems, switches);
    enter(kind, organization, result);
    return success(shownSubscriber(result.subscriber, organization, switches));
  }

  function enter(kind: WriteKind, organization: OrganizationState, { subscriber, changed }: Written): void {
    const code = kind === "create" ? subscriber.fields["subscriber_code"] : undefined;
    const isDuplicate = code !== undefined && organization.other("subscriber_code", code, subscriber.id) !== undefined;
    books.wrote(kind, subscriber, changed, isDuplicate);
  }
}
