/**
 * A tenant's custom fields, as Planhat defines them. Read at most once in ten minutes; who asks meanwhile shares one
 * reading, and a failure is not remembered.
 */
import NodeCache from "node-cache";
import { UnexpectedAnswer } from "./failure";
import { COMPANIES, ENDUSERS, LICENSES } from "./objects";
import { readPages } from "./paging";
import type { Rest, Row } from "./rest";

export interface CustomField {
  /** Of our object types; undefined where we have none for it. */
  readonly type: string | undefined;
  /** Planhat's word for what it belongs to. */
  readonly parent: string;
  /** As people see it; values are kept under it. */
  readonly name: string;
  /** Planhat's word for what it holds, in small letters: `number`, `team member`. */
  readonly holds: string;
  readonly hidden: boolean;
  /** Planhat computes it. */
  readonly formula: boolean;
}

export interface CustomFields {
  /**
   * @param key of the credentials: who has others shares nothing
   * @throws RemoteError, UnexpectedAnswer
   */
  list(key: string, rest: Rest): Promise<readonly CustomField[]>;
}

const KEPT_SECONDS = 600;
const PAGE = 2_000;
/** More fields than anybody can have made by hand; a list that goes on for ever is broken. */
const MAX_CALLS = 5;

export function createCustomFields(): CustomFields {
  const cache = new NodeCache({ stdTTL: KEPT_SECONDS, useClones: false });
  return {
    list(key, rest) {
      const known = cache.get<Promise<readonly CustomField[]>>(key);
      if (known !== undefined) return known;
      const reading = readAll(rest);
      cache.set(key, reading);
      reading.catch(() => {
        if (cache.get(key) === reading) cache.del(key);
      });
      return reading;
    },
  };
}

/** `parent` as a filter is not documented, so it is all or nothing. */
async function readAll(rest: Rest): Promise<readonly CustomField[]> {
  const order = { path: "/customfields", query: {}, limit: PAGE, maxCalls: MAX_CALLS };
  const { rows, complete, error } = await readPages(rest, order);
  if (error !== undefined) throw error;
  if (!complete) throw new UnexpectedAnswer("planhat GET /customfields could not be read to its end.");
  return [...rows.values()].flatMap((row) => fieldIn(row) ?? []);
}

const TYPES: Readonly<Record<string, string>> = {
  company: COMPANIES.name,
  enduser: ENDUSERS.name,
  license: LICENSES.name,
  licence: LICENSES.name,
};

/** Undefined when the row defines no field. */
function fieldIn(row: Row): CustomField | undefined {
  const { name, parent, type, isHidden, isFormula } = row;
  if (typeof name !== "string" || name.trim() === "" || typeof parent !== "string") return undefined;
  const model = parent.toLowerCase().replace(/[^a-z]/g, "");
  return {
    type: Object.hasOwn(TYPES, model) ? TYPES[model] : undefined,
    parent: parent.trim(),
    name,
    holds: typeof type === "string" ? type.trim().toLowerCase() : "",
    hidden: isHidden === true,
    formula: isFormula === true,
  };
}
