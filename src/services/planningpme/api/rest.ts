/** The three calls of PlanningPME's integration API. Forms that its pages leave open are read as they come. */
import { isObject } from "../../../json";
import type { HttpClient, HttpRequest } from "../../../http/client";
import { UnexpectedAnswer } from "../../../http/errors";
import type { BudgetClass } from "../../../http/limits/budget";
import { SYSTEM } from "./client";
import { rowsIn, templatesIn, type Template } from "./envelope";

export interface ImportOptions {
  readonly simulate: boolean;
  readonly verbose: boolean;
  readonly stopOnError: boolean;
}

/** All throw RemoteError, and UnexpectedAnswer for an answer of another shape. */
export interface Rest {
  templates(): Promise<readonly Template[]>;
  /** The list of templates as it came. */
  describe(): Promise<unknown>;
  /** @param since `yyyyMMddHHmmss`; undefined: everything */
  export(template: string, since: string | undefined): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** What an export template yields, as it came. */
  exported(template: string, since: string | undefined): Promise<unknown>;
  /**
   * Never repeated here: whoever asks knows which rows are left.
   *
   * @param model rows in the template's layout
   * @returns the report as it came; undefined where there was none
   */
  import(template: string, model: unknown, options: ImportOptions): Promise<unknown>;
}

const TEMPLATES = "/api/integration/templates";
const ONE = "/api/integration/:template";
const TIMEOUT_MS = 60_000;
/** Calls with thousands of rows take their time, in both directions. */
export const ROWS_TIMES_LONGER = 4;

/** @param timeoutMs of a call without rows; one with rows gets four times as long */
export function createRest(client: HttpClient, priority: BudgetClass, timeoutMs = TIMEOUT_MS): Rest {
  const ask = async (request: HttpRequest): Promise<unknown> =>
    (await client.request({ priority, timeoutMs, ...request })).body;
  const describe = (): Promise<unknown> => ask({ method: "GET", route: TEMPLATES });
  const exported = (template: string, since: string | undefined): Promise<unknown> =>
    ask({
      method: "GET",
      route: ONE,
      params: { template },
      query: { since },
      timeoutMs: timeoutMs * ROWS_TIMES_LONGER,
    });
  return {
    describe,
    exported,
    async templates() {
      const found = templatesIn(await describe());
      if (found !== undefined) return found;
      throw new UnexpectedAnswer(`${SYSTEM} GET ${TEMPLATES} did not answer with a list of templates.`);
    },
    async export(template, since) {
      const rows = rowsIn(await exported(template, since));
      if (rows !== undefined) return rows.filter(isObject);
      throw new UnexpectedAnswer(`${SYSTEM} GET ${ONE} did not answer with a list of rows.`);
    },
    import: (template, model, options) =>
      ask({
        method: "POST",
        route: ONE,
        params: { template },
        body: { ...options, model },
        timeoutMs: timeoutMs * ROWS_TIMES_LONGER,
      }),
  };
}
