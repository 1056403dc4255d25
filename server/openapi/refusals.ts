/** What the routes refuse, as described: the status, its meaning for people, its codes for programs. */
import { isDeepStrictEqual } from "node:util";
import groupBy from "lodash/groupBy";
import mapKeys from "lodash/mapKeys";
import mapValues from "lodash/mapValues";
import { RETRY, RETRY_LATER, SMALLER, type FlowControl } from "../flow-control";
import type { ErrorDetail } from "../../src/input";
import { PROBLEM, type ErrorStatus } from "../http-error";
import { ref, type Piece } from "./part";

export interface Refusal {
  readonly status: ErrorStatus;
  /** A sentence without its full stop. */
  readonly text: string;
  /** Each is the `code` of an error. */
  readonly codes: readonly string[];
  readonly headers?: Piece;
  readonly example?: Piece;
}

/** A refusal that only some routes have. @param text a sentence without its full stop */
export function refusal(status: ErrorStatus, text: string, ...codes: readonly string[]): Refusal {
  return { status, text, codes };
}

/** The same with the time after which it is worth trying again. */
export const refusalForNow = (...given: Parameters<typeof refusal>): Refusal => ({
  ...refusal(...given),
  headers: RETRY_AFTER,
});

/** Behind the name of a shared response. */
const OR_PROBLEM = "OrProblem";

const RETRY_AFTER = {
  "Retry-After": { description: "Seconds until it is worth trying again.", schema: { type: "integer" } },
};

const CHALLENGE = { "WWW-Authenticate": { description: "How to log in.", schema: { type: "string" } } };

export function errorExample(
  code: string,
  message: string,
  flow_control: FlowControl = RETRY_LATER,
  ...details: readonly ErrorDetail[]
): Piece {
  return { flow_control, error: { code, message, details: details.length === 0 ? undefined : details } };
}

const LIMIT = {
  path: "limit",
  message: "must be a whole number from 1 to 100",
  remedy: "Say how many runs you want, 100 at most, or leave it out.",
};

/** Refusals that several groups of routes share. */
const SHARED = {
  BadQuery: {
    status: 400,
    text: "The query cannot be read; `details` names each bad parameter",
    codes: ["invalid_query"],
    example: errorExample(
      "invalid_query",
      `The query cannot be read: ${LIMIT.path} ${LIMIT.message}. ${LIMIT.remedy}`,
      RETRY_LATER,
      LIMIT,
    ),
  },
  BadPath: { status: 400, text: "The path cannot be read", codes: ["unreadable_path"] },
  BadBody: {
    status: 400,
    text: "The body cannot be read",
    codes: ["malformed_json", "too_deep", "unsupported_encoding", "unreadable", "aborted"],
    example: errorExample("malformed_json", "The body is not JSON; post a JSON object."),
  },
  NoOrganization: { status: 400, text: "`org` names no organization", codes: ["invalid_organization"] },
  NoCredentials: {
    status: 400,
    text: "Credentials in the address are missing or cannot be read",
    codes: ["unreadable_credentials"],
  },
  LoginRefused: {
    status: 401,
    text: "No log-in, or Hull refuses it",
    codes: [
      "missing_credentials",
      "malformed_credentials",
      "wrong_credentials",
      "connector_not_found",
      "other_connector",
    ],
    headers: CHALLENGE,
    example: errorExample("wrong_credentials", "Hull refuses the connector's id and secret."),
  },
  AdminRefused: {
    status: 401,
    text: "The token is missing or wrong",
    codes: ["missing_credentials", "wrong_credentials"],
    headers: CHALLENGE,
    example: errorExample("wrong_credentials", "This is not the server's ADMIN_TOKEN."),
  },
  Unauthorised: {
    status: 401,
    text: "Hull does not confirm who is asking, or the organization may not use this connector",
    codes: ["malformed_credentials", "organization_not_allowed", "wrong_credentials", "other_connector"],
  },
  BadToken: {
    status: 401,
    text: "The token in the address is not valid",
    codes: ["invalid_token", "expired_token"],
  },
  OrganizationDisabled: {
    status: 402,
    text: "Hull says that the organization is disabled",
    codes: ["organization_disabled"],
  },
  OtherKind: { status: 403, text: "The connector is of another kind", codes: ["other_kind"] },
  Forbidden: {
    status: 403,
    text: "The organization may not use this connector, or Hull has disabled it; or the connector is of another kind",
    codes: ["organization_not_allowed", "organization_disabled", "other_kind"],
  },
  OtherSite: { status: 403, text: "A page of another site asks for a change", codes: ["other_site"] },
  UnknownConnector: { status: 404, text: "Hull does not know the connector", codes: ["connector_not_found"] },
  NotFound: { status: 404, text: "There is no such file", codes: ["not_found"] },
  OtherMethod: {
    status: 405,
    text: "This path takes other methods",
    codes: ["method_not_allowed"],
    headers: { Allow: { description: "The methods that it takes.", schema: { type: "string" } } },
  },
  TooSlow: {
    status: 408,
    text: "The body did not arrive in time; the connection is closed",
    codes: ["too_slow"],
    example: errorExample("too_slow", "The body did not arrive within 15 s; send it again, or less at a time.", RETRY),
  },
  TooLarge: {
    status: 413,
    text: "The body is larger, or contains more, than is accepted; send less at a time",
    codes: ["too_large"],
    example: errorExample(
      "too_large",
      "The body holds too many values; send less at a time, such as fewer messages per shipment.",
      SMALLER,
    ),
  },
  TooManyAttempts: {
    status: 429,
    text: "Too many failed log-ins from this address; wait before the next one",
    codes: ["too_many_attempts"],
    headers: RETRY_AFTER,
    example: errorExample("too_many_attempts", "Too many failed log-ins; wait before the next one.", RETRY),
  },
  Unavailable: {
    status: 503,
    text: "Hull could not be asked to confirm the credentials; try again",
    codes: ["unavailable"],
    headers: RETRY_AFTER,
    example: errorExample(
      "unavailable",
      "Hull could not be asked whether the credentials are right. Try again.",
      RETRY,
    ),
  },
  Busy: {
    status: 503,
    text: "Too much is being received at the moment; try again",
    codes: ["busy"],
    headers: RETRY_AFTER,
    example: errorExample("busy", "Too much is being received at the moment; send it again.", RETRY),
  },
  Broken: {
    status: 503,
    text: "Something broke on our side, the disk is full, or Redis is lost; try again",
    codes: ["internal", "disk_full", "store_lost"],
  },
} as const satisfies Readonly<Record<string, Refusal>>;

