/** Known defects of hull-planhat 0.1.7 when something goes wrong: each must not happen here. */
import { OPEN_SETTINGS } from "../fixture/fixture";
import { accountMessage, ACME, minute, openStage, reasons, userMessage, type Stage } from "./acme";

let fixture: Stage;
afterEach(() => fixture.close());

const row = (hull_field_name: string, service_field_name: string) => ({ hull_field_name, service_field_name });
const three = ["acme", "beta", "gamma"].map((key) =>
  accountMessage({ id: `hull-${key}`, external_id: key, name: `Company ${key}` }),
);

describe("C14: Planhat's list of users is asked for only when an owner is mapped, and its loss stops nobody else", () => {
  const settings = { account_attributes_outbound: [row("name", "name"), row("owner", "owner")] };

  test("no owner anywhere: nobody asks", async () => {
    fixture = await openStage({ settings });
    fixture.planhat.faults.add({ kind: "status", status: 500, route: "GET /users" });
    await fixture.deliver("account:update", three);
    expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 3 });
    expect(fixture.calls.some(({ route }) => route === "GET /users")).toBe(false);
  });

  test("the list fails: accounts with an owner wait, the others go", async () => {
    fixture = await openStage({ settings });
    fixture.planhat.tenant().seedUser({ _id: "u-1", email: "rep@planhat.example", firstName: "R", lastName: "Ep" });
    const fault = fixture.planhat.faults.add({ kind: "status", status: 403, route: "GET /users" });
    const owned = accountMessage({
      id: "hull-owned",
      external_id: "owned",
      name: "Owned",
      owner: "rep@planhat.example",
    });
    await fixture.send("account:update", [owned, ...three]);
    while (fault.hits === 0 || fixture.planhat.tenant().companies.size < 3)
      await new Promise((done) => setImmediate(done));
    const keys = [...fixture.planhat.tenant().companies.values()].map(({ externalId }) => externalId);
    expect(keys.sort()).toEqual(["acme", "beta", "gamma"]);
    const [lane] = await fixture.connector.store.lanes();
    expect(lane).toBeDefined();
  });
});

describe("C16: no account is lost in silence", () => {
  test("one that Planhat refuses hurts nobody else, and its end is told", async () => {
    fixture = await openStage();
    fixture.planhat.poison({ field: "externalId", value: "beta" }, "Beta is not welcome");
    await fixture.deliver("account:update", three);
    expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 2, "companies/rejected/refused": 1 });
    await fixture.restart();
    const [refused] = fixture.logs.filter(({ message }) => message === "outgoing.account.error");
    expect(refused).toMatchObject({ level: "error", context: { account_external_id: "beta" } });
    expect(refused?.data?.["reason"]).toContain("Beta is not welcome");
  });

  test("one that cannot be read hurts nobody else", async () => {
    fixture = await openStage();
    await fixture.deliver("account:update", [three[0], { account: "nonsense" }, three[2]]);
    expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 2, "companies/rejected/invalid_message": 1 });
  });

  test("a notification that could not be stored is never answered with next", async () => {
    fixture = await openStage();
    await fixture.connector.store.close();
    const report = await fixture.send("account:update", three);
    expect(report.messagesAccepted).toBe(0);
    expect(report.answers[0]).toMatchObject({ status: 503, flow: { type: "retry" } });
    await fixture.restart();
    await fixture.deliver("account:update", three);
    expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 3 });
  });
});

