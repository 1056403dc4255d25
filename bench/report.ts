/** The result for programs, and the table for people. */
import { readFileSync } from "node:fs";
import { arch, availableParallelism, loadavg, totalmem } from "node:os";
import { holds, type Figure } from "./measure";
import type { MeasureName } from "./options";

export interface Result {
  readonly at: string;
  readonly quick: boolean;
  readonly machine: {
    readonly cpus: number;
    readonly memoryGibibytes: number;
    readonly arch: string;
    readonly node: string;
    /** Of the last minute, before the first measure: well below one on a quiet machine. */
    readonly loadBefore: number;
  };
  readonly figures: readonly (Figure & { readonly measure: MeasureName; readonly met?: boolean })[];
}

export function machine(): Result["machine"] {
  return {
    cpus: availableParallelism(),
    memoryGibibytes: Math.round(totalmem() / 2 ** 30),
    arch: arch(),
    node: process.version,
    loadBefore: loadavg()[0] ?? 0,
  };
}

/** A figure as the result holds it. */
export function reported(measure: MeasureName, figure: Figure): Result["figures"][number] {
  const met = holds(figure);
  return { measure, ...figure, ...(met === undefined ? {} : { met }) };
}

/** @param earlier what it is compared with, figure by figure */
export function table(
  { figures, machine: { cpus, memoryGibibytes, node, loadBefore } }: Result,
  earlier?: Result,
): string {
  const timesEarlier = ({ measure, name, value }: Result["figures"][number]): string => {
    const before = earlier?.figures.find((each) => each.measure === measure && each.name === name);
    return before === undefined ? "" : `${rounded(value / before.value)} × ${rounded(before.value)}`;
  };
  const rows = figures.map((figure) => [...rowOf(figure), ...(earlier === undefined ? [] : [timesEarlier(figure)])]);
  const head = ["measure", "figure", "value", "target", "", "range", ...(earlier === undefined ? [] : ["earlier"])];
  const all = [head, ...rows];
  const widths = all.reduce<number[]>((most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, cell.length)), []);
  const lines = all.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const about = `${cpus} CPUs, ${memoryGibibytes} GiB, Node ${node}, load ${loadBefore.toFixed(1)} before`;
  const disturbed = loadBefore > 0.5 ? "\nThe machine was not quiet: trust the ratios only, and those with care." : "";
  return `${lines.join("\n")}\n\n${about}${disturbed}\n`;
}

function rowOf({ measure, name, value, unit, samples, target, met, note }: Result["figures"][number]): string[] {
  return [
    measure,
    name,
    `${rounded(value)} ${unit}`.trim(),
    target === undefined ? "" : "atLeast" in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`,
    met === undefined ? "" : met ? "met" : "missed",
    [samples === undefined ? "" : `${rounded(Math.min(...samples))} … ${rounded(Math.max(...samples))}`, note ?? ""]
      .filter((each) => each !== "")
      .join("; "),
  ];
}

function rounded(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toPrecision(2);
}

/** @throws Error with a sentence when the file holds no result of the bench */
export function resultIn(file: string): Result {
  try {
    const result = JSON.parse(readFileSync(file, "utf8")) as Partial<Result>;
    if (Array.isArray(result.figures)) return result as Result;
  } catch (cause) {
    throw new Error(`--compare: ${file} cannot be read as JSON. Name a file that --out wrote.`, { cause });
  }
  throw new Error(`--compare: ${file} holds no figures. Name a file that --out wrote.`);
}
