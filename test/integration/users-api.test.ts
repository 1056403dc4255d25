/** `/api/internal/users` through the real server: the table of `users-api.cases.ts`, then what takes more than one step. */
import { defaultSwitches } from "../../simulators/planhat";
import { CONNECTOR } from "../fixture/fixture";
import { errorOf } from "./edge";
import { describedRefusals } from "./described";
import { ANN, BOB, leaks, openUsersFixture, OTHER, PATH, type UsersFixture } from "./users-api";
import { CASES, STALLED, type Case } from "./users-api.cases";

let fixture: UsersFixture;
beforeAll(async () => {
  fixture = await openUsersFixture();
});
beforeEach(() => {
  fixture.planhat.faults.clear();
  fixture.planhat.configure(defaultSwitches);
  const tenant = fixture.planhat.tenant();
  for (const id of [...tenant.users.keys()]) tenant.remove("users", id);
  tenant.seedUser(ANN);
  fixture.calls.length = 0;
});
afterEach(() => expect(leaks(JSON.stringify(fixture.logs))).toBe(false));
afterAll(() => fixture.close());

/** Plays one row of the table. */
async function play(row: Case, on: UsersFixture): Promise<void> {
  const { fault, switches, asked, calls, fields, says, body } = row;
  if (fault !== undefined) on.planhat.faults.add(fault);
  if (switches !== undefined) on.planhat.configure(switches);
  const answer = await on.ask(asked);
  const [status, code] = row.answer.split(" ");
  expect([answer.status, on.routes()]).toEqual([Number(status), calls ?? on.routes()]);
  if (code !== undefined) {
    const error = errorOf(answer);
    expect(error.code).toBe(code);
    const { method = "GET", path = "" } = asked;
    const described = describedRefusals(method.toLowerCase(), path === "" ? PATH : `${PATH}/{userId}`);
    if (!["not_found", "method_not_allowed"].includes(code)) expect(described).toContain(row.answer);
    if (fields !== undefined) expect(error.details.map(({ path }) => path)).toEqual(fields);
    for (const { path, remedy } of error.details) {
      expect(error.message).toContain(path);
      expect(remedy).toMatch(/^(Send|Leave|Correct) .+\.$/);
    }
    if (says !== undefined) expect(error.message).toContain(says);
  }
  if (body !== undefined) expect(JSON.parse(answer.text)).toMatchObject(body as object);
  if (answer.status === 200) expect(answer.headers.get("cache-control")).toBe("no-store");
  if (answer.status === 405) expect(answer.headers.get("allow")).toMatch(/^GET, HEAD, (POST|PUT)$/);
  expect(leaks(answer.text)).toBe(false);
  for (const { path } of on.calls) expect(path).toMatch(/^\/api\/users(\/[^/]+)?$/);
}

describe.each(Object.entries(CASES))("%s", (_about, cases) => {
  test.each(cases.map((each) => [each.name, each] as const))("%s", (_name, row) => play(row, fixture));
});

test.each(STALLED.map((each) => [each.name, each] as const))("%s", async (_name, row) => {
  const impatient = await openUsersFixture({ environment: { REQUEST_TIMEOUT_MS: "250" } });
  try {
    await play(row, impatient);
  } finally {
    await impatient.close();
  }
});

test("a write leaves one line in the log, with nothing of what was sent", async () => {
  fixture.logs.length = 0;
  await fixture.ask({ method: "PUT", path: `/${ANN._id}`, body: { lastName: "Moe" } });
  await fixture.ask({ method: "POST", body: {} });
  await fixture.ask();
  const lines = fixture.logs.filter(({ message }) => message === "connector.operation");
  expect(lines.map(({ data }) => data)).toEqual([
    { operation: "updateTeamMember", method: "PUT", path: "/users/{userId}", status: 200 },
    { operation: "createTeamMember", method: "POST", path: "/users", status: 400 },
  ]);
  expect(lines[0]).toMatchObject({ level: "info", context: { organization: fixture.hull.host, id: CONNECTOR.id } });
  expect(JSON.stringify(lines)).not.toMatch(new RegExp(`Moe|${ANN._id}`));
});

test("HEAD is GET without the body", async () => {
  const answer = await fixture.ask({ method: "HEAD" });
  expect([answer.status, answer.text]).toEqual([200, ""]);
});

test("an id in capitals leads to the record if Planhat thinks so", async () => {
  fixture.planhat.faults.add({ kind: "status", status: 200, body: JSON.stringify(ANN) });
  expect((await fixture.ask({ path: `/${ANN._id.toUpperCase()}` })).status).toBe(200);
});

test("a prefixed key leads to a record of another id", async () => {
  fixture.planhat.tenant().edit("users", ANN._id, { externalId: "rep:1" });
  expect((await fixture.ask({ path: "/extid-rep:1" })).body).toMatchObject(ANN);
  expect(fixture.calls[0]?.path).toBe("/api/users/extid-rep%3A1");
});

