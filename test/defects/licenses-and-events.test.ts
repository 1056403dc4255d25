/** Known defects of hull-planhat 0.1.7 in licenses and tracked events: each must not happen here. */
import { accountMessage, ACME, minute, openStage, userMessage, type Stage } from "./acme";

let fixture: Stage;
afterEach(() => fixture.close());

const row = (hull_field_name: string, service_field_name: string) => ({ hull_field_name, service_field_name });

const LICENSES = {
  account_licenses_attribute: "licenses",
  account_licenses_attributes_outbound: [
    row("id", "externalId"),
    row("currency", "_currency"),
    row("start", "fromDate"),
    row("mrr", "mrr"),
  ],
};

const licenses = (mrr = 10) => [1, 2].map((id) => ({ id: `l-${id}`, currency: "EUR", start: "2026-01-01", mrr }));

const writes = (path: string) =>
  fixture.calls.filter(({ method, path: called }) => method !== "GET" && called.includes(path));

test("C10: the table of custom license attributes is applied, names taken as they are", async () => {
  fixture = await openStage({
    settings: {
      ...LICENSES,
      account_licenses_custom_attributes_outbound: [row("seats", "Seats"), row("tier", "Plan [2026].Tier")],
    },
  });
  await fixture.deliver("account:update", [
    accountMessage({ licenses: licenses().map((each) => ({ ...each, seats: 0, tier: "Gold" })) }),
  ]);
  const custom = { Seats: 0, "Plan [2026].Tier": "Gold" };
  expect(fixture.planhat.snapshot().licenses.map((each) => each["custom"])).toEqual([custom, custom]);
});

describe("C13: licenses", () => {
  test("are not sent again when nothing about them changed", async () => {
    fixture = await openStage({ settings: LICENSES });
    for (const [index, name] of ["Acme", "Acme", "Acme 2"].entries()) {
      await fixture.deliver("account:update", [
        accountMessage({ name, licenses: licenses(), indexed_at: minute(index) }),
      ]);
    }
    expect(writes("/licenses")).toHaveLength(1);
    expect(writes("/companies")).toHaveLength(2);
    expect(fixture.planhat.books.snapshot().noOpWrites).toBe(0);
  });

  test("do not go to a company that Planhat refused", async () => {
    fixture = await openStage({ settings: LICENSES });
    fixture.planhat.poison({ type: "companies", field: "externalId", value: "acme" }, "Acme is not welcome");
    await fixture.deliver("account:update", [accountMessage({ licenses: licenses() })]);
    expect(writes("/licenses")).toEqual([]);
    expect(await fixture.outcomes()).toEqual({ "companies/rejected/refused": 1, "licenses/dead/parent_rejected": 2 });
  });

  test("that may not be written for want of a right are not called written", async () => {
    fixture = await openStage({ settings: LICENSES });
    fixture.planhat.limitToken("planhat-token-0001", [{ model: "licenses", action: "create" }]);
    await fixture.send("account:update", [accountMessage({ licenses: licenses() })]);
    while (!fixture.logs.some(({ message }) => message === "connector.configuration.error")) {
      await new Promise((done) => setImmediate(done));
    }
    expect(fixture.logs.some(({ data }) => JSON.stringify(data?.["message"] ?? "").includes("right"))).toBe(true);
    expect((await fixture.outcomes())["licenses/sent/created"]).toBeUndefined();
    fixture.planhat.limitToken("planhat-token-0001", []);
    await fixture.send("ship:update", []);
    const [lane] = await fixture.connector.store.lanes();
    if (lane !== undefined) await fixture.connector.lanes.release(lane);
    await fixture.settled();
    expect(fixture.planhat.snapshot().licenses).toHaveLength(2);
    expect(await fixture.outcomes()).toMatchObject({ "licenses/sent/created": 2 });
  });

  test.each(["no-arrays", "object", "html"] as const)("survive an answer without lists (%s)", async (form) => {
    fixture = await openStage({ settings: LICENSES });
    fixture.planhat.faults.add({ kind: "wrong-shape", form, route: "PUT /licenses", count: 1 });
    await fixture.deliver("account:update", [accountMessage({ licenses: licenses() })]);
    expect(fixture.planhat.snapshot().licenses).toHaveLength(2);
    expect(fixture.planhat.books.snapshot().created.licenses).toBe(2);
    expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 1, "licenses/sent/created": 2 });
  });

  test("that Planhat refuses are told one by one", async () => {
    fixture = await openStage({ settings: LICENSES });
    fixture.planhat.poison({ type: "licenses", field: "externalId", value: "l-2" }, "No such currency");
    await fixture.deliver("account:update", [accountMessage({ licenses: licenses() })]);
    await fixture.restart();
    const told = fixture.logs.filter(({ data }) => data?.["type"] === "licenses");
    expect(told.map(({ message }) => message).sort()).toEqual(["outgoing.account.error", "outgoing.account.success"]);
    const refused = told.find(({ message }) => message === "outgoing.account.error");
    expect(String(refused?.data?.["reason"])).toContain("No such currency");
  });
});

describe("C19: tracked events", () => {
  const settings = { contact_events: ["Signed In"] };
  const event = (id: string, created_at: unknown) => ({ event_id: id, event: "Signed In", created_at, properties: {} });
  const message = (events: readonly ReturnType<typeof event>[], at = 0) =>
    userMessage({ indexed_at: minute(at) }, ACME, { events });
  const activities = () => fixture.planhat.tenant().activities;

  test("are sent once, however often their shipment comes", async () => {
    fixture = await openStage({ settings });
    const shipment = [message([event("e-1", minute(1)), event("e-2", minute(2))])];
    for (const _time of [1, 2, 3]) await fixture.deliver("user:update", shipment);
    await fixture.restart();
    await fixture.deliver("user:update", shipment);
    await fixture.deliver("user:update", [message([event("e-2", minute(2)), event("e-3", minute(3))], 1)]);
    expect(activities().map(({ date }) => date)).toEqual([minute(1), minute(2), minute(3)]);
    expect(fixture.planhat.books.snapshot().duplicateActivities).toEqual([]);
  });

  test("are not sent for an enduser who could not be written", async () => {
    fixture = await openStage({ settings });
    fixture.planhat.poison({ type: "endusers", field: "externalId", value: "ann" }, "Ann is not welcome");
    await fixture.deliver("user:update", [message([event("e-1", minute(1))])]);
    expect(writes("/analytics")).toEqual([]);
    expect(fixture.planhat.snapshot()).toMatchObject({ endusers: [], activities: [] });
    expect(await fixture.outcomes()).toEqual({
      "endusers/rejected/refused": 1,
      "activities/dead/parent_rejected": 1,
    });
  });

  test("have their own time, in whatever form Hull writes it", async () => {
    fixture = await openStage({ settings });
    await fixture.deliver("user:update", [
      message([event("e-1", "2018-03-30 14:38:02 UTC"), event("e-2", "2018-03-30T14:38:03Z")]),
    ]);
    const sent = writes("/analytics").map(({ body }) => (body as { date: unknown }).date);
    expect([...sent].sort()).toEqual(["2018-03-30T14:38:02.000Z", "2018-03-30T14:38:03.000Z"]);
  });
});
