import type { PlangradeSimulator } from "../../simulators/plangrade";
import { callsOf, openPlangrade, sendJson, type Form } from "./plangrade-calls";

let sim: PlangradeSimulator;
let call: ReturnType<typeof callsOf>["call"];
beforeEach(async () => {
  ({ sim } = await openPlangrade());
  ({ call } = callsOf(sim));
});
afterEach(() => sim.close());

const create = (ein = "123456789", name = "Acme") => call("POST", "/companies", { name, ein });
const blank = ["Name can't be blank", "Ein can't be blank"];

describe("a company", () => {
  it("is created, read, listed, changed and deleted", async () => {
    expect(await create()).toMatchObject({ status: 201, body: { id: 20_001 } });
    sim.records.editCompany(20_001, { grade: "B+" });
    const company = { id: 20_001, ein: "123456789", name: "Acme", grade: "B+" };
    expect((await call("GET", "/companies/20001")).body).toEqual({ company });
    expect((await call("GET", "/companies")).body).toEqual({ companies: [company] });
    expect((await call("PUT", "/companies/20001", { name: "Acme 2", ein: "123456789" })).body).toEqual({
      company: { ...company, name: "Acme 2" },
    });
    expect(await call("DELETE", "/companies/20001")).toMatchObject({ status: 204, body: "" });
    expect(sim.books.snapshot()).toMatchObject({
      written: { company: { create: 1, update: 1, archive: 0, delete: 1 } },
      writes: [{ changed: ["name", "ein"] }, { changed: ["name"] }, { kind: "delete", id: 20_001 }],
      requests: { "PUT /companies/:id": { 200: 1 } },
    });
  });

  it("takes participants, activities and notices with it", async () => {
    const { id } = sim.records.seedCompany({ name: "Acme", ein: "1" });
    const ann = sim.records.seedParticipant(id);
    sim.records.seedActivity({ company_id: id, name: "Filing", start_time: "2014-11-08T10:00:00Z" });
    await call("DELETE", `/companies/${id}`);
    expect(sim.snapshot()).toMatchObject({ companies: [], participants: [] });
    expect(sim.books.snapshot().writes).toMatchObject([{ kind: "delete", cascade: [ann.id] }]);
    expect((await call("GET", `/activities?company_id=${id}`)).status).toBe(404);
    sim.configure({ deleted: 410 });
    expect((await call("GET", `/companies/${id}`)).status).toBe(410);
    expect((await call("GET", `/participants/${ann.id}`)).status).toBe(410);
  });

  it("belongs to an account", async () => {
    const bo = sim.records.seedUser({ name: "Bo", email: "bo@example.com" });
    const mine = sim.records.seedCompany({ name: "Mine", ein: "1" });
    const his = sim.records.seedCompany({ name: "His", ein: "2", managers: [bo.id] });
    expect((await call("GET", "/companies")).body).toMatchObject({ companies: [{ id: mine.id }] });
    expect((await call("GET", `/companies/${his.id}`)).status).toBe(404);
    sim.configure({ foreign: 403 });
    expect((await call("DELETE", `/companies/${his.id}`)).status).toBe(403);
    expect((await call("GET", "/companies/1")).status).toBe(404);
    expect(sim.snapshot(bo.id)).toMatchObject({ users: [{ id: bo.id }], companies: [{ id: his.id }] });
  });

  it.each([
    [{}, blank],
    [{ name: "Acme", ein: "12-3456789" }, ["Ein is invalid"]],
  ])("is not made of %j", async (form, texts) => {
    expect(await call("POST", "/companies", form as Form)).toMatchObject({ status: 400, body: texts });
    expect(sim.books.snapshot().writes).toEqual([]);
  });

  it("may need nine digits", async () => {
    expect((await create("12")).status).toBe(201);
    sim.configure({ einLength: "nine" });
    expect((await create("13")).body).toEqual(["Ein is invalid"]);
  });

  it.each([
    ["account", [400, 201]],
    ["everywhere", [400, 400]],
    ["accepted", [201, 201]],
  ] as const)("of an EIN that is there is refused (%s)", async (duplicateEin, expected) => {
    sim.configure({ duplicateEin });
    const bo = sim.records.seedUser({ name: "Bo", email: "bo@example.com" });
    const acme = sim.records.seedCompany({ name: "Acme", ein: "1" });
    sim.records.seedCompany({ name: "His", ein: "2", managers: [bo.id] });
    expect([(await create("1")).status, (await create("2")).status]).toEqual(expected);
    const { duplicates } = sim.books.snapshot();
    const counted = { type: "company", id: 20_003, other: acme.id, by: "ein" };
    expect(duplicates).toEqual(duplicateEin === "accepted" ? [counted] : []);
  });

  it("cannot take the EIN of another one", async () => {
    sim.records.seedCompany({ name: "Acme", ein: "1" });
    const { id } = sim.records.seedCompany({ name: "Bolt", ein: "2" });
    const status = async (ein: string) => (await call("PUT", `/companies/${id}`, { name: "Bolt", ein })).status;
    expect([await status("1"), await status("2")]).toEqual([400, 200]);
    expect(sim.books.snapshot().noOpUpdates).toBe(1);
  });

  it("has activities and notices, in bare arrays", async () => {
    const { id } = sim.records.seedCompany({ name: "Acme", ein: "1" });
    const activity = { name: "Filing", start_time: "2014-11-08T10:00:00Z" };
    const notice = { name: "SBC", plan_name: "Gold", link: "https://example.com/a.pdf", created_at: "2014-11-08" };
    sim.records.seedActivity({ company_id: id, ...activity });
    sim.records.seedNotice({ company_id: id, ...notice });
    expect((await call("GET", `/activities?company_id=${id}`)).body).toEqual([{ id: 5_000_001, ...activity }]);
    expect((await call("GET", `/notices?company_id=${id}`)).body).toEqual([{ id: 5_000_002, ...notice }]);
    expect((await call("GET", "/notices")).status).toBe(400);
  });
});

