/** What is read of PlanSource's meta, whatever stands in it. */
import fc from "fast-check";
import { createMeta } from "../../../simulators/plansource/meta";
import { EMPTY_META, readMeta } from "../../../src/services/plansource/rules/meta";

const PLAIN = { required: false, update: true, choices: [] };

describe("the meta of a client", () => {
  const simulated = createMeta();
  simulated.set("zip_code", { required: true });
  simulated.set("birthdate", { update: false });
  const meta = readMeta(JSON.parse(JSON.stringify(simulated.answer())));

  it("says what is required, what may be updated, and what a field is called", () => {
    expect(meta.rule("zip_code")).toEqual({ ...PLAIN, required: true, caption: "Zip code" });
    expect(meta.rule("birthdate")).toEqual({ ...PLAIN, update: false, caption: "Birthdate" });
  });

  it("has the label of a choice first and its value second", () => {
    expect(meta.rule("gender").choices).toEqual([
      { label: "Male", value: "M" },
      { label: "Female", value: "F" },
    ]);
  });

  it("has the text of a value that is a number", () => {
    expect(meta.rule("org_payroll_id").choices[0]).toEqual({ label: "Monthly", value: "119298" });
  });

  it("knows the reasons of a termination by code and name", () => {
    expect(meta.reasons).toHaveLength(4);
    expect(meta.reasons[0]).toEqual({ code: "QUIT", name: "Resignation" });
  });

  it("describes fields of a subscriber alone", () => {
    expect(meta.fields).toEqual(expect.arrayContaining(["first_name", "udef_30", "org_payroll_id"]));
    expect(meta.fields).not.toContain("termination_reason");
    const schedules = { required: true, validation_data: [{ id: 119_298, name: "Monthly", lookup_code: "MONTHLY" }] };
    expect(readMeta({ payroll_schedules: schedules, city: {} }).fields).toEqual(["city"]);
  });
});

describe("what is odd", () => {
  const choicesOf = (validation_data: unknown) => readMeta({ division: { validation_data } }).rule("division").choices;

  it.each([
    ["no list", undefined],
    ["null", null],
    ["a text", "HQ"],
    ["an object", { HQ: "Head Office" }],
    ["rows that are no pairs", ["HQ", null, 7, [], ["Head Office"], { label: "Head Office" }]],
    [
      "pairs without a value",
      [
        ["Head Office", null],
        ["Field", " "],
        ["Lab", ["LAB"]],
      ],
    ],
  ])("leaves a field without choices: %s", (_name, list) => {
    expect(choicesOf(list)).toEqual([]);
  });

  it("does not take the good rows along", () => {
    expect(choicesOf([null, ["Head Office", "HQ"], ["Field"]])).toEqual([{ label: "Head Office", value: "HQ" }]);
  });

  it("may be a label, and its value counts nevertheless", () => {
    expect(choicesOf([[null, "HQ"]])).toEqual([{ label: "", value: "HQ" }]);
  });

  it("may be a third element of a pair", () => {
    expect(choicesOf([["Head Office", "HQ", true]])).toEqual([{ label: "Head Office", value: "HQ" }]);
  });

  it.each([
    ["true", "false", { required: true, update: false }],
    [true, false, { required: true, update: false }],
    ["perhaps", null, { required: false, update: true }],
    [1, {}, { required: false, update: true }],
  ])("is read as a switch only where it is one: %j, %j", (required, update, rule) => {
    expect(readMeta({ email: { required, update } }).rule("email")).toMatchObject(rule);
  });

  it("gives a reason without a name its code for a name, and leaves out one without a code", () => {
    const { reasons } = readMeta({
      termination_reason: {
        validation_data: [{ lookup_code: "QUIT" }, { name: "Death" }, ["Dismissal", "FIRED"], null],
      },
    });
    expect(reasons).toEqual([{ code: "QUIT", name: "QUIT" }]);
  });

  it("is no field: a description that is not an object", () => {
    expect(readMeta({ email: "required", city: null, state: [], zip_code: {} }).fields).toEqual(["zip_code"]);
  });

  it.each([undefined, null, "", 7, [], [{ email: {} }]])("is no meta at all: %j", (data) => {
    expect(readMeta(data).fields).toEqual([]);
    expect(readMeta(data).reasons).toEqual([]);
  });

  it("is never thrown for", () => {
    const keys = fc.constantFrom("gender", "termination_reason", "payroll_schedules", "__proto__", "constructor");
    const inside = fc.dictionary(fc.constantFrom("required", "update", "caption", "validation_data"), fc.jsonValue());
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(keys, fc.oneof(inside, fc.jsonValue()))), (data) => {
        const meta = readMeta(data);
        for (const field of meta.fields) expect(typeof meta.rule(field).required).toBe("boolean");
        for (const { code } of meta.reasons) expect(code.trim()).not.toBe("");
      }),
      { seed: 71, numRuns: 500 },
    );
  });
});

describe("a field that has the name of something in every object", () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];

  it.each(names)("is unknown unless it is described: %s", (name) => {
    expect(EMPTY_META.rule(name)).toMatchObject(PLAIN);
    expect(readMeta({ email: { required: true } }).rule(name)).toMatchObject(PLAIN);
  });

  it.each(names)("is described like others: %s", (name) => {
    const meta = readMeta(JSON.parse(`{"${name}": {"required": true}}`));
    expect(meta.rule(name)).toMatchObject({ ...PLAIN, required: true });
    expect(meta.rule("email")).toMatchObject(PLAIN);
  });
});

it("the meta of a PlanSource that offers none allows everything", () => {
  expect(EMPTY_META.rule("zip_code")).toEqual({ ...PLAIN, caption: "Zip code" });
  expect(EMPTY_META.fields).toEqual([]);
});
