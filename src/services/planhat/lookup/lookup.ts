/** What all look-ups share: groups of ids for one filter, and reading single records side by side. */
import type { Problem } from "../../connection";
import { attempt, isFailed, problemOf } from "../api/failure";
import { inParallel } from "../../../in-parallel";
import type { Rest, Row } from "../api/rest";

const GROUP_IDS = 75;
/** Longer filters have been refused (about 2,000 characters). */
const GROUP_CHARACTERS = 1_900;
const SIDE_BY_SIDE = 4;

/** Cuts ids into groups that fit one comma-separated filter. */
export function idGroups(ids: readonly string[]): readonly (readonly string[])[] {
  const groups: string[][] = [];
  let length = 0;
  for (const id of ids) {
    const last = groups.at(-1);
    if (last !== undefined && last.length < GROUP_IDS && length + id.length < GROUP_CHARACTERS) {
      last.push(id);
      length += id.length + 1;
    } else {
      groups.push([id]);
      length = id.length + 1;
    }
  }
  return groups;
}

export interface Singles {
  readonly rows: readonly Row[];
  readonly gone: readonly string[];
  /** Not known: the call failed, or was not made after an earlier one failed. */
  readonly unread: readonly string[];
  readonly problem?: Problem;
}

/** Reads records by id, four at a time. After a failure, such as an earlier `problem`, no further call is made. */
export async function readSingles(
  rest: Rest,
  path: string,
  ids: readonly string[],
  problem?: Problem,
): Promise<Singles> {
  const rows: Row[] = [];
  const gone: string[] = [];
  const unread: string[] = [];
  let trouble = problem;
  await inParallel([...new Set(ids)], SIDE_BY_SIDE, async (id) => {
    if (trouble !== undefined) return void unread.push(id);
    const row = await attempt(() => rest.one(path, id));
    if (isFailed(row)) {
      trouble ??= problemOf(row);
      unread.push(id);
    } else if (row === undefined) gone.push(id);
    else rows.push(row);
  });
  return { rows, gone, unread, problem: trouble };
}
