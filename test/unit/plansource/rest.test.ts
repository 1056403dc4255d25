import { RemoteError, UnexpectedAnswer } from "../../../src/http/errors";
import { isSsnTaken, isTerminatedAlready } from "../../../src/services/plansource/api/envelope";
import { startLoopback, json, type Answer, type Loopback } from "../http/loopback";
import { openApi, type OpenApi, type OpenApiOptions } from "./open-api";

let opened: OpenApi | undefined;
let server: Loopback | undefined;
afterEach(async () => {
  await opened?.close();
  await server?.close();
  opened = server = undefined;
});

async function open(options: OpenApiOptions = {}): Promise<OpenApi> {
  return (opened = await openApi(options));
}
/** A server that hands out tokens, and answers everything else in its own way. */
async function openAt(answer: Answer): Promise<OpenApi> {
  server = await startLoopback((request, response, n) => {
    if (request.url === "/oauth/v2/token") json(response, 200, { access_token: "token-1" });
    else answer(request, response, n);
  });
  return open({ url: server.url });
}
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

describe("several subscribers in one call", () => {
  const wrapped = {
    array: [{ id: "E-1", last_name: "Stone" }],
    subscribers: { subscribers: [{ id: "E-1", last_name: "Stone" }] },
  };

  test.each(["array", "subscribers"] as const)(
    "are sent in the wrapper that PlanSource takes: %s",
    async (bulkWrapper) => {
      const fixture = await open({ switches: { bulkWrapper } });
      fixture.sim.organization().seed(ANN);
      const first = await fixture.rest().bulk([{ id: "E-1", last_name: "Stone" }]);
      expect(first.data).toMatchObject({ valid_count: 1, failed_count: 0 });
      expect(lastCall(fixture)?.body).toEqual(wrapped[bulkWrapper]);
      const before = fixture.calls.length;
      await fixture.rest().bulk([{ id: "E-1", last_name: "Stone" }]);
      // Remembered, so it is tried first.
      expect(fixture.calls.slice(before).map(({ body }) => body)).toEqual([wrapped[bulkWrapper]]);
    },
  );

  test("are unwrapped if PlanSource wants it after all", async () => {
    const fixture = await open({ switches: { bulkWrapper: "subscribers" } });
    fixture.sim.organization().seed(ANN);
    await fixture.rest().bulk([{ id: "E-1", last_name: "Stone" }]);
    fixture.sim.configure({ bulkWrapper: "array" });
    await fixture.rest().bulk([{ id: "E-1", last_name: "Lee" }]);
    expect(fixture.sim.snapshot()[0]?.fields["last_name"]).toBe("Lee");
  });

  test("are not sent in another wrapper because a row was refused", async () => {
    const fixture = await open({ switches: { bulkFailure: "all" } });
    fixture.sim.organization().seed(ANN);
    const refused = fixture.rest().bulk([{ id: "E-1", gender: "X" }]);
    await expect(refused).rejects.toMatchObject({ status: 400 });
    expect(fixture.routes().filter((route) => route === "PUT /subscribers")).toHaveLength(1);
  });

  test("that are refused in the second wrapper are refused for their rows, and the wrapper is remembered", async () => {
    const fixture = await open({ switches: { bulkFailure: "all", bulkWrapper: "subscribers" } });
    fixture.sim.organization().seed(ANN);
    const error: unknown = await fixture
      .rest()
      .bulk([{ id: "E-1", gender: "X" }])
      .catch((caught: unknown) => caught);
    expect(JSON.stringify(error)).toContain("Invalid value for gender");
    await fixture.rest().bulk([{ id: "E-1", gender: "F" }]);
    expect(fixture.routes().filter((route) => route === "PUT /subscribers")).toHaveLength(3);
  });

  test("keep what stands beside them in a wrapper", async () => {
    const fixture = await open({ switches: { bulkWrapper: "subscribers" } });
    fixture.sim.organization().seed(ANN);
    await fixture.rest().bulk({ subscribers: [{ id: "E-1", last_name: "Stone" }], note: "x" });
    expect(lastCall(fixture)?.body).toEqual({ ...wrapped.subscribers, note: "x" });
  });

  test("that failed in part are an answer, even if it calls itself a failure", async () => {
    const data = { valid_count: 1, failed_count: 1, failed_rows: [{ id: "E-2" }] };
    const fixture = await openAt((_request, response) => json(response, 200, { status: "failure", errors: [], data }));
    expect((await fixture.rest().bulk([{ id: "E-1" }, { id: "E-2" }])).data).toEqual(data);
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
    expect(server?.seen.at(-1)?.url).toBe(
      "/admin/v2/subscribers?is_custom_id=true&page=2&per_page=3&include_test=true",
    );
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

describe("calls at once", () => {
  /** Keeps every call in the simulator until told otherwise; tokens pass, and so do strangers. */
  function holding({ sim }: OpenApi) {
    const held: (() => void)[] = [];
    sim.on("request", ({ headers }) =>
      headers.authorization === undefined ? undefined : new Promise<void>((resolve) => void held.push(resolve)),
    );
    return held;
  }
  /** Whatever was sent before has arrived by then. */
  async function settle({ sim }: OpenApi): Promise<void> {
    for (let n = 0; n < 3; n += 1) await (await fetch(`${sim.url}/admin/v2/organizations`)).text();
  }
  /** Lets out one after the other, each once all that may come have come. Answers how many were there at most. */
  async function drain(fixture: OpenApi, held: (() => void)[], atOnce: number, total: number): Promise<number> {
    let most = 0;
    for (let left = total; left > 0; left -= 1) {
      while (held.length < Math.min(atOnce, left)) await settle(fixture);
      await settle(fixture);
      most = Math.max(most, held.length);
      held.shift()?.();
    }
    return most;
  }

  test.each([1, 2, 3])("are never more than the settings allow: %i, whoever makes them", async (atOnce) => {
    const fixture = await open({ settings: { concurrent_requests: atOnce } });
    const held = holding(fixture);
    const [delivery, other] = [fixture.rest(), fixture.rest()];
    const work = Promise.all([
      ...Array.from({ length: 4 }, () => delivery.page(1)),
      ...Array.from({ length: 4 }, () => other.meta()),
    ]);
    expect(await drain(fixture, held, atOnce, 8)).toBe(atOnce);
    await work;
    expect(fixture.sim.books.snapshot().mostAtOnce).toBe(atOnce);
  });

  test("go on when one of them fails, and when a waiting one is given up", async () => {
    const fixture = await open({ settings: { concurrent_requests: 1 } });
    const held = holding(fixture);
    const given = fixture.api();
    const first = fixture.rest().one("E-9");
    while (held.length === 0) await settle(fixture);
    const second = given.request({ method: "GET", route: "/organizations" });
    const third = fixture.rest().page(1);
    given.close();
    await expect(second).rejects.toMatchObject({ applied: "no" });
    held.shift()?.();
    expect(await first).toBeUndefined();
    expect(await drain(fixture, held, 1, 1)).toBe(1);
    expect(await third).toEqual([]);
  });
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
