/** A PlanSource that is out of order: trouble about one person stays with them, and nobody is created by mistake. */
import type { FaultKind } from "../../simulators/loopback";
import { about, employee, hire, staff } from "../fixture/employees";
import { minute } from "../fixture/fixture";
import { EMPLOYER, usePlanSource, type PlanSourceFixture } from "../fixture/plansource";
import { ask } from "../integration/asking";

const open = usePlanSource();

const pausesOf = ({ fixture, lane }: PlanSourceFixture) => fixture.connector.store.pauses(lane);
const stopped = (fixture: PlanSourceFixture): Promise<void> =>
  fixture.fixture.until(async () => (await pausesOf(fixture)).length > 0);
const renamed = (count: number) => staff(count, 1, { first_name: "Kim", indexed_at: minute(1) });

test("an internal error about one person stops nobody else", async () => {
  const fixture = await open();
  const { plansource, fixture: house } = fixture;
  await fixture.deliver(about(staff(10)));
  const fault = plansource.faults.add({
    kind: "status",
    status: 500,
    route: ({ method, path }) => method === "PUT" && path.endsWith("/emp-4"),
  });
  await fixture.send(about(renamed(10)));
  const kims = (): number => plansource.snapshot().filter(({ fields }) => fields["first_name"] === "Kim").length;
  await house.until(() => kims() === 9);
  expect(await pausesOf(fixture)).toEqual([]);
  fault.remove();
  await house.settled();
  expect(kims()).toBe(10);
  expect(await fixture.outcomes()).toEqual({ "subscribers/sent/created": 10, "subscribers/sent/updated": 10 });
});

const ROUTE_NOT_FOUND = JSON.stringify({
  status: "failure",
  errors: { http_status: 404, message: "Route not found", details: "", error_code: "route_not_found" },
  data: [],
});
const MISLED: readonly { readonly what: string; readonly fault: FaultKind }[] = [
  { what: "a 404 about the route", fault: { kind: "status", status: 404, body: ROUTE_NOT_FOUND } },
  { what: "a 404 with a page", fault: { kind: "status", status: 404, body: "<html><h1>Not Found</h1></html>" } },
  { what: "a 404 without words", fault: { kind: "status", status: 404, body: "" } },
  { what: "a page with status 200", fault: { kind: "wrong-shape", form: "html" } },
  { what: "nothing with status 200", fault: { kind: "status", status: 200, body: "" } },
  { what: "an answer of another shape", fault: { kind: "wrong-shape", form: "object" } },
  { what: "a 503", fault: { kind: "status", status: 503 } },
];

describe.each(MISLED)("when look-ups are answered with $what", ({ fault }) => {
  test("nobody is created, the lane waits, and all is well when PlanSource is", async () => {
    const fixture = await open();
    const { plansource, fixture: house } = fixture;
    hire(plansource.organization(), employee(1));
    const broken = plansource.faults.add({ ...fault, route: ({ route }) => route.startsWith("GET /subscriber/:id") });
    await fixture.send(about(staff(2)));
    await stopped(fixture);
    expect(plansource.books.snapshot().writes).toEqual([]);
    broken.remove();
    await house.settledWithHelp();
    expect(await fixture.outcomes()).toEqual({ "subscribers/unchanged/in_sync": 1, "subscribers/sent/created": 1 });
    expect(plansource.snapshot()).toHaveLength(2);
  });
});

test("a 404 about the route pauses the lane until a person has looked, and says so", async () => {
  const fixture = await open();
  fixture.plansource.faults.add({ kind: "status", status: 404, body: ROUTE_NOT_FOUND, route: "GET /subscriber/:id" });
  await fixture.send(about([employee(1)]));
  await stopped(fixture);
  expect(await pausesOf(fixture)).toMatchObject([{ scope: "*", kind: "configuration" }]);
});

describe("while what PlanSource demands cannot be read", () => {
  test.each([
    ["because of a 503", { kind: "status", status: 503 }],
    ["because of a page", { kind: "wrong-shape", form: "html" }],
    ["because of an empty answer", { kind: "status", status: 200, body: "" }],
  ] as const)("nobody is sent %s; then all are", async (_why, fault) => {
    const fixture = await open();
    const { plansource, fixture: house } = fixture;
    const broken = plansource.faults.add({ ...fault, route: "GET /subscriber/meta" });
    await fixture.send(about(staff(5)));
    await house.until(() => broken.hits >= 2);
    expect(fixture.calls).toEqual([]);
    const query = { ship: EMPLOYER.id, secret: EMPLOYER.secret };
    const { body } = await ask(house, "/plansource/status", query);
    expect(body).toMatchObject({ status: "warning" });
    expect(JSON.stringify(body)).toContain("could not be read");
    broken.remove();
    await house.settledWithHelp();
    expect(await fixture.outcomes()).toEqual({ "subscribers/sent/created": 5 });
  });

  test("because it offers none, values are sent unchecked", async () => {
    const fixture = await open();
    fixture.plansource.faults.add({ kind: "status", status: 404, route: "GET /subscriber/meta" });
    await fixture.deliver(about([employee(1)]));
    expect(await fixture.outcomes()).toEqual({ "subscribers/sent/created": 1 });
  });
});
