import { xmlOf } from "../../simulators/planningpme/template";
import { dossierImport, orderImport, type PlanningPmeSimulator } from "../../simulators/planningpme";
import { call, logIn, openPlanningPme } from "./planningpme-calls";

let sim: PlanningPmeSimulator;
let headers: Readonly<Record<string, string>>;
beforeEach(async () => {
  sim = await openPlanningPme();
  headers = await logIn(sim);
  sim.brand().seed("Customer", { _ID: "C-1", LastName: "Ada" });
  sim.brand().seed("Customer", { _ID: "C-2", LastName: "Robert" });
});
afterEach(() => sim.close());

const rows = [
  { ID: "C-1", Name: "Ada" },
  { ID: "C-2", Name: "Bob" },
  { ID: "C-3", Name: "Eve" },
  { ID: "C-4", Name: "" },
];
const send = (options: Readonly<Record<string, unknown>> = { verbose: true }, model: unknown = rows) =>
  call(sim, "POST", "/acme/api/integration/client-import", headers, { model, ...options });

const type = "Customer";
const message = "LastName is required";
const counts = { inserted: 1, updated: 1, unchanged: 1, skipped: 0, failed: 1, notAttempted: 0 };

describe("a report", () => {
  it.each([
    [
      "rows",
      {
        simulate: false,
        rows: [
          { index: 0, key: "C-1", type, action: "unchanged" },
          { index: 1, key: "C-2", type, action: "updated" },
          { index: 2, key: "C-3", type, action: "inserted" },
          { index: 3, key: "C-4", type, action: "failed", message },
        ],
      },
    ],
    [
      "operations",
      {
        simulate: false,
        inserted: [{ index: 2, key: "C-3", type }],
        updated: [{ index: 1, key: "C-2", type }],
        unchanged: [{ index: 0, key: "C-1", type }],
        skipped: [],
        notAttempted: [],
        errors: [{ index: 3, key: "C-4", type, message }],
      },
    ],
    ["errors", { simulate: false, ...counts, errors: [{ index: 3, key: "C-4", type, message }] }],
    ["counts", { simulate: false, ...counts }],
    [
      "text",
      [
        "Customer unchanged (index = 0, key = C-1)",
        "Customer updated (index = 1, key = C-2)",
        "Customer inserted (index = 2, key = C-3)",
        "Customer failed (index = 3, key = C-4): LastName is required",
      ].join("\n"),
    ],
    ["silent", {}],
  ] as const)("may have the form %s", async (report, body) => {
    sim.configure({ report });
    const answer = await send();
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(body);
  });

  it.each([
    ["key", { key: "C-4" }],
    ["index", { index: 3 }],
    ["line", { line: 4 }],
    ["property", { ID: "C-4" }],
    ["row", { row: { ID: "C-4", Name: "" } }],
  ] as const)("may name rows by %s", async (rowNames, named) => {
    sim.configure({ report: "errors", rowNames });
    expect((await send()).body).toMatchObject({ errors: [{ ...named, type, message }] });
  });

  it("may take rows that change nothing for updates", async () => {
    sim.configure({ report: "counts", unchangedRows: "updated" });
    expect((await send()).body).toMatchObject({ updated: 2, unchanged: 0 });
  });

  it.each([200, 207, 400, 500] as const)("of a failure may come with status %i", async (failureStatus) => {
    sim.configure({ failureStatus });
    expect(await send()).toMatchObject({ status: failureStatus, body: { rows: [{}, {}, {}, { message }] } });
    expect((await send({ verbose: true }, rows.slice(0, 3))).status).toBe(200);
  });
});

