/**
 * Outcomes of the last day: bars by the hour, drawn as SVG on the server; below them a row for each reason with bars on
 * its own scale, so that three refusals show beside ten thousand unchanged records; and every number in a table. Pure.
 */
import groupBy from "lodash/groupBy";
import orderBy from "lodash/orderBy";
import sum from "lodash/sum";
import type { OutcomeKind } from "../../../src/record";
import type { HourCount } from "../../../src/storage/port/store";
import { clock, instant, number } from "./figures";
import { code, html, type Html } from "../html";
import type { Meaning } from "../../routes/explain/known";
import { byOutcome, meaningOf, outcomeMark, OUTCOMES, readName } from "./outcomes";
import { table } from "../section";

const HOUR_MS = 3_600_000;
const HOURS = 24;

const WIDTH = 900;
const TOP = 8;
const BASELINE = 178;
const LEFT = 56;
const RIGHT = 12;
const HOUR_WIDTH = (WIDTH - LEFT - RIGHT) / HOURS;
const BAR_WIDTH = 26;
/** Every third hour is labelled. */
const LABELLED = 3;

/** Start of the chart, milliseconds since 1970: 24 hours, the last one not over yet. */
export function chartFrom(nowMs: number): number {
  return Math.floor(nowMs / HOUR_MS) * HOUR_MS - (HOURS - 1) * HOUR_MS;
}

/** What a reason means, and where its records are. */
export interface ReasonContext {
  readonly meaning: Meaning;
  readonly linkOf: (reason: { readonly type: string; readonly outcome: string; readonly code: string }) => string;
}

export function chartBody(counts: readonly HourCount[], nowMs: number, context: ReasonContext): Html {
  const fromMs = chartFrom(nowMs);
  const shown = counts.filter(({ atMs, count }) => atMs >= fromMs && atMs < fromMs + HOURS * HOUR_MS && count > 0);
  if (shown.length === 0) return html`<p class="empty">No message from Hull ended within the last 24 hours.</p>`;
  const hours = hoursOf(shown, fromMs);
  return html`<p class="hint">Messages from Hull, by the hour in which they ended, from ${instant(fromMs)}.</p>
    ${legend(hours)} ${bars(hours)} ${reasons(shown, fromMs, context)} ${numbers(hours)}`;
}

type Hour = ReturnType<typeof hoursOf>[number];

function hoursOf(counts: readonly HourCount[], fromMs: number) {
  return Array.from({ length: HOURS }, (_, index) => {
    const atMs = fromMs + index * HOUR_MS;
    const own = counts.filter((each) => each.atMs === atMs).map(({ name, count }) => [name, count] as const);
    const sums = byOutcome(Object.fromEntries(own));
    return { atMs, counts: sums, total: sum([...sums.values()]) };
  });
}

function legend(hours: readonly Hour[]): Html {
  const items = kindsIn(hours).map((outcome) => {
    const total = sum(hours.map(({ counts }) => counts.get(outcome) ?? 0));
    return html`<li>${outcomeMark(outcome)} ${outcome} <strong>${number(total)}</strong></li>`;
  });
  return html`<ul class="counts legend">
    ${items}
  </ul>`;
}

function bars(hours: readonly Hour[]): Html {
  const most = Math.max(...hours.map(({ total }) => total));
  const top = niceAbove(most);
  const scale = (BASELINE - TOP) / top;
  const busiest = hours.find(({ total }) => total === most);
  const description = `Up to ${number(most)} messages in an hour${busiest === undefined ? "" : `, at ${clock(busiest.atMs)}`}. The table below has every number.`;
  // Starts scrolled to the right, where the present is, when the chart does not fit.
  return html`<div class="scroll latest" role="region" aria-label="Chart of outcomes" tabindex="0">
    <svg class="chart" viewBox="0 0 ${WIDTH} 206" role="img" aria-labelledby="chart-title chart-words">
      <title id="chart-title">Outcomes by the hour, the last 24 hours</title>
      <desc id="chart-words">${description}</desc>
      ${[top, top / 2].map((value) => gridline(value, BASELINE - value * scale))}
      <line class="axis" x1="${LEFT}" x2="${WIDTH}" y1="${BASELINE}" y2="${BASELINE}" />
      ${hours.map((hour, index) => bar(hour, index, scale))}
    </svg>
  </div>`;
}

function gridline(value: number, y: number): Html {
  return html`<line class="grid" x1="${LEFT}" x2="${WIDTH}" y1="${fixed(y)}" y2="${fixed(y)}" /><text
      class="label"
      x="${LEFT - 8}"
      y="${fixed(y + 4)}"
      text-anchor="end"
    >
      ${number(value)}
    </text>`;
}

