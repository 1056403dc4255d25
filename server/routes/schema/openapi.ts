/** `/schema/…` described. */
import { fieldListAnswer } from "./route";
import { BY_QUERY } from "../../openapi/common";
import { answer, inPath, type Operation, type Part, type PathItem, type Piece } from "../../openapi/part";

const LIST = { ok: true, error: null, options: [{ value: "position", label: "Position" }] };

const USE = inPath("use", "For which setting: the fields to send, those to read, or only the tenant's own.", {
  type: "string",
  enum: ["outgoing", "incoming", "custom"],
});

const operation = (operationId: string, summary: string, parameters: readonly Piece[]): Operation => ({
  operationId,
  summary,
  description: "Without credentials that Hull confirms the list holds the fields that every tenant of {{service}} has.",
  security: [...BY_QUERY, {}],
  parameters,
  responses: { 200: answer("The list, or why there is none.", "FieldList", LIST) },
});

const item = (what: string, summary: string, parameters: readonly Piece[]): PathItem => ({
  get: operation(`list${what}`, summary, parameters),
  post: operation(`ask${what}`, summary, parameters),
});

export function schemaPart(fieldLists: readonly string[]): Part {
  const table = inPath("table", "Which list.", {
    type: "string",
    enum: fieldLists.length > 0 ? fieldLists : undefined,
  });
  return {
    tag: { name: "Lists of fields", description: "What can be chosen in the settings." },
    schemas: { FieldList: fieldListAnswer },
    paths: {
      "/schema/{table}": item("Fields", "Fields that can be sent", [table]),
      "/schema/{table}/{use}": item("FieldsFor", "Fields for one kind of setting", [table, USE]),
    },
  };
}
