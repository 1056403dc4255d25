/** What trying the settings out costs, and in which class it waits. */
import type { BudgetClass } from "../../../src/http/limits/budget";
import { notedBudget, openPlanhat, type PlanhatFixture } from "./planhat";

let planhat: PlanhatFixture;
afterEach(() => planhat.close());

const ROWS = ["externalId", "_currency", "fromDate", "mrr"];
const SETTINGS = {
  tenant_id: "0b7e1f3a-0000-4000-8000-000000000001",
  resolve_owners: true,
  contact_attributes_outbound: [{ hull_field_name: "x", service_field_name: "custom.Health" }],
  account_licenses_attribute: "licenses",
  account_licenses_attributes_outbound: ROWS.map((name) => ({ hull_field_name: name, service_field_name: name })),
};

test("settings are tried out as somebody waits for, in five calls, and lists of fields take none of their own", async () => {
  const taken: BudgetClass[] = [];
  planhat = await openPlanhat({ settings: SETTINGS, budget: notedBudget(taken) });
  planhat.tenant().seedCustomField({ name: "Health", type: "number", parent: "EndUser" });
  planhat.tenant().seedUser({ email: "csm@acme.example" });
  expect(await planhat.inspect()).toEqual([]);
  await planhat.fieldOptions("contacts", "outgoing");
  expect(taken).toEqual(Array.from({ length: 5 }, () => "interactive"));
  expect(planhat.calls()).toEqual({
    "GET /companies": 1,
    "GET /endusers": 1,
    "GET /licenses": 1,
    "GET /users": 1,
    "GET /customfields": 1,
  });
});

test("a refused token ends it with the first call", async () => {
  planhat = await openPlanhat({ settings: { ...SETTINGS, personal_acccess_token: "mistyped" } });
  expect(await planhat.inspect()).toMatchObject([{ level: "error" }]);
  expect(planhat.calls()).toEqual({ "GET /companies": 1 });
});
