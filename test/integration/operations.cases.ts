/** A made-up service with an operation of every kind, and what becomes of calls of it. */
import { z } from "zod";
import { classify, RemoteError } from "../../src/http/errors";
import { flagParameter, pathIdParameter } from "../../src/input";
import { badInput, type Operation, type OperationAnswer, type Touched } from "../../src/services/operations";
import { refusalsOf, served, type ServiceWords } from "../../src/services/interactive";
import type { FakeSettings } from "../unit/engine/fake-service";
import type { LoggedIn } from "./edge";

/** What an operation got, and what comes of it. */
export interface Script {
  readonly ran: { readonly id: string; readonly asker: unknown; readonly input: unknown }[];
  next: OperationAnswer | Error;
}

const TAG = { name: "Things", description: "All that there is." };
const WORDS: ServiceWords = {
  name: "acme",
  title: "Acme",
  refused: (status, words) => (status === 401 ? `Enter another key. ${words}.` : "Grant the key this right."),
  wordsIn: (body) => String(body),
};
const ANY = refusalsOf(WORDS);
const unknownOutcome = { status: 502, text: "It may exist nevertheless", codes: ["outcome_unknown"] } as const;

const thing = z.looseObject({ id: z.string() });
const THING = { name: "Thing", schema: thing, description: "One thing.", example: { id: "t1" } };
const ID = {
  schema: z.object({ id: pathIdParameter.meta({ description: "Of a thing." }) }),
  words: { code: "invalid_id", problem: "The address names no thing", remedies: {} },
  refused: "The path names no thing",
};
const body = <T>(name: string, schema: z.ZodType<T>, example: unknown) => ({
  name,
  schema,
  example,
  words: { code: "invalid_thing", problem: "The thing cannot be sent", remedies: { size: "Send a number." } },
  refused: "The thing cannot be sent",
  maxBytes: 1_000,
  smaller: "send a smaller thing",
});
const texts = z
  .union([z.string(), z.array(z.string())])
  .transform((given) => [given].flat())
  .optional();
const raw = z.strictObject({ method: z.enum(["GET", "DELETE"]), endpoint: z.string() });

const declare = <P, Q, B>(operation: Operation<FakeSettings, P, Q, B>): Operation<FakeSettings> => operation;

