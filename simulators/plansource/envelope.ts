import type { Reply } from "../loopback/call";
import type { Problem } from "./subscriber";
import type { PlanSourceSwitches } from "./switches";

/** What went well (sheet 4). Creates answer 200 as well. */
export function success(data: unknown, errors: readonly unknown[] = []): Reply {
  return { status: 200, body: { status: "success", errors, data } };
}

/** One error of an envelope. */
export function errorOf({ status, message, code = status }: Problem) {
  return { http_status: status, message, details: "", error_code: code };
}

/** What was refused: `errors` is an object or a list, and an object tells of one problem alone (sheet 4). */
export function failure(problems: readonly Problem[], { errorsForm }: Readonly<PlanSourceSwitches>): Reply {
  const listed = problems.filter(({ isListValidation }) => isListValidation === true);
  const told = errorsForm === "documented" && listed.length > 0 ? listed : problems;
  const isList = errorsForm === "array" || (errorsForm === "documented" && listed.length > 0);
  const errors = told.map(errorOf);
  return { status: told[0]?.status ?? 400, body: { status: "failure", errors: isList ? errors : errors[0], data: [] } };
}

/** Nobody has this id or code. `error_code` is a number, unlike that of a wrong route. */
export function noEmployee(reference: unknown, { unknownEmployee }: Readonly<PlanSourceSwitches>): Problem {
  const message =
    unknownEmployee === "no-employee"
      ? `No employee with id: ${String(reference)} found`
      : "Invalid employee. The employee id/code does not belong to the organization.";
  return { status: 404, message, code: 404 };
}

export const routeNotFound: Problem = { status: 404, message: "Route not found", code: "route_not_found" };
