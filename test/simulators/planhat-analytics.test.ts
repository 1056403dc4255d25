import { createManualClock } from "../../simulators/loopback";
import {
  activityAnswers,
  createPlanhatSimulator,
  DEFAULT_TENANT_ID,
  type PlanhatSimulator,
} from "../../simulators/planhat";
import { call, type Answer } from "./planhat-calls";

const clock = createManualClock();
const now = new Date(clock.now()).toISOString();

let sim: PlanhatSimulator;
beforeEach(async () => {
  sim = createPlanhatSimulator({ clock });
  await sim.listen();
  sim.tenant().seedCompany({ _id: "acme-id", name: "Acme", externalId: "acme", domains: ["acme.example.com"] });
  sim.tenant().seedCompany({ _id: "globex-id", name: "Globex", externalId: "globex" });
  sim.tenant().seedEnduser({ _id: "ada", email: "ada@example.com", externalId: "1", companyId: "acme-id" });
});
afterEach(() => sim.close());

const send = (event: unknown, tenantId = DEFAULT_TENANT_ID): Promise<Answer> =>
  call(sim, "POST", `/analytics/${tenantId}`, event, "");
const sendAll = (events: unknown): Promise<Answer> =>
  call(sim, "POST", `/analytics/bulk/${DEFAULT_TENANT_ID}`, events, "");
const activities = () => sim.tenant().activities;
const signIn = { email: "ada@example.com", action: "Signed In", date: "2026-01-01T10:00:00Z" };

describe("an activity", () => {
  it("is recorded with its own date, needing no token", async () => {
    const answer = await send({ ...signIn, date: "2018-03-30 14:38:02 UTC", info: { plan: "free" }, weight: 3 });
    expect(answer.status).toBe(200);
    expect(activities()).toEqual([
      {
        enduserId: "ada",
        action: "Signed In",
        date: "2018-03-30T14:38:02.000Z",
        info: { plan: "free" },
        weight: 3,
        receivedAt: now,
      },
    ]);
    expect(sim.snapshot().activities).toEqual(activities());
    expect(sim.books.snapshot().requests).toEqual({ "POST /analytics/:tenant": { "200": 1 } });
  });

  it("gets the time of receipt, weight 1 and no action by default", async () => {
    await send({ externalId: "1", companyExternalId: "acme" });
    expect(activities()).toMatchObject([{ enduserId: "ada", action: null, date: now, weight: 1, info: {} }]);
  });

  it("finds its enduser inside the company that it names", async () => {
    const { _id } = sim.tenant().seedEnduser({ externalId: "1", email: "bob@example.com", companyId: "globex-id" });
    await send({ externalId: "1", companyExternalId: "globex" });
    await send({ externalId: "1", companyId: "extid-acme" });
    await send({ email: "bob@example.com" });
    expect(activities().map(({ enduserId }) => enduserId)).toEqual([_id, "ada", _id]);
    await send({ externalId: "1" });
    expect([_id, "ada"]).toContain(activities()[3]?.enduserId);
  });

  it("creates an unknown enduser whose company is named or owns the domain", async () => {
    await send({ ...signIn, firstName: "Ada", lastName: "L", companyExternalId: "globex" });
    await send({ email: "new@acme.example.com", action: "Signed In" });
    const made = [...sim.tenant().endusers.values()].slice(1);
    expect(made).toMatchObject([
      { email: "ada@example.com", name: "Ada L", companyId: "globex-id" },
      { email: "new@acme.example.com", companyId: "acme-id" },
    ]);
    expect(activities().map(({ enduserId }) => enduserId)).toEqual(made.map(({ _id }) => _id));
    expect(sim.books.snapshot()).toMatchObject({ created: { endusers: 2 }, activities: 2 });
  });

  it.each([
    ["an unknown enduser without company", { email: "who@example.com" }],
    ["a company that does not exist", { ...signIn, companyExternalId: "nobody" }],
    ["no key", { action: "Signed In", companyExternalId: "acme" }],
    ["a date that nobody can read", { ...signIn, date: "soon" }],
  ])("is dropped without a word for %s", async (_, event) => {
    expect((await send(event)).status).toBe(200);
    expect(activities()).toEqual([]);
    expect(sim.tenant().endusers.size).toBe(1);
    expect(sim.books.snapshot()).toMatchObject({ activities: 0, droppedActivities: 1 });
  });

  it("is recorded twice when sent twice, which the books note", async () => {
    await send({ ...signIn, info: { a: 1, b: { c: 2, d: 3 } } });
    await send({ ...signIn, info: { b: { d: 3, c: 2 }, a: 1 } });
    await send({ ...signIn, info: { a: 2 } });
    expect(activities()).toHaveLength(3);
    expect(sim.books.snapshot()).toMatchObject({
      activities: 3,
      duplicateActivities: ["ada Signed In 2026-01-01T10:00:00.000Z"],
    });
  });

  it.each(activityAnswers)("is answered with %s", async (activityAnswer) => {
    sim.configure({ activityAnswer });
    const { status, text } = await send(signIn);
    expect([status, text]).toEqual([Number(activityAnswer.slice(0, 3)), activityAnswer.endsWith("empty") ? "" : "{}"]);
  });
});

