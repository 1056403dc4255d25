/** Who is in a company twice. The API does not mind; tests do. */
import type { Duplicate } from "../books";
import { isEmployee, type Participant } from "./model";

/** The employees of a company who are the same as a new one: each once, by e-mail or else by name and date of birth. */
export function twinsOf(added: Participant, others: readonly Participant[]): Duplicate[] {
  if (!isEmployee(added)) return [];
  return others.filter(isEmployee).flatMap((other): Duplicate[] => {
    const by = sameness(added, other);
    return by === undefined ? [] : [{ type: "participant", id: added.id, other: other.id, by }];
  });
}

function sameness(left: Participant, right: Participant): Duplicate["by"] | undefined {
  if (left.email !== "" && folded(left.email) === folded(right.email)) return "email";
  return nameAndDay(left) === nameAndDay(right) ? "name+dob" : undefined;
}

const folded = (text: string): string => text.trim().toLowerCase();

const nameAndDay = ({ first_name, last_name, dob }: Participant): string =>
  [first_name, last_name, dob].map(folded).join("|");
