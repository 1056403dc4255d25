/**
 * A tenant's custom fields, as Planhat defines them. Read at most once in ten minutes; callers in the meantime share
 * one reading. Callers that show them get the failure; deliveries go on without them if it is permanent.
 */
import groupBy from "lodash/groupBy";
import memoize from "lodash/memoize";
import NodeCache from "node-cache";
import { RemoteError, UnexpectedAnswer } from "../../../http/errors";
import { systemClock } from "../../../http/time";
import type { Clock } from "../../../http/time";
import { attempt, isFailed } from "./failure";
import type { Failed } from "./failure";
import { COMPANIES, composed, ENDUSERS, LICENSES } from "../object-types";
import { readPages } from "./paging";
import type { Rest, Row } from "./rest";

export interface CustomField {
  /** Of our object types; undefined where we have none for it. */
  readonly type: string | undefined;
  /** Planhat's word for the object type. */
  readonly parent: string;
  /** The display name; values are stored under it. */
  readonly name: string;
  /** Planhat's word for the kind of value, in lower case: `number`, `team member`. */
  readonly holds: string;
  /** The only values that it offers, if it offers some. */
  readonly choices?: readonly string[];
  readonly hidden: boolean;
  /** Planhat computes it. */
  readonly formula: boolean;
}

export interface CustomFields {
  /**
   * @param key of the credentials: other credentials share nothing
   * @throws RemoteError, UnexpectedAnswer
   */
  list(key: string, rest: Rest): Promise<readonly CustomField[]>;
  /**
   * The same for deliveries, which must not stop because of a check: after a failure the definitions that
   * were read last, and undefined if there are none and none can be expected (`docs/decisions/28-custom-fields.md`).
   *
   * @throws RemoteError, UnexpectedAnswer for what passes by itself, within the first ten minutes
   */
  known(key: string, rest: Rest): Promise<readonly CustomField[] | undefined>;
  /** If the mapping names other fields, they are read again: somebody may just have created one. */
  mapped(key: string, names: readonly string[]): void;
}

const KEPT_MS = 600_000;
const DAY_SECONDS = 86_400;
/** How long no new attempt is made after a failure that may pass. */
const FAILED_MS = 60_000;
const PAGE = 2_000;
/** More fields than anybody can have made by hand; an endless list is broken. */
const MAX_CALLS = 5;

/** What is known of one tenant's definitions; forgotten when nobody asked for a day. */
interface State {
  /** Names that are mapped, as text. */
  mapping?: string;
  reading?: { readonly fields: Promise<readonly CustomField[]>; readonly untilMs: number };
  latest?: readonly CustomField[];
  /** Since when reading has failed, and until when it is not tried again. */
  failure?: { readonly sinceMs: number; readonly untilMs: number };
}

export function createCustomFields(clock: Clock = systemClock): CustomFields {
  const states = new NodeCache({ stdTTL: DAY_SECONDS, useClones: false });
  const stateOf = (key: string): State => {
    const state = states.get<State>(key) ?? {};
    states.set(key, state);
    return state;
  };

  async function list(key: string, rest: Rest): Promise<readonly CustomField[]> {
    const state = stateOf(key);
    if (state.reading !== undefined && clock() < state.reading.untilMs) return state.reading.fields;
    const reading = { fields: readAll(rest), untilMs: clock() + KEPT_MS };
    state.reading = reading;
    try {
      state.latest = await reading.fields;
      delete state.failure;
      return state.latest;
    } catch (error) {
      if (state.reading === reading) delete state.reading;
      throw error;
    }
  }

  return {
    list,
    mapped(key, names) {
      const state = stateOf(key);
      const mapping = JSON.stringify(names);
      if (state.mapping !== mapping) delete state.reading;
      state.mapping = mapping;
    },
    async known(key, rest) {
      const state = stateOf(key);
      if (state.failure !== undefined && clock() < state.failure.untilMs) return state.latest;
      const fields = await attempt(() => list(key, rest));
      if (!isFailed(fields)) return fields;
      const sinceMs = state.failure?.sinceMs ?? clock();
      const goesOn = state.latest !== undefined || isLasting(fields) || clock() - sinceMs >= KEPT_MS;
      const waitMs = !goesOn ? 0 : isLasting(fields) ? KEPT_MS : FAILED_MS;
      state.failure = { sinceMs, untilMs: clock() + waitMs };
      if (!goesOn) throw fields;
      return state.latest;
    },
  };
}

/** The token may not read them, or Planhat has no such list. A refused token stops everything anyway. */
function isLasting(error: Failed): boolean {
  if (!(error instanceof RemoteError) || error.kind === "transient" || error.kind === "throttled") return false;
  return error.kind !== "auth" || error.status === 403;
}

/** `parent` as a filter is not documented, so all are read. */
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
  // British spelling.
  licence: LICENSES.name,
};

/** Undefined when the row defines no field. */
function fieldIn(row: Row): CustomField | undefined {
  const { name, parent, type, listValues, isHidden, isFormula } = row;
  if (typeof name !== "string" || name.trim() === "" || typeof parent !== "string") return undefined;
  const model = parent.toLowerCase().replace(/[^a-z]/g, "");
  return {
    type: Object.hasOwn(TYPES, model) ? TYPES[model] : undefined,
    parent: parent.trim(),
    name,
    holds: typeof type === "string" ? type.trim().toLowerCase() : "",
    choices: choicesIn(listValues),
    hidden: isHidden === true,
    formula: isFormula === true,
  };
}

/** Undefined when nothing is offered, or not in a known form: then nothing can be checked. */
function choicesIn(listed: unknown): readonly string[] | undefined {
  const isOffered = Array.isArray(listed) && listed.length > 0;
  return isOffered && listed.every((each): each is string => typeof each === "string") ? listed : undefined;
}

/** The form in which Planhat considers two custom field names the same. */
export function foldedName(name: string): string {
  return composed(name).toLowerCase();
}

/**
 * The definition of a name in the settings: the one of exactly this name, else the only one that differs from it
 * in case alone.
 */
export function definitionOf(type: string, name: string, known: readonly CustomField[]): CustomField | undefined {
  const alike = indexOf(known).get(`${type} ${foldedName(name)}`) ?? [];
  return alike.find((field) => field.name === name) ?? (alike.length === 1 ? alike[0] : undefined);
}

/** Computed once for each reading, and released with it. */
const indexOf = memoize((known: readonly CustomField[]) => new Map(Object.entries(groupBy(known, placeOf))));
indexOf.cache = new WeakMap();

const placeOf = ({ type, name }: CustomField): string => `${type ?? ""} ${foldedName(name)}`;
