/** From what Planhat shows to the record that the engine compares. */
import { parseInstant } from "../../../instant";
import { isObject, isJson } from "../../../json";
import type { Json } from "../../../record";
import type { RemoteRecord } from "../../model";
import { textOf } from "../../mapping/attributes";
import { customName, typeSpec } from "../object-types";
import type { Row } from "../api/rest";

/** Fields that every reading needs, whatever is mapped. */
const ALWAYS = ["archived", "createDate", "createdAt", "updatedAt"];

/** The `select` parameter: property names only, since custom fields come as one object. */
export function selectOf(type: string, fields: readonly string[]): string {
  const { keys, parent } = typeSpec(type).object;
  const names = fields.map(propertyOf);
  const own = [...keys.map((key) => key.name), ...(parent === undefined ? [] : [parent.field])];
  return [...new Set(["_id", ...own, ...names, ...ALWAYS])].join(",");
}

/** The property that holds a field. */
export function propertyOf(field: string): string {
  return customName(field) === undefined ? field : "custom";
}

/**
 * @param fields names to read; undefined when the row shows keys only (a lean list)
 */
export function remoteRecord(type: string, row: Row, fields: readonly string[] | undefined): RemoteRecord {
  const { keys, parent } = typeSpec(type).object;
  const found = keys.flatMap(({ name }) => {
    const value = textOf(row[name]);
    return value === undefined ? [] : [[name, value] as const];
  });
  const parentId = parent === undefined ? undefined : idOf(row[parent.field]);
  const createdAtMs = parseInstant(row["createDate"]) ?? parseInstant(row["createdAt"]) ?? birthOf(row._id);
  const updatedAtMs = updatedAtMsOf(row);
  return {
    id: row._id,
    keys: Object.fromEntries(found),
    ...(parentId !== undefined && { parentId }),
    fields: Object.fromEntries((fields ?? []).map((name) => [name, fieldOf(row, name)])),
    complete: fields !== undefined,
    ...(row["archived"] === true && { archived: true }),
    ...(createdAtMs !== undefined && { createdAtMs }),
    ...(updatedAtMs !== undefined && { updatedAtMs }),
  };
}

/** When Planhat last touched the record, milliseconds since 1970. */
export function updatedAtMsOf(row: Row): number | undefined {
  return parseInstant(row["updatedAt"]) ?? parseInstant(row["lastUpdated"]);
}

function fieldOf(row: Row, name: string): Json {
  const value = readerOf(name)(row);
  return isJson(value) ? value : null;
}

/** Reads a field of a row in the form in which it would be sent; undefined when the row does not show it. */
export function readerOf(name: string): (row: Row) => unknown {
  const display = customName(name);
  if (display !== undefined) {
    return ({ custom }) => (isObject(custom) && Object.hasOwn(custom, display) ? custom[display] : undefined);
  }
  // Lists show the owner as an object, the single record as an id.
  if (name === "owner" || name === "coOwner") {
    return (row) => (Object.hasOwn(row, name) ? (idOf(row[name]) ?? null) : undefined);
  }
  return (row) => (Object.hasOwn(row, name) ? row[name] : undefined);
}

/** A reference: the id itself, or an object that contains it. */
export function idOf(value: unknown): string | undefined {
  return textOf(isObject(value) ? value["_id"] : value);
}

/** Planhat's ids are MongoDB object ids, whose first four bytes are the second of creation. */
function birthOf(id: string): number | undefined {
  return /^[0-9a-f]{24}$/.test(id) ? Number.parseInt(id.slice(0, 8), 16) * 1000 : undefined;
}
