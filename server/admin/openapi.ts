/** `/admin` described. */
import { BY_ADMIN } from "../openapi/common";
import { answer, inPath, inQuery, type Operation, type Part, type Piece } from "../openapi/part";
import { refusal, refusals } from "../openapi/refusals";
import { AGAIN, DETAIL, ID, LETTER, REPLAYED } from "../routes/dead-letters/openapi";
import { chosenDeadLetters, pageOfDeadLetters } from "../routes/dead-letters/route";
import {
  anyDeadLetterAnswer,
  anyDeadLetterDetailAnswer,
  anyDeadLetterPage,
  connectorAnswer,
  connectorsAnswer,
  forgottenAnswer,
} from "./answer";
import { chosenTenant } from "./route";

const TENANT = "service/acme.hullapp.io/5f0000000000000000000001";

const CONNECTOR = {
  tenant: TENANT,
  service: "A service",
  organization: "acme.hullapp.io",
  connector: "5f0000000000000000000001",
  settings_at: "2026-03-01T11:00:00.000Z",
  remote: "acme.hullapp.io|https://api.service.example|4711",
  status: "warning",
  messages: ["Delivery has been paused since 2026-03-01 12:00 UTC."],
  outbox: 12,
  hull_updates: 0,
  oldest_at: "2026-03-01T12:00:00.000Z",
  dead_letters: 1,
  more_dead_letters: false,
  pauses: [
    {
      scope: "*",
      kind: "transient",
      reason: "The service is busy.",
      since: "2026-03-01T12:00:00.000Z",
      until: "2026-03-01T12:02:00.000Z",
    },
  ],
};

const ANY_LETTER = { ...LETTER, tenant: TENANT };

const LOGIN_REFUSALS = ["AdminRefused", "TooManyAttempts", "Broken"] as const;
const CHANGE_REFUSALS = [...LOGIN_REFUSALS, "OtherSite", "OtherMethod"] as const;
const NO_LETTER = refusal(404, "There is no such dead letter", "dead_letter_not_found");
const NO_TENANT = refusal(404, "There is no such connector", "tenant_not_found");

const OF_TENANT = inQuery(chosenTenant);

const PAGE: Piece = { "text/html": { schema: { type: "string" } } };

const operation = (
  operationId: string,
  summary: string,
  rest: Omit<Operation, "operationId" | "summary" | "security">,
) => ({ operationId, summary, security: BY_ADMIN, ...rest }) satisfies Operation;

export const adminPart: Part = {
  tag: {
    name: "Admin",
    description: "All connectors, for whoever runs the server. Without ADMIN_TOKEN these paths do not exist.",
  },
  schemas: {
    AnyDeadLetter: anyDeadLetterAnswer,
    AnyDeadLetterDetail: anyDeadLetterDetailAnswer,
    AnyDeadLetterPage: anyDeadLetterPage,
    Connector: connectorAnswer,
    Connectors: connectorsAnswer,
    Forgotten: forgottenAnswer,
  },
  paths: {
    "/admin": {
      get: operation("openAdmin", "All connectors as a page for people, those in trouble first", {
        responses: { 200: { description: "The page.", content: PAGE }, ...refusals(...LOGIN_REFUSALS, "OtherMethod") },
      }),
    },
    "/admin/tenants": {
      get: operation("listTenants", "All connectors, those in trouble first", {
        responses: {
          200: answer("The connectors.", "Connectors", { tenants: [CONNECTOR] }),
          ...refusals(...LOGIN_REFUSALS, "OtherMethod"),
        },
      }),
    },
    "/admin/tenants/{tenant}": {
      delete: operation("forgetTenant", "Erases everything that is stored for a connector", {
        description:
          "What waits is not delivered; the service and Hull keep what they have. While the connector is installed in " +
          "Hull, its next notification makes it known again.",
        parameters: [inPath("tenant", "Its name, as the list shows it; slashes are written as %2F.")],
        responses: {
          200: answer("What was erased.", "Forgotten", { tenant: TENANT, rows: 4_711 }),
          ...refusals("BadPath", NO_TENANT, ...CHANGE_REFUSALS),
        },
      }),
    },
    "/admin/dead-letters": {
      get: operation("listAllDeadLetters", "The dead letters of all connectors, in a stable order", {
        parameters: [...OF_TENANT, ...inQuery(pageOfDeadLetters)],
        responses: {
          200: answer("A page of dead letters.", "AnyDeadLetterPage", { dead_letters: [ANY_LETTER], next: null }),
          ...refusals("BadQuery", ...LOGIN_REFUSALS, "OtherMethod"),
        },
      }),
    },
    "/admin/dead-letters/replay": {
      post: operation("replayAllDeadLetters", "Sends all dead letters again that match tenant, type and code", {
        description: `${AGAIN} One call goes through 2,000 dead letters; \`next\` says where the following one continues.`,
        parameters: [...OF_TENANT, ...inQuery(chosenDeadLetters)],
        responses: {
          200: answer("What became of them.", "ReplayPage", { ...REPLAYED, next: null }),
          ...refusals("BadQuery", ...CHANGE_REFUSALS),
        },
      }),
    },
    "/admin/dead-letters/{id}": {
      get: operation("getAnyDeadLetter", "One dead letter: reason, content, and what to do", {
        parameters: [ID, ...OF_TENANT],
        responses: {
          200: answer("The dead letter.", "AnyDeadLetterDetail", {
            ...DETAIL,
            tenant: TENANT,
            remote: CONNECTOR.remote,
          }),
          ...refusals("BadQuery", "BadPath", ...LOGIN_REFUSALS, NO_LETTER, "OtherMethod"),
        },
      }),
      delete: operation("dropAnyDeadLetter", "Forgets a dead letter", {
        parameters: [ID, ...OF_TENANT],
        responses: {
          200: answer("The dead letter that was dropped.", "AnyDeadLetter", ANY_LETTER),
          ...refusals("BadQuery", "BadPath", NO_LETTER, ...CHANGE_REFUSALS),
        },
      }),
    },
    "/admin/dead-letters/{id}/replay": {
      post: operation("replayAnyDeadLetter", "Sends a dead letter again, with what failed because of it", {
        description: AGAIN,
        parameters: [ID, ...OF_TENANT],
        responses: {
          200: answer("What became of it.", "Replay", REPLAYED),
          ...refusals("BadQuery", "BadPath", NO_LETTER, ...CHANGE_REFUSALS),
        },
      }),
    },
  },
};
