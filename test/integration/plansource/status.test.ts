/** `/plansource/status`: what the dashboard sees of a connector to PlanSource, and what Hull is told. */
import { DEFAULT_API_USER } from "../../../simulators/plansource/simulator";
import type { FaultRule } from "../../../simulators/loopback";
import { about, employee, hire, LIFE_CYCLE_SETTINGS, mapping } from "../../fixture/employees";
import { EMPLOYEE_SETTINGS, EMPLOYER, usePlanSource, type PlanSourceFixture } from "../../fixture/plansource";
import type { Bag } from "../../fixture/settings";
import { askAsHull, SECRETS } from "./asking";

const open = usePlanSource();

/** Everything that the guide recommends: the status has nothing to say. */
const COMPLETE = mapping(
  ...["address_1", "city", "state", "zip_code", "home_phone", "gender", "hire_date", "birthdate", "ssn"],
  ...["employment_level", "current_salary", "current_salary_effective_on"],
);

/** The answer, which Hull is told too. */
async function statusOf(opened: PlanSourceFixture): Promise<{ status: unknown; messages: readonly unknown[] }> {
  const answer = await askAsHull(opened, "GET /status");
  expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
  expect(opened.fixture.hull.connector(EMPLOYER.id).status).toMatchObject(answer.body);
  const said = answer.text + JSON.stringify(opened.fixture.logs);
  expect(SECRETS.filter((secret) => said.includes(secret))).toEqual([]);
  return { status: answer.body["status"], messages: answer.body["messages"] as readonly unknown[] };
}
const says = (status: string, ...messages: readonly RegExp[]) => ({
  status,
  messages: messages.map((each) => expect.stringMatching(each) as string),
});
const complete = (settings: Bag = {}): Bag => ({ subscriber_attributes_outbound: COMPLETE, ...settings });

test("a connector that is well says so, and two calls and a token suffice", async () => {
  const opened = await open({ settings: complete() });
  expect(await statusOf(opened)).toEqual({ status: "ok", messages: [] });
  await statusOf(opened);
  const { calls, tokensIssued } = opened.plansource.books.snapshot();
  expect([calls, tokensIssued]).toEqual([3, 1]);
});

test("what a fresh mapping lacks of the recommended fields is a hint, and no trouble", async () => {
  expect(await statusOf(await open())).toEqual(says("ok", /no row for address_1, .* enrollment may suffer/));
});

describe("what the settings say:", () => {
  test("nothing configured", async () => {
    const opened = await open({ settings: { client_id: "", client_secret: null, logged_in_user: " " } });
    expect(await statusOf(opened)).toEqual(
      says("setupRequired", /^Client ID is/, /^Client secret is/, /^User name is/),
    );
    expect(opened.plansource.books.snapshot().calls).toBe(0);
  });

  test("settings that cannot be read", async () => {
    const opened = await open({ settings: { environment: "staging" } });
    expect(await statusOf(opened)).toEqual(says("error", /^The settings cannot be used\. environment: /));
  });

  test.each<readonly [string, Bag, RegExp]>([
    [
      "a row for a field that there is not",
      { subscriber_attributes_outbound: [...COMPLETE, { hull_field_name: "a", service_field_name: "shoe_size" }] },
      /"shoe_size" is not a field of PlanSource's employees/,
    ],
    [
      "no row for the code by which employees are found",
      { subscriber_attributes_outbound: COMPLETE.slice(1) },
      /no row for subscriber_code, .* so nobody is sent/,
    ],
    [
      "terminations on leaving without a reason",
      { terminate_on_leaving_segments: true },
      /Termination reason on leaving is empty, so PlanSource refuses/,
    ],
    [
      "a default reason that PlanSource does not know",
      { terminate_on_leaving_segments: true, termination_reason_default: "BORED" },
      /^Termination reason on leaving: .*"BORED".*QUIT \(Resignation\).*Choose one of them\.$/,
    ],
  ])("%s", async (_name, settings, words) => {
    expect(await statusOf(await open({ settings: complete(settings) }))).toEqual(says("error", words));
  });
});

