import type { Wanted } from "../../../src/services/connection";
import { idsOf, knowing, many, openPlanhat, type PlanhatFixture, wanted } from "./planhat";

let planhat: PlanhatFixture;
beforeEach(async () => {
  planhat = await openPlanhat();
});
afterEach(() => planhat.close());

const findCompanies = (asked: readonly Wanted[], knowledge = knowing(["name"])) =>
  planhat.find("companies", asked, knowledge);
const findUsers = (asked: readonly Wanted[], knowledge = knowing([])) => planhat.find("endusers", asked, knowledge);
const seedCompanies = (count: number) =>
  many(count).map((n) => planhat.tenant().seedCompany({ name: `${n + 1}`, externalId: `c${n}` })._id);
const known = (ids: readonly string[], parentId?: string) =>
  ids.map((id) => ({ id, ...(parentId === undefined ? {} : { parentId }) }));

describe("finding companies", () => {
  it("looks up a few one by one and verifies every hit", async () => {
    const tenant = planhat.tenant();
    const owner = tenant.seedUser({ email: "o@x.example", nickName: "O" });
    const acme = tenant.seedCompany({ name: "Acme", externalId: "acme", owner: owner._id, custom: { "a.b": 1 } });
    tenant.seedCompany({ name: "Other", externalId: "other" });
    const found = await findCompanies(
      [wanted({ externalId: "acme" }), wanted({ externalId: "none" })],
      knowing(["name", "owner", "phase", "custom.a.b"]),
    );
    expect(found).toMatchObject({
      exhaustive: [true, true],
      records: [
        {
          id: acme._id,
          keys: { externalId: "acme" },
          complete: true,
          fields: { name: "Acme", owner: owner._id, phase: null, "custom.a.b": 1 },
        },
      ],
    });
    expect(found.problem).toBeUndefined();
    expect(planhat.calls()).toEqual({ "GET /leancompanies": 2, "GET /companies": 1 });
  });

  it("reads the whole lean list for more, and content in groups", async () => {
    seedCompanies(200);
    const found = await findCompanies(many(160).map((n) => wanted({ externalId: `c${n + 50}` })));
    expect(found.exhaustive).toEqual(Array(160).fill(true));
    expect(found.scan?.size).toBe(200);
    expect(found.records.filter((record) => record.complete)).toHaveLength(150);
    expect(planhat.calls()).toEqual({ "GET /leancompanies": 2, "GET /companies": 2 });
  });

  it("does not read content when only the identity matters", async () => {
    planhat.tenant().seedCompany({ name: "Acme", externalId: "acme" });
    const found = await findCompanies([wanted({ externalId: "acme" })], knowing(["name"], { identityOnly: true }));
    expect(found.records).toMatchObject([{ complete: false }]);
    expect(planhat.calls()).toEqual({ "GET /leancompanies": 1 });
  });

  it("reads content although the list ignores the filter", async () => {
    planhat.sim.configure({ companiesCompanyFilter: "ignored" });
    seedCompanies(30);
    const found = await findCompanies(many(10).map((n) => wanted({ externalId: `c${n}` })));
    expect(found.records.filter((record) => record.complete)).toHaveLength(10);
  });

  it("reads the remembered id only when nothing else fits", async () => {
    const tenant = planhat.tenant();
    const old = tenant.seedCompany({ name: "Acme", externalId: "old" });
    const found = await findCompanies([wanted({ externalId: "new" }, { hintId: old._id })]);
    expect(found).toMatchObject({ records: [{ id: old._id, keys: { externalId: "old" } }], exhaustive: [true] });
    const gone = await findCompanies([wanted({ externalId: "new" }, { hintId: "f".repeat(24) })]);
    expect(gone).toMatchObject({ records: [], exhaustive: [true] });
  });

  it.each([
    [{ kind: "status", status: 401, body: "no" }, "auth"],
    [{ kind: "status", status: 403, body: "no" }, "auth"],
    [{ kind: "status", status: 429, body: "no" }, "transient"],
    [{ kind: "status", status: 500, body: "no" }, "transient"],
    [{ kind: "wrong-shape", form: "object" }, "transient"],
  ] as const)("does not take %j for an absence", async (fault, kind) => {
    planhat.sim.faults.add(fault);
    const found = await findCompanies([wanted({ externalId: "acme" })]);
    expect(found).toMatchObject({ records: [], exhaustive: [false], problem: { scope: "lane", kind } });
  });
});

