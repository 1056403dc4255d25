/** `/api/internal/dead-letters` described. */
import { chosenDeadLetters, pageOfDeadLetters } from "./route";
import { deadLetterAnswer, deadLetterDetailAnswer, deadLetterPage, replayAnswer, replayPageAnswer } from "./answer";
import { BY_LOGIN, ORGANIZATION } from "../../openapi/common";
import { answer, inPath, inQuery, type Part } from "../../openapi/part";
import { LOGIN_REFUSALS, refusal, refusals } from "../../openapi/refusals";

const NO_LETTER = refusal(
  404,
  "The connector has no such dead letter, or it belongs to another connector",
  "dead_letter_not_found",
);

export const LETTER = {
  id: "3f2a9c0b71de",
  type: "{{type}}",
  hull_id: "bee000000000000000000001",
  name: "person-1@example.com",
  outcome: "rejected",
  code: "refused",
  text: "The service refused the record. (Position is odd)",
  refused_at: "2026-03-01T12:00:00.000Z",
};

export const DETAIL = {
  ...LETTER,
  remedy: "Mend what the reason names, then replay the dead letter; or drop it if it is no longer needed.",
  message_id: "c1",
  message_at: "2026-03-01T11:59:00.000Z",
  attempts: 0,
  replayed: false,
  derived: false,
  claims: { id: "bee000000000000000000001", email: "person-1@example.com" },
  desired: { fields: { position: "Engineer" }, keys: { email: "person-1@example.com" }, cleared: [] },
};

export const REPLAYED = { queued: 3, underway: 0, superseded: 0 };

export const ID = inPath("id", "The id of the dead letter, as lists show it.");
export const AGAIN =
  "A replay is a new message with the old content. What is on its way already is left alone, so it may be repeated; " +
  "if Hull sent something newer since, nothing is sent and the dead letter is closed.";

export const deadLetterPart: Part = {
  tag: { name: "Dead letters", description: "What {{service}} refused for good: look at it, send it again, drop it." },
  schemas: {
    DeadLetter: deadLetterAnswer,
    DeadLetterDetail: deadLetterDetailAnswer,
    DeadLetterPage: deadLetterPage,
    Replay: replayAnswer,
    ReplayPage: replayPageAnswer,
  },
  paths: {
    "/api/internal/dead-letters": {
      get: {
        operationId: "listDeadLetters",
        summary: "The connector's dead letters, in a stable order",
        security: BY_LOGIN,
        parameters: [...ORGANIZATION, ...inQuery(pageOfDeadLetters)],
        responses: {
          200: answer("A page of dead letters.", "DeadLetterPage", { dead_letters: [LETTER], next: null }),
          ...refusals("BadQuery", ...LOGIN_REFUSALS, "OtherMethod"),
        },
      },
    },
    "/api/internal/dead-letters/replay": {
      post: {
        operationId: "replayDeadLetters",
        summary: "Sends all dead letters again that match type, code and run",
        description: `${AGAIN} One call goes through 2,000 dead letters; \`next\` says where the following one continues.`,
        security: BY_LOGIN,
        parameters: [...ORGANIZATION, ...inQuery(chosenDeadLetters)],
        responses: {
          200: answer("What became of them.", "ReplayPage", { ...REPLAYED, next: null }),
          ...refusals("BadQuery", ...LOGIN_REFUSALS, "OtherSite", "OtherMethod"),
        },
      },
    },
    "/api/internal/dead-letters/{id}": {
      get: {
        operationId: "getDeadLetter",
        summary: "One dead letter: reason, content, and what to do",
        security: BY_LOGIN,
        parameters: [ID, ...ORGANIZATION],
        responses: {
          200: answer("The letter.", "DeadLetterDetail", DETAIL),
          ...refusals("BadPath", ...LOGIN_REFUSALS, NO_LETTER, "OtherMethod"),
        },
      },
      delete: {
        operationId: "dropDeadLetter",
        summary: "Forgets a letter",
        security: BY_LOGIN,
        parameters: [ID, ...ORGANIZATION],
        responses: {
          200: answer("The dead letter that was dropped.", "DeadLetter", LETTER),
          ...refusals("BadPath", ...LOGIN_REFUSALS, "OtherSite", NO_LETTER, "OtherMethod"),
        },
      },
    },
    "/api/internal/dead-letters/{id}/replay": {
      post: {
        operationId: "replayDeadLetter",
        summary: "Sends a dead letter again, and with {{a parent}} what failed because of it",
        description: AGAIN,
        security: BY_LOGIN,
        parameters: [ID, ...ORGANIZATION],
        responses: {
          200: answer("What became of it.", "Replay", REPLAYED),
          ...refusals("BadPath", ...LOGIN_REFUSALS, "OtherSite", NO_LETTER, "OtherMethod"),
        },
      },
    },
  },
};