describe("C17: an answer's status and headers decide what happens next", () => {
  test("429 with Retry-After: the wait is kept, then it goes on", async () => {
    fixture = await openStage();
    fixture.planhat.faults.add({
      kind: "rate-limit",
      headers: { "retry-after": "1" },
      route: "PUT /companies",
      count: 1,
    });
    await fixture.deliver("account:update", three);
    expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 3 });
    const [first, second] = fixture.calls.filter(({ route }) => route === "PUT /companies");
    // Timers may come a moment early by the clock.
    expect((second?.receivedAt ?? 0) - (first?.receivedAt ?? 0)).toBeGreaterThanOrEqual(990);
    expect(fixture.planhat.books.snapshot().duplicates).toEqual([]);
  });

  test("401: nothing is tried again and again, a person is told, and mended settings set it going", async () => {
    fixture = await openStage();
    fixture.planhat.rotateToken(OPEN_SETTINGS.personal_acccess_token, "planhat-token-0002");
    await fixture.send("account:update", three);
    while (!fixture.logs.some(({ message }) => message === "connector.configuration.error")) {
      await new Promise((done) => setImmediate(done));
    }
    expect(fixture.planhat.books.snapshot().calls).toBe(1);
    expect(await fixture.outcomes()).toEqual({});
    await fixture.saveSettings({ personal_acccess_token: "planhat-token-0002" });
    await fixture.settled();
    expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 3 });
  });

  test("404 for a remembered company: it is made anew, not lost", async () => {
    fixture = await openStage();
    await fixture.deliver("account:update", [accountMessage()]);
    const [company] = fixture.planhat.snapshot().companies;
    fixture.planhat.tenant().remove("companies", String(company?._id));
    await fixture.deliver("account:update", [accountMessage({ name: "Acme 2", indexed_at: minute(1) })]);
    expect(fixture.planhat.snapshot().companies).toMatchObject([{ externalId: "acme", name: "Acme 2" }]);
  });

  test.each([500, 502, 503, 504])("%i: read again, never doubled", async (status) => {
    fixture = await openStage();
    for (const applied of [false, true]) {
      fixture.planhat.faults.add({ kind: "status", status, applied, route: "PUT /companies", count: 1 });
      fixture.planhat.faults.add({ kind: "status", status, route: "GET /leancompanies", count: 1 });
    }
    await fixture.deliver("account:update", three);
    expect(fixture.planhat.snapshot().companies).toHaveLength(3);
    expect(fixture.planhat.books.snapshot().duplicates).toEqual([]);
    const outcomes = await fixture.outcomes();
    expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(3);
  });

  test("every call asks to keep the connection", async () => {
    fixture = await openStage();
    const ports = new Set<unknown>();
    for (let index = 0; index < 10; index += 1) {
      await fixture.deliver("account:update", [accountMessage({ name: `Acme ${index}`, indexed_at: minute(index) })]);
    }
    for (const { headers } of fixture.calls) ports.add(headers.connection);
    expect([...ports]).toEqual(["keep-alive"]);
    expect(fixture.calls.length).toBeGreaterThanOrEqual(10);
  });
});

test("C18: two hundred users are taken in while Planhat says nothing at all", async () => {
  fixture = await openStage();
  const stalled = fixture.planhat.faults.add({ kind: "stall" });
  const people = Array.from({ length: 200 }, (_, index) =>
    userMessage({ id: `user-${index}`, external_id: `u-${index}`, email: `u-${index}@acme.example` }),
  );
  const report = await fixture.send("user:update", people, { shipmentSize: 200 });
  expect(report.answers).toMatchObject([{ status: 200, messages: 200, flow: { type: "next", size: 200 } }]);
  expect(fixture.planhat.books.snapshot().bulkCalls).toBe(0);
  stalled.remove();
});

describe("C20: whatever is not sent leaves a line that says why", () => {
  test("segment filters", async () => {
    fixture = await openStage({
      settings: { contact_synchronized_segments: ["people"], account_synchronized_segments: ["customers"] },
    });
    await fixture.deliver("user:update", [userMessage()]);
    await fixture.deliver("account:update", [accountMessage()]);
    expect(reasons(fixture)).toEqual([
      "User doesn't belong to any of the segments defined in the Contact Filter. " +
        "The user's account doesn't belong to any of the segments defined in the Account Filter.",
      "Account doesn't belong to any of the segments defined in the Account Filter.",
    ]);
  });

  test.each([[undefined], [null], [""], ["   "]])(
    "a token that is %j counts as missing, and a person is told",
    async (token) => {
      fixture = await openStage({ settings: { personal_acccess_token: token } });
      await fixture.deliver("user:update", [userMessage({}, ACME)]);
      expect(await fixture.outcomes()).toEqual({ "endusers/skipped/missing_token": 1 });
      const lines = fixture.logs.filter(({ message }) => message === "outgoing.user.skip");
      expect(lines).toMatchObject([{ level: "warn", data: { code: "missing_token" } }]);
      expect(fixture.calls).toEqual([]);
    },
  );
});