describe("finding endusers", () => {
  it("finds them by external id and e-mail inside their company only", async () => {
    const tenant = planhat.tenant();
    const [one = "", two = ""] = seedCompanies(2);
    const first = tenant.seedEnduser({ companyId: one, externalId: "1", email: "a@x.example", name: "A" });
    const second = tenant.seedEnduser({ companyId: two, externalId: "1", email: "b@x.example", name: "B" });
    const found = await findUsers(
      [wanted({ externalId: "1" }, { parentId: one }), wanted({ email: "B@x.example" }, { parentId: two })],
      knowing(["name", "companyId"]),
    );
    expect(idsOf(found.records)).toEqual([first._id, second._id].sort());
    expect(found).toMatchObject({ exhaustive: [true, true] });
    expect(found.records.map((record) => record.parentId)).toEqual([one, two]);
    expect(planhat.calls()).toEqual({ "GET /endusers": 1 });
  });

  it("asks for the e-mail address of those who are not in their company", async () => {
    const tenant = planhat.tenant();
    const [one = "", two = ""] = seedCompanies(2);
    const moved = tenant.seedEnduser({ companyId: two, email: "a+b@x.example" });
    const found = await findUsers([wanted({ email: "a+b@x.example" }, { parentId: one, fresh: true })]);
    expect(found).toMatchObject({ records: [{ id: moved._id, parentId: two }], exhaustive: [true] });
    expect(planhat.calls()).toEqual({ "GET /endusers": 2 });
  });

  it("scans everybody when that costs fewer calls", async () => {
    const tenant = planhat.tenant();
    const company = tenant.seedCompany({ name: "1" })._id;
    for (const n of many(2500)) tenant.seedEnduser({ companyId: company, email: `p${n}@x.example` });
    const other = tenant.seedCompany({ name: "2" })._id;
    const everybody = many(500).map((n) => wanted({ email: `p${n}@x.example` }, { parentId: other }));
    const unknownSize = await findUsers(everybody);
    expect(unknownSize.scan?.size).toBe(2500);
    expect(unknownSize.exhaustive).toEqual(Array(500).fill(true));
    expect(planhat.calls()).toEqual({ "GET /endusers": 3 });
    planhat.sim.books.reset();
    const few = await findUsers(everybody.slice(0, 2), knowing([], { scanSize: 2500 }));
    expect(few.scan).toBeUndefined();
    expect(few.exhaustive).toEqual([true, true]);
    expect(planhat.calls()).toEqual({ "GET /endusers": 3 });
  });

  it("gives up a scan of unknown length in favour of look-ups", async () => {
    const tenant = planhat.tenant();
    const company = tenant.seedCompany({ name: "1" })._id;
    const other = tenant.seedCompany({ name: "2" })._id;
    for (const n of many(9000)) tenant.seedEnduser({ companyId: company, email: `p${n}@x.example` });
    const some = many(4).map((n) => wanted({ email: `p${n + 8000}@x.example` }, { parentId: other }));
    const found = await findUsers(some);
    expect(found.scan).toBeUndefined();
    expect(found.exhaustive).toEqual([true, true, true, true]);
    expect(planhat.calls()).toEqual({ "GET /endusers": 1 + 3 + 4 });
  });

  it("steps back when rows disappear between two pages", async () => {
    const tenant = planhat.tenant();
    const company = tenant.seedCompany({ name: "1" })._id;
    const ids = many(4100).map((n) => tenant.seedEnduser({ companyId: company, email: `p${n}@x.example` })._id);
    let pages = 0;
    planhat.sim.on("answered", (call) => {
      pages += call.route === "GET /endusers" ? 1 : 0;
      if (pages === 1) for (const id of ids.slice(100, 700)) tenant.remove("endusers", id);
    });
    const found = await findUsers([wanted({ externalId: "x" }, { parentId: company })]);
    expect(found.exhaustive).toEqual([true]);
    expect(found.records).toHaveLength(4100);
  });

  it("shows what was read before a failure, and what is therefore not known", async () => {
    const tenant = planhat.tenant();
    const companies = many(150).map((n) => tenant.seedCompany({ name: String(n) })._id);
    for (const companyId of companies) tenant.seedEnduser({ companyId, email: `${companyId}@x.example` });
    let lists = 0;
    planhat.sim.faults.add({
      kind: "status",
      status: 401,
      route: (call) => call.route === "GET /endusers" && (lists += 1) > 1,
    });
    const all = companies.map((companyId) => wanted({ email: `${companyId}@x.example` }, { parentId: companyId }));
    const found = await findUsers(all);
    expect(found.records).toHaveLength(75);
    expect(found.exhaustive).toEqual([...Array<boolean>(75).fill(true), ...Array<boolean>(75).fill(false)]);
    expect(found.problem?.kind).toBe("auth");
  });

  it("notices archived records when the remembered id is read", async () => {
    const tenant = planhat.tenant();
    const companyId = tenant.seedCompany({ name: "1" })._id;
    const person = tenant.seedEnduser({ companyId, email: "a@x.example" });
    tenant.archive("endusers", person._id);
    const found = await findUsers([wanted({ email: "a@x.example" }, { parentId: companyId, hintId: person._id })]);
    expect(found.records).toMatchObject([{ id: person._id, archived: true }]);
  });
});

