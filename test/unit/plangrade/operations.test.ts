/** What people and programs may call through us: what is sent, what is answered, and what is remembered. */
import { DEFAULT_APPLICATION } from "../../../simulators/plangrade";
import { ACME, ANN, at, COMPANY, company, DEPENDENT, EMPLOYEE, OLIVE, participant, useAcme, USER } from "./acme";
import { ask } from "./ask";

const open = useAcme();

test("every operation stands under its path, and whatever cannot be undone is confirmed with the id", async () => {
  const shown = (await open()).operations().map(({ id, method, path, confirm }) => {
    const input = { parameters: { id: "7" }, query: {}, body: {} };
    return `${method} ${path} ${id} ${confirm?.value(input) ?? ""}`.trim();
  });
  expect(shown).toEqual([
    "POST /users createUser",
    "GET /users/{id} getUser",
    "PUT /users/{id} updateUser",
    "DELETE /users/{id} deleteUser 7",
    "GET /me getMe",
    "GET /companies listCompanies",
    "POST /companies createCompany",
    "GET /companies/{id} getCompany",
    "PUT /companies/{id} updateCompany",
    "DELETE /companies/{id} deleteCompany 7",
    "GET /participants listParticipants",
    "POST /participants createParticipant",
    "GET /participants/{id} getParticipant",
    "PUT /participants/{id} updateParticipant",
    "DELETE /participants/{id} deleteParticipant 7",
    "POST /participants/{id}/archive archiveParticipant 7",
  ]);
});

test.each([
  ["deleteUser", /association with companies.*companies stay.*administrators/],
  ["deleteCompany", /plans, participants, documents, history and future distributions/],
  ["deleteParticipant", /dependents, distributions, history and documents/],
  ["archiveParticipant", /dependents are archived/],
])("%s says what falls with it", async (id, falls) => {
  const declared = (await open()).operations().find((each) => each.id === id);
  expect(declared?.confirm?.falls).toMatch(falls);
});

describe.each(["wrapped", "bare"] as const)("where plangrade's answers are %s,", (envelope) => {
  test("they are read, and given as they are documented", async () => {
    const opened = await open({ envelope, me: envelope });
    const bodyOf = async (...asked: Parameters<typeof ask> extends [unknown, ...infer R] ? R : never) =>
      (await ask(opened, ...asked)).body;
    const acme = { id: COMPANY, ...ACME, grade: "A+" };
    expect(await bodyOf("getMe")).toEqual({ id: USER, ...OLIVE });
    expect(await bodyOf("getUser", at(USER))).toEqual({ user: { id: USER, ...OLIVE } });
    expect(await bodyOf("getCompany", at(COMPANY))).toEqual({ company: acme });
    expect(await bodyOf("listCompanies")).toEqual({ companies: [acme] });
    expect(await bodyOf("getParticipant", at(DEPENDENT))).toMatchObject({ participant: { employee_id: EMPLOYEE } });
    expect(await bodyOf("listParticipants", { query: { company_id: String(COMPANY) } })).toMatchObject({
      participants: [{ id: EMPLOYEE, ...ANN }, { id: DEPENDENT }],
    });
    expect(opened.taken).toEqual(Array(6).fill("interactive"));
    expect(opened.sim.books.snapshot().writes).toEqual([]);
  });
});

