/** PlanSource's operations through the running server: what reaches PlanSource, what comes back, and what the log says. */
import { EMPLOYER } from "../../fixture/plansource";
import { bag, list } from "../../fixture/states";
import { send } from "../asking";
import type { Asking } from "./asking";
import { EVERY, LEAVE, NEW, useOperations } from "./operations";

const at = useOperations();

interface Good {
  readonly about: string;
  readonly call: string;
  readonly asking?: Asking;
  /** What reaches PlanSource; `:id` stands for the id of the first employee. */
  readonly reaches: string;
  /** Its body, if it has one. */
  readonly sends?: unknown;
  /** Part of the answer. */
  readonly answer: object;
  /** Operation and path of the audit line. */
  readonly audit?: readonly [string, string];
}

const GOOD: readonly Good[] = [
  {
    about: "a page of subscribers is listed, test employees left out",
    call: "GET /subscribers",
    reaches: "GET /subscribers?is_custom_id=true",
    answer: [{ subscriber_code: "emp-1" }],
  },
  {
    about: "and the page that is asked for, with them",
    call: "GET /subscribers",
    asking: { query: { page: "2", per_page: "1", include_test: "1" } },
    reaches: "GET /subscribers?is_custom_id=true&page=2&per_page=1&include_test=true",
    answer: [{ subscriber_code: "emp-2" }],
  },
  {
    about: "a subscriber is created, fields that are not described included",
    call: "POST /subscribers",
    asking: { body: { ...NEW, shoe_size: [42] } },
    reaches: "POST /subscriber?is_custom_id=true",
    sends: { ...NEW, shoe_size: [42] },
    answer: { subscriber_code: "E-9", employment_status: "Active" },
    audit: ["createSubscriber", "/subscribers"],
  },
  {
    about: "several are changed by a list",
    call: "PUT /subscribers",
    asking: { body: [{ id: "emp-1", city: "Boston" }, { id: "emp-2" }] },
    reaches: "PUT /subscribers?is_custom_id=true",
    sends: [{ id: "emp-1", city: "Boston" }, { id: "emp-2" }],
    answer: { valid_count: 2, failed_count: 0 },
    audit: ["bulkUpdateSubscribers", "/subscribers"],
  },
  {
    about: "a row that fails is told in PlanSource's words",
    call: "PUT /subscribers",
    asking: { body: [{ id: "emp-1", city: "Boston" }, { id: "nobody" }] },
    reaches: "PUT /subscribers?is_custom_id=true",
    answer: {
      valid_count: 1,
      failed_rows: [{ id: "nobody", errors: [{ message: "No employee with id: nobody found" }] }],
    },
    audit: ["bulkUpdateSubscribers", "/subscribers"],
  },
  {
    about: "what the client requires and allows is read; meta is no code of an employee",
    call: "GET /subscribers/meta",
    reaches: "GET /subscriber/meta",
    answer: {
      gender: {
        required: false,
        validation_data: [
          ["Male", "M"],
          ["Female", "F"],
        ],
      },
    },
  },
  {
    about: "one is read by the code",
    call: "GET /subscribers/emp-1",
    reaches: "GET /subscriber/emp-1?is_custom_id=true",
    answer: { subscriber_code: "emp-1", last_name: "Marsh 1" },
  },
  {
    about: "and by PlanSource's id",
    call: "GET /subscribers/:id",
    asking: { query: { is_custom_id: "false" } },
    reaches: "GET /subscriber/:id",
    answer: { subscriber_code: "emp-1" },
  },
  {
    about: "one is changed in the fields that are sent, and a blank one is cleared",
    call: "PUT /subscribers/emp-1",
    asking: { body: { city: "Boston", email: "" } },
    reaches: "PUT /subscriber/emp-1?is_custom_id=true",
    sends: { city: "Boston", email: "" },
    answer: { first_name: "Robin", city: "Boston", email: null },
    audit: ["updateSubscriber", "/subscribers/{id}"],
  },
  {
    about: "one is terminated",
    call: "PUT /subscribers/emp-1/terminate",
    asking: { body: LEAVE },
    reaches: "PUT /subscriber/emp-1/terminate?is_custom_id=true",
    sends: LEAVE,
    answer: { employment_status: "Terminated", termination_date: "2026/01/31", is_voluntary_termination: true },
    audit: ["terminateSubscriber", "/subscribers/{id}/terminate"],
  },
  {
    about: "all beneficiaries are listed, those of test employees left out",
    call: "GET /beneficiaries",
    reaches: "GET /beneficiaries",
    answer: [],
  },
  {
    about: "any other call is passed on",
    call: "POST /request",
    asking: { body: { method: "GET", endpoint: "/organizations" } },
    reaches: "GET /organizations",
    answer: { status: "success", data: [{ name: "acme-hcm" }] },
    audit: ["rawRequest", "/organizations"],
  },
];

