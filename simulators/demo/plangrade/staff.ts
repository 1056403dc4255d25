/** The accounts and their people as Hull knows them, and what plangrade must hold at the end. Made up from numbers alone. */
import { generatePopulation } from "../../hull";
import type { Volume } from "../demo";
import { lineOf, range } from "../telling";

export interface Firm {
  readonly id: string;
  readonly external_id: string;
  readonly attributes: { readonly name: string; readonly ein: string };
}

export interface Person {
  readonly id: string;
  readonly external_id: string;
  readonly email: string;
  readonly account_id: string;
  readonly attributes: Readonly<Record<string, string>>;
}

const PEOPLE: Readonly<Record<Volume, number>> = { small: 100, full: 200 };
const PEOPLE_OF_A_FIRM = 10;
/** Each fiftieth has no day of birth. */
const INCOMPLETE_EVERY = 50;

const two = (number: number): string => String(number).padStart(2, "0");

export interface Cast {
  readonly firms: readonly Firm[];
  readonly people: readonly Person[];
}

export function cast(volume: Volume): Cast {
  const users = PEOPLE[volume];
  const population = generatePopulation({ users, companies: users / PEOPLE_OF_A_FIRM });
  const firms = population.accounts.map(({ id, external_id, name }, index) => ({
    ...{ id, external_id },
    attributes: { name, ein: `${10 + index}-${String(1_000_000 + index)}` },
  }));
  const people = population.users.map(({ id, external_id, email, first_name, last_name, accountIndex }, index) => ({
    ...{ id, external_id, email, account_id: population.accounts[accountIndex]?.id ?? "" },
    attributes: {
      ...{ first_name, last_name, city: "Springfield", state: "IL", zip: "62701" },
      street1: `${index + 1} Main Street`,
      phone: `(217) 555-${String(index).padStart(4, "0")}`,
      ssn: `${100 + index}-${10 + (index % 90)}-${String(1_000 + index)}`,
      ...(isIncomplete(index)
        ? {}
        : { dob: `19${60 + (index % 40)}-${two((index % 12) + 1)}-${two((index % 28) + 1)}` }),
    },
  }));
  return { firms, people };
}

export const isIncomplete = (index: number): boolean => index % INCOMPLETE_EVERY === INCOMPLETE_EVERY - 1;

/** What becomes of the people, by position in their list. */
export const CHANGED = range(0, 20);
/** Who belongs to another account. */
export const MOVED = range(61, 63);

export const changeOf = (index: number) => ({ last_name: `Renamed ${index}`, street1: `${index} Elm Street` });

/** The grade that plangrade gives the firm at this position. */
export const gradeOf = (index: number): string => ["A+", "A", "B", "C"][index % 4] ?? "";

/** One line of text per employee, with all that counts; worked out from the people alone. */
export function expectedEmployees({ firms, people }: Cast): ReadonlySet<string> {
  const nameOf = new Map(firms.map(({ id, attributes }) => [id, attributes.name]));
  const lines = people.flatMap(({ email, account_id, attributes }, index) => {
    if (isIncomplete(index)) return [];
    const held: Person["attributes"] = { ...attributes, ...(CHANGED.includes(index) ? changeOf(index) : {}) };
    const { last_name, street1, dob, ssn = "" } = held;
    return [lineOf(nameOf.get(account_id), email, last_name, street1, dob, ssn.slice(-4))];
  });
  return new Set(lines);
}
