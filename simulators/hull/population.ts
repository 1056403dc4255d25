import { isoOf } from "../loopback/clock";
import { createRandom, seedOf, type Random } from "../loopback/random";
import { createEventSource, type PopulationEvent } from "./events";
import { createLicenseSource, type PopulationLicense } from "./licenses";
import type { Attributes, Profiles } from "./profiles";
import { buildAccountMessage, buildUserMessage, type AccountMessage, type UserMessage } from "./messages";

/** An account as Hull shows it; attributes without prefix. */
export interface PopulationAccount {
  readonly id: string;
  readonly external_id: string;
  readonly name: string;
  readonly domain: string;
  readonly created_at: string;
  readonly indexed_at: string;
  /** There when the population was generated with licenses. */
  readonly licenses?: readonly PopulationLicense[];
  readonly [attribute: string]: unknown;
}

/** A user as Hull shows him; `traits_` is added when a message is built. */
export interface PopulationUser {
  readonly id: string;
  readonly external_id: string;
  readonly email: string;
  readonly name: string;
  readonly first_name: string;
  readonly last_name: string;
  readonly position: string;
  readonly created_at: string;
  readonly indexed_at: string;
  /** Position of his account in `accounts`; not sent. */
  readonly accountIndex: number;
  /** There when the population was generated with events; sent beside the user, not as an attribute. */
  readonly events?: readonly PopulationEvent[];
  readonly [attribute: string]: unknown;
}

export interface Population {
  readonly seed: number;
  readonly accounts: readonly PopulationAccount[];
  readonly users: readonly PopulationUser[];
}

export interface PopulationSize {
  readonly seed?: number;
  readonly users: number;
  readonly companies: number;
  /** Events of each user. Default 0. */
  readonly eventsPerUser?: number;
  /** Licenses of each account, as an array in its attribute `licenses`. Default 0: no such attribute. */
  readonly licensesPerAccount?: number;
  /** Creation time of everybody. Default 1 January 2026, UTC. */
  readonly at?: number;
}

/** What a change leaves behind: everybody as they now are, and who differs, with the old values. */
export interface ChangedPopulation {
  readonly population: Population;
  readonly changedUsers: readonly { readonly before: PopulationUser; readonly after: PopulationUser }[];
  readonly changedAccounts: readonly { readonly before: PopulationAccount; readonly after: PopulationAccount }[];
}

const firstNames = [
  "Ada",
  "Grace",
  "Alan",
  "Edsger",
  "Barbara",
  "Donald",
  "Radia",
  "Tim",
  "Frances",
  "Niklaus",
] as const;
const lastNames = ["Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth", "Perlman", "Allen", "Wirth"] as const;
const positions = ["Engineer", "Buyer", "Director", "Analyst", "Consultant", "Assistant", "Founder"] as const;
const trades = ["Foundry", "Bakery", "Shipping", "Optics", "Textiles", "Robotics", "Gardens", "Press"] as const;
const phases = ["Onboarding", "Adoption", "Growth", "Renewal"] as const;

const hexId = (prefix: string, position: number): string => prefix + position.toString(16).padStart(8, "0");

/**
 * Generates accounts and users, who are dealt round the accounts. The same seed and sizes give the same people, with
 * or without events and licenses.
 */
export function generatePopulation({
  seed = 1,
  users,
  companies,
  eventsPerUser = 0,
  licensesPerAccount = 0,
  at = Date.UTC(2026, 0, 1),
}: PopulationSize): Population {
  const instant = isoOf(at);
  const accountPrefix = createRandom(seedOf(seed, "accounts")).hex(16);
  const userPrefix = createRandom(seedOf(seed, "users")).hex(16);
  const accountRandom = createRandom(seedOf(seed, "account values"));
  const userRandom = createRandom(seedOf(seed, "user values"));
  const eventsOf = createEventSource(seed, at);
  const licensesOf = createLicenseSource(seed, at);

  const accounts = Array.from({ length: companies }, (_, index): PopulationAccount => ({
    id: hexId(accountPrefix, index),
    external_id: `account-${index}`,
    name: `${accountRandom.pick(lastNames)} ${accountRandom.pick(trades)} ${index}`,
    domain: `company-${index}.example.com`,
    created_at: instant,
    indexed_at: instant,
    phase: accountRandom.pick(phases),
    employees: accountRandom.integer(1, 5_000),
    ...(licensesPerAccount > 0 ? { licenses: licensesOf(licensesPerAccount) } : {}),
  }));
  const people = Array.from({ length: users }, (_, index): PopulationUser => {
    const first = userRandom.pick(firstNames);
    const last = userRandom.pick(lastNames);
    const id = hexId(userPrefix, index);
    return {
      id,
      external_id: `user-${index}`,
      email: `${first}.${last}.${index}@example.com`.toLowerCase(),
      name: `${first} ${last}`,
      first_name: first,
      last_name: last,
      position: userRandom.pick(positions),
      created_at: instant,
      indexed_at: instant,
      accountIndex: companies === 0 ? -1 : index % companies,
      ...(eventsPerUser > 0 ? { events: eventsOf(id, eventsPerUser) } : {}),
    };
  });
  return { seed, accounts, users: people };
}

