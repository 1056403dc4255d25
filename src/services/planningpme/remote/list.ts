/** What export templates yield: one page for each template of the entity. Nothing is concluded from what they leave out. */
import { z } from "zod";
import { isJson } from "../../../json";
import type { Claims, Json } from "../../../record";
import type { IncomingAttribute, ListedRecord, ListPage } from "../../connection";
import { attempt, isFailed } from "../../failure";
import { shortened, textOf } from "../../mapping/attributes";
import { hullPart } from "../../mapping/hull-part";
import type { Fields } from "../api/envelope";
import { problemOf } from "../api/failure";
import type { Rest } from "../api/rest";
import { exportedEntity, KEY } from "../objects";
import { hullAttribute } from "../settings/names";
import type { ExportTemplate, PlanningPmeSettings } from "../settings/settings";
import { sinceText } from "./since";

const position = z.int().min(0);

/**
 * @param from the number of the template, counted from 0; an invalid one begins at the first, which misses nothing
 * @param sinceMs when the last fetch began; undefined: everything
 * @param shown properties that rows have shown so far
 */
export async function listPage(
  rest: Pick<Rest, "export">,
  type: string,
  from: string | undefined,
  sinceMs: number | undefined,
  settings: PlanningPmeSettings,
  shown: readonly string[] = [],
): Promise<ListPage> {
  const entity = exportedEntity(type);
  const templates = settings.exports.filter((each) => each.entity === entity);
  const at = position.safeParse(Number(from ?? 0)).data ?? 0;
  const template = templates[at];
  if (template === undefined) return { rows: [], partial: true };
  const { sinceZone, sinceOverlapHours } = settings;
  const since = sinceMs === undefined ? undefined : sinceText(sinceMs, sinceZone, sinceOverlapHours);
  const found = await attempt(() => rest.export(template.template, since));
  if (isFailed(found)) return { rows: [], problem: problemOf(found) };
  const rows = [...rowsOf(found, template, shown).values()];
  return at + 1 < templates.length ? { rows, next: String(at + 1) } : { rows, partial: true };
}

/** By their ids: an export may tell a row twice, and the later one counts. Rows without a key are nobody's. */
function rowsOf(
  found: readonly Fields[],
  template: ExportTemplate,
  shown: readonly string[],
): ReadonlyMap<string, ListedRecord> {
  // Some leave out what is empty: only a row that had a value before has lost it.
  const blank = Object.fromEntries(shown.map((property) => [property, null]));
  const rows = new Map<string, ListedRecord>();
  for (const row of found) {
    const key = textOf(row[template.keyProperty]);
    if (key !== undefined) rows.set(idOf(template, key), recordOf({ ...blank, ...row }, key, template));
  }
  return rows;
}

/** Longer ones are no ids that anybody made, and the store's keys have a limited length. */
const MOST_SIGNS = 500;

function idOf({ template }: ExportTemplate, key: string): string {
  return `${template}:${key.length <= MOST_SIGNS ? key : shortened(key)}`;
}

function recordOf(row: Fields, key: string, from: ExportTemplate): ListedRecord {
  const id = idOf(from, key);
  const values = Object.entries(row).map(([property, shown]): [string, Json | undefined] => [
    property,
    shown === "" ? null : isJson(shown) ? shown : undefined,
  ]);
  const { attributes, leftOut } = hullPart(values, hullAttribute);
  const claims: Claims = { [from.claim]: key };
  return {
    id,
    record: { id, keys: { [KEY]: id }, fields: {}, complete: true },
    claims,
    attributes: once(attributes),
    leftOut,
  };
}

/** Of several properties that Hull calls the same, such as one that was renamed, the first with a value counts. */
function once(attributes: readonly IncomingAttribute[]): readonly IncomingAttribute[] {
  const chosen = new Map<string, IncomingAttribute>();
  for (const each of attributes) {
    if ((chosen.get(each.attribute)?.value ?? null) === null) chosen.set(each.attribute, each);
  }
  return [...chosen.values()];
}
