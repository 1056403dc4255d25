/** The staff of the demo as Hull knows it, and what PlanSource must hold of it at the end. Made up from numbers alone. */
import { generatePopulation } from "../../hull";
import type { Volume } from "../demo";
import { lineOf, range } from "../telling";

export interface Person {
  readonly id: string;
  readonly external_id: string;
  readonly email: string;
  readonly attributes: Readonly<Record<string, string | number>>;
}

export const HIRES: Readonly<Record<Volume, number>> = { small: 100, full: 300 };
/** Each hundredth has a level that the client does not allow. */
const REFUSED_EVERY = 100;
const LEVELS = ["Full Time", "Part Time"];

const two = (number: number): string => String(number).padStart(2, "0");

/** People with everything that the guide for integrations asks of new employees. */
export function hires(volume: Volume): readonly Person[] {
  return generatePopulation({ users: HIRES[volume], companies: 1 }).users.map((user, index) => {
    const { id, external_id, email, first_name, last_name } = user;
    const [month, day] = [two((index % 12) + 1), two((index % 28) + 1)];
    const attributes = {
      first_name,
      last_name,
      address: `${index + 1} Main Street`,
      city: "Boston",
      state: "Massachusetts",
      zip: "02101",
      phone: `(617) 555-${String(index).padStart(4, "0")}`,
      gender: index % 2 === 0 ? "Female" : "Male",
      born_on: `19${60 + (index % 40)}-${month}-${day}`,
      hired_on: `2024-${month}-${day}`,
      ssn: `${100 + (index % 800)}-${10 + (index % 90)}-${String(1_000 + index)}`,
      salary: 52_000 + index * 10,
      level: isRefused(index) ? "Contractor" : (LEVELS[index % LEVELS.length] ?? ""),
    };
    return { id, external_id, email, attributes };
  });
}

export const isRefused = (index: number): boolean => index % REFUSED_EVERY === REFUSED_EVERY - 1;

/** What becomes of the staff, by position in the list of hires. */
export const CHANGED = range(0, 30);
export const LEAVERS = range(40, 60);
/** Of the leavers those whose reason PlanSource does not know. */
const UNKNOWN_REASON = range(58, 60);
export const RETURNERS = range(40, 50);

export const changeOf = (index: number) => ({ last_name: `Renamed ${index}`, salary: 90_000 + index });
export const leavingOf = (index: number) => ({
  left_on: "2026-03-31",
  left_why: UNKNOWN_REASON.includes(index) ? "Gone fishing" : "Resignation",
});
export const RETURN = { back_on: "2026-09-01", level: "Part Time" };

/** One line of text per employee, with all that counts; worked out from the people alone. */
export function expectedEmployees(people: readonly Person[]): ReadonlySet<string> {
  const lines = people.flatMap(({ external_id, attributes }, index) => {
    if (isRefused(index)) return [];
    const isBack = RETURNERS.includes(index);
    const left = LEAVERS.includes(index) && !isBack && !UNKNOWN_REASON.includes(index);
    const { hired_on } = attributes;
    const held = { ...attributes, ...(CHANGED.includes(index) ? changeOf(index) : {}), ...(isBack ? RETURN : {}) };
    const level = held.level === "Part Time" ? "P" : "F";
    const hired = isBack ? RETURN.back_on : hired_on;
    return [lineOf(external_id, held.last_name, held.salary, level, hired, left ? "terminated" : "active")];
  });
  return new Set(lines);
}
