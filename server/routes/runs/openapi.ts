/** `/api/internal/runs` described. */
import { reportAnswer, runAnswer, runDetailAnswer, runPage } from "./answer";
import { pageOfLines, runListQuery } from "./route";
import { BY_LOGIN, ORGANIZATION } from "../../openapi/common";
import { answer, inPath, inQuery, type Part } from "../../openapi/part";
import { LOGIN_REFUSALS, refusal, refusals } from "../../openapi/refusals";

const NO_RUN = refusal(404, "The connector has no such run, or it belongs to another connector", "run_not_found");

const NOT_STOPPED = refusal(
  409,
  "The run has ended, or everything of it is being delivered already",
  "nothing_to_stop",
);

const RUN = {
  id: "01J9ZK3Q7N",
  kind: "fetch",
  type: "{{type}}",
  state: "running",
  options: { simulate: false, verbose: true, stop_on_error: false },
  counts: { "{{type}}": { sent: { told: 2 }, unchanged: { known: 1 } } },
  done: 3,
  total: 4,
  total_is_final: false,
  progress: 0.75,
  created_at: "2026-03-01T12:00:00.000Z",
  started_at: "2026-03-01T12:00:00.000Z",
  ended_at: null,
  error: null,
};

const LINE = {
  at: 17,
  type: "{{type}}",
  hull_id: "bee000000000000000000001",
  remote_id: "{{remote id}}",
  outcome: "sent",
  code: "told",
  text: "Hull was told.",
};

export const runPart: Part = {
  tag: { name: "Runs", description: "What became of fetches, batches and large backlogs." },
  schemas: { Run: runAnswer, RunPage: runPage, RunDetail: runDetailAnswer, Report: reportAnswer },
  paths: {
    "/api/internal/runs": {
      get: {
        operationId: "listRuns",
        summary: "The connector's runs, newest first",
        security: BY_LOGIN,
        parameters: [...ORGANIZATION, ...inQuery(runListQuery)],
        responses: {
          200: answer("A page of runs.", "RunPage", { runs: [RUN], next: null }),
          ...refusals("BadQuery", ...LOGIN_REFUSALS, NO_RUN, "OtherMethod"),
        },
      },
    },
    "/api/internal/runs/{id}/stop": {
      post: {
        operationId: "stopRun",
        summary: "Asks a run to end at its next durable point",
        description:
          "What was read or taken in by then stays and is delivered. The answer shows the run as it is now; it is `stopped` once it has ended.",
        security: BY_LOGIN,
        parameters: [inPath("id", "The id of the run."), ...ORGANIZATION],
        responses: {
          200: answer("The run.", "Run", { ...RUN, stop_requested_at: "2026-03-01T12:01:00.000Z" }),
          ...refusals("BadPath", ...LOGIN_REFUSALS, "OtherSite", NO_RUN, NOT_STOPPED, "OtherMethod"),
        },
      },
    },
    "/api/internal/runs/{id}": {
      get: {
        operationId: "getRun",
        summary: "One run, with a page of its report if asked for",
        security: BY_LOGIN,
        parameters: [inPath("id", "The id of the run."), ...ORGANIZATION, ...inQuery(pageOfLines)],
        responses: {
          200: answer("The run.", "RunDetail", { ...RUN, report: { lines: [LINE], next: null } }),
          ...refusals("BadQuery", "BadPath", ...LOGIN_REFUSALS, NO_RUN, "OtherMethod"),
        },
      },
    },
  },
};
