import { readReport, type Row } from "../../../src/services/planningpme/write/report";

const rowsOf = (...keys: readonly string[]): readonly Row[] => keys.map((ID) => ({ ID }));

/** What the report says of the rows, by their keys: the kind of the result, or nothing. */
function said(answer: unknown, ...keys: readonly string[]) {
  const rows = rowsOf(...keys);
  const { results, tellsFailures } = readReport(answer, rows, "ID");
  const kinds = rows.flatMap((row, place) => {
    const result = results.get(row);
    return result === undefined ? [] : [[keys[place] ?? "", result.kind] as const];
  });
  return { ...Object.fromEntries(kinds), tellsFailures };
}

describe("a failure is not overlooked", () => {
  it.each<[string, unknown]>([
    ["in a list of errors that says what was tried", { errors: [{ key: "b", action: "insert", message: "No" }] }],
    ["beside what was tried", { rows: [{ key: "b", action: "insert", status: "failed" }] }],
    ["as an error beside what was tried", { rows: [{ key: "b", action: "insert", error: "LastName is required" }] }],
    ["as a verdict", { rows: [{ key: "b", action: "update", success: false }] }],
    ["in other words", { rows: [{ key: "b", status: "Not inserted" }] }],
    ["as the contrary of success", { rows: [{ key: "b", status: "unsuccessful" }] }],
    ["in a report inside the answer", { report: { rows: [{ key: "b", action: "failed" }] } }],
    ["of an entity that stands inside its row", { rows: [{ key: "b", parts: [{ type: "Site", action: "failed" }] }] }],
    ["in the errors of its row", { rows: [{ key: "b", action: "insert", errors: ["LastName is required"] }] }],
    ["in texts inside a list", { report: ["Customer inserted (key = a)", "Customer failed (key = b): No"] }],
    ["behind other brackets", "Customer (pro) failed (key = b): No"],
  ])("%s", (_, answer) => {
    expect(said(answer, "a", "b")).toMatchObject({ b: "rejected", tellsFailures: true });
  });

  it.each<[string, unknown]>([
    ["texts", { inserted: 1, errors: ["LastName is required"] }],
    ["one text", { error: "LastName is required" }],
    ["a dictionary", { failed: {}, errors: { "row 2": "LastName is required" } }],
    ["counts inside", { summary: { inserted: 1, failed: 1 } }],
    ["a verdict about all", { success: false, message: "The import was taken back" }],
    ["a line that names nobody", "Error: LastName is required"],
    ["the vendor's own language", "Erreur : le nom est obligatoire"],
  ])("where no row is named, but told in %s", (_, answer) => {
    expect(said(answer, "a", "b")).toEqual({ tellsFailures: true });
  });
});

describe("nothing failed", () => {
  it.each<[string, unknown]>([
    ["where the report repeats the options", { simulate: false, verbose: true, stopOnError: true, inserted: 2 }],
    ["where it counts none", { inserted: 2, failed: 0, errors: [], error: null, rejected: "0" }],
    ["where it counts none inside", { summary: { failed: 0, errors: { count: 0 } }, success: true }],
    ["where a text counts none", "2 inserted, 0 failed\nErrors: 0\nDone without errors"],
  ])("%s", (_, answer) => {
    expect(said(answer, "a", "b")).toEqual({ tellsFailures: false });
  });

  it("where a row was imported without errors", () => {
    expect(said("Customer inserted without errors (key = b)", "a", "b")).toEqual({
      b: "updated",
      tellsFailures: false,
    });
    expect(said({ rows: [{ key: "b", success: true }] }, "a", "b")).toEqual({ b: "updated", tellsFailures: false });
  });
});

describe("a row is believed only where it is named beyond doubt", () => {
  const failed = (named: object) => ({ errors: [{ ...named, message: "No" }] });

  it("by the key property rather than by `key`, which may be PlanningPME's own number", () => {
    expect(said(failed({ key: 7, ID: "8" }), "7", "8")).toEqual({ "8": "rejected", tellsFailures: true });
    expect(said(failed({ key: 7, row: { ID: "8" } }), "7", "8")).toEqual({ "8": "rejected", tellsFailures: true });
  });

  it("not by a key that its place contradicts", () => {
    expect(said(failed({ key: "a", index: 2 }), "a", "b", "c")).toEqual({ tellsFailures: true });
    expect(said(failed({ key: "a", line: 1 }), "a", "b", "c")).toMatchObject({ a: "rejected" });
  });

  it.each(["A", " a", "á", "a "])("not by a key that is written otherwise: %j", (key) => {
    expect(said(failed({ key }), "a", "b")).toEqual({ tellsFailures: true });
  });

  it("not by a key that a blank or the case alone tells from another", () => {
    expect(said(failed({ key: "a" }), "a", " a", "b")).toEqual({ tellsFailures: true });
    expect(said(failed({ key: "a" }), "a", "A", "b")).toEqual({ tellsFailures: true });
  });

  it("not by a place of which nobody knows from where it counts", () => {
    expect(said(failed({ index: 1 }), "a", "b", "c")).toEqual({ tellsFailures: true });
    expect(said(failed({ line: 2 }), "a", "b", "c")).toEqual({ tellsFailures: true });
    expect(said(failed({ index: 4 }), "a", "b", "c")).toEqual({ tellsFailures: true });
  });

  it("by a place where the first or the last row shows from where it counts", () => {
    const all = (name: string, from: number) => ({
      rows: ["updated", "failed", "updated"].map((action, place) => ({ [name]: place + from, action })),
    });
    for (const [name, from] of [
      ["index", 0],
      ["index", 1],
      ["line", 0],
      ["line", 1],
    ] as const) {
      expect(said(all(name, from), "a", "b", "c")).toMatchObject({ a: "updated", b: "rejected", c: "updated" });
    }
  });

  it("in a text, whatever the key holds", () => {
    const keys = ["a, b", "c): d", "e = f", "g(h)"];
    for (const key of keys) {
      expect(said(`Customer failed (key = ${key}): Bad (x): y`, ...keys)).toEqual({
        [key]: "rejected",
        tellsFailures: true,
      });
    }
  });

  it("not in a text that could mean another", () => {
    expect(said("Customer failed (key = a, key = b): No", "a, key = b", "b")).toMatchObject({
      "a, key = b": "rejected",
    });
    expect(said("Customer failed (key = a, index = 1): No", "a", "a, index = 1")).toEqual({ tellsFailures: true });
    expect(said("Customer failed (key = a): b): No", "a", "a): b")).toEqual({ tellsFailures: true });
  });
});
