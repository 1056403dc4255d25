/** `/api/internal/users` as data: what Planhat does, what is asked, and what comes back. */
import type { FaultRule } from "../../simulators/loopback";
import type { PlanhatSwitches } from "../../simulators/planhat";
import { TOKEN } from "../harness";
import { ANN, type Asking } from "./users-api";

export interface Case {
  readonly name: string;
  readonly fault?: FaultRule;
  readonly switches?: Partial<PlanhatSwitches>;
  readonly asked: Asking;
  readonly answer: {
    readonly status: number;
    /** Of an error. */
    readonly code?: string;
    /** Fields that an error names. */
    readonly fields?: readonly string[];
    /** Part of an error's message. */
    readonly says?: string;
    /** Part of the body. */
    readonly body?: unknown;
  };
  /** Calls that reach Planhat; undefined where a connection that was idle too long may add one. */
  readonly calls: readonly string[] | undefined;
}

const LIST = "GET /users";
const READ = "GET /users/:id";
const CREATE = "POST /users";
const UPDATE = "PUT /users/:id";
const ID = `/${ANN._id}`;

const NEW = { email: "new+one@rep.example", firstName: "New", lastName: "One" };
const list: Asking = { query: "cacheclear=1" };
const read: Asking = { path: ID };
const create = (body: unknown = NEW, more: Asking = {}): Asking => ({ method: "POST", body, ...more });
const update = (body: unknown = { lastName: "Moe" }, more: Asking = {}): Asking => ({
  method: "PUT",
  path: ID,
  body,
  ...more,
});

const served: readonly Case[] = [
  {
    name: "the list shows roles as Planhat's list does",
    asked: list,
    answer: { status: 200, body: [{ ...ANN, roles: [] }] },
    calls: [LIST],
  },
  { name: "one is read by its id", asked: read, answer: { status: 200, body: ANN }, calls: [READ] },
  {
    name: "one that there is not",
    asked: { path: "/5d00000000000000000000ff" },
    answer: { status: 404, code: "user_not_found", says: "user not found" },
    calls: [READ],
  },
  {
    name: "a create is answered with the new record",
    asked: create({ ...NEW, roles: ["5c0000000000000000000001"], custom: { Team: "EU" }, unheardOf: [1] }),
    answer: { status: 200, body: { ...NEW, custom: { Team: "EU" }, unheardOf: [1], inactive: true } },
    calls: [CREATE],
  },
  {
    name: "a create that is answered with 201",
    switches: { createAnswer: "201-record" },
    asked: create(),
    answer: { status: 200, body: NEW },
    calls: [CREATE],
  },
  {
    name: "a create that is answered without the record is read back",
    switches: { createAnswer: "201-empty" },
    asked: create(),
    answer: { status: 200, body: NEW },
    calls: [CREATE, LIST],
  },
  {
    name: "an update is answered with the record",
    asked: update(),
    answer: { status: 200, body: { ...ANN, lastName: "Moe" } },
    calls: [UPDATE],
  },
  {
    name: "an update may carry the id that is in the address",
    asked: update({ _id: ANN._id, inactive: false }),
    answer: { status: 200, body: { ...ANN, inactive: false } },
    calls: [UPDATE],
  },
  {
    name: "an update that is answered without the record is read back",
    fault: { kind: "wrong-shape", route: UPDATE },
    asked: update(),
    answer: { status: 200, body: { ...ANN, lastName: "Moe" } },
    calls: [UPDATE, READ],
  },
  {
    name: "an update is repeated after a lost answer",
    fault: { kind: "reset-after", route: UPDATE, count: 1 },
    asked: update(),
    answer: { status: 200, body: { ...ANN, lastName: "Moe" } },
    calls: [UPDATE, UPDATE],
  },
];

/** What Planhat says of the request itself. */
const passedOn = [400, 404, 409, 422].flatMap((status): readonly Case[] => {
  const fault = { kind: "status", status, body: `Not so, ${TOKEN}.` } as const;
  const code = status === 404 ? "user_not_found" : "refused_by_planhat";
  const answer = { status, says: "Not so, [redacted]." };
  return [
    { name: `${status} to a read`, fault, asked: read, answer: { ...answer, code }, calls: [READ] },
    { name: `${status} to an update`, fault, asked: update(), answer: { ...answer, code }, calls: [UPDATE] },
    {
      name: `${status} to a create`,
      fault,
      asked: create(),
      answer: { ...answer, code: "refused_by_planhat" },
      calls: [CREATE],
    },
    {
      name: `${status} to the list`,
      fault,
      asked: list,
      answer: { ...answer, code: "refused_by_planhat" },
      calls: [LIST],
    },
  ];
});

