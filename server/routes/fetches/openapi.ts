/** `/fetch/users` and `/fetch/accounts` described. */
import { fetchAnswer } from "./route";
import { fetchParameters } from "../runs/options";
import { BY_QUERY } from "../../openapi/common";
import { answer, inQuery, type Method, type Operation, type Part, type PathItem } from "../../openapi/part";
import { typeOf } from "../../../src/services/types";
import type { SpokenService } from "../../openapi/words";
import { QUERY_REFUSALS, refusals } from "../../openapi/refusals";

const BEGUN = { ok: true, state: "begun", run: "01J9ZK3Q7N", message: "The fetch has begun." };

const operation = (method: Method, what: "Users" | "Accounts", summary: string): Operation => ({
  operationId: `${method === "post" ? "begin" : "visit"}Fetch${what}`,
  summary,
  description: "Answered at once; the run goes on by itself. Any method does the same.",
  security: BY_QUERY,
  parameters: inQuery(fetchParameters),
  responses: {
    200: answer("What happens.", "FetchAnswer", BEGUN),
    ...refusals("BadQuery", ...QUERY_REFUSALS, "Broken"),
  },
});

const summaryOf = (type: string | undefined): string =>
  type === undefined
    ? "Begins nothing: {{service}} has no such records"
    : `Begins a fetch of {{service}}'s ${type} if it is time`;

const item = (what: "Users" | "Accounts", summary: string): PathItem => ({
  "x-any-method": true,
  get: operation("get", what, summary),
  post: operation("post", what, summary),
});

export const fetchPart = <S>(service: SpokenService<S>): Part => ({
  tag: { name: "Fetches", description: "From {{service}} to Hull." },
  schemas: { FetchAnswer: fetchAnswer },
  paths: {
    "/fetch/users": item("Users", summaryOf(typeOf(service, "user"))),
    "/fetch/accounts": item("Accounts", summaryOf(typeOf(service, "account"))),
  },
});