function bar({ atMs, counts, total }: Hour, index: number, scale: number): Html {
  const x = LEFT + index * HOUR_WIDTH + (HOUR_WIDTH - BAR_WIDTH) / 2;
  const middle = x + BAR_WIDTH / 2;
  let y = BASELINE;
  const parts = [...counts].map(([outcome, count]) => {
    const height = Math.max(1, count * scale);
    y -= height;
    return html`<rect
      class="out-${outcome}"
      x="${fixed(x)}"
      y="${fixed(y)}"
      width="${BAR_WIDTH}"
      height="${fixed(height)}"
    />`;
  });
  const words = total === 0 ? "nothing" : [...counts].map(([name, count]) => `${number(count)} ${name}`).join(", ");
  return html`<g>
    <title>${clock(atMs)} to ${clock(atMs + HOUR_MS)} UTC: ${words}</title>
    <rect
      class="touch"
      x="${fixed(LEFT + index * HOUR_WIDTH)}"
      y="${TOP}"
      width="${fixed(HOUR_WIDTH)}"
      height="${BASELINE - TOP}"
    />
    ${parts}
    ${
      (HOURS - 1 - index) % LABELLED === 0 &&
      html`<text class="label" x="${fixed(middle)}" y="${BASELINE + 18}" text-anchor="middle">${clock(atMs)}</text>`
    }
  </g>`;
}

/** A row for each reason, those that need a person first. */
function reasons(counts: readonly HourCount[], fromMs: number, { meaning, linkOf }: ReasonContext): Html {
  const rows = Object.entries(groupBy(counts, "name")).flatMap(([name, own]) => {
    const read = readName(name);
    if (read === undefined) return [];
    const countAt = new Map(own.map(({ atMs, count }) => [atMs, count]));
    const hours = Array.from({ length: HOURS }, (_, index) => countAt.get(fromMs + index * HOUR_MS) ?? 0);
    return [{ ...read, hours, total: sum(hours) }];
  });
  return table({
    label: "Outcomes by reason",
    kind: "reasons",
    caption: "By reason, each on its own scale; each leads to its records",
    columns: ["Outcome", "Reason", "24 hours"],
    numbers: ["Sum"],
    rows: orderBy(rows, [({ outcome }) => OUTCOMES.indexOf(outcome), "total"], ["desc", "desc"]).map(
      ({ type, outcome, code: reason, hours, total }) =>
        html`<tr>
          <td>${outcomeMark(outcome)} ${outcome}</td>
          <th scope="row">
            <a href="${linkOf({ type, outcome, code: reason })}">${code(reason)}</a> <span class="type">${type}</span>
            ${meaningOf({ outcome, code: reason }, meaning)}
          </th>
          <td>${spark(hours, outcome, fromMs)}</td>
          <td class="number">${number(total)}</td>
        </tr>`,
    ),
  });
}

function spark(hours: readonly number[], outcome: OutcomeKind, fromMs: number): Html {
  const most = Math.max(...hours);
  const words = `Most, ${number(most)}, in the hour from ${clock(fromMs + hours.indexOf(most) * HOUR_MS)} UTC`;
  const parts = hours.map((count, index) => {
    const height = count === 0 ? 0 : Math.max(1.5, (count / most) * 20);
    return (
      count > 0 &&
      html`<rect
        class="out-${outcome}"
        x="${index * 6}"
        y="${fixed(21 - height)}"
        width="5"
        height="${fixed(height)}"
      />`
    );
  });
  return html`<svg class="spark" viewBox="0 0 144 22" width="144" height="22" role="img" aria-label="${words}">
    <title>${words}</title>
    <line class="axis" x1="0" x2="144" y1="21.5" y2="21.5" />
    ${parts}
  </svg>`;
}

/** The chart in words, hour by hour. */
function numbers(hours: readonly Hour[]): Html {
  const kinds = kindsIn(hours);
  const rows = hours.map(
    ({ atMs, counts }) =>
      html`<tr>
        <th scope="row">${instant(atMs)}</th>
        ${kinds.map((kind) => html`<td class="number">${number(counts.get(kind) ?? 0)}</td>`)}
      </tr>`,
  );
  return html`<details>
    <summary>The numbers of the chart</summary>
    ${table({ label: "Outcomes by the hour", columns: ["Hour (UTC)"], numbers: kinds, rows })}
  </details>`;
}

/** Kinds that occur. */
function kindsIn(hours: readonly Hour[]): readonly OutcomeKind[] {
  return OUTCOMES.filter((kind) => hours.some(({ counts }) => counts.has(kind)));
}

/** The top of a scale: an even number, so that half of it is whole as well. */
export function niceAbove(value: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  const steps = [1, 1.2, 1.6, 2, 3, 4, 6, 8, 10].map((step) => Math.round(step * magnitude));
  return steps.find((each) => each >= value && each % 2 === 0) ?? 2;
}

function fixed(value: number): string {
  return value.toFixed(1);
}