function changeSome<Entity extends { readonly indexed_at: string }>(
  entities: readonly Entity[],
  percent: number,
  random: Random,
  change: (entity: Entity) => Partial<Entity>,
) {
  const wanted = Math.round((entities.length * percent) / 100);
  const chosen = new Set(random.shuffle(entities.map((_, index) => index)).slice(0, wanted));
  const changed: { readonly before: Entity; readonly after: Entity }[] = [];
  const all = entities.map((before, index) => {
    if (!chosen.has(index)) return before;
    const after: Entity = { ...before, ...change(before), indexed_at: isoOf(Date.parse(before.indexed_at) + 60_000) };
    changed.push({ before, after });
    return after;
  });
  return { all, changed };
}

/**
 * Changes `percent` of the users (another position) and `accountPercent` of the accounts (another phase). Always a real
 * change, one minute later, and the same one for the same population, percentages and `round`.
 */
export function changePopulation(
  population: Population,
  { percent, accountPercent = 0, round = 1 }: { percent: number; accountPercent?: number; round?: number },
): ChangedPopulation {
  const random = createRandom(seedOf(population.seed, `change ${round} ${percent} ${accountPercent}`));
  const other = (values: readonly string[], value: unknown): string =>
    random.pick(values.filter((candidate) => candidate !== value));

  const users = changeSome<PopulationUser>(population.users, percent, random, ({ position }) => ({
    position: other(positions, position),
  }));
  const accounts = changeSome<PopulationAccount>(population.accounts, accountPercent, random, ({ phase }) => ({
    phase: other(phases, phase),
  }));
  return {
    population: { seed: population.seed, users: users.all, accounts: accounts.all },
    changedUsers: users.changed,
    changedAccounts: accounts.changed,
  };
}

function attributesOf({ accountIndex: _accountIndex, events: _events, ...user }: PopulationUser): Attributes {
  return user;
}

/** `user:update` messages of a whole population, each with the account and the events of its user. */
export function userMessages({ accounts, users }: Population): UserMessage[] {
  return users.map((user, sequence) =>
    buildUserMessage(attributesOf(user), {
      account: accounts[user.accountIndex] ?? {},
      events: user.events ?? [],
      sequence,
    }),
  );
}

/** `account:update` messages of a whole population. */
export function accountMessages({ accounts }: Population): AccountMessage[] {
  return accounts.map((account, sequence) => buildAccountMessage(account, { sequence }));
}

/** Messages for the users that a change touched, with old and new values in `changes`. */
export function changedUserMessages({ population, changedUsers }: ChangedPopulation): UserMessage[] {
  return changedUsers.map(({ before, after }, sequence) =>
    buildUserMessage(attributesOf(after), {
      account: population.accounts[after.accountIndex] ?? {},
      changes: { user: { position: [before.position, after.position] } },
      sequence,
    }),
  );
}

/** Messages for the accounts that a change touched. */
export function changedAccountMessages({ changedAccounts }: ChangedPopulation): AccountMessage[] {
  return changedAccounts.map(({ before, after }, sequence) =>
    buildAccountMessage(after, { changes: { account: { phase: [before["phase"], after["phase"]] } }, sequence }),
  );
}

/** Puts a population into Hull's profiles, so that later messages and firehose items speak of the same people. */
export function seedProfiles({ accounts, users }: Population, profiles: Profiles): void {
  for (const { id, external_id, domain, created_at, indexed_at, ...attributes } of accounts) {
    profiles.seedAccount({ id, external_id, domain, created_at, indexed_at, attributes });
  }
  for (const {
    id,
    external_id,
    email,
    created_at,
    indexed_at,
    accountIndex,
    events: _events,
    ...attributes
  } of users) {
    const accountId = accounts[accountIndex]?.id;
    const link = accountId === undefined ? {} : { account_id: accountId };
    profiles.seedUser({ id, external_id, email, created_at, indexed_at, attributes, ...link });
  }
}
