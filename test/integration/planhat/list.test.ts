/** The full list through the connection, against a Planhat on loopback. */
import type { BudgetClass } from "../../../src/http/limits/budget";
import type { ListPage } from "../../../src/services/connection";
import { many, notedBudget, openPlanhat, type PlanhatFixture, type PlanhatFixtureOptions } from "./planhat";

let planhat: PlanhatFixture;
const open = async (options: PlanhatFixtureOptions = {}) => {
  planhat = await openPlanhat(options);
  return planhat.tenant();
};
/** So many endusers of one company, whose ids it answers. */
const openWith = async (count: number) => {
  const tenant = await open();
  const companyId = tenant.seedCompany({ name: "Acme" })._id;
  return many(count).map((n) => tenant.seedEnduser({ companyId, email: `p${n}@x.example` })._id);
};
afterEach(() => planhat.close());

async function readAll(type: string, fields: readonly string[] = []): Promise<readonly ListPage[]> {
  const pages: ListPage[] = [];
  let from: string | undefined;
  do {
    const page = await planhat.list(type, fields, from);
    expect(page.problem).toBeUndefined();
    pages.push(page);
    from = page.next;
  } while (from !== undefined);
  return pages;
}
const idsIn = (pages: readonly ListPage[]) => pages.flatMap((page) => page.rows.map(({ record }) => record.id));

describe("listing all records", () => {
  it("reads every enduser once but for the overlap, in one call a page", async () => {
    const ids = await openWith(4_500);
    const pages = await readAll("endusers", ["email", "companyId"]);
    expect(idsIn(pages)).toHaveLength(4_500 + 2);
    expect(new Set(idsIn(pages))).toEqual(new Set(ids));
    expect(planhat.calls()).toEqual({ "GET /endusers": 3 });
  });

  it("misses nobody when others are deleted meanwhile", async () => {
    const ids = await openWith(4_500);
    let pages = 0;
    planhat.sim.on("answered", () => {
      pages += 1;
      if (pages === 1) for (const id of ids.slice(100, 700)) planhat.tenant().remove("endusers", id);
    });
    expect(new Set(idsIn(await readAll("endusers")))).toEqual(new Set(ids));
  });

  it.each(["full", "lean"] as const)("sees all of a company where the list by itself is %s", async (companyList) => {
    const tenant = await open();
    planhat.sim.configure({ companyList });
    const owner = tenant.seedUser({ email: "o@x.example", firstName: "Ann", lastName: "Owner" })._id;
    const fields = { name: "Acme", externalId: "acme", owner, domains: ["acme.example"], custom: { "a.b": 0 } };
    const { _id } = tenant.seedCompany(fields);
    const [page] = await readAll("companies", ["owner", "custom.a.b"]);
    expect(page?.rows).toMatchObject([
      {
        record: {
          id: _id,
          keys: { externalId: "acme" },
          fields: { owner, "custom.a.b": 0 },
          updatedAtMs: expect.any(Number) as number,
        },
        claims: { external_id: "acme", domain: "acme.example" },
      },
    ]);
    expect(page?.rows[0]?.attributes).toEqual(
      expect.arrayContaining([
        { field: "_id", attribute: "planhat/id", value: _id },
        { field: "owner", attribute: "planhat/owner", value: owner },
        { field: "custom.a.b", attribute: "planhat/custom_a_b", value: 0 },
        { field: "name", attribute: "name", value: "Acme", setIfNull: true },
      ]),
    );
    expect(planhat.calls()).toEqual({ "GET /companies": 1 });
  });

  it("reads licenses for what is known of them alone", async () => {
    const tenant = await open();
    const companyId = tenant.seedCompany({ name: "Acme" })._id;
    tenant.seedLicense({ companyId, externalId: "l1", _currency: "EUR", fromDate: "2026-01-01T00:00:00Z", mrr: 5 });
    const [page] = await readAll("licenses", ["mrr", "externalId"]);
    expect(page?.rows).toMatchObject([
      { record: { parentId: companyId, fields: { mrr: 5, externalId: "l1" } }, claims: {}, attributes: [] },
    ]);
  });

  it("waits in the class of the fetch, the team members in that of the delivery", async () => {
    const asked: BudgetClass[] = [];
    const tenant = await open({ budget: notedBudget(asked), settings: { resolve_owners: true } });
    tenant.seedCompany({ name: "Acme" });
    await readAll("companies");
    await readAll("companies");
    await readAll("endusers");
    expect(asked).toEqual(["fetch", "delivery", "fetch", "fetch"]);
  });
});

describe("owners", () => {
  it("are told by name and address when that is asked for", async () => {
    const tenant = await open({ settings: { resolve_owners: true } });
    const owner = tenant.seedUser({ email: "o@x.example", firstName: "Ann", lastName: "Owner", removed: true })._id;
    tenant.seedCompany({ name: "Acme", owner });
    const [page] = await readAll("companies");
    expect(page?.rows[0]?.attributes).toEqual(
      expect.arrayContaining([
        { field: "owner.name", attribute: "planhat/owner_name", value: "Ann Owner" },
        { field: "owner.email", attribute: "planhat/owner_email", value: "o@x.example" },
        { field: "coOwner.name", attribute: "planhat/co_owner_name", value: null },
      ]),
    );
  });

  it("are told by id alone when the list of team members fails", async () => {
    const tenant = await open({ settings: { resolve_owners: true } });
    planhat.sim.faults.add({ kind: "status", status: 403, route: "GET /users" });
    tenant.seedCompany({ name: "Acme", owner: "u1" });
    const [page] = await readAll("companies");
    const told = page?.rows[0]?.attributes.map(({ attribute }) => attribute);
    expect(told).toContain("planhat/owner");
    expect(told).not.toContain("planhat/owner_name");
  });
});

describe("a list that cannot be read", () => {
  it.each([
    [401, "lane", "auth"],
    [403, "type", "auth"],
    [500, "lane", "transient"],
  ])("answers %i as a problem of the %s, without the token", async (status, scope, kind) => {
    await open();
    planhat.sim.faults.add({ kind: "status", status, body: "Bad token planhat-token" });
    const page = await planhat.list("companies", [], undefined);
    expect(page).toMatchObject({ rows: [], problem: { scope, kind } });
    expect(JSON.stringify(page)).not.toContain("planhat-token");
  });

  it("is read on from the same place afterwards", async () => {
    await openWith(2_100);
    const first = await planhat.list("endusers", [], undefined);
    const fault = planhat.sim.faults.add({ kind: "truncate" });
    expect(await planhat.list("endusers", [], first.next)).toMatchObject({
      rows: [],
      problem: { kind: "transient" },
    });
    fault.remove();
    const second = await planhat.list("endusers", [], first.next);
    expect(second.rows).toHaveLength(101);
    expect(second.next).toBeUndefined();
  });
});
