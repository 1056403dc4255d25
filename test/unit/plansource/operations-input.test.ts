import { ask } from "./ask";
import { useOpenApi } from "./open-api";

const { open } = useOpenApi();

/** PlanSource's id, for an update that names the employee by the code. */
const ID = 1000001;
const one = { parameters: { id: "E-1" } };

describe("what is refused before anything is sent, each error at its field:", () => {
  const NAMES = { first_name: "Ann", last_name: "Lee" };
  const LEAVE = { termination_reason: "QUIT", termination_date: "2026-01-31" };
  test.each<readonly [string, unknown, readonly string[]]>([
    ["createSubscriber", [], ["(body)"]],
    ["createSubscriber", {}, ["first_name", "last_name"]],
    ["createSubscriber", { first_name: "Ann", last_name: " " }, ["last_name"]],
    ["createSubscriber", { ...NAMES, id: 7 }, ["id"]],
    ["createSubscriber", { ...NAMES, current_salary: 1 }, ["current_salary_effective_on"]],
    ["createSubscriber", { ...NAMES, ssn: "123456789", home_phone: "(617) 555-0100" }, ["ssn", "home_phone"]],
    ["createSubscriber", { ...NAMES, birthdate: "1990-02-30", hire_date: "01/02/2026" }, ["birthdate", "hire_date"]],
    ["createSubscriber", { ...NAMES, city: { a: 1 }, vip: "yes", pay_rate: "1,5" }, ["city", "pay_rate", "vip"]],
    ["updateSubscriber", {}, ["(body)"]],
    ["updateSubscriber", { id: "E-1" }, ["(body)"]],
    ["updateSubscriber", { id: "E-2", city: "Rome" }, ["id"]],
    ["updateSubscriber", { id: ID, subscriber_code: "E-2" }, ["id"]],
    ["updateSubscriber", { current_salary: "1", current_salary_effective_on: "" }, ["current_salary_effective_on"]],
    ["terminateSubscriber", {}, ["termination_reason", "termination_date"]],
    ["terminateSubscriber", { ...LEAVE, termination_reason: " " }, ["termination_reason"]],
    ["terminateSubscriber", { ...LEAVE, termination_date: "2026/01/31" }, ["termination_date"]],
    ["terminateSubscriber", { ...LEAVE, termination_date: "2026-02-29" }, ["termination_date"]],
    ["terminateSubscriber", { ...LEAVE, voluntary: "yes" }, ["voluntary"]],
    ["rehireSubscriber", {}, ["rehire_date"]],
    ["rehireSubscriber", { rehire_date: "2026-1-1" }, ["rehire_date"]],
    ["bulkUpdateSubscribers", { rows: [] }, ["(body)"]],
    ["bulkUpdateSubscribers", [], ["(body)"]],
    ["bulkUpdateSubscribers", { subscribers: [] }, ["subscribers"]],
    [
      "bulkUpdateSubscribers",
      [{ id: "E-1" }, { city: "Rome" }, "x", { id: "", hire_date: "soon" }],
      ["1.id", "2", "3.hire_date", "3.id"],
    ],
    ["bulkUpdateSubscribers", { subscribers: [{ id: null }] }, ["0.id"]],
  ])("%s %j", async (id, body, fields) => {
    const fixture = await open();
    const answer = await ask(fixture, id, { ...one, body });
    expect({ ...answer, fields: [...(answer.fields ?? [])].sort() }).toMatchObject({
      status: 400,
      code: "invalid_subscriber",
      fields: [...fields].sort(),
    });
    expect(fixture.routes()).toEqual([]);
  });

  test("a row's field has the remedy of the field", async () => {
    const answer = await ask(await open(), "bulkUpdateSubscribers", { body: [{ ssn: "1" }] });
    expect(answer.message).toMatch(/0\.id is missing.*Send nine digits with dashes.*Send the code of the subscriber/);
  });

  test("values are not repeated in what is said", async () => {
    const answer = await ask(await open(), "updateSubscriber", {
      ...one,
      body: { ssn: "123456789", birthdate: "soon-1" },
    });
    expect(answer.message).not.toMatch(/123456789|soon-1/);
    expect(answer.message).toContain("nine digits");
  });

  test.each(["a/b", "..", "%2e%2e", "a?b", "a b", ""])("an id such as %j", async (id) => {
    const fixture = await open();
    expect(await ask(fixture, "getSubscriber", { parameters: { id } })).toMatchObject({
      code: "invalid_subscriber_id",
    });
    expect(fixture.routes()).toEqual([]);
  });
});

test.each([
  { hire_date: "2026/01/31", birthdate: "1990-01-31" },
  { current_salary: 70000.5, current_salary_effective_on: "2026-01-01", pay_rate: "10.5" },
  { vip: true, fmla: "false", is_smoker: "N" },
  { city: "", hire_date: null, vip: null, current_salary: "" },
  { ssn: "123-45-6789", home_phone: "6175550100" },
  { org_payroll_id: 119298 },
])("described fields pass in every form that PlanSource takes: %j", async (body) => {
  const fixture = await open();
  await ask(fixture, "updateSubscriber", { ...one, body });
  expect(fixture.calls.at(-1)).toMatchObject({ route: "PUT /subscriber/:id", body });
});
