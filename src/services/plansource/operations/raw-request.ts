/** Any call below `/admin/v2` with the tenant's token, and its answer as it came. */
import { z } from "zod";
import { RemoteError } from "../../../http/errors";
import type { ResponseHeaders } from "../../../http/server-wait";
import { declare, OperationError, type Operation, type OperationAnswer } from "../../operations";
import { refusalsOf } from "../../interactive";
import type { PlanSourceApi } from "../api/client";
import type { PlanSourceSettings } from "../settings/settings";
import { PLANSOURCE, type Calls } from "./calls";
import { NOT_AN_ENDPOINT, partsOf, routeOf, templateOf, touchedAt } from "./endpoint";
import { ALL, touchedWith } from "./touched";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
const KEYS = "method, endpoint, query and body";

/** Half of a surrogate pair cannot be part of an address. */
const text = z.string("must be a text").refine((value) => value.isWellFormed(), "holds half a character");

const rawRequest = z.strictObject(
  {
    method: z.enum(METHODS, `must be one of ${METHODS.join(", ")}`),
    endpoint: z
      .string(NOT_AN_ENDPOINT)
      .refine((value) => partsOf(value) !== undefined, NOT_AN_ENDPOINT)
      .meta({ description: "A path below `/admin/v2`, without query; its first slash may be left out." }),
    query: z
      .record(
        text.meta({ description: "Repeated for each text of a list." }),
        z.union([text, z.array(text)], "must be a text or a list of texts"),
        "must be an object of texts",
      )
      .optional(),
    body: z.unknown().optional().meta({ description: "JSON; null counts as none." }),
  },
  { error: ({ code }) => (code === "unrecognized_keys" ? `has other keys than ${KEYS}` : "must be an object") },
);

type RawRequest = z.output<typeof rawRequest>;

const WORDS = {
  code: "invalid_request",
  problem: "The request cannot be sent",
  remedies: {
    "(body)": `Send a JSON object with ${KEYS} alone; the last two may be left out.`,
    method: "Send one of these methods in capital letters.",
    endpoint: "Send the path alone, and parameters in query.",
    query: 'Send an object of texts such as {"include_test": "true"}.',
  },
};

const UNKNOWN_OUTCOME = "and it may have been carried out nevertheless; look before you send it again";

/** What a caller needs of the headers; no cookies, nothing about the connection. */
const HEADERS = /^(?:content-type|retry-after|(?:x-)?(?:request|correlation)-?id)$/;

export function rawOperation(calls: Calls): Operation<PlanSourceSettings> {
  return declare({
    id: "rawRequest",
    method: "POST",
    path: "/request",
    tag: { name: "Raw request", description: "Any other call of PlanSource's Admin API, with the stored credentials." },
    summary: "Sends a request to PlanSource, and answers as PlanSource does",
    description:
      "The answer has PlanSource's own status and body. A redirect is not followed, and refused credentials are answered " +
      "with 502, so that they are not taken for a failed log-in.",
    body: {
      name: "RawRequest",
      schema: rawRequest,
      example: { method: "GET", endpoint: "/beneficiaries", query: { include_test: "true" } },
      words: WORDS,
      refused: "The request cannot be sent; `details` names each bad part",
      maxBytes: 1024 * 1024,
      smaller: "send fewer records at once",
    },
    answer: { name: "RawAnswer", schema: z.unknown(), description: "PlanSource's answer, whatever its status is." },
    refusals: [
      ...refusalsOf(PLANSOURCE).filter(({ status }) => status >= 500),
      { status: 502, text: "After a write without an answer: it may have been done", codes: ["outcome_unknown"] },
    ],
    confirm: {
      repeats: "the endpoint",
      falls: "Only PlanSource knows what goes with it.",
      value: ({ body: { method, endpoint } }) => (method === "DELETE" ? endpoint : undefined),
    },
    audited: ({ body: { method, endpoint } }) => ({ method, path: templateOf(partsOf(endpoint) ?? []) }),
    remembers: ({ body: { method, endpoint, query, body: fields } }, answer) => {
      if (method === "GET" || isRefusal(answer?.status)) return [];
      const parts = partsOf(endpoint) ?? [];
      const touched = touchedAt(parts, query?.["is_custom_id"]);
      const isGone = method === "DELETE" && parts.length === 2 && answer !== undefined && !isFailure(answer.status);
      return isGone && touched !== ALL ? [{ ...touched, gone: true }] : touchedWith(touched, fields);
    },
    run: (asker, { body }) => {
      const words = body.method === "GET" ? {} : { unrepeatable: UNKNOWN_OUTCOME };
      return calls.api(asker, (api) => sendRaw(api, body), words);
    },
  });
}

/** @throws RemoteError when there is no answer that can be passed on, OperationError for a redirect */
async function sendRaw(api: PlanSourceApi, { method, endpoint, query, body }: RawRequest): Promise<OperationAnswer> {
  try {
    const {
      status,
      headers,
      body: bytes,
    } = await api.request({
      method,
      ...routeOf(partsOf(endpoint) ?? []),
      query,
      // The client sends a text as it is.
      body: typeof body === "string" ? JSON.stringify(body) : (body ?? undefined),
      expect: "bytes",
      priority: "interactive",
    });
    return { status, headers: shownOf(headers), body: bytes };
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    const { status, headers, answer } = error;
    if (status === undefined || headers === undefined || status === 401 || status === 403) throw error;
    if (status < 400) throw redirected(method, error);
    return { status, headers: shownOf(headers), body: answer };
  }
}

/** A redirect may be the answer to a write that was done. */
function redirected(method: string, cause: RemoteError): OperationError {
  const mayHaveActed = method !== "GET";
  const then = mayHaveActed ? `, ${UNKNOWN_OUTCOME}` : "";
  const message = `PlanSource answered with a redirect (${cause.status}), which is not followed${then}.`;
  return new OperationError(502, `${PLANSOURCE.name}_unavailable`, message, { cause, mayHaveActed });
}

function shownOf(headers: ResponseHeaders): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => HEADERS.test(name)));
}

const isFailure = (status = 200): boolean => status >= 400;

/** PlanSource says that it did nothing. */
const isRefusal = (status = 200): boolean => status >= 400 && status < 500;
