/** `/batch` and `/batch-accounts` described. */
import { batchAnswer, batchBody } from "./route";
import { batchParameters } from "../runs/options";
import { BY_QUERY } from "../../openapi/common";
import { answer, body, inQuery, type Operation, type Part } from "../../openapi/part";
import { BODY_REFUSALS, QUERY_REFUSALS, refusal, refusals } from "../../openapi/refusals";

const BAD_BATCH = refusal(
  400,
  "The batch cannot be accepted; `details` names each bad field, such as a link to a host that is not allowed",
  "invalid_batch",
);

const operation = (operationId: string, summary: string, objectType: string): Operation => ({
  operationId,
  summary,
  description: "Sends everybody in the file, whatever filters say. Answered when the order is on disk.",
  security: BY_QUERY,
  parameters: inQuery(batchParameters),
  requestBody: body("Batch", {
    url: "https://s3.amazonaws.com/extracts/users.json",
    format: "json",
    object_type: objectType,
  }),
  responses: {
    200: answer("The order is accepted.", "BatchAnswer", { ok: true, run: "01J9ZK3Q7N" }),
    ...refusals(BAD_BATCH, "BadQuery", ...QUERY_REFUSALS, ...BODY_REFUSALS, "Broken", "OtherMethod"),
  },
});

export const batchPart: Part = {
  tag: { name: "Batches", description: "Files of users or accounts from Hull." },
  schemas: { Batch: batchBody, BatchAnswer: batchAnswer },
  paths: {
    "/batch": { post: operation("batchUsers", "Takes a file of users", "user_report") },
    "/batch-accounts": { post: operation("batchAccounts", "Takes a file of accounts", "account_report") },
  },
};
