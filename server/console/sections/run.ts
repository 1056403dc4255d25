/** One run: what it is, how far it is, what became of its records and why, what it reported, and what can be done. */
import orderBy from "lodash/orderBy";
import { unstoppable } from "../../../src/engine/runs/orders";
import { leftOutOf, leftOutText } from "../../../src/outcome/left-out";
import type { RunRow } from "../../../src/storage/port/rows";
import { failureIn } from "../../../src/storage/port/runs";
import type { ReportLine } from "../../../src/storage/port/store";
import type { Meaning } from "../../routes/explain/known";
import { fact, instant, number } from "./figures";
import { code, html, type Content, type Html } from "../html";
import { consoleLink, deadLettersLink, outcomesLink, runLink, runsLink } from "../links";
import { meaningOf, OUTCOMES, outcomeMark, readName } from "./outcomes";
import { dryBadge, lasting, progressOf, stateBadge, titleOf, type RunContext } from "./runs";
import { table } from "../section";

export const LINES_A_PAGE = 50;
/** Characters of the service's own reports that the page shows; the API has all that is kept. */
const MOST_REPORTED = 20_000;

export interface RunPageParts {
  readonly run: RunRow;
  readonly lines: readonly (ReportLine & { readonly at: number })[];
  /** Whether no line comes before these. */
  readonly isFirst: boolean;
  readonly nowMs: number;
  /** What codes mean at the service. */
  readonly meaning: Meaning;
}

/** What the form that stops a run is made for. */
export function stopAction(id: string): string {
  return `stop ${id}`;
}

export function runBody(parts: RunPageParts, context: RunContext): Html {
  const { run, nowMs } = parts;
  const { site, owner } = context;
  return html`<p><a href="${runsLink(site, owner.organization)}">All runs</a></p>
    <h1>${titleOf(run)}${dryBadge(run)}</h1>
    <section aria-labelledby="how">
      <h2 id="how">How it stands</h2>
      ${run.error !== undefined && html`<p class="trouble">${run.error}</p>`} ${facts(run, nowMs)}
      ${actions(run, context)}
    </section>
    <section aria-labelledby="counts">
      <h2 id="counts">What became of its records</h2>
      ${counts(parts, context)} ${leftOut(run)}
    </section>
    ${report(parts, context)} ${serviceReports(run, context)}`;
}

function facts(run: RunRow, nowMs: number): Html {
  const { id, options, createdAtMs, startedAtMs, endedAtMs, stopAskedAtMs } = run;
  const chosen = [
    options.simulate === true && "dry run",
    options.verbose === true && "with a line for each record",
    options.stopOnError === true && "ends at the first error",
    options.trust === true && "asked for by a person",
  ].filter((each) => each !== false);
  return html`<dl class="facts">
    ${fact("State", stateBadge(run))} ${fact("Progress", progressOf(run))} ${fact("Run", code(id))}
    ${fact("Asked for", instant(createdAtMs))}
    ${startedAtMs !== undefined && fact("Began", [instant(startedAtMs), " ", lasting(run, nowMs)])}
    ${endedAtMs !== undefined && fact("Ended", instant(endedAtMs))}
    ${stopAskedAtMs !== undefined && fact("Stop asked for", instant(stopAskedAtMs))}
    ${chosen.length > 0 && fact("Options", chosen.join(", "))}
  </dl>`;
}

function actions(run: RunRow, { site, owner, forms }: RunContext): Content {
  const { organization } = owner;
  const { id, stopAskedAtMs } = run;
  const stop =
    unstoppable(run) === undefined &&
    stopAskedAtMs === undefined &&
    forms.show(owner, {
      action: stopAction(id),
      to: runLink(site, organization, id, {}, "stop"),
      button: html`<button type="submit" class="danger">Stop</button>`,
    });
  const again =
    hasRecords(run) &&
    failureIn(run.counts) !== undefined &&
    html`<a class="button" href="${deadLettersLink(site, organization, { run: id }, "replay")}"
        >Send what failed again…</a
      >
      <a class="button quiet" href="${deadLettersLink(site, organization, { run: id })}">Its dead letters</a>`;
  if (stop === false && again === false) return undefined;
  return html`<div class="actions wrap">${again} ${stop}</div>`;
}

/** Whether messages belong to it: a fetch reads records, a backlog belongs to many, and a dry run delivers nothing. */
function hasRecords({ kind, options }: RunRow): boolean {
  return (kind === "batch" || kind === "replay") && options.simulate !== true;
}

