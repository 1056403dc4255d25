/** What trying the settings out costs, and in which class it waits. */
import type { Budget, BudgetClass } from "../../../src/http/limits/budget";
import { openBench, type Bench } from "./planhat";

let bench: Bench;
afterEach(() => bench.close());

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
  const budget: Budget = {
    take: (asking) => {
      taken.push(asking);
      return Promise.resolve();
    },
    penalise: () => undefined,
    left: () => Infinity,
    setLimit: () => undefined,
    close: () => undefined,
  };
  bench = await openBench({}, { settings: SETTINGS, budget });
  bench.sim.tenant().seedCustomField({ name: "Health", type: "number", parent: "EndUser" });
  bench.sim.tenant().seedUser({ email: "csm@acme.example" });
  expect(await bench.connection.inspect()).toEqual([]);
  await bench.connection.fieldOptions("contacts", "outgoing");
  expect(taken).toEqual(Array.from({ length: 5 }, () => "interactive"));
  expect(bench.calls()).toEqual({
    "GET /companies": 1,
    "GET /endusers": 1,
    "GET /licenses": 1,
    "GET /users": 1,
    "GET /customfields": 1,
  });
});

test("a refused token ends it with the first call", async () => {
  bench = await openBench({}, { settings: { ...SETTINGS, personal_acccess_token: "mistyped" } });
  expect(await bench.connection.inspect()).toMatchObject([{ level: "error" }]);
  expect(bench.calls()).toEqual({ "GET /companies": 1 });
});
