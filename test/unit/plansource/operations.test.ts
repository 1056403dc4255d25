import { DEFAULT_API_USER } from "../../../simulators/plansource";
import { ask, operationsOf } from "./ask";
import { useOpenApi, type OpenApi, type OpenApiOptions } from "./open-api";

const { open: openEmpty } = useOpenApi();

const ANN = { subscriber_code: "E-1", first_name: "Ann", last_name: "Lee" };
async function open(options?: OpenApiOptions): Promise<OpenApi> {
  const opened = await openEmpty(options);
  opened.sim.organization().seed(ANN);
  return opened;
}
const ID = 1000001;
const one = { parameters: { id: "E-1" } };
const byId = { parameters: { id: String(ID) }, query: { is_custom_id: "false" } };
const calledOnly = ({ routes }: OpenApi) => routes().filter((route) => !route.includes("/oauth/"));
const record = (more: object) => [{ type: "subscribers", ...more }];

test("every operation stands under its path, meta before the id", async () => {
  expect(operationsOf(await open()).map(({ method, path, id }) => `${method} ${path} ${id}`)).toEqual([
    "GET /subscribers listSubscribers",
    "POST /subscribers createSubscriber",
    "PUT /subscribers bulkUpdateSubscribers",
    "GET /subscribers/meta subscriberMeta",
    "GET /subscribers/{id} getSubscriber",
    "PUT /subscribers/{id} updateSubscriber",
    "PUT /subscribers/{id}/terminate terminateSubscriber",
    "PUT /subscribers/{id}/rehire rehireSubscriber",
    "GET /beneficiaries listBeneficiaries",
    "POST /request rawRequest",
  ]);
});

describe("reads answer with PlanSource's data", () => {
  test("a page of subscribers", async () => {
    const fixture = await open();
    fixture.sim.organization().seed({ ...ANN, subscriber_code: "E-2", test_employee: true });
    expect((await ask(fixture, "listSubscribers")).body).toMatchObject([{ id: ID }]);
    const query = { page: "2", per_page: "1", include_test: "1" };
    expect((await ask(fixture, "listSubscribers", { query })).body).toMatchObject([{ subscriber_code: "E-2" }]);
    expect(fixture.calls.at(-1)?.query.toString()).toBe("is_custom_id=true&page=2&per_page=1&include_test=true");
    const settings = { include_test_employees: true };
    expect((await ask(fixture, "listSubscribers", { settings })).body).toHaveLength(2);
    expect((await ask(fixture, "listSubscribers", { settings, query: { include_test: "0" } })).body).toHaveLength(1);
    expect(fixture.taken).toEqual(["interactive", "interactive", "interactive", "interactive"]);
  });

  test.each([{ page: "0" }, { per_page: "501" }, { include_test: "perhaps" }, { is_custom_id: ["1", "0"] }])(
    "and bad parameters are refused: %j",
    async (query) => {
      const fixture = await open();
      const answer = await ask(fixture, "listSubscribers", { query });
      expect(answer).toMatchObject({ status: 400, code: "invalid_query", fields: Object.keys(query) });
      expect(fixture.routes()).toEqual([]);
    },
  );

  test("one subscriber, by code or by id", async () => {
    const fixture = await open();
    expect((await ask(fixture, "getSubscriber", one)).body).toMatchObject(ANN);
    expect((await ask(fixture, "getSubscriber", byId)).body).toMatchObject(ANN);
    const settings = { subscriber_key: "id" };
    expect((await ask(fixture, "getSubscriber", { settings, parameters: { id: String(ID) } })).body).toMatchObject(ANN);
  });

  test("meta data, outside the budget", async () => {
    const fixture = await open();
    expect((await ask(fixture, "subscriberMeta")).body).toHaveProperty("gender.validation_data");
    expect(fixture.taken).toEqual([]);
  });

  test("beneficiaries, those of test employees if asked for", async () => {
    const fixture = await open();
    const seed = { subscriber_id: ID, coverage_id: 2, first_name: "Bo", last_name: "Lee", relationship: "Spouse" };
    fixture.sim.organization().beneficiaries.seed({ ...seed, test: true });
    expect((await ask(fixture, "listBeneficiaries")).body).toEqual([]);
    expect((await ask(fixture, "listBeneficiaries", { query: { include_test: "true" } })).body).toMatchObject([seed]);
  });
});

