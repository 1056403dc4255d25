/** Options of a run, as query parameters. */
import { z } from "zod";
import type { RunOptions } from "../../../src/storage/port/rows";
import { flagParameter, idParameter } from "../../../src/input";
import { readInput } from "../../middleware/input";

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

const forAll = {
  simulate: flagParameter.meta({ description: "Everything but writing: the counts say what would happen." }),
  verbose: flagParameter.meta({ description: "A line of report for each record." }),
};

const forBatches = {
  stop_on_error: flagParameter.meta({ description: "End at the first record that is rejected or given up." }),
  segment_id: idParameter.optional().meta({
    description: "A segment that all rows belong to, beside those that they name themselves.",
  }),
};

const forFetches = {
  force: flagParameter.meta({
    description:
      "Now, whatever the interval says; every record is compared, whatever its age; and a list that is suddenly much shorter is believed.",
  }),
};

/** The options of each of the two; the others are read and ignored. */
export const batchParameters = z.object({ ...forAll, ...forBatches });
export const fetchParameters = z.object({ ...forAll, ...forFetches });

const query = z.object({ ...forAll, ...forBatches, ...forFetches });

/**
 * `simulate`, `verbose`, `stop_on_error`, `force` (1, true, yes or on; 0 or false) and `segment_id`.
 *
 * @throws HttpError 400 that names what cannot be read
 */
export function readRunParameters(given: unknown) {
  const { simulate, verbose, stop_on_error, force, segment_id } = readInput(query, given, WORDS);
  const options: RunOptions = {
    ...(simulate && { simulate: true }),
    ...(verbose && { verbose: true }),
    ...(stop_on_error && { stopOnError: true }),
  };
  return { options, force, segmentId: segment_id };
}
