/** What a service declares for `/api/internal/…`, described. */
import groupBy from "lodash/groupBy";
import uniqBy from "lodash/uniqBy";
import type { Operation } from "../../../src/services/operations";
import { BY_LOGIN, ORGANIZATION } from "../../openapi/common";
import {
  answer,
  body,
  inQuery,
  parameters,
  type Operation as Described,
  type Part,
  type Piece,
} from "../../openapi/part";
import { BODY_REFUSALS, LOGIN_REFUSALS, refusal, refusalForNow, refusals } from "../../openapi/refusals";
import { KEY_HEADER, takesKey, REPEATED_HEADER } from "./idempotency";

const UNUSABLE = refusal(409, "The connector's settings cannot be used yet", "missing_token", "invalid_settings");
const NO_JSON = refusal(415, "The body is not JSON", "unsupported_media_type");
const KEYED = [
  refusal(400, "`Idempotency-Key` is no key", "invalid_idempotency_key"),
  refusalForNow(
    409,
    "A call with the same `Idempotency-Key` is being made (`Retry-After` says when to ask again); or nobody knows what became of it, or its answer is not kept: then it is not made again",
    "call_in_progress",
    "outcome_unknown",
    "already_done",
  ),
  refusal(422, "The `Idempotency-Key` came with another request", "idempotency_key_reused"),
  refusalForNow(429, "The connector has used 10,000 keys within a day", "too_many_idempotency_keys"),
];
const KEY: Piece = {
  name: KEY_HEADER,
  in: "header",
  required: false,
  description:
    "So that the call is made once, however often it is sent: the same key with the same request gets the first answer again, for a day. Letters, digits and . _ ~ : + / = -, in double quotes or without; what was refused and certainly not done may be sent again under it.",
  schema: { type: "string", minLength: 1, maxLength: 257 },
  example: '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
};
const REPEATED = {
  [REPEATED_HEADER]: { description: "`true`: this is the answer of an earlier call.", schema: { type: "string" } },
};
const NOT_MEANT = refusal(
  400,
  "The call destroys something, and `confirm` does not say that it is meant",
  "not_confirmed",
);

/** A part for each tag of what a service declares. */
export function operationParts<S>(operations: readonly Operation<S>[]): readonly Part[] {
  return uniqBy(
    operations.map(({ tag }) => tag),
    "name",
  ).map((tag) => {
    const tagged = operations.filter((each) => each.tag.name === tag.name);
    const named = tagged.flatMap(({ answer, body }) => [answer, ...(body === undefined ? [] : [body])]);
    const paths = Object.entries(groupBy(tagged, ({ path }) => path)).map(([path, same]) => [
      `/api/internal${path}`,
      Object.fromEntries(same.map((each) => [each.method.toLowerCase(), described(each)])),
    ]);
    return {
      tag,
      schemas: Object.fromEntries(named.map(({ name, schema }) => [name, schema])),
      paths: Object.fromEntries(paths) as Part["paths"],
    };
  });
}

function described<S>(operation: Operation<S>): Described {
  const { id, summary, description, parameters: inPath, query, confirm, answer: given } = operation;
  const { name, example } = operation.body ?? {};
  const { status = 200 } = given;
  return {
    operationId: id,
    summary,
    description,
    security: BY_LOGIN,
    parameters: [
      ...(inPath === undefined ? [] : parameters("path", inPath.schema)),
      ...ORGANIZATION,
      ...(query === undefined ? [] : inQuery(query.schema)),
      // Only a request that carries another one may destroy nothing.
      ...(confirm === undefined ? [] : [confirmation(confirm, operation.audited === undefined)]),
      ...(takesKey(operation) ? [KEY] : []),
    ],
    requestBody: name === undefined ? undefined : body(name, example),
    responses: {
      [status]: {
        ...(status === 204 ? { description: given.description } : answer(given.description, given.name, given.example)),
        ...(takesKey(operation) && { headers: REPEATED }),
      },
      ...refusals(...refusalsOf(operation)),
    },
  };
}

function confirmation<S>({ repeats, falls }: NonNullable<Operation<S>["confirm"]>, required: boolean): Piece {
  const description = `Repeats ${repeats}${required ? "" : " of a call that destroys something"}: it cannot be undone. ${falls}`;
  return { name: "confirm", in: "query", required, description, schema: { type: "string" } };
}

function refusalsOf<S>(operation: Operation<S>) {
  const { method, parameters, query, body, confirm, refusals: own } = operation;
  return [
    ...(query === undefined ? [] : (["BadQuery"] as const)),
    ...LOGIN_REFUSALS,
    ...own,
    UNUSABLE,
    "OtherMethod" as const,
    ...(method === "GET" ? [] : (["OtherSite"] as const)),
    ...(body === undefined ? [] : [refusal(400, body.refused, body.words.code), ...BODY_REFUSALS, NO_JSON]),
    ...(parameters === undefined ? [] : ["BadPath" as const, refusal(400, parameters.refused, parameters.words.code)]),
    ...(confirm === undefined ? [] : [NOT_MEANT]),
    ...(takesKey(operation) ? KEYED : []),
  ];
}
