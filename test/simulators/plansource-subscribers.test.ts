import { createManualClock } from "../../simulators/loopback";
import {
  createPlanSourceSimulator,
  type PlanSourceSwitches,
  type PlanSourceSimulator,
} from "../../simulators/plansource";
import { bearerOf, call, type Answer } from "./plansource-calls";

let sim: PlanSourceSimulator;
let bearer: string;
beforeEach(async () => {
  sim = createPlanSourceSimulator({ clock: createManualClock() });
  await sim.listen();
  bearer = await bearerOf(sim);
});
afterEach(() => sim.close());

const ada = { subscriber_code: "E-1", first_name: "Ada", last_name: "Lovelace" };
const send = (method: string, path: string, body?: unknown) => call(sim, bearer, method, path, body);
const create = (fields: object = {}) => send("POST", "/subscriber", { ...ada, ...fields });
const seed = (fields: Readonly<Record<string, string>> = {}, status?: "active" | "terminated" | "leave" | "cobra") =>
  sim.organization().seed({ ...ada, ...fields }, status);
const dataOf = ({ body }: Answer) => (body as { data: Record<string, unknown> }).data;
const refusal = (message: string, error_code: unknown = 400, http_status = 400) => ({
  status: http_status,
  body: { status: "failure", errors: { http_status, message, error_code }, data: [] },
});

describe("a create", () => {
  it("answers the whole subscriber with its id, with 200", async () => {
    const answer = await create({
      hire_date: "2026/02/01",
      current_salary: 70_000,
      ...effective,
      org_payroll_id: 119_298,
    });
    expect(answer.status).toBe(200);
    expect(dataOf(answer)).toMatchObject({
      ...{ ...ada, id: 1_000_001, hire_date: "2026/02/01", current_salary: "70000.0", org_payroll_id: 119_298 },
      ...{
        middle_name: null,
        employment_status: "Active",
        links: { href: "/admin/v2/subscriber/1000001", rel: "self" },
      },
    });
    expect(sim.books.snapshot().writes).toMatchObject([{ kind: "create", code: "E-1", id: 1_000_001 }]);
  });

  const effective = { current_salary_effective_on: "2026-01-01" };

  it.each([
    [{ first_name: undefined }, "A user_name or first_name and last_name is required.", 400],
    [{ state: "Bavaria" }, "State must be a valid State abbreviation.", 400],
    [{ hire_date: "2026-02-01" }, "Hire date is not a valid date.", "date.not.valid"],
    [{ birthdate: "1990/02/30" }, "Birthdate is not a valid date.", "date.not.valid"],
    [{ current_salary: 1 }, "Current salary effective on is required.", 400],
    [{ home_phone: "555-0100" }, "Home phone is invalid.", "invalid_field_blank_or_value"],
    [{ ssn: "123456789" }, "Ssn is invalid.", "invalid_field_blank_or_value"],
    [{ id: 7 }, "Id cannot be set on create.", 400],
  ])("with %j is refused", async (fields, message, code) => {
    expect(await create(fields)).toMatchObject(refusal(message, code));
    expect(sim.snapshot()).toEqual([]);
  });

  it("is refused by a list where a value is not on one, in the words of the documentation", async () => {
    const { status, body } = await create({ gender: "Female", marital_status: "X" });
    expect([status, body]).toMatchObject([
      400,
      {
        status: "failure",
        errors: [
          { message: "Invalid value for gender.  The valid values are M,F." },
          { message: "Invalid value for marital_status.  The valid values are S,M,U." },
        ],
      },
    ]);
  });

  it("needs what the client requires, and may have what it allows", async () => {
    const { meta } = sim.organization();
    meta.set("hire_date", { required: true });
    meta.set("division", { choices: [["Moon", "MOON"]] });
    expect(await create()).toMatchObject(refusal("Hire date is required."));
    sim.configure({ missingRequired: "code" });
    expect(await create()).toMatchObject(refusal("hire_date", "missing.required.attribute"));
    expect((await create({ hire_date: "2026/02/01", division: "MOON" })).status).toBe(200);
    expect(dataOf(await send("GET", "/subscriber/meta"))).toMatchObject({
      hire_date: { required: true, update: true, caption: "Hire date", data_type: "STRING", validation_data: [] },
      division: { required: false, validation_data: [["Moon", "MOON"]] },
      current_salary: { data_type: "NUMBER" },
      termination_reason: {
        validation_data: [{ lookup_code: "QUIT" }, { name: "Dismissal" }, {}, {}],
      },
      payroll_schedules: [{ id: 119_298, name: "Monthly", lookup_code: "MONTHLY" }, { id: 119_299 }],
    });
  });

  it.each([
    ["exists", "An employee with this SSN already exists."],
    ["taken", "Ssn has already been taken"],
  ] as const)("is refused for an SSN that somebody has (%s)", async (duplicateSsn, message) => {
    sim.configure({ duplicateSsn });
    seed({ ssn: "123-45-6789" }, "terminated");
    expect(await create({ ssn: "123-45-6789", subscriber_code: "E-2" })).toMatchObject(refusal(message));
  });

  it("makes somebody twice who has no SSN, and the books tell", async () => {
    await create();
    await create();
    expect(sim.books.snapshot().duplicates).toEqual(["E-1"]);
    sim.configure({ duplicateCode: "refused" });
    expect(await create()).toMatchObject(refusal("Subscriber code has already been taken"));
  });

  it("may have a second address", async () => {
    expect((await send("POST", "/subscribers", ada)).status).toBe(200);
    sim.configure({ pluralCreate: "unknown" });
    expect((await send("POST", "/subscribers", ada)).status).toBe(404);
  });
});

