import { createManualClock, type ManualClock } from "../../simulators/loopback";
import type { PlanningPmeSimulator } from "../../simulators/planningpme";
import { call, logIn, openPlanningPme } from "./planningpme-calls";

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

let clock: ManualClock;
let sim: PlanningPmeSimulator;
let headers: Readonly<Record<string, string>>;
beforeEach(async () => {
  clock = createManualClock();
  sim = await openPlanningPme({ clock });
  headers = await logIn(sim);
});
afterEach(() => sim.close());

const ask = (since?: string, template = "client-export") => {
  const query = since === undefined ? "" : `?since=${since}`;
  return call(sim, "GET", `/acme/api/integration/${template}${query}`, headers);
};
/** Ids of the customers that an export tells. */
const told = async (since?: string) => ((await ask(since)).body as { ID: string }[]).map(({ ID }) => ID);
const seed = (id: string, at?: number) => sim.brand().seed("Customer", { _ID: id, LastName: id }, at);

describe("an export", () => {
  it("tells everything, under the names of its template", async () => {
    sim.brand().seed("Customer", { _ID: "C-1", LastName: "Ada", Mobile: 7, _SECRET: "x" });
    sim.brand().seed("Project", { _ID: "P-1", Label: "Move" });
    expect(await ask()).toMatchObject({
      status: 200,
      body: [{ ID: "C-1", Nom: "Ada", "E-mail": "", "Téléphone mobile": 7, Ville: "" }],
    });
    expect(sim.books.snapshot()).toMatchObject({ exports: 1, exportedRows: 1 });
  });

  it.each([
    ["items", { items: [{ ID: "C-1" }] }],
    ["property", { Customers: [{ ID: "C-1" }] }],
  ] as const)("may be wrapped (%s)", async (exportForm, body) => {
    seed("C-1");
    sim.configure({ exportForm });
    expect((await ask()).body).toMatchObject(body);
  });

  it.each([
    ["null", { ID: "C-1", Nom: "C-1", "E-mail": null, "Téléphone mobile": null, Ville: null }],
    ["absent", { ID: "C-1", Nom: "C-1" }],
  ] as const)("may have other blanks (%s)", async (exportBlanks, row) => {
    seed("C-1");
    sim.configure({ exportBlanks });
    expect((await ask()).body).toEqual([row]);
  });

  it("may tell a row twice", async () => {
    seed("C-1");
    sim.configure({ exportRows: "twice" });
    expect(await told()).toEqual(["C-1", "C-1"]);
  });

  it("may join two entities, and tells when either changed", async () => {
    const { id } = sim.brand().seed("Customer", { _ID: "A-1", LastName: "Acme" });
    sim.brand().seed("Project", { _ID: "O-1", Label: "Move", Customer: id });
    sim.brand().seed("Project", { _ID: "O-2", Label: "Build" });
    clock.advance(HOUR / 2);
    sim.brand().edit(id, { LastName: "Acme Ltd" });
    const row = { Order: "O-1", Title: "Move", Account: "A-1", Company: "Acme Ltd" };
    expect((await ask(undefined, "order-export")).body).toEqual([
      row,
      { Order: "O-2", Title: "Build", Account: "", Company: "" },
    ]);
    expect((await ask("20260101001500", "order-export")).body).toEqual([row]);
  });

  it("is none of an import template", async () => {
    expect(await ask(undefined, "client-import")).toMatchObject({
      status: 404,
      body: "There is no export template client-import.",
    });
  });
});

describe("since", () => {
  it("tells what people and imports created and changed after it, and no deletion", async () => {
    const { id: edited } = seed("C-1");
    seed("C-2");
    const { id: removed } = seed("C-3");
    clock.advance(HOUR);
    sim.brand().edit(edited, { City: "Rome" });
    sim.brand().remove(removed);
    await call(sim, "POST", "/acme/api/integration/client-import", await logIn(sim), {
      model: [{ ID: "C-4", Name: "New" }],
    });
    headers = await logIn(sim);
    expect(await told("20260101000001")).toEqual(["C-1", "C-4"]);
    expect(await told("20251231235959")).toEqual(["C-1", "C-2", "C-4"]);
    expect(() => sim.brand().edit(removed, {})).toThrow("There is no record 1000003.");
  });

  it.each([
    ["instant", ["late"]],
    ["after", []],
    ["from", ["sharp", "late"]],
  ] as const)("has an edge (%s)", async (sinceEdge, expected) => {
    const at = Date.UTC(2018, 11, 31, 4, 58, 3);
    seed("before", at - 1);
    seed("sharp", at);
    seed("late", at + 1);
    seed("next", at + SECOND);
    sim.configure({ sinceEdge });
    expect(await told("20181231045803")).toEqual([...expected, "next"]);
  });

  it.each([
    ["UTC", "20260101000000"],
    ["Europe/Paris", "20260101010000"],
    ["America/New_York", "20251231190000"],
  ] as const)("is read in a zone (%s)", async (sinceZone, sameInstant) => {
    seed("old");
    clock.advance(SECOND);
    seed("new");
    sim.configure({ sinceZone });
    expect(await told(sameInstant)).toEqual(["new"]);
  });

  it("knows the summer time of its zone", async () => {
    sim.configure({ sinceZone: "Europe/Paris" });
    seed("summer", Date.UTC(2026, 6, 1, 12));
    expect(await told("20260701135959")).toEqual(["summer"]);
    expect(await told("20260701140000")).toEqual([]);
  });

  it.each(["2026", "20260230000000", "2026-01-01T00:00:00Z", ""])("may be no date (%j)", async (since) => {
    seed("C-1");
    expect((await ask(since)).status).toBe(400);
    sim.configure({ badSince: "ignored" });
    expect(await told(since)).toEqual(["C-1"]);
  });

  it("tells what an import left as it was, if that counts as a change", async () => {
    seed("C-1");
    clock.advance(HOUR / 2);
    const again = () =>
      call(sim, "POST", "/acme/api/integration/client-import", headers, { model: [{ ID: "C-1", Name: "C-1" }] });
    await again();
    expect(await told("20260101001500")).toEqual([]);
    sim.configure({ noOpStamp: "touched" });
    await again();
    expect(await told("20260101001500")).toEqual(["C-1"]);
    expect(sim.books.snapshot()).toMatchObject({ noOpRows: 2, writes: [] });
  });
});
