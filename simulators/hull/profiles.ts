import { isDeepStrictEqual } from "node:util";
import { isObject } from "../loopback/call";
import { isoOf, type Clock } from "../loopback/clock";
import { createRandom, seedOf } from "../loopback/random";

export type Subject = "user" | "account";
export type Attributes = Readonly<Record<string, unknown>>;

/** A user or account as Hull holds it. Attributes are flat and without the `traits_` prefix. */
export interface Profile {
  readonly id: string;
  external_id?: string;
  /** Users. */
  email?: string;
  /** Accounts. */
  domain?: string;
  anonymous_ids: string[];
  attributes: Record<string, unknown>;
  /** Hull id of the account that a user belongs to. */
  account_id?: string;
  created_at: string;
  indexed_at: string;
  segment_ids: string[];
}

/** What a caller may say about whom he means (sheet 7.2). */
export interface Claims {
  readonly id?: string;
  readonly external_id?: string;
  readonly email?: string;
  readonly domain?: string;
  readonly anonymous_id?: string;
}

/** A seed: any part of a profile; what is missing is made up or left empty. */
export type ProfileSeed = Partial<Omit<Profile, "attributes">> & { readonly attributes?: Attributes };

export interface Profiles {
  readonly users: ReadonlyMap<string, Profile>;
  readonly accounts: ReadonlyMap<string, Profile>;
  seedUser(seed?: ProfileSeed): Profile;
  seedAccount(seed?: ProfileSeed): Profile;
  /** Finds the profile of the claims by the order of sheet 7.3, or creates it. Nothing = an id that nobody has. */
  resolve(subject: Subject, claims: Claims): { readonly profile: Profile; readonly changed: boolean } | undefined;
  /** Sets attributes, operation objects included. Answers whether any value changed. */
  merge(profile: Profile, attributes: Attributes): boolean;
  /** Moves `indexed_at`: a message about the profile is newer than all before. */
  touch(profile: Profile): void;
  /** Plain copies sorted by id. */
  snapshot(): { readonly users: readonly Profile[]; readonly accounts: readonly Profile[] };
}

/** Second key of each subject, after the external id. */
const naturalKey = { user: "email", account: "domain" } as const;

interface Shelf {
  readonly profiles: Map<string, Profile>;
  readonly byKey: Map<string, string>;
}

/** Creates an empty Hull organization. Ids depend on the seed alone. */
export function createProfiles(seed: number, clock: Clock): Profiles {
  const shelves: Readonly<Record<Subject, Shelf>> = {
    user: { profiles: new Map(), byKey: new Map() },
    account: { profiles: new Map(), byKey: new Map() },
  };
  const idPrefix = createRandom(seedOf(seed, "hull profiles")).hex(16);
  let issued = 0;

  const index = (subject: Subject, profile: Profile): void => {
    const { byKey } = shelves[subject];
    const natural = profile[naturalKey[subject]];
    if (profile.external_id !== undefined) byKey.set(`external_id ${profile.external_id}`, profile.id);
    // The first owner keeps a natural key: Hull merges nothing here, and look-ups must stay stable.
    if (natural !== undefined && !byKey.has(`natural ${natural}`)) byKey.set(`natural ${natural}`, profile.id);
    for (const anonymousId of profile.anonymous_ids) byKey.set(`anonymous_id ${anonymousId}`, profile.id);
  };

  const add = (subject: Subject, profileSeed: ProfileSeed): Profile => {
    const at = isoOf(clock.now());
    const profile: Profile = {
      created_at: at,
      indexed_at: at,
      ...profileSeed,
      id: profileSeed.id ?? idPrefix + (issued += 1).toString(16).padStart(8, "0"),
      anonymous_ids: [...(profileSeed.anonymous_ids ?? [])],
      attributes: { ...profileSeed.attributes },
      segment_ids: [...(profileSeed.segment_ids ?? [])],
    };
    shelves[subject].profiles.set(profile.id, profile);
    index(subject, profile);
    return profile;
  };

  const find = (subject: Subject, claims: Claims): Profile | undefined => {
    const { profiles, byKey } = shelves[subject];
    const at = (mark: string): Profile | undefined => profiles.get(byKey.get(mark) ?? "");
    if (claims.id !== undefined) return profiles.get(claims.id);
    const natural = claims[naturalKey[subject]];
    const exact = claims.external_id === undefined ? undefined : at(`external_id ${claims.external_id}`);
    if (exact !== undefined) return exact;
    const weaker =
      (natural === undefined ? undefined : at(`natural ${natural}`)) ??
      (claims.anonymous_id === undefined ? undefined : at(`anonymous_id ${claims.anonymous_id}`));
    // An external id never changes (sheet 7.3): a profile that has another one is somebody else.
    const conflicts = claims.external_id !== undefined && weaker?.external_id !== undefined;
    return conflicts ? undefined : weaker;
  };

  const touch = (profile: Profile): void => {
    const last = Date.parse(profile.indexed_at);
    profile.indexed_at = isoOf(Math.max(clock.now(), last + 1));
  };

  /** Takes over claims that the profile does not have yet. */
  const adopt = (subject: Subject, profile: Profile, claims: Claims): boolean => {
    const key = naturalKey[subject];
    let changed = false;
    if (claims.external_id !== undefined && profile.external_id === undefined) {
      profile.external_id = claims.external_id;
      changed = true;
    }
    const natural = claims[key];
    if (natural !== undefined && profile[key] !== natural) {
      profile[key] = natural;
      changed = true;
    }
    if (claims.anonymous_id !== undefined && !profile.anonymous_ids.includes(claims.anonymous_id)) {
      profile.anonymous_ids.push(claims.anonymous_id);
      changed = true;
    }
    if (changed) {
      index(subject, profile);
      touch(profile);
    }
    return changed;
  };

  return {
    users: shelves.user.profiles,
    accounts: shelves.account.profiles,
    seedUser: (profileSeed = {}) => add("user", profileSeed),
    seedAccount: (profileSeed = {}) => add("account", profileSeed),
    resolve(subject, claims) {
      const known = find(subject, claims);
      if (known === undefined && claims.id !== undefined) return undefined;
      const profile = known ?? add(subject, {});
      return { profile, changed: adopt(subject, profile, claims) || known === undefined };
    },
    merge(profile, attributes) {
      let changed = false;
      for (const [name, value] of Object.entries(attributes)) {
        const isOperation = isObject(value) && typeof value["operation"] === "string";
        const held = profile.attributes[name];
        if (isOperation && value["operation"] === "setIfNull" && held !== undefined && held !== null) continue;
        const next = isOperation ? value["value"] : value;
        if (isDeepStrictEqual(held, next) || (held === undefined && next === null)) continue;
        profile.attributes[name] = next;
        changed = true;
      }
      if (changed) touch(profile);
      return changed;
    },
    touch,
    snapshot() {
      const sorted = (subject: Subject): Profile[] =>
        structuredClone([...shelves[subject].profiles.values()]).sort((left, right) => (left.id < right.id ? -1 : 1));
      return { users: sorted("user"), accounts: sorted("account") };
    },
  };
}
