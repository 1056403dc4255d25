/**
 * `/console`: the health of a connector as a page: status, backlog, outcomes, runs, dead letters, and why somebody is
 * not in the service. It is rendered here, without scripts; the log-in is that of the internal API. Every change is a
 * form with its own token, which leads back to the page with a code that says what was done.
 */
import { Router, type Response } from "express";
import pick from "lodash/pick";
import type { Logger } from "pino";
import { z } from "zod";
import type { Runs } from "../../src/engine/runs/orders";
import type { Explain } from "../../src/engine/explain/explain";
import type { HealthOf } from "../../src/engine/status/health";
import type { Tenant } from "../../src/engine/tenants";
import { isDeadLetterPlace } from "../../src/storage/port/dead-letters";
import type { Face } from "../../src/services/face";
import type { HistoryLine, HistoryQuery, Store } from "../../src/storage/port/store";
import { backlogBody, type BudgetLeft } from "./sections/backlog";
import { chartBody, chartFrom } from "./sections/chart";
import { askAbout, explanationBody, MAX_QUESTION, searchForm } from "./sections/explain";
import { deadLetterPages } from "./dead-letters";
import { createForms } from "./form";
import { errorPage, mistypedIn, welcomePage } from "./sections/front";
import { DEAD_LETTERS_A_PAGE, deadLettersBody, reasonsBody } from "./sections/dead-letters";
import { BASE, consoleLink, deadLettersLink, outcomesLink, runsLink } from "./links";
import { logoutRoutes } from "./logout";
import { doneParameter, notice, page, refreshParameter, show } from "./page";
import { fetchableOf, runPages, type RunPageOptions } from "./runs";
import { fetchForms, runsBody, SHOWN_RUNS } from "./sections/runs";
import { section } from "./section";
import { recordsBody, RECORDS_A_PAGE } from "./sections/records";
import { statusBody } from "./sections/status";
import { styleRoutes } from "./style";
import { html, type Html } from "./html";
import type { DeadLetters } from "../admin/dead-letters";
import { organizationQuery } from "../middleware/organization";
import type { Authenticate } from "../middleware/authentication";
import { errorAnswers, otherMethods } from "../middleware/errors";
import { requestContext } from "../middleware/request-id";
import { parameter } from "../../src/input";
import { readInput } from "../middleware/input";
import { showRecords, type SaidBy } from "../routes/outcomes/answer";
import { chosenOutcomes, OUTCOME_WORDS } from "../routes/outcomes/route";

export interface ConsoleRouteOptions<S> {
  readonly store: Pick<Store, "laneHealth" | "hours" | "run" | "runs" | "reportLines" | "history" | "view">;
  readonly runs: Pick<Runs<S>, "fetch" | "replay" | "stop">;
  readonly service: SaidBy<S> & RunPageOptions<S>["service"];
  readonly health: HealthOf<S>;
  readonly explain: Pick<Explain<S>, "entity">;
  readonly deadLetters: Pick<DeadLetters, "list" | "counts" | "show" | "replay" | "drop">;
  /** What is left of the tenant's request budget; undefined before the first request. */
  readonly budget: (tenant: Tenant<S>) => Promise<BudgetLeft | undefined>;
  readonly face: Face;
  /** Where the service is served: `` or `/name`. */
  readonly mount: string;
  /** Key for the tokens of forms; a secret, used for nothing else. */
  readonly formKey: string;
  /** How long the page waits for each part, milliseconds. */
  readonly partWithinMs: number;
  readonly authenticate: Authenticate<S>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly logger: Logger;
}

/** For one page of records. */
const MOST_LOOKS = 40;

const WORDS = {
  code: "invalid_query",
  problem: "The address cannot be read",
  remedies: {
    q: `Ask with an e-mail address, an external id, a domain or Hull's id, of ${MAX_QUESTION} characters at most.`,
    after: "Follow the links of the page, or leave it out to begin at the beginning.",
    ...pick(OUTCOME_WORDS.remedies, "type", "outcome", "code", "run"),
    done: "Leave it out.",
    refresh: "Say after how many seconds the page is to reload, or leave it out.",
  },
};

/** Parameters of the page beside the organization. */
export const consoleQuery = z.object({
  q: z
    .string({ error: "is given more than once" })
    .trim()
    .max(MAX_QUESTION, `is longer than ${MAX_QUESTION} characters`)
    .optional()
    .meta({ description: "Who to explain: e-mail address, external id, domain or Hull's id." }),
  after: parameter
    .max(4_000, "is not a place in the list")
    .refine(isDeadLetterPlace, "is not a place in the list")
    .optional()
    .meta({ description: "Where the page of dead letters begins." }),
  done: doneParameter,
  refresh: refreshParameter,
});

/** Parameters of the page of records. */
export const recordsQuery = chosenOutcomes.omit({ day: true });

/** Without an organization the page asks for one. */
export const consoleAddress = z.object({ org: organizationQuery.shape.org.optional() }).extend(consoleQuery.shape);

const PARTS = [
  ["status", "Status"],
  ["backlog", "Backlog"],
  ["outcomes", "Outcomes"],
  ["runs", "Runs"],
  ["letters", "Dead letters"],
] as const;

