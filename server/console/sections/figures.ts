/** Instants, durations and numbers as the console writes them: always UTC, and marked as such. */
import { html, type Content, type Html } from "../html";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `1,204` */
export function number(value: number): string {
  return value.toLocaleString("en-GB");
}

/** `2026-03-01 12:00 UTC` */
export function instant(ms: number): Html {
  const iso = new Date(ms).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 16).replace("T", " ")} UTC</time>`;
}

/** A figure in a list of tiles. */
export function tile(name: string, value: string, words: Content, more?: Content): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd><strong>${value}</strong> <span>${words}</span>${more}</dd>
  </div>`;
}

/** A line in a list of facts. */
export function fact(name: string, value: Content): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}

/** How long something took, or has taken so far; the two largest units. */
export function span(ms: number): string {
  if (ms < 1_000) return "less than 1 s";
  if (ms < MINUTE_MS) return `${Math.floor(ms / 1_000)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < DAY_MS) return two(ms, HOUR_MS, "h", MINUTE_MS, "min");
  return two(ms, DAY_MS, "d", HOUR_MS, "h");
}

/** `12:00` */
export function clock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 16);
}

function two(ms: number, great: number, greatName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % great) / small);
  return `${Math.floor(ms / great)} ${greatName}${rest === 0 ? "" : ` ${rest} ${smallName}`}`;
}
