/** Acme with Ann and her child, at a plangrade on loopback. */
import { COMPANIES, PARTICIPANTS } from "../../../src/services/plangrade/objects";
import { usePlangrade, type Opened } from "./ask";

export const OLIVE = { name: "Olive Operator", email: "olive@example.com" };
export const ACME = { name: "Acme", ein: "012345678" };
export const ANN = {
  first_name: "Ann",
  last_name: "Lee",
  street1: "1 Main St",
  city: "Boston",
  state: "MA",
  zip: "02139",
  dob: "1980-01-31",
};
export const USER = 1001;
export const COMPANY = 20001;
export const EMPLOYEE = 300001;
export const DEPENDENT = 300002;

export const at = (id: number) => ({ parameters: { id: String(id) } });
export const company = (more: object) => ({ type: COMPANIES.name, ...more });
export const participant = (more: object) => ({ type: PARTICIPANTS.name, ...more });

/** Opens one for each test of a file, and closes it afterwards. */
export function useAcme(): ReturnType<typeof usePlangrade> {
  const open = usePlangrade();
  return async (switches) => seeded(await open(switches));
}

function seeded(opened: Opened): Opened {
  const { records } = opened.sim;
  records.seedCompany({ ...ACME, grade: "A+" });
  records.seedParticipant(COMPANY, { ...ANN, ssn: "0123" });
  records.seedParticipant(COMPANY, { ...ANN, first_name: "Bo", employee_id: EMPLOYEE });
  return opened;
}
