/** How a run is asked to go about its work, as parameters of a query. */
import { z } from "zod";
import type { RunOptions } from "../../src/storage/rows";
import { flagParameter, idParameter, readInput } from "../middleware/input";

const SWITCH = "Write 1 to switch it on, 0 to switch it off, or leave it out.";

const WORDS = {
  code: "invalid_query",
  problem: "The query cannot be read",
  remedies: {
    simulate: SWITCH,
    verbose: SWITCH,
    stop_on_error: SWITCH,
    force: SWITCH,
    segment_id: "Send the id of one segment as Hull shows it, or leave it out.",
  },
};

const query = z.object({
  simulate: flagParameter,
  verbose: flagParameter,
  stop_on_error: flagParameter,
  force: flagParameter,
  segment_id: idParameter.optional(),
});

export interface RunParameters {
  readonly options: RunOptions;
  /** A person asked: the interval does not matter. Only for fetches. */
  readonly force: boolean;
  /** A segment that all rows belong to. Only for batches. */
  readonly segmentId: string | undefined;
}

/**
 * `simulate`, `verbose`, `stop_on_error`, `force` (1, true, yes or on; 0 or false) and `segment_id`.
 *
 * @throws HttpError 400 that names what cannot be read
 */
export function readRunParameters(given: unknown): RunParameters {
  const { simulate, verbose, stop_on_error, force, segment_id } = readInput(query, given, WORDS);
  return {
    options: {
      ...(simulate && { simulate: true }),
      ...(verbose && { verbose: true }),
      ...(stop_on_error && { stopOnError: true }),
    },
    force,
    segmentId: segment_id,
  };
}