describe("answers", () => {
  const seed = () => sim.records.seedCompany({ name: "Acme", ein: "012" }).id;

  it("may be bare", async () => {
    sim.configure({ envelope: "bare" });
    const id = seed();
    const company = { id, ein: "012", name: "Acme", grade: null };
    expect((await call("GET", `/companies/${id}`)).body).toEqual(company);
    expect((await call("GET", "/companies")).body).toEqual([company]);
    expect((await call("GET", "/users/1001")).body).toMatchObject({ id: 1_001 });
  });

  it.each([
    ["body", { id: 20_001 }, null],
    ["location", "", "/api/v1/companies/20001"],
    ["both", { id: 20_001 }, "/api/v1/companies/20001"],
  ] as const)("to a create have the id in %s", async (createdId, expected, place) => {
    sim.configure({ createdId });
    const { status, body, headers } = await create();
    expect([status, body]).toEqual([201, expected]);
    expect(headers.get("location")).toBe(place === null ? null : sim.url + place);
  });

  it.each([
    ["id", 200, { id: 20_001 }],
    ["empty", 204, ""],
  ] as const)("to an update may be short (%s)", async (updateAnswer, status, body) => {
    sim.configure({ updateAnswer });
    expect(await call("PUT", `/companies/${seed()}`, { name: "B", ein: "3" })).toMatchObject({ status, body });
  });

  it("to a DELETE may have another status", async () => {
    sim.configure({ deleteStatus: 200 });
    expect(await call("DELETE", `/companies/${seed()}`)).toMatchObject({ status: 200, body: "" });
  });

  it.each([
    ["empty", { ein: 12, grade: "" }],
    ["absent", { ein: 12 }],
  ] as const)("may show numbers as numbers, and blanks otherwise (%s)", async (blanks, shown) => {
    sim.configure({ ein: "number", blanks });
    const id = seed();
    expect((await call("GET", `/companies/${id}`)).body).toEqual({ company: { id, name: "Acme", ...shown } });
  });
});

describe("bodies", () => {
  const company = { name: "Acme", ein: 12 };
  const postJson = (body: unknown = company) => callsOf(sim).callJson("POST", "/companies", body);

  it.each([
    ["form", [201, 400]],
    ["json", [400, 201]],
    ["both", [201, 201]],
  ] as const)("may be of one kind or of both (%s)", async (bodies, expected) => {
    sim.configure({ bodies, duplicateEin: "accepted" });
    expect([(await create()).status, (await postJson()).status]).toEqual(expected);
  });

  it("of a kind that is not understood are empty, and malformed ones are refused", async () => {
    expect((await postJson()).body).toEqual(blank);
    sim.configure({ bodies: "json" });
    expect((await create()).body).toEqual(blank);
    for (const body of [[company], { company }]) {
      expect(await postJson(body)).toMatchObject({ status: 400, body: ["The body is malformed."] });
    }
    const init = { authorization: `Bearer ${sim.grant().accessToken}` };
    expect((await sendJson(sim, "POST", "/api/v1/companies", { name: null, ein: "1" }, init)).body).toEqual([blank[0]]);
  });
});
