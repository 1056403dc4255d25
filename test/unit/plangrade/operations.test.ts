/** What people and programs may call through us: what is sent, what is answered, and what is remembered. */
import { DEFAULT_APPLICATION } from "../../../simulators/plangrade";
import { createLists } from "../../../src/services/plangrade/remote/lists";
import { COMPANIES, PARTICIPANTS } from "../../../src/services/plangrade/objects";
import { ask, usePlangrade, type Opened } from "./ask";
import { Book } from "./book";

const openEmpty = usePlangrade();

const OLIVE = { name: "Olive Operator", email: "olive@example.com" };
const ACME = { name: "Acme", ein: "012345678" };
const ANN = {
  first_name: "Ann",
  last_name: "Lee",
  street1: "1 Main St",
  city: "Boston",
  state: "MA",
  zip: "02139",
  dob: "1980-01-31",
};
const USER = 1001;
const COMPANY = 20001;
const EMPLOYEE = 300001;
const DEPENDENT = 300002;

const at = (id: number) => ({ parameters: { id: String(id) } });
const company = (more: object) => ({ type: COMPANIES.name, ...more });
const participant = (more: object) => ({ type: PARTICIPANTS.name, ...more });

/** Acme with Ann and her child. */
async function open(...given: Parameters<typeof openEmpty>): Promise<Opened> {
  const opened = await openEmpty(...given);
  const { records } = opened.sim;
  records.seedCompany({ ...ACME, grade: "A+" });
  records.seedParticipant(COMPANY, { ...ANN, ssn: "0123" });
  records.seedParticipant(COMPANY, { ...ANN, first_name: "Bo", employee_id: EMPLOYEE });
  return opened;
}