describe("writes", () => {
  test("create, and remember the new id", async () => {
    const fixture = await open();
    const body = { ...ANN, subscriber_code: "E-2", shoe_size: [1] };
    const answer = await ask(fixture, "createSubscriber", { body });
    expect(answer).toMatchObject({ status: 200, body: { id: ID + 1, subscriber_code: "E-2" } });
    expect(answer.touched).toEqual(record({ id: String(ID + 1) }));
    expect(fixture.calls.at(-1)?.body).toEqual(body);
  });

  test("change only what is sent, under the id that PlanSource answered", async () => {
    const fixture = await open();
    const body = { id: "E-1", email: "", shoe_size: { us: 9 } };
    const answer = await ask(fixture, "updateSubscriber", { ...one, body });
    expect(answer).toMatchObject({ status: 200, body: { id: ID }, touched: record({ id: String(ID) }) });
    expect(fixture.calls.at(-1)?.body).toEqual({ email: "", shoe_size: { us: 9 } });
  });

  test("take a record back as it was read, without its id", async () => {
    const fixture = await open({ switches: { ssn: "absent" } });
    const { body } = await ask(fixture, "getSubscriber", one);
    for (const address of [one, byId]) {
      expect(await ask(fixture, "updateSubscriber", { ...address, body })).toMatchObject({ status: 200 });
      expect(fixture.calls.at(-1)?.body).not.toHaveProperty("id");
    }
    expect(fixture.sim.books.snapshot().noOpWrites).toBe(2);
  });

  test("terminate and rehire", async () => {
    const fixture = await open();
    const body = { termination_reason: "QUIT", termination_date: "2026-01-31", voluntary: true };
    expect(await ask(fixture, "terminateSubscriber", { ...one, body })).toMatchObject({
      body: { employment_status: "Terminated", is_voluntary_termination: true },
      touched: record({ id: String(ID) }),
    });
    const again = { body: { rehire_date: "2026-02-01" } };
    expect(await ask(fixture, "rehireSubscriber", { ...byId, ...again })).toMatchObject({
      body: { employment_status: "Active", hire_date: "2026/02/01" },
      touched: record({ id: String(ID) }),
    });
  });

  test("name the flag of a termination as the settings do, and as the caller does", async () => {
    const fixture = await open({ switches: { terminationFlag: "volunatary" } });
    const settings = { termination_flag_name: "volunatary" };
    const body = { termination_reason: "QUIT", termination_date: "2026-01-31" };
    await ask(fixture, "terminateSubscriber", { ...one, settings, body: { ...body, voluntary: false } });
    expect(fixture.calls.at(-1)?.body).toEqual({ ...body, volunatary: false });
    await ask(fixture, "terminateSubscriber", { ...one, body: { ...body, volunatary: false } });
    expect(fixture.calls.at(-1)?.body).toEqual({ ...body, volunatary: false });
  });

  test.each(["array", "subscribers"] as const)("change several, where PlanSource takes %s", async (bulkWrapper) => {
    const fixture = await open({ switches: { bulkWrapper } });
    const row = { id: "E-1", city: "Rome" };
    for (const body of [[row], { subscribers: [row] }]) {
      expect(await ask(fixture, "bulkUpdateSubscribers", { body })).toMatchObject({
        status: 200,
        body: { valid_count: 1, failed_count: 0 },
        touched: record({ key: { name: "subscriber_code", value: "E-1" } }),
      });
    }
    const answer = await ask(fixture, "bulkUpdateSubscribers", { body: [{ ...row, id: ID }], query: byId.query });
    expect(answer).toMatchObject({ body: { valid_count: 1 }, touched: record({ id: String(ID) }) });
  });

  test("of several do not hide what failed beside the data", async () => {
    const fixture = await open({ switches: { bulkAnswer: "subscribers" } });
    const body = [{ id: "E-1", city: "Rome" }, { id: "E-9" }];
    expect((await ask(fixture, "bulkUpdateSubscribers", { body })).body).toMatchObject({
      errors: [{ message: "No employee with id: E-9 found" }],
      data: [{ id: ID }],
    });
  });
});

