/** What of a call is refused before anything is sent, and what passes. */
import { ask, usePlangrade } from "./ask";

const open = usePlangrade();

const OF_ONE = { parameters: { id: "7" } };
const USER = { name: "Olive", email: "olive@acme.example" };
const COMPANY = { name: "Acme", ein: "012345678" };
const ANN = {
  company_id: 20001,
  employee_id: 0,
  first_name: "Ann",
  last_name: "Lee",
  street1: "1 Main St",
  city: "Boston",
  state: "MA",
  zip: "02139",
  dob: "1980-01-31",
  ssn: "0123",
};

describe("is refused before anything is sent, each error at its field:", () => {
  test.each<readonly [string, unknown, readonly string[]]>([
    ["createUser", [], ["(body)"]],
    ["createUser", {}, ["name", "email"]],
    ["createUser", { name: " ", email: "olive" }, ["name", "email"]],
    ["createUser", { ...USER, id: 7 }, ["id"]],
    ["updateUser", { name: "Olive" }, ["email"]],
    ["updateUser", { ...USER, id: 8 }, ["id"]],
    ["createCompany", {}, ["name", "ein"]],
    ["createCompany", { ...COMPANY, ein: "01-2345678" }, ["ein"]],
    ["createCompany", { name: null, ein: "" }, ["name", "ein"]],
    ["updateCompany", { name: "Acme" }, ["ein"]],
    ["updateCompany", { ...COMPANY, id: "8" }, ["id"]],
    [
      "createParticipant",
      {},
      ["first_name", "last_name", "street1", "city", "state", "zip", "dob", "company_id", "employee_id"],
    ],
    ["createParticipant", { ...ANN, ssn: undefined }, ["ssn"]],
    ["createParticipant", { ...ANN, ssn: "", zip: "2139" }, ["ssn", "zip"]],
    ["createParticipant", { ...ANN, ssn: "123456789" }, ["ssn"]],
    ["createParticipant", { ...ANN, phone: "617-555-0100", email: "ann" }, ["phone", "email"]],
    ["createParticipant", { ...ANN, dob: "1980-02-30" }, ["dob"]],
    ["createParticipant", { ...ANN, dob: "01/31/1980", zip: "02139-1234" }, ["dob", "zip"]],
    ["createParticipant", { ...ANN, company_id: "acme", employee_id: -1 }, ["company_id", "employee_id"]],
    ["updateParticipant", {}, ["employee_id"]],
    ["updateParticipant", { employee_id: 0 }, ["employee_id"]],
    ["updateParticipant", { employee_id: 7, city: "", zip: null, phone: true }, ["city", "zip", "phone"]],
    ["updateParticipant", { employee_id: 7, id: 8 }, ["id"]],
  ])("%s %j", async (id, body, fields) => {
    const opened = await open();
    const answer = await ask(opened, id, { ...OF_ONE, body });
    const kind = id.replace(/^(?:create|update)/, "").toLowerCase();
    expect(answer).toMatchObject({ status: 400, code: `invalid_${kind}` });
    expect([...(answer.fields ?? [])].sort()).toEqual([...fields].sort());
    expect(opened.routes()).toEqual([]);
  });

  test.each(["", "0", "07", "abc", "7/archive", "..", "1e3"])("an id such as %j", async (id) => {
    const opened = await open();
    for (const [operation, kind] of [
      ["deleteUser", "user"],
      ["getCompany", "company"],
      ["archiveParticipant", "participant"],
    ] as const) {
      expect(await ask(opened, operation, { parameters: { id } })).toMatchObject({
        code: `invalid_${kind}_id`,
        fields: ["id"],
      });
    }
    expect(opened.routes()).toEqual([]);
  });

  test.each([{}, { company_id: "" }, { company_id: "acme" }, { company_id: ["1", "2"] }])(
    "a list of participants of %j",
    async (query) => {
      const opened = await open();
      const answer = await ask(opened, "listParticipants", { query });
      expect(answer).toMatchObject({ status: 400, code: "invalid_query", fields: ["company_id"] });
      expect(opened.routes()).toEqual([]);
    },
  );
});

test("values are not repeated in what is said", async () => {
  const body = { ...ANN, ssn: "98A6", dob: "soon", email: "ann-at-acme" };
  const { message } = await ask(await open(), "createParticipant", { body });
  expect(message).not.toMatch(/98A6|soon|ann-at-acme/);
  expect(message).toContain("ssn must have the last four digits alone");
});

test.each([
  { ...ANN, email: "", phone: "", street2: null },
  { ...ANN, company_id: "20001", employee_id: "0", phone: 6175550100, ssn: 1234, email: "ann@acme.example" },
])("described fields pass in every form that plangrade takes: %j", async (body) => {
  const opened = await open({ bodies: "both" });
  opened.sim.records.seedCompany({ name: "Acme" });
  expect(await ask(opened, "createParticipant", { body, settings: { body_format: "json" } })).toMatchObject({
    status: 201,
  });
  expect(opened.calls.at(-1)?.body).toEqual(body);
});

test("fields that are not described are passed on as they are", async () => {
  const opened = await open({ bodies: "both" });
  const more = { title: "CEO", remote: true, tags: ["a", { b: 1 }] };
  await ask(opened, "createCompany", { body: { ...COMPANY, ...more }, settings: { body_format: "json" } });
  await ask(opened, "createCompany", { body: { ...COMPANY, ...more } });
  const [asJson, asForm] = opened.calls.map(({ body }) => body);
  expect(asJson).toEqual({ ...COMPANY, ...more });
  expect(Object.fromEntries(new URLSearchParams(String(asForm)))).toEqual({
    ...COMPANY,
    title: "CEO",
    remote: "true",
    tags: '["a",{"b":1}]',
  });
});
