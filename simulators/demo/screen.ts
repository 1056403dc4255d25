/** What a person sees: a table per step, a bar while something moves (on a terminal only), a verdict. */
import type { Baseline } from "./baseline";

export interface StepReport {
  readonly title: string;
  /** For the summary. */
  readonly name: string;
  readonly messages: number;
  /** `sent/created` → how often, outcomes of the messages. */
  readonly outcomes: readonly (readonly [string, number])[];
  /** The same for companies that were created for their users. */
  readonly derived: readonly (readonly [string, number])[];
  readonly calls: number;
  /** `PUT /endusers` → how often. */
  readonly routes: readonly (readonly [string, number])[];
  readonly baseline: Baseline;
  readonly elapsedMs: number;
}

export interface Check {
  readonly holds: boolean;
  readonly text: string;
  /** What a person sees who wants to know why not. */
  readonly details?: readonly string[];
}

export interface Screen {
  line(text?: string): void;
  heading(text: string): void;
  /** Takes the bar away. */
  clear(): void;
  /** Draws the bar; nothing happens when the output is no terminal. */
  progress(label: string, done: number, total: number): void;
  step(number: number, report: StepReport): void;
  summary(reports: readonly StepReport[]): void;
  check(check: Check): void;
}

const WIDTH = 78;
const LABEL_WIDTH = 21;
const COUNT_WIDTH = 7;
const NOTE_WIDTH = 50;
const BAR_WIDTH = 30;
const DETAILS = 5;

type Tone = "bold" | "dim" | "green" | "red";
const CODES: Readonly<Record<Tone, number>> = { bold: 1, dim: 2, green: 32, red: 31 };

export const count = (value: number): string => value.toLocaleString("en-US");
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** How long so many calls take under the service's quota, if it has one; a minute's worth may start at once. */
function quotaTime(calls: number, perMinute = Infinity): string {
  const minutes = Math.ceil(calls / perMinute) - 1;
  return minutes < 1 ? "" : `; the quota alone makes that ${minutes} min`;
}

/** Joins parts with commas into lines of at most `width` characters, if a part is not longer itself. */
function wrap(parts: readonly string[], width: number): readonly string[] {
  return parts.reduce<readonly string[]>((lines, part) => {
    const last = lines.at(-1);
    if (last === undefined || last.length + 2 + part.length > width) return [...lines, part];
    return [...lines.slice(0, -1), `${last}, ${part}`];
  }, []);
}

/** @param service how people call it, and what it grants */
export function createScreen(
  output: NodeJS.WriteStream,
  service: { readonly title: string; readonly callsPerMinute?: number },
): Screen {
  const isTerminal = output.isTTY;
  const colours = isTerminal && (process.env["NO_COLOR"] ?? "") === "";
  let barShown = false;

  const paint = (tone: Tone, text: string): string => (colours ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text);

  function clearBar(): void {
    if (barShown) output.write("\r\u001b[2K");
    barShown = false;
  }

  function line(text = ""): void {
    clearBar();
    output.write(`${text}\n`);
  }

  const row = (label: string, value: string, note = ""): void =>
    line(`  ${paint("dim", label.padEnd(LABEL_WIDTH))}${value.padStart(COUNT_WIDTH)}${note === "" ? "" : `  ${note}`}`);

  function rows(label: string, counts: readonly (readonly [string, number])[]): void {
    counts.forEach(([name, times], index) => row(index === 0 ? label : "", count(times), name));
  }

  return {
    line,
    clear: clearBar,
    heading: (text) => line(paint("bold", text)),
    progress(label, done, total) {
      if (!isTerminal) return;
      const filled = Math.round((BAR_WIDTH * Math.min(done, total)) / Math.max(1, total));
      const bar = "█".repeat(filled) + paint("dim", "░".repeat(BAR_WIDTH - filled));
      output.write(`\r\u001b[2K  ${bar} ${count(done)} of ${count(total)} ${label}`);
      barShown = true;
    },
    step(number, { title, messages, outcomes, derived, calls, routes, baseline, elapsedMs }) {
      const head = `${number} · ${title} `;
      line(paint("bold", head) + paint("dim", "─".repeat(Math.max(0, WIDTH - head.length))));
      row("messages in", count(messages));
      rows("outcomes", outcomes);
      rows(
        "for the users",
        derived.map(([name, times]) => [`companies ${name}`, times]),
      );
      const [first = "", ...more] = wrap(
        routes.map(([route, times]) => `${times} × ${route}`),
        NOTE_WIDTH,
      );
      row(`calls to ${service.title}`, count(calls), first);
      for (const note of more) row("", "", note);
      const parts = `${count(baseline.lookUps)} look-ups + ${count(baseline.writes)} writes`;
      row("look up and write", count(baseline.calls), parts + quotaTime(baseline.calls, service.callsPerMinute));
      row("time", seconds(elapsedMs));
      line();
    },
    summary(reports) {
      const cells = (title: string, ...rest: readonly string[]): string =>
        `  ${title.padEnd(40)}${rest.map((cell) => cell.padStart(11)).join("")}`;
      const sum = (of: (report: StepReport) => number): number =>
        reports.reduce((total, report) => total + of(report), 0);
      line(paint("dim", cells("", "messages", "calls", "look+write")));
      reports.forEach(({ name, messages, calls, baseline }, index) =>
        line(cells(`${index + 1} · ${name}`, count(messages), count(calls), count(baseline.calls))),
      );
      const totals = [sum((each) => each.messages), sum((each) => each.calls), sum((each) => each.baseline.calls)];
      line(paint("bold", cells("all", ...totals.map(count))));
      line();
    },
    check({ holds, text, details = [] }) {
      line(`  ${holds ? paint("green", "✓") : paint("red", "✗")} ${text}`);
      for (const detail of details.slice(0, DETAILS)) line(paint("dim", `      ${detail}`));
      if (details.length > DETAILS) line(paint("dim", `      and ${details.length - DETAILS} more`));
    },
  };
}
