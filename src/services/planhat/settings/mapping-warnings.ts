/** Rows of the mapping tables that are not used, or not as their author may think. */
import { reason } from "../reasons";
import type { Reason } from "../../../outcome/outcome";

export interface MappingWarning {
  readonly code: "unknown_field" | "fixed_field" | "duplicate_field";
  readonly type: "endusers" | "companies" | "licenses";
  readonly incoming: boolean;
  /** The field as written in the row; of an incoming row the attribute. */
  readonly name: string;
}

export function warningOf({ code, type, incoming, name }: MappingWarning): Reason {
  return reason(code, `${type}${incoming ? ", incoming" : ""}: ${name}`);
}
