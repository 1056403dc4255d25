import { createManualClock } from "../../simulators/loopback";
import { createAnswers, createPlanhatSimulator, type PlanhatSimulator } from "../../simulators/planhat";
import { call, list } from "./planhat-calls";

let sim: PlanhatSimulator;
beforeEach(async () => {
  sim = createPlanhatSimulator({ quotaPerMinute: null, clock: createManualClock(), clusters: ["api", "api-eu2"] });
  await sim.listen();
});
afterEach(() => sim.close());

const seedEndusers = (count: number): void => {
  const company = sim.tenant().seedCompany({ name: "Acme", externalId: "acme" });
  for (let index = 0; index < count; index += 1) {
    sim.tenant().seedEnduser({ email: `p${index}@example.com`, externalId: `${index}`, companyId: company._id });
  }
};

describe("credentials", () => {
  it("accepts Bearer and Basic with the token as user name, and answers everybody else 401", async () => {
    const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;
    const statusOf = async (authorization: string, path = "/companies") =>
      (await call(sim, "GET", path, undefined, authorization)).status;
    expect(await statusOf("Bearer planhat-token")).toBe(200);
    expect(await statusOf(basic("planhat-token:"))).toBe(200);
    expect(await statusOf(basic("planhat-token"))).toBe(401);
    expect(await statusOf("Bearer other")).toBe(401);
    expect(await statusOf("Bearer other", "/nothing/here")).toBe(401);
    expect(await statusOf("Bearer planhat-token", "/nothing/here")).toBe(404);
  });

  it("keeps clusters apart: a token of one is unknown on the other", async () => {
    sim.addTenant("eu-token", "api-eu2").seedCompany({ name: "Europa" });
    expect((await call(sim, "GET", "/api-eu2/companies")).status).toBe(401);
    const answer = await call(sim, "GET", "/api-eu2/companies", undefined, "Bearer eu-token");
    expect(answer.body).toMatchObject([{ name: "Europa" }]);
    expect(await list(sim, "/api/companies")).toEqual([]);
  });

  it("lets tokens be rotated, revoked and limited", async () => {
    seedEndusers(1);
    sim.rotateToken("planhat-token", "second");
    expect((await call(sim, "GET", "/endusers")).status).toBe(401);
    expect((await call(sim, "GET", "/endusers", undefined, "Bearer second")).body).toHaveLength(1);
    sim.limitToken("second", [{ model: "endusers", action: "read" }]);
    expect((await call(sim, "GET", "/endusers", undefined, "Bearer second")).status).toBe(403);
    expect((await call(sim, "GET", "/leancompanies", undefined, "Bearer second")).status).toBe(200);
    sim.revokeToken("second");
    expect((await call(sim, "GET", "/endusers", undefined, "Bearer second")).status).toBe(401);
  });
});

