/** What all parts share: errors and log-ins. */
import { z } from "zod";
import { organizationQuery } from "../middleware/organization";
import { inQuery, type Piece } from "./part";

const flowControl = z
  .object({
    type: z.enum(["next", "retry"]).meta({ description: "next: taken. retry: send it again." }),
    size: z.int().meta({ description: "Messages per shipment." }),
    in: z.int().meta({ description: "Milliseconds until the next shipment." }),
    in_time: z.int().meta({ description: "Longest wait for a shipment to fill, milliseconds." }),
  })
  .meta({ description: "How Hull should go on, and how fast." });

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

const problemAnswer = z
  .object({
    type: z.literal("about:blank").meta({ description: "There is no page about it: the code says what it is." }),
    title: z.string().meta({ description: "Of the status." }),
    status: z.int(),
    detail: z.string().meta({ description: "For people: what is wrong and what to do." }),
    instance: z.string().optional().meta({ description: "The id of the request, if it is a UUID: `urn:uuid:…`." }),
    code: z.string().meta({ description: "For programs." }),
    request_id: z.string().meta({ description: "As in the header `X-Request-Id`." }),
    details: details.optional(),
  })
  .meta({ description: "RFC 9457, for whoever asks with `Accept: application/problem+json`." });

export const commonSchemas = { FlowControl: flowControl, Error: errorAnswer, Problem: problemAnswer };

const inHeader = (description: string): Piece => ({ description, schema: { type: "string" } });

/** Headers that many answers have, for `components.headers`. */
export const HEADERS = {
  RequestId: inHeader(
    "The request's id, also in the log: that of the header `X-Request-Id` of the request if it has 1 to 128 letters, digits or . _ ~ -, otherwise a UUID.",
  ),
  RateLimit: inHeader(
    'What is left (`r`), and in how many seconds all of it is there again (`t`): of `"failed-log-ins"`, where the log-in had to be checked; of `"service-requests"`, where the call makes them.',
  ),
  RateLimitPolicy: inHeader("How many there may be (`q`) within a window of so many seconds (`w`)."),
} as const satisfies Readonly<Record<string, Piece>>;

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
  token: inAddress("hullToken", "Instead of the three: a token of this server; `token` is another name for it."),
  metricsToken: { type: "http", scheme: "bearer", description: "METRICS_TOKEN of the server, if it has one." },
  adminToken: { type: "http", scheme: "bearer", description: "ADMIN_TOKEN of the server, if it has one." },
  adminPassword: { type: "http", scheme: "basic", description: "Any user name, and ADMIN_TOKEN as password." },
} as const satisfies Readonly<Record<string, Piece>>;

/** The log-in of the internal API. */
export const BY_LOGIN: readonly Piece[] = [{ connector: [] }];
/** Credentials in the address. */
export const BY_QUERY: readonly Piece[] = [{ organization: [], ship: [], secret: [] }, { token: [] }];
/** The token of whoever runs the server. */
export const BY_ADMIN: readonly Piece[] = [{ adminToken: [] }, { adminPassword: [] }];
export const FOR_ALL: readonly Piece[] = [];

/** `org`, which belongs to the log-in. */
export const ORGANIZATION: readonly Piece[] = inQuery(organizationQuery);
