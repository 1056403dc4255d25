/** The table `export_templates`: what is fetched, and how Hull knows the rows. */
import type { z } from "zod";
import { chosen, literal, rows } from "../../mapping/cells";
import type { Entity } from "../objects";
import { templateName } from "./address";
import type { RowWarning } from "./row-warnings";

export interface ExportTemplate {
  readonly template: string;
  readonly entity: Entity;
  readonly keyProperty: string;
  /** Which claim of the Hull entity the key property holds. */
  readonly claim: "external_id" | "email" | "domain";
}

const entityCell = chosen(["account", "user"]);
const claimCell = chosen(["external_id", "email", "domain"]);

export const exportTable = rows(
  {
    template: templateName("enter the template of this row again."),
    entity: entityCell,
    key_property: literal("must be text; enter the key property of this row again."),
    key_attribute: claimCell,
  },
  "must be a table of rows {template, entity, key_property, key_attribute}; open the settings and save the table again.",
);

/** What Hull does not know an entity by. */
const UNFIT = { account: "email", user: "domain" } as const satisfies Record<Entity, ExportTemplate["claim"]>;

/** Rows with all cells filled; of several for one template and entity the last counts. */
export function exportsOf(stored: z.output<typeof exportTable>): {
  readonly exports: readonly ExportTemplate[];
  readonly warnings: readonly RowWarning[];
} {
  const warnings: RowWarning[] = [];
  const exports = new Map<string, ExportTemplate>();
  for (const [index, row] of (stored ?? []).entries()) {
    const { template, entity, key_property: keyProperty, key_attribute: claim } = row ?? {};
    const name = template ?? `row ${index + 1}`;
    if (template === undefined && keyProperty === undefined) continue;
    if (template === undefined || entity === undefined || keyProperty === undefined || claim === undefined) {
      warnings.push({ code: "incomplete_export", name });
    } else if (claim === UNFIT[entity]) {
      warnings.push({ code: "unfit_claim", name });
    } else {
      const place = `${entity} ${template}`;
      if (exports.delete(place)) warnings.push({ code: "duplicate_export", name });
      exports.set(place, { template, entity, keyProperty, claim });
    }
  }
  return { exports: [...exports.values()], warnings };
}
