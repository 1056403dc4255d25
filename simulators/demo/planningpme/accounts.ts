/** The accounts of the demo as Hull knows them, and what PlanningPME must hold of them at the end. Made up from numbers alone. */
import { generatePopulation } from "../../hull";
import type { Volume } from "../demo";
import { lineOf, range } from "../telling";

export interface Account {
  readonly id: string;
  readonly external_id: string;
  readonly name: string;
  readonly city: string;
}

const ACCOUNTS: Readonly<Record<Volume, number>> = { small: 200, full: 1_000 };
/** Where PlanningPME's people plan nothing: rows with this city are refused. */
export const NOWHERE = "Atlantis";
/** Each two hundredth is there. */
const REFUSED_EVERY = 200;
const CITIES = ["Lyon", "Paris", "Bordeaux", "Lille"];

export function accounts(volume: Volume): readonly Account[] {
  return generatePopulation({ users: 1, companies: ACCOUNTS[volume] }).accounts.map(
    ({ id, external_id, name }, index) => ({
      ...{ id, external_id, name },
      city: isRefused(index) ? NOWHERE : (CITIES[index % CITIES.length] ?? ""),
    }),
  );
}

export const isRefused = (index: number): boolean => index % REFUSED_EVERY === REFUSED_EVERY - 1;

/** What becomes of the accounts, by position in their list. */
export const CHANGED = range(0, 40);
/** Of the changed those who move where nothing is planned. */
const LOST = range(38, 40);
/** Of whom somebody in PlanningPME corrects the city. */
export const CORRECTED = range(100, 105);

export const changeOf = (index: number) =>
  LOST.includes(index) ? { city: NOWHERE } : { name: `Renamed ${index}`, city: "Nantes" };
export const CORRECTION = "Villeurbanne";

/** One line of text per customer, with all that counts; worked out from the accounts alone. */
export function expectedCustomers(all: readonly Account[]): ReadonlySet<string> {
  const lines = all.flatMap((account, index) => {
    if (isRefused(index)) return [];
    const isChanged = CHANGED.includes(index) && !LOST.includes(index);
    const { external_id, name, city } = { ...account, ...(isChanged ? changeOf(index) : {}) };
    return [lineOf(external_id, name, CORRECTED.includes(index) ? CORRECTION : city)];
  });
  return new Set(lines);
}