describe("reading known ids", () => {
  it.each(["404", "400", "200-null"] as const)(
    "tells present, gone and archived apart (missing = %s)",
    async (missing) => {
      planhat.sim.configure({ missing });
      const tenant = planhat.tenant();
      const companyId = tenant.seedCompany({ name: "1" })._id;
      const person = tenant.seedEnduser({ companyId, email: "a@x.example" });
      const archived = tenant.seedEnduser({ companyId, email: "b@x.example", archived: true });
      const read = await planhat.read("endusers", known([person._id, "f".repeat(24), archived._id]), ["email"]);
      expect(read.gone).toEqual(["f".repeat(24)]);
      expect(idsOf(read.records)).toEqual([person._id, archived._id].sort());
      expect(read.records.find((record) => record.id === archived._id)?.archived).toBe(true);
      const companies = await planhat.read("companies", known([companyId, "e".repeat(24)]), ["name"]);
      expect(companies).toMatchObject({ gone: ["e".repeat(24)], records: [{ id: companyId, fields: { name: "1" } }] });
    },
  );

  describe.each(["endusers", "licenses"] as const)("of %s, whose companies are known", (type) => {
    const route = `GET /${type}`;
    const single = `GET /${type}/:id`;
    const seed = (companyId: string, number: number) => {
      const tenant = planhat.tenant();
      const record = { companyId, externalId: `x-${number}` };
      return type === "endusers" ? tenant.seedEnduser(record) : tenant.seedLicense(record);
    };

    it("lists the companies, 75 in a call, and shows what else the lists hold", async () => {
      const companies = seedCompanies(100);
      const all = companies.flatMap((companyId, index) => many(5).map((at) => seed(companyId, index * 5 + at)));
      const some = all.filter((_, index) => index % 5 < 4);
      const asked = some.map(({ _id, companyId }) => ({ id: _id, parentId: String(companyId) }));
      const read = await planhat.read(type, asked, ["externalId"]);
      expect(read.gone).toEqual([]);
      expect(idsOf(read.records)).toEqual(all.map(({ _id }) => _id).sort());
      expect(read.records.every(({ complete }) => complete)).toBe(true);
      expect(planhat.calls()).toEqual({ [route]: 2 });
    });

    it("reads three one by one, whatever their companies hold", async () => {
      const [companyId = ""] = seedCompanies(1);
      const ids = many(3).map((number) => seed(companyId, number)._id);
      const read = await planhat.read(type, known(ids, companyId), []);
      expect(idsOf(read.records)).toEqual([...ids].sort());
      expect(planhat.calls()).toEqual({ [single]: 3 });
    });

    it("finds by its id what moved to another company, and says what is gone", async () => {
      const [here = "", there = ""] = seedCompanies(2);
      const ids = many(9).map((number) => seed(here, number)._id);
      const moved = seed(there, 99)._id;
      const gone = "f".repeat(24);
      const read = await planhat.read(type, known([...ids, moved, gone], here), []);
      expect(idsOf(read.records)).toEqual([...ids, moved].sort());
      expect(read.gone).toEqual([gone]);
      expect(planhat.calls()).toEqual({ [route]: 1, [single]: 2 });
    });

    it("gives a list up that is longer than it is worth", async () => {
      const [companyId = ""] = seedCompanies(1);
      const all = many(9_000).map((number) => seed(companyId, number)._id);
      const last = all.slice(-4);
      const read = await planhat.read(type, known(last, companyId), []);
      expect(idsOf(read.records)).toEqual(expect.arrayContaining([...last].sort()));
      expect(planhat.calls()).toEqual({ [route]: 2, [single]: 4 });
    });

    it("never takes a list that fails for an absence", async () => {
      const [companyId = ""] = seedCompanies(1);
      const ids = many(5).map((number) => seed(companyId, number)._id);
      planhat.sim.faults.add({ kind: "status", status: 500, route });
      const read = await planhat.read(type, known(ids, companyId), []);
      expect(read).toMatchObject({ records: [], gone: [], problem: { kind: "transient" } });
      expect(planhat.calls()).not.toHaveProperty([single]);
    });
  });

  it("never takes a failure for an absence", async () => {
    planhat.sim.faults.add({ kind: "status", status: 500 });
    const read = await planhat.read("endusers", known(["a".repeat(24)]), []);
    expect(read).toMatchObject({ records: [], gone: [], problem: { kind: "transient" } });
  });
});

