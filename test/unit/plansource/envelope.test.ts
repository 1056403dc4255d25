import { classify, RemoteError } from "../../../src/http/errors";
import {
  isActiveAlready,
  isSsnTaken,
  isTerminatedAlready,
  isUnknownEmployee,
  problemsIn,
  saysFailure,
  statusIn,
  tellsOfRows,
  wordsIn,
  wordsOf,
} from "../../../src/services/plansource/api/envelope";
import { visibleAnswer } from "../../../src/services/plansource/api/visible";

const failure = (errors: unknown) => ({ status: "failure", errors, data: [] });
const errorOf = (message: string, code: unknown = 400, http_status = 400) => ({
  http_status,
  message,
  details: "",
  error_code: code,
});

function remote(status: number, answer: unknown): RemoteError {
  const facts = { system: "plansource", method: "GET", route: "/subscriber/:ref", status, answer };
  return new RemoteError({ ...facts, ...classify(status, {}, 0), body: visibleAnswer(answer, {}) });
}
const refusal = (
  message: string,
  { status = 400, code = status }: { status?: number; code?: unknown } = {},
): RemoteError => remote(status, failure(errorOf(message, code, status)));

describe("words of a failure", () => {
  const GENDER = "Invalid value for gender.  The valid values are M,F.";

  test.each([
    ["one error", failure(errorOf(GENDER)), GENDER.slice(0, -1)],
    ["a list of errors", failure([errorOf("A."), errorOf("B.")]), "A.; B"],
    ["the same error twice", failure([errorOf("A."), errorOf("A.")]), "A"],
    ["an error without a message", failure(errorOf("", "missing.required.attribute")), "missing.required.attribute"],
    ["details in place of a message", failure({ details: "Too old" }), "Too old"],
    ["bare texts", failure(["A", "B"]), "A; B"],
    ["the token endpoint", { error: "invalid_request", error_description: "token has expired" }, "token has expired"],
    ["a bare text", "Bad Gateway", "Bad Gateway"],
    ["no errors", failure([]), "No reason was given"],
    ["nothing", undefined, "No reason was given"],
  ])("%s", (_name, answer, words) => {
    expect(wordsOf(remote(400, answer))).toBe(words);
  });

  test("a page is not quoted", () => {
    expect(wordsOf(remote(502, "<html><body>Ann Lee</body></html>"))).not.toContain("Ann");
    expect(wordsIn("<html>")).toBe("No reason was given");
  });

  test("are bounded, and survive the excerpt of an error whole", () => {
    const many = failure(Array.from({ length: 1_000 }, (_, index) => errorOf(`Row ${index} is bad.`)));
    const shown = visibleAnswer(many, {});
    expect(JSON.stringify(shown).length).toBeLessThan(2_000);
    expect(wordsIn(shown)).toMatch(/^Row 0 is bad\.; Row 1 is bad/);
    expect(wordsOf(remote(400, failure(errorOf("x".repeat(5_000)))))).toHaveLength(500);
  });
});

describe("what is shown of an answer", () => {
  test.each([
    ["medicare_effective_date", "2021-09-17", "2021/09/17"],
    ["medicare_effective_date", "2021-09-17", "09/17/2021"],
    ["medicare_termination_date", "2021/09/17", "2021-09-17"],
    ["current_salary", 71_717.71, "71,717.71"],
    ["current_salary", 1_171_717, "$1,171,717.00"],
  ])("has no %s of %p, written as %s", (field, value, written) => {
    const shown = visibleAnswer(failure(errorOf(`${written} is not allowed.`)), { body: { [field]: value } });
    expect(wordsIn(shown)).toMatch(/^\$?\[redacted\](?:\.00)? is not allowed$/);
  });

  test("is PlanSource's words, and none of the record", () => {
    const shown = visibleAnswer(
      { ...failure(errorOf("No.")), data: { current_salary: "70000.0", ssn: "123-45-6789" } },
      {},
    );
    expect(shown).toEqual({ errors: [{ message: "No.", error_code: "400" }] });
  });

  test("has no social security number, whoever sent it", () => {
    const words = JSON.stringify(visibleAnswer(failure(errorOf("Taken: 123-45-6789 or 987654321.")), {}));
    expect(words).not.toMatch(/6789|987654321/);
  });

  test("has no write-only value of the request, however deep it stood", () => {
    const body = { subscribers: [{ id: "E1", current_salary: 81_234.5, anthem_hcid: "HC-99" }] };
    const words = JSON.stringify(visibleAnswer(failure(errorOf("Bad: 81234.5 and HC-99 of E1.")), { body }));
    expect(words).not.toMatch(/81234|HC-99/);
    expect(words).toContain("of E1");
  });
});

