/** Calls of PlanSource's operations that are not served: by whom, how the answer says so, and that nothing is called. */
import { CONNECTOR } from "../../fixture/fixture";
import { employee, hire } from "../../fixture/employees";
import { EMPLOYER } from "../../fixture/plansource";
import { basic, send } from "../asking";
import { errorOf } from "../edge";
import { askAsHull, type Asking } from "./asking";
import { EVERY, LEAVE, NEW, useOperations } from "./operations";

const at = useOperations();

describe.each(EVERY)("%s", (call, body) => {
  test.each<readonly [string, Asking, string]>([
    ["without a log-in", { login: null }, "401 missing_credentials"],
    ["with a wrong secret", { login: { ...EMPLOYER, secret: "plansource-secret-000009" } }, "401 wrong_credentials"],
    ["with a log-in and no organization", { org: undefined }, "400 invalid_organization"],
  ])("is not served %s, and calls nothing", async (_who, asking, refusal) => {
    const answer = await at.operate(call, { body, ...asking });
    expect(`${answer.status} ${errorOf(answer).code}`).toBe(refusal);
    expect([at.seen, at.auditLines()]).toEqual([[], []]);
  });

  test("says what to mend in Hull while the credentials are missing, and calls nothing", async () => {
    const bare = { id: "5f00000000000000000000c9", secret: "plansource-secret-000009" };
    at.opened.fixture.hull.addConnector({ ...bare, privateSettings: {} });
    const answer = await at.operate(call, { body, login: bare });
    expect([answer.status, errorOf(answer).code, at.seen]).toEqual([409, "missing_token", []]);
    expect(errorOf(answer).message).toMatch(/Client ID, Client secret or User name/);
  });
});

test("another service's connector and credentials in the query open nothing", async () => {
  const { fixture } = at.opened;
  const settings = { personal_acccess_token: "planhat-token-0001" };
  fixture.hull.addConnector({ ...CONNECTOR, privateSettings: settings, manifest: { source: "planhat" } });
  expect(errorOf(await at.operate("GET /subscribers", { login: CONNECTOR })).code).toBe("other_kind");
  expect(errorOf(await askAsHull(at.opened, "GET /api/internal/subscribers", { org: fixture.hull.host })).code).toBe(
    "missing_credentials",
  );
  const atTheRoot = await send(fixture.baseUrl, `/api/internal/subscribers?org=${fixture.hull.host}`, {
    headers: { authorization: basic(EMPLOYER) },
  });
  expect([atTheRoot.status, at.seen]).toEqual([404, []]);
});

describe("what is refused names field, form and remedy, and calls nothing:", () => {
  test.each<readonly [string, Asking, string, readonly string[], RegExp]>([
    [
      "GET /subscribers",
      { query: { per_page: "501" } },
      "invalid_query",
      ["per_page"],
      /number of subscribers on a page/,
    ],
    ["GET /beneficiaries", { query: { include_test: "maybe" } }, "invalid_query", ["include_test"], /Send true or f/],
    ["POST /subscribers", { body: { first_name: "Ann" } }, "invalid_subscriber", ["last_name"], /user_name/],
    ["POST /subscribers", { body: { ...NEW, id: 7 } }, "invalid_subscriber", ["id"], /Leave it out/],
    ["POST /subscribers", { body: { ...NEW, ssn: "078051120" } }, "invalid_subscriber", ["ssn"], /nine digits/],
    [
      "POST /subscribers",
      { body: { ...NEW, current_salary: 71717.71 } },
      "invalid_subscriber",
      ["current_salary_effective_on"],
      /Send the day from which/,
    ],
    ["PUT /subscribers", { body: [{ city: "Boston" }] }, "invalid_subscriber", ["0.id"], /Send the code/],
    ["PUT /subscribers/emp-1", { body: {} }, "invalid_subscriber", ["(body)"], /JSON object/],
    [
      "PUT /subscribers/emp-1",
      { body: { hire_date: "1/2/26" } },
      "invalid_subscriber",
      ["hire_date"],
      /Correct hire_date/,
    ],
    [
      "PUT /subscribers/emp-1/terminate",
      { body: { termination_date: "2026/01/31" } },
      "invalid_subscriber",
      ["termination_reason", "termination_date"],
      /lookup_code.*2025-01-31/,
    ],
    ["PUT /subscribers/emp-1/rehire", { body: {} }, "invalid_subscriber", ["rehire_date"], /2025-01-31/],
    ["GET /subscribers/%2e%2e%2fmeta", {}, "invalid_subscriber_id", ["id"], /subscriber_code/],
  ])("%s %j", async (call, asking, code, fields, remedy) => {
    const answer = await at.operate(call, asking);
    const error = errorOf(answer);
    expect([answer.status, error.code, error.details.map(({ path }) => path)]).toEqual([400, code, fields]);
    for (const { message, remedy: each } of error.details) expect([message, each]).not.toContain("");
    expect(error.details.map(({ remedy: each }) => each).join(" ")).toMatch(remedy);
    expect(answer.text).not.toMatch(/078051120|71717/);
    expect(at.seen).toEqual([]);
    const isRead = call.startsWith("GET ");
    expect(at.auditLines().map(({ data }) => data)).toMatchObject(isRead ? [] : [{ status: 400 }]);
  });

  test("a body that is no JSON", async () => {
    const headers = { "content-type": "text/plain" };
    const answer = await at.operate("PUT /subscribers/emp-1", { body: "city=Boston", headers });
    expect([answer.status, errorOf(answer).code, at.seen]).toEqual([415, "unsupported_media_type", []]);
  });

  test("another method", async () => {
    const answer = await at.operate("DELETE /subscribers/emp-1");
    expect([answer.status, answer.headers.get("allow"), at.seen]).toEqual([405, "GET, HEAD, PUT", []]);
  });
});