export function madeUpOperations(script: Script): readonly Operation<FakeSettings>[] {
  const run =
    (id: string, call = {}) =>
    (asker: unknown, input: unknown): Promise<OperationAnswer> =>
      served(
        WORDS,
        () => {
          script.ran.push({ id, asker, input });
          return script.next instanceof Error ? Promise.reject(script.next) : Promise.resolve(script.next);
        },
        call,
      );
  const missing = { missing: { code: "thing_not_found", thing: "thing" } };
  const notFound = { status: 404, text: "There is no such thing", codes: ["thing_not_found"] } as const;
  return [
    declare({
      id: "listThings",
      method: "GET",
      path: "/things",
      tag: TAG,
      summary: "Lists",
      query: { schema: z.object({ tag: texts, all: flagParameter }), remedies: { all: "Send all=1." } },
      answer: { name: "Things", schema: z.array(thing), description: "All." },
      refusals: ANY,
      run: run("listThings"),
    }),
    declare({
      id: "createThing",
      method: "POST",
      path: "/things",
      tag: TAG,
      summary: "Creates",
      body: body("NewThing", z.looseObject({ size: z.number("must be a number") }), { size: 1 }),
      answer: { ...THING, status: 201 },
      refusals: [...ANY, unknownOutcome],
      remembers: (_input, answer) => [{ type: "things", ...(answer?.body as { id?: string } | undefined) }],
      run: run("createThing", { unrepeatable: "and it may exist nevertheless; look first" }),
    }),
    declare({
      id: "readMeta",
      method: "GET",
      path: "/things/meta",
      tag: TAG,
      summary: "What things are like",
      answer: THING,
      refusals: ANY,
      run: run("readMeta"),
    }),
    declare({
      id: "readThing",
      method: "GET",
      path: "/things/{id}",
      tag: TAG,
      summary: "Reads",
      parameters: ID,
      answer: THING,
      refusals: [...ANY, notFound],
      run: run("readThing", missing),
    }),
    declare({
      id: "changeThing",
      method: "PUT",
      path: "/things/{id}",
      tag: TAG,
      summary: "Changes",
      parameters: ID,
      query: { schema: z.object({ all: flagParameter }), remedies: {} },
      body: body("ThingChanges", z.looseObject({ size: z.number("must be a number").optional() }), { size: 2 }),
      answer: THING,
      refusals: [...ANY, notFound],
      remembers: ({ parameters: { id } }) => [{ type: "things", id }],
      run: async (asker, input) => {
        const problem = { path: ["size"], message: "is what it is already" };
        if (input.body.size === 0) throw badInput({ code: "invalid_thing", problem: "No", remedies: {} }, [problem]);
        return run("changeThing", missing)(asker, input);
      },
    }),
    declare({
      id: "deleteThing",
      method: "DELETE",
      path: "/things/{id}",
      tag: TAG,
      summary: "Deletes",
      parameters: ID,
      answer: { ...THING, status: 204 },
      refusals: [...ANY, notFound],
      confirm: { repeats: "the id in the path", falls: "Its parts go with it.", value: ({ parameters: { id } }) => id },
      remembers: ({ parameters: { id } }, answer) => [{ type: "things", id, gone: answer !== undefined }],
      run: run("deleteThing", missing),
    }),
    declare({
      id: "sendRequest",
      method: "POST",
      path: "/request",
      tag: TAG,
      summary: "Anything else",
      body: body("RawRequest", raw, { method: "GET", endpoint: "/things" }),
      answer: { name: "RawAnswer", schema: z.unknown(), description: "As it came." },
      refusals: ANY,
      confirm: {
        repeats: "the endpoint",
        falls: "Nobody knows what goes with it.",
        value: ({ body: { method, endpoint } }) => (method === "DELETE" ? endpoint : undefined),
      },
      audited: ({ body: { method, endpoint } }) => ({ method, path: endpoint.replace(/\d+/, ":id") }),
      remembers: ({ body: { method } }) => (method === "GET" ? [] : [{ type: "things" }]),
      run: run("sendRequest"),
    }),
  ];
}

/** The service says so. */
const says = (status: number, method = "GET"): RemoteError =>
  new RemoteError({
    system: "acme",
    method,
    route: "/things",
    status,
    body: `It is ${status}`,
    ...classify(status, {}, 0),
  });

export interface Case {
  readonly name: string;
  readonly asked: LoggedIn & { readonly path: string };
  /** What the service does; a thing by default. */
  readonly next?: OperationAnswer | Error;
  /** Status, and the code of an error. */
  readonly answer: string;
  /** The operation that ran, and what it got. */
  readonly ran?: readonly [id: string, input: object];
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | null>>;
  /** Part of an error's message. */
  readonly says?: string;
  /** Operation, method, path and status of the audit line. */
  readonly audit?: readonly [string, string, string, number];
  readonly remembered?: readonly Touched[];
}

const THINGS = "/things";
const ONE = "/things/{id}";
const size = { size: 3, unheardOf: ["x"] };
const send = (method: string, path: string, sent: unknown = size, query = "") => ({ method, path, query, body: sent });