describe("a good call", () => {
  test.each(GOOD.map((each) => [each.about, each] as const))("%s", async (_about, each) => {
    const withId = (text: string): string => text.replace(":id", at.id);
    const answer = await at.operate(withId(each.call), each.asking);
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
    expect(JSON.parse(answer.text)).toMatchObject(each.answer);
    expect(at.seen).toEqual([withId(each.reaches)]);
    if (each.sends !== undefined) expect(at.sent()).toEqual(each.sends);
    const [operation, path] = each.audit ?? [];
    const [method] = each.call === "POST /request" ? ["GET"] : each.call.split(" ");
    expect(at.auditLines().map(({ data }) => data)).toEqual(
      operation === undefined ? [] : [{ operation, method, path, status: 200 }],
    );
  });

  test("one who was terminated is rehired", async () => {
    await at.operate("PUT /subscribers/emp-1/terminate", { body: LEAVE });
    const body = { rehire_date: "2026-03-02" };
    const { text } = await at.operate("PUT /subscribers/emp-1/rehire", { body });
    expect(JSON.parse(text)).toMatchObject({ employment_status: "Active", hire_date: "2026/03/02" });
    expect(at.sent()).toEqual(body);
    expect(at.auditLines().at(-1)?.data).toMatchObject({ path: "/subscribers/{id}/rehire", status: 200 });
  });

  test("HEAD is GET without a body", async () => {
    const answer = await at.operate("HEAD /subscribers/emp-1");
    expect([answer.status, answer.text]).toEqual([200, ""]);
  });
});

test("the audit line names the connector, and nothing of what was sent", async () => {
  const query = { is_custom_id: "true" };
  const body = { city: "Boston", ssn: "078-05-1120" };
  await at.operate("PUT /subscribers/emp-1", { query, body });
  const [line] = at.auditLines();
  expect(line).toMatchObject({
    level: "info",
    context: { organization: at.opened.fixture.hull.host, id: EMPLOYER.id },
  });
  const logged = at.logged();
  expect(logged).not.toMatch(/Boston|078-05-1120|emp-1|is_custom_id/);
});

test("description and page have every operation at its place", async () => {
  const { baseUrl } = at.opened.fixture;
  const { status, headers, body } = await send(baseUrl, "/plansource/openapi.json");
  expect([status, headers.get("access-control-allow-origin")]).toEqual([200, "*"]);
  const paths = bag(body["paths"]);
  const described = Object.keys(paths).filter((path) => /subscribers|beneficiaries|request/.test(path));
  const calls = described.flatMap((path) =>
    Object.keys(bag(paths[path])).map((method) => `${method.toUpperCase()} ${path.replace("/api/internal", "")}`),
  );
  const templates = EVERY.map(([call]) => call.replace("emp-1", "{id}"));
  expect(calls.filter((call) => !call.includes("/schema")).toSorted()).toEqual(templates.toSorted());
  expect(list(body["servers"])).toEqual([{ url: "/plansource" }]);
  const page = await send(baseUrl, "/plansource/docs");
  expect(page.text).toContain("<title>Hull PlanSource connector: API</title>");
  for (const [, path = ""] of page.text.matchAll(/(?:src|href)="([^"]+)"/g)) {
    expect([path, (await send(baseUrl, path)).status]).toEqual([path, 200]);
  }
});