describe("an update", () => {
  it("changes what is sent, clears what is blank, and keeps the rest", async () => {
    const { id } = seed({ city: "Boston", email: "a@x.io" });
    const answer = await send("PUT", `/subscriber/${id}`, { city: "", business_title: "Countess" });
    expect(dataOf(answer)).toMatchObject({ id, city: null, business_title: "Countess", email: "a@x.io" });
    expect(sim.books.snapshot().writes[0]).toMatchObject({ changed: { city: null, business_title: "Countess" } });
    await send("PUT", `/subscriber/${id}`, { business_title: "Countess", email: null });
    expect(sim.books.snapshot()).toMatchObject({ noOpWrites: 1 });
    expect(sim.snapshot()[0]?.fields).toMatchObject({ email: "a@x.io" });
  });

  it("finds by id, or with is_custom_id by code", async () => {
    const { id } = seed();
    expect((await send("PUT", "/subscriber/E-1?is_custom_id=true", { city: "Boston" })).status).toBe(200);
    expect((await send("GET", `/subscriber/${id}`)).body).toMatchObject({ data: { city: "Boston" } });
    const missing = refusal("No employee with id: E-1 found", 404, 404);
    expect(await send("PUT", "/subscriber/E-1", { city: "Boston" })).toMatchObject(missing);
    sim.configure({ unknownEmployee: "not-in-organization" });
    const words = "Invalid employee. The employee id/code does not belong to the organization.";
    expect(await send("GET", `/subscriber/${id}?is_custom_id=true`)).toMatchObject(refusal(words, 404, 404));
  });

  it("does not blank what is required, and leaves alone what may not change", async () => {
    sim.organization().meta.set("hire_date", { required: true });
    sim.organization().meta.set("employee_number", { update: false });
    const { id } = seed({ hire_date: "2020-01-01", employee_number: "1" });
    expect(await send("PUT", `/subscriber/${id}`, { hire_date: "" })).toMatchObject(refusal("Hire date is required."));
    expect(dataOf(await send("PUT", `/subscriber/${id}`, { employee_number: "2" }))).toMatchObject({
      employee_number: "1",
    });
    sim.configure({ notUpdatable: "refused" });
    const words = "Employee number cannot be updated.";
    expect(await send("PUT", `/subscriber/${id}`, { employee_number: "2" })).toMatchObject(refusal(words));
  });

  it("of a terminated subscriber is done or refused", async () => {
    const { id } = seed({}, "terminated");
    expect((await send("PUT", `/subscriber/${id}`, { city: "Boston" })).status).toBe(200);
    sim.configure({ terminatedUpdate: "refused" });
    const words = "Cannot perform action as the employee is terminated";
    expect(await send("PUT", `/subscriber/${id}`, { city: "Austin" })).toMatchObject(refusal(words));
  });
});