const served200: readonly Case[] = [
  {
    name: "a query may repeat a key",
    asked: { path: THINGS, query: "tag=a&tag=b%20c&all=1" },
    answer: "200",
    ran: ["listThings", { query: { tag: ["a", "b c"], all: true } }],
    body: { id: "t1" },
  },
  {
    name: "a query may be left out",
    asked: { path: THINGS },
    answer: "200",
    ran: ["listThings", { query: { all: false } }],
  },
  { name: "HEAD is GET without a body", asked: { path: THINGS, method: "HEAD" }, answer: "200" },
  {
    name: "a create has the status of its declaration",
    asked: send("POST", THINGS),
    answer: "201",
    ran: ["createThing", { body: size }],
    audit: ["createThing", "POST", THINGS, 201],
    remembered: [{ type: "things", id: "t1" }],
  },
  { name: "the path declared first counts", asked: { path: "/things/meta" }, answer: "200", ran: ["readMeta", {}] },
  {
    name: "an id is read from the path",
    asked: { path: "/things/a%20b".replace("%20", "+") },
    answer: "200",
    ran: ["readThing", { parameters: { id: "a+b" } }],
  },
  {
    name: "path, query and body come together",
    asked: send("PUT", "/things/7", size, "all=1"),
    answer: "200",
    ran: ["changeThing", { parameters: { id: "7" }, query: { all: true }, body: size }],
    audit: ["changeThing", "PUT", ONE, 200],
    remembered: [{ type: "things", id: "7" }],
  },
  {
    name: "what is confirmed is destroyed",
    asked: { method: "DELETE", path: "/things/7", query: "confirm=7" },
    next: {},
    answer: "204",
    ran: ["deleteThing", { parameters: { id: "7" } }],
    body: "",
    audit: ["deleteThing", "DELETE", ONE, 204],
    remembered: [{ type: "things", id: "7", gone: true }],
  },
];

const passedOn: readonly Case[] = [
  {
    name: "status, headers and bytes of the service are passed on, and no page runs",
    asked: send("POST", "/request", { method: "GET", endpoint: "things/12" }),
    next: {
      status: 418,
      headers: { "content-type": "text/html", "x-request-id": "r1", "cache-control": "public" },
      body: Buffer.from("<b>7</b>"),
    },
    answer: "418",
    body: "<b>7</b>",
    headers: {
      "content-type": "text/html",
      "x-request-id": "r1",
      "content-security-policy": "default-src 'none'; sandbox",
    },
    audit: ["sendRequest", "GET", "things/:id", 418],
  },
  {
    name: "what a request destroys is confirmed",
    asked: send("POST", "/request", { method: "DELETE", endpoint: "/things/12" }, "confirm=/things/12"),
    answer: "200",
    audit: ["sendRequest", "DELETE", "/things/:id", 200],
    remembered: [{ type: "things" }],
  },
];

const refusedHere: readonly Case[] = [
  {
    name: "a bad query",
    asked: { path: THINGS, query: "all=perhaps" },
    answer: "400 invalid_query",
    says: "Send all=1.",
  },
  { name: "a bad id", asked: { path: "/things/a%2fb" }, answer: "400 invalid_id", says: "id must have" },
  {
    name: "a bad body",
    asked: send("POST", THINGS, { size: "large" }),
    answer: "400 invalid_thing",
    says: "size must be a number. Send a number.",
    audit: ["createThing", "POST", THINGS, 400],
  },
  {
    name: "other keys than the declared ones",
    asked: send("POST", "/request", { method: "GET", endpoint: "/things", host: "evil.example" }),
    answer: "400 invalid_thing",
    audit: ["sendRequest", "POST", "/request", 400],
  },
  {
    name: "what only the operation can see",
    asked: send("PUT", "/things/7", { size: 0 }),
    answer: "400 invalid_thing",
    says: "No: size is what it is already.",
    audit: ["changeThing", "PUT", ONE, 400],
  },
  {
    name: "a large body",
    asked: send("POST", THINGS, { size: 1, note: "x".repeat(1_000) }),
    answer: "413 too_large",
    says: "send a smaller thing",
    audit: ["createThing", "POST", THINGS, 413],
  },
  {
    name: "a form",
    asked: { ...send("POST", THINGS, "size=1"), headers: { "content-type": "application/x-www-form-urlencoded" } },
    answer: "415 unsupported_media_type",
    audit: ["createThing", "POST", THINGS, 415],
  },
  {
    name: "a page of another site",
    asked: { ...send("POST", THINGS), headers: { "sec-fetch-site": "cross-site" } },
    answer: "403 other_site",
  },
  {
    name: "a wrong log-in",
    asked: { ...send("POST", THINGS), login: { id: "5f", secret: "x" } },
    answer: "401 connector_not_found",
  },
  {
    name: "destroying without a word",
    asked: { method: "DELETE", path: "/things/7" },
    answer: "400 not_confirmed",
    says: "This cannot be undone: confirm is missing. Send confirm=7 if it is meant. Its parts go with it.",
    audit: ["deleteThing", "DELETE", ONE, 400],
  },
  ...["confirm=8", "confirm=7&confirm=7", "confirm="].map((query) => ({
    name: `destroying with ${query}`,
    asked: { method: "DELETE", path: "/things/7", query },
    answer: "400 not_confirmed",
    says: "confirm does not repeat the id in the path.",
    audit: ["deleteThing", "DELETE", ONE, 400] as const,
  })),
  {
    name: "a request that destroys without a word",
    asked: send("POST", "/request", { method: "DELETE", endpoint: "/things/12" }),
    answer: "400 not_confirmed",
    says: "confirm=%2Fthings%2F12",
    audit: ["sendRequest", "DELETE", "/things/:id", 400],
  },
  {
    name: "another method",
    asked: { method: "PATCH", path: "/things/7" },
    answer: "405 method_not_allowed",
    headers: { allow: "GET, HEAD, PUT, DELETE" },
  },
  {
    name: "a method that only the less exact path takes",
    asked: send("PUT", "/things/meta"),
    answer: "405 method_not_allowed",
    headers: { allow: "GET, HEAD" },
  },
];

