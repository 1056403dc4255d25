/**
 * `/api/internal/dead-letters`: what the service refused for good can be read, replayed and dropped, as with the
 * command-line tool. A connector sees and changes only its own; those of others do not exist for it.
 */
import { Router, type Request } from "express";
import sumBy from "lodash/sumBy";
import { z } from "zod";
import { isDeadLetterPlace } from "../../../src/storage/port/dead-letters";
import { refuse, type HttpError } from "../../http-error";
import type { DeadLetter, DeadLetterDetail, DeadLetters } from "../../admin/dead-letters";
import type { Authenticate } from "../../middleware/authentication";
import { otherMethods } from "../../middleware/errors";
import { countParameter, idParameter, isId, MAX_ID_LENGTH, parameter } from "../../../src/input";
import { readInput } from "../../middleware/input";
import type { InputWords } from "../../../src/input";
import { fill, type SpokenService } from "../../openapi/words";
import { showDeadLetter, showDeadLetterDetail } from "./answer";

export interface DeadLetterRouteOptions<S> {
  readonly service: SpokenService<S>;
  readonly deadLetters: DeadLetters;
  readonly authenticate: Authenticate<S>;
}

const MAX_LETTERS = 200;
const USUAL_LETTERS = 50;
/** Pages of 200 dead letters that one call replays: it should be answered within a reasonable time. */
const REPLAY_PAGES = 10;
const MAX_PLACE_LENGTH = 4_000;

export const DEAD_LETTER_WORDS = {
  code: "invalid_query",
  problem: "The query cannot be read",
  remedies: {
    type: "Name an object type such as {{a type}}, or leave it out.",
    code: "Name a reason code such as refused, or leave it out.",
    run: "Name a run as the list of runs does, or leave it out.",
    q: "Send part of an e-mail address, an external id, a domain or a Hull id, or leave it out.",
    limit: `Say how many dead letters you want, ${MAX_LETTERS} at most, or leave it out.`,
    after: "Send next of the previous answer, or leave it out to begin with the first dead letter.",
  },
};

export const deadLetterChoice = {
  type: idParameter.optional().meta({ description: "Only dead letters of this object type." }),
  code: idParameter.optional().meta({ description: "Only dead letters with this reason code." }),
  run: idParameter.optional().meta({ description: "Only dead letters that ended in this run." }),
  after: parameter
    .max(MAX_PLACE_LENGTH, "is not next of an answer")
    .refine(isDeadLetterPlace, "is not next of an answer")
    .optional()
    .meta({ description: "`next` of the previous answer." }),
};

export const chosenDeadLetters = z.object(deadLetterChoice);

/** What people look for in a list. */
export const deadLetterSearch = parameter.max(MAX_ID_LENGTH, `is longer than ${MAX_ID_LENGTH} characters`).meta({
  description: "Only dead letters with this part in e-mail address, external id, domain or Hull id, case aside.",
});

export const pageOfDeadLetters = z.object({
  ...deadLetterChoice,
  q: deadLetterSearch.optional(),
  limit: countParameter(1, MAX_LETTERS)
    .default(USUAL_LETTERS)
    .meta({ description: `Dead letters per page, ${USUAL_LETTERS} by default.` }),
});

export function deadLetterRoutes<S>({ service, deadLetters, authenticate }: DeadLetterRouteOptions<S>): Router {
  return deadLetterRouter("/api/internal/dead-letters", deadLetters, {
    words: fill(DEAD_LETTER_WORDS, service),
    tenantOf: async (request) => (await authenticate(request)).key,
    show: showDeadLetter,
    showDetail: (deadLetter) => showDeadLetterDetail(deadLetter, service.face.remedies),
  });
}

/** How dead letters look to those who may ask for them. */
export interface DeadLetterView {
  /** What is said of bad input. */
  readonly words: InputWords;
  /**
   * Whose dead letters the request is about; undefined: everybody's.
   *
   * @throws HttpError when it may not ask
   */
  readonly tenantOf: (request: Request) => Promise<string | undefined>;
  readonly show: (deadLetter: DeadLetter) => object;
  readonly showDetail: (deadLetter: DeadLetterDetail) => object;
}

/** The same routes for a connector and for whoever runs the server. @param base their path */
export function deadLetterRouter(base: string, deadLetters: DeadLetters, view: DeadLetterView): Router {
  const { words, tenantOf, show, showDetail } = view;
  const router = Router();

  router.get(base, async (request, response) => {
    const tenant = await tenantOf(request);
    const query = readInput(pageOfDeadLetters, request.query, words);
    const page = await deadLetters.list({ ...query, tenant });
    response.set("cache-control", "no-store");
    response.json({ dead_letters: page.deadLetters.map(show), next: page.next ?? null });
  });

  router.post(`${base}/replay`, async (request, response) => {
    const tenant = await tenantOf(request);
    const chosen = readInput(chosenDeadLetters, request.query, words);
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

  router.post(`${base}/:id/replay`, async (request: Request<{ id: string }>, response) => {
    const tenant = await tenantOf(request);
    const counts = await deadLetters.replay(idOf(request, tenant), tenant);
    if (counts.queued + counts.underway + counts.superseded === 0) throw unknownDeadLetter(tenant);
    response.set("cache-control", "no-store").json(counts);
  });

  router.all([`${base}/replay`, `${base}/:id/replay`], otherMethods("POST"));

  router.get(`${base}/:id`, async (request: Request<{ id: string }>, response) => {
    const tenant = await tenantOf(request);
    const deadLetter = await deadLetters.show(idOf(request, tenant), tenant);
    if (deadLetter === undefined) throw unknownDeadLetter(tenant);
    response.set("cache-control", "no-store").json(showDetail(deadLetter));
  });

  router.delete(`${base}/:id`, async (request: Request<{ id: string }>, response) => {
    const tenant = await tenantOf(request);
    const deadLetter = await deadLetters.drop(idOf(request, tenant), tenant);
    if (deadLetter === undefined) throw unknownDeadLetter(tenant);
    response.set("cache-control", "no-store").json(show(deadLetter));
  });

  router.all(base, otherMethods("GET, HEAD"));
  router.all(`${base}/:id`, otherMethods("GET, HEAD, DELETE"));
  return router;
}

/** @throws HttpError 404 for what cannot be an id */
export function idOf({ params: { id } }: Request<{ id: string }>, tenant?: string): string {
  if (isId(id)) return id;
  throw unknownDeadLetter(tenant);
}

/** The same for an unknown dead letter and for another connector's. */
export function unknownDeadLetter(tenant?: string): HttpError {
  const nobody = tenant === undefined ? "There is" : "This connector has";
  return refuse(404, "dead_letter_not_found", `${nobody} no such dead letter; it may have been closed.`);
}