function counts({ run, meaning }: RunPageParts, { site, owner }: RunContext): Html {
  const read = Object.entries(run.counts).flatMap(([name, count]) => {
    const known = readName(name);
    return known === undefined || count <= 0 ? [] : [{ ...known, count }];
  });
  if (read.length === 0) return html`<p class="empty">No record has ended yet.</p>`;
  const linked = (words: Html, type: string, outcome: string, reason: string): Html =>
    hasRecords(run)
      ? html`<a href="${outcomesLink(site, owner.organization, { type, outcome, code: reason, run: run.id })}"
          >${words}</a
        >`
      : words;
  const rows = orderBy(read, [({ outcome }) => OUTCOMES.indexOf(outcome), "count"], ["desc", "desc"]).map(
    ({ type, outcome, code: reason, count }) =>
      html`<tr>
        <th scope="row" data-label="Outcome">
          <span>${outcomeMark(outcome)} ${outcome}</span> <span class="id">${type}</span>
        </th>
        <td data-label="Reason">
          ${meaningOf({ outcome, code: reason }, meaning)} ${linked(code(reason), type, outcome, reason)}
        </td>
        <td data-label="Records" class="number"><span>${number(count)}</span></td>
      </tr>`,
  );
  const columns = ["Outcome", "Reason"];
  return table({ label: "Outcomes by reason", kind: "stacked", columns, numbers: ["Records"], rows });
}

function leftOut({ leftOut: values }: RunRow): Html | undefined {
  const fields = leftOutOf(values);
  if (fields.length === 0) return undefined;
  return html`<p class="trouble">Hull cannot hold some values and was not told them: ${leftOutText(fields)}.</p>`;
}

function report({ run, lines, isFirst }: RunPageParts, { site, owner }: RunContext): Html | undefined {
  const { id, options, endedAtMs } = run;
  if (options.verbose !== true) return undefined;
  const { organization } = owner;
  const last = lines.at(-1);
  const hasNext = lines.length === LINES_A_PAGE && last !== undefined;
  const rows = lines.map(
    ({ type, hullId, remoteId, outcome, code: reason, text }) =>
      html`<tr>
        <th scope="row" data-label="Record">
          ${
            hullId === ""
              ? html`<span>${type}</span>`
              : html`<a href="${consoleLink(site, organization, { q: hullId }, "explain")}"><bdi>${hullId}</bdi></a>
                  <span class="id">${type}</span>`
          }
          ${remoteId !== undefined && html`<span class="id"><bdi>${remoteId}</bdi></span>`}
        </th>
        <td data-label="Outcome"><span>${outcomeLine(outcome)}</span></td>
        <td data-label="Reason">${code(reason)} <span class="said">${text}</span></td>
      </tr>`,
  );
  const empty = isFirst
    ? options.simulate === true && endedAtMs === undefined
      ? "The lines of a dry run are here when it has ended."
      : "There are no lines."
    : "There are no more.";
  return html`<section id="report" aria-labelledby="report-title">
    <h2 id="report-title">Record by record</h2>
    ${
      lines.length === 0
        ? html`<p class="empty">${empty}</p>`
        : table({ label: "Report", kind: "stacked", columns: ["Record", "Outcome", "Reason"], rows })
    }
    ${
      (hasNext || !isFirst) &&
      html`<p class="pages">
        ${!isFirst && html`<a href="${runLink(site, organization, id)}#report">First page</a>`}
        ${
          hasNext &&
          html`<a rel="next" href="${runLink(site, organization, id, { after: String(last.at) })}#report">Next page</a>`
        }
      </p>`
    }
  </section>`;
}

/** An outcome that a later version wrote has no colour. */
function outcomeLine(outcome: string): Content {
  const known = OUTCOMES.find((each) => each === outcome);
  return known === undefined ? outcome : [outcomeMark(known), " ", outcome];
}

function serviceReports({ reports = [] }: RunRow, { site }: RunContext): Html | undefined {
  if (reports.length === 0) return undefined;
  const text = JSON.stringify(reports, undefined, 2);
  const isCut = text.length > MOST_REPORTED;
  return html`<section aria-labelledby="service-report">
    <h2 id="service-report">What ${site.title} reported</h2>
    ${isCut && html`<p class="hint">The beginning of it; the API has the rest.</p>`}
    <pre tabindex="0">${isCut ? `${text.slice(0, MOST_REPORTED)}…` : text}</pre>
  </section>`;
}
