/** `/status` described. */
import { statusAnswer } from "./route";
import { BY_QUERY } from "../../openapi/common";
import { answer, type Operation, type Part } from "../../openapi/part";
import { QUERY_REFUSALS, refusals } from "../../openapi/refusals";

const WARNED = {
  status: "warning",
  messages: ["The segments of users and of accounts are both empty, so nobody is sent. Choose segments."],
};

const operation = (operationId: string, summary: string): Operation => ({
  operationId,
  summary,
  description:
    "Hull's dashboard is told the same. {{service}} is asked whether token and mapping work, every two minutes at most.",
  security: BY_QUERY,
  responses: {
    200: answer("Its health.", "ConnectorStatus", WARNED),
    500: answer("It could not be found out.", "ConnectorStatus"),
    ...refusals(...QUERY_REFUSALS, "OtherMethod"),
  },
});

export const statusPart: Part = {
  tag: { name: "Status", description: "The health of a connector." },
  schemas: { ConnectorStatus: statusAnswer },
  paths: {
    "/status": {
      get: operation("readStatus", "What is missing, refused, paused, failed or waiting"),
      post: operation("reportStatus", "The same, as Hull's schedule asks"),
    },
  },
};