test("every operation stands under its path, and whatever cannot be undone is confirmed with the id", async () => {
  const shown = (await openEmpty()).operations().map(({ id, method, path, confirm }) => {
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
  const declared = (await openEmpty()).operations().find((each) => each.id === id);
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

  test.each<readonly [string, string, object, readonly object[]]>([
    ["createUser", "POST /users", { name: "Pat", email: "pat@example.com" }, []],
    [
      "createCompany",
      "POST /companies",
      { name: "Other", ein: "987654321" },
      [company({ key: { name: "ein", value: "987654321" } })],
    ],
    [
      "createParticipant",
      "POST /participants",
      { ...ANN, first_name: "Cy", email: "Cy@acme.example", company_id: COMPANY, employee_id: 0, ssn: "0456" },
      [
        participant({ key: { name: "email", value: "cy@acme.example" } }),
        participant({ key: { name: "name_and_dob", value: "cy lee 1980-01-31" } }),
      ],
    ],
  ])("whose answer is lost is not sent again: %s", async (id, route, body, touched) => {
    for (const kind of ["reset-after", "wrong-shape"] as const) {
      const opened = await open();
      opened.sim.faults.add({ kind, route });
      expect(await ask(opened, id, { body })).toMatchObject({ status: 502, code: "outcome_unknown", touched });
      expect(opened.routes()).toEqual([route]);
      await opened.close();
    }
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

  test.each(["reset-after", "wrong-shape"] as const)(
    "may have been done when the answer is lost (%s)",
    async (kind) => {
      const opened = await open();
      opened.sim.faults.add({ kind, form: "html", route: "DELETE /participants/:id" });
      expect(await ask(opened, "deleteParticipant", at(EMPLOYEE))).toMatchObject({
        status: 502,
        code: "outcome_unknown",
        touched: [participant({ id: String(EMPLOYEE) })],
      });
      expect(opened.routes()).toHaveLength(1);
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

  test.each(["reset-after", "rate-limit", "status"] as const)("archives once, in spite of %s", async (kind) => {
    const opened = await open();
    opened.sim.faults.add({ kind, status: 503, route: "GET /participants/archive" });
    const code = kind === "rate-limit" ? "plangrade_busy" : "outcome_unknown";
    expect(await ask(opened, "archiveParticipant", at(EMPLOYEE))).toMatchObject({ code });
    expect(opened.routes()).toEqual(["GET /participants/archive"]);
  });
});

describe("trouble at plangrade:", () => {
  test.each([404, 410] as const)("what is gone is 404 (%i)", async (deleted) => {
    const opened = await open({ deleted });
    opened.sim.records.remove("company", COMPANY);
    for (const [id, code] of [
      ["getCompany", "company_not_found"],
      ["deleteCompany", "company_not_found"],
      ["listParticipants", "company_not_found"],
    ] as const) {
      const query = id === "listParticipants" ? { company_id: String(COMPANY) } : {};
      expect(await ask(opened, id, { ...at(COMPANY), query })).toMatchObject({ status: 404, code, touched: [] });
    }
    for (const id of ["getParticipant", "archiveParticipant"]) {
      expect(await ask(opened, id, at(EMPLOYEE))).toMatchObject({ status: 404, code: "participant_not_found" });
    }
    expect(await ask(opened, "getUser", at(USER + 1))).toMatchObject({ status: 404, code: "user_not_found" });
  });

  test.each(["array", "list", "fields"] as const)("a refusal has plangrade's words (%s)", async (errors) => {
    const opened = await open({ errors, invalid: 422 });
    const answer = await ask(opened, "createCompany", { body: ACME });
    expect(answer).toMatchObject({ status: 422, code: "refused_by_plangrade", touched: [] });
    expect(answer.message).toMatch(/ein has already been taken/i);
  });

  test.each(["html", "empty"] as const)("a refusal may have none (%s)", async (errors) => {
    const answer = await ask(await open({ errors }), "createCompany", { body: ACME });
    expect(answer).toMatchObject({ status: 400, code: "refused_by_plangrade" });
    expect(answer.message).toBe("plangrade refuses it: No reason was given.");
  });

  test("a refused token, a refused application and a missing right are 502, and say what to do", async () => {
    const opened = await open({ foreign: 403 });
    const { seedUser, seedCompany } = opened.sim.records;
    const foreign = seedCompany({
      name: "Foreign",
      managers: [seedUser({ name: "Pat", email: "pat@example.com" }).id],
    });
    const body = { name: "Kim", email: "kim@example.com" };
    const settings = { application_secret: "another-secret-0123" };
    for (const [answer, words] of [
      [await ask(opened, "listCompanies", { token: "stale" }), "Grant access again"],
      [await ask(opened, "createUser", { body, settings }), "Check Application key and Application secret"],
      [await ask(opened, "getCompany", at(foreign.id)), "Check in plangrade what they manage"],
    ] as const) {
      expect(answer).toMatchObject({ status: 502, code: "plangrade_token_refused" });
      expect(answer.message).toContain(words);
    }
  });

  test("a call that is not answered ends in time", async () => {
    const opened = await open();
    opened.sim.faults.add({ kind: "stall", count: 1, route: "GET /companies" });
    const list = opened.operations(300).find(({ id }) => id === "listCompanies");
    const input = { parameters: undefined, query: undefined, body: undefined };
    await expect(list?.run(opened.asker(), input)).rejects.toMatchObject({
      status: 502,
      code: "plangrade_unavailable",
    });
  });
});

test("lists that look-ups keep are forgotten by whatever writes, and by nothing else", async () => {
  const opened = await open();
  const book = new Book();
  book.company(COMPANY, ACME);
  const lists = createLists(() => 0);
  opened.shared.lists.set(opened.asker().target.fingerprint, lists);
  const listed = async (): Promise<number> => {
    await lists.participants(book.rest, String(COMPANY), false);
    return book.calls.length;
  };
  expect(await listed()).toBe(1);
  await ask(opened, "listParticipants", { query: { company_id: String(COMPANY) } });
  expect(await listed()).toBe(1);
  const body = { ...ANN, first_name: "Cy", company_id: COMPANY, employee_id: 0, ssn: "0456" };
  await ask(opened, "createParticipant", { body });
  expect(await listed()).toBe(2);
  opened.sim.faults.add({ kind: "reset-after", route: "DELETE /participants/:id" });
  await ask(opened, "deleteParticipant", at(EMPLOYEE));
  expect(await listed()).toBe(3);
});

describe("digits of a social security number, and credentials,", () => {
  const body = { ...ANN, first_name: "Cy", company_id: COMPANY, employee_id: 0, ssn: "0456" };

  test("are in no answer, even where plangrade shows them", async () => {
    const opened = await open({ updates: "partial" });
    opened.sim.faults.add({ kind: "wrong-shape", count: 0 });
    await ask(opened, "createParticipant", { body });
    const { body: one } = await ask(opened, "getParticipant", at(DEPENDENT + 1));
    expect(JSON.stringify(one)).not.toContain("ssn");
  });

  test("are in no log line and no error", async () => {
    const opened = await open({ errors: "list" });
    await ask(opened, "createParticipant", { body });
    const refused = await ask(opened, "createParticipant", { body: { ...body, company_id: 9 } });
    await ask(opened, "createUser", { body: { name: "Kim", email: "kim@example.com" } });
    expect(refused.code).toBe("refused_by_plangrade");
    const said = `${refused.message} ${opened.logged()}`;
    expect(said).not.toMatch(/\b0456\b/);
    expect(said).not.toContain(DEFAULT_APPLICATION.secret);
    expect(said).not.toContain(opened.asker().auth.headers().authorization.slice(7));
  });
});
