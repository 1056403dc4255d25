/** Subscribers one by one, in pages and several at once, as PlanSource's own routes have them. */
import { z } from "zod";
import {
  badInput,
  declare,
  type Operation,
  type OperationAnswer,
  type OperationRefusal,
  type Touched,
} from "../../operations";
import { refusalsOf } from "../../interactive";
import { saysFailure } from "../api/envelope";
import type { Envelope, Fields } from "../api/rest";
import type { PlanSourceSettings } from "../settings/settings";
import { BODY_WORDS, BULK_WORDS, bulkChanges, newSubscriber, rehire, subscriberChanges, termination } from "./bodies";
import { PLANSOURCE, UNKNOWN, type Calls, type Connected } from "./calls";
import { byCode, BY_KEY, ID, PAGING, withTests, type ByKey } from "./parameters";
import { ALL, touchedBy, touchedIn, touchedWith } from "./touched";

const TAG = { name: "Subscribers", description: "PlanSource's employees, with the stored credentials." };
const CHANGES = { last_name: "Stone", email: "ann.stone@acme.example" };
const NEW = { subscriber_code: "E-1001", first_name: "Ann", last_name: "Lee" };
const EXAMPLE = { id: 1000001, ...NEW };
const MAX_BODY = { maxBytes: 1024 * 1024, smaller: "send only the fields that change" };
const BODY = { words: BODY_WORDS, refused: "The fields cannot be sent; `details` names each bad one", ...MAX_BODY };

const subscriber = z.looseObject({
  id: z.union([z.number(), z.string()]),
  subscriber_code: z.string().nullish(),
  first_name: z.string().nullish(),
  last_name: z.string().nullish(),
});
const ANSWER = {
  name: "Subscriber",
  schema: subscriber,
  description: "PlanSource's `data` about the subscriber, unchanged.",
  example: EXAMPLE,
};

const ANY = refusalsOf(PLANSOURCE);
const NOT_THERE: OperationRefusal = { status: 404, text: "PlanSource has no such subscriber", codes: [UNKNOWN.code] };
const LOST: OperationRefusal = {
  status: 502,
  text: "After a call without an answer: it may have been carried out",
  codes: ["outcome_unknown"],
};
const CREATED_PERHAPS = {
  unrepeatable: "and the subscriber may exist nevertheless; look for the subscriber_code before you send it again",
};
const DONE_PERHAPS = { unrepeatable: "and it may have been done; read the subscriber before you send it again" };

interface OfOne<B> {
  readonly parameters: { readonly id: string };
  readonly query: ByKey;
  readonly body: B;
}

