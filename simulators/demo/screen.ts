/** What a person sees: a table per step, a bar while something moves (on a terminal only), a verdict. */
import { stripVTControlCharacters } from "node:util";
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

/** Of a page; a terminal may be narrower. */
const WIDTH = 78;
const LABEL_WIDTH = 21;
const COUNT_WIDTH = 7;
const NOTE_WIDTH = 50;
const BAR_WIDTH = 30;
const DETAILS = 5;
/** Widths of the columns of the summary: of the title, and of the numbers. */
const CELLS = { wide: [40, 11, 11, 11], narrow: [20, 9, 7, 11] } as const;
/** Below it, notes stand under their rows. */
const NARROW = 2 + LABEL_WIDTH + COUNT_WIDTH + 2 + NOTE_WIDTH;

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

/** Breaks a line at blanks; what follows is indented like its beginning. A word that is longer than a line stays whole. */
export function fold(text: string, width: number): readonly string[] {
  if (stripVTControlCharacters(text).trimEnd().length <= width) return [text];
  const [indent = ""] = /^ */.exec(stripVTControlCharacters(text)) ?? [];
  const lines: string[] = [];
  let current = "";
  for (const piece of text.split(/(?<= )(?=[^ ])/)) {
    if (
      stripVTControlCharacters(current).trim() !== "" &&
      stripVTControlCharacters(current + piece).trimEnd().length > width
    ) {
      lines.push(current.trimEnd());
      current = indent;
    }
    current += piece;
  }
  return [...lines, current.trimEnd()];
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

  /** Characters per line, which a person may change at any time; a pipe has no end of the line. */
  const columns = (): number => (isTerminal && output.columns > 0 ? output.columns : Infinity);

  function line(text = ""): void {
    clearBar();
    for (const part of fold(text, columns())) output.write(`${part}\n`);
  }

  function row(label: string, value: string, note = ""): void {
    const head = `  ${paint("dim", label.padEnd(LABEL_WIDTH))}${value.padStart(COUNT_WIDTH)}`;
    const fits = stripVTControlCharacters(head).length + 2 + note.length <= columns() && (label !== "" || value !== "");
    if (columns() >= NARROW || fits) {
      line(note === "" ? head : `${head}  ${note}`);
      return;
    }
    if (label !== "" || value !== "") line(head);
    line(`    ${note}`);
  }

  function rows(label: string, counts: readonly (readonly [string, number])[]): void {
    counts.forEach(([name, times], index) => row(index === 0 ? label : "", count(times), name));
  }

  return {
    line,
    clear: clearBar,
    heading: (text) => line(paint("bold", text)),
    progress(label, done, total) {
      if (!isTerminal) return;
      // It must fit its line, or taking it away leaves a part of it.
      const most = columns() - 1;
      const text = `${count(done)} of ${count(total)} ${label}`.slice(0, Math.max(0, most - 2));
      const barWidth = Math.max(0, Math.min(BAR_WIDTH, most - text.length - 3));
      const filled = Math.round((barWidth * Math.min(done, total)) / Math.max(1, total));
      const bar = "█".repeat(filled) + paint("dim", "░".repeat(barWidth - filled));
      output.write(`\r\u001b[2K  ${bar}${barWidth > 0 ? " " : ""}${text}`);
      barShown = true;
    },
    step(number, { title, messages, outcomes, derived, calls, routes, baseline, elapsedMs }) {
      const head = `${number} · ${title}`;
      const rule = "─".repeat(Math.max(0, Math.min(WIDTH, columns()) - head.length - 1));
      line(paint("bold", head) + (rule === "" ? "" : paint("dim", ` ${rule}`)));
      row("messages in", count(messages));
      rows("outcomes", outcomes);
      rows(
        "for the users",
        derived.map(([name, times]) => [`companies ${name}`, times]),
      );
      const [first = "", ...more] = wrap(
        routes.map(([route, times]) => `${times} × ${route}`),
        columns() < NARROW ? columns() - 4 : NOTE_WIDTH,
      );
      row(`calls to ${service.title}`, count(calls), first);
      for (const note of more) row("", "", note);
      const parts = `${count(baseline.lookUps)} look-ups + ${count(baseline.writes)} writes`;
      row("look up and write", count(baseline.calls), parts + quotaTime(baseline.calls, service.callsPerMinute));
      row("time", seconds(elapsedMs));
      line();
    },
    summary(reports) {
      const [most, ...numbers] = columns() < NARROW ? CELLS.narrow : CELLS.wide;
      const room = columns() - 2 - numbers.reduce<number>((all, each) => all + each, 0);
      const titleWidth = Math.min(most, Math.max(0, room));
      const cells = (title: string, ...rest: readonly string[]): string =>
        `  ${title.padEnd(titleWidth)}${rest.map((cell, index) => cell.padStart(numbers[index] ?? 0)).join("")}`;
      const named = (title: string, ...rest: readonly string[]): void => {
        if (title.length > titleWidth) line(`  ${title}`);
        line(cells(title.length > titleWidth ? "" : title, ...rest));
      };
      const sum = (of: (report: StepReport) => number): number =>
        reports.reduce((total, report) => total + of(report), 0);
      line(paint("dim", cells("", "messages", "calls", "look+write")));
      reports.forEach(({ name, messages, calls, baseline }, index) =>
        named(`${index + 1} · ${name}`, count(messages), count(calls), count(baseline.calls)),
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
