/** A Planhat full of companies and people that existed before Hull heard of them, for the rules of the fetch. */
import type { HouseOptions } from "../harness";
import { useFetching, type FetchStage, type ToldItem } from "./fetching";

export const LONG_AGO = "2025-01-01T00:00:00.000Z";
export const COUNT = 20;
export const numbers = Array.from({ length: COUNT }, (_, index) => index + 1);
export const company = (number: number): string => `c${number.toString().padStart(3, "0")}`;
export const person = (number: number): string => `e${number.toString().padStart(3, "0")}`;

export type Bag = Readonly<Record<string, unknown>>;

/** Puts the n-th company into Planhat as it is to be; what was there before is gone. */
export function putCompany(stage: FetchStage, number: number, more: Bag = {}): void {
  stage.planhat.tenant().seedCompany({
    _id: company(number),
    externalId: `acme-${number}`,
    name: `Acme ${number}`,
    createDate: LONG_AGO,
    updatedAt: LONG_AGO,
    ...more,
  });
}

export function putPerson(stage: FetchStage, number: number, more: Bag = {}): void {
  stage.planhat.tenant().seedEnduser({
    _id: person(number),
    externalId: `person-${number}`,
    email: `person-${number}@example.com`,
    name: `Person ${number}`,
    companyId: company(1),
    createDate: LONG_AGO,
    updatedAt: LONG_AGO,
    ...more,
  });
}

export const bodies = (items: readonly ToldItem[]): readonly Bag[] => items.map(({ body }) => body);

/** The schedule begins a fetch with every call, so that none must be forced: that would compare everything. */
const AT_EVERY_CALL = { fetch_interval_accounts: 0, fetch_interval_users: 0 };

export function useFullPlanhat() {
  const openFetching = useFetching("");
  const open = (options: HouseOptions = {}): Promise<FetchStage> =>
    openFetching({ ...options, settings: { ...AT_EVERY_CALL, ...options.settings } });
  /** A Planhat that Hull has never heard of. */
  const openFull = async (options: HouseOptions = {}): Promise<FetchStage> => {
    const stage = await open(options);
    for (const number of numbers) putCompany(stage, number);
    for (const number of numbers) putPerson(stage, number);
    return stage;
  };

  /** The same, after Hull has heard of all of it. */
  const openKnown = async (options: HouseOptions = {}): Promise<FetchStage> => {
    const stage = await openFull(options);
    await stage.fetchBoth();
    return stage;
  };

  return { open, openFull, openKnown };
}
