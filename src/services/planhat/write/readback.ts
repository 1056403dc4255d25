/** After a bulk call whose answer leaves records open: what does Planhat hold now? */
import { canonical } from "../../compare";
import type { Json } from "../../../record";
import type { Result } from "../../connection";
import type { RemoteRecord } from "../../model";
import { textOf } from "../../mapping/attributes";
import type { Item } from "./match-errors";
import { conflict, refusal } from "./fold";
import type { Folded } from "./fold";
import { idGroups } from "../lookup/lookup";
import { readLean } from "../lookup/companies";
import { readIds } from "../lookup/read";
import { COMPANIES, fieldSpec, keyMark, typeSpec } from "../object-types";
import { readPages } from "../api/paging";
import type { Paged } from "../api/paging";
import { idOf, selectOf } from "../lookup/remote";
import type { Rest, Row } from "../api/rest";

/** Reading endusers by id costs a call each; beyond this number it is left to the engine. */
const MAX_SINGLES = 40;

/** Results by item; missing items stay open. */
export type Settled = ReadonlyMap<Item, Result>;

/**
 * Settles creates for which the answer shows neither success nor failure: by the list of their company, or by external
 * id for companies. Found and counted as created = created; found but not counted = it existed before.
 */
export async function readBackCreates(
  rest: Rest,
  type: string,
  items: readonly Item[],
  folded: Folded,
): Promise<Settled> {
  const { rows, complete } =
    type === COMPANIES.name ? await companyRows(rest, items) : await childRows(rest, type, items);
  const places = new Map<string, Row[]>();
  for (const row of rows.values()) {
    for (const place of placesOf(type, row)) places.set(place, [...(places.get(place) ?? []), row]);
  }
  const found = items.map((item) => {
    const hitsByKey = placesOf(type, item.body).map((place) => places.get(place) ?? []);
    return { item, rows: [...new Set(hitsByKey.find((each) => each.length > 0) ?? [])] };
  });
  const hits = found.filter((each) => each.rows.length > 0).length;
  const settled = new Map<Item, Result>();
  for (const { item, rows: candidates } of found) {
    const [row, ...more] = candidates;
    let result: Result | undefined;
    if (row !== undefined && more.length === 0) result = createdOrFound(row._id, folded, hits);
    else if (row !== undefined) result = unconfirmed("Several records could be the one that was created.");
    else result = complete ? absent(type, item, folded, hits) : unconfirmed("It could not be read back.");
    if (result !== undefined) settled.set(item, result);
  }
  return settled;
}

/** The record exists. Did this call create it, or did it exist before? The answer's ids decide, else its counters. */
function createdOrFound(id: string, { looseIds, createdLeft }: Folded, hits: number): Result {
  if (looseIds.includes(id)) return { kind: "created", remoteId: id };
  if (createdLeft === 0 || (looseIds.length > 0 && looseIds.length === createdLeft)) return conflict(id);
  if (createdLeft === undefined || createdLeft >= hits) return { kind: "created", remoteId: id };
  return unconfirmed("The answer does not say which records were created.");
}

export function unconfirmed(message = "The answer does not say whether the record was written."): Result {
  return { kind: "unconfirmed", message };
}

/** @returns undefined for a create that certainly does not exist, but whose reason is one of several */
function absent(type: string, item: Item, folded: Folded, hits: number): Result | undefined {
  const [words, ...otherWords] = new Set(folded.looseErrors);
  const certain = folded.createdLeft !== undefined && folded.createdLeft <= hits;
  if (!certain && words === undefined) return unconfirmed("Counted as created, but not found.");
  if (otherWords.length > 0) return certain ? undefined : unconfirmed([words, ...otherWords].join(" / "));
  if (words !== undefined) return refusal(type, item, words);
  const company = item.body["companyId"];
  const why =
    type === COMPANIES.name
      ? ""
      : `: no company found for companyId ${typeof company === "string" ? company : "(none)"}`;
  return { kind: "rejected", message: `Planhat accepted the call but did not save the record${why}.`, status: 200 };
}