describe("a create", () => {
  test.each(["body", "location", "both"] as const)(
    "answers the id, wherever plangrade says it (%s)",
    async (createdId) => {
      const opened = await open({ createdId });
      const other = { name: "Other", ein: "987654321" };
      expect(await ask(opened, "createCompany", { body: other })).toMatchObject({
        status: 201,
        body: { id: COMPANY + 1 },
        touched: [company({ id: String(COMPANY + 1) })],
      });
      const body = { ...ANN, first_name: "Cy", company_id: COMPANY, employee_id: 0, ssn: "0456" };
      expect(await ask(opened, "createParticipant", { body })).toMatchObject({
        status: 201,
        body: { id: DEPENDENT + 1 },
        touched: [participant({ id: String(DEPENDENT + 1) })],
      });
      const user = { name: "Pat", email: "pat@example.com" };
      expect(await ask(opened, "createUser", { body: user })).toMatchObject({
        status: 201,
        body: { id: USER + 1 },
        touched: [],
      });
      const { companies, participants, users } = opened.sim.snapshot();
      expect(companies[1]).toMatchObject(other);
      expect(participants[2]).toMatchObject({ first_name: "Cy", ssn: "0456", employee_id: DEPENDENT + 1 });
      expect(users[1]).toMatchObject(user);
    },
  );

  test("of a dependent needs no number", async () => {
    const opened = await open();
    const body = { ...ANN, first_name: "Di", company_id: COMPANY, employee_id: EMPLOYEE };
    expect(await ask(opened, "createParticipant", { body })).toMatchObject({ status: 201 });
    expect(opened.sim.snapshot().participants[2]).toMatchObject({ first_name: "Di", employee_id: EMPLOYEE });
  });

  test("of a user takes no token, and key and secret unless they are left out", async () => {
    const opened = await open({ userCredentials: "not-needed" });
    const { key: client_id, secret: client_secret } = DEFAULT_APPLICATION;
    const [pat, kim] = ["pat", "kim"].map((name) => ({ name, email: `${name}@example.com` }));
    await ask(opened, "createUser", { body: pat });
    await ask(opened, "createUser", { body: kim, query: { send_application: "false" } });
    expect(opened.calls.map(({ headers }) => headers["authorization"])).toEqual([undefined, undefined]);
    const sent = opened.calls.map(({ body }) => Object.fromEntries(new URLSearchParams(String(body))));
    expect(sent).toEqual([{ ...pat, client_id, client_secret }, kim]);
  });
});

describe("a change", () => {
  test.each(["record", "id", "empty"] as const)("answers what plangrade shows (%s)", async (updateAnswer) => {
    const opened = await open({ updateAnswer });
    const changes = { name: "Acme & Sons", ein: ACME.ein };
    expect(await ask(opened, "updateCompany", { ...at(COMPANY), body: changes })).toMatchObject({
      status: 200,
      body: { company: updateAnswer === "record" ? { id: COMPANY, ...changes } : { id: COMPANY } },
      touched: [company({ id: String(COMPANY) })],
    });
    const olive = { name: "Olive O.", email: OLIVE.email };
    expect(await ask(opened, "updateUser", { ...at(USER), body: olive })).toMatchObject({ status: 200, touched: [] });
    const { companies, users } = opened.sim.snapshot();
    expect([companies[0], users[0]]).toMatchObject([changes, olive]);
  });

  test("of a participant may send back what was read, with its id", async () => {
    const opened = await open();
    const { body } = await ask(opened, "getParticipant", at(EMPLOYEE));
    const { participant: read } = body as { readonly participant: object };
    const answer = await ask(opened, "updateParticipant", { ...at(EMPLOYEE), body: { ...read, city: "Salem" } });
    expect(answer).toMatchObject({
      body: { participant: { city: "Salem" } },
      touched: [participant({ id: String(EMPLOYEE) })],
    });
    expect(opened.sim.books.snapshot().writes).toMatchObject([{ kind: "update", id: EMPLOYEE, changed: ["city"] }]);
    expect(new URLSearchParams(String(opened.calls.at(-1)?.body)).has("id")).toBe(false);
  });
});

describe("what cannot be undone", () => {
  test.each([204, 200] as const)(
    "is answered without content, whatever plangrade's status is (%i)",
    async (deleteStatus) => {
      const opened = await open({ deleteStatus });
      expect(await ask(opened, "deleteParticipant", at(EMPLOYEE))).toEqual({
        status: 204,
        body: undefined,
        confirm: String(EMPLOYEE),
        touched: [participant({ id: String(EMPLOYEE), gone: true })],
      });
      expect(await ask(opened, "deleteCompany", at(COMPANY))).toMatchObject({
        status: 204,
        touched: [company({ id: String(COMPANY), gone: true }), participant({})],
      });
      expect(await ask(opened, "deleteUser", at(USER))).toMatchObject({ status: 204, touched: [] });
      expect(opened.sim.snapshot()).toEqual({ users: [], companies: [], participants: [] });
    },
  );
  test("archives the participant and dependents, and is remembered", async () => {
    const opened = await open();
    expect(await ask(opened, "archiveParticipant", at(EMPLOYEE))).toMatchObject({
      status: 200,
      body: { id: EMPLOYEE },
      confirm: String(EMPLOYEE),
      touched: [participant({ id: String(EMPLOYEE) })],
    });
    expect(opened.sim.books.snapshot().writes).toMatchObject([{ kind: "archive", id: EMPLOYEE, cascade: [DEPENDENT] }]);
  });
});
