/**
 * `/api/internal/dead-letters`: what Planhat refused for good can be read, replayed and dropped, as with the
 * command-line tool. A connector sees and changes only its own; those of others do not exist for it.
 */
import { Router, type Request } from "express";
import sumBy from "lodash/sumBy";
import { z } from "zod";
import { isDeadLetterPlace } from "../../../src/storage/port/dead-letters";
import { refuse, type HttpError } from "../../http-error";
import type { DeadLetters } from "../../admin/dead-letters";
import type { Authenticate } from "../../middleware/authentication";
import { otherMethods } from "../../middleware/errors";
import { countParameter, idParameter, isId, parameter, readInput } from "../../middleware/input";
import { showDeadLetter, showDeadLetterDetail } from "./answer";

export interface DeadLetterRouteOptions<S> {
  readonly deadLetters: DeadLetters;
  readonly authenticate: Authenticate<S>;
}

const MAX_LETTERS = 200;
const USUAL_LETTERS = 50;
/** Pages of 200 dead letters that one call replays: it should be answered within a reasonable time. */
const REPLAY_PAGES = 10;
const MAX_PLACE_LENGTH = 4_000;

const WORDS = {
  code: "invalid_query",
  problem: "The query cannot be read",
  remedies: {
    type: "Name an object type such as endusers or companies, or leave it out.",
    code: "Name a reason code such as refused, or leave it out.",
    limit: `Say how many dead letters you want, ${MAX_LETTERS} at most, or leave it out.`,
    after: "Send next of the previous answer, or leave it out to begin with the first dead letter.",
  },
};

const choice = {
  type: idParameter.optional().meta({ description: "Only dead letters of this object type." }),
  code: idParameter.optional().meta({ description: "Only dead letters with this reason code." }),
  after: parameter
    .max(MAX_PLACE_LENGTH, "is not next of an answer")
    .refine(isDeadLetterPlace, "is not next of an answer")
    .optional()
    .meta({ description: "`next` of the previous answer." }),
};

export const chosenDeadLetters = z.object(choice);

export const pageOfDeadLetters = z.object({
  ...choice,
  limit: countParameter(1, MAX_LETTERS)
    .default(USUAL_LETTERS)
    .meta({ description: `Dead letters per page, ${USUAL_LETTERS} by default.` }),
});

const BASE = "/api/internal/dead-letters";

export function deadLetterRoutes<S>({ deadLetters, authenticate }: DeadLetterRouteOptions<S>): Router {
  const router = Router();

  router.get(BASE, async (request, response) => {
    const { key: tenant } = await authenticate(request);
    const query = readInput(pageOfDeadLetters, request.query, WORDS);
    const page = await deadLetters.list({ ...query, tenant });
    response.set("cache-control", "no-store");
    response.json({ dead_letters: page.deadLetters.map(showDeadLetter), next: page.next ?? null });
  });

  router.post(`${BASE}/replay`, async (request, response) => {
    const { key: tenant } = await authenticate(request);
    const chosen = readInput(chosenDeadLetters, request.query, WORDS);
    const pages = [await deadLetters.replayPage({ ...chosen, tenant })];
    let after = pages[0]?.next;
    for (; after !== undefined && pages.length < REPLAY_PAGES; after = pages.at(-1)?.next) {
      pages.push(await deadLetters.replayPage({ ...chosen, tenant, after }));
    }
    const [queued, underway, superseded] = (["queued", "underway", "superseded"] as const).map((name) =>
      sumBy(pages, name),
    );
    response.set("cache-control", "no-store").json({ queued, underway, superseded, next: after ?? null });
  });

  router.post(`${BASE}/:id/replay`, async (request: Request<{ id: string }>, response) => {
    const { key: tenant } = await authenticate(request);
    const counts = await deadLetters.replay(idOf(request), tenant);
    if (counts.queued + counts.underway + counts.superseded === 0) throw unknownDeadLetter();
    response.set("cache-control", "no-store").json(counts);
  });

  router.all([`${BASE}/replay`, `${BASE}/:id/replay`], otherMethods("POST"));

  router.get(`${BASE}/:id`, async (request: Request<{ id: string }>, response) => {
    const { key: tenant } = await authenticate(request);
    const deadLetter = await deadLetters.show(idOf(request), tenant);
    if (deadLetter === undefined) throw unknownDeadLetter();
    response.set("cache-control", "no-store").json(showDeadLetterDetail(deadLetter));
  });

  router.delete(`${BASE}/:id`, async (request: Request<{ id: string }>, response) => {
    const { key: tenant } = await authenticate(request);
    const deadLetter = await deadLetters.drop(idOf(request), tenant);
    if (deadLetter === undefined) throw unknownDeadLetter();
    response.set("cache-control", "no-store").json(showDeadLetter(deadLetter));
  });

  router.all(BASE, otherMethods("GET, HEAD"));
  router.all(`${BASE}/:id`, otherMethods("GET, HEAD, DELETE"));
  return router;
}

/** @throws HttpError 404 for what cannot be an id */
export function idOf({ params: { id } }: Request<{ id: string }>): string {
  if (isId(id)) return id;
  throw unknownDeadLetter();
}

/** The same for an unknown dead letter and for another connector's. */
export function unknownDeadLetter(): HttpError {
  return refuse(404, "dead_letter_not_found", "This connector has no such dead letter; it may have been closed.");
}
