import manifest from "../../../src/services/plansource/manifest.json";
import { MINIMUM_SET } from "../../../src/services/plansource/objects";
import { readSettings } from "../../../src/services/plansource/settings/settings";
import { checkOutcomes, checkSettings, TITLES } from "../../../src/services/plansource/settings/status";

const rows = (...fields: readonly string[]) =>
  fields.map((field) => ({ hull_field_name: `hull_${field}`, service_field_name: field }));
const mapping = (...fields: readonly string[]) => ({ subscriber_attributes_outbound: rows(...fields) });

const FULL = ["subscriber_code", ...MINIMUM_SET, "current_salary_effective_on"];
const BASE = {
  client_id: "client-1",
  client_secret: "secret-1",
  logged_in_user: "hr.admin",
  synchronized_segments: ["s1"],
  ...mapping(...FULL),
};

function check(stored: Readonly<Record<string, unknown>> = {}): readonly (readonly [string, string])[] {
  const result = readSettings({ ...BASE, ...stored });
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return checkSettings(result.settings).map(({ level, text }) => [level, text]);
}
const matching = (text: RegExp): string => expect.stringMatching(text) as string;

test("nothing is wrong with a complete mapping", () => {
  expect(check()).toEqual([]);
});

describe("what PlanSource handed out", () => {
  test.each([
    ["client_id", /^Client ID is empty.*System Administration → System → API Users/],
    ["client_secret", /^Client secret is empty.*System Administration → System → API Users.*pencil icon/],
    ["logged_in_user", /^User name is empty.*login name.*System Administration → System → API Users/],
  ])("%s is asked for, with the place where it is found", (name, text) => {
    expect(check({ [name]: " " })).toEqual([["setupRequired", matching(text)]]);
  });

  test("comes first: without it nothing else is said", () => {
    const found = check({ client_id: "", client_secret: "", logged_in_user: "", ...mapping() });
    expect(found.map(([level]) => level)).toEqual(["setupRequired", "setupRequired", "setupRequired"]);
  });
});

describe("the mapping", () => {
  const withoutCode = mapping(...FULL.slice(1));

  test("without subscriber_code is an error where employees are named by it", () => {
    expect(check(withoutCode)).toEqual([["error", matching(/no row for subscriber_code.*nobody is sent/)]]);
  });

  test("without subscriber_code leaves lost answers to a person where employees are named by id", () => {
    expect(check({ ...withoutCode, subscriber_key: "id" })).toEqual([
      ["warning", matching(/no row for subscriber_code.*answer .* is lost.*leaves it to you/)],
    ]);
  });

  test("names rows that do not count, the unknown ones first", () => {
    expect(check(mapping(...FULL, "id", "email", "email", "shoe_size"))).toEqual([
      ["error", matching(/: "shoe_size" is not a field/)],
      ["warning", matching(/: "id" is set by PlanSource/)],
      ["warning", matching(/: "email" is filled by several rows/)],
    ]);
  });

  test("gets one hint with all recommended fields that it lacks", () => {
    expect(check(mapping("subscriber_code", "first_name", "last_name", "email"))).toEqual([
      ["ok", matching(/no row for address_1, city, .*, employment_level and current_salary\./)],
    ]);
    expect(check(mapping(...FULL.filter((field) => field !== "ssn")))).toEqual([["ok", matching(/no row for ssn\./)]]);
  });

  test("gets a hint when a salary has no day from which it counts", () => {
    expect(check(mapping(...FULL.slice(0, -1)))).toEqual([
      ["ok", matching(/current_salary_effective_on.*day of sending/)],
    ]);
  });
});

test("an empty filter is no trouble, and said all the same", () => {
  expect(check({ synchronized_segments: [] })).toEqual([["ok", matching(/^Employees Filter is empty/)]]);
});

describe("terminations", () => {
  test("of those who leave the segments need a reason", () => {
    const leaving = { terminate_on_leaving_segments: true };
    expect(check(leaving)).toEqual([["error", matching(/Termination reason on leaving is empty/)]]);
    expect(check({ ...leaving, termination_reason_default: "QUIT" })).toEqual([]);
  });

  test("by date need an attribute with the reason", () => {
    const dated = { termination_date_attribute: "left_on" };
    expect(check({ ...dated, termination_reason_attribute: "reason" })).toEqual([]);
    expect(check(dated)).toEqual([["warning", matching(/Termination date is chosen.*holds the reason\.$/)]]);
  });

  test("by date are not helped by the reason for those who leave the segments", () => {
    expect(check({ termination_date_attribute: "left_on", termination_reason_default: "QUIT" })).toEqual([
      ["warning", matching(/Termination reason on leaving does not help here/)],
    ]);
  });
});

test("findings come in the order in which they are best mended", () => {
  const found = check({
    ...mapping("shoe_size", "id", "current_salary"),
    synchronized_segments: [],
    terminate_on_leaving_segments: true,
    termination_date_attribute: "left_on",
  });
  expect(found.map(([level]) => level)).toEqual([
    ...["error", "error", "warning"],
    ...["ok", "error", "warning"],
    ...["ok", "ok"],
  ]);
});

test("findings call the settings as the dashboard does", () => {
  const titles = Object.fromEntries(manifest.private_settings.map(({ name, title }) => [name, title]));
  expect(titles).toMatchObject(TITLES);
});

describe("what the last day's outcomes say", () => {
  it("is nothing where everything arrived or was skipped on purpose", () => {
    const outcomes = { "subscribers/sent/created": 5, "subscribers/skipped/outside_segments": 7 };
    expect(checkOutcomes(outcomes)).toEqual([]);
  });

  it.each([
    ["subscribers/rejected/value_not_allowed", /does not allow a value.*allowed/],
    ["subscribers/rejected/termination_reason", /not terminated.*reasons that PlanSource knows/],
    ["subscribers/rejected/ssn_exists", /same social security number.*compare/],
    ["subscribers/skipped/status_by_hand", /leave or COBRA.*send the employee again/],
  ])("counts %s, with the remedy", (name, text) => {
    expect(checkOutcomes({ [name]: 1 })).toEqual([{ level: "warning", text: matching(text) }]);
    expect(checkOutcomes({ [name]: 1 })[0]?.text).toMatch(/^Once in the last 24 hours /);
  });

  it("adds up a code that ended in several ways, and passes over those of other types", () => {
    const outcomes = {
      "subscribers/rejected/ssn_exists": 2,
      "subscribers/dead/ssn_exists": 1,
      "others/dead/ssn_exists": 9,
    };
    expect(checkOutcomes(outcomes)).toEqual([{ level: "warning", text: matching(/^3 times in the last 24 hours /) }]);
  });
});