describe("trouble at PlanSource", () => {
  test.each(["getSubscriber", "updateSubscriber"])("%s of somebody unknown is 404", async (id) => {
    const fixture = await open();
    const answer = await ask(fixture, id, { parameters: { id: "E-9" }, body: { city: "Rome" } });
    expect(answer).toMatchObject({ status: 404, code: "subscriber_not_found", touched: [] });
    expect(answer.message).toContain("No employee with id: E-9 found");
  });

  test("a 404 of a gateway says nothing about the employee", async () => {
    const fixture = await open();
    fixture.sim.faults.add({ kind: "status", status: 404, route: "GET /subscriber/:id" });
    expect(await ask(fixture, "getSubscriber", one)).toMatchObject({ status: 404, code: "refused_by_plansource" });
  });

  test("a refusal has PlanSource's words", async () => {
    const answer = await ask(await open(), "updateSubscriber", { ...one, body: { gender: "X" } });
    expect(answer).toMatchObject({ status: 400, code: "refused_by_plansource" });
    expect(answer.message).toContain("Invalid value for gender.  The valid values are M,F.");
  });

  test("refused credentials are 502, and say what to check", async () => {
    const fixture = await open({ settings: { client_secret: "another-secret-0123" } });
    const answer = await ask(fixture, "getSubscriber", one);
    expect(answer).toMatchObject({ status: 502, code: "plansource_token_refused" });
    expect(answer.message).toMatch(/signature verification failed.*Client ID, Client secret and User name/);
  });

  test.each<readonly [string, string, object, readonly object[]]>([
    [
      "createSubscriber",
      "POST /subscriber",
      { ...ANN, subscriber_code: "E-2" },
      record({ key: { name: "subscriber_code", value: "E-2" } }),
    ],
    ["createSubscriber", "POST /subscriber", { first_name: "Ann", last_name: "Lee" }, record({})],
    [
      "terminateSubscriber",
      "PUT /subscriber/:id/terminate",
      { termination_reason: "QUIT", termination_date: "2026-01-31" },
      record({ key: { name: "subscriber_code", value: "E-1" } }),
    ],
  ])("%s whose answer is lost is not sent again, and may have been done", async (id, route, body, touched) => {
    const fixture = await open();
    fixture.sim.faults.add({ kind: "reset-after", route });
    expect(await ask(fixture, id, { ...one, body })).toMatchObject({ status: 502, code: "outcome_unknown", touched });
    expect(calledOnly(fixture)).toEqual([route]);
  });

  test("too many calls are 503 with the wait, if it is long", async () => {
    const fixture = await open();
    fixture.sim.faults.add({ kind: "rate-limit", headers: { "retry-after": "60" }, route: "GET /subscribers" });
    expect(await ask(fixture, "listSubscribers")).toMatchObject({
      status: 503,
      code: "plansource_busy",
      headers: { "retry-after": "60" },
    });
    expect(calledOnly(fixture)).toHaveLength(1);
  });
});

test("operations and deliveries share a token", async () => {
  const fixture = await open();
  await fixture.rest().page(1);
  await ask(fixture, "getSubscriber", one);
  await ask(fixture, "rawRequest", { body: { method: "GET", endpoint: "/organizations" } });
  expect(fixture.sim.books.snapshot().tokensIssued).toBe(1);
});

test("a call that PlanSource does not answer ends in time, and leaves its place to others", async () => {
  const fixture = await open({ settings: { concurrent_requests: 1 } });
  await fixture.rest().page(1);
  fixture.sim.faults.add({ kind: "stall", count: 1, route: "GET /subscribers" });
  const [list] = operationsOf(fixture, 300);
  if (list === undefined) throw new Error("There is no operation.");
  const input = { parameters: undefined, query: {}, body: undefined };
  await expect(list.run(fixture.asker(), input)).rejects.toMatchObject({ status: 502, code: "plansource_unavailable" });
  expect(await fixture.rest().page(1)).toHaveLength(1);
});

test("credentials are in no log line", async () => {
  const fixture = await open();
  await ask(fixture, "getSubscriber", one);
  expect(fixture.logged()).not.toContain(DEFAULT_API_USER.clientSecret);
});