/** In this order: `meta` is no id. */
export function subscriberOperations(calls: Calls): readonly Operation<PlanSourceSettings>[] {
  return [
    declare({
      id: "listSubscribers",
      method: "GET",
      path: "/subscribers",
      tag: TAG,
      summary: "One page of subscribers",
      query: PAGING,
      answer: { ...ANSWER, name: "Subscribers", schema: z.array(subscriber), example: [EXAMPLE] },
      refusals: ANY,
      run: async (asker, { query: { page, per_page, include_test, is_custom_id } }) => {
        const query = { page, per_page, include_test: withTests(asker, include_test) };
        return { body: await calls.rest(asker, is_custom_id, (rest) => rest.list(query)) };
      },
    }),
    declare({
      id: "createSubscriber",
      method: "POST",
      path: "/subscribers",
      tag: TAG,
      summary: "Creates a subscriber",
      description:
        "PlanSource creates a second subscriber where the `subscriber_code` is there already. Fields that are not described " +
        "are passed on as they are.",
      query: BY_KEY,
      body: { ...BODY, name: "NewSubscriber", schema: newSubscriber, example: NEW },
      answer: ANSWER,
      refusals: [...ANY, LOST],
      remembers: ({ body: { subscriber_code: code } }, answer) => [
        touchedIn(answer?.body) ?? (typeof code === "string" && code !== "" ? touchedBy(code, true) : ALL),
      ],
      run: async (asker, { query: { is_custom_id }, body }) => ({
        body: await calls.rest(asker, is_custom_id, (rest) => rest.create(body), CREATED_PERHAPS),
      }),
    }),
    declare({
      id: "bulkUpdateSubscribers",
      method: "PUT",
      path: "/subscribers",
      tag: TAG,
      summary: "Changes several subscribers",
      description:
        "Each row has an `id`, which is a `subscriber_code` with `is_custom_id`. A list is sent as the wrapper that PlanSource " +
        "takes. Where PlanSource names errors beside its `data`, the answer is the whole body.",
      query: BY_KEY,
      body: {
        ...BODY,
        name: "SubscribersChanges",
        schema: bulkChanges,
        example: [{ id: NEW.subscriber_code, ...CHANGES }],
        words: BULK_WORDS,
        smaller: "send fewer subscribers at once",
      },
      answer: { name: "SubscribersAnswer", schema: z.unknown(), description: "PlanSource's `data`, unchanged." },
      refusals: [...ANY, NOT_THERE],
      remembers: ({ query, body }, _answer, asker) => {
        const rows = "subscribers" in body ? body.subscribers : body;
        return rows.flatMap((row) => touchedWith(touchedBy(String(row["id"]), byCode(asker, query)), row));
      },
      run: async (asker, { query: { is_custom_id }, body }) => ({
        body: withErrors(await calls.rest(asker, is_custom_id, (rest) => rest.bulk(body))),
      }),
    }),
    declare({
      id: "subscriberMeta",
      method: "GET",
      path: "/subscribers/meta",
      tag: TAG,
      summary: "What this client requires and allows of each field",
      answer: {
        name: "SubscriberMeta",
        schema: z.record(z.string(), z.unknown()),
        description: "Field → whether it is required, may change, and its values, each with its label first.",
        example: { gender: { update: true, required: true, validation_data: [["Male", "M"]] } },
      },
      refusals: ANY,
      run: async (asker) => ({ body: await calls.rest(asker, undefined, (rest) => rest.meta()) }),
    }),
    declare({
      id: "getSubscriber",
      method: "GET",
      path: "/subscribers/{id}",
      tag: TAG,
      summary: "One subscriber",
      parameters: ID,
      query: BY_KEY,
      answer: ANSWER,
      refusals: [...ANY, NOT_THERE],
      run: async (asker, { parameters: { id }, query: { is_custom_id } }) => ({
        body: await calls.rest(asker, is_custom_id, (rest) => rest.read(id)),
      }),
    }),
    declare({
      id: "updateSubscriber",
      method: "PUT",
      path: "/subscribers/{id}",
      tag: TAG,
      summary: "Changes a subscriber",
      description: "Only the fields that are sent change; an empty text clears. There is no upsert.",
      parameters: ID,
      query: BY_KEY,
      body: { ...BODY, name: "SubscriberChanges", schema: subscriberChanges, example: CHANGES },
      answer: ANSWER,
      refusals: [...ANY, NOT_THERE],
      remembers: touchedOne,
      run: async (asker, { parameters: { id }, query: { is_custom_id }, body }) => {
        const fields = changesOf(body, id, byCode(asker, { is_custom_id }));
        return { body: await calls.rest(asker, is_custom_id, (rest) => rest.update(id, fields)) };
      },
    }),
    declare({
      id: "terminateSubscriber",
      method: "PUT",
      path: "/subscribers/{id}/terminate",
      tag: TAG,
      summary: "Ends the employment of an active subscriber",
      description: "`voluntary` is sent under the name that the connector's settings choose.",
      parameters: ID,
      query: BY_KEY,
      body: {
        ...BODY,
        name: "Termination",
        schema: termination,
        example: { termination_reason: "QUIT", termination_date: "2025-01-31", voluntary: true },
      },
      answer: ANSWER,
      refusals: [...ANY, NOT_THERE, LOST],
      remembers: touchedOne,
      run: async (asker, { parameters: { id }, query: { is_custom_id }, body }) => {
        const sent = flagNamed(asker.settings.terminationFlagName, body);
        return { body: await calls.rest(asker, is_custom_id, (rest) => rest.terminate(id, sent), DONE_PERHAPS) };
      },
    }),
    declare({
      id: "rehireSubscriber",
      method: "PUT",
      path: "/subscribers/{id}/rehire",
      tag: TAG,
      summary: "Takes a terminated subscriber back",
      description: "`hire_date` becomes the day of the rehire, and `original_hire_date` the former hire date.",
      parameters: ID,
      query: BY_KEY,
      body: { ...BODY, name: "Rehire", schema: rehire, example: { rehire_date: "2025-06-02" } },
      answer: ANSWER,
      refusals: [...ANY, NOT_THERE, LOST],
      remembers: touchedOne,
      run: async (asker, { parameters: { id }, query: { is_custom_id }, body }) => ({
        body: await calls.rest(asker, is_custom_id, (rest) => rest.rehire(id, body), DONE_PERHAPS),
      }),
    }),
  ];
}

function touchedOne<B>(
  { parameters, query, body }: OfOne<B>,
  answer: OperationAnswer | undefined,
  asker: Connected,
): readonly Touched[] {
  return touchedWith(touchedIn(answer?.body) ?? touchedBy(parameters.id, byCode(asker, query)), body);
}

/** A record that was read may be sent back with its id, if the address names it by that or by its code. */
function changesOf({ id, ...fields }: z.output<typeof subscriberChanges>, named: string, isCustomId: boolean): Fields {
  const names = [id, isCustomId ? fields["subscriber_code"] : undefined];
  if (id !== undefined && !names.some((each) => String(each) === named)) {
    throw badInput(BODY_WORDS, [{ path: ["id"], message: "differs from the id in the address" }]);
  }
  if (Object.keys(fields).length > 0) return fields;
  throw badInput(BODY_WORDS, [{ path: ["(body)"], message: "has no field to change" }]);
}

function flagNamed(name: "voluntary" | "volunatary", { voluntary, ...body }: z.output<typeof termination>): Fields {
  return voluntary === undefined || voluntary === null ? body : { ...body, [name]: voluntary };
}

/** What failed is told beside the data. */
function withErrors({ body, data }: Envelope): unknown {
  const errors = typeof body === "object" && body !== null && "errors" in body ? [body.errors ?? []].flat() : [];
  return errors.length > 0 || saysFailure(body) ? body : data;
}