test.each([
  [
    "with Retry-After: the caller is told how long, and nobody keeps it waiting that long",
    { "retry-after": "70" },
    "70",
    1,
  ],
  ["without Retry-After: it is tried again, then the caller is told a usual wait", {}, "15", 3],
])("too many calls, 429 %s", async (_name, headers, wait, calls) => {
  const fresh = await openUsersFixture();
  fresh.planhat.faults.add({ kind: "rate-limit", headers });
  const answer = await fresh.ask();
  expect([answer.status, errorOf(answer).code]).toEqual([503, "planhat_busy"]);
  expect([answer.headers.get("retry-after"), fresh.calls.length]).toEqual([wait, calls]);
  await fresh.close();
});

describe("a connector that cannot reach Planhat", () => {
  test.each([
    [{ personal_acccess_token: "" }, "missing_token", "Personal Access Token"],
    [{ personal_acccess_token: "  " }, "missing_token", "Personal Access Token"],
    [{ api_prefix: "https://evil.example/" }, "invalid_settings", "api_prefix"],
  ])("%j is a 409 that says what to do", async (settings, code, says) => {
    const bare = await openUsersFixture({ settings });
    for (const asking of [{}, { path: `/${ANN._id}` }, { method: "POST", body: ANN }]) {
      const answer = await bare.ask(asking);
      expect([answer.status, errorOf(answer).code]).toEqual([409, code]);
      expect(errorOf(answer).message).toContain(says);
    }
    expect(bare.calls).toEqual([]);
    await bare.close();
  });
});

test("Planhat is not there", async () => {
  const alone = await openUsersFixture();
  alone.planhat.hangUp();
  const answer = await alone.ask();
  expect([answer.status, errorOf(answer).code]).toEqual([502, "planhat_unavailable"]);
  await alone.close();
});

describe("the list", () => {
  const fresh = { query: "cacheclear=1" };
  const rename = (email: string) => fixture.planhat.tenant().edit("users", ANN._id, { email });
  beforeEach(async () => {
    await fixture.addresses(fresh);
    fixture.calls.length = 0;
  });

  test.each(["", "cacheclear=0", "cacheclear=false"])("is kept: %j", async (query) => {
    rename("changed@rep.example");
    expect(await fixture.addresses({ query })).toEqual([ANN.email]);
    expect(fixture.routes()).toEqual([]);
  });

  test.each(["1", "true"])("is read now with cacheclear=%s, and kept then", async (value) => {
    rename("changed@rep.example");
    expect(await fixture.addresses({ query: `cacheclear=${value}` })).toEqual(["changed@rep.example"]);
    expect(await fixture.addresses()).toEqual(["changed@rep.example"]);
    expect(fixture.routes()).toEqual(["GET /users"]);
  });

  test("is the connector's own", async () => {
    expect(await fixture.addresses({ login: OTHER, ...fresh })).toEqual([BOB.email]);
    expect(await fixture.addresses()).toEqual([ANN.email]);
    expect(await fixture.addresses({ login: OTHER })).toEqual([BOB.email]);
  });

  test.each([
    ["create", { method: "POST", body: { ...BOB, _id: undefined } }],
    ["update", { method: "PUT", path: `/${ANN._id}`, body: { email: "changed@rep.example" } }],
  ])("is read anew after a %s, whatever became of its answer", async (_what, asking) => {
    const [route] = asking.method === "POST" ? ["POST /users"] : ["PUT /users/:id"];
    fixture.planhat.faults.add({ kind: "reset-after", route });
    expect((await fixture.ask(asking)).status).toBe(502);
    expect(await fixture.addresses()).not.toEqual([ANN.email]);
    fixture.planhat.faults.clear();
    fixture.calls.length = 0;
    expect((await fixture.ask(asking)).status).toBe(200);
    await fixture.addresses();
    expect(fixture.routes()).toEqual([route, "GET /users"]);
  });

  test("a failed cacheclear leaves nothing old behind", async () => {
    rename("changed@rep.example");
    const fault = fixture.planhat.faults.add({ kind: "status", status: 500 });
    expect((await fixture.ask(fresh)).status).toBe(502);
    fault.remove();
    expect(await fixture.addresses()).toEqual(["changed@rep.example"]);
  });

  const seedMany = (): void => {
    for (let n = 0; n < 10_005; n += 1) fixture.planhat.tenant().seedUser({ email: `${n}@rep.example` });
  };

  test("pages are put together", async () => {
    seedMany();
    const all = await fixture.addresses(fresh);
    expect(new Set(all).size).toBe(10_006);
    expect(fixture.routes()).toEqual(["GET /users", "GET /users"]);
  });

  test("a page that fails is not the end of the list", async () => {
    seedMany();
    fixture.planhat.faults.add({ kind: "status", status: 500, route: ({ query }) => query.get("offset") !== "0" });
    expect((await fixture.ask(fresh)).status).toBe(502);
  });
});