const everyCall = [
  { what: "the list", asked: list, route: LIST, code: "planhat_unavailable" },
  { what: "a read", asked: read, route: READ, code: "planhat_unavailable" },
  { what: "a create", asked: create(), route: CREATE, code: "outcome_unknown" },
  { what: "an update", asked: update(), route: UPDATE, code: "planhat_unavailable" },
] as const;

/** What the caller can do nothing about: nothing is believed, and nothing that might be doubled is repeated. */
const planhatsTrouble = everyCall.flatMap(({ what, asked, route, code }): readonly Case[] => {
  const tries = route === CREATE ? [route] : [route, route, route];
  return [
    ...[401, 403].map((status) => ({
      name: `${status} to ${what} is no refusal of the caller`,
      fault: { kind: "status", status, body: TOKEN } as const,
      asked,
      answer: { status: 502, code: "planhat_token_refused", says: "token" },
      calls: [route],
    })),
    ...[500, 502, 503, 504].map((status) => ({
      name: `${status} to ${what}`,
      fault: { kind: "status", status, body: "<html><h1>Bad Gateway</h1></html>" } as const,
      asked,
      answer: { status: 502, code, says: String(status) },
      calls: tries,
    })),
    {
      name: `a redirect of ${what} is not followed`,
      fault: { kind: "status", status: 302 },
      asked,
      answer: { status: 502, code: "planhat_unavailable" },
      calls: [route],
    },
    {
      name: `a reset before ${what}`,
      fault: { kind: "reset-before" },
      asked,
      answer: { status: 502, code },
      calls: route === CREATE ? tries : undefined,
    },
    { name: `${what} breaks off`, fault: { kind: "truncate" }, asked, answer: { status: 502, code }, calls: tries },
  ];
});

/** For a connector that does not wait long. */
export const STALLED = everyCall.map(({ what, asked, route, code }): Case => ({
  name: `no answer to ${what}`,
  fault: { kind: "stall" },
  asked,
  answer: { status: 502, code },
  calls: route === CREATE ? [route] : [route, route, route],
}));

/** 2xx without what was asked for is no success. */
const noRecord: readonly Case[] = [
  ...(["object", "html"] as const).flatMap((form): readonly Case[] => [
    {
      name: `the list as ${form}`,
      fault: { kind: "wrong-shape", form },
      asked: list,
      answer: { status: 502, code: "planhat_unavailable" },
      calls: [LIST],
    },
    {
      name: `a record as ${form}`,
      fault: { kind: "wrong-shape", form },
      asked: read,
      answer: { status: 502, code: "planhat_unavailable" },
      calls: [READ],
    },
    {
      name: `an update as ${form}, and the record as well`,
      fault: { kind: "wrong-shape", form },
      asked: update(),
      answer: { status: 502, code: "planhat_unavailable" },
      calls: [UPDATE, READ],
    },
    {
      name: `a create as ${form}, and the list as well`,
      fault: { kind: "wrong-shape", form },
      asked: create(),
      answer: { status: 502, code: "outcome_unknown", says: "cacheclear=1" },
      calls: [CREATE, LIST],
    },
  ]),
  {
    name: "nothing at all in place of the list",
    fault: { kind: "status", status: 200, body: "" },
    asked: list,
    answer: { status: 502, code: "planhat_unavailable" },
    calls: [LIST],
  },
  {
    name: "nothing at all in place of a record",
    fault: { kind: "status", status: 200, body: "" },
    asked: read,
    answer: { status: 502, code: "planhat_unavailable" },
    calls: [READ],
  },
  {
    name: "a create that did nothing, of one who is there under another name",
    fault: { kind: "status", status: 200, body: "", route: CREATE },
    asked: create({ ...NEW, email: ANN.email }),
    answer: { status: 502, code: "outcome_unknown" },
    calls: [CREATE, LIST],
  },
  {
    name: "null in place of a record that there is not",
    switches: { missing: "200-null" },
    asked: { path: "/5d00000000000000000000ff" },
    answer: { status: 404, code: "user_not_found" },
    calls: [READ],
  },
  {
    name: "null in place of an update of one that there is not",
    switches: { missing: "200-null" },
    asked: update(undefined, { path: "/5d00000000000000000000ff" }),
    answer: { status: 404, code: "user_not_found" },
    calls: [UPDATE, READ],
  },
  {
    name: "a record of another id",
    fault: { kind: "status", status: 200, body: JSON.stringify({ ...ANN, _id: "5d00000000000000000000fe" }) },
    asked: read,
    answer: { status: 502, code: "planhat_unavailable" },
    calls: [READ],
  },
];

const bad = (name: string, asked: Asking, fields: readonly string[], code = "invalid_user"): Case => ({
  name,
  asked,
  answer: { status: 400, code, ...(fields.length === 0 ? {} : { fields }) },
  calls: [],
});

