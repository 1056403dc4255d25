/** `PUT /subscribers` and its two siblings: several rows in one call (sheet 5; its answer is unknown). */
import { isObject, type Reply } from "../loopback/call";
import { errorOf, failure, noEmployee, success } from "./envelope";
import type { OrganizationState } from "./organization";
import { shownSubscriber } from "./show";
import type { Subscriber, WriteResult, Written } from "./subscriber";
import type { PlanSourceSwitches } from "./switches";
import type { Body } from "./writes";

export interface BulkOrder {
  readonly organization: OrganizationState;
  readonly body: unknown;
  readonly isCustomId: boolean;
  readonly maxRows: number;
  readonly switches: Readonly<PlanSourceSwitches>;
  readonly write: (before: Subscriber, body: Body) => WriteResult;
}

interface Row {
  readonly index: number;
  readonly body: Body;
  readonly result: WriteResult;
}

/** A bulk answer, and what was written. */
export interface BulkOutcome {
  readonly reply: Reply;
  readonly written: readonly Written[];
}

/** The rows of a body in the wrapper that the switch asks for. */
export function rowsOf(body: unknown, { bulkWrapper }: Readonly<PlanSourceSwitches>): readonly unknown[] | undefined {
  const list = bulkWrapper === "array" ? body : isObject(body) ? body["subscribers"] : undefined;
  return Array.isArray(list) ? list : undefined;
}

/** Does the rows one after the other, so that a later row finds what an earlier one did. */
export function writeRows(order: BulkOrder): BulkOutcome {
  const { organization, switches, maxRows, isCustomId } = order;
  const list = rowsOf(order.body, switches);
  if (list === undefined || list.length > maxRows) {
    const message = list === undefined ? "subscribers is invalid" : `No more than ${maxRows} subscribers are allowed.`;
    return { reply: failure([{ status: 400, message }], switches), written: [] };
  }
  const before = new Map(organization.subscribers);
  const rows = list.map((item, index): Row => {
    const body = isObject(item) ? item : {};
    const subscriber = organization.resolve(body["id"], isCustomId, switches);
    if (subscriber === undefined) return { index, body, result: { problems: [noEmployee(body["id"], switches)] } };
    const { id: _id, ...fields } = body;
    return { index, body, result: order.write(subscriber, fields) };
  });
  const problems = rows.flatMap(({ result }) => ("problems" in result ? result.problems : []));
  if (problems.length > 0 && switches.bulkFailure === "all") {
    organization.restore(before);
    return { reply: failure(problems, switches), written: [] };
  }
  const written = rows.flatMap(({ result }) => ("problems" in result ? [] : [result]));
  return { reply: replyTo(rows, organization, switches), written };
}

function replyTo(rows: readonly Row[], organization: OrganizationState, switches: Readonly<PlanSourceSwitches>): Reply {
  const failed = rows.flatMap(({ index, body, result }) =>
    "problems" in result ? [{ index, id: body["id"], errors: result.problems.map(errorOf) }] : [],
  );
  const shown = (subscriber: Subscriber) => shownSubscriber(subscriber, organization, switches);
  switch (switches.bulkAnswer) {
    case "failed-rows":
      return success({
        valid_count: rows.length - failed.length,
        failed_count: failed.length,
        failed_rows: failed,
      });
    case "rows":
      return success(
        rows.map(({ body, result }) =>
          "problems" in result
            ? { id: body["id"], status: "failure", errors: result.problems.map(errorOf) }
            : { id: body["id"], status: "success", errors: [] },
        ),
      );
    case "subscribers":
      return success(
        rows.flatMap(({ result }) => ("problems" in result ? [] : [shown(result.subscriber)])),
        failed.flatMap(({ id, errors }) => errors.map((error) => ({ ...error, details: `id: ${String(id)}` }))),
      );
    case "silent":
      return success([]);
  }
}
