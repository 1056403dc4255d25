/** Runs in a list: their progress, what became of their records, and why one ended early; and what begins a fetch. */
import { replayCheckpoint } from "../../../src/engine/runs/orders";
import type { RunRow } from "../../../src/storage/port/rows";
import { RUN_KINDS, RUN_STATES } from "../../routes/runs/list";
import { instant, number, span } from "./figures";
import type { Forms } from "../form";
import type { FormOwner } from "../form-token";
import { html, type Content, type Html } from "../html";
import { BASE, fetchLink, runLink, runsLink, type Site } from "../links";
import { option } from "./dead-letters";
import { byOutcome, outcomeMark } from "./outcomes";
import { table } from "../section";

export const SHOWN_RUNS = 10;
export const RUNS_A_PAGE = 25;

export interface RunContext {
  readonly site: Site;
  readonly owner: FormOwner;
  readonly forms: Pick<Forms<never>, "show">;
}

/** @param nothing what is said where there are none */
export function runsBody(
  runs: readonly RunRow[],
  nowMs: number,
  { site, owner }: Pick<RunContext, "site" | "owner">,
  nothing = "There were no runs lately.",
): Html {
  if (runs.length === 0) return html`<p class="empty">${nothing}</p>`;
  const rows = runs.map(
    (run) =>
      html`<tr>
          <th scope="row" data-label="Run">
            <a href="${runLink(site, owner.organization, run.id)}">${titleOf(run)}</a>${dryBadge(run)}
            <span class="id">${run.id}</span>
          </th>
          <td data-label="State">${stateBadge(run)}</td>
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

/** What a run does, in a few words. */
export function titleOf({ kind, type, checkpoint }: Pick<RunRow, "kind" | "type" | "checkpoint">): string {
  switch (kind) {
    case "drain":
      return "Delivery of a large backlog";
    case "replay": {
      const { type: only, code } = replayCheckpoint.safeParse(checkpoint).data?.chosen ?? {};
      const which = [only, code].filter((each) => each !== undefined).join(", ");
      return `Dead letters sent again${which === "" ? "" : `: ${which}`}`;
    }
    case "fetch":
      return `Fetch of ${type}`;
    case "batch":
      return `Batch of ${type}`;
  }
}

export function dryBadge({ options }: Pick<RunRow, "options">): Html | undefined {
  return options.simulate === true ? html` <span class="badge">dry run, nothing written</span>` : undefined;
}

export function stateBadge({ state, stopAskedAtMs, endedAtMs }: RunRow): Html {
  const stops = stopAskedAtMs !== undefined && endedAtMs === undefined;
  return html`<span class="badge state-${state}">${state}</span
    >${stops && html` <span class="id">is being stopped</span>`}`;
}

export function progressOf({ state, done, total, complete, endedAtMs }: RunRow): Html {
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

export function lasting({ startedAtMs, endedAtMs }: RunRow, nowMs: number): Html | undefined {
  if (startedAtMs === undefined) return undefined;
  const took = span(Math.max(0, (endedAtMs ?? nowMs) - startedAtMs));
  return html`<span class="id">${endedAtMs === undefined ? `under way for ${took}` : `took ${took}`}</span>`;
}

/** Records that a person may have fetched. */
export interface Fetchable {
  /** As in `/fetch/<what>`. */
  readonly what: "users" | "accounts";
  readonly type: string;
}

/** What the form that begins a fetch is made for. */
export function fetchAction(what: string, isDry: boolean): string {
  return `fetch ${what}${isDry ? " dry" : ""}`;
}

/** Buttons that begin a fetch, for real or as a dry run. */
export function fetchForms(fetchable: readonly Fetchable[], { site, owner, forms }: RunContext): Content {
  if (fetchable.length === 0) return undefined;
  const { title = "the service" } = site;
  const rows = fetchable.map(
    ({ what, type }) =>
      html`<div class="actions">
        ${[false, true].map((isDry) =>
          forms.show(owner, {
            action: fetchAction(what, isDry),
            to: fetchLink(site, owner.organization, what, isDry),
            button: isDry
              ? html`<button type="submit" class="quiet">
                  Dry run <span class="hidden">of a fetch of ${type}</span>
                </button>`
              : html`<button type="submit">Fetch ${type} now</button>`,
          }),
        )}
      </div>`,
  );
  return html`<div class="begin">
    ${rows}
    <p class="hint">
      A fetch reads all of these records from ${title} and tells Hull what it does not know, whatever the interval says.
      A list that is suddenly much shorter is believed. A dry run does the same and writes nothing.
    </p>
  </div>`;
}

export interface RunChoice {
  readonly kind?: string | undefined;
  readonly state?: string | undefined;
}

const KIND_WORDS: Readonly<Record<(typeof RUN_KINDS)[number], string>> = {
  batch: "batches",
  fetch: "fetches",
  drain: "large backlogs",
  replay: "dead letters sent again",
};

/** The form that narrows the list of runs. */
export function runFilter({ kind, state }: RunChoice, { site, owner }: Pick<RunContext, "site" | "owner">): Html {
  return html`<form class="search" method="get" action="${site.mount}${BASE}/runs" role="search">
    <input type="hidden" name="org" value="${owner.organization}" />
    <div class="fields">
      <div>
        <label for="kind">Kind</label>
        <select id="kind" name="kind">
          ${option("", "all", kind === undefined)}
          ${RUN_KINDS.map((each) => option(each, KIND_WORDS[each], each === kind))}
        </select>
      </div>
      <div>
        <label for="state">State</label>
        <select id="state" name="state">
          ${option("", "all", state === undefined)} ${RUN_STATES.map((each) => option(each, each, each === state))}
        </select>
      </div>
      <button type="submit">Show</button>
    </div>
    <p class="hint"><a href="${runsLink(site, owner.organization)}">Show all</a></p>
  </form>`;
}
