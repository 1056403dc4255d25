import type { Participant, PlangradeSimulator } from "../../simulators/plangrade";
import { callsOf, openPlangrade, type Form } from "./plangrade-calls";

let sim: PlangradeSimulator;
let call: ReturnType<typeof callsOf>["call"];
let companyId: number;
beforeEach(async () => {
  ({ sim } = await openPlangrade());
  ({ call } = callsOf(sim));
  companyId = sim.records.seedCompany({ name: "Acme", ein: "1" }).id;
});
afterEach(() => sim.close());

const ann = {
  ...{ first_name: "Ann", last_name: "Lee", street1: "1 Main St", city: "Springfield", state: "IL" },
  ...{ zip: "02139", dob: "1980-02-29" },
};
const blank = (...names: string[]) => names.map((name) => `${name} can't be blank`);
const create = (changes: Form = {}) =>
  call("POST", "/participants", { company_id: String(companyId), employee_id: "0", ssn: "0042", ...ann, ...changes });
const update = (id: number, changes: Form = {}) =>
  call("PUT", `/participants/${id}`, { employee_id: String(id), ...ann, ...changes });
const seed = (fields: Partial<Participant> = {}) => sim.records.seedParticipant(companyId, { ...ann, ...fields });
const held = (id: number) => sim.records.participants.get(id);
const list = async () => {
  const { body } = await call("GET", `/participants?company_id=${companyId}`);
  return (body as { participants: { id: number }[] }).participants.map(({ id }) => id);
};

describe("an employee", () => {
  it("is created with the SSN's end, which is never shown, and gets the own id as employee_id", async () => {
    expect(await create({ email: "ann@example.com" })).toMatchObject({ status: 201, body: { id: 300_001 } });
    const shown = { id: 300_001, company_id: companyId, employee_id: 300_001, ...ann, street2: "" };
    const participant = { ...shown, email: "ann@example.com", phone: null };
    expect((await call("GET", "/participants/300001")).body).toEqual({ participant });
    expect((await call("GET", `/participants?company_id=${companyId}`)).body).toEqual({ participants: [participant] });
    expect(held(300_001)?.ssn).toBe("0042");
  });

  it("needs every required field", async () => {
    const { status, body } = await call("POST", "/participants", {});
    expect(status).toBe(400);
    expect(body).toEqual(
      blank("Company", "First name", "Last name", "Street1", "City", "State", "Zip", "Dob", "Employee"),
    );
    expect((await create({ ssn: "" })).body).toEqual(blank("Ssn"));
    expect(sim.books.snapshot().writes).toEqual([]);
  });

  it.each([
    [{ company_id: "1" }, "Company is invalid"],
    [{ employee_id: "1" }, "Employee is invalid"],
    [{ ssn: "123456789" }, "Ssn is invalid"],
    [{ email: "ann" }, "Email is invalid"],
    [{ phone: "555-1234" }, "Phone is invalid"],
    [{ zip: "02139-1" }, "Zip is invalid"],
    [{ dob: "02/29/1980" }, "Dob is invalid"],
    [{ dob: "1981-02-29" }, "Dob is invalid"],
  ])("is not made with %j", async (changes, text) => {
    expect((await create(changes as Form)).body).toEqual([text]);
  });

  it("may be created twice, which the books tell", async () => {
    const [first, dependent] = [seed({ email: "ann@example.com" }), seed()];
    sim.records.editParticipant(dependent.id, { employee_id: first.id });
    await create({ email: "ANN@example.com", last_name: "Ray" });
    await create({ first_name: "ANN" });
    await create({ dob: "1990-01-01" });
    await create({ employee_id: String(first.id) });
    expect(sim.books.snapshot().duplicates).toEqual([
      { type: "participant", id: 300_003, other: first.id, by: "email" },
      { type: "participant", id: 300_004, other: first.id, by: "name+dob" },
    ]);
  });

  it("is nobody of another company", async () => {
    const other = sim.records.seedCompany({ name: "Bolt", ein: "2" });
    const { id } = sim.records.seedParticipant(other.id);
    expect(await list()).toEqual([]);
    expect((await create({ employee_id: String(id) })).body).toEqual(["Employee is invalid"]);
    expect((await call("GET", "/participants")).body).toEqual(["company_id is missing"]);
  });

  it("of another account is not reached", async () => {
    const { id } = sim.records.seedParticipant(sim.records.seedCompany({ managers: [] }).id);
    expect((await update(id)).status).toBe(404);
    sim.configure({ foreign: 403 });
    expect((await call("GET", `/participants/archive?participant_id=${id}`)).status).toBe(403);
    expect((await call("GET", "/participants?company_id=20002")).status).toBe(403);
    expect((await call("GET", "/participants/9")).status).toBe(404);
  });

  it("may show the phone as a number", async () => {
    const { id } = seed({ phone: "5551234567" });
    sim.configure({ phone: "number", blanks: "absent" });
    const { participant } = (await call("GET", `/participants/${id}`)).body as { participant: object };
    expect(participant).toMatchObject({ phone: 5_551_234_567, street2: "" });
    expect(participant).not.toHaveProperty("email");
  });
});

