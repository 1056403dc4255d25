import { createBeneficiaries, type Beneficiaries } from "./beneficiaries";
import { createMeta, type Meta } from "./meta";
import type { Status, Subscriber, Value } from "./subscriber";
import type { PlanSourceSwitches } from "./switches";

/** One client of PlanSource, and what its HR administrator can do by hand. */
export interface Organization {
  readonly id: number;
  readonly name: string;
  /** What this client requires and allows. */
  readonly meta: Meta;
  readonly subscribers: ReadonlyMap<number, Subscriber>;
  readonly beneficiaries: Beneficiaries;
  /** Adds a subscriber as if it had always been there: no call, no check. Dates as CCYY-MM-DD. */
  seed(fields: Readonly<Record<string, Value>>, status?: Status): Subscriber;
  /** Changes fields as a person would; null clears. Throws when there is no such subscriber. */
  edit(id: number, fields: Readonly<Record<string, Value | null>>): Subscriber;
  /** Leave and COBRA are set by hand alone (sheet 1.1). Throws when there is no such subscriber. */
  setStatus(id: number, status: Status): Subscriber;
  remove(id: number): boolean;
  /** The oldest one with this code. */
  byCode(code: string): Subscriber | undefined;
  /** Plain copies by id, for comparing whole states. */
  snapshot(): readonly Subscriber[];
}

/** The client as the routes see it. */
export interface OrganizationState extends Organization {
  /** Takes the place of a subscriber, or adds one. */
  put(subscriber: Subscriber): void;
  newId(): number;
  /** Somebody else whose field has this value. */
  other(field: string, value: Value, id: number | undefined): Subscriber | undefined;
  /** Whom an id in a path or a row means. */
  resolve(
    reference: unknown,
    isCustomId: boolean,
    switches: Readonly<Pick<PlanSourceSwitches, "codeMatching">>,
  ): Subscriber | undefined;
  /** All subscribers as they were; for calls that do everything or nothing. */
  restore(subscribers: ReadonlyMap<number, Subscriber>): void;
}

/** The fields after a change; null clears. */
export function changedFields(
  before: Readonly<Record<string, Value>>,
  change: Iterable<readonly [string, Value | null]>,
): Record<string, Value> {
  const fields = new Map<string, Value>(Object.entries(before));
  for (const [name, value] of change) {
    if (value === null) fields.delete(name);
    else fields.set(name, value);
  }
  return Object.fromEntries(fields);
}

/** Creates a client without subscribers. Ids grow from `firstId`. */
export function createOrganization(id: number, name: string, firstId: number): OrganizationState {
  const subscribers = new Map<number, Subscriber>();
  let issued = 0;

  const known = (wanted: number): Subscriber => {
    const subscriber = subscribers.get(wanted);
    if (subscriber === undefined) throw new Error(`There is no subscriber ${wanted}.`);
    return subscriber;
  };
  const put = (subscriber: Subscriber): Subscriber => {
    subscribers.set(subscriber.id, subscriber);
    return subscriber;
  };

  const state: OrganizationState = {
    id,
    name,
    meta: createMeta(),
    subscribers,
    beneficiaries: createBeneficiaries(),
    seed: (fields, status = "active") => put({ id: state.newId(), status, fields: { ...fields } }),
    edit(wanted, fields) {
      const before = known(wanted);
      return put({ ...before, fields: changedFields(before.fields, Object.entries(fields)) });
    },
    setStatus: (wanted, status) => put({ ...known(wanted), status }),
    remove: (wanted) => subscribers.delete(wanted),
    byCode: (code) => state.other("subscriber_code", code, undefined),
    snapshot: () => structuredClone([...subscribers.values()]).sort((left, right) => left.id - right.id),
    put,
    newId: () => firstId + (issued += 1),
    other(field, value, own) {
      for (const subscriber of subscribers.values()) {
        if (subscriber.id !== own && subscriber.fields[field] === value) return subscriber;
      }
      return undefined;
    },
    resolve(reference, isCustomId, { codeMatching }) {
      if (typeof reference !== "string" && typeof reference !== "number") return undefined;
      if (!isCustomId) return subscribers.get(Number(reference));
      const code = String(reference);
      if (codeMatching === "exact") return state.byCode(code);
      const isCode = (held: Value | undefined): boolean => String(held ?? "").toLowerCase() === code.toLowerCase();
      return [...subscribers.values()].find(({ fields }) => isCode(fields["subscriber_code"]));
    },
    restore(before) {
      subscribers.clear();
      for (const [key, subscriber] of before) subscribers.set(key, subscriber);
    },
  };
  return state;
}
