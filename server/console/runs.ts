/** `/console/runs` and `/console/fetch`: the runs of a connector, a page for each, and what begins and ends them. */
import { Router, type Request } from "express";
import { z } from "zod";
import type { FetchAnswer, Runs } from "../../src/engine/runs/orders";
import type { Tenant } from "../../src/engine/tenants";
import type { Service } from "../../src/services/service";
import { entityOf, typeOf } from "../../src/services/types";
import type { Store } from "../../src/storage/port/store";
import { countParameter } from "../../src/input";
import { filledIn, type Forms } from "./form";
import { html, type Html } from "./html";
import { BASE, consoleLink, runLink, runsLink, type Query, type Site } from "./links";
import { doneParameter, HEADERS, notice, page, refreshParameter, show, type Notice } from "./page";
import { LINES_A_PAGE, runBody, stopAction } from "./sections/run";
import { fetchAction, fetchForms, RUNS_A_PAGE, runFilter, runsBody, type Fetchable } from "./sections/runs";
import { refuse } from "../http-error";
import type { Authenticate } from "../middleware/authentication";
import { otherMethods } from "../middleware/errors";
import { readInput } from "../middleware/input";
import { pageOfRuns } from "../routes/runs/list";
import { ownRun, runChoice, stopRun } from "../routes/runs/route";

