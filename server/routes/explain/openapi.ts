/** `/explain` described. */
import { claimQuestion, notificationQuestion, question } from "./route";
import { explanationAnswer, recordExplanation } from "./answer";
import { outcomeAnswer, knownAnswer } from "./known";
import { BY_LOGIN, ORGANIZATION } from "../../openapi/common";
import { answer, body, type Part } from "../../openapi/part";
import { BODY_REFUSALS, LOGIN_REFUSALS, refusal, refusals } from "../../openapi/refusals";

const BAD_QUESTION = refusal(400, "The question cannot be read; `details` names each bad field", "invalid_question");

const NOT_NOW = refusal(
  503,
  "{{service}} did not answer in time, or another question of the connector is being answered; try again",
  "too_slow",
  "busy",
);

const ENDING = {
  outcome: "skipped",
  code: "{{skip code}}",
  text: "{{skip text}}",
  remedy: null,
  at: "2026-03-01T12:00:00.000Z",
  message_id: "m-1",
};

const RECORD = {
  entity: "user",
  type: "{{type}}",
  hull_id: "bee000000000000000000001",
  claims: { email: "person-1@example.com" },
  message_id: null,
  merged: [],
  derived: false,
  text: [
    "No record of {{type}} in {{service}} is linked to it.",
    `Its last message ended skipped (${ENDING.code}) at 2026-03-01T12:00:00Z: ${ENDING.text}`,
  ],
  checks: [],
  mapped: null,
  warnings: [],
  known: {
    version: "2026-03-01T11:59:00.000Z",
    last_message_id: "m-1",
    last_outcome: ENDING,
    link: null,
    outbox: null,
    write_back: null,
    dead_letter: null,
  },
  parent: null,
  candidates: [],
  fields: [],
  timeline: [],
  would: null,
  requests: [],
  told_to_hull: [],
};

const EXPLANATION = {
  text: ["{{service}} itself shows no record under this name now."],
  records: [RECORD],
  problems: [],
  holds: [],
  undecided: null,
  shown_by_service: [],
};

export const explainPart: Part = {
  tag: { name: "Explain", description: "Why is somebody not in {{service}}?" },
  schemas: {
    Question: question,
    QuestionByClaim: claimQuestion,
    QuestionByNotification: notificationQuestion,
    Explanation: explanationAnswer,
    RecordExplanation: recordExplanation,
    Known: knownAnswer,
    Ending: outcomeAnswer,
  },
  paths: {
    "/explain": {
      post: {
        operationId: "explain",
        summary: "What is known of somebody, or what would become of a notification",
        description:
          "By email, external_id, domain or id: what is remembered, why, and what {{service}} shows. With channel and messages: " +
          "what would become of each record, under the connector's stored settings. Nothing is written, neither here nor there.",
        security: BY_LOGIN,
        parameters: ORGANIZATION,
        requestBody: body("Question", { email: "person-1@example.com" }),
        responses: {
          200: answer("The explanation.", "Explanation", EXPLANATION),
          ...refusals(BAD_QUESTION, ...LOGIN_REFUSALS, "OtherSite", ...BODY_REFUSALS, NOT_NOW, "OtherMethod"),
        },
      },
    },
  },
};
