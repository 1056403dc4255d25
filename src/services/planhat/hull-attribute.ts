/** The Hull attribute under which a Planhat field is written back. */
import { createHash } from "node:crypto";
import snakeCase from "lodash/snakeCase";
import { COMPANIES, composed, customName } from "./object-types";

/**
 * `lastName` → `planhat/last_name`, `custom.# Overdue Invoices` → `planhat/custom_overdue_invoices`.
 *
 * Accents and punctuation are dropped, as the earlier connector did, so two custom fields whose names differ only
 * in signs, accents or case share one attribute ("MRR %" and "MRR #"). A name of signs alone gets a short hash.
 * @returns the attribute without the entity's own prefix
 */
export function hullAttribute(type: string, field: string): string {
  const display = customName(field);
  if (display !== undefined) return `planhat/custom_${readable(display)}`;
  if (field === "_id") return "planhat/id";
  if (type === COMPANIES.name && field === "lastUpdated") return "planhat/last_updated_at";
  return `planhat/${readable(field)}`;
}

function readable(name: string): string {
  const words = snakeCase(composed(name));
  return words === "" ? createHash("sha256").update(name).digest("hex").slice(0, 8) : words;
}