type Shared = keyof typeof SHARED;

/** Refusals of every route behind the log-in. */
export const LOGIN_REFUSALS = [
  "NoOrganization",
  "LoginRefused",
  "Forbidden",
  "TooManyAttempts",
  "Unavailable",
  "Broken",
] as const satisfies readonly Shared[];

/** Refusals of every route with credentials in the query. */
export const QUERY_REFUSALS = [
  "NoCredentials",
  "Unauthorised",
  "BadToken",
  "OrganizationDisabled",
  "OtherKind",
  "UnknownConnector",
  "TooManyAttempts",
  "Unavailable",
] as const satisfies readonly Shared[];

/** Refusals of every route that reads a body in JSON. */
export const BODY_REFUSALS = ["BadBody", "TooSlow", "TooLarge", "Busy"] as const satisfies readonly Shared[];

const PLAIN: Readonly<Record<string, Piece>> = mapValues(SHARED, (refusal) => responseOf([refusal]));

const PROBLEMS = mapKeys(mapValues(PLAIN, orProblem), (_response, name) => name + OR_PROBLEM);

/** For `components.responses`: each as Hull reads it, and once more for those who may ask for a problem document. */
export const SHARED_RESPONSES: Readonly<Record<string, Piece>> = { ...PLAIN, ...PROBLEMS };

/** Whether a shared response is that of routes behind a log-in. */
export const isForLogins = (name: string): boolean => name in PROBLEMS;

/** Responses of an operation that refuses in these ways; refusals with the same status become one response. */
export function refusals(...given: readonly (Shared | Refusal)[]): Readonly<Record<string, Piece>> {
  return mapValues(
    groupBy(given, (each) => refusalOf(each).status),
    (alike) => {
      const [only, ...others] = alike;
      const isShared = typeof only === "string" && others.length === 0;
      return isShared ? { $ref: `#/components/responses/${only}` } : responseOf(alike.map(refusalOf));
    },
  );
}

function refusalOf(given: Shared | Refusal): Refusal {
  return typeof given === "string" ? SHARED[given] : given;
}

/** @param alike refusals with the same status */
function responseOf(alike: readonly Refusal[]): Piece {
  const codes = [...new Set(alike.flatMap((each) => each.codes))];
  const headers: Piece = Object.fromEntries(alike.flatMap((each) => Object.entries(each.headers ?? {})));
  const example = alike.find((each) => each.example !== undefined)?.example;
  const schema = { allOf: [ref("Error"), { properties: { error: { properties: { code: { enum: codes } } } } }] };
  return {
    description: alike.map(sentenceOf).join(" "),
    headers: Object.keys(headers).length === 0 ? undefined : headers,
    content: { "application/json": { schema, example } },
  };
}

/** A response that is a refusal may be asked for as a problem document. */
export function orProblem(response: Piece): Piece {
  const { $ref: target, content } = response;
  if (typeof target === "string") return { $ref: target + OR_PROBLEM };
  const { "application/json": json } = (content ?? {}) as { readonly "application/json"?: { readonly schema: Piece } };
  const narrowed = json?.schema["allOf"];
  if (!Array.isArray(narrowed) || !isDeepStrictEqual(narrowed[0], ref("Error"))) return response;
  const { properties } = narrowed[1] as { readonly properties: { readonly error: Piece } };
  return {
    ...response,
    content: { ...(content as Piece), [PROBLEM]: { schema: { allOf: [ref("Problem"), properties.error] } } },
  };
}

function sentenceOf({ text, codes }: Refusal): string {
  return `${text} (${codes.map((code) => `\`${code}\``).join(", ")}).`;
}