describe("lists", () => {
  it("pages with the default size, up to the maximum, in a stable order", async () => {
    seedEndusers(2_100);
    expect(await list(sim, "/endusers")).toHaveLength(100);
    expect(await list(sim, "/endusers?limit=9999")).toHaveLength(2_000);
    const rest = await list(sim, "/endusers?limit=2000&offset=2000&sort=_id");
    expect(rest).toHaveLength(100);
    expect(rest[0]?.["externalId"]).toBe("2000");
    expect(await list(sim, "/endusers?offset=5000")).toEqual([]);
    expect((await list(sim, "/endusers?sort=-_id&limit=1"))[0]?.["externalId"]).toBe("2099");
    expect((await list(sim, "/endusers?sort=email&limit=1"))[0]?.["email"]).toBe("p0@example.com");
  });

  it("keeps pages right while records come, change and go", async () => {
    seedEndusers(3);
    await list(sim, "/endusers?sort=_id");
    const tenant = sim.tenant();
    const [first, second] = [...tenant.endusers.keys()];
    tenant.seedEnduser({ externalId: "new" });
    tenant.edit("endusers", second ?? "", { phone: "1" });
    tenant.remove("endusers", first ?? "");
    const page = await list(sim, "/endusers?sort=_id&select=externalId,phone");
    expect(page.map(({ externalId, phone }) => [externalId, phone])).toEqual([
      ["1", "1"],
      ["2", undefined],
      ["new", undefined],
    ]);
  });

  it("filters endusers by companies and e-mail, and ignores filters that it does not know", async () => {
    seedEndusers(3);
    const other = sim.tenant().seedCompany({ name: "Other" });
    sim.tenant().seedEnduser({ email: "p0@example.com", companyId: other._id });
    const [acme = ""] = [...sim.tenant().companies.keys()];
    expect(await list(sim, `/endusers?companyId=${acme}`)).toHaveLength(3);
    expect(await list(sim, `/endusers?companyId=${acme},${other._id}`)).toHaveLength(4);
    expect(await list(sim, "/endusers?email=p0@example.com")).toHaveLength(2);
    expect(await list(sim, `/endusers?email=p0@example.com&companyId=${acme}`)).toHaveLength(1);
    expect(await list(sim, "/endusers?email=P0@example.com")).toEqual([]);
    expect(await list(sim, "/endusers?externalId=2")).toHaveLength(4);
    expect(await list(sim, "/companies?name=Other")).toHaveLength(2);
  });

  it("does not list archived records, but answers to their id", async () => {
    seedEndusers(2);
    const [id = ""] = [...sim.tenant().endusers.keys()];
    sim.tenant().archive("endusers", id);
    expect(await list(sim, "/endusers")).toHaveLength(1);
    expect((await call(sim, "GET", `/endusers/${id}`)).body).toMatchObject({ archived: true });
  });

  it("shows the lean list whole, filtered by external id, source id and status", async () => {
    for (let index = 0; index < 150; index += 1) {
      sim.tenant().seedCompany({ name: `C ${index}`, externalId: `${index}`, status: index < 2 ? "lost" : "customer" });
    }
    expect(await list(sim, "/leancompanies?limit=10")).toHaveLength(150);
    const [hit] = await list(sim, "/leancompanies?externalId=7");
    expect(Object.keys(hit ?? {})).toEqual(["_id", "name", "externalId"]);
    expect(await list(sim, "/leancompanies?status=lost,prospect")).toHaveLength(2);
    sim.configure({ leanPaging: "honoured" });
    expect(await list(sim, "/leancompanies?limit=10&offset=145")).toHaveLength(5);
  });

  it("shows references as objects on lists and as ids on single records", async () => {
    const user = sim.tenant().seedUser({ nickName: "Al", email: "al@example.com", roles: ["r1"] });
    const company = sim.tenant().seedCompany({ name: "Acme", owner: user._id, externalId: "a" });
    expect((await list(sim, "/companies"))[0]?.["owner"]).toEqual({ _id: user._id, nickName: "Al" });
    expect((await call(sim, "GET", `/companies/${company._id}`)).body).toMatchObject({ owner: user._id });
    expect((await list(sim, "/users"))[0]?.["roles"]).toMatchObject([{ _id: "r1" }]);
    expect((await call(sim, "GET", `/users/${user._id}`)).body).toMatchObject({ roles: ["r1"] });
    sim.configure({ listReferences: "ids", companyList: "lean" });
    const [bare] = await list(sim, "/companies");
    expect(bare).toMatchObject({ owner: user._id });
    expect(bare).not.toHaveProperty("externalId");
    expect(bare).not.toHaveProperty("updatedAt");
    expect((await list(sim, "/companies?select=externalId"))[0]).toEqual({ _id: company._id, externalId: "a" });
  });

  it("honours the company filter of /companies, or not", async () => {
    const [first] = ["A", "B"].map((name) => sim.tenant().seedCompany({ name }));
    expect(await list(sim, `/companies?companyId=${first?._id ?? ""}`)).toHaveLength(1);
    sim.configure({ companiesCompanyFilter: "ignored" });
    expect(await list(sim, `/companies?companyId=${first?._id ?? ""}`)).toHaveLength(2);
  });
});

