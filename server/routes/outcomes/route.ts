/**
 * `/api/internal/outcomes`: how messages ended, the newest first: page by page, of one reason, of one run, of one day; for
 * people as JSON with names and links, for other programs as NDJSON without names.
 */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { Router } from "express";
import { z } from "zod";
import { countParameter, idParameter, parameter } from "../../../src/input";
import { HISTORY_PLACE } from "../../../src/storage/port/figures";
import type { Store } from "../../../src/storage/port/store";
import type { Authenticate } from "../../middleware/authentication";
import { otherMethods } from "../../middleware/errors";
import { readInput } from "../../middleware/input";
import { showLine, showRecords, type SaidBy } from "./answer";

export interface OutcomeRouteOptions<S> {
  readonly store: Pick<Store, "history" | "view">;
  readonly service: SaidBy<S>;
  readonly authenticate: Authenticate<S>;
}

const PATH = "/api/internal/outcomes";
const NDJSON = "application/x-ndjson";
const DAY_MS = 86_400_000;
const MAX_LINES = 5_000;
const USUAL_LINES = 200;
const FORMATS = ["json", "ndjson"] as const;

export const OUTCOME_WORDS = {
  code: "invalid_query",
  problem: "The query cannot be read",
  remedies: {
    type: "Name an object type, or leave it out.",
    outcome: "Name sent, unchanged, skipped, rejected, superseded or dead, or leave it out.",
    code: "Name a reason code such as refused, or leave it out.",
    run: "Send the id of a run, or leave it out.",
    day: "Write a day such as 2026-03-01, or leave it out; days are those of UTC.",
    limit: `Say how many lines you want, ${MAX_LINES} at most, or leave it out.`,
    after: "Send next of the previous answer, or leave it out to begin with the newest line.",
    format: "Write json or ndjson, or leave it out.",
  },
};

/** The beginning of a day, milliseconds since 1970; undefined: there is no such day. */
function startOfDay(text: string): number | undefined {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  return Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(text) ? undefined : ms;
}

export const chosenOutcomes = z.object({
  type: idParameter.optional().meta({ description: "Only those of this object type." }),
  outcome: z
    .enum(["sent", "unchanged", "skipped", "rejected", "superseded", "dead"], { error: "is no outcome" })
    .optional()
    .meta({ description: "Only those that ended so." }),
  code: idParameter.optional().meta({ description: "Only those with this reason code." }),
  run: idParameter.optional().meta({ description: "Only those of this run." }),
  day: parameter
    .refine((text) => startOfDay(text) !== undefined, "is not a day")
    .optional()
    .meta({ description: "Only those of this day, in UTC: `2026-03-01`." }),
  after: parameter
    .regex(HISTORY_PLACE, "is not next of an answer")
    .optional()
    .meta({ description: "`next` of the previous answer." }),
});

export const pageOfOutcomes = chosenOutcomes.extend({
  limit: countParameter(1, MAX_LINES)
    .default(USUAL_LINES)
    .meta({ description: `Lines per page, ${USUAL_LINES} by default.` }),
  format: z
    .enum(FORMATS, { error: "is neither json nor ndjson" })
    .optional()
    .meta({ description: `ndjson: a line of JSON for each, without names. \`Accept: ${NDJSON}\` asks for the same.` }),
});

const zipped = promisify(gzip);

export function outcomeRoutes<S>({ store, service, authenticate }: OutcomeRouteOptions<S>): Router {
  const router = Router();

  router.get(PATH, async (request, response) => {
    const tenant = await authenticate(request);
    const { day, format, ...asked } = readInput(pageOfOutcomes, request.query, OUTCOME_WORDS);
    const fromMs = day === undefined ? undefined : startOfDay(day);
    const untilMs = fromMs === undefined ? undefined : fromMs + DAY_MS;
    const { lines, next } = await store.history({ ...asked, tenant: tenant.key, fromMs, untilMs });
    response.set("cache-control", "no-store").vary("accept").vary("accept-encoding");
    const wanted = format ?? (request.accepts(["json", NDJSON]) === NDJSON ? "ndjson" : "json");
    if (wanted === "json") {
      response.json({ outcomes: await showRecords(store, tenant, service, lines), next: next ?? null });
      return;
    }
    if (next !== undefined) {
      const address = new URL(request.originalUrl, "http://localhost");
      address.searchParams.set("after", next);
      response.links({ next: `${address.pathname}${address.search}` });
    }
    const text = lines.map((line) => `${JSON.stringify(showLine(line, service))}\n`).join("");
    response.type(NDJSON);
    if (request.acceptsEncodings("gzip", "identity") !== "gzip") response.send(text);
    else response.set("content-encoding", "gzip").send(await zipped(text));
  });

  router.all(PATH, otherMethods("GET, HEAD"));
  return router;
}
