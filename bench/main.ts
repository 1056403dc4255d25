/** `npm run bench`: how fast the connector is and what it costs, as ratios wherever possible. */
import { writeFileSync } from "node:fs";
import type { Measure } from "./measure";
import { changed } from "./measures/changed";
import { fetchMeasure } from "./measures/fetch";
import { latency } from "./measures/latency";
import { memory } from "./measures/memory";
import { redisMeasure } from "./measures/redis";
import { siege } from "./measures/siege";
import { startup } from "./measures/startup";
import { throughput } from "./measures/throughput";
import { readOptions, type MeasureName, type Options } from "./options";
import { machine, reported, resultIn, table, type Result } from "./report";

/** Time limit of each measure. */
const MEASURES: Readonly<Record<MeasureName, { readonly measure: Measure; readonly withinMs: number }>> = {
  startup: { measure: startup, withinMs: 30_000 },
  throughput: { measure: throughput, withinMs: 80_000 },
  changed: { measure: changed, withinMs: 90_000 },
  latency: { measure: latency, withinMs: 40_000 },
  siege: { measure: siege, withinMs: 60_000 },
  memory: { measure: memory, withinMs: 240_000 },
  fetch: { measure: fetchMeasure, withinMs: 120_000 },
  redis: { measure: redisMeasure, withinMs: 60_000 },
};
/** Time limit of all of them: a slow machine gets fewer rounds and a smaller backlog. */
const ALL_WITHIN_MS = 560_000;
/** Something is stuck; the processes end with this one. */
const ABORT_AFTER_MS = 600_000;

async function main({ quick, only, out, compare, profiles, endusers }: Options): Promise<void> {
  // A million endusers must be requested explicitly, and take their time.
  const timesLonger = Math.max(1, endusers / 100_000);
  setTimeout(() => fail("The bench takes too long; something is stuck."), ABORT_AFTER_MS * timesLonger).unref();
  const earlier = compare === undefined ? undefined : resultIn(compare);
  const about = { at: new Date().toISOString(), quick, machine: machine() };
  const figures: Result["figures"][number][] = [];
  for (const name of only) {
    const { measure, withinMs } = MEASURES[name];
    process.stderr.write(`${name} …\n`);
    const deadlineMs = Math.min(performance.now() + withinMs * timesLonger, ALL_WITHIN_MS * timesLonger);
    const measured = await measure({ quick, profiles, deadlineMs, endusers });
    figures.push(...measured.map((figure) => reported(name, figure)));
  }
  const result: Result = { ...about, figures };
  process.stderr.write(`\n${table(result, earlier)}`);
  const text = `${JSON.stringify(result, undefined, 2)}\n`;
  if (out === undefined) process.stdout.write(text);
  else writeFileSync(out, text);
}

function fail(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => fail(`Ended by ${signal}.`));
try {
  main(readOptions(process.argv.slice(2))).catch(fail);
} catch (error) {
  fail(error);
}
