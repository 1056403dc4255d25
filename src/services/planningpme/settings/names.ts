/** How the properties of templates are called in Hull. Pure. */
import { createHash } from "node:crypto";
import deburr from "lodash/deburr";
import { spellingOf } from "../../mapping/attributes";
import { ROLES, type Entity, type Role } from "../objects";
import type { ImportSettings } from "./imports";

/**
 * `Téléphone mobile` → `planningpme/telephone_mobile`. Letters that have no plain form stay; a name of signs alone gets a
 * short hash.
 *
 * @returns the Hull attribute, without the entity's own prefix
 */
export function hullAttribute(property: string): string {
  const words = deburr(property.normalize("NFD"))
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .replace(/^_|_$/g, "");
  const name = words === "" ? createHash("sha256").update(property).digest("hex").slice(0, 8) : words;
  return `planningpme/${name}`;
}

/** An attribute of an entity that holds several things. */
export interface SharedAttribute {
  readonly entity: Entity;
  readonly attribute: string;
  /** More than one: their names are alike. One: both imports have it, and fill it differently. */
  readonly properties: readonly string[];
  /** The last import that fills it. */
  readonly role: Role;
}

/** Those that imports of one entity fill with different things. */
export function sharedAttributes(imports: Readonly<Record<Role, ImportSettings>>): readonly SharedAttribute[] {
  const filled = new Map<string, SharedAttribute & { readonly sources: ReadonlySet<string> }>();
  for (const role of ROLES) {
    const { entity } = imports[role];
    if (entity === undefined) continue;
    for (const [property, source] of sourcesOf(imports[role])) {
      const attribute = hullAttribute(property);
      const before = filled.get(`${entity} ${attribute}`);
      const properties = [...new Set([...(before?.properties ?? []), property])];
      const sources = new Set([...(before?.sources ?? []), source]);
      filled.set(`${entity} ${attribute}`, { entity, attribute, properties, role, sources });
    }
  }
  return [...filled.values()]
    .filter(({ properties, sources }) => properties.length > 1 || sources.size > 1)
    .map(({ entity, attribute, properties, role }) => ({ entity, attribute, properties, role }));
}

/** What fills each property of an import: an attribute, a constant, or a constant where the attribute is empty. */
function sourcesOf({ rows, defaults }: ImportSettings): ReadonlyMap<string, string> {
  const sources = new Map(rows.map(({ field, attribute }) => [field, spellingOf(attribute)]));
  for (const [property, constant] of Object.entries(defaults)) {
    sources.set(property, JSON.stringify([sources.get(property) ?? null, constant]));
  }
  return sources;
}
