/**
 * `/console`: the health of a connector as a page: status, backlog, outcomes, runs, dead letters, and why somebody is
 * not in the service. It is rendered here, without scripts; the log-in is that of the internal API. Every change is a
 * form with its own token, which leads back to the page with a code that says what was done.
 */
import { Router, type Request, type Response } from "express";
import pick from "lodash/pick";
import type { Logger } from "pino";
import { z } from "zod";
import type { Explain } from "../../src/engine/explain/explain";
import type { HealthOf } from "../../src/engine/status/health";
import type { Tenant } from "../../src/engine/tenants";
import { isDeadLetterPlace } from "../../src/storage/port/dead-letters";
import type { Face } from "../../src/services/face";
import type { HistoryLine, HistoryQuery, Store } from "../../src/storage/port/store";
import { backlogBody, type BudgetLeft } from "./sections/backlog";
import { chartBody, chartFrom } from "./sections/chart";
import { askAbout, explanationBody, MAX_QUESTION, searchForm } from "./sections/explain";
import { formReader } from "./form";
import { createFormTokens } from "./form-token";
import { errorPage, mistypedIn, welcomePage } from "./sections/front";
import { actionPath, deadLetterBody, DEAD_LETTERS_A_PAGE, deadLettersBody, type Action } from "./sections/dead-letters";
import { BASE, consoleLink, outcomesLink, type Site } from "./links";
import { HEADERS, notice, NOTICES, page, show, type Notice } from "./page";
import { runsBody, SHOWN_RUNS } from "./sections/runs";
import { section } from "./section";
import { recordsBody, RECORDS_A_PAGE } from "./sections/records";
import { statusBody } from "./sections/status";
import { styleRoutes } from "./style";
import { html, type Html } from "./html";
import { refuse } from "../http-error";
import type { DeadLetters } from "../admin/dead-letters";
import { organizationQuery } from "../middleware/organization";
import type { Authenticate } from "../middleware/authentication";
import { errorAnswers, otherMethods } from "../middleware/errors";
import { parameter } from "../../src/input";
import { readInput } from "../middleware/input";
import { idOf, unknownDeadLetter } from "../routes/dead-letters/route";
import { showRecords, type SaidBy } from "../routes/outcomes/answer";
import { chosenOutcomes, OUTCOME_WORDS } from "../routes/outcomes/route";

export interface ConsoleRouteOptions<S> {
  readonly store: Pick<Store, "laneHealth" | "hours" | "runs" | "history" | "view">;
  readonly service: SaidBy<S>;
  readonly health: HealthOf<S>;
  readonly explain: Pick<Explain<S>, "entity">;
  readonly deadLetters: Pick<DeadLetters, "list" | "show" | "replay" | "drop">;
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
  done: z
    .enum(NOTICES, { error: "is not a code of this page" })
    .optional()
    .meta({ description: "What the page says was just done." }),
});

/** Parameters of the page of records. */
export const recordsQuery = chosenOutcomes.omit({ day: true });

/** Without an organization the page asks for one. */
export const consoleAddress = z.object({ org: organizationQuery.shape.org.optional() }).extend(consoleQuery.shape);

export const deadLetterForm = z.object({
  token: z.string().meta({ description: "From the form; valid for one dead letter, one action and some hours." }),
});

const PARTS = [
  ["status", "Status"],
  ["backlog", "Backlog"],
  ["outcomes", "Outcomes"],
  ["runs", "Runs"],
  ["letters", "Dead letters"],
] as const;

type DeadLetterRequest = Request<{ id: string }>;

