/** What Hull may be told of a record that a list shows. Pure. */
import { fitForHull } from "../../hull/firehose/attribute-values";
import type { Json, LeftOut } from "../../record";
import type { IncomingAttribute, ListedRecord } from "../connection";

export type HullPart = Required<Pick<ListedRecord, "attributes" | "leftOut">>;

/**
 * @param values by field; undefined: the list does not show it
 * @param attributeOf under which a field comes to Hull
 */
export function hullPart(
  values: readonly (readonly [field: string, value: Json | undefined])[],
  attributeOf: (field: string) => string,
): HullPart {
  const attributes: IncomingAttribute[] = [];
  const leftOut: LeftOut[] = [];
  for (const [field, value] of values) {
    if (value === undefined) continue;
    const fitted = fitForHull(value);
    if (fitted.fits) attributes.push({ field, attribute: attributeOf(field), value: fitted.value });
    else leftOut.push({ field, misfit: fitted.misfit });
  }
  return { attributes, leftOut };
}
