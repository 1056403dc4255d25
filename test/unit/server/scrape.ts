/** Reads Prometheus' text format, as far as tests ask for it. */

export interface Scrape {
  /** Metric → counter, gauge or histogram. */
  readonly kinds: ReadonlyMap<string, string>;
  /** The value of the sample with exactly these labels, besides its service; undefined when there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
  /** Sum of a metric's samples that have these labels, whatever others they have. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
  /** Every value of a label of a metric. */
  values(name: string, label: string): readonly string[];
}

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const SPECIAL: Readonly<Record<string, number>> = { "+Inf": Infinity, Nan: NaN };

export function readScrape(text: string): Scrape {
  const lines = text.split("\n").filter((line) => line !== "");
  const samples = lines.filter((line) => !line.startsWith("#")).map(readSample);
  const has = (sample: Sample, labels: Readonly<Record<string, string>>): boolean =>
    Object.entries(labels).every(([name, value]) => sample.labels[name] === value);
  return {
    kinds: new Map(
      lines.flatMap((line) => [...line.matchAll(/^# TYPE (\S+) (\S+)$/g)]).map(([, a = "", b = ""]) => [a, b]),
    ),
    value: (name, labels = {}) =>
      samples.find(
        (each) =>
          each.name === name &&
          has(each, labels) &&
          Object.keys({ service: "", ...each.labels }).length === Object.keys({ service: "", ...labels }).length,
      )?.value,
    sum: (name, labels = {}) =>
      samples.filter((each) => each.name === name && has(each, labels)).reduce((sum, { value }) => sum + value, 0),
    values: (name, label) => [
      ...new Set(samples.flatMap((each) => (each.name === name ? [each.labels[label] ?? ""] : []))),
    ],
  };
}

function readSample(line: string): Sample {
  const [, name, labels = "", value] = /^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$/i.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new Error(`No sample: ${line}`);
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
    ([, key = "", text = ""]) => [key, text] as const,
  );
  return { name, labels: Object.fromEntries(pairs), value: SPECIAL[value] ?? Number(value) };
}