describe("owners", () => {
  const company = (owner: string | undefined) => ({
    fields: { name: "A", ...(owner !== undefined && { owner }) },
    keys: {},
    cleared: [],
  });

  it("are given by id or e-mail address, and unknown ones skip the company", async () => {
    const user = planhat.tenant().seedUser({ email: "Owner@x.example" });
    const prepared = await planhat.prepare("companies", [
      company(user._id),
      company("owner@X.example"),
      company("nobody"),
      company(undefined),
      company(""),
    ]);
    expect(prepared).toMatchObject([
      { kind: "ready", fields: { owner: user._id } },
      { kind: "ready", fields: { owner: user._id } },
      { kind: "end", outcome: "skipped", reason: { code: "invalid_owner" } },
      { kind: "ready", fields: { name: "A" } },
      { kind: "ready", fields: { name: "A" } },
    ]);
    await planhat.prepare("companies", [company(user._id)]);
    expect(planhat.calls()).toEqual({ "GET /users": 1 });
    planhat.advance(600_001);
    await planhat.prepare("companies", [company(user._id)]);
    expect(planhat.calls()).toEqual({ "GET /users": 2 });
  });

  it("are not asked for when no record names one", async () => {
    await planhat.prepare("companies", [company(undefined)]);
    await planhat.prepare("endusers", [company("someone")]);
    expect(planhat.calls()).toEqual({});
  });

  it("delay only their own records when the list fails, and the failure is not kept", async () => {
    const user = planhat.tenant().seedUser({ email: "o@x.example" });
    const fault = planhat.sim.faults.add({ kind: "status", status: 500, route: "GET /users" });
    expect(await planhat.prepare("companies", [company(user._id), company(undefined)])).toMatchObject([
      { kind: "later" },
      { kind: "ready" },
    ]);
    fault.remove();
    const both = await Promise.all([1, 2].map(() => planhat.prepare("companies", [company(user._id)])));
    expect(both).toMatchObject([[{ kind: "ready" }], [{ kind: "ready" }]]);
    expect(planhat.calls()["GET /users"]).toBe(3 + 1);
  });
});
