/** `/api/internal/outcomes` described. */
import { lineAnswer, outcomePage, outcomeRecordAnswer } from "./answer";
import { pageOfOutcomes } from "./route";
import { BY_LOGIN, ORGANIZATION } from "../../openapi/common";
import { answer, inQuery, ref, type Part } from "../../openapi/part";
import { LOGIN_REFUSALS, refusals } from "../../openapi/refusals";

const LINE = {
  at: "2026-03-01T12:00:00.000Z",
  type: "{{type}}",
  hull_id: "bee000000000000000000001",
  outcome: "skipped",
  code: "{{skip code}}",
  text: "{{skip text}}",
  remedy: null,
  message_id: "32eeb31334d67c96098756c839ae0679aa1c07d9",
  run: null,
  derived: false,
  messages: 1,
  sent: null,
};

const RECORD = { ...LINE, name: "jane@example.com", remote_id: "{{remote id}}", links: { hull: null, service: null } };

export const outcomePart: Part = {
  tag: { name: "Outcomes", description: "How messages ended, record by record, for some days." },
  schemas: { OutcomePage: outcomePage, OutcomeRecord: outcomeRecordAnswer, OutcomeLine: lineAnswer },
  paths: {
    "/api/internal/outcomes": {
      get: {
        operationId: "listOutcomes",
        summary: "How messages ended, the newest first",
        description:
          'Kept for some days. As NDJSON each line is an `OutcomeLine`, and the header `Link` with `rel="next"` leads to the next page.',
        security: BY_LOGIN,
        parameters: [...ORGANIZATION, ...inQuery(pageOfOutcomes)],
        responses: {
          200: withLines(answer("A page.", "OutcomePage", { outcomes: [RECORD], next: null })),
          ...refusals("BadQuery", ...LOGIN_REFUSALS, "OtherMethod"),
        },
      },
    },
  },
};

function withLines({ content, ...rest }: ReturnType<typeof answer>) {
  return {
    ...rest,
    content: { ...(content as object), "application/x-ndjson": { schema: ref("OutcomeLine"), example: LINE } },
  };
}
