import { createManualClock } from "../../simulators/loopback";
import { createPlanhatSimulator, type PlanhatSimulator } from "../../simulators/planhat";
import { bulk, call, list } from "./planhat-calls";

let sim: PlanhatSimulator;
beforeEach(async () => {
  sim = createPlanhatSimulator({ quotaPerMinute: null, clock: createManualClock() });
  await sim.listen();
  sim.tenant().seedCompany({ _id: "acme-id", name: "Acme", externalId: "acme" });
  sim.tenant().seedCompany({ _id: "globex-id", name: "Globex", externalId: "globex" });
});
afterEach(() => sim.close());

const license = (externalId: string, fields: Record<string, unknown> = {}) => ({
  externalId,
  companyId: "extid-acme",
  _currency: "USD",
  fromDate: "2026-01-01T00:00:00.000Z",
  mrr: 100,
  ...fields,
});

describe("licenses", () => {
  it("are created, read, changed and deleted one by one", async () => {
    const created = await call(sim, "POST", "/licenses", license("l1", { product: "Core" }));
    expect(created).toMatchObject({ status: 200, body: { companyId: "acme-id", companyName: "Acme", mrr: 100 } });
    const { _id: id } = created.body as { _id: string };
    expect((await call(sim, "GET", "/licenses/extid-l1")).body).toMatchObject({ _id: id });
    expect((await call(sim, "PUT", `/licenses/${id}`, { mrr: 200 })).body).toMatchObject({ mrr: 200, product: "Core" });
    expect((await call(sim, "DELETE", `/licenses/${id}`)).body).toMatchObject({ n: 1 });
    expect(await call(sim, "GET", `/licenses/${id}`)).toMatchObject({ status: 404, text: "license not found" });
  });

  it("are listed by pages of 100 up to 2,000, for one or several companies", async () => {
    for (let index = 0; index < 2_001; index += 1) {
      sim.tenant().seedLicense(license(`l${index}`, index < 3 ? { companyId: "extid-globex" } : {}));
    }
    expect(await list(sim, "/licenses")).toHaveLength(100);
    expect(await list(sim, "/licenses?limit=9999")).toHaveLength(2_000);
    expect(await list(sim, "/licenses?companyId=globex-id")).toHaveLength(3);
    expect(await list(sim, "/licenses?companyId=globex-id,acme-id&offset=2000")).toHaveLength(1);
    expect((await list(sim, "/licenses?companyId=globex-id&select=externalId"))[0]).toMatchObject({ externalId: "l0" });
  });

  it("keep their external ids apart by company, whatever the reach of those of endusers", async () => {
    sim.configure({ externalIdScope: "global" });
    const pair = [license("1"), license("1", { companyId: "globex-id" })];
    expect((await bulk(sim, "/licenses", pair)).envelope).toMatchObject({ created: 2 });
    const { envelope } = await bulk(sim, "/licenses", [license("1", { companyId: "extid-globex", mrr: 5 })]);
    expect(envelope).toMatchObject({ created: 0, updated: 1, updatesKeys: [{ externalId: "1" }] });
    expect([...sim.tenant().licenses.values()].map(({ companyId, mrr }) => [companyId, mrr])).toEqual([
      ["acme-id", 100],
      ["globex-id", 5],
    ]);
  });

  it("match _id before sourceId before externalId, and count what changes nothing", async () => {
    const byId = sim.tenant().seedLicense(license("a"));
    const bySource = sim.tenant().seedLicense(license("b", { sourceId: "s" }));
    const { envelope } = await bulk(sim, "/licenses", [
      { _id: byId._id, sourceId: "new", mrr: 1 },
      { sourceId: "s", companyId: "acme-id", mrr: 100 },
    ]);
    expect(envelope).toMatchObject({ modified: [byId._id], nonupdates: 1 });
    expect(bySource["mrr"]).toBe(100);
    expect(sim.books.snapshot()).toMatchObject({ created: { licenses: 0 }, updated: { licenses: 1 }, noOpWrites: 1 });
  });

  it.each([
    [{ companyId: undefined }, "companyId is required"],
    [{ companyId: "extid-nobody" }, "companyId not found"],
    [{ _currency: "" }, "_currency is required"],
    [{ fromDate: null }, "fromDate is required"],
    [{ mrr: undefined, value: 1_200 }, "mrr is required"],
    [{ mrr: undefined, fixedPeriod: true }, "value or mrr is required"],
  ])("are refused with %j", async (fields, message) => {
    const { status, envelope } = await bulk(sim, "/licenses", [license("bad", fields), license("good")]);
    expect(status).toBe(206);
    expect(envelope).toMatchObject({ created: 1, createdErrors: [{ externalId: "bad", message }] });
    expect(sim.tenant().licenses.size).toBe(1);
  });

  it.each([{ value: 1_200, mrr: undefined }, { mrr: 100 }])("of a fixed period are content with %j", async (price) => {
    const { envelope } = await bulk(sim, "/licenses", [license("l", { fixedPeriod: true, ...price })]);
    expect(envelope.created).toBe(1);
  });

  it("show their currency as text or as an object, and keep the text", async () => {
    sim.configure({ currencyForm: "object" });
    const { _id } = sim.tenant().seedLicense(license("l"));
    expect((await list(sim, "/licenses"))[0]?.["_currency"]).toMatchObject({ symbol: "USD" });
    expect((await call(sim, "GET", `/licenses/${_id}`)).body).toMatchObject({ _currency: { symbol: "USD" } });
    const { envelope } = await bulk(sim, "/licenses", [{ _id, _currency: "USD" }]);
    expect(envelope.nonupdates).toBe(1);
    expect(sim.snapshot().licenses[0]?.["_currency"]).toBe("USD");
  });

  it("are booked as duplicates when made twice in one company, and refused twice in one payload", async () => {
    await call(sim, "POST", "/licenses", license("l"));
    await call(sim, "POST", "/licenses", license("l", { companyId: "globex-id" }));
    expect(sim.books.snapshot().duplicates).toEqual([]);
    await call(sim, "POST", "/licenses", license("l"));
    expect(sim.books.snapshot()).toMatchObject({ created: { licenses: 3 }, duplicates: ["licenses l"] });
    expect((await bulk(sim, "/licenses", [license("x"), license("x", { companyId: "acme-id" })])).status).toBe(400);
  });

  it("can be poisoned and barred like every other model", async () => {
    sim.poison({ type: "licenses", field: "externalId", value: "bad" }, "no");
    expect((await bulk(sim, "/licenses", [license("bad"), license("good")])).status).toBe(206);
    sim.limitToken("planhat-token", [{ model: "licenses", action: "create" }]);
    expect((await bulk(sim, "/licenses", [license("new")])).status).toBe(403);
  });
});
