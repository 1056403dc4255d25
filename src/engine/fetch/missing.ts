/** After a complete scan: what it did not show is missing, and Hull is told so if that is wanted. */
import compact from "lodash/compact";
import isEmpty from "lodash/isEmpty";
import pick from "lodash/pick";
import type { MirrorRow } from "../../storage/port/rows";
import { NOTHING } from "../../services/compare";
import { withRetry, type Try, type RetryOptions, type Stop } from "../rules/retry";
import { anonymousId, itemsFor } from "../hull-updates/items";
import { DELETED, isKnownToHull } from "../hull-updates/what-hull-knows";
import { hindranceIn } from "../hull-updates/write-back";
import { claimKey, hullKeys, type StepContext } from "./step";

export type MissingOptions = RetryOptions &
  Pick<StepContext, "store" | "firehose" | "remote" | "type" | "claimed" | "serviceName" | "run"> & {
    readonly scanStartedAtMs: number;
    /** Hull attribute that says when a record went missing; undefined when that is not wanted. */
    readonly deletedAttribute: string | undefined;
    readonly now: () => number;
  };

/** Rows per step, of which mostly none is missing. */
const STEP = 2_000;

/**
 * Marks everything that the scan did not show.
 *
 * @param from where an earlier try stopped
 * @param remember called with the place after each step; answers false when the run is gone
 */
export async function markMissing(
  options: MissingOptions,
  from: string | undefined,
  remember: (after: string) => Promise<boolean>,
): Promise<Stop | undefined> {
  const { store, remote, type, run, scanStartedAtMs, deletedAttribute } = options;
  const wanted = type.untold === true ? undefined : deletedAttribute;
  for (let after = from; ;) {
    const untold = wanted === undefined ? undefined : { field: DELETED, nothing: NOTHING };
    const missing = await store.markMissing(remote, type.name, { run, scanStartedAtMs, untold, after, limit: STEP });
    if (wanted !== undefined) {
      const known = missing.gone.filter((row) => isKnownToHull(row, type.idField));
      let left = await withoutSuccessors(options, known);
      const told = await withRetry(options, async () => {
        const result = await tell(options, left, wanted);
        ({ left } = result);
        return result.attempt;
      });
      if ("state" in told) return told;
    }
    if (missing.after === undefined) return undefined;
    ({ after } = missing);
    const known = await remember(missing.after);
    if (!known || options.signal.aborted) return { state: "interrupted" };
  }
}

/**
 * Those whose Hull entity no record of today has taken over, as one does that was made again. One with an external id is
 * taken over by that alone: e-mail addresses and domains may be shared by any.
 */
async function withoutSuccessors(
  context: Pick<StepContext, "store" | "remote" | "type" | "claimed">,
  gone: readonly MirrorRow[],
): Promise<readonly MirrorRow[]> {
  const { store, remote, type } = context;
  const names = [type.keys.find(({ claim }) => claim === "external_id")?.name, claimKey("external_id")];
  const wanted = gone.map(({ id, keys }) => {
    const own = hullKeys(context, keys);
    const best = pick(own, compact(names));
    return { id, keys: isEmpty(best) ? own : best };
  });
  const shared = await store.sharedKeys(remote, type.name, wanted);
  return gone.filter((_, index) => shared[index]?.length === 0);
}

/** Tells Hull of each record that it is missing; returns those that Hull could not be told about. */
async function tell(
  options: MissingOptions,
  known: readonly MirrorRow[],
  attribute: string,
): Promise<{ readonly attempt: Try<undefined>; readonly left: readonly MirrorRow[] }> {
  const { store, firehose, remote, type, serviceName, now, signal } = options;
  const at = new Date(now()).toISOString();
  const results = await firehose.send(
    known.flatMap(({ id }) =>
      itemsFor(type.entity, { anonymous_id: anonymousId(serviceName, id) }, { [attribute]: at }),
    ),
    signal,
  );
  const told = known.filter((_, index) => results[index]?.state === "accepted");
  if (told.length > 0) {
    const confirmed = told.map(({ id }) => ({ id, facts: { [DELETED]: at } }));
    await store.confirmFacts(remote, type.name, confirmed);
  }
  const later = (index: number): boolean => ["later", "unauthorised"].includes(results[index]?.state ?? "");
  const left = known.filter((_, index) => later(index));
  return { attempt: hindranceIn(results) ?? { kind: "done", value: undefined }, left };
}
