import {
  clientExport,
  dossierImport,
  type PlanningPmeSimulator,
  type PlanningPmeSwitches,
  type Template,
} from "../../simulators/planningpme";
import { call, logIn, openPlanningPme, said, type Answer } from "./planningpme-calls";

let sim: PlanningPmeSimulator;
let headers: Readonly<Record<string, string>>;
beforeEach(async () => {
  sim = await openPlanningPme();
  headers = await logIn(sim);
});
afterEach(() => sim.close());

type Options = Readonly<Record<string, unknown>>;
const send = (template: string, model: unknown, options: Options = {}): Promise<Answer> =>
  call(sim, "POST", `/acme/api/integration/${template}`, headers, { model, verbose: true, ...options });
const clients = (model: unknown, options?: Options) => send("client-import", model, options);
const names = (type = "Customer") =>
  sim
    .brand()
    .snapshot(type)
    .map(({ fields }) => fields["LastName"] ?? fields["Label"]);
const ada = { ID: "C-1", Name: "Ada" };
const bob = { ID: "C-2", Name: "Bob" };

describe("an import", () => {
  it("inserts what is missing, updates what is there, and leaves alone what is the same", async () => {
    sim.brand().seed("Customer", { _ID: "C-1", LastName: "Ada", City: "London" });
    sim.brand().seed("Customer", { _ID: "C-2", LastName: "Robert" });
    expect(await clients([ada, bob, { ID: "C-3", Name: "Eve" }])).toMatchObject({
      status: 200,
      body: {
        simulate: false,
        rows: [
          { index: 0, key: "C-1", type: "Customer", action: "unchanged" },
          { index: 1, key: "C-2", type: "Customer", action: "updated" },
          { index: 2, key: "C-3", type: "Customer", action: "inserted" },
        ],
      },
    });
    expect(names()).toEqual(["Ada", "Bob", "Eve"]);
    expect(sim.books.snapshot()).toMatchObject({
      imports: 1,
      importedRows: 3,
      noOpRows: 1,
      written: { Customer: { insert: 1, update: 1 } },
      writes: [
        { kind: "update", template: "client-import", key: "C-2", changed: { LastName: "Bob" } },
        { kind: "insert", key: "C-3", id: 1_000_003, changed: { _ID: "C-3", LastName: "Eve" } },
      ],
    });
  });

  it("takes names with blanks and accents, and sets constants in new records", async () => {
    const row = { "Nom usage": "Curie", "Téléphone mobile": "+33 6", Email: "m@c.fr", ID_DOSSIER: 7 };
    await send("dossier-import", [row]);
    const [{ id, fields } = { id: 0, fields: {} }] = sim.snapshot();
    expect(fields).toEqual({ LastName: "Curie", Mobile: "+33 6", Email: "m@c.fr", _IDDOSSIER: 7, Type: 1026 });
    sim.brand().edit(id, { Type: 1027 });
    expect(said(await send("dossier-import", [{ ...row, ID_DOSSIER: "7" }]))).toEqual(["0 updated"]);
    expect(sim.snapshot()[0]?.fields["Type"]).toBe(1027);
    sim.configure({ defaults: "always" });
    await send("dossier-import", [row]);
    expect(sim.snapshot()[0]?.fields["Type"]).toBe(1026);
  });

  it("does what its template may do", async () => {
    const [type] = dossierImport.types;
    const only = (name: string, more: object): Template => ({
      ...dossierImport,
      name,
      types: [{ ...type, properties: [...type.properties], ...more }],
    });
    sim.brand().install(only("insert-only", { shouldUpdate: false }));
    sim.brand().install(only("update-only", { shouldInsert: false }));
    const row = { ID_DOSSIER: "1", "Nom usage": "Ada" };
    expect(said(await send("update-only", [row]))).toEqual(["0 skipped The template does not insert Customer"]);
    expect(said(await send("insert-only", [row]))).toEqual(["0 inserted"]);
    expect(said(await send("insert-only", [row]))).toEqual(["0 skipped The template does not update Customer"]);
    sim.configure({ notAllowed: "failed" });
    expect(said(await send("insert-only", [row]))).toEqual(["0 failed The template does not update Customer"]);
    expect(sim.books.snapshot()).toMatchObject({ skippedRows: 2, failedRows: 1 });
  });

  it("is refused by a template that is not there, or that goes the other way", async () => {
    sim.brand().uninstall("project-import");
    expect(() => sim.brand().uninstall("project-import")).toThrow("There is no template project-import.");
    expect((await send("project-import", [])).status).toBe(404);
    expect(await send(clientExport.name, [])).toMatchObject({
      status: 404,
      body: "There is no import template client-export.",
    });
    sim.configure({ missingTemplate: 400 });
    expect((await send(clientExport.name, [])).status).toBe(400);
  });

  it("is a JSON object with options that are true or false, and not too many rows", async () => {
    expect((await call(sim, "POST", "/acme/api/integration/client-import", headers, [ada])).status).toBe(400);
    expect((await clients([ada], { simulate: "true" })).status).toBe(400);
    await sim.close();
    sim = await openPlanningPme({ maxRows: 1 });
    headers = await logIn(sim);
    expect((await clients([ada])).status).toBe(200);
    expect((await clients([ada, bob])).status).toBe(400);
  });
});

