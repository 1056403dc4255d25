import { hash } from "node:crypto";
import type { PlanhatRecord } from "./collection";
import type { ModelName } from "./models";
import type { PlanhatSwitches } from "./switches";

/** The form in which a record is read, alone or on a list: `_currency` is a code or an object (sheet 9). */
export function shownRecord(
  model: ModelName,
  record: PlanhatRecord,
  switches: Readonly<PlanhatSwitches>,
): PlanhatRecord {
  const symbol = record["_currency"];
  if (model !== "licenses" || switches.currencyForm === "text" || typeof symbol !== "string") return record;
  const currencyId = hash("md5", symbol).slice(0, 24);
  return { ...record, _currency: { _id: currencyId, symbol, rate: 1, isBase: false } };
}
