/** Values that Hull was not told because it cannot hold them: counted by field, and put in words. Pure. */
import countBy from "lodash/countBy";
import { listed } from "./listed";
import { MISFITS } from "../hull/firehose/attribute-values";
import { leftOutAt, leftOutKey, type LeftOut } from "../record";

/** One field, and how many records it was left out of. */
type LeftOutField = LeftOut & { readonly records: number };

/** Most fields that one sentence names. */
const MOST_NAMED = 10;

/** The most frequent first. */
export function leftOutIn(values: readonly LeftOut[]): readonly LeftOutField[] {
  return leftOutOf(countBy(values, leftOutKey));
}

/** @param counts as a run has them: `misfit/field` → records */
export function leftOutOf(counts: Readonly<Record<string, number>> = {}): readonly LeftOutField[] {
  return Object.entries(counts)
    .map(([key, records]) => ({ ...leftOutAt(key), records }))
    .toSorted((left, right) => right.records - left.records || (left.field < right.field ? -1 : 1));
}

/** `description (longer than 2000 bytes) of 3 records, tags (more than 49 entries) of 1`; numbers where known. */
export function leftOutText(fields: readonly (LeftOut & Partial<LeftOutField>)[]): string {
  const named = fields.map(({ field, misfit, records }, index) => {
    const noun = index > 0 ? "" : records === 1 ? " record" : " records";
    return `${field} (${MISFITS[misfit]})${records === undefined ? "" : ` of ${records}${noun}`}`;
  });
  return listed(named, MOST_NAMED);
}
