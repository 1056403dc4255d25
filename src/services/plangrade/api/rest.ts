/** The routes of plangrade. Every answer's shape is checked; nothing is taken on trust. */
import type { HttpResponse } from "../../../http/client";
import { classify, RemoteError, UnexpectedAnswer } from "../../../http/errors";
import type { BudgetClass } from "../../../http/limits/budget";
import type { Query } from "../../../http/route";
import { isObject } from "../../../json";
import type { Fields } from "./body";
import type { PlangradeClient, PlangradeRequest } from "./client";
import { idIn, isRow, listIn, rowIn, saysFailure, type Names, type Row } from "./envelope";
import { visibleAnswer } from "./visible";

/** The calls that users, companies and participants have alike. */
export interface Records {
  /** @throws RemoteError, UnexpectedAnswer for an answer without the record */
  read(id: string): Promise<Row>;
  /**
   * @returns the id of the new record; undefined where the answer does not tell it, so that it may be there or not
   * @throws RemoteError
   */
  create(fields: Fields): Promise<string | undefined>;
  /**
   * May be repeated: it sets what it sets.
   *
   * @returns the record where the answer shows it
   * @throws RemoteError, UnexpectedAnswer for an answer that is neither empty nor JSON
   */
  update(id: string, fields: Fields): Promise<Row | undefined>;
  /** Cannot be undone. @throws RemoteError, UnexpectedAnswer for a page */
  remove(id: string): Promise<void>;
}

export interface Rest {
  /** Whoever granted access. */
  me(): Promise<Row>;
  readonly users: Omit<Records, "create"> & {
    /** Needs no token. @param proves whether key and secret of the application go along in the body */
    create(fields: Fields, proves: boolean): Promise<string | undefined>;
  };
  readonly companies: Records & { list(): Promise<readonly Row[]> };
  readonly participants: Records & {
    /** All of a company, dependents too. */
    list(companyId: string): Promise<readonly Row[]>;
    /** A GET that writes, dependents included: it is sent once. */
    archive(id: string): Promise<void>;
  };
  /** What happened in a company, as it is shown. */
  activities(companyId: string): Promise<readonly Row[]>;
  notices(companyId: string): Promise<readonly Row[]>;
}

export interface RestOptions {
  /** The budget class in which all its calls wait; delivery when left out. */
  readonly priority?: BudgetClass | undefined;
  readonly timeoutMs?: number | undefined;
}

const USERS: Names = { one: "user", many: "users" };
const COMPANIES: Names = { one: "company", many: "companies" };
const PARTICIPANTS: Names = { one: "participant", many: "participants" };
const TIMEOUT_MS = 60_000;

export function createRest(client: PlangradeClient, { priority, timeoutMs = TIMEOUT_MS }: RestOptions = {}): Rest {
  async function ask(request: PlangradeRequest, send = client.request.bind(client)): Promise<HttpResponse> {
    const response = await send({ priority, timeoutMs, ...request });
    if (saysFailure(response.body)) throw failed(request, response.body);
    return response;
  }

  async function one(route: string, names: Names, id?: string): Promise<Row> {
    const { body } = await ask({ method: "GET", route, params: id === undefined ? {} : { id } });
    const row = rowIn(body, names);
    if (row === undefined) throw new UnexpectedAnswer(`plangrade GET ${route} did not answer with a ${names.one}.`);
    if (id === undefined || String(row.id) === id) return row;
    throw new UnexpectedAnswer(`plangrade GET ${route} answered with another ${names.one} than the one asked for.`);
  }

  async function listed(route: string, names: Names, query: Query): Promise<readonly unknown[]> {
    const { body } = await ask({ method: "GET", route, query });
    const list = listIn(body, names);
    if (list === undefined) throw new UnexpectedAnswer(`plangrade GET ${route} did not answer with a list.`);
    return list;
  }

  /**
   * A hole in the list is left out. A record that cannot be named is not: whoever is looked for would seem to be absent,
   * and be created again.
   */
  async function many(route: string, names: Names, query: Query = {}): Promise<readonly Row[]> {
    const list = await listed(route, names, query);
    return list.filter(isObject).map((each) => {
      const row = rowIn(each, names);
      if (row !== undefined) return row;
      throw new UnexpectedAnswer(`plangrade GET ${route} showed a ${names.one} without an id.`);
    });
  }

  const recordsOf = (names: Names): Records => {
    const route = `/${names.many}/:id`;
    return {
      read: (id) => one(route, names, id),
      async create(fields) {
        const { body, headers } = await ask({ method: "POST", route: `/${names.many}`, fields });
        return idIn(body, headers, names);
      },
      async update(id, fields) {
        const { body } = await ask({ method: "PUT", route, params: { id }, fields, safeToRepeat: true });
        // A page is no answer of plangrade's, whatever its status.
        if (typeof body === "string") throw new UnexpectedAnswer(`plangrade PUT ${route} did not answer with JSON.`);
        const row = rowIn(body, names);
        return row !== undefined && String(row.id) === id && Object.keys(row).length > 1 ? row : undefined;
      },
      async remove(id) {
        const { body } = await ask({ method: "DELETE", route, params: { id } });
        // Neither is a page proof that somebody is gone.
        if (typeof body === "string" && body.trim() !== "") {
          throw new UnexpectedAnswer(`plangrade DELETE ${route} did not answer with JSON.`);
        }
      },
    };
  };

  const users = recordsOf(USERS);
  const companies = recordsOf(COMPANIES);
  const participants = recordsOf(PARTICIPANTS);
  const ofCompany = async (name: string, companyId: string): Promise<readonly Row[]> =>
    (await listed(`/${name}`, { one: name, many: name }, { company_id: companyId })).filter(isRow);

  return {
    me: () => one("/me", USERS),
    users: {
      ...users,
      async create(given, proves) {
        const fields = proves ? { ...given, ...client.application } : given;
        const request = { method: "POST", route: "/users", fields } as const;
        const { body, headers } = await ask(request, client.requestOpenly.bind(client));
        return idIn(body, headers, USERS);
      },
    },
    companies: { ...companies, list: () => many("/companies", COMPANIES) },
    participants: {
      ...participants,
      list: (companyId) => many("/participants", PARTICIPANTS, { company_id: companyId }),
      async archive(id) {
        const route = "/participants/archive";
        const request = { method: "GET", route, query: { participant_id: id } } as const;
        const { body } = await ask(request, client.requestOnce.bind(client));
        if (typeof body === "string") throw new UnexpectedAnswer(`plangrade GET ${route} did not answer with JSON.`);
      },
    },
    activities: (companyId) => ofCompany("activities", companyId),
    notices: (companyId) => ofCompany("notices", companyId),
  };
}

/** A good status around a list of errors: the errors count. */
function failed({ method, route, fields }: PlangradeRequest, answer: unknown): RemoteError {
  const status = 422;
  const body = visibleAnswer(answer, { body: JSON.stringify(fields) });
  return new RemoteError({ system: "plangrade", method, route, status, ...classify(status, {}, 0), body, answer });
}
