/** What waits, how long it has been waiting, and how fast it can be sent. */
import type { Limit } from "../../../src/http/limits/budget";
import type { LaneHealth } from "../../../src/storage/port/store";
import { instant, number, span, tile } from "./figures";
import { html, type Content, type Html } from "../html";

/** Requests to the service. */
export interface BudgetLeft extends Limit {
  /** That could start now; 0 after a refusal for too many. */
  readonly left: number;
}

export interface BacklogParts {
  /** Absent when the connector never had a target. */
  readonly laneHealth: Pick<LaneHealth, "outbox" | "hullUpdates" | "oldestAtMs"> | undefined;
  /** Absent before the first request since the start. */
  readonly budget: BudgetLeft | undefined;
  readonly serviceTitle: string;
  readonly nowMs: number;
}

export function backlogBody({ laneHealth, budget, serviceTitle, nowMs }: BacklogParts): Html {
  const { outbox = 0, hullUpdates = 0, oldestAtMs } = laneHealth ?? {};
  return html`<dl class="tiles">
    ${tile(`Waiting for ${serviceTitle}`, number(outbox), outbox === 1 ? "record" : "records")}
    ${tile(
      "Oldest of them",
      oldestAtMs === undefined ? "none" : span(Math.max(0, nowMs - oldestAtMs)),
      oldestAtMs !== undefined && html`since ${instant(oldestAtMs)}`,
    )}
    ${tile("Waiting for Hull", number(hullUpdates), hullUpdates === 1 ? "record delivered, Hull not told yet" : "records delivered, Hull not told yet")}
    ${tile("Requests left", ...budgetTile(budget, serviceTitle))}
  </dl>`;
}

function budgetTile(budget: BudgetLeft | undefined, serviceTitle: string): readonly [string, Content, Content?] {
  if (budget === undefined) return ["all", `${serviceTitle} has not been asked since the start`];
  const { left, limit, per } = budget;
  if (limit === null) return ["no limit", left === 0 ? "but none may start at the moment" : undefined];
  const meter = html`<progress max="${limit}" value="${left}" aria-label="Requests left in this ${per}"></progress>`;
  return [number(left), `of ${number(limit)} ${per === "hour" ? "an hour" : "a minute"}`, meter];
}
