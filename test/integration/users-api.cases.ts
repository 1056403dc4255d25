/** `/api/internal/users` as data: what Planhat does, what is asked, and what comes back. */
import type { FaultRule } from "../../simulators/loopback";
import type { PlanhatSwitches } from "../../simulators/planhat";
import { TOKEN } from "../fixture/fixture";
import { ANN, type Asking } from "./users-api";

export interface Case extends More {
  readonly name: string;
  readonly asked: Asking;
  /** Status, and the code of an error. */
  readonly answer: string;
  /** Calls that reach Planhat; undefined where a connection that was idle too long may add one. */
  readonly calls: readonly string[] | undefined;
}

interface More {
  readonly fault?: FaultRule;
  readonly switches?: Partial<PlanhatSwitches>;
  /** Fields that an error names. */
  readonly fields?: readonly string[];
  /** Part of an error's message. */
  readonly says?: string;
  /** Part of the body. */
  readonly body?: unknown;
}

const row = (name: string, asked: Asking, answer: string, calls: Case["calls"], more: More = {}): Case => ({
  name,
  asked,
  answer,
  calls,
  ...more,
});

const LIST = "GET /users";
const READ = "GET /users/:id";
const CREATE = "POST /users";
const UPDATE = "PUT /users/:id";
const ID = `/${ANN._id}`;
const UNKNOWN = "/5d00000000000000000000ff";

const NEW = { email: "new+one@rep.example", firstName: "New", lastName: "One" };
const RENAMED = { ...ANN, lastName: "Moe" };
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
  row("the list shows roles as Planhat's list does", list, "200", [LIST], { body: [{ ...ANN, roles: [] }] }),
  row("one is read by its id", read, "200", [READ], { body: ANN }),
  row("one that there is not", { path: UNKNOWN }, "404 user_not_found", [READ], { says: "user not found" }),
  row(
    "a create is answered with the new record",
    create({ ...NEW, roles: ["5c0000000000000000000001"], custom: { Team: "EU" }, unheardOf: [1] }),
    "200",
    [CREATE],
    { body: { ...NEW, custom: { Team: "EU" }, unheardOf: [1], inactive: true } },
  ),
  row("a create that is answered with 201", create(), "200", [CREATE], {
    switches: { createAnswer: "201-record" },
    body: NEW,
  }),
  row("a create that is answered without the record is read back", create(), "200", [CREATE, LIST], {
    switches: { createAnswer: "201-empty" },
    body: NEW,
  }),
  row("an update is answered with the record", update(), "200", [UPDATE], { body: RENAMED }),
  row("an update may carry the id that is in the address", update({ _id: ANN._id, inactive: false }), "200", [UPDATE], {
    body: { ...ANN, inactive: false },
  }),
  row("an update that is answered without the record is read back", update(), "200", [UPDATE, READ], {
    fault: { kind: "wrong-shape", route: UPDATE },
    body: RENAMED,
  }),
  row("an update is repeated after a lost answer", update(), "200", [UPDATE, UPDATE], {
    fault: { kind: "reset-after", route: UPDATE, count: 1 },
    body: RENAMED,
  }),
];

/** What Planhat says of the request itself. */
const passedOn = [400, 404, 409, 422].flatMap((status): readonly Case[] => {
  const more: More = { fault: { kind: "status", status, body: `Not so, ${TOKEN}.` }, says: "Not so, [redacted]." };
  const refused = `${status} refused_by_planhat`;
  const ofOne = status === 404 ? "404 user_not_found" : refused;
  return [
    row(`${status} to a read`, read, ofOne, [READ], more),
    row(`${status} to an update`, update(), ofOne, [UPDATE], more),
    row(`${status} to a create`, create(), refused, [CREATE], more),
    row(`${status} to the list`, list, refused, [LIST], more),
  ];
});

const everyCall = [
  { what: "the list", asked: list, route: LIST, answer: "502 planhat_unavailable" },
  { what: "a read", asked: read, route: READ, answer: "502 planhat_unavailable" },
  { what: "a create", asked: create(), route: CREATE, answer: "502 outcome_unknown" },
  { what: "an update", asked: update(), route: UPDATE, answer: "502 planhat_unavailable" },
].map((each) => ({ ...each, tries: each.route === CREATE ? [CREATE] : [each.route, each.route, each.route] }));

