import { RemoteError, UnexpectedAnswer } from "../../../src/http/errors";
import { isSsnTaken, isTerminatedAlready } from "../../../src/services/plansource/api/envelope";
import { json, type Answer } from "../http/loopback";
import { useOpenApi, type OpenApi } from "./open-api";

const { open, openAt, seen } = useOpenApi();

const ANN = { subscriber_code: "E-1", first_name: "Ann", last_name: "Lee" };
const lastCall = ({ calls }: OpenApi) => {
  const call = calls.at(-1);
  return call && { route: call.route, query: Object.fromEntries(call.query), body: call.body };
};

describe("a subscriber", () => {
  test("is named by the code in every call, if the settings say so", async () => {
    const fixture = await open();
    const rest = fixture.rest();
    expect(await rest.create(ANN)).toMatchObject({ ...ANN, id: 1000001 });
    await rest.page(1);
    await rest.one("E-1");
    await rest.update("E-1", { email: "ann@acme.example" });
    await rest.terminate("E-1", { termination_reason: "QUIT", termination_date: "2026-01-31" });
    await rest.rehire("E-1", { rehire_date: "2026-02-01" });
    await rest.bulk([{ id: "E-1", email: "lee@acme.example" }]);
    const api = fixture.calls.filter(({ path }) => path.startsWith("/admin"));
    expect(api.map(({ query }) => query.get("is_custom_id"))).toEqual(Array.from({ length: 7 }, () => "true"));
    expect(fixture.sim.snapshot()).toMatchObject([{ status: "active", fields: { email: "lee@acme.example" } }]);
  });

  test("is named by PlanSource's id otherwise", async () => {
    const fixture = await open({ settings: { subscriber_key: "id" } });
    const { id } = fixture.sim.organization().seed(ANN);
    await fixture.rest().update(String(id), { email: "ann@acme.example" });
    expect(lastCall(fixture)).toEqual({ route: "PUT /subscriber/:id", query: {}, body: { email: "ann@acme.example" } });
  });

  test("may have a code that is no part of an address as it stands", async () => {
    const fixture = await open();
    fixture.sim.organization().seed({ ...ANN, subscriber_code: "a/b ?ü" });
    expect(await fixture.rest().one("a/b ?ü")).toMatchObject({ first_name: "Ann" });
  });

  test.each(["no-employee", "not-in-organization"] as const)(
    "who is unknown is undefined (%s)",
    async (unknownEmployee) => {
      const fixture = await open({ switches: { unknownEmployee } });
      expect(await fixture.rest().one("E-9")).toBeUndefined();
      await expect(fixture.rest().read("E-9")).rejects.toMatchObject({ status: 404 });
    },
  );

  const notFound = (code: unknown, message: string) => ({
    status: "failure",
    errors: { http_status: 404, message, details: "", error_code: code },
    data: [],
  });
  test.each<readonly [string, Answer]>([
    ["a wrong route", (_request, response) => json(response, 404, notFound("route_not_found", "Route not found"))],
    ["a bare 404", (_request, response) => response.writeHead(404).end()],
    ["a gateway's page", (_request, response) => response.writeHead(404).end("<html>Not Found</html>")],
    ["something else that is missing", (_request, response) => json(response, 404, notFound(404, "Benefit not found"))],
  ])("is not unknown because of %s", async (_name, answer) => {
    const fixture = await openAt(answer);
    await expect(fixture.rest().one("E-1")).rejects.toMatchObject({ name: "RemoteError", status: 404 });
  });

  test("is unknown too if the failure comes with status 200", async () => {
    const fixture = await openAt((_request, response) =>
      json(response, 200, notFound(404, "No employee with id: E-1 found")),
    );
    expect(await fixture.rest().one("E-1")).toBeUndefined();
  });

  test("of another code than the one asked for is not taken", async () => {
    const data = { id: 7, subscriber_code: "E-2" };
    const fixture = await openAt((_request, response) => json(response, 200, { status: "success", errors: [], data }));
    await expect(fixture.rest().one("E-1")).rejects.toThrow(UnexpectedAnswer);
    expect(await fixture.rest().one("e-2 ")).toEqual(data);
  });

  test.each<readonly [string, unknown]>([
    ["nobody", []],
    ["two", [{ id: 1 }, { id: 2 }]],
    ["no id", { subscriber_code: "E-1" }],
    ["an id that is a word", { id: "E-1" }],
    ["a text", "OK"],
  ])("is not taken from an answer with %s", async (_name, data) => {
    const fixture = await openAt((_request, response) => json(response, 200, { status: "success", errors: [], data }));
    await expect(fixture.rest().create(ANN)).rejects.toThrow(UnexpectedAnswer);
  });

  test("may come as a list of one, with an id in digits", async () => {
    const body = { status: "success", errors: [], data: [{ id: "12", subscriber_code: "E-1" }] };
    const fixture = await openAt((_request, response) => json(response, 200, body));
    expect(await fixture.rest().one("E-1")).toEqual({ id: "12", subscriber_code: "E-1" });
  });
});