export function consoleRoutes<S>(options: ConsoleRouteOptions<S>): Router {
  const { store, service, deadLetters, authenticate, now, logger } = options;
  const { title: serviceTitle } = options.face;
  const site = { mount: options.mount, title: serviceTitle };
  const router = Router();
  const forms = createForms(options);

  router.use(styleRoutes());

  router.get(BASE, async (request, response) => {
    if ((request.query["org"] ?? "") === "") {
      show(response, 200, welcomePage(site));
      return;
    }
    const tenant = await authenticate(request);
    const query = readInput(consoleQuery, request.query, WORDS);
    const { organization } = tenant.credentials;
    const nowMs = now();
    const question = query.q ?? "";
    const answer =
      question === "" ? [] : [part(response, "explain", "The answer", () => explanation(tenant, question))];
    const parts = await Promise.all([
      ...answer,
      part(response, "status", "Status", async () => statusBody(await options.health(tenant))),
      part(response, "backlog", "Backlog", () => backlog(tenant, nowMs)),
      part(response, "outcomes", "Outcomes of the last day", async () =>
        chartBody(await store.hours(tenant.key, chartFrom(nowMs)), nowMs, {
          meaning: service,
          linkOf: (reason) => outcomesLink(site, organization, reason),
        }),
      ),
      part(response, "runs", "Last runs", () => runList(tenant, nowMs)),
      part(response, "letters", "Dead letters", () => deadLetterList(tenant, query.after)),
    ]);
    const names = question === "" ? PARTS : ([["explain", "The answer"], ...PARTS] as const);
    const heading = html`<h1 class="hidden">Console of ${organization}</h1>`;
    const body = [heading, notice(query.done), searchForm(organization, site, question), ...parts];
    const { after } = query;
    // A question may ask the service, which is not to be asked again and again.
    const reload = question === "" && {
      seconds: query.refresh,
      link: (refresh: string | undefined) => consoleLink(site, organization, { after, refresh }),
    };
    const frame = {
      site,
      title: "Console",
      owner: tenant.credentials,
      atMs: nowMs,
      reload: reload || undefined,
      parts: names,
    };
    show(response, 200, page({ ...frame, body }));
  });

  router.get(`${BASE}/outcomes`, async (request, response) => {
    const tenant = await authenticate(request);
    const { credentials: owner, key } = tenant;
    const { after, ...asked } = readInput(recordsQuery, request.query, WORDS);
    const { lines, next } = await recordsOf(key, asked, after);
    const records = await showRecords(store, tenant, service, lines);
    const { organization } = owner;
    const isFirst = after === undefined;
    const body = recordsBody({ site, organization, meaning: service, asked, records, next, isFirst });
    show(response, 200, page({ site, title: "Records", owner, atMs: now(), body }));
  });

  router.use(logoutRoutes(site));
  router.use(deadLetterPages({ ...options, forms, site, types: service.types.map(({ name }) => name) }));
  router.use(runPages({ ...options, forms, site }));

  router.all([BASE, `${BASE}/outcomes`, `${BASE}/page.css`], otherMethods("GET, HEAD"));
  router.use(
    errorAnswers(logger, (response, error) => {
      const mistyped = mistypedIn(error, response.req.query["org"]);
      show(response, error.status, mistyped === undefined ? errorPage(error, site) : welcomePage(site, mistyped));
    }),
  );
  return router;

  /** A full page, or all there are: one look may end early. */
  async function recordsOf(tenant: string, asked: Partial<HistoryQuery>, after: string | undefined) {
    const lines: HistoryLine[] = [];
    let next = after;
    for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
      const page = await store.history({ ...asked, tenant, after: next, limit: RECORDS_A_PAGE - lines.length });
      lines.push(...page.lines);
      next = page.next;
      if (next === undefined || lines.length >= RECORDS_A_PAGE) break;
    }
    return { lines, next };
  }

  function part(response: Response, anchor: string, title: string, work: () => Promise<Html>): Promise<Html> {
    const onError = (error: unknown): void =>
      logger.error({ context: { part: anchor, ...requestContext(response) }, err: error }, "connector.console.error");
    return section({ anchor, title, limitMs: options.partWithinMs, onError }, work);
  }

  async function explanation(tenant: Tenant<S>, question: string): Promise<Html> {
    return explanationBody(await askAbout(options.explain, tenant, question), question, service);
  }

  async function backlog(tenant: Tenant<S>, nowMs: number): Promise<Html> {
    const { remote, key } = tenant;
    const laneHealth = remote === undefined ? undefined : await store.laneHealth({ remote, tenant: key }, []);
    return backlogBody({ laneHealth, budget: await options.budget(tenant), serviceTitle, nowMs });
  }

  async function runList(tenant: Tenant<S>, nowMs: number): Promise<Html> {
    const context = { site, owner: tenant.credentials, forms };
    const list = await store.runs({ tenant: tenant.key, limit: SHOWN_RUNS });
    return html`${runsBody(list, nowMs, context)}
      <p class="pages"><a href="${runsLink(site, tenant.credentials.organization)}">All runs</a></p>
      ${fetchForms(fetchableOf(service, tenant), context)}`;
  }

  async function deadLetterList({ key, credentials: owner }: Tenant<S>, after: string | undefined): Promise<Html> {
    const context = { site, owner, forms };
    const { organization } = owner;
    const [list, counted] = await Promise.all([
      deadLetters.list({ tenant: key, after, limit: DEAD_LETTERS_A_PAGE }),
      deadLetters.counts({ tenant: key }),
    ]);
    const parts = {
      isFirst: after === undefined,
      link: (place: string | undefined) => consoleLink(site, organization, { after: place }, "letters"),
      nothing: "Nothing was refused for good, or all of it was mended.",
    };
    return html`${reasonsBody(counted, {}, context)} ${deadLettersBody(list, parts, context)}
    ${
      counted.reasons.length > 0 &&
      html`<p class="pages">
        <a href="${deadLettersLink(site, organization)}">All dead letters, to search and choose</a>
      </p>`
    }`;
  }
}
