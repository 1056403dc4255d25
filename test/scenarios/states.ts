/** What the simulated Planhat and Hull hold, in a form that can be written down: no stamps, and names instead of ids. */
import type { House } from "../harness";
import type { TenantSnapshot } from "../../simulators/planhat";
import { models } from "../../simulators/planhat/models";
import type { Profile } from "../../simulators/hull";

export type Bag = Readonly<Record<string, unknown>>;

export interface PlanhatState {
  readonly companies: readonly Bag[];
  readonly endusers: readonly Bag[];
}

export interface HullState {
  readonly users: Readonly<Record<string, Bag>>;
  readonly accounts: Readonly<Record<string, Bag>>;
}

/** Set by the simulator at every write, or derived by it from other fields. */
const DERIVED = new Set(["createDate", "updatedAt", "lastUpdated", "emailMd5", "companyName"]);

/** Ids that the simulator made up become `company:acme` and `enduser:ann@example.com`; seeded ones stay themselves. */
export function namesOf(
  snapshot: TenantSnapshot,
  seeded: ReadonlySet<string> = new Set(),
): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  const add = (kind: string, record: Bag, keys: readonly string[]): void => {
    const id = String(record["_id"]);
    if (seeded.has(id)) return;
    const key = keys.map((name) => record[name]).find((value) => typeof value === "string" && value !== "");
    let name = `${kind}:${typeof key === "string" ? key : ""}`;
    while (taken.has(name)) name += "'";
    taken.add(name);
    names.set(id, name);
  };
  for (const company of snapshot.companies) add("company", company, ["externalId", "name"]);
  for (const enduser of snapshot.endusers) add("enduser", enduser, ["email", "externalId", "name"]);
  return names;
}

/** Companies and endusers in the order of their ids; fields at the value of a fresh record are left out. */
export function planhatState(snapshot: TenantSnapshot, names = namesOf(snapshot)): PlanhatState {
  const shown = (model: "companies" | "endusers") => {
    const defaults = models[model].defaults;
    const records = snapshot[model].map((record) =>
      Object.fromEntries(
        Object.entries(record).filter(
          ([name, value]) => !DERIVED.has(name) && JSON.stringify(value) !== JSON.stringify(defaults[name]),
        ),
      ),
    );
    return renamed(records, names).sort((left, right) => (String(left["_id"]) < String(right["_id"]) ? -1 : 1));
  };
  return { companies: shown("companies"), endusers: shown("endusers") };
}

/** Profiles by Hull id, those alone that were told something. */
export function hullState(house: House, names: ReadonlyMap<string, string>): HullState {
  const { users, accounts } = house.hull.profiles.snapshot();
  const shown = (profiles: readonly Profile[]) =>
    Object.fromEntries(
      profiles
        .filter((profile) => Object.keys(profile.attributes).length > 0 || profile.anonymous_ids.length > 0)
        .map(({ id, attributes, anonymous_ids }) => [id, { ...attributes, anonymous_ids }]),
    );
  return renamed({ users: shown(users), accounts: shown(accounts) }, names);
}

/** Puts the entities that messages speak of into Hull, where they must be before anybody is told of them. */
export function seedHull(house: House, messages: readonly unknown[]): void {
  for (const message of messages) {
    const user = bag(bag(message)["user"]);
    const account = bag(bag(message)["account"]);
    const accountId = text(account["id"]);
    if (accountId !== undefined && !house.hull.profiles.accounts.has(accountId)) {
      house.hull.profiles.seedAccount({ id: accountId, ...claims(account, ["external_id", "domain"]) });
    }
    const userId = text(user["id"]);
    if (userId !== undefined && !house.hull.profiles.users.has(userId)) {
      house.hull.profiles.seedUser({
        id: userId,
        ...claims(user, ["external_id", "email"]),
        ...(accountId === undefined ? {} : { account_id: accountId }),
      });
    }
  }
}

function claims(entity: Bag, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = text(entity[name]);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** The object itself; nothing else becomes one. */
export function bag(value: unknown): Bag {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Bag) : {};
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Replaces ids wherever they occur, as part of a text too (`planhat:<id>`). */
function renamed<T>(value: T, names: ReadonlyMap<string, string>): T {
  let json = JSON.stringify(value);
  for (const [id, name] of names) json = json.replaceAll(id, JSON.stringify(name).slice(1, -1));
  return JSON.parse(json) as T;
}