export function consoleRoutes<S>(options: ConsoleRouteOptions<S>): Router {
  const { store, service, deadLetters, authenticate, now, logger } = options;
  const { title: serviceTitle, remedies } = options.face;
  const site = { mount: options.mount, title: serviceTitle };
  const router = Router();
  const tokens = createFormTokens(options.formKey, now);
  const readForm = formReader();

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
    const answer = question === "" ? [] : [part("explain", "The answer", () => explanation(tenant, question))];
    const parts = await Promise.all([
      ...answer,
      part("status", "Status", async () => statusBody(await options.health(tenant))),
      part("backlog", "Backlog", () => backlog(tenant, nowMs)),
      part("outcomes", "Outcomes of the last day", async () =>
        chartBody(await store.hours(tenant.key, chartFrom(nowMs)), nowMs, {
          meaning: service,
          linkOf: (reason) => outcomesLink(site, organization, reason),
        }),
      ),
      part("runs", "Last runs", async () =>
        runsBody(await store.runs({ tenant: tenant.key, limit: SHOWN_RUNS }), nowMs),
      ),
      part("letters", "Dead letters", () => deadLetterList(tenant, query.after)),
    ]);
    const names = question === "" ? PARTS : ([["explain", "The answer"], ...PARTS] as const);
    const heading = html`<h1 class="hidden">Console of ${organization}</h1>`;
    const body = [heading, notice(query.done), searchForm(organization, site, question), ...parts];
    show(response, 200, page({ site, title: "Console", owner: tenant.credentials, atMs: nowMs, parts: names, body }));
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

  router.get(`${BASE}/letters/:id`, async (request: DeadLetterRequest, response) => {
    const { credentials: owner, key } = await authenticate(request);
    const deadLetter = await deadLetters.show(idOf(request), key);
    if (deadLetter === undefined) throw unknownDeadLetter();
    show(
      response,
      200,
      page({
        site,
        title: "Dead letter",
        owner,
        body: deadLetterBody(deadLetter, { site, owner, tokens }, remedies),
      }),
    );
  });

  router.post(`${BASE}/letters/:id/replay`, async (request: DeadLetterRequest, response) => {
    const { key, credentials } = await formOf(request, response, "replay");
    const { queued, underway, superseded } = await deadLetters.replay(idOf(request), key);
    if (queued + underway + superseded === 0) throw unknownDeadLetter();
    const done: Notice = queued > 0 ? "replayed" : superseded > 0 ? "superseded" : "underway";
    goBack(response, site, credentials.organization, done);
  });

  router.post(`${BASE}/letters/:id/drop`, async (request: DeadLetterRequest, response) => {
    const { key, credentials } = await formOf(request, response, "drop");
    if ((await deadLetters.drop(idOf(request), key)) === undefined) throw unknownDeadLetter();
    goBack(response, site, credentials.organization, "dropped");
  });

  router.all([BASE, `${BASE}/outcomes`, `${BASE}/page.css`, `${BASE}/letters/:id`], otherMethods("GET, HEAD"));
  router.all([`${BASE}/letters/:id/replay`, `${BASE}/letters/:id/drop`], otherMethods("POST"));
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

  function part(anchor: string, title: string, work: () => Promise<Html>): Promise<Html> {
    const onError = (error: unknown): void =>
      logger.error({ context: { part: anchor }, err: error }, "connector.console.error");
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

  async function deadLetterList({ key, credentials: owner }: Tenant<S>, after: string | undefined): Promise<Html> {
    const list = await deadLetters.list({ tenant: key, after, limit: DEAD_LETTERS_A_PAGE });
    return deadLettersBody(list, after === undefined, { site, owner, tokens });
  }

  /** Checks a posted form. @throws HttpError when it is not our form, or not this person's; nothing was done then */
  async function formOf(request: DeadLetterRequest, response: Response, action: Action): Promise<Tenant<S>> {
    const tenant = await authenticate(request);
    const form = deadLetterForm.safeParse(await readForm(request, response));
    const fits =
      form.success && tokens.fits(tenant.credentials, actionPath(action, request.params.id), form.data.token);
    if (fits) return tenant;
    throw refuse(403, "foreign_form", "Nothing was done: the form is too old or was not made here. Reload the page.");
  }
}

function goBack(response: Response, site: Site, organization: string, done: Notice): void {
  response.set(HEADERS).redirect(303, consoleLink(site, organization, { done }, "letters"));
}
