/** `/console` described: pages for people, and the forms on them. */
import { consoleAddress, deadLetterForm, recordsQuery } from "./route";
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

const ID = inPath("id", "The id of the dead letter, as the page shows it.");

const action = (operationId: string, summary: string): Operation => ({
  operationId,
  summary,
  description: "For the forms of the page, whose token is needed; programs use `/api/internal/dead-letters`.",
  security: BY_LOGIN,
  parameters: [ID, ...ORGANIZATION],
  requestBody: { required: true, content: { "application/x-www-form-urlencoded": { schema: ref("LetterForm") } } },
  responses: {
    303: { description: "Done; back to the page.", headers: { Location: header("The page.") } },
    ...REFUSALS,
    403: page("As elsewhere; or a page of another site sent the form, or its token is wrong or too old."),
    404: NO_LETTER,
  },
});

export const consolePart: Part = {
  tag: { name: "Console", description: "The health of a connector, as pages for people." },
  schemas: { LetterForm: deadLetterForm },
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
    "/console/letters/{id}": {
      get: {
        operationId: "openLetter",
        summary: "One dead letter: reason, content, and what can be done",
        security: BY_LOGIN,
        parameters: [ID, ...ORGANIZATION],
        responses: { 200: page("The page."), ...REFUSALS, 404: NO_LETTER },
      },
    },
    "/console/letters/{id}/replay": { post: action("replayLetterByForm", "Sends a dead letter again") },
    "/console/letters/{id}/drop": { post: action("dropLetterByForm", "Forgets a letter") },
  },
};
