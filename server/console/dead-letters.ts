/** `/console/letters`: the dead letters of a connector, found, narrowed, sent again and dropped. */
import { Router, type Request, type Response } from "express";
import { z } from "zod";
import type { Runs } from "../../src/engine/runs/orders";
import type { Face } from "../../src/services/face";
import { BASE, consoleLink, deadLettersLink, runLink, type Query, type Site } from "./links";
import { HEADERS, page, show, type Notice } from "./page";
import { filledIn, type Forms } from "./form";
import {
  actionPath,
  deadLetterBody,
  DEAD_LETTERS_A_PAGE,
  deadLettersBody,
  filterForm,
  reasonsBody,
  replayAction,
  replayBody,
} from "./sections/dead-letters";
import { html } from "./html";
import type { DeadLetters } from "../admin/dead-letters";
import type { Authenticate } from "../middleware/authentication";
import { otherMethods } from "../middleware/errors";
import { readInput } from "../middleware/input";
import {
  deadLetterChoice,
  DEAD_LETTER_WORDS,
  deadLetterSearch,
  idOf,
  unknownDeadLetter,
} from "../routes/dead-letters/route";

export interface DeadLetterPageOptions<S> {
  readonly deadLetters: Pick<DeadLetters, "list" | "counts" | "show" | "replay" | "drop">;
  readonly runs: Pick<Runs<S>, "replay">;
  readonly forms: Forms<S>;
  readonly authenticate: Authenticate<S>;
  readonly site: Site;
  readonly face: Pick<Face, "remedies">;
  /** Names of the service's object types. */
  readonly types: readonly string[];
}

export const deadLettersQuery = z.object({ ...deadLetterChoice, q: deadLetterSearch.optional() });

export const replayQuery = deadLettersQuery.pick({ type: true, code: true, run: true });

const WORDS = {
  ...DEAD_LETTER_WORDS,
  problem: "The address cannot be read",
  remedies: {
    ...DEAD_LETTER_WORDS.remedies,
    type: "Choose an object from the list, or leave it out.",
    after: "Follow the links of the page, or leave it out to begin with the first dead letter.",
  },
};

/** Pages of dead letters that are looked through for one that is shown. */
const MOST_LOOKS = 10;

type DeadLetterRequest = Request<{ id: string }>;

export function deadLetterPages<S>(options: DeadLetterPageOptions<S>): Router {
  const { deadLetters, runs, forms, authenticate, site, face, types } = options;
  const router = Router();
  const letters = `${BASE}/letters`;

  router.get(letters, async (request, response) => {
    const { key: tenant, credentials: owner } = await authenticate(request);
    const { after, ...chosen } = readInput(deadLettersQuery, filledIn(request.query), WORDS);
    const context = { site, owner, forms };
    const isChosen = Object.keys(chosen).length > 0;
    const [list, counted] = await Promise.all([
      find({ ...chosen, tenant }, after),
      deadLetters.counts({ ...chosen, tenant }),
    ]);
    const parts = {
      isFirst: after === undefined,
      link: (place: string | undefined) => deadLettersLink(site, owner.organization, { ...chosen, after: place }),
      nothing: isChosen ? "There is no such dead letter." : "Nothing was refused for good, or all of it was mended.",
    };
    const all = { type: chosen.type, code: chosen.code, run: chosen.run };
    // What is looked for by name is sent again one by one.
    const again =
      counted.reasons.length > 0 &&
      chosen.q === undefined &&
      html`<div class="actions wrap">
        <a class="button" href="${deadLettersLink(site, owner.organization, all, "replay")}"
          >Send all of these again…</a
        >
      </div>`;
    const body = html`<p><a href="${consoleLink(site, owner.organization)}">Console</a></p>
      <h1>Dead letters</h1>
      ${filterForm(chosen, types, context)}
      ${
        counted.reasons.length > 0 &&
        html`<section aria-labelledby="reasons">
          <h2 id="reasons">By reason</h2>
          ${reasonsBody(counted, chosen, context)} ${again}
        </section>`
      }
      <section id="letters" aria-labelledby="list">
        <h2 id="list">One by one</h2>
        ${deadLettersBody(list, parts, context)}
      </section>`;
    show(response, 200, page({ site, title: "Dead letters", owner, body }));
  });

  router.get(`${letters}/replay`, async (request, response) => {
    const { key: tenant, credentials: owner } = await authenticate(request);
    const chosen = readInput(replayQuery, request.query, WORDS);
    const counted = await deadLetters.counts({ ...chosen, tenant });
    const body = replayBody(counted, chosen, { site, owner, forms });
    show(response, 200, page({ site, title: "Send again", owner, body }));
  });

  router.post(`${letters}/replay`, async (request, response) => {
    const chosen = readInput(replayQuery, request.query, WORDS);
    const tenant = await forms.open(request, response, replayAction(chosen));
    const { id } = await runs.replay(tenant, chosen);
    response.set(HEADERS).redirect(303, runLink(site, tenant.credentials.organization, id, { done: "resent" }));
  });

  router.all(`${letters}/replay`, otherMethods("GET, HEAD, POST"));

  router.get(`${letters}/:id`, async (request: DeadLetterRequest, response) => {
    const { credentials: owner, key } = await authenticate(request);
    const deadLetter = await deadLetters.show(idOf(request), key);
    if (deadLetter === undefined) throw unknownDeadLetter();
    const body = deadLetterBody(deadLetter, { site, owner, forms }, face.remedies);
    show(response, 200, page({ site, title: "Dead letter", owner, body }));
  });

  router.post(`${letters}/:id/replay`, async (request: DeadLetterRequest, response) => {
    const { key, credentials } = await forms.open(request, response, actionPath("replay", request.params.id));
    const { queued, underway, superseded } = await deadLetters.replay(idOf(request), key);
    if (queued + underway + superseded === 0) throw unknownDeadLetter();
    const done: Notice = queued > 0 ? "replayed" : superseded > 0 ? "superseded" : "underway";
    goBack(response, site, credentials.organization, done);
  });

  router.post(`${letters}/:id/drop`, async (request: DeadLetterRequest, response) => {
    const { key, credentials } = await forms.open(request, response, actionPath("drop", request.params.id));
    if ((await deadLetters.drop(idOf(request), key)) === undefined) throw unknownDeadLetter();
    goBack(response, site, credentials.organization, "dropped");
  });

  router.all([letters, `${letters}/:id`], otherMethods("GET, HEAD"));
  router.all([`${letters}/:id/replay`, `${letters}/:id/drop`], otherMethods("POST"));
  return router;

  /** Looks on where a page has none of those that are chosen, but not for ever. */
  async function find(query: Query & { readonly tenant: string }, after: string | undefined) {
    let list = await deadLetters.list({ ...query, after, limit: DEAD_LETTERS_A_PAGE });
    for (let looks = 1; looks < MOST_LOOKS && list.deadLetters.length === 0 && list.next !== undefined; looks += 1) {
      list = await deadLetters.list({ ...query, after: list.next, limit: DEAD_LETTERS_A_PAGE });
    }
    return list;
  }
}

function goBack(response: Response, site: Site, organization: string, done: Notice): void {
  response.set(HEADERS).redirect(303, consoleLink(site, organization, { done }, "letters"));
}
