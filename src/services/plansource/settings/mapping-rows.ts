/** The table `subscriber_attributes_outbound`: which Hull attribute fills which field of a subscriber. */
import type { z } from "zod";
import type { clearingTable, traitTable } from "../../mapping/cells";
import type { MappedField } from "../../mapping/fields";
import { readTable, traitRows } from "../../mapping/table";
import { mappableField, STATUS_FIELDS } from "../objects";

/** One mapping row that is used. */
export interface MappingRow extends MappedField {
  /** An empty value is sent blank, and clears; otherwise it is left out. */
  readonly clearWhenBlank: boolean;
}

/** By which PlanSource finds an employee. */
const KEY = "subscriber_code";

/** What PlanSource sets, or only its calls to terminate and rehire change; those have settings of their own. */
const FIXED: ReadonlySet<string> = new Set([
  "id",
  ...Object.keys(STATUS_FIELDS),
  ...["subscriber_status_id", "subscriber_status_subtype_id", "status_changed_at", "status_ends_on_expected"],
  ...["termination_reason", "termination_reason_id", "rehire_date"],
]);

type TableRow = NonNullable<NonNullable<z.infer<typeof clearingTable>>[number]>;

const DEFAULT_ROWS: readonly TableRow[] = [
  ["external_id", KEY],
  ["first_name", "first_name"],
  ["last_name", "last_name"],
  ["email", "email"],
].map(([hull_field_name, service_field_name]) => ({ hull_field_name, service_field_name, clear_when_blank: false }));

/**
 * @param stored absent: the rows of a new installation; an empty table stays empty
 * @param newer rows behind it, which clear nothing
 */
export function mappingOf(stored: z.infer<typeof clearingTable>, newer?: z.infer<typeof traitTable>) {
  const more = traitRows(newer).map((row): TableRow => ({ ...row, clear_when_blank: false }));
  return readTable<TableRow, MappingRow>([...(stored ?? DEFAULT_ROWS), ...more], {
    entity: "user",
    isMappable: (field) => mappableField(field) !== undefined,
    isFixed: (field) => FIXED.has(field),
    // Blank, it would be nobody's code.
    kept: (row, { clear_when_blank }) => ({ ...row, clearWhenBlank: clear_when_blank && row.field !== KEY }),
  });
}