test("a failure is told by its status, whatever its case", () => {
  expect([failure([]), { status: "Failure" }, { status: "success" }, [], undefined].map(saysFailure)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test("a failure may tell of rows nevertheless", () => {
  expect(
    [failure([]), { data: { failed_count: 1 } }, { data: [{ id: 1 }] }, { data: {} }, "x"].map(tellsOfRows),
  ).toEqual([false, true, true, false, false]);
});

test("the status of a failure is the one that its first error names, or else 400", () => {
  expect(statusIn(failure([errorOf("A", 404, 404), errorOf("B")]))).toBe(404);
  expect([failure([]), failure(errorOf("A", 1, 200)), "x"].map(statusIn)).toEqual([400, 400, 400]);
});

test("codes are texts, whatever they were", () => {
  const codes = failure([errorOf("A", 404), errorOf("B", "route_not_found"), { message: "C" }]);
  expect(problemsIn(codes).map(({ code }) => code)).toEqual(["404", "route_not_found", ""]);
});

describe("an unknown employee is", () => {
  const unknown = (message: string, code: unknown, status = 404) => refusal(message, { status, code });

  test.each([
    ["named by id", unknown("No employee with id: 12 found", 404)],
    [
      "not of this organization",
      unknown("Invalid employee. The employee id/code does not belong to the organization.", 404),
    ],
    ["named without a code", unknown("No employee with id: 12 found", "")],
    ["told by digits in a text", unknown("Subscriber not found", "404")],
    ["told in a list", remote(404, failure([errorOf("No employee with id: 12 found", 404, 404)]))],
  ])("%s", (_name, error) => expect(isUnknownEmployee(error)).toBe(true));

  test.each([
    ["a wrong route", unknown("Route not found", "route_not_found")],
    ["a wrong route that quotes an employee", unknown("No employee with id", "route_not_found")],
    ["a missing parameter", unknown("termination_reason is missing", 404)],
    ["a bare 404", remote(404, undefined)],
    ["a page", remote(404, "<html>No employee with id: 12 found</html>")],
    ["an envelope without errors", remote(404, failure([]))],
    ["another status", unknown("No employee with id: 12 found", 404, 400)],
    ["another error", new Error("No employee with id: 12 found")],
  ])("not %s", (_name, error) => expect(isUnknownEmployee(error)).toBe(false));
});

test("a repeated termination and a repeated rehire are told apart from a leave", () => {
  const said = ["is terminated", "is already terminated", "is active", "is not active"].map((end) =>
    refusal(`Cannot perform action as the employee ${end}`),
  );
  expect(said.map(isTerminatedAlready)).toEqual([true, true, false, false]);
  expect(said.map(isActiveAlready)).toEqual([false, false, true, false]);
});

describe("a social security number is", () => {
  test.each([
    "An employee with this SSN already exists.",
    "Ssn has already been taken",
    "Social Security number in use",
    "SSN",
  ])("taken: %s", (words) => expect(isSsnTaken(refusal(words))).toBe(true));

  test.each(["Ssn is required.", "Ssn is invalid.", "SSN must have 11 characters", "The address already exists."])(
    "not taken: %s",
    (words) => expect(isSsnTaken(refusal(words))).toBe(false),
  );

  test("not taken when its code says that it is missing, or with another status", () => {
    expect(isSsnTaken(refusal("ssn", { code: "missing.required.attribute" }))).toBe(false);
    expect(isSsnTaken(refusal("Ssn has already been taken", { status: 500 }))).toBe(false);
  });
});
