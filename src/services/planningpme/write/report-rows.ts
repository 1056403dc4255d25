/** Which row a line of a report means. One that could mean another is nobody's. Pure. */
import { isObject } from "../../../json";
import { foldedKey, type Json } from "../../../record";
import { textOf } from "../../mapping/attributes";
import type { Fields } from "../api/envelope";
import type { Line } from "./report-lines";

export type Row = Readonly<Record<string, Json>>;

/** Names under which a row's place is given. */
const PLACES = ["index", "line"] as const;

/**
 * By key before by place. `key` may also be PlanningPME's own number, so the property itself comes first, and a place
 * beside it must not contradict it.
 *
 * @param keyProperty the property by which the template matches @param lines all of the report
 */
export function rowsNamed(
  rows: readonly Row[],
  keyProperty: string,
  lines: readonly Line[],
): (line: Line) => Row | undefined {
  const keyOf = (row: Fields): string | undefined =>
    Object.hasOwn(row, keyProperty) ? textOf(row[keyProperty]) : undefined;
  const places = new Map<string, number>();
  const alike = new Map<string, number>();
  rows.forEach((row, place) => {
    const key = keyOf(row);
    if (key === undefined) return;
    places.set(key, place);
    alike.set(foldedKey(key), (alike.get(foldedKey(key)) ?? 0) + 1);
  });
  const givenKey = (named: Fields): string | undefined => {
    const inside = isObject(named["row"]) ? named["row"] : undefined;
    return keyOf(named) ?? (inside && keyOf(inside)) ?? textOf(named["key"]);
  };
  const bases = new Map(PLACES.map((name) => [name, baseOf(name, rows.length, lines)]));

  function placeOf(named: Fields): number | undefined {
    const given = PLACES.flatMap((name) => {
      const counted = numberIn(named[name]);
      return counted === undefined ? [] : [{ counted, base: bases.get(name) }];
    });
    const key = givenKey(named);
    if (key === undefined) {
      const [first] = given;
      return first?.base === undefined ? undefined : first.counted - first.base;
    }
    const place = alike.get(foldedKey(key)) === 1 ? places.get(key) : undefined;
    const fits = given.every(({ counted }) => counted === place || counted - 1 === place);
    return fits ? place : undefined;
  }

  return ({ names }) => {
    const found = new Set(names.flatMap((named) => placeOf(named) ?? []));
    const [place] = found;
    return place === undefined || found.size > 1 ? undefined : rows[place];
  };
}

/** From which number places count: nobody says it, so it is known only where the first or the last row is named. */
function baseOf(name: string, count: number, lines: readonly Line[]): 0 | 1 | undefined {
  const counted = lines.flatMap(({ names }) => names.flatMap((named) => numberIn(named[name]) ?? []));
  if (counted.some((each) => each > count)) return undefined;
  const [isFromNought, isFromOne] = [counted.includes(0), counted.includes(count)];
  if (isFromNought === isFromOne) return undefined;
  return isFromNought ? 0 : 1;
}

function numberIn(value: unknown): number | undefined {
  const text = textOf(value);
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
