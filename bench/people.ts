/** The people of a measure, in messages of the size that real ones have. */
import {
  buildUserMessage,
  generatePopulation,
  type Attributes,
  type Population,
  type PopulationUser,
  type UserMessage,
} from "../simulators/hull";

/** Users of each account; a company in Planhat has about this many endusers. */
const USERS_PER_COMPANY = 20;
/** Attributes that no mapping names, by which a message gets its 2.4 kB. */
const FURTHER_ATTRIBUTES = 40;
const MINUTE_MS = 60_000;

export function createPeople(users: number, seed: number): Population {
  return generatePopulation({ seed, users, companies: Math.ceil(users / USERS_PER_COMPANY) });
}

export interface MessageOptions {
  /** Every round is a minute newer than the one before and names another position: a change for everybody. */
  readonly round: number;
  /** The size of real messages; lean ones hold only what is mapped. */
  readonly fat: boolean;
}

export function messageOf({ accounts }: Population, user: PopulationUser, { round, fat }: MessageOptions): UserMessage {
  const { accountIndex, ...attributes } = user;
  const current: Attributes = {
    ...attributes,
    ...(fat ? furtherAttributes(user) : {}),
    position: `Position ${round}`,
    indexed_at: new Date(Date.parse(user.indexed_at) + round * MINUTE_MS).toISOString(),
  };
  const changes = { user: { position: [`Position ${round - 1}`, `Position ${round}`] as const } };
  return buildUserMessage(current, { account: accounts[accountIndex] ?? {}, changes, sequence: round });
}

/** Numbers, texts, instants and empty ones, as profiles are full of. */
function furtherAttributes({ external_id: id, created_at: at }: PopulationUser): Attributes {
  return Object.fromEntries(
    Array.from({ length: FURTHER_ATTRIBUTES }, (_, index) => {
      const values = [index * 997, `Value ${index} of ${id}`, at, null];
      return [`crm/attribute_${index}`, values[index % values.length]];
    }),
  );
}