/** Where a record is found: its keys, inside its company. The strongest key comes first. */
function placesOf(type: string, record: Readonly<Record<string, unknown>>): readonly string[] {
  const { keys, parent } = typeSpec(type).object;
  const company = parent === undefined ? "" : (idOf(record[parent.field]) ?? "");
  return keys.flatMap(({ name }) => {
    const value = textOf(record[name]);
    return value === undefined ? [] : [`${company} ${keyMark(name, value)}`];
  });
}

type Rows = Pick<Paged, "rows" | "complete">;

async function companyRows(rest: Rest, items: readonly Item[]): Promise<Rows> {
  const keys = new Set(items.flatMap(({ body }) => textOf(body["externalId"]) ?? []));
  const lean = await readLean(rest, keys);
  return { rows: lean.rows, complete: lean.problem === undefined };
}

async function childRows(rest: Rest, type: string, items: readonly Item[]): Promise<Rows> {
  const { object, path, listLimit } = typeSpec(type);
  const ids = [...new Set(items.flatMap(({ body }) => idOf(body["companyId"]) ?? []))];
  const rows = new Map<string, Row>();
  for (const group of idGroups(ids)) {
    const query = { companyId: group.join(","), select: selectOf(object.name, []) };
    const paged = await readPages(rest, { path, query, limit: listLimit });
    for (const row of paged.rows.values()) rows.set(row._id, row);
    if (!paged.complete) return { rows, complete: false };
  }
  return { rows, complete: true };
}

/**
 * Settles updates by their ids. Found with what was sent = updated; not found = gone, or replaced when the answer
 * shows a new record in its place.
 */
export async function readBackUpdates(
  rest: Rest,
  type: string,
  items: readonly Item[],
  folded: Folded,
): Promise<Settled> {
  const fields = [...new Set(items.flatMap(({ intent }) => Object.keys(intent.fields)))];
  const read = (ids: readonly string[]) => {
    return readIds(rest, type, type === COMPANIES.name ? ids : ids.slice(0, MAX_SINGLES), fields);
  };
  const { records, gone } = await read(items.flatMap(({ intent }) => intent.remoteId ?? []));
  const replacements = gone.length > 0 ? (await read(folded.looseIds)).records : [];
  const settled = new Map<Item, Result>();
  for (const item of items) {
    const { remoteId = "" } = item.intent;
    const record = records.find((each) => each.id === remoteId);
    if (gone.includes(remoteId)) settled.set(item, replacedOrGone(type, item, gone, replacements, folded));
    else if (record !== undefined && holds(type, record, item)) settled.set(item, { kind: "updated" });
    else settled.set(item, unconfirmed());
  }
  return settled;
}

function replacedOrGone(
  type: string,
  item: Item,
  gone: readonly string[],
  candidates: readonly RemoteRecord[],
  folded: Folded,
): Result {
  if (folded.looseIds.length === 0) return { kind: "gone" };
  const [only] = folded.looseIds;
  if (only !== undefined && folded.looseIds.length === 1 && gone.length === 1)
    return { kind: "replaced", remoteId: only };
  const [fitting, ...more] = candidates.filter((record) => holds(type, record, item));
  if (fitting !== undefined && more.length === 0) return { kind: "replaced", remoteId: fitting.id };
  return unconfirmed(`Its id was gone, and one of ${folded.looseIds.join(", ")} may have been created from it.`);
}

/** Planhat may store what we wrote in another form, such as a number as its text. */
function holds(type: string, record: RemoteRecord, { intent }: Item): boolean {
  return Object.entries(intent.fields).every(([name, value]) => {
    const { type: fieldType } = fieldSpec(type, name);
    const form = (each: Json): string => canonical(each, fieldType, "loose");
    return form(record.fields[name] ?? null) === form(value);
  });
}
