/** The last runs: their progress, what became of their records, and why one ended early. */
import type { RunRow } from "../../../src/storage/port/rows";
import { instant, number, span } from "./figures";
import { html, type Html } from "../html";
import { byOutcome, outcomeMark } from "./outcomes";
import { table } from "../section";

export const SHOWN_RUNS = 10;

export function runsBody(runs: readonly RunRow[], nowMs: number): Html {
  if (runs.length === 0) return html`<p class="empty">There were no fetches, batches or large backlogs lately.</p>`;
  const rows = runs.map(
    (run) =>
      html`<tr>
          <th scope="row" data-label="Run">
            ${titleOf(run)}
            <span class="id">${run.id}</span>
          </th>
          <td data-label="State"><span class="badge state-${run.state}">${run.state}</span></td>
          <td data-label="Progress">${progressOf(run)}</td>
          <td data-label="Outcomes">${countsOf(run)}</td>
          <td data-label="Began">${instant(run.startedAtMs ?? run.createdAtMs)} ${lasting(run, nowMs)}</td>
        </tr>
        ${
          run.error !== undefined &&
          html`<tr class="why">
            <td colspan="5">${run.error}</td>
          </tr>`
        }`,
  );
  const columns = ["Run", "State", "Progress", "Outcomes", "Began"];
  return table({ label: "Last runs", kind: "stacked", columns, rows });
}

function titleOf({ kind, type, options }: RunRow): Html {
  const what = kind === "drain" ? "Delivery of a large backlog" : `${kind === "fetch" ? "Fetch" : "Batch"} of ${type}`;
  return html`${what}${options.simulate === true && html` <span class="badge">trial, nothing written</span>`}`;
}

function progressOf({ state, done, total, complete, endedAtMs }: RunRow): Html {
  const most = total ?? done;
  if (state === "waiting" && most === 0) return html`not begun`;
  const isFinal = complete === true || endedAtMs !== undefined;
  const words = `${number(done)} of ${number(most)}${isFinal ? "" : " so far"}`;
  // The total is not known yet, or there is none.
  if (most === 0) return isFinal ? html`${words}` : html`<progress aria-label="Progress"></progress> ${words}`;
  const bar = html`<progress max="${most}" value="${Math.min(done, most)}" aria-label="Progress"></progress>`;
  return html`${bar} <span class="of">${words}</span>`;
}

function countsOf({ counts }: RunRow): Html {
  const items = [...byOutcome(counts)].map(
    ([outcome, count]) => html`<li>${outcomeMark(outcome)} ${outcome} <strong>${number(count)}</strong></li>`,
  );
  return items.length === 0
    ? html`none yet`
    : html`<ul class="counts">
        ${items}
      </ul>`;
}

function lasting({ startedAtMs, endedAtMs }: RunRow, nowMs: number): Html | undefined {
  if (startedAtMs === undefined) return undefined;
  const took = span(Math.max(0, (endedAtMs ?? nowMs) - startedAtMs));
  return html`<span class="id">${endedAtMs === undefined ? `under way for ${took}` : `took ${took}`}</span>`;
}
