import type { PlanningPmeSimulator } from "../../simulators/planningpme";
import { call, logIn, openPlanningPme, said } from "./planningpme-calls";

let sim: PlanningPmeSimulator;
let headers: Readonly<Record<string, string>>;
beforeEach(async () => {
  sim = await openPlanningPme();
  headers = await logIn(sim);
});
afterEach(() => sim.close());

const clients = (model: unknown, options: Readonly<Record<string, unknown>> = {}) =>
  call(sim, "POST", "/acme/api/integration/client-import", headers, { model, verbose: true, ...options });
const names = () => sim.snapshot().map(({ fields }) => fields["LastName"]);
const ada = { ID: "C-1", Name: "Ada" };
const bob = { ID: "C-2", Name: "Bob" };

describe("a simulation", () => {
  it("reports what an import would do, and writes nothing", async () => {
    sim.brand().seed("Customer", { _ID: "C-2", LastName: "Robert" });
    const before = sim.snapshot();
    const rows = [ada, bob, { ID: "C-1", Name: "Eve" }, { ID: "C-4" }];
    const simulated = await clients(rows, { simulate: true, verbose: false });
    expect(simulated.body).toMatchObject({ simulate: true });
    expect(sim.snapshot()).toEqual(before);
    expect(sim.books.snapshot()).toMatchObject({ imports: 0, simulations: 1, simulatedRows: 4, writes: [] });
    expect(said(await clients(rows))).toEqual(said(simulated));
    expect(said(simulated)).toEqual(["0 inserted", "1 updated", "2 updated", "3 failed LastName is required"]);
    expect(sim.snapshot().map(({ id }) => id)).toEqual([1_000_001, 1_000_002]);
  });

  it("of ten thousand rows is quick enough, and leaves no trace", async () => {
    const rows = Array.from({ length: 10_000 }, (_, index) => ({ ID: `C-${index}`, Name: `Name ${index}` }));
    sim.configure({ report: "counts" });
    const counts = { inserted: 10_000, updated: 0, failed: 0 };
    expect((await clients(rows, { simulate: true })).body).toMatchObject({ simulate: true, ...counts });
    expect(sim.snapshot()).toEqual([]);
    expect((await clients(rows)).body).toMatchObject({ simulate: false, ...counts });
    expect((await clients(rows)).body).toMatchObject({ inserted: 0, unchanged: 10_000 });
  });
});

describe("a failing row", () => {
  const rows = [ada, bob, { ID: "C-3", Name: "Eve" }];
  beforeEach(() => sim.brand().poison({ property: "ID", value: "C-2" }, "Bob is not wanted"));

  it("hurts itself alone", async () => {
    expect(said(await clients(rows))).toEqual(["0 inserted", "1 failed Bob is not wanted", "2 inserted"]);
    expect(names()).toEqual(["Ada", "Eve"]);
  });

  it.each([
    ["kept", "absent", ["0 inserted", "1 failed Bob is not wanted"], ["Ada"]],
    ["kept", "named", ["0 inserted", "1 failed Bob is not wanted", "2 notAttempted"], ["Ada"]],
    ["rolled-back", "absent", ["1 failed Bob is not wanted"], []],
    ["rolled-back", "named", ["0 notAttempted", "1 failed Bob is not wanted", "2 notAttempted"], []],
  ] as const)("stops the import if that is wanted (%s, %s)", async (stopped, notAttempted, report, after) => {
    sim.configure({ stopped, notAttempted });
    expect(said(await clients(rows, { stopOnError: true }))).toEqual(report);
    expect(names()).toEqual(after);
    expect(sim.books.snapshot()).toMatchObject({ failedRows: 1, notAttemptedRows: 2 - after.length });
  });

  it.each([
    ["call", []],
    ["crash", ["Ada"]],
  ] as const)("may take others with it (%s)", async (mode, after) => {
    const cure = sim.brand().poison(({ ID }) => ID === "C-3", "Server Error", mode);
    expect(await clients([ada, { ID: "C-3", Name: "Eve" }, bob])).toMatchObject({
      status: 500,
      body: "<html><body>Server Error</body></html>",
    });
    expect(names()).toEqual(after);
    cure();
    expect((await clients([{ ID: "C-3", Name: "Eve" }])).status).toBe(200);
  });
});
