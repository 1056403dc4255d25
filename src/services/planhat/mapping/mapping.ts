/** A mapping table of Planhat's settings, applied. Pure. */
import type { DesiredParent } from "../../../record";
import { mapFields as mapRows, type Mapped, type Source } from "../../mapping/fields";
import type { Plan } from "../../model";
import { fieldSpec, typeSpec } from "../object-types";
import type { MappingRow } from "../settings/settings";

/** A plan of a record that is sent. */
export type RecordPlan = Extract<Plan, { kind: "record" }>;

/** The record of a plan, as the parent of others. */
export function parentOf({ type, hullId, desired, claims, hintId }: RecordPlan): DesiredParent {
  return { type, hullId, desired, claims, hintId };
}

/** Reads every row of a type's mapping table. */
export function mapFields(type: string, rows: readonly MappingRow[], source: Source, clearOnNull: boolean): Mapped {
  return mapRows(rows, source, {
    keys: typeSpec(type).object.keys,
    specOf: (field) => fieldSpec(type, field),
    clears: () => clearOnNull,
  });
}