describe("an import that is not verbose", () => {
  it.each([
    ["empty", ""],
    ["object", {}],
    ["counts", counts],
  ] as const)("answers little (%s)", async (quietAnswer, body) => {
    sim.configure({ quietAnswer });
    const answer = await send({});
    expect([answer.status, answer.body]).toEqual([200, body]);
  });

  it("may answer a report anyway", async () => {
    sim.configure({ quietAnswer: "report" });
    expect((await send({})).body).toMatchObject({ rows: [{}, {}, {}, {}] });
  });

  it.each([
    ["text", message, "text/plain; charset=utf-8"],
    ["json", { message }, "application/json; charset=utf-8"],
    ["json-capital", { Message: message }, "application/json; charset=utf-8"],
    [
      "html",
      `<!DOCTYPE html><html><head><title>${message}</title></head><body></body></html>`,
      "text/html; charset=utf-8",
    ],
    ["empty", "", null],
  ] as const)("may tell of a failure as of any error (%s)", async (errors, body, contentType) => {
    sim.configure({ failureStatus: 400, errors });
    const answer = await send({});
    expect([answer.status, answer.body, answer.headers.get("content-type")]).toEqual([400, body, contentType]);
  });
});

describe("the list of templates", () => {
  const list = async () => (await call(sim, "GET", "/acme/api/integration/templates", headers)).body;
  const described = {
    name: "dossier-import",
    type: "in",
    description: "Import of individuals",
    properties: [{ name: "Nom usage" }, { name: "Téléphone mobile" }, { name: "Email" }, { name: "ID_DOSSIER" }],
  };
  const names = ["client-import", "project-import", "dossier-import", "order-import", "client-export", "order-export"];

  it("says which way they go and what properties they have", async () => {
    const answer = (await list()) as { name: string; type: string }[];
    expect(answer.map(({ name }) => name)).toEqual(names);
    expect(answer[2]).toEqual(described);
    expect(answer[4]).toMatchObject({ name: "client-export", type: "out" });
  });

  it("may be wrapped or grouped", async () => {
    sim.configure({ templateList: "items" });
    expect(await list()).toMatchObject({ items: names.map((name) => ({ name })) });
    sim.configure({ templateList: "grouped" });
    const [clients, orders] = names.slice(-2).map((name) => ({ name }));
    expect(await list()).toMatchObject({ in: [{}, {}, described, {}], out: [clients, orders] });
  });

  it.each([
    ["type-capital", { type: "In" }],
    ["direction", { direction: "in" }],
  ] as const)("may mark them otherwise (%s)", async (templateMark, mark) => {
    sim.configure({ templateMark });
    expect(((await list()) as unknown[])[2]).toMatchObject(mark);
  });

  it("may tell more of them, or less", async () => {
    sim.configure({ templateDescription: "types" });
    expect(((await list()) as unknown[])[2]).toMatchObject({
      types: [
        {
          ...{ name: "Customer", shouldInsert: true, shouldUpdate: true },
          defaults: [{ field: "Type", value: 1026 }],
          properties: [{ name: "Nom usage", field: "LastName" }, {}, {}, {}],
        },
      ],
    });
    sim.configure({ templateDescription: "xml" });
    expect(((await list()) as unknown[])[2]).toMatchObject({ template: xmlOf(dossierImport) });
    sim.configure({ templateDescription: "none" });
    const { properties: _properties, ...rest } = described;
    expect(((await list()) as unknown[])[2]).toEqual(rest);
  });

  it("has XML in the grammar of PlanningPME's page", () => {
    expect(xmlOf(dossierImport)).toBe(
      '<In><Type Name="Customer" ShouldInsert="true" ShouldUpdate="true"><Default Field="Type" Value="1026"/></Type>' +
        '<Property Name="Nom usage" Type="Customer" Field="LastName"/>' +
        '<Property Name="Téléphone mobile" Type="Customer" Field="Mobile"/>' +
        '<Property Name="Email" Type="Customer" Field="Email"/>' +
        '<Property Name="ID_DOSSIER" Type="Customer" Field="_IDDOSSIER"/></In>',
    );
    const [type] = orderImport.types;
    const odd = xmlOf({ ...orderImport, types: [{ ...type, properties: [{ name: 'A & "B"', field: "_A" }] }] });
    expect(odd).toContain('Name="A &#38; &#34;B&#34;"');
  });
});
