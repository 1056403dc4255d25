/** Whether a record can be sent, what a new employee lacks, and which reason a termination has. */
import type { Desired, Json } from "../../../src/record";
import { missingForCreate, reasonCodeOf, refusalOf } from "../../../src/services/plansource/rules/check";
import { EMPTY_META, readMeta } from "../../../src/services/plansource/rules/meta";
import { MINIMUM_SET } from "../../../src/services/plansource/objects";

const desired = (fields: Readonly<Record<string, Json>>, keys: Desired["keys"] = {}): Desired => ({
  fields,
  keys,
  cleared: [],
});
const required = (...fields: string[]) =>
  readMeta(Object.fromEntries(fields.map((field) => [field, { required: true, validation_data: [] }])));

describe("a record", () => {
  const meta = readMeta({
    division: { required: true, validation_data: [["Head Office", "HQ"]] },
    last_name: { required: true, validation_data: [] },
    email: { required: false, validation_data: [] },
  });

  it("can be sent when all its values are allowed, by label too", () => {
    expect(refusalOf(desired({ division: "Head Office", gender: "female", email: null }), meta)).toBeUndefined();
  });

  it("can be sent without what is required: PlanSource may have it", () => {
    expect(refusalOf(desired({}), meta)).toBeUndefined();
  });

  it.each([null, "", "  "])("cannot be sent with a blank that clears what is required: %j", (blank) => {
    expect(refusalOf(desired({ last_name: blank, division: blank, email: blank }), meta)).toEqual({
      code: "required_missing",
      text:
        "A field that PlanSource requires is empty. (blank: last_name, division; fill what is blank in Hull, " +
        "or switch off clear_when_blank for it)",
    });
  });

  it("is refused once for all that is wrong with it, values first", () => {
    const refusal = refusalOf(desired({ last_name: null, division: "Moon", ssn: "12", gender: "M" }), meta);
    expect(refusal).toEqual({
      code: "value_not_allowed",
      text:
        'PlanSource does not take a value of the record. (division: "Moon"; allowed: HQ (Head Office)) ' +
        "PlanSource does not take a value of the record. (ssn: 2 digits; it takes nine digits such as 123-45-6789) " +
        "A field that PlanSource requires is empty. (blank: last_name; fill what is blank in Hull, " +
        "or switch off clear_when_blank for it)",
    });
  });

  it("is not refused for a field that is not sent", () => {
    const fields = { last_name: null, division: "Moon" };
    expect(refusalOf(desired(fields), meta, { withheld: new Set(["last_name", "division"]) })).toBeUndefined();
    expect(refusalOf(desired(fields), meta, { withheld: new Set(["division"]) })?.code).toBe("required_missing");
  });

  it("may have 0 and false where a value is required", () => {
    expect(refusalOf(desired({ current_salary: 0, vip: false }), required("current_salary", "vip"))).toBeUndefined();
  });
});

describe("a new employee", () => {
  const complete = Object.fromEntries(MINIMUM_SET.map((field) => [field, "x"]));

  it("lacks nothing with the guide's minimum set, unless the client requires more", () => {
    expect(missingForCreate(desired(complete), EMPTY_META)).toEqual({});
    expect(missingForCreate(desired(complete), required("zip_code"))).toEqual({});
  });

  it("is refused without what the client requires, and all of it is named", () => {
    const { refused, note } = missingForCreate(desired({ ...complete, division: null }), required("division", "email"));
    expect(refused).toEqual({
      code: "required_missing",
      text:
        "A field that PlanSource requires is empty. (required of a new employee: division, email; " +
        "map what is missing and fill it in Hull)",
    });
    expect(note).toBeUndefined();
  });

  it("gets a note about what the guide asks for besides", () => {
    const { refused, note } = missingForCreate(
      desired({ ...complete, ssn: null, birthdate: " ", zip_code: "" }),
      required("zip_code"),
    );
    expect(refused?.text).toContain("employee: zip_code;");
    expect(note).toEqual({
      code: "below_minimum",
      text:
        "Fields that the guide for integrations asks of new employees are missing; enrollment may suffer. " +
        "(birthdate, ssn)",
    });
  });

  it("has what stands among its keys", () => {
    const meta = required("subscriber_code");
    expect(missingForCreate(desired(complete, { subscriber_code: "e1" }), meta)).toEqual({});
    expect(missingForCreate(desired(complete), meta).refused?.code).toBe("required_missing");
  });

  it("need not have what nobody can map", () => {
    expect(missingForCreate(desired(complete), required("employment_status", "constructor", "region"))).toEqual({});
  });

  it("need not have the day of a salary, which is always sent with one", () => {
    const meta = required("current_salary_effective_on");
    expect(missingForCreate(desired(complete), meta)).toEqual({});
    expect(missingForCreate(desired({ ...complete, current_salary: null }), meta).refused?.text).toContain(
      "current_salary_effective_on",
    );
  });

  it("may be somebody with a salary of 0", () => {
    expect(missingForCreate(desired({ ...complete, current_salary: 0 }), required("current_salary"))).toEqual({});
  });
});

describe("a termination reason", () => {
  const meta = readMeta({
    termination_reason: {
      validation_data: [
        { lookup_code: "QUIT", name: "Resignation", description: "" },
        { lookup_code: "FIRED", name: "Dismissal", description: "" },
        { lookup_code: "F2", name: "dismissal ", description: "" },
      ],
    },
  });
  const allowed = "allowed: QUIT (Resignation), FIRED (Dismissal), F2 (dismissal )";
  const refused = (detail: string) => ({
    ok: false,
    reason: {
      code: "termination_reason",
      text: `The termination reason is missing, or PlanSource does not know it. (termination_reason: ${detail})`,
    },
  });

  it.each([
    ["QUIT", "QUIT"],
    [" quit", "QUIT"],
    ["Resignation", "QUIT"],
    ["RESIGNATION ", "QUIT"],
    ["Dismissal", "FIRED"],
    ["f2", "F2"],
  ])("%j has the code %s", (text, code) => {
    expect(reasonCodeOf(text, meta)).toEqual({ ok: true, code });
  });

  it.each([undefined, "", "  "])("is missing: %j", (text) => {
    expect(reasonCodeOf(text, meta)).toEqual(refused(`missing; ${allowed}`));
  });

  it("is unknown to PlanSource", () => {
    expect(reasonCodeOf("Moved", meta)).toEqual(refused(`"Moved"; ${allowed}`));
  });

  it("could be several", () => {
    expect(reasonCodeOf("DISMISSAL", meta)).toEqual(refused(`"DISMISSAL"; ${allowed}`));
  });

  it("is left to PlanSource where meta has none", () => {
    expect(reasonCodeOf(" Moved ", EMPTY_META)).toEqual({ ok: true, code: "Moved" });
    expect(reasonCodeOf(undefined, EMPTY_META)).toEqual(refused("missing"));
  });
});