describe("a failure", () => {
  test("counts as one whatever its status is, and keeps PlanSource's words", async () => {
    const errors = [{ http_status: 400, message: "Invalid value for gender.", error_code: 400 }];
    const fixture = await openAt((_request, response) =>
      json(response, 200, { status: "failure", errors, data: { id: 7 } }),
    );
    const error: unknown = await fixture
      .rest()
      .create(ANN)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ status: 400, kind: "validation", applied: "no" });
    expect(JSON.stringify((error as RemoteError).body)).toContain("Invalid value for gender.");
  });

  test.each(["exists", "taken"] as const)(
    "because of a known social security number is recognised (%s)",
    async (duplicateSsn) => {
      const fixture = await open({ switches: { duplicateSsn } });
      fixture.sim.organization().seed({ ...ANN, ssn: "123-45-6789" });
      const again = fixture.rest().create({ ...ANN, subscriber_code: "E-2", ssn: "123-45-6789" });
      expect(isSsnTaken(await again.catch((error: unknown) => error))).toBe(true);
    },
  );

  test("of a repeated termination is recognised", async () => {
    const fixture = await open();
    fixture.sim.organization().seed(ANN, "terminated");
    const again = fixture.rest().terminate("E-1", { termination_reason: "QUIT", termination_date: "2026-01-31" });
    expect(isTerminatedAlready(await again.catch((error: unknown) => error))).toBe(true);
  });
});

describe("after a lost answer", () => {
  const lose = ({ sim }: OpenApi, route: string) => sim.faults.add({ kind: "reset-after", route, count: 1 });

  test.each<readonly [string, string, (rest: ReturnType<OpenApi["rest"]>) => Promise<unknown>]>([
    ["a create", "POST /subscriber", (rest) => rest.create({ ...ANN, subscriber_code: "E-2" })],
    [
      "a termination",
      "PUT /subscriber/:id/terminate",
      (rest) => rest.terminate("E-1", { termination_reason: "QUIT", termination_date: "2026-01-31" }),
    ],
    ["a rehire", "PUT /subscriber/:id/rehire", (rest) => rest.rehire("E-1", { rehire_date: "2026-02-01" })],
  ])("%s is not sent again", async (_name, route, write) => {
    const fixture = await open({ switches: { rehireActive: "accepted" } });
    fixture.sim.organization().seed(ANN);
    lose(fixture, route);
    await expect(write(fixture.rest())).rejects.toMatchObject({ applied: "maybe" });
    expect(fixture.routes().filter((each) => each === route)).toHaveLength(1);
  });

  test("an update is sent again, for it sets what it sets", async () => {
    const fixture = await open();
    fixture.sim.organization().seed(ANN);
    lose(fixture, "PUT /subscriber/:id");
    expect(await fixture.rest().update("E-1", { last_name: "Stone" })).toMatchObject({ last_name: "Stone" });
    expect(fixture.sim.books.snapshot().writes).toHaveLength(2);
  });
});

describe("lists", () => {
  test("are read page by page, with holes where a row is no subscriber", async () => {
    const data = [{ id: 1 }, { name: "?" }, { id: "3" }];
    const fixture = await openAt((_request, response) => json(response, 200, { status: "success", errors: [], data }));
    expect(await fixture.rest().page(2, { perPage: 3, includeTest: true })).toEqual([
      { id: 1 },
      undefined,
      { id: "3" },
    ]);
    expect(seen().at(-1)?.url).toBe("/admin/v2/subscribers?is_custom_id=true&page=2&per_page=3&include_test=true");
  });

  test("have test employees only if asked for", async () => {
    const fixture = await open();
    fixture.sim.organization().seed({ ...ANN, test_employee: true });
    expect(await fixture.rest().page(1, { includeTest: false })).toEqual([]);
    expect(await fixture.rest().page(1, { includeTest: true })).toHaveLength(1);
  });

  test.each(["object", "html"] as const)("of another shape (%s) are no lists", async (form) => {
    const fixture = await open();
    fixture.sim.faults.add({ kind: "wrong-shape", form, route: "GET /subscribers" });
    await expect(fixture.rest().page(1)).rejects.toThrow(UnexpectedAnswer);
  });

  test("of beneficiaries come as they are", async () => {
    const fixture = await open();
    fixture.sim.organization().beneficiaries.seed({
      subscriber_id: 1,
      coverage_id: 2,
      first_name: "Bo",
      last_name: "Lee",
      relationship: "Spouse",
    });
    expect(await fixture.rest().beneficiaries({})).toMatchObject([{ first_name: "Bo" }]);
    expect(lastCall(fixture)?.query).toEqual({});
  });
});

test("meta data is read outside the budget", async () => {
  const fixture = await open();
  const rest = fixture.rest();
  expect(await rest.meta()).toHaveProperty("gender.validation_data");
  expect(fixture.taken).toEqual([]);
  await rest.page(1);
  expect(fixture.taken).toEqual(["delivery"]);
});

test("no value that is only ever written is in a log line or an error", async () => {
  const fixture = await openAt((request, response) =>
    json(response, 400, {
      status: "failure",
      errors: { http_status: 400, message: `Bad: ${request.body}`, error_code: 400 },
      data: { ssn: "987-65-4321" },
    }),
  );
  const secret = { ssn: "123-45-6789", current_salary: 81234, anthem_hcid: "HC-998877" };
  const error: unknown = await fixture
    .rest()
    .update("E-1", secret)
    .catch((caught: unknown) => caught);
  const seen = fixture.logged() + JSON.stringify(error) + String(error);
  expect(seen).toContain("Bad: ");
  for (const value of ["6789", "81234", "998877", "4321"]) expect(seen).not.toContain(value);
});