/** What the caller can do nothing about: nothing is believed, and nothing that might be doubled is repeated. */
const planhatsTrouble = everyCall.flatMap(({ what, asked, route, answer, tries }): readonly Case[] => [
  ...[401, 403].map((status) =>
    row(`${status} to ${what} is no refusal of the caller`, asked, "502 planhat_token_refused", [route], {
      fault: { kind: "status", status, body: TOKEN },
      says: "token",
    }),
  ),
  ...[500, 502, 503, 504].map((status) =>
    row(`${status} to ${what}`, asked, answer, tries, {
      fault: { kind: "status", status, body: "<html><h1>Bad Gateway</h1></html>" },
      says: String(status),
    }),
  ),
  row(`a redirect of ${what} is not followed`, asked, answer, [route], {
    fault: { kind: "status", status: 302 },
  }),
  row(`a reset before ${what}`, asked, answer, route === CREATE ? tries : undefined, {
    fault: { kind: "reset-before" },
  }),
  row(`${what} breaks off`, asked, answer, tries, { fault: { kind: "truncate" } }),
]);

/** For a connector that does not wait long. */
export const STALLED = everyCall.map(({ what, asked, answer, tries }) =>
  row(`no answer to ${what}`, asked, answer, tries, { fault: { kind: "stall" } }),
);

const EMPTY: FaultRule = { kind: "status", status: 200, body: "" };
const STRANGER: FaultRule = {
  kind: "status",
  status: 200,
  body: JSON.stringify({ ...ANN, _id: "5d00000000000000000000fe" }),
};
const NULL: More = { switches: { missing: "200-null" } };

/** 2xx without what was asked for is no success. */
const noRecord: readonly Case[] = [
  ...(["object", "html"] as const).flatMap((form): readonly Case[] => {
    const more: More = { fault: { kind: "wrong-shape", form } };
    return [
      row(`the list as ${form}`, list, "502 planhat_unavailable", [LIST], more),
      row(`a record as ${form}`, read, "502 planhat_unavailable", [READ], more),
      row(`an update as ${form}, and the record as well`, update(), "502 planhat_unavailable", [UPDATE, READ], more),
      row(`a create as ${form}, and the list as well`, create(), "502 outcome_unknown", [CREATE, LIST], {
        ...more,
        says: "cacheclear=1",
      }),
    ];
  }),
  row("nothing at all in place of the list", list, "502 planhat_unavailable", [LIST], { fault: EMPTY }),
  row("nothing at all in place of a record", read, "502 planhat_unavailable", [READ], { fault: EMPTY }),
  row(
    "a create that did nothing, of one who is there under another name",
    create({ ...NEW, email: ANN.email }),
    "502 outcome_unknown",
    [CREATE, LIST],
    { fault: { ...EMPTY, route: CREATE } },
  ),
  row("null in place of a record that there is not", { path: UNKNOWN }, "404 user_not_found", [READ], NULL),
  row(
    "null in place of an update of one that there is not",
    update(undefined, { path: UNKNOWN }),
    "404 user_not_found",
    [UPDATE, READ],
    NULL,
  ),
  row("a record of another id", read, "502 planhat_unavailable", [READ], { fault: STRANGER }),
];

/** Refused before anything reaches Planhat. */
const bad = (name: string, asked: Asking, fields: readonly string[], code = "invalid_user"): Case =>
  row(name, asked, `400 ${code}`, [], fields.length === 0 ? {} : { fields });

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
  row("a body that is too large", create({ ...NEW, note: "x".repeat(1_100_000) }), "413 too_large", [], {
    says: "1 MB",
  }),
  row("no body at all", { method: "POST" }, "415 unsupported_media_type", []),
  ...["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"].map((type) =>
    row(
      `a body of type ${type}`,
      create(NEW, { headers: { "content-type": type } }),
      "415 unsupported_media_type",
      [],
      {
        says: "application/json",
      },
    ),
  ),
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

const nowhere = ["/../companies", "/a/b", "/a/../../companies", "//companies", "/a/companies"].map((path) =>
  row(`GET …${path}`, { path }, "404 not_found", []),
);

const otherMethods = [
  ...["PUT", "PATCH", "DELETE", "OPTIONS"].map((method) => ({ method, path: "" })),
  ...["POST", "PATCH", "DELETE", "OPTIONS"].map((method) => ({ method, path: ID })),
  { method: "PUT", path: "/" },
].map((asked) => row(`${asked.method} …${asked.path}`, asked, "405 method_not_allowed", []));

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
