/** Which segments a setting chooses. Pure. */
import type { EntityMessage } from "../message";

/** Ids in a segment setting that stand for every segment. */
const EVERYBODY = ["ALL", "all_segments"];

/** Whether one of the memberships is chosen. No choice lets nobody in. */
export function inSegment(chosen: readonly string[], ...memberships: readonly (readonly string[])[]): boolean {
  return chosen.some((id) => EVERYBODY.includes(id) || memberships.some((ids) => ids.includes(id)));
}

/** Whether a message shows that somebody was in a chosen segment, and is in none any more. */
export function leftAll(
  chosen: readonly string[],
  { segmentIds, leftSegmentIds = [] }: Pick<EntityMessage, "segmentIds" | "leftSegmentIds">,
): boolean {
  return inSegment(chosen, leftSegmentIds) && !inSegment(chosen, segmentIds);
}