/** What is refused before anything reaches Planhat. */
const refused: readonly Case[] = [
  bad("a create without anything", create({}), ["email", "firstName", "lastName"]),
  bad("a create with an empty body", create(""), ["email", "firstName", "lastName"]),
  bad("a create of a list", create([NEW]), ["(body)"]),
  bad("a create of nothing", create("null"), [], "malformed_json"),
  bad("a create of a text", create('"new"'), [], "malformed_json"),
  bad("broken JSON", create('{"email":'), [], "malformed_json"),
  bad("JSON that nests without end", create(`{"custom":${"[".repeat(1_000)}${"]".repeat(1_000)}}`), [], "too_deep"),
  bad("an address that is none", create({ ...NEW, email: "new" }), ["email"]),
  bad("a list of addresses", create({ ...NEW, email: [NEW.email] }), ["email"]),
  bad("an empty name", create({ ...NEW, firstName: " " }), ["firstName"]),
  bad("a number as a name", create({ ...NEW, lastName: 7 }), ["lastName"]),
  bad("an id of one's own", create({ ...NEW, _id: ANN._id }), ["_id"]),
  bad("wrong types", create({ ...NEW, roles: "admin", inactive: "no", custom: [], nickName: {} }), [
    "nickName",
    "roles",
    "inactive",
    "custom",
  ]),
  bad("an update of nothing", update({}), ["(body)"]),
  bad("an update of the id alone", update({ _id: ANN._id }), ["(body)"]),
  bad("an update of another id", update({ _id: "5d00000000000000000000fe", lastName: "Moe" }), ["_id"]),
  bad("an update with a list", update([]), ["(body)"]),
  bad("an update that takes the address away", update({ email: null }), ["email"]),
  bad("an update with wrong types", update({ email: "x", inactive: 1 }), ["inactive", "email"]),
  {
    name: "a body that is too large",
    asked: create({ ...NEW, note: "x".repeat(1_100_000) }),
    answer: { status: 413, code: "too_large", says: "1 MB" },
    calls: [],
  },
  {
    name: "no body at all",
    asked: { method: "POST" },
    answer: { status: 415, code: "unsupported_media_type" },
    calls: [],
  },
  ...["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"].map((type) => ({
    name: `a body of type ${type}`,
    asked: create(NEW, { headers: { "content-type": type } }),
    answer: { status: 415, code: "unsupported_media_type", says: "application/json" },
    calls: [],
  })),
  ...["maybe", "2", "", "null", "1&cacheclear=1"].map((value) =>
    bad(`cacheclear=${value}`, { query: `cacheclear=${value}` }, ["cacheclear"], "invalid_query"),
  ),
];

/** Ids that would lead elsewhere, one way or another. */
const astray = [
  "..%2fcompanies",
  "..%2Fcompanies%2F5c0000000000000000000001",
  "%2e%2e%2fcompanies",
  "%2e%2e",
  "..",
  ".",
  "%2e",
  "..%5ccompanies",
  "%252e%252e%252fcompanies",
  "a%2fb",
  "a%3femail=x",
  "a%23b",
  "%20",
  "a%20b",
  "%00",
  "a%0d%0ahost:%20evil",
  "%c3%a9",
  "a".repeat(201),
].flatMap((id): readonly Case[] => [
  bad(`a read of ${id.slice(0, 40)}`, { path: `/${id}` }, ["userId"], "invalid_user_id"),
  bad(`an update of ${id.slice(0, 40)}`, update(undefined, { path: `/${id}` }), ["userId"], "invalid_user_id"),
]);

const nowhere = ["/../companies", "/a/b", "/a/../../companies", "//companies", "/a/companies"].map((path): Case => ({
  name: `GET …${path}`,
  asked: { path },
  answer: { status: 404, code: "not_found" },
  calls: [],
}));

const otherMethods = [
  ...["PUT", "PATCH", "DELETE", "OPTIONS"].map((method) => ({ method, path: "" })),
  ...["POST", "PATCH", "DELETE", "OPTIONS"].map((method) => ({ method, path: ID })),
  { method: "PUT", path: "/" },
].map((asked): Case => ({
  name: `${asked.method} …${asked.path}`,
  asked,
  answer: { status: 405, code: "method_not_allowed" },
  calls: [],
}));

export const CASES: Readonly<Record<string, readonly Case[]>> = {
  "what is served": served,
  "what Planhat refuses is passed on in its words": passedOn,
  "what Planhat cannot do is no success": planhatsTrouble,
  "an answer without the record is no success": noRecord,
  "bad input is named": refused,
  "an id stays an id": astray,
  "other paths lead nowhere": nowhere,
  "other methods are not possible": otherMethods,
};