const trouble = (status: number, answer: string, text: string, more: Partial<Case> = {}): Case => ({
  name: `${status} of the service to ${more.asked?.method ?? "a read"}`,
  asked: { path: "/things/7" },
  next: says(status, more.asked?.method),
  answer,
  says: text,
  ...more,
});

const atTheService: readonly Case[] = [
  trouble(401, "502 acme_token_refused", "Enter another key. It is 401."),
  trouble(403, "502 acme_token_refused", "Grant the key this right."),
  trouble(404, "404 thing_not_found", "Acme has no such thing: It is 404."),
  trouble(409, "409 refused_by_acme", "Acme refuses it: It is 409."),
  trouble(302, "502 acme_unavailable", "Acme gave no usable answer; try again later."),
  trouble(500, "502 acme_unavailable", "Acme gave no usable answer; try again later."),
  trouble(429, "503 acme_busy", "No further calls to Acme", { headers: { "retry-after": "15" } }),
  trouble(404, "404 refused_by_acme", "It is 404.", { asked: { path: THINGS } }),
  trouble(422, "422 refused_by_acme", "It is 422.", {
    asked: send("POST", THINGS),
    audit: ["createThing", "POST", THINGS, 422],
  }),
  trouble(503, "502 outcome_unknown", "and it may exist nevertheless; look first.", {
    asked: send("POST", THINGS),
    audit: ["createThing", "POST", THINGS, 502],
    remembered: [{ type: "things" }],
  }),
  trouble(503, "502 acme_unavailable", "try again later", {
    asked: { method: "DELETE", path: "/things/7", query: "confirm=7" },
    audit: ["deleteThing", "DELETE", ONE, 502],
    remembered: [{ type: "things", id: "7", gone: false }],
  }),
  trouble(404, "404 thing_not_found", "It is 404.", {
    name: "404 to the read that follows a write",
    asked: send("PUT", "/things/7"),
    next: says(404),
    audit: ["changeThing", "PUT", ONE, 404],
    remembered: [{ type: "things", id: "7" }],
  }),
  {
    name: "a fault of the program",
    asked: send("PUT", "/things/7"),
    next: new TypeError("not a function"),
    answer: "503 internal",
    audit: ["changeThing", "PUT", ONE, 503],
    remembered: [{ type: "things", id: "7" }],
  },
];

export const CASES: Readonly<Record<string, readonly Case[]>> = {
  "what is served": served200,
  "answers pass": passedOn,
  "what is refused before anything is sent": refusedHere,
  "trouble at the service": atTheService,
};