describe("the model", () => {
  it.each([
    ["list", [ada]],
    ["items", { items: [ada] }],
    ["property", { Customers: [ada] }],
    ["single", ada],
  ] as const)("may be laid out as %s, and as nothing else", async (modelLayout, good) => {
    sim.configure({ modelLayout });
    for (const model of [[ada], { items: [ada] }, { Customers: [ada] }]) {
      const isGood = JSON.stringify(model) === JSON.stringify(good);
      // One object is an object whatever it holds, and none of these has a name.
      if (modelLayout === "single" && !Array.isArray(model)) expect(said(await clients(model))).toHaveLength(1);
      else expect((await clients(model)).status).toBe(isGood ? 200 : 400);
    }
    expect((await clients(good)).status).toBe(200);
    expect(names()).toEqual(["Ada"]);
  });

  it("may be laid out as its template says, and a wrong one may pass for an empty one", async () => {
    sim.brand().install({ ...dossierImport, layout: "property", listName: "dossiers" });
    const row = { ID_DOSSIER: 1, "Nom usage": "Ada" };
    expect(said(await send("dossier-import", { dossiers: [row] }))).toEqual(["0 inserted"]);
    expect((await send("dossier-import", [row])).status).toBe(400);
    sim.configure({ wrongLayout: "ignored" });
    expect(await send("dossier-import", [row])).toMatchObject({ status: 200, body: { rows: [] } });
  });
});