describe("terminate and rehire", () => {
  const leaving = { termination_reason: "QUIT", termination_date: "2026-01-31", voluntary: true };

  it("end and restart a subscriber, and move its dates", async () => {
    const { id } = seed({ hire_date: "2020-01-01" });
    expect(dataOf(await send("PUT", `/subscriber/${id}/terminate`, leaving))).toMatchObject({
      ...{ employment_status: "Terminated", termination_date: "2026/01/31", is_voluntary_termination: true },
      ...{ termination_reason_id: 1, termination_reason: [{ lookup_code: "QUIT" }] },
    });
    expect(
      dataOf(await send("PUT", "/subscriber/E-1/rehire?is_custom_id=true", { rehire_date: "2026-03-01" })),
    ).toMatchObject({
      ...{
        employment_status: "Active",
        hire_date: "2026/03/01",
        original_hire_date: "2020/01/01",
        termination_date: null,
      },
      ...{ status_starts_on: "2026/03/01", benefits_start_date: "2026/03/01", is_voluntary_termination: null },
    });
    expect(sim.books.snapshot().writes.map(({ kind }) => kind)).toEqual(["terminate", "rehire"]);
  });

  it.each([
    ["active", "terminate", { termination_date: "2026-01-31" }, "Termination reason is required."],
    ["active", "terminate", { termination_reason: "QUIT" }, "Termination date is required."],
    ["active", "terminate", { ...leaving, termination_date: "2026/01/31" }, "Termination date is not a valid date."],
    ["terminated", "terminate", leaving, "Cannot perform action as the employee is terminated"],
    ["leave", "terminate", leaving, "Cannot perform action as the employee is not active"],
    ["cobra", "rehire", { rehire_date: "2026-03-01" }, "Cannot perform action as the employee is not active"],
    ["active", "rehire", { rehire_date: "2026-03-01" }, "Cannot perform action as the employee is active"],
    ["terminated", "rehire", {}, "Rehire date is required."],
    ["terminated", "rehire", { rehire_date: "2026/03/01" }, "Rehire date is not a valid date."],
  ] as const)("of somebody %s: %s with %j is refused", async (status, action, body, message) => {
    const { id } = seed({}, status);
    expect(await send("PUT", `/subscriber/${id}/${action}`, body)).toMatchObject({ body: { errors: { message } } });
    expect(sim.snapshot()[0]?.status).toBe(status);
  });

  it("name the reasons that there are", async () => {
    const { id } = seed();
    const { body } = await send("PUT", `/subscriber/${id}/terminate`, {
      ...leaving,
      termination_reason: "Resignation",
    });
    const message = "Invalid value for termination_reason.  The valid values are QUIT,FIRED,RETIRED,DECEASED.";
    expect(body).toMatchObject({ errors: [{ message }] });
  });

  it("know one spelling of the flag, and may take a rehire of somebody active", async () => {
    sim.configure({ terminationFlag: "volunatary", rehireActive: "accepted" });
    const { id } = seed();
    const misspelt = { ...leaving, voluntary: undefined, volunatary: false };
    expect(dataOf(await send("PUT", `/subscriber/${id}/terminate`, misspelt))["is_voluntary_termination"]).toBe(false);
    sim.organization().setStatus(id, "active");
    expect((await send("PUT", `/subscriber/${id}/rehire`, { rehire_date: "2026-03-01" })).status).toBe(200);
  });
});

