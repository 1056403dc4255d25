/**
 * `/api/internal/runs`: what became of fetches and batches, for people and tools. A connector sees its own runs only;
 * those of others do not exist for it. No page of another site may read it unless CORS_ORIGINS names its origin.
 */
import { Router, type Request } from "express";
import { z } from "zod";
import { unstoppable, type Runs } from "../../../src/engine/runs/orders";
import type { RunRow } from "../../../src/storage/port/rows";
import type { Store } from "../../../src/storage/port/store";
import { refuse } from "../../http-error";
import type { Authenticate } from "../../middleware/authentication";
import { otherMethods } from "../../middleware/errors";
import { countParameter, idParameter, isId, parameter } from "../../../src/input";
import { readInput } from "../../middleware/input";
import { showLine, showRun } from "./answer";
import { pageOfRuns, RUN_KINDS, RUN_STATES } from "./list";

export interface RunRouteOptions<S> {
  readonly store: Pick<Store, "run" | "runs" | "reportLines">;
  readonly runs: Pick<Runs<S>, "stop">;
  readonly authenticate: Authenticate<S>;
}

const MAX_RUNS = 100;
const USUAL_RUNS = 20;
const MAX_LINES = 1_000;
const USUAL_LINES = 100;

const WORDS = {
  code: "invalid_query",
  problem: "The query cannot be read",
  remedies: {
    limit: `Say how many runs you want, ${MAX_RUNS} at most, or leave it out.`,
    before: "Send next of the previous page, or leave it out to begin with the newest run.",
    kind: "Name one of these kinds, or leave it out for all.",
    state: "Name one of these states, or leave it out for all.",
    lines: `Say how many lines of the report you want, ${MAX_LINES} at most, or leave it out.`,
    after: "Send next of the previous page, or leave it out to begin with the first line.",
  },
};

/** Which runs a list shows. */
export const runChoice = {
  kind: parameter
    .pipe(z.enum(RUN_KINDS, { error: `must be one of ${RUN_KINDS.join(", ")}` }))
    .optional()
    .meta({ description: "Only runs of this kind." }),
  state: parameter
    .pipe(z.enum(RUN_STATES, { error: `must be one of ${RUN_STATES.join(", ")}` }))
    .optional()
    .meta({ description: "Only runs in this state." }),
  before: idParameter.optional().meta({ description: "`next` of the previous page." }),
};

export const runListQuery = z.object({
  limit: countParameter(1, MAX_RUNS)
    .default(USUAL_RUNS)
    .meta({ description: `Runs per page, ${USUAL_RUNS} by default.` }),
  ...runChoice,
});

export const pageOfLines = z.object({
  lines: countParameter(1, MAX_LINES)
    .optional()
    .meta({ description: `Lines of a verbose run's report, ${USUAL_LINES} if only \`after\` is given.` }),
  after: countParameter(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .meta({ description: "`next` of the report's previous page." }),
});

/**
 * `GET /api/internal/runs?org=…&kind=…&state=…&limit=…&before=…`: `{runs, next}`, newest first; `next` is the `before` of
 * the next page, null where nothing may follow.
 *
 * `GET /api/internal/runs/:id?org=…&lines=…&after=…`: one run; with `lines` or `after` also `report: {lines, next}`, a
 * page of what a verbose run says about each record. Of a dry run of a service that says itself what it would do,
 * `report.service` is what it said.
 *
 * `POST /api/internal/runs/:id/stop?org=…`: asks the run to end at its next durable point, and answers with it; 409 where
 * there is nothing to stop.
 */
export function runRoutes<S>({ store, runs, authenticate }: RunRouteOptions<S>): Router {
  const router = Router();

  router.get("/api/internal/runs", async (request, response) => {
    const { key: tenant } = await authenticate(request);
    const query = readInput(runListQuery, request.query, WORDS);
    if (query.before !== undefined) await ownRun(store, query.before, tenant);
    const page = await pageOfRuns(store, { ...query, tenant });
    response.set("cache-control", "no-store").json({ runs: page.runs.map(showRun), next: page.next ?? null });
  });

  router.get("/api/internal/runs/:id", async (request: Request<{ id: string }>, response) => {
    const { key: tenant } = await authenticate(request);
    const { lines, after } = readInput(pageOfLines, request.query, WORDS);
    const run = await ownRun(store, request.params.id, tenant);
    const page = lines === undefined && after === undefined ? undefined : await reportOf(run, after, lines);
    const report = page === undefined && run.reports === undefined ? undefined : { ...page, service: run.reports };
    response.set("cache-control", "no-store").json({ ...showRun(run), report });
  });

  router.post("/api/internal/runs/:id/stop", async (request: Request<{ id: string }>, response) => {
    const { key: tenant } = await authenticate(request);
    const run = await stopRun(runs, await ownRun(store, request.params.id, tenant));
    response.set("cache-control", "no-store").json(showRun(run));
  });

  router.all(["/api/internal/runs", "/api/internal/runs/:id"], otherMethods("GET, HEAD"));
  router.all("/api/internal/runs/:id/stop", otherMethods("POST"));
  return router;

  async function reportOf({ id }: RunRow, after = 0, limit = USUAL_LINES) {
    const lines = await store.reportLines(id, after, limit);
    return { lines: lines.map(showLine), next: lines.length < limit ? null : (lines.at(-1)?.at ?? null) };
  }
}

/** @throws HttpError 404, the same for an unknown run and for somebody else's */
export async function ownRun(store: Pick<Store, "run">, id: string, tenant: string): Promise<RunRow> {
  const run = isId(id) ? await store.run(id) : undefined;
  if (run?.tenant === tenant) return run;
  throw refuse(404, "run_not_found", "This connector has no such run; runs are kept for some weeks only.");
}

/** @returns the run with the wish @throws HttpError 409 where there is nothing to stop */
export async function stopRun<S>(runs: Pick<Runs<S>, "stop">, run: RunRow): Promise<RunRow> {
  const why = unstoppable(run);
  const asked = why === undefined ? await runs.stop(run.id) : undefined;
  if (asked !== undefined) return asked;
  throw refuse(409, "nothing_to_stop", why ?? "The run has ended meanwhile.");
}