describe("what PlanSource says:", () => {
  test.each<readonly [string, Bag, RegExp]>([
    ["a mistyped secret", { client_secret: "another-secret-0000001" }, /refuses Client ID, Client secret or User name/],
    ["a mistyped user", { logged_in_user: "nobody" }, /refuses Client ID, Client secret or User name/],
    [
      "credentials of the other environment",
      { client_id: "acme-production" },
      /belong to the environment production: chosen is partner-dev/,
    ],
    [
      "credentials of the other environment, the other way round",
      { client_id: "acme-dev", environment: "production" },
      /belong to the environment partner-dev: chosen is production/,
    ],
  ])("%s", async (_name, settings, words) => {
    expect(await statusOf(await open({ settings: complete(settings) }))).toEqual(says("error", words));
  });

  test.each<readonly [string, FaultRule, "error" | "warning", RegExp]>([
    [
      "403",
      { kind: "status", status: 403, route: "GET /subscribers" },
      "error",
      /does not let the API user see employees \(403\).*Give the user/,
    ],
    [
      "500 for the description of its fields",
      { kind: "status", status: 500, route: "GET /subscriber/meta" },
      "warning",
      /description of its fields could not be read: .*nobody is sent until it can\./,
    ],
    [
      "404 for the description of its fields",
      { kind: "status", status: 404, route: "GET /subscriber/meta" },
      "warning",
      /does not describe its fields to this API user \(404 for \/subscriber\/meta\), so values are sent unchecked/,
    ],
    ["503", { kind: "status", status: 503 }, "warning", /^PlanSource could not be asked: /],
    ["a page", { kind: "wrong-shape", form: "html" }, "warning", /^PlanSource could not be asked: /],
    ["429", { kind: "rate-limit" }, "warning", /^PlanSource could not be asked: /],
  ])("%s", async (_name, fault, level, words) => {
    const opened = await open({ settings: complete() });
    opened.plansource.faults.add(fault);
    expect(await statusOf(opened)).toEqual(says(level, words));
  });

  test("nothing, since it is not there", async () => {
    const opened = await open({ settings: complete() });
    await opened.plansource.close();
    expect(await statusOf(opened)).toEqual(says("warning", /^PlanSource could not be asked: .*look at the network/));
  });

  test("a mapped field that it does not describe, one that may not change, and required ones without a row", async () => {
    const rows = [...COMPLETE, { hull_field_name: "a", service_field_name: "benefit_company" }];
    const opened = await open({ settings: { subscriber_attributes_outbound: rows } });
    const { meta } = opened.plansource.organization();
    meta.set("birthdate", { update: false });
    for (const field of ["division", "org_class"]) meta.set(field, { required: true });
    const { benefit_company: _left, ...described } = meta.answer();
    jest.spyOn(meta, "answer").mockReturnValue(described);
    expect(await statusOf(opened)).toEqual(
      says(
        "warning",
        /PlanSource does not describe benefit_company for your company/,
        /no row for division, org_class, which your company requires of new employees/,
        /does not allow updates of birthdate/,
      ),
    );
  });
});

test("connectors that name employees in different ways are told so", async () => {
  const opened = await open({ settings: complete() });
  const other = { id: "5f00000000000000000000c2", secret: "plansource-secret-000002" };
  const user = { ...DEFAULT_API_USER, clientId: "globex-hcm" };
  opened.plansource.addApiUser(user);
  const privateSettings = { ...EMPLOYEE_SETTINGS, client_id: user.clientId, ...complete({ subscriber_key: "id" }) };
  opened.fixture.hull.addConnector({ ...other, privateSettings });
  expect((await askAsHull(opened, "GET /status", { ship: other.id, secret: other.secret })).body).toEqual({
    status: "ok",
    messages: [],
  });
  expect(await statusOf(opened)).toEqual(says("warning", /differ in "Employees are named by"/));
});

test("what happened to employees in the last day is counted by its reason", async () => {
  const rows = complete(LIFE_CYCLE_SETTINGS);
  const opened = await open({ settings: rows });
  hire(opened.plansource.organization(), employee(1), { ssn: "078-05-1120" });
  await opened.deliver(
    about([
      employee(1, { left_on: "2025-01-31", left_because: "Bored" }),
      employee(2, { gender: "Other" }),
      employee(3, { ssn: "078-05-1120" }),
    ]),
  );
  expect(await statusOf(opened)).toEqual(
    says(
      "warning",
      /^Once in the last 24 hours an employee was refused because PlanSource does not allow a value/,
      /^Once in the last 24 hours somebody was not terminated/,
      /^Once in the last 24 hours .* same social security number/,
      /set aside: 1 \w+, 1 \w+, 1 \w+\./,
    ),
  );
});
