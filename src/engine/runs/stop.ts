/** A run that a person stops: what is said of it. */
import type { RunKind, RunRow } from "../../storage/port/rows";

/** How often a run under way looks whether its stop was asked for, milliseconds. */
export const STOP_LOOK_MS = 1_000;

const WORDS: Readonly<Record<RunKind, string>> = {
  fetch: "What had been read by then counts; the next fetch begins anew.",
  batch: "Rows that had been taken in by then are still delivered; for the others, have Hull send the batch again.",
  replay: "What had been taken in by then is still delivered; the other dead letters stay.",
  drain: "What waits is still delivered.",
};

/** How it ends. */
export function stoppedBy({
  kind,
  options,
}: Pick<RunRow, "kind" | "options">): Required<Pick<RunRow, "state" | "error">> {
  const rest =
    options.simulate === true ? "The figures are those of the records that had been looked at." : WORDS[kind];
  return { state: "stopped", error: `A person stopped it. ${rest}` };
}
