/** The routes of PlanSource that we use. Every answer's shape is checked; nothing is taken on trust. */
import type { HttpRequest } from "../../../http/client";
import { classify, RemoteError, UnexpectedAnswer } from "../../../http/errors";
import type { BudgetClass } from "../../../http/limits/budget";
import type { Query } from "../../../http/route";
import { foldedKey } from "../../../record";
import { bulkUpdate, type BulkBody } from "./bulk";
import type { PlanSourceApi } from "./client";
import { isObject } from "../../../json";
import { dataIn, isUnknownEmployee, saysFailure, statusIn, tellsOfRows } from "./envelope";
import { visibleAnswer } from "./visible";

/** A subscriber as PlanSource shows it; it certainly has an `id`, a number or its digits. */
export interface Row {
  readonly id: number | string;
  readonly [field: string]: unknown;
}

/** One page of a list. A row that is not a subscriber leaves a hole, since pages are counted by what the server sent. */
export type Page = readonly (Row | undefined)[];

export type Fields = Readonly<Record<string, unknown>>;

/**
 * An answer that says success, or a bulk answer that tells of rows, whatever it says; `data` is everything where the
 * answer has none.
 */
export interface Envelope {
  readonly body: unknown;
  readonly data: unknown;
}

export interface PageQuery {
  /** At most 500, which is PlanSource's own measure. */
  readonly perPage?: number | undefined;
  readonly includeTest?: boolean | undefined;
}

/** All throw RemoteError, and UnexpectedAnswer for an answer of another shape. `ref` is a subscriber's code or id. */
export interface Rest {
  /** @param page from 1 */
  page(page: number, query?: PageQuery): Promise<Page>;
  /** The rows of a page as they came. */
  list(query: Query): Promise<readonly unknown[]>;
  /** Undefined only when PlanSource says that it does not have this employee. */
  one(ref: string): Promise<Row | undefined>;
  /** The same, with the refusal thrown. */
  read(ref: string): Promise<Row>;
  create(fields: Fields): Promise<Row>;
  /** May be repeated: it sets what it sets. */
  update(ref: string, fields: Fields): Promise<Row>;
  terminate(ref: string, body: Fields): Promise<Row>;
  rehire(ref: string, body: Fields): Promise<Row>;
  /** Each row has an `id`, that is, a `ref`. The answer is to be believed only as far as it names rows. */
  bulk(body: BulkBody): Promise<Envelope>;
  /** `data` of the description of a subscriber's fields; outside the budget. */
  meta(): Promise<Fields>;
  beneficiaries(query: Query): Promise<readonly unknown[]>;
}

export interface RestOptions {
  /** Subscribers are named by their code, not by PlanSource's id. */
  readonly isCustomId: boolean;
  /** The budget class in which all its calls wait; delivery when left out. */
  readonly priority?: BudgetClass | undefined;
  /** Longest time of one call; a bulk call gets twice as long. */
  readonly timeoutMs?: number | undefined;
}

const ONE = "/subscriber/:ref";
const MANY = "/subscribers";
const TIMEOUT_MS = 60_000;
const BULK_TIMES_LONGER = 2;

export function createRest(api: PlanSourceApi, { isCustomId, priority, timeoutMs = TIMEOUT_MS }: RestOptions): Rest {
  const byKey: Query = { is_custom_id: isCustomId ? true : undefined };

  /** @param tells whether a failure is an answer all the same */
  async function ask(
    request: HttpRequest,
    { send = api.request.bind(api), tells = (_body: unknown): boolean => false } = {},
  ): Promise<Envelope> {
    const { body } = await send({ priority, timeoutMs, ...request });
    if (saysFailure(body) && !tells(body)) throw failed(request, body);
    return { body, data: dataIn(body) };
  }

  /** @param more a repeat is a promise of the route, not of the caller */
  async function row(method: "GET" | "POST" | "PUT", route: string, more: Partial<HttpRequest> = {}): Promise<Row> {
    const { data } = await ask({ method, route, query: byKey, ...more });
    const [found, second]: readonly unknown[] = [data].flat();
    if (isRow(found) && second === undefined) return found;
    throw new UnexpectedAnswer(`plansource ${method} ${route} did not answer with a subscriber.`);
  }

  async function rows(route: string, query: Query): Promise<readonly unknown[]> {
    const { data } = await ask({ method: "GET", route, query });
    if (Array.isArray(data)) return data as readonly unknown[];
    throw new UnexpectedAnswer(`plansource GET ${route} did not answer with a list.`);
  }

  async function read(ref: string): Promise<Row> {
    const found = await row("GET", ONE, { params: { ref } });
    const named = isCustomId ? found["subscriber_code"] : found.id;
    if (!isText(named) || foldedKey(String(named)) === foldedKey(ref)) return found;
    throw new UnexpectedAnswer(`plansource GET ${ONE} answered with another subscriber than the one asked for.`);
  }

  const list = (query: Query): Promise<readonly unknown[]> => rows(MANY, { ...byKey, ...query });

  return {
    list,
    async page(page, { perPage, includeTest } = {}) {
      const include_test = includeTest === true ? true : undefined;
      const found = await list({ page, per_page: perPage, include_test });
      return found.map((each) => (isRow(each) ? each : undefined));
    },
    async one(ref) {
      try {
        return await read(ref);
      } catch (error) {
        if (isUnknownEmployee(error)) return undefined;
        throw error;
      }
    },
    read,
    create: (body) => row("POST", "/subscriber", { body }),
    update: (ref, body) => row("PUT", ONE, { params: { ref }, body, safeToRepeat: true }),
    terminate: (ref, body) => row("PUT", `${ONE}/terminate`, { params: { ref }, body }),
    rehire: (ref, body) => row("PUT", `${ONE}/rehire`, { params: { ref }, body }),
    bulk: (body) =>
      bulkUpdate(api.bulkWrapper, body, (sent) =>
        ask(
          {
            method: "PUT",
            route: MANY,
            query: byKey,
            body: sent,
            safeToRepeat: true,
            timeoutMs: timeoutMs * BULK_TIMES_LONGER,
          },
          { tells: tellsOfRows },
        ),
      ),
    async meta() {
      const route = "/subscriber/meta";
      const { data } = await ask({ method: "GET", route }, { send: api.requestUncounted.bind(api) });
      if (isObject(data)) return data;
      throw new UnexpectedAnswer(`plansource GET ${route} did not answer with a description of fields.`);
    },
    beneficiaries: (query) => rows("/beneficiaries", query),
  };
}

/** A good status around a failure: the failure counts. */
function failed(request: HttpRequest, answer: unknown): RemoteError {
  const { method, route } = request;
  const status = statusIn(answer);
  const body = visibleAnswer(answer, request);
  return new RemoteError({ system: "plansource", method, route, status, ...classify(status, {}, 0), body, answer });
}

export function isRow(value: unknown): value is Row {
  if (!isObject(value)) return false;
  const { id } = value;
  return (typeof id === "number" && Number.isSafeInteger(id) && id > 0) || (typeof id === "string" && /^\d+$/.test(id));
}

const isText = (value: unknown): boolean => (typeof value === "string" && value !== "") || typeof value === "number";
