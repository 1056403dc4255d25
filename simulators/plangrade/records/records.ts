import type { Activity, Company, Notice, Participant, ParticipantField, RecordType, User } from "./model";

type Seeded<Part> = Part & { readonly company_id: number };

/** All that plangrade keeps, and what people can do in it by hand: no call, no check. */
export interface Records {
  readonly users: ReadonlyMap<number, User>;
  readonly companies: ReadonlyMap<number, Company>;
  readonly participants: ReadonlyMap<number, Participant>;
  seedUser(user: Omit<User, "id">): User;
  /** Managed by the first user unless `managers` says otherwise. */
  seedCompany(company: Partial<Omit<Company, "id">>): Company;
  /** An employee, unless `employee_id` names another one. Fields that are not given have plausible values. */
  seedParticipant(companyId: number, fields?: Partial<Omit<Participant, "id" | "company_id">>): Participant;
  seedActivity(activity: Seeded<Omit<Activity, "id">>): Activity;
  seedNotice(notice: Seeded<Omit<Notice, "id">>): Notice;
  /** Throws when there is no such company. */
  editCompany(id: number, fields: Partial<Omit<Company, "id">>): Company;
  /** Throws when there is no such participant. */
  editParticipant(id: number, fields: Partial<Omit<Participant, "id">>): Participant;
  /** Archives with dependents, or takes that back for this one. Throws when there is no such participant. */
  setArchived(id: number, isArchived: boolean): void;
  /** Answers the ids of everything that fell with it; nothing when there is no such record. */
  remove(type: RecordType, id: number): readonly number[];
}

/** The records as the routes see them. */
export interface RecordsState extends Records {
  putUser(user: User): User;
  putCompany(company: Company): Company;
  putParticipant(participant: Participant): Participant;
  newId(type: RecordType): number;
  /** Whether there was such a record. */
  isDeleted(type: RecordType, id: number): boolean;
  companiesOf(userId: number): readonly Company[];
  participantsOf(companyId: number): readonly Participant[];
  dependentsOf(employeeId: number): readonly Participant[];
  activitiesOf(companyId: number): readonly Activity[];
  noticesOf(companyId: number): readonly Notice[];
}

/** Far apart, so that an id of one kind is never one of another. */
const FIRST_IDS: Readonly<Record<RecordType | "event", number>> = {
  user: 1_000,
  company: 20_000,
  participant: 300_000,
  event: 5_000_000,
};

const SOMEBODY: Readonly<Record<ParticipantField, string>> = {
  ...{ first_name: "Ann", last_name: "Example", email: "", phone: "" },
  ...{ street1: "1 Main Street", street2: "", city: "Springfield", state: "IL", zip: "62701", dob: "1980-02-01" },
};

/** Creates an empty plangrade. */
export function createRecords(): RecordsState {
  const users = new Map<number, User>();
  const companies = new Map<number, Company>();
  const participants = new Map<number, Participant>();
  const byType = { user: users, company: companies, participant: participants } as const;
  const byCompany = new Map<number, Set<number>>();
  const activities = new Map<number, Activity[]>();
  const notices = new Map<number, Notice[]>();
  const last = { ...FIRST_IDS };
  const deleted = new Set<string>();

  const newId = (type: RecordType | "event"): number => (last[type] += 1);

  function known<Item>(type: RecordType, held: ReadonlyMap<number, Item>, id: number): Item {
    const item = held.get(id);
    if (item === undefined) throw new Error(`There is no ${type} ${id}.`);
    return item;
  }

  function putUser(user: User): User {
    users.set(user.id, user);
    return user;
  }

  function putParticipant(participant: Participant): Participant {
    const before = participants.get(participant.id);
    if (before !== undefined) byCompany.get(before.company_id)?.delete(before.id);
    participants.set(participant.id, participant);
    const ids = byCompany.get(participant.company_id) ?? new Set();
    byCompany.set(participant.company_id, ids.add(participant.id));
    return participant;
  }

  function putCompany(company: Company): Company {
    companies.set(company.id, company);
    return company;
  }

  function append<Item>(held: Map<number, Item[]>, companyId: number, item: Item): Item {
    held.set(companyId, [...(held.get(companyId) ?? []), item]);
    return item;
  }

  function drop(type: RecordType, id: number): void {
    if (type === "participant") byCompany.get(participants.get(id)?.company_id ?? 0)?.delete(id);
    if (byType[type].delete(id)) deleted.add(`${type} ${id}`);
  }

  /** What falls with a record, besides itself. */
  function fallingWith(type: RecordType, id: number): readonly number[] {
    if (type === "company") return state.participantsOf(id).map((each) => each.id);
    return type === "participant" ? state.dependentsOf(id).map((each) => each.id) : [];
  }

  const state: RecordsState = {
    users,
    companies,
    participants,
    newId,
    seedUser: (user) => putUser({ id: newId("user"), ...user }),
    seedCompany(company) {
      const managers = [...users.keys()].slice(0, 1);
      return putCompany({ id: newId("company"), ein: "", name: "", grade: "", managers, ...company });
    },
    seedParticipant(company_id, fields = {}) {
      const id = newId("participant");
      return putParticipant({ id, company_id, employee_id: id, ssn: "", archived: false, ...SOMEBODY, ...fields });
    },
    seedActivity: ({ company_id, ...activity }) => append(activities, company_id, { id: newId("event"), ...activity }),
    seedNotice: ({ company_id, ...notice }) => append(notices, company_id, { id: newId("event"), ...notice }),
    editCompany: (id, fields) => putCompany({ ...known("company", companies, id), ...fields }),
    editParticipant: (id, fields) => putParticipant({ ...known("participant", participants, id), ...fields }),
    setArchived(id, archived) {
      state.editParticipant(id, { archived });
      if (archived) for (const each of state.dependentsOf(id)) putParticipant({ ...each, archived });
    },
    remove(type, id) {
      if (!byType[type].has(id)) return [];
      const falling = fallingWith(type, id);
      for (const each of falling) drop("participant", each);
      drop(type, id);
      if (type === "company") {
        activities.delete(id);
        notices.delete(id);
      }
      // A company outlives its managers.
      const managed = type === "user" ? state.companiesOf(id) : [];
      for (const each of managed) putCompany({ ...each, managers: each.managers.filter((user) => user !== id) });
      return falling;
    },
    putUser,
    putCompany,
    putParticipant,
    isDeleted: (type, id) => deleted.has(`${type} ${id}`),
    companiesOf: (userId) => [...companies.values()].filter(({ managers }) => managers.includes(userId)),
    participantsOf: (companyId) =>
      [...(byCompany.get(companyId) ?? [])].sort((a, b) => a - b).flatMap((id) => participants.get(id) ?? []),
    dependentsOf(employeeId) {
      const companyId = participants.get(employeeId)?.company_id ?? 0;
      return state
        .participantsOf(companyId)
        .filter((each) => each.employee_id === employeeId && each.id !== employeeId);
    },
    activitiesOf: (companyId) => activities.get(companyId) ?? [],
    noticesOf: (companyId) => notices.get(companyId) ?? [],
  };
  return state;
}
