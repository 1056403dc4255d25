/** `/console` described: pages for people, and the forms on them. */
import { consoleAddress, recordsQuery } from "./route";
import { deadLettersQuery, replayQuery } from "./dead-letters";
import { actionForm } from "./form";
import { runPageQuery, runsQuery } from "./runs";
import { BY_LOGIN, FOR_ALL, ORGANIZATION } from "../openapi/common";
import { inPath, inQuery, ref, type Operation, type Part, type Piece } from "../openapi/part";

const PAGE: Piece = { "text/html": { schema: { type: "string" } } };

/** A page for people. */
export const page = (description: string, headers?: Piece): Piece => ({
  description,
  content: PAGE,
  headers,
});

export const header = (description: string): Piece => ({ description, schema: { type: "string" } });

const REFUSALS = {
  400: page("Something in the address cannot be read; the page names it."),
  401: page("No log-in, or Hull refuses it.", { "WWW-Authenticate": header("How to log in.") }),
  403: page("The organization may not use this connector; or the connector is of another kind."),
  405: page("This path takes other methods.", { Allow: header("The methods that it takes.") }),
  429: page("Too many failed log-ins; wait before the next one.", { "Retry-After": header("Seconds.") }),
  503: page("Hull could not be asked, or something broke; try again.", { "Retry-After": header("Seconds.") }),
};

const NO_LETTER = page("The connector has no such dead letter, or it belongs to another connector.");

const LETTERS = "/api/internal/dead-letters";

const ID = inPath("id", "The id of the dead letter, as the page shows it.");

const NO_RUN = page("The connector has no such run, or it belongs to another connector.");

const RUN_ID = inPath("id", "The id of the run, as the page shows it.");

/** @param programs what programs use in its place */
const action = (
  operationId: string,
  summary: string,
  programs: string,
  parameters: readonly Piece[],
  more: Operation["responses"] = {},
): Operation => ({
  operationId,
  summary,
  description: `For the forms of the page, whose token is needed; programs use \`${programs}\`.`,
  security: BY_LOGIN,
  parameters: [...parameters, ...ORGANIZATION],
  requestBody: { required: true, content: { "application/x-www-form-urlencoded": { schema: ref("ActionForm") } } },
  responses: {
    303: { description: "Done; back to the page.", headers: { Location: header("The page.") } },
    ...REFUSALS,
    403: page("As elsewhere; or a page of another site sent the form, or its token is wrong or too old."),
    ...more,
  },
});

const NOT_BEGUN = { 409: page("The settings do not allow a fetch of these records; the page says why.") };

export const consolePart: Part = {
  tag: { name: "Console", description: "The health of a connector, as pages for people." },
  schemas: { ActionForm: actionForm },
  paths: {
    "/console": {
      get: {
        operationId: "openConsole",
        summary: "Status, backlog, outcomes, runs, dead letters, and why somebody is not in {{service}}",
        description: "Without `org` the page asks for it, and needs no log-in.",
        security: BY_LOGIN,
        parameters: inQuery(consoleAddress),
        responses: { 200: page("The page."), ...REFUSALS },
      },
    },
    "/console/outcomes": {
      get: {
        operationId: "openRecords",
        summary: "The records behind a number, the newest first",
        security: BY_LOGIN,
        parameters: [...ORGANIZATION, ...inQuery(recordsQuery)],
        responses: { 200: page("The page."), ...REFUSALS },
      },
    },
    "/console/page.css": {
      get: {
        operationId: "downloadStyleOfConsole",
        summary: "How the pages look",
        security: FOR_ALL,
        responses: {
          200: { description: "A style sheet.", content: { "text/css": { schema: { type: "string" } } } },
          405: REFUSALS[405],
        },
      },
    },
    "/console/logout": {
      get: {
        operationId: "logOut",
        summary: "Makes the browser forget its log-in",
        security: FOR_ALL,
        parameters: ORGANIZATION.map((each) => ({ ...each, required: false })),
        responses: {
          200: page("There was no log-in, or it is forgotten."),
          401: page("The log-in is refused, so that the browser forgets it.", {
            "WWW-Authenticate": header("The realm that is forgotten."),
          }),
          405: REFUSALS[405],
        },
      },
    },
    "/console/runs": {
      get: {
        operationId: "openRuns",
        summary: "All runs, newest first, by kind and state",
        security: BY_LOGIN,
        parameters: [...ORGANIZATION, ...inQuery(runsQuery)],
        responses: { 200: page("The page."), ...REFUSALS, 404: NO_RUN },
      },
    },
    "/console/runs/{id}": {
      get: {
        operationId: "openRun",
        summary: "One run: figures, reasons, its report, and what can be done",
        security: BY_LOGIN,
        parameters: [RUN_ID, ...ORGANIZATION, ...inQuery(runPageQuery)],
        responses: { 200: page("The page."), ...REFUSALS, 404: NO_RUN },
      },
    },
    "/console/runs/{id}/stop": {
      post: action(
        "stopRunByForm",
        "Asks a run to end at its next durable point",
        "/api/internal/runs/{id}/stop",
        [RUN_ID],
        { 404: NO_RUN, 409: page("The run has ended, or everything of it is being delivered already.") },
      ),
    },
    "/console/fetch/users": {
      post: action("fetchUsersByForm", "Begins a fetch of Hull's users", "/fetch/users", [], NOT_BEGUN),
    },
    "/console/fetch/users/dry-run": {
      post: action("dryRunUsersByForm", "Begins a dry run of such a fetch", "/fetch/users?simulate=1", [], NOT_BEGUN),
    },
    "/console/fetch/accounts": {
      post: action("fetchAccountsByForm", "Begins a fetch of Hull's accounts", "/fetch/accounts", [], NOT_BEGUN),
    },
    "/console/fetch/accounts/dry-run": {
      post: action(
        "dryRunAccountsByForm",
        "Begins a dry run of such a fetch",
        "/fetch/accounts?simulate=1",
        [],
        NOT_BEGUN,
      ),
    },
    "/console/letters": {
      get: {
        operationId: "openLetters",
        summary: "All dead letters, by reason and one by one, to search and choose",
        security: BY_LOGIN,
        parameters: [...ORGANIZATION, ...inQuery(deadLettersQuery)],
        responses: { 200: page("The page."), ...REFUSALS },
      },
    },
    "/console/letters/replay": {
      get: {
        operationId: "askToReplayLetters",
        summary: "Says how many dead letters would be sent again",
        security: BY_LOGIN,
        parameters: [...ORGANIZATION, ...inQuery(replayQuery)],
        responses: { 200: page("The page."), ...REFUSALS },
      },
      post: action(
        "replayLettersByForm",
        "Sends all dead letters again that match, in the background, as a run",
        "/api/internal/dead-letters/replay",
        inQuery(replayQuery),
      ),
    },
    "/console/letters/{id}": {
      get: {
        operationId: "openLetter",
        summary: "One dead letter: reason, content, and what can be done",
        security: BY_LOGIN,
        parameters: [ID, ...ORGANIZATION],
        responses: { 200: page("The page."), ...REFUSALS, 404: NO_LETTER },
      },
    },
    "/console/letters/{id}/replay": {
      post: action("replayLetterByForm", "Sends a dead letter again", LETTERS, [ID], { 404: NO_LETTER }),
    },
    "/console/letters/{id}/drop": {
      post: action("dropLetterByForm", "Forgets a dead letter", LETTERS, [ID], { 404: NO_LETTER }),
    },
  },
};