describe("lists", () => {
  it("have pages of at most 500, terminated ones too, and test employees only if asked for", async () => {
    for (let index = 0; index < 501; index += 1) seed({ subscriber_code: `E-${index}` }, "terminated");
    sim.organization().seed({ subscriber_code: "T", test_employee: true });
    const codes = async (query: string) => {
      const list = (await send("GET", `/subscribers${query}`)).body as { data: { subscriber_code: string }[] };
      return list.data.map(({ subscriber_code: code }) => code);
    };
    expect(await codes("")).toHaveLength(500);
    expect(await codes("?per_page=9999")).toHaveLength(500);
    expect(await codes("?page=2")).toEqual(["E-500"]);
    expect(await codes("?page=2&include_test=true")).toEqual(["E-500", "T"]);
    expect(await codes("?page=3&per_page=2")).toEqual(["E-4", "E-5"]);
    sim.configure({ terminatedInLists: "hidden" });
    expect(await codes("?include_test=true")).toEqual(["T"]);
  });

  it("of beneficiaries leave out those of test employees, and end one by one", async () => {
    const { id } = seed();
    const base = { subscriber_id: id, coverage_id: 7, last_name: "Byron", relationship: "child" };
    sim.organization().beneficiaries.seed({ ...base, first_name: "Anne" });
    sim.organization().beneficiaries.seed({ ...base, first_name: "Tester", test: true });
    expect(dataOf(await send("GET", "/beneficiaries"))).toHaveLength(1);
    expect(dataOf(await send("GET", "/beneficiaries?include_test=true"))).toHaveLength(2);
    expect(dataOf(await send("GET", `/subscriber/${id}/beneficiaries`))).toMatchObject([{ first_name: "Anne" }]);
    expect((await send("GET", "/subscriber/9/beneficiaries")).status).toBe(404);
    expect((await send("DELETE", "/coverage/7/beneficiaries")).status).toBe(422);
    expect((await send("DELETE", "/coverage/8/beneficiaries?termination_date=2026-01-01")).status).toBe(404);
    expect((await send("DELETE", "/coverage/7/beneficiaries?termination_date=2026-01-01")).status).toBe(200);
    expect(dataOf(await send("GET", "/beneficiaries"))).toMatchObject([{ termination_date: "2026-01-01" }]);
  });
});

const genderError = { http_status: 400, message: "Invalid value for gender.  The valid values are M,F." };

describe("answers in the forms that sources show", () => {
  it.each([
    [{}, { ssn: "XXX-XX-6789", hire_date: "2020/01/31", city: null, employment_status: "Active" }],
    [
      { ssn: "full", answerDates: "dash", blanks: "empty" },
      { ssn: "123-45-6789", hire_date: "2020-01-31", city: "" },
    ],
    [
      { ssn: "absent", answerDates: "us" },
      { ssn: undefined, hire_date: "01/31/2020" },
    ],
    [
      { employmentStatus: "letters", links: "array" },
      { employment_status: "A", links: [{ rel: "self" }] },
    ],
    [
      { employmentStatus: "absent", numbers: "number" },
      { employment_status: undefined, pay_rate: 20.5 },
    ],
    [{ payrollId: "text" }, { org_payroll_id: "119298", pay_rate: "20.5" }],
  ] satisfies [Partial<PlanSourceSwitches>, object][])("%j", async (switches, shown) => {
    sim.configure(switches);
    const more = { ssn: "123-45-6789", hire_date: "2020-01-31", pay_rate: 20.5, org_payroll_id: "119298" };
    const { id } = sim.organization().seed({ ...ada, ...more });
    const data = dataOf(await send("GET", `/subscriber/${id}`));
    expect(Object.fromEntries(Object.keys(shown).map((name) => [name, data[name]]))).toMatchObject(shown);
  });

  it("errors are a list or an object, whatever they are about", async () => {
    sim.configure({ errorsForm: "array" });
    const { body } = await create({ first_name: undefined, gender: "X" });
    expect(body).toMatchObject({ errors: [genderError, { http_status: 400 }] });
    sim.configure({ errorsForm: "object" });
    expect((await create({ gender: "X" })).body).toMatchObject({ errors: genderError });
  });

  it("dates may be sent with dashes, and fields be cleared by null", async () => {
    sim.configure({ requestDates: "dash", clearing: "null" });
    const { id } = seed({ city: "Boston", county: "Suffolk" });
    const sent = { hire_date: "2026-02-01", city: null, county: "" };
    expect(dataOf(await send("PUT", `/subscriber/${id}`, sent))).toMatchObject({
      ...{ hire_date: "2026/02/01", city: null, county: "Suffolk" },
    });
    expect((await send("PUT", `/subscriber/${id}`, { hire_date: "2026/02/01" })).status).toBe(400);
    sim.configure({ requestDates: "both" });
    expect((await send("PUT", `/subscriber/${id}`, { hire_date: "2026/02/01" })).status).toBe(200);
  });
});