describe("single records", () => {
  it("creates, reads, updates and deletes", async () => {
    const created = await call(sim, "POST", "/companies", { name: "Acme", externalId: "a/b" });
    const { _id: id } = created.body as { _id: string };
    expect((await call(sim, "GET", "/companies/extid-a%2Fb")).body).toMatchObject({ _id: id });
    const updated = await call(sim, "PUT", `/companies/${id}`, { phase: "Growth" });
    expect(updated).toMatchObject({ status: 200, body: { name: "Acme", phase: "Growth" } });
    expect((await call(sim, "DELETE", "/companies/extid-a%2Fb")).status).toBe(400);
    expect((await call(sim, "DELETE", `/companies/${id}`)).body).toMatchObject({ n: 1, ok: 1 });
    expect(await call(sim, "GET", `/companies/${id}`)).toMatchObject({ status: 404, text: "company not found" });
    expect(sim.books.snapshot().requests["GET /companies/:id"]).toEqual({ "200": 1, "404": 1 });
  });

  it.each(createAnswers)("answers a create with %s", async (createAnswer) => {
    sim.configure({ createAnswer });
    const answer = await call(sim, "POST", "/companies", { name: "Acme" });
    expect(answer.status).toBe(Number(createAnswer.slice(0, 3)));
    expect(answer.text === "").toBe(createAnswer.endsWith("empty"));
    expect(sim.tenant().companies.size).toBe(1);
  });

  it("creates a second record of the same identity and writes it into the books", async () => {
    for (let count = 0; count < 2; count += 1) await call(sim, "POST", "/companies", { name: "A", externalId: "a" });
    expect(sim.tenant().companies.size).toBe(2);
    expect(sim.books.snapshot().duplicates).toEqual(["companies a"]);
  });

  it("reports errors as bare text or JSON", async () => {
    const html = await call(sim, "POST", "/companies", { externalId: "nameless" });
    expect(html).toMatchObject({ status: 400, text: "Failed to create company: name is required", body: undefined });
    expect(html.headers.get("content-type")).toContain("text/html");
    sim.configure({ singleErrors: "json" });
    expect((await call(sim, "POST", "/companies", {})).body).toEqual({
      error: "Failed to create company: name is required",
    });
    sim.configure({ missing: "200-null" });
    expect(await call(sim, "GET", "/companies/none")).toMatchObject({ status: 200, body: null });
  });

  it("refuses _id in a company PUT, or ignores it", async () => {
    const { _id } = sim.tenant().seedCompany({ name: "Acme" });
    expect((await call(sim, "PUT", `/companies/${_id}`, { _id, phase: "x" })).status).toBe(400);
    sim.configure({ idInCompanyPut: "ignored" });
    expect((await call(sim, "PUT", `/companies/${_id}`, { _id, phase: "x" })).status).toBe(200);
  });

  it("serves users and custom fields, the latter without bulk", async () => {
    const user = { email: "a@example.com", firstName: "A", lastName: "B" };
    expect((await call(sim, "POST", "/users", user)).status).toBe(200);
    expect((await call(sim, "PUT", "/users", [{ ...user, email: "b@example.com" }])).status).toBe(400);
    const field = { name: "Days in Phase", type: "number", parent: "Company" };
    expect((await call(sim, "POST", "/customfields", field)).status).toBe(200);
    expect((await call(sim, "PUT", "/customfields", [field])).status).toBe(400);
    expect(await list(sim, "/customfields")).toMatchObject([field]);
  });
});

it("gives the same ids and states for the same seed", () => {
  const run = () => {
    const other = createPlanhatSimulator({ seed: 7, clock: createManualClock() });
    other.tenant().seedCompany({ name: "Acme", externalId: "acme" });
    other.tenant().seedEnduser({ email: "a@example.com", companyId: "extid-acme" });
    return other.snapshot();
  };
  expect(run()).toEqual(run());
  expect(run().companies[0]?._id).toMatch(/^[0-9a-f]{24}$/);
});

describe("users", () => {
  const ann = { email: "ann@rep.example", firstName: "Ann", lastName: "Lee", roles: ["5c0000000000000000000001"] };

  it("are created alone, without a nickname, and begin without a log-in of their own", async () => {
    const { status, body } = await call(sim, "POST", "/users", ann);
    expect([status, body]).toMatchObject([200, { ...ann, inactive: true, removed: false }]);
    for (const field of ["email", "firstName", "lastName"]) {
      const lacking = await call(sim, "POST", "/users", { ...ann, [field]: undefined });
      expect([lacking.status, lacking.text]).toEqual([400, `Failed to create user: ${field} is required`]);
    }
  });

  it("are read and changed by id, with roles as ids alone and as objects on the list", async () => {
    const { _id: id } = sim.tenant().seedUser(ann);
    expect((await call(sim, "GET", `/users/${id}`)).body).toMatchObject(ann);
    expect((await call(sim, "PUT", `/users/${id}`, { lastName: "Moe" })).body).toMatchObject({
      ...ann,
      lastName: "Moe",
    });
    expect(await list(sim, "/users")).toMatchObject([{ _id: id, lastName: "Moe", roles: [{ _id: ann.roles[0] }] }]);
    expect(await list(sim, `/users?email=${encodeURIComponent("bob@rep.example")}`)).toEqual([]);
    expect((await call(sim, "PUT", "/users/5d00000000000000000000ff", { lastName: "Moe" })).status).toBe(404);
  });
});
