/** `/fetch/users` and `/fetch/accounts` described. */
import { fetchAnswer } from "./route";
import { fetchParameters } from "../runs/options";
import { BY_QUERY } from "../../openapi/common";
import { answer, inQuery, type Method, type Operation, type Part, type PathItem } from "../../openapi/part";
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

const item = (what: "Users" | "Accounts", summary: string): PathItem => ({
  "x-any-method": true,
  get: operation("get", what, summary),
  post: operation("post", what, summary),
});

export const fetchPart: Part = {
  tag: { name: "Fetches", description: "From Planhat to Hull." },
  schemas: { FetchAnswer: fetchAnswer },
  paths: {
    "/fetch/users": item("Users", "Begins a fetch of Planhat's endusers if it is time"),
    "/fetch/accounts": item("Accounts", "Begins a fetch of Planhat's companies if it is time"),
  },
};
