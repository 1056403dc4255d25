/** Which segments a setting chooses. Pure. */

/** Ids in a segment setting that stand for every segment. */
const EVERYBODY = ["ALL", "all_segments"];

/** Whether one of the memberships is chosen. No choice lets nobody in. */
export function inSegment(chosen: readonly string[], ...memberships: readonly (readonly string[])[]): boolean {
  return chosen.some((id) => EVERYBODY.includes(id) || memberships.some((ids) => ids.includes(id)));
}
