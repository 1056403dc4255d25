/** Participants: employees and their dependents (sheet 1, 3). */
import type { Reply } from "../../loopback/call";
import { answer, created, deleted, shownParticipant, updated } from "../answers";
import type { Fields } from "../body";
import { failure, invalid, type Problem } from "../failures";
import { BLANK, checkFields, INVALID, isDay, isDigits, isEmail, type Rules } from "./check";
import { twinsOf } from "./duplicates";
import type { Participant, ParticipantField, User } from "./model";
import { changedNames, createLookUp, tokenRoute, type ApiDeps, type ApiRoute, type UserRequest } from "./routes";

const rules: Rules<ParticipantField> = {
  first_name: { isRequired: true },
  last_name: { isRequired: true },
  email: { isRequired: false, isValid: isEmail },
  phone: { isRequired: false, isValid: isDigits(10) },
  street1: { isRequired: true },
  street2: { isRequired: false },
  city: { isRequired: true },
  state: { isRequired: true },
  zip: { isRequired: true, isValid: isDigits(5) },
  dob: { isRequired: true, isValid: isDay },
};

const isLastFour = isDigits(4);

export function participantRoutes({ records, books, switches }: ApiDeps): readonly ApiRoute[] {
  const lookUp = createLookUp({ records, switches });
  const shown = (participant: Participant) => shownParticipant(participant, switches);

  /** An employee of the company who may have dependents. */
  function isEmployeeOf(companyId: number, id: number): boolean {
    const employee = records.participants.get(id);
    return employee?.company_id === companyId && employee.employee_id === id && !employee.archived;
  }

  /** The company of a create: one of the own account. */
  function problemsWithCompany(user: User, sent: Fields): Problem[] {
    const companyId = sent.get("company_id") ?? "";
    if (companyId === "") return [{ field: "company_id", text: BLANK }];
    return lookUp.ownCompany(user, Number(companyId)) === undefined ? [{ field: "company_id", text: INVALID }] : [];
  }

  /** 0 in a create: an employee, whose SSN is needed. */
  function problemsWithEmployee(sent: Fields, companyId: number): Problem[] {
    const employeeId = sent.get("employee_id") ?? "";
    const ssn = sent.get("ssn") ?? "";
    const problems: Problem[] = [];
    if (employeeId === "") problems.push({ field: "employee_id", text: BLANK });
    else if (employeeId !== "0" && !isEmployeeOf(companyId, Number(employeeId))) {
      problems.push({ field: "employee_id", text: INVALID });
    }
    if (employeeId === "0" && ssn === "") problems.push({ field: "ssn", text: BLANK });
    if (ssn !== "" && !isLastFour(ssn)) problems.push({ field: "ssn", text: INVALID });
    return problems;
  }

  function create({ user, fields: sent, root }: UserRequest): Reply {
    const companyId = Number(sent.get("company_id"));
    const { values, problems } = checkFields(rules, sent, undefined, switches);
    const all = [...problemsWithCompany(user, sent), ...problems, ...problemsWithEmployee(sent, companyId)];
    if (all.length > 0) return invalid(all, switches);
    const id = records.newId("participant");
    const employee_id = Number(sent.get("employee_id")) || id;
    const ssn = sent.get("ssn") ?? "";
    const added = { ...values, id, company_id: companyId, employee_id, ssn, archived: false };
    for (const twin of twinsOf(added, records.participantsOf(companyId))) books.duplicate(twin);
    records.putParticipant(added);
    const changed = [...sent].filter(([name, value]) => value !== "" && name in added).map(([name]) => name);
    books.wrote({ kind: "create", type: "participant", id, changed, cascade: [] });
    return created(id, `${root}/participants/${id}`, switches);
  }

  /** `employee_id` goes with every update; for an employee it is the own id. */
  function problemsWithUpdate(before: Participant, sent: Fields): Problem[] {
    const { id, company_id } = before;
    const employeeId = sent.get("employee_id") ?? "";
    const problems: Problem[] = [];
    if (employeeId === "") problems.push({ field: "employee_id", text: BLANK });
    else if (![id, before.employee_id].includes(Number(employeeId)) && !isEmployeeOf(company_id, Number(employeeId))) {
      problems.push({ field: "employee_id", text: INVALID });
    }
    const isMoved = (sent.get("company_id") ?? String(company_id)) !== String(company_id);
    if (isMoved && switches.companyChange === "refused") {
      problems.push({ field: "company_id", text: "can't be changed" });
    }
    if (sent.has("ssn") && switches.ssnUpdate === "refused") problems.push({ field: "ssn", text: "can't be changed" });
    return problems;
  }

  function update(before: Participant, sent: Fields): Reply {
    const { id } = before;
    if (sent.has("ssn")) books.ssnUpdate();
    const { values, problems } = checkFields(rules, sent, before, switches);
    const all = [...problems, ...problemsWithUpdate(before, sent)];
    if (all.length > 0) return invalid(all, switches);
    const after = records.putParticipant({ ...before, ...values, employee_id: Number(sent.get("employee_id")) });
    books.wrote({ kind: "update", type: "participant", id, changed: changedNames(before, after), cascade: [] });
    return updated("participant", id, shown(after), switches);
  }

  /** A GET that writes. Dependents are archived too. */
  function archive({ user, query }: UserRequest): Reply {
    const wanted = query.get("participant_id") ?? "";
    if (wanted === "") return failure(400, "participant_id is missing", switches);
    return lookUp.participant(user, Number(wanted), ({ id }) => {
      const cascade = records.dependentsOf(id).map((each) => each.id);
      records.setArchived(id, true);
      books.wrote({ kind: "archive", type: "participant", id, changed: [], cascade });
      return { status: 200, body: { id } };
    });
  }

  return [
    tokenRoute("GET", "/participants", (request) =>
      lookUp.companyOfQuery(request, ({ id }) => {
        const listed = records.participantsOf(id).filter(({ archived }) => !archived || switches.archived === "listed");
        return answer("participant", listed.map(shown), switches);
      }),
    ),
    tokenRoute("POST", "/participants", create),
    // Before the ids: `archive` is none.
    tokenRoute("GET", "/participants/archive", archive),
    tokenRoute("GET", "/participants/:id", ({ user, id }) =>
      lookUp.participant(user, id, (participant) => answer("participant", shown(participant), switches)),
    ),
    tokenRoute("PUT", "/participants/:id", ({ user, id, fields }) =>
      lookUp.participant(user, id, (before) => update(before, fields)),
    ),
    tokenRoute("DELETE", "/participants/:id", ({ user, id }) =>
      lookUp.participant(user, id, () => {
        const cascade = records.remove("participant", id);
        books.wrote({ kind: "delete", type: "participant", id, changed: [], cascade });
        return deleted(switches);
      }),
    ),
  ];
}
