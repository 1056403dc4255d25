/** The command line: `--quick`, `--only NAME`, `--out FILE`, `--compare FILE`, `--profile FOLDER`, `--endusers N`. */
import { parseArgs } from "node:util";

export const MEASURES = ["startup", "throughput", "changed", "latency", "siege", "memory", "fetch", "redis"] as const;
export type MeasureName = (typeof MEASURES)[number];

export interface Options {
  /** Fewer rounds and people, and no backlog of 200,000. */
  readonly quick: boolean;
  readonly only: readonly MeasureName[];
  /** Where the result goes instead of stdout. */
  readonly out: string | undefined;
  /** The file of an earlier result, beside which the new one is shown. */
  readonly compare: string | undefined;
  /** Folder for CPU profiles of the connector. */
  readonly profiles: string | undefined;
  /** How many endusers the fetch reads. */
  readonly endusers: number;
}

const isMeasure = (name: string): name is MeasureName => MEASURES.some((each) => each === name);

/** @throws Error that says what is wrong with the arguments */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
      out: { type: "string" },
      compare: { type: "string" },
      profile: { type: "string" },
      endusers: { type: "string", default: "100000" },
    },
  });
  const unknown = values.only.find((name) => !isMeasure(name));
  if (unknown !== undefined) throw new Error(`There is no measure "${unknown}"; choose from ${MEASURES.join(", ")}.`);
  const only = values.only.filter(isMeasure);
  const endusers = Number(values.endusers);
  if (!Number.isInteger(endusers) || endusers < 1) throw new Error("--endusers takes a whole number of 1 or more.");
  return {
    endusers,
    quick: values.quick,
    only: only.length > 0 ? only : MEASURES,
    out: values.out,
    compare: values.compare,
    profiles: values.profile,
  };
}