describe("a row", () => {
  const configureAndImport = async (switches: Partial<PlanningPmeSwitches>, ...rows: unknown[]) => {
    sim.configure(switches);
    return said(await clients(rows));
  };
  const fields = () => sim.snapshot()[0]?.fields;

  it("needs a name, plain values, and to be an object", async () => {
    expect(await configureAndImport({}, { ID: "C-1" }, { ...ada, Email: ["a", "b"] }, "x")).toEqual([
      "0 failed LastName is required",
      "1 failed Email is invalid",
      "2 failed The row is no object",
    ]);
    expect(await configureAndImport({ nameless: "accepted", lists: "joined" }, { ID: 1, Email: ["a", "b"] })).toEqual([
      "0 inserted",
    ]);
    expect(fields()).toEqual({ _ID: 1, Email: "a;b" });
  });

  it.each([
    ["empty", { LastName: "Ada", Email: "a@b" }],
    ["null", { LastName: "Ada", Phone: "1" }],
    ["both", { LastName: "Ada" }],
    ["none", { LastName: "Ada", Email: "a@b", Phone: "1" }],
  ] as const)("clears a field with what the switch says (%s)", async (clearing, expected) => {
    sim.brand().seed("Customer", { _ID: "C-1", LastName: "Ada", Email: "a@b", Phone: "1" });
    await configureAndImport({ clearing }, { ID: "C-1", Phone: "", Email: null });
    expect(fields()).toEqual({ _ID: "C-1", ...expected });
  });

  it("keeps or clears what it does not have", async () => {
    sim.brand().seed("Customer", { _ID: "C-1", LastName: "Ada", Email: "a@b", _OTHER: 1 });
    expect(await configureAndImport({}, ada)).toEqual(["0 unchanged"]);
    expect(await configureAndImport({ absentProperty: "cleared" }, ada)).toEqual(["0 updated"]);
    expect(fields()).toEqual({ _ID: "C-1", LastName: "Ada", _OTHER: 1 });
    expect(sim.books.snapshot().writes).toMatchObject([{ kind: "update", changed: { Email: null } }]);
  });

  it("may have properties that the template does not know, and write names in another case", async () => {
    const row = { ...ada, city: "London", Fax: 1 };
    expect(await configureAndImport({ unknownProperty: "refused" }, row)).toEqual(["0 failed city is unknown"]);
    expect(await configureAndImport({ propertyNames: "caseless" }, row)).toEqual(["0 failed Fax is unknown"]);
    expect(await configureAndImport({ unknownProperty: "ignored" }, row)).toEqual(["0 inserted"]);
    expect(fields()).toEqual({ _ID: "C-1", LastName: "Ada", City: "London" });
  });

  it("without its key is new each time, or refused", async () => {
    expect(await configureAndImport({}, { Name: "Ada" }, { Name: "Ada" })).toEqual(["0 inserted", "1 inserted"]);
    expect(await configureAndImport({ missingKey: "refused" }, { Name: "Ada" })).toEqual(["0 failed ID is missing"]);
  });

  it("finds its key with or without regard to case", async () => {
    const row = { ID: "c-1", Name: "Eve" };
    await clients([ada]);
    expect(await configureAndImport({ keyCase: "insensitive" }, row)).toEqual(["0 updated"]);
    expect(await configureAndImport({ keyCase: "sensitive" }, { ...row, ID: "C-1" })).toEqual(["0 inserted"]);
    expect(sim.books.snapshot().duplicates).toEqual([]);
  });

  it.each([
    ["oldest", ["0 updated"], ["Eve", "Ada"]],
    ["all", ["0 updated", "0 updated"], ["Eve", "Eve"]],
    ["refused", ["0 failed 2 records have the key C-1"], ["Ada", "Ada"]],
  ] as const)("may find its key twice (%s)", async (ambiguousKey, report, after) => {
    for (let times = 0; times < 2; times += 1) sim.brand().seed("Customer", { _ID: "C-1", LastName: "Ada" });
    expect(await configureAndImport({ ambiguousKey }, { ID: "C-1", Name: "Eve" })).toEqual(report);
    expect(names()).toEqual(after);
  });

  it("finds what an earlier row of the same model made, or makes it twice, and the books tell", async () => {
    const rows = [ada, { ID: "C-1", Name: "Eve" }];
    expect(await configureAndImport({}, ...rows)).toEqual(["0 inserted", "1 updated"]);
    sim.brand().remove(sim.snapshot()[0]?.id ?? 0);
    expect(await configureAndImport({ sameKeyTwice: "beforehand" }, ...rows)).toEqual(["0 inserted", "1 inserted"]);
    expect(sim.books.snapshot().duplicates).toEqual(["C-1"]);
    expect(await configureAndImport({}, ...rows)).toEqual(["0 unchanged", "1 updated"]);
  });

  it("may be split over several entities", async () => {
    const order = { Account: "A-1", Company: "Acme", Order: "O-1", Title: "Move", Budget: 5 };
    expect((await send("order-import", [order, { Account: "A-2", Company: "Globex" }])).body).toMatchObject({
      rows: [
        { index: 0, key: "A-1", type: "Customer", action: "inserted" },
        { index: 0, key: "A-1", type: "Project", action: "inserted" },
        { index: 1, key: "A-2", type: "Customer", action: "inserted" },
      ],
    });
    expect(sim.brand().snapshot("Project")).toMatchObject([
      {
        fields: { _ID: "O-1", Label: "Move", _BUDGET: 5, Customer: sim.brand().find("Customer", "_ID", "A-1")[0]?.id },
      },
    ]);
    expect(sim.books.snapshot().written).toEqual({
      Customer: { insert: 2, update: 0 },
      Project: { insert: 1, update: 0 },
    });
  });

  it.each([
    ["row", ["0 failed Label is required"], []],
    ["entity", ["0 inserted", "0 failed Label is required"], ["Acme"]],
  ] as const)("that is split fails as a whole or in part (%s)", async (splitFailure, report, after) => {
    sim.configure({ splitFailure });
    expect(said(await send("order-import", [{ Account: "A-1", Company: "Acme", Order: "O-1" }]))).toEqual(report);
    expect(names()).toEqual(after);
  });
});
