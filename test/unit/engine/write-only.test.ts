/** Values that are written and never shown: encrypted for one field of one record, and compared by a keyed hash. */
import { hidden, isSame, markOf, opened } from "../../../src/engine/rules/write-only";
import { isHidden, shownDesired, type Desired, type Json } from "../../../src/record";
import { NOTHING, fingerprint } from "../../../src/services/compare";
import type { FieldSpec, Plan } from "../../../src/services/model";
import { createSeal } from "../../../src/storage/port/seal";

const seal = createSeal("seal secret of some length");
const TENANT = "payroll/org/c1";
const SALARY: FieldSpec = { name: "salary", type: "number", writeOnly: true };
const NAME: FieldSpec = { name: "name", type: "text" };
const service = { field: (_type: string, name: string) => (name === "salary" ? SALARY : { ...NAME, name }) };

const ANN: Desired = { fields: { name: "Ann", salary: 52000 }, keys: { code: "a" }, cleared: [] };
const planOf = (desired: Desired, hullId = "u1"): Plan => ({
  kind: "record",
  type: "people",
  hullId,
  desired,
  claims: {},
  warnings: [],
});

function hiddenOf(desired: Desired, hullId = "u1", tenant = TENANT): Desired {
  const plan = hidden(seal, service, tenant, planOf(desired, hullId));
  if (plan.kind === "end") throw new Error("It stays a record.");
  return plan.desired;
}

function markIn(desired: Desired): string {
  const value = desired.fields["salary"];
  if (!isHidden(value)) throw new Error("It is hidden.");
  return value.mark;
}

test("only write-only fields are encrypted, wherever the plan has them", () => {
  const parent = { type: "firms", hullId: "f1", desired: ANN, claims: {} };
  const plan = hiddenOf({ ...ANN, stateFields: { on: "2026-01-31", salary: 9 }, parent });
  const json = JSON.stringify(plan);
  expect(json).not.toContain("52000");
  expect(plan.fields["name"]).toBe("Ann");
  expect(
    [plan.fields, plan.stateFields, plan.parent?.desired.fields].map((fields) => isHidden(fields?.["salary"])),
  ).toEqual([true, true, true]);
  expect(opened(seal, TENANT, { type: "people", hullId: "u1" }, plan)).toMatchObject({
    fields: ANN.fields,
    stateFields: { on: "2026-01-31", salary: 9 },
  });
  // The parent's open only in the parent's own row.
  expect(opened(seal, TENANT, parent, plan.parent?.desired ?? ANN)).toEqual(ANN);
});

test("nothing stays nothing, and a plan that ends has no values", () => {
  expect(hiddenOf({ ...ANN, fields: { salary: null } }).fields).toEqual({ salary: null });
  const end: Plan = { kind: "end", type: "people", hullId: "u1", outcome: "skipped", reasons: [] };
  expect(hidden(seal, service, TENANT, end)).toBe(end);
});

test.each([
  ["another tenant", "payroll/org/c2", { type: "people", hullId: "u1" }, "salary"],
  ["another record", TENANT, { type: "people", hullId: "u2" }, "salary"],
  ["another type", TENANT, { type: "firms", hullId: "u1" }, "salary"],
  ["another field", TENANT, { type: "people", hullId: "u1" }, "bonus"],
])("a value opens for no other place: %s", (_, tenant, subject, field) => {
  const value: Json = hiddenOf(ANN).fields["salary"] ?? null;
  expect(opened(seal, TENANT, { type: "people", hullId: "u1" }, { ...ANN, fields: { salary: value } })).toBeDefined();
  expect(opened(seal, tenant, subject, { ...ANN, fields: { [field]: value } })).toBeUndefined();
});

test("nor under another secret", () => {
  const other = createSeal("another secret of some length");
  expect(opened(other, TENANT, { type: "people", hullId: "u1" }, hiddenOf(ANN))).toBeUndefined();
});

test("an object of Hull's that only looks like one is sent as it is", () => {
  const lookalikes: readonly Json[] = [
    { sealed: true, mark: "B" },
    { sealed: "x", mark: "y", more: 1 },
  ];
  for (const name of lookalikes) {
    const desired = { ...ANN, fields: { name } };
    expect(opened(seal, TENANT, { type: "people", hullId: "u1" }, desired)).toBe(desired);
  }
});

test("the hash is the same for the same value in any notation, and says nothing about another person's", () => {
  const mark = markIn(hiddenOf(ANN));
  expect(markIn(hiddenOf({ ...ANN, fields: { salary: "52000.0" } }))).toBe(mark);
  expect(markIn(hiddenOf({ ...ANN, fields: { salary: 52001 } }))).not.toBe(mark);
  expect(markIn(hiddenOf(ANN, "u2"))).not.toBe(mark);
  expect(markIn(hiddenOf(ANN, "u1", "payroll/org/c2"))).not.toBe(mark);
  // Without the key nobody can try all salaries.
  expect(mark).not.toBe(fingerprint(52000, "number"));
});

test("what is remembered of a value is the hash, and never the value's own fingerprint", () => {
  const own = hiddenOf(ANN).fields["salary"] ?? null;
  expect(markOf(own, SALARY)).toBe(markIn(hiddenOf(ANN)));
  expect(markOf(null, SALARY)).toBe(NOTHING);
  expect(markOf("Ann", NAME)).toBe(fingerprint("Ann", "text"));
  // Should one ever come here open, nothing of it is written down.
  expect(markOf(52000, SALARY)).toBe(NOTHING);
});

test("the same is what has the same hash", () => {
  const own = hiddenOf(ANN).fields["salary"] ?? null;
  expect(isSame(markOf(own, SALARY), own, SALARY)).toBe(true);
  expect(isSame(markOf(own, SALARY), hiddenOf(ANN, "u2").fields["salary"] ?? null, SALARY)).toBe(false);
  expect(isSame(null, own, SALARY)).toBe(false);
  expect(isSame(fingerprint("Ann", "text"), "Ann", NAME)).toBe(true);
});

test("people are shown the word alone, in the record, its parent and what ends it", () => {
  const parent = { type: "firms", hullId: "f1", desired: ANN, claims: {} };
  const shown = shownDesired(hiddenOf({ ...ANN, stateFields: { salary: 9 }, parent }));
  const fields = { name: "Ann", salary: "hidden" };
  expect(shown).toEqual({
    ...{ ...ANN, fields, stateFields: { salary: "hidden" } },
    parent: { ...parent, desired: { ...ANN, fields } },
  });
});