export interface RunPageOptions<S> {
  readonly store: Pick<Store, "run" | "runs" | "reportLines">;
  readonly runs: Pick<Runs<S>, "fetch" | "stop">;
  readonly service: Pick<Service<S>, "types" | "outcomes" | "fetchPolicy" | "face">;
  readonly forms: Forms<S>;
  readonly authenticate: Authenticate<S>;
  readonly site: Site;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export const runsQuery = z.object({ ...runChoice, refresh: refreshParameter });

export const runPageQuery = z.object({
  after: countParameter(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .meta({ description: "Where the page of the report begins." }),
  done: doneParameter,
  refresh: refreshParameter,
});

const WORDS = {
  code: "invalid_query",
  problem: "The address cannot be read",
  remedies: {
    kind: "Choose one from the list, or leave it out.",
    state: "Choose one from the list, or leave it out.",
    before: "Follow the links of the page, or leave it out to begin with the newest run.",
    after: "Follow the links of the page, or leave it out to begin with the first line.",
    done: "Leave it out.",
    refresh: "Say after how many seconds the page is to reload, or leave it out.",
  },
};

/** By the last part of the address, as in `/fetch/users`. */
const ENTITIES = { users: "user", accounts: "account" } as const;

type RunRequest = Request<{ id: string }>;

/** Records that the settings let a person fetch. */
export function fetchableOf<S>(service: RunPageOptions<S>["service"], { settings }: Tenant<S>): readonly Fetchable[] {
  if (settings === undefined) return [];
  const fetched = service.fetchPolicy(settings).types;
  return (["accounts", "users"] as const).flatMap((what) => {
    const type = fetched.find((each) => entityOf(service, each.type) === ENTITIES[what])?.type;
    return type === undefined || typeOf(service, ENTITIES[what]) === undefined ? [] : [{ what, type }];
  });
}

export function runPages<S>(options: RunPageOptions<S>): Router {
  const { store, runs, service, forms, authenticate, site, now } = options;
  const router = Router();
  const base = `${BASE}/runs`;

  router.get(base, async (request, response) => {
    const tenant = await authenticate(request);
    const { key, credentials: owner } = tenant;
    const { before, refresh, ...chosen } = readInput(runsQuery, filledIn(request.query), WORDS);
    if (before !== undefined) await ownRun(store, before, key);
    const nowMs = now();
    const list = await pageOfRuns(store, { ...chosen, before, tenant: key, limit: RUNS_A_PAGE });
    const link = (query: Query): string => runsLink(site, owner.organization, { ...chosen, ...query });
    const isChosen = chosen.kind !== undefined || chosen.state !== undefined;
    const context = { site, owner, forms };
    const nothing =
      list.next !== undefined ? "None so far; the next page looks on." : isChosen ? "There is no such run." : undefined;
    const body = html`<p><a href="${consoleLink(site, owner.organization)}">Console</a></p>
      <h1>Runs</h1>
      ${runFilter(chosen, context)}
      <section aria-labelledby="list">
        <h2 id="list">Newest first</h2>
        ${runsBody(list.runs, nowMs, context, nothing)} ${paging(link, before, list.next)}
      </section>
      ${fetching(fetchForms(fetchableOf(service, tenant), context))}`;
    const reload = { seconds: refresh, link: (seconds: string | undefined) => link({ before, refresh: seconds }) };
    show(response, 200, page({ site, title: "Runs", owner, atMs: nowMs, reload, body }));
  });

  router.get(`${base}/:id`, async (request: RunRequest, response) => {
    const { key, credentials: owner } = await authenticate(request);
    const { after = 0, done, refresh } = readInput(runPageQuery, request.query, WORDS);
    const run = await ownRun(store, request.params.id, key);
    const nowMs = now();
    const lines = run.options.verbose === true ? await store.reportLines(run.id, after, LINES_A_PAGE) : [];
    const parts = { run, lines, isFirst: after === 0, nowMs, meaning: service };
    const body = [notice(done), runBody(parts, { site, owner, forms })];
    const place = after === 0 ? undefined : String(after);
    const reload = {
      seconds: refresh,
      link: (seconds: string | undefined) =>
        runLink(site, owner.organization, run.id, { after: place, refresh: seconds }),
    };
    show(response, 200, page({ site, title: "Run", owner, atMs: nowMs, reload, body }));
  });

  router.post(`${base}/:id/stop`, async (request: RunRequest, response) => {
    const { id } = request.params;
    const { key, credentials } = await forms.open(request, response, stopAction(id));
    await stopRun(runs, await ownRun(store, id, key));
    const done: Notice = "stopping";
    response.set(HEADERS).redirect(303, runLink(site, credentials.organization, id, { done }));
  });

  for (const what of ["users", "accounts"] as const) {
    for (const isDry of [false, true]) {
      const path = `${BASE}/fetch/${what}${isDry ? "/dry-run" : ""}`;
      router.post(path, async (request, response) => {
        const tenant = await forms.open(request, response, fetchAction(what, isDry));
        const chosen = isDry ? ({ simulate: true, verbose: true } as const) : {};
        const { run, done } = begun(await fetch(tenant, what, chosen), isDry);
        response.set(HEADERS).redirect(303, runLink(site, tenant.credentials.organization, run, { done }));
      });
      router.all(path, otherMethods("POST"));
    }
  }

  router.all([base, `${base}/:id`], otherMethods("GET, HEAD"));
  router.all(`${base}/:id/stop`, otherMethods("POST"));
  return router;

  function fetch(tenant: Tenant<S>, what: Fetchable["what"], chosen: Parameters<Runs<S>["fetch"]>[2]) {
    if (typeOf(service, ENTITIES[what]) !== undefined) return runs.fetch(tenant, ENTITIES[what], chosen, true);
    return { kind: "halted", reason: `${site.title} has no records of Hull's ${what}.` } as const;
  }
}

/** @throws HttpError 409 with the reason when none began */
function begun(answer: FetchAnswer, isDry: boolean): { readonly run: string; readonly done: Notice } {
  switch (answer.kind) {
    case "begun":
      return { run: answer.run.id, done: isDry ? "dryFetching" : "fetching" };
    case "underway":
      return { run: answer.run.id, done: "fetchUnderway" };
    case "halted":
      throw refuse(409, "fetch_halted", answer.reason);
    case "early":
      throw refuse(409, "fetch_early", "It is not time for the next fetch yet.");
  }
}

function paging(
  link: (query: Query) => string,
  before: string | undefined,
  next: string | undefined,
): Html | undefined {
  if (before === undefined && next === undefined) return undefined;
  return html`<p class="pages">
    ${before !== undefined && html`<a href="${link({})}">First page</a>`}
    ${next !== undefined && html`<a rel="next" href="${link({ before: next })}">Next page</a>`}
  </p>`;
}

function fetching(forms: ReturnType<typeof fetchForms>): Html | undefined {
  if (forms === undefined) return undefined;
  return html`<section aria-labelledby="fetch">
    <h2 id="fetch">Fetch now</h2>
    ${forms}
  </section>`;
}
