/** What all parts share: how errors look, which there are, and how one logs in. */
import { z } from "zod";
import { organizationQuery } from "../middleware/basic-auth";
import { answer, inQuery, type Piece } from "./part";

const flowControl = z
  .object({
    type: z.enum(["next", "retry"]).meta({ description: "next: taken. retry: send it again." }),
    size: z.int().meta({ description: "Messages per shipment." }),
    in: z.int().meta({ description: "Milliseconds until the next shipment." }),
    in_time: z.int().meta({ description: "Longest wait for a shipment to fill, milliseconds." }),
  })
  .meta({ description: "What Hull is told about the pace." });

const details = z.array(
  z.object({
    path: z.string().meta({ description: "The field that is wrong." }),
    message: z.string(),
    remedy: z.string().meta({ description: "What the sender can do." }),
  }),
);

const errorAnswer = z.object({
  flow_control: flowControl,
  error: z.object({
    code: z.string().meta({ description: "For programs." }),
    message: z.string().meta({ description: "For people: what is wrong and what to do." }),
    details: details.optional(),
  }),
});

export const commonSchemas = { FlowControl: flowControl, Error: errorAnswer };

const RETRY_AFTER = {
  "Retry-After": { description: "Seconds until it is worth trying again.", schema: { type: "integer" } },
};

const CHALLENGE = { "WWW-Authenticate": { description: "How to log in.", schema: { type: "string" } } };

const example = (code: string, message: string, ...found: readonly Piece[]): Piece => ({
  flow_control: { type: "retry", size: 100, in: 60_000, in_time: 60_000 },
  error: { code, message, ...(found.length === 0 ? {} : { details: found }) },
});

/** Answers that many routes may give. */
export const REFUSALS = {
  BadRequest: answer(
    "Something cannot be read; `details` names it.",
    "Error",
    example(
      "invalid_query",
      "The query cannot be read: limit must be a whole number from 1 to 100. Say how many runs you want, 100 at most, or leave it out.",
      {
        path: "limit",
        message: "must be a whole number from 1 to 100",
        remedy: "Say how many runs you want, 100 at most, or leave it out.",
      },
    ),
  ),
  LoginRefused: {
    ...answer(
      "No log-in, or Hull refuses it.",
      "Error",
      example("wrong_credentials", "Hull refuses the connector's id and secret."),
    ),
    headers: CHALLENGE,
  },
  Unauthorised: answer("Hull does not confirm who is asking.", "Error"),
  OrganizationDisabled: answer("Hull says that the organization is disabled.", "Error"),
  Forbidden: answer(
    "The organization may not use this connector, or Hull has disabled it; or the connector is of another kind; or a page of another site asks for a change.",
    "Error",
  ),
  NotFound: answer("The connector has none such, or somebody else has it.", "Error"),
  UnknownConnector: answer("Hull does not know the connector.", "Error"),
  OtherMethod: {
    ...answer("This path takes other methods.", "Error"),
    headers: { Allow: { description: "Those that it takes.", schema: { type: "string" } } },
  },
  NotReady: answer("The connector's settings cannot be used yet, or Planhat sees a conflict.", "Error"),
  TooLarge: answer("The body is larger than is read; send less at a time.", "Error"),
  OtherContent: answer("The body is something else than JSON.", "Error"),
  Unprocessable: answer("Planhat understands the body and refuses it.", "Error"),
  TooManyAttempts: {
    ...answer("Too many failed log-ins; wait before the next one.", "Error"),
    headers: RETRY_AFTER,
  },
  BadAnswer: answer("Planhat refuses the stored token, or gives no usable answer.", "Error"),
  Unavailable: {
    ...answer(
      "Time heals it: Hull could not be asked, too much waits, Planhat was too slow, or something broke.",
      "Error",
    ),
    headers: RETRY_AFTER,
  },
} as const satisfies Readonly<Record<string, Piece>>;

const STATUS = {
  BadRequest: 400,
  LoginRefused: 401,
  Unauthorised: 401,
  OrganizationDisabled: 402,
  Forbidden: 403,
  NotFound: 404,
  UnknownConnector: 404,
  OtherMethod: 405,
  NotReady: 409,
  TooLarge: 413,
  OtherContent: 415,
  Unprocessable: 422,
  TooManyAttempts: 429,
  BadAnswer: 502,
  Unavailable: 503,
} as const satisfies Record<keyof typeof REFUSALS, number>;

/** Responses of an operation that refuses in these ways. */
export function refusals(...names: readonly (keyof typeof REFUSALS)[]): Readonly<Record<string, Piece>> {
  return Object.fromEntries(names.map((name) => [STATUS[name], { $ref: `#/components/responses/${name}` }]));
}

/** Refusals of every route behind the log-in. */
export const LOGIN_REFUSALS = ["BadRequest", "LoginRefused", "Forbidden", "TooManyAttempts", "Unavailable"] as const;

/** Refusals of every route with credentials in the query. */
export const QUERY_REFUSALS = [
  "BadRequest",
  "Unauthorised",
  "OrganizationDisabled",
  "UnknownConnector",
  "Unavailable",
] as const;

const inAddress = (name: string, description: string): Piece => ({ type: "apiKey", in: "query", name, description });

export const SECURITY_SCHEMES = {
  connector: {
    type: "http",
    scheme: "basic",
    description: "The connector's id as user, its secret as password; the organization goes into `org`.",
  },
  organization: inAddress("organization", "The host name of the Hull organization."),
  ship: inAddress("ship", "The connector's id; `id` is another name for it."),
  secret: inAddress("secret", "The connector's secret."),
  token: inAddress("hullToken", "In the place of the three: a token of this server; `token` is another name for it."),
  metricsToken: { type: "http", scheme: "bearer", description: "METRICS_TOKEN of the server, if it has one." },
} as const satisfies Readonly<Record<string, Piece>>;

/** The log-in of the internal API. */
export const BY_LOGIN: readonly Piece[] = [{ connector: [] }];
/** Credentials in the address. */
export const BY_QUERY: readonly Piece[] = [{ organization: [], ship: [], secret: [] }, { token: [] }];
export const FOR_ALL: readonly Piece[] = [];

/** `org`, which belongs to the log-in. */
export const ORGANIZATION: readonly Piece[] = inQuery(organizationQuery);
