/** What a route of the API is, and what its handler gets. */
import type { Reply } from "../../loopback/call";
import type { Fields } from "../body";
import type { Books } from "../books";
import { failure } from "../failures";
import type { PlangradeSwitches } from "../switches";
import type { Company, Participant, RecordType, User } from "./model";
import type { RecordsState } from "./records";

export interface ApiDeps {
  readonly records: RecordsState;
  readonly books: Books;
  readonly switches: Readonly<PlangradeSwitches>;
}

export interface ApiRequest {
  /** Of the path; NaN where it has none, or no number. */
  readonly id: number;
  readonly query: URLSearchParams;
  readonly fields: Fields;
  /** `http://127.0.0.1:PORT/api/v1`. */
  readonly root: string;
}

export interface UserRequest extends ApiRequest {
  /** Who granted the token. */
  readonly user: User;
}

interface RouteName {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Without `/api/v1`, such as `/companies/:id`. */
  readonly template: string;
}

export type ApiRoute = RouteName &
  (
    | { readonly access: "token"; readonly handle: (request: UserRequest) => Reply }
    /** Needs no person; key and secret of the application go in the body. */
    | { readonly access: "application"; readonly handle: (request: ApiRequest) => Reply }
  );

/** A route that needs a token. */
export function tokenRoute(
  method: RouteName["method"],
  template: string,
  handle: (request: UserRequest) => Reply,
): ApiRoute {
  return { method, template, access: "token", handle };
}

/** Hands the record of an id to `use`, or answers that there is none, or that it is another account's. */
export function createLookUp({ records, switches }: Pick<ApiDeps, "records" | "switches">) {
  function absent(type: RecordType, id: number): Reply {
    const isForeign = type === "company" ? records.companies.has(id) : records.participants.has(id);
    if (isForeign) return failure(switches.foreign, switches.foreign === 403 ? "Forbidden" : "Not found", switches);
    const status = records.isDeleted(type, id) ? switches.deleted : 404;
    return failure(status, status === 410 ? "Gone" : "Not found", switches);
  }

  function ownCompany(user: User, id: number): Company | undefined {
    const company = records.companies.get(id);
    return company?.managers.includes(user.id) === true ? company : undefined;
  }

  function company(user: User, id: number, use: (company: Company) => Reply): Reply {
    const own = ownCompany(user, id);
    return own === undefined ? absent("company", id) : use(own);
  }

  return {
    ownCompany,
    company,
    /** The company that a query must name. */
    companyOfQuery({ user, query }: UserRequest, use: (company: Company) => Reply): Reply {
      const id = query.get("company_id") ?? "";
      if (id === "") return failure(400, "company_id is missing", switches);
      return company(user, Number(id), use);
    },
    participant(user: User, id: number, use: (participant: Participant) => Reply): Reply {
      const participant = records.participants.get(id);
      const isOwn = participant !== undefined && ownCompany(user, participant.company_id) !== undefined;
      if (!isOwn) return absent("participant", id);
      return participant.archived && switches.archived === "gone"
        ? failure(switches.deleted, "Not found", switches)
        : use(participant);
    },
  };
}

/** Names of fields that differ between two states of a record. */
export function changedNames<Item extends object>(before: Item, after: Item): string[] {
  const held = new Map<string, unknown>(Object.entries(before));
  return Object.entries(after)
    .filter(([name, value]) => value !== held.get(name))
    .map(([name]) => name);
}