describe("a dependent", () => {
  it("is created for an employee, with or without SSN", async () => {
    const employee = seed();
    const employee_id = String(employee.id);
    expect((await create({ employee_id, ssn: "" })).status).toBe(201);
    expect((await create({ employee_id, ssn: "x" })).body).toEqual(["Ssn is invalid"]);
    expect(held(300_002)).toMatchObject({ employee_id: employee.id, ssn: "" });
    expect((await create({ employee_id: "300002" })).body).toEqual(["Employee is invalid"]);
  });

  it("is archived and deleted with the employee", async () => {
    const employee = seed();
    const dependents = [1, 2].map(() => seed({ employee_id: employee.id }).id);
    const answer = await call("GET", `/participants/archive?participant_id=${employee.id}`);
    expect(answer).toMatchObject({ status: 200, body: { id: employee.id } });
    expect(dependents.map((id) => held(id)?.archived)).toEqual([true, true]);
    expect((await call("DELETE", `/participants/${employee.id}`)).status).toBe(204);
    expect(sim.snapshot().participants).toEqual([]);
    expect(sim.books.snapshot()).toMatchObject({
      written: { participant: { create: 0, update: 0, archive: 1, delete: 1 } },
      writes: [
        { kind: "archive", id: employee.id, cascade: dependents },
        { kind: "delete", id: employee.id, cascade: dependents },
      ],
    });
  });
});

describe("an update", () => {
  it("needs employee_id, which makes a dependent of whom it does not name himself", async () => {
    const [employee, other] = [seed(), seed()];
    expect((await update(employee.id, { employee_id: "" })).body).toEqual(blank("Employee"));
    expect((await update(employee.id, { employee_id: "0" })).body).toEqual(["Employee is invalid"]);
    expect((await update(employee.id)).body).toMatchObject({ participant: { employee_id: employee.id } });
    await update(employee.id, { employee_id: String(other.id) });
    expect(held(employee.id)?.employee_id).toBe(other.id);
    expect(sim.books.snapshot()).toMatchObject({
      noOpUpdates: 1,
      writes: [{ changed: [] }, { kind: "update", changed: ["employee_id"] }],
    });
  });

  it.each([
    ["partial", 200, { last_name: "Ray", city: "Springfield", phone: "5551234567" }],
    ["full", 400, { last_name: "Lee", city: "Springfield", phone: "5551234567" }],
    ["replace", 400, { last_name: "Lee", city: "Springfield", phone: "5551234567" }],
  ] as const)("without required fields keeps them or is refused (%s)", async (updates, status, expected) => {
    sim.configure({ updates });
    const { id } = seed({ phone: "5551234567" });
    const form = { employee_id: String(id), last_name: "Ray" };
    expect((await call("PUT", `/participants/${id}`, form)).status).toBe(status);
    expect(held(id)).toMatchObject(expected);
  });

  it.each([
    ["full", "5551234567"],
    ["replace", ""],
  ] as const)("without an optional field keeps or clears it (%s)", async (updates, phone) => {
    sim.configure({ updates });
    const { id } = seed({ phone: "5551234567" });
    expect((await update(id)).status).toBe(200);
    expect(held(id)?.phone).toBe(phone);
  });

  it("does not move anybody to another company", async () => {
    const { id } = seed();
    const other = sim.records.seedCompany({ name: "Bolt", ein: "2" });
    expect((await update(id, { company_id: String(companyId) })).status).toBe(200);
    expect((await update(id, { company_id: String(other.id) })).body).toEqual(["Company can't be changed"]);
    sim.configure({ companyChange: "ignored" });
    expect((await update(id, { company_id: String(other.id) })).status).toBe(200);
    expect(held(id)?.company_id).toBe(companyId);
  });

  it("passes an SSN over or refuses it, and the books tell", async () => {
    const { id } = seed({ ssn: "0042" });
    expect((await update(id, { ssn: "9999" })).status).toBe(200);
    sim.configure({ ssnUpdate: "refused" });
    expect((await update(id, { ssn: "9999" })).body).toEqual(["Ssn can't be changed"]);
    expect(held(id)?.ssn).toBe("0042");
    expect(sim.books.snapshot().ssnUpdates).toBe(2);
  });

  it("does not judge what a person left behind", async () => {
    const { id } = seed({ phone: "none" });
    sim.configure({ updates: "full" });
    expect((await update(id)).status).toBe(200);
  });
});

describe("an archived participant", () => {
  const read = async (id: number) => (await call("GET", `/participants/${id}`)).status;

  it.each([
    ["hidden", [], 200, 200],
    ["listed", [300_001], 200, 200],
    ["gone", [], 404, 404],
  ] as const)("may be %s", async (archived, listed, readStatus, updateStatus) => {
    sim.configure({ archived });
    const { id } = seed();
    sim.records.setArchived(id, true);
    expect(await list()).toEqual(listed);
    expect([await read(id), (await update(id)).status]).toEqual([readStatus, updateStatus]);
    sim.records.setArchived(id, false);
    expect(await list()).toEqual([id]);
  });

  it("has no new dependents", async () => {
    const { id } = seed({ archived: true });
    expect((await create({ employee_id: String(id) })).body).toEqual(["Employee is invalid"]);
  });

  it("is named in the query alone", async () => {
    expect((await call("GET", "/participants/archive")).body).toEqual(["participant_id is missing"]);
    expect((await call("POST", "/participants/archive?participant_id=1")).status).toBe(405);
  });
});

it("people see and change everything by hand", () => {
  const { id } = seed();
  sim.records.editParticipant(id, { city: "Chicago" });
  expect(sim.snapshot().participants).toMatchObject([{ id, city: "Chicago", archived: false }]);
  expect(sim.records.remove("company", companyId)).toEqual([id]);
  expect(sim.records.remove("company", companyId)).toEqual([]);
  expect(() => sim.records.editCompany(companyId, {})).toThrow(`There is no company ${companyId}.`);
  expect(() => sim.records.editParticipant(id, {})).toThrow(`There is no participant ${id}.`);
  expect(sim.books.snapshot()).toMatchObject({ calls: 0, writes: [] });
});
