/** What goes wrong with an operation, and what nobody may see. */
import { DEFAULT_APPLICATION } from "../../../simulators/plangrade";
import { createLists } from "../../../src/services/plangrade/remote/lists";
import { json, startLoopback, type Loopback } from "../http/loopback";
import { ACME, ANN, at, COMPANY, company, EMPLOYEE, participant, useAcme, USER } from "./acme";
import { ask } from "./ask";
import { Book } from "./book";

const open = useAcme();

describe("a call that must not be repeated", () => {
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
  ])("is not sent again, and may have been carried out: %s", async (id, route, body, touched) => {
    for (const kind of ["reset-after", "wrong-shape"] as const) {
      const opened = await open();
      opened.sim.faults.add({ kind, route });
      expect(await ask(opened, id, { body })).toMatchObject({ status: 502, code: "outcome_unknown", touched });
      expect(opened.routes()).toEqual([route]);
      await opened.close();
    }
  });

  test.each(["reset-after", "wrong-shape"] as const)("may have removed somebody (%s)", async (kind) => {
    const opened = await open();
    opened.sim.faults.add({ kind, form: "html", route: "DELETE /participants/:id" });
    expect(await ask(opened, "deleteParticipant", at(EMPLOYEE))).toMatchObject({
      status: 502,
      code: "outcome_unknown",
      touched: [participant({ id: String(EMPLOYEE) })],
    });
    expect(opened.routes()).toHaveLength(1);
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
    const { records } = opened.sim;
    const foreign = records.seedCompany({
      name: "Foreign",
      managers: [records.seedUser({ name: "Pat", email: "pat@example.com" }).id],
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
  let server: Loopback | undefined;
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });
  const body = { ...ANN, first_name: "Cy", company_id: COMPANY, employee_id: 0, ssn: "0456" };

  test("are in no answer, even where plangrade shows them, or repeats them in a refusal", async () => {
    const participant = { id: EMPLOYEE, ...ANN, ssn: "0456" };
    server = await startLoopback((request, response) => {
      if (request.method === "POST") json(response, 422, ["Ssn 0456 is taken, see 987-65-0456"]);
      else json(response, 200, request.url.includes("company_id") ? { participants: [participant] } : { participant });
    });
    const opened = await open();
    const { url } = server;
    const heard = [
      await ask(opened, "getParticipant", { ...at(EMPLOYEE), url }),
      await ask(opened, "updateParticipant", { ...at(EMPLOYEE), url, body: { employee_id: EMPLOYEE, ssn: "0456" } }),
      await ask(opened, "listParticipants", { url, query: { company_id: "4" } }),
      await ask(opened, "createParticipant", { url, body }),
    ];
    expect(heard.map(({ status }) => status)).toEqual([200, 200, 200, 422]);
    expect(heard[3]?.message).toContain("is taken");
    expect(`${JSON.stringify(heard)} ${opened.logged()}`).not.toMatch(/0456/);
  });

  test("are in no log line and no error", async () => {
    const opened = await open({ errors: "list" });
    await ask(opened, "createParticipant", { body });
    const refused = await ask(opened, "createParticipant", { body: { ...body, company_id: 9 } });
    await ask(opened, "createUser", { body: { name: "Kim", email: "kim@example.com" } });
    expect(refused.code).toBe("refused_by_plangrade");
    expect(opened.logged()).toContain("remote call");
    const said = `${refused.message} ${opened.logged()}`;
    expect(said).not.toMatch(/\b0456\b/);
    expect(said).not.toContain(DEFAULT_APPLICATION.secret);
    expect(said).not.toContain(opened.asker().auth.headers().authorization.slice(7));
  });
});
