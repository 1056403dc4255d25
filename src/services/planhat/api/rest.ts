/** The routes of Planhat that we use. Every answer's shape is checked; nothing is taken on trust. */
import { isObject } from "../../../json";
import type { BudgetClass } from "../../../http/limits/budget";
import type { HttpClient, HttpResponse } from "../../../http/client";
import { RemoteError, UnexpectedAnswer } from "../../../http/errors";
import type { Query } from "../../../http/route";

/** A record as Planhat shows it; it certainly has an `_id`. */
export interface Row {
  readonly _id: string;
  readonly [field: string]: unknown;
}

/** One page of a list. A row that is not a record leaves a hole, since pages are counted by what the server sent. */
export type Page = readonly (Row | undefined)[];

/** A bulk call of 5,000 items is processed before it is answered, so it gets more time than a single one. */
const BULK_TIMES_LONGER = 2;
const TIMEOUT_MS = 60_000;
/** The wording of a refusal when the record does not exist; the status for it is not documented. */
const NOT_THERE = /not found|does not exist|no such/i;

export interface Rest {
  /** One page of a list, counted as the server counts it. @throws RemoteError, UnexpectedAnswer */
  page(path: string, query: Query): Promise<Page>;
  /** The records of one page of a list. @throws RemoteError, UnexpectedAnswer */
  list(path: string, query: Query): Promise<readonly Row[]>;
  /** One record by its `_id`; undefined when Planhat does not have it. @throws RemoteError, UnexpectedAnswer */
  one(path: string, id: string): Promise<Row | undefined>;
  /** Bulk upsert. @param safeToRepeat only without creates @throws RemoteError */
  bulk(path: string, items: readonly unknown[], safeToRepeat: boolean): Promise<HttpResponse>;
  /** @throws RemoteError */
  create(path: string, item: unknown): Promise<HttpResponse>;
  /** @throws RemoteError */
  update(path: string, id: string, item: unknown): Promise<HttpResponse>;
}

/**
 * @param timeoutMs longest time of one call; a bulk call gets twice as long
 * @param priority the budget class in which all its calls wait
 */
export function createRest(client: HttpClient, timeoutMs = TIMEOUT_MS, priority: BudgetClass = "delivery"): Rest {
  const call = (
    method: "GET" | "POST" | "PUT",
    route: string,
    more: Partial<Parameters<HttpClient["request"]>[0]>,
  ): Promise<HttpResponse> => client.request({ method, route, priority, ...more });

  async function page(path: string, query: Query): Promise<Page> {
    const { body } = await call("GET", path, { query });
    const list = isObject(body) ? body["data"] : body;
    if (!Array.isArray(list)) throw new UnexpectedAnswer(`planhat GET ${path} did not answer with a list.`);
    return list.map((row: unknown) => (isRow(row) ? row : undefined));
  }
  return {
    page,
    list: async (path, query) => (await page(path, query)).filter((row) => row !== undefined),
    async one(path, id) {
      const route = `${path}/:id`;
      try {
        const { body } = await call("GET", route, { params: { id } });
        if (body === undefined || body === null) return undefined;
        if (!isRow(body)) throw new UnexpectedAnswer(`planhat GET ${route} did not answer with a record.`);
        // Some ids are read as a prefixed key; only the requested record is an answer.
        return body._id === id ? body : undefined;
      } catch (error) {
        if (isNotThere(error)) return undefined;
        throw error;
      }
    },
    bulk: (path, items, safeToRepeat) =>
      call("PUT", path, { body: items, safeToRepeat, timeoutMs: timeoutMs * BULK_TIMES_LONGER }),
    create: (path, item) => call("POST", path, { body: item }),
    update: (path, id, item) => call("PUT", `${path}/:id`, { params: { id }, body: item, safeToRepeat: true }),
  };
}

/** Whether a single call failed because the record does not exist. */
export function isNotThere(error: unknown): boolean {
  if (!(error instanceof RemoteError)) return false;
  if (error.kind === "not_found") return true;
  const said = typeof error.answer === "string" ? error.answer : JSON.stringify(error.answer ?? "");
  return error.kind === "validation" && NOT_THERE.test(said);
}

export function isRow(value: unknown): value is Row {
  return isObject(value) && typeof value["_id"] === "string" && value["_id"] !== "";
}
