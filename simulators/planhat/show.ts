import { hash } from "node:crypto";
import type { PlanhatRecord } from "./collection";
import type { ModelName } from "./models";
import type { PlanhatSwitches } from "./switches";

const NUMBERED_KEYS = ["externalId", "sourceId"];

/** Keys as an answer shows them: digits may stand there as a number, whole however many they are. */
export function shownKeys<Shown extends Readonly<Record<string, unknown>>>(
  record: Shown,
  { digitKeys }: Readonly<PlanhatSwitches>,
): Shown {
  if (digitKeys === "text") return record;
  const numbers = NUMBERED_KEYS.flatMap((name): [string, bigint][] => {
    const value = record[name];
    return typeof value === "string" && /^[1-9]\d*$/.test(value) ? [[name, BigInt(value)]] : [];
  });
  return { ...record, ...Object.fromEntries(numbers) };
}

/** The form in which a record is read, alone or on a list: `_currency` is a code or an object (sheet 9). */
export function shownRecord(
  model: ModelName,
  stored: PlanhatRecord,
  switches: Readonly<PlanhatSwitches>,
): PlanhatRecord {
  const record = shownKeys(stored, switches);
  const symbol = record["_currency"];
  if (model !== "licenses" || switches.currencyForm === "text" || typeof symbol !== "string") return record;
  const currencyId = hash("md5", symbol).slice(0, 24);
  return { ...record, _currency: { _id: currencyId, symbol, rate: 1, isBase: false } };
}