describe("the analytics host", () => {
  it("takes arrays on its bulk route, in the names that the switch says", async () => {
    expect((await sendAll([signIn, { email: "who@example.com" }, "nonsense"])).status).toBe(200);
    sim.configure({ bulkActivityNames: "2017" });
    await sendAll([{ id: "1", cId: "acme", count: 4 }]);
    await sendAll([{ externalId: "1" }]);
    sim.configure({ bulkActivityNames: "2023" });
    await sendAll([{ euExtId: "1", count: 5 }]);
    expect(activities().map(({ weight }) => weight)).toEqual([1, 4, 5]);
    expect(sim.books.snapshot()).toMatchObject({ activities: 3, droppedActivities: 3, bulkCalls: 0 });
    expect(sim.books.snapshot().requests).toEqual({ "POST /analytics/bulk/:tenant": { "200": 4 } });
  });

  it("refuses an array on the single route and an object on the bulk route", async () => {
    expect((await send([signIn])).status).toBe(400);
    expect((await sendAll(signIn)).status).toBe(400);
  });

  it("answers 404 for a tenant that nobody has, or takes and forgets", async () => {
    expect((await send(signIn, "0b7e1f3a-0000-4000-8000-00000000dead")).status).toBe(404);
    sim.configure({ unknownTenant: "ignored" });
    expect((await send(signIn, "0b7e1f3a-0000-4000-8000-00000000dead")).status).toBe(200);
    expect(sim.books.snapshot()).toMatchObject({ activities: 0, droppedActivities: 1 });
  });

  it("knows each tenant by a UUID of its own", async () => {
    const other = sim.addTenant("other-token");
    const chosen = sim.addTenant("third-token", "api", "0b7e1f3a-0000-4000-8000-000000000003");
    expect(sim.tenant().tenantId).toBe(DEFAULT_TENANT_ID);
    expect(other.tenantId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    chosen.seedCompany({ name: "Acme", externalId: "acme" });
    await send({ ...signIn, companyExternalId: "acme" }, chosen.tenantId);
    expect([activities().length, other.activities.length, chosen.activities.length]).toEqual([0, 0, 1]);
  });

  it("has no quota and takes nothing from that of the main host", async () => {
    sim.setQuota(1);
    for (let count = 0; count < 3; count += 1) expect((await send(signIn)).status).toBe(200);
    expect((await call(sim, "GET", "/companies")).status).toBe(200);
    expect((await call(sim, "GET", "/companies")).status).toBe(429);
    expect(sim.books.snapshot()).toMatchObject({ calls: 5, maximumCallsPerMinute: 2 });
  });

  it("has faults and hooks: the answer may be lost after or before the work", async () => {
    const route = "POST /analytics/:tenant";
    const seen: string[] = [];
    sim.on("applied", (applied) => void seen.push(applied.route));
    sim.faults.add({ kind: "status", status: 503, route, count: 1 });
    expect((await send(signIn)).status).toBe(503);
    sim.faults.add({ kind: "reset-before", route, count: 1 });
    await expect(send(signIn)).rejects.toThrow();
    expect(activities()).toHaveLength(0);
    for (const kind of ["reset-after", "truncate"] as const) {
      sim.faults.add({ kind, route, count: 1 });
      await expect(send(signIn)).rejects.toThrow();
    }
    expect(activities()).toHaveLength(2);
    expect(seen).toEqual([route, route]);
    expect(sim.books.snapshot().requests[route]).toEqual({
      "503": 1,
      "reset-before": 1,
      "reset-after": 1,
      truncate: 1,
    });
  });
});
