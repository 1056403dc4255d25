/** Answers that went well (sheet 1, 3). */
import type { Reply } from "../loopback/call";
import type { Company, Participant, RecordType, User } from "./records/model";
import type { PlangradeSwitches } from "./switches";

type Shown = Readonly<Record<string, unknown>>;
type S = Readonly<PlangradeSwitches>;

const PLURALS: Readonly<Record<RecordType, string>> = {
  user: "users",
  company: "companies",
  participant: "participants",
};

/** One record, or a list of them, in the envelope in force. */
export function answer(type: RecordType, shown: Shown | readonly Shown[], { envelope }: S): Reply {
  const name = Array.isArray(shown) ? PLURALS[type] : type;
  return { status: 200, body: envelope === "wrapped" ? { [name]: shown } : shown };
}

/** @param place address of the new record */
export function created(id: number, place: string, { createdId }: S): Reply {
  return {
    status: 201,
    ...(createdId === "location" ? {} : { body: { id } }),
    ...(createdId === "body" ? {} : { headers: { location: place } }),
  };
}

export function updated(type: RecordType, id: number, shown: Shown, switches: S): Reply {
  if (switches.updateAnswer === "record") return answer(type, shown, switches);
  return switches.updateAnswer === "id" ? { status: 200, body: { id } } : { status: 204 };
}

export const deleted = ({ deleteStatus }: S): Reply => ({ status: deleteStatus });

export const shownUser = ({ id, name, email }: User): Shown => ({ id, name, email });

export function shownCompany({ id, ein, name, grade }: Company, switches: S): Shown {
  return {
    id,
    ein: switches.ein === "number" && ein !== "" ? Number(ein) : ein,
    name,
    ...optional("grade", grade, switches),
  };
}

/** Without `ssn`, which is never answered. */
export function shownParticipant(participant: Participant, switches: S): Shown {
  const { id, company_id, employee_id, first_name, last_name, email, phone } = participant;
  const { street1, street2, city, state, zip, dob } = participant;
  return {
    ...{ id, company_id, employee_id, first_name, last_name },
    ...optional("email", email, switches),
    ...optional("phone", switches.phone === "number" && phone !== "" ? Number(phone) : phone, switches),
    ...{ street1, street2, city, state, zip, dob },
  };
}

function optional(name: string, value: string | number, { blanks }: S): Shown {
  if (value !== "") return { [name]: value };
  if (blanks === "absent") return {};
  return { [name]: blanks === "null" ? null : "" };
}
