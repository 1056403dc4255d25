/**
 * The body of an update. plangrade wants the required fields every time, and what it does with the others when they are
 * missing is not known: so what was read is sent, overlaid by what changed. Pure.
 */
import type { Json } from "../../../record";
import type { Fields } from "../api/body";
import type { Row } from "../api/envelope";
import { mappableFields, PARTICIPANTS, SSN } from "../objects";
import { idOf, valueOf } from "../remote/record";

/** @param changed mapped fields that differ; a null clears */
export function overlaid(type: string, row: Row, changed: Readonly<Record<string, Json>>): Fields {
  const read = mappableFields(type).flatMap((spec): readonly (readonly [string, Json])[] => {
    const value = valueOf(row, spec);
    // A field that is empty stays so without being sent.
    return value === undefined || value === null ? [] : [[spec.name, value]];
  });
  const { [SSN]: _, ...own } = changed;
  const fields = { ...Object.fromEntries(read), ...own };
  return type === PARTICIPANTS.name ? { ...fields, employee_id: idOf(row) } : fields;
}