describe("what PlanSource refuses comes through:", () => {
  test("a value that the client does not allow", async () => {
    const answer = await at.operate("PUT /subscribers/emp-1", { body: { gender: "X" } });
    expect([answer.status, errorOf(answer).code]).toEqual([400, "refused_by_plansource"]);
    expect(errorOf(answer).message).toContain("Invalid value for gender.  The valid values are M,F.");
  });

  test("a social security number that somebody has, without the number", async () => {
    hire(at.organization, employee(3), { ssn: "078-05-1120" });
    const answer = await at.operate("PUT /subscribers/emp-1", { body: { ssn: "078-05-1120" } });
    expect([answer.status, errorOf(answer).message]).toEqual([400, expect.stringMatching(/SSN already exists/)]);
    expect(answer.text + at.logged()).not.toMatch(/078-?05-?1120/);
  });

  test.each([
    ["GET /subscribers/nobody", undefined],
    ["PUT /subscribers/nobody", { city: "Boston" }],
    ["PUT /subscribers/nobody/terminate", LEAVE],
    ["PUT /subscribers/nobody/rehire", { rehire_date: "2026-03-02" }],
  ])("nobody of that code: %s", async (call, body) => {
    const answer = await at.operate(call, { body });
    expect([answer.status, errorOf(answer).code]).toEqual([404, "subscriber_not_found"]);
    expect(at.organization.byCode("nobody")).toBeUndefined();
  });

  test("a termination of somebody who is terminated", async () => {
    for (const status of [200, 400]) {
      const answer = await at.operate("PUT /subscribers/emp-1/terminate", { body: LEAVE });
      expect(answer.status).toBe(status);
      if (status === 400) expect(errorOf(answer).message).toContain("as the employee is terminated");
    }
    expect(at.auditLines().map(({ data }) => data)).toMatchObject([{ status: 200 }, { status: 400 }]);
  });

  test("a missing right, as something that the caller's log-in has nothing to do with", async () => {
    at.opened.plansource.faults.add({ kind: "status", status: 403, body: "Forbidden" });
    const answer = await at.operate("GET /beneficiaries");
    expect([answer.status, errorOf(answer).code]).toEqual([502, "plansource_token_refused"]);
    expect(errorOf(answer).message).toMatch(/Forbidden.*what the API user may do/);
  });

  test("a write without an answer is not sent again, and may have been done", async () => {
    at.opened.plansource.faults.add({ kind: "reset-after", route: "PUT /subscriber/:id/terminate" });
    const answer = await at.operate("PUT /subscribers/emp-1/terminate", { body: LEAVE });
    expect([answer.status, errorOf(answer).code]).toEqual([502, "outcome_unknown"]);
    expect(errorOf(answer).message).toContain("read the subscriber before you send it again");
    expect(at.seen).toHaveLength(1);
    expect(at.auditLines().map(({ data }) => data)).toMatchObject([{ operation: "terminateSubscriber", status: 502 }]);
  });
});
