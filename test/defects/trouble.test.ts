/** Known defects of hull-planhat 0.1.7 when something goes wrong: each must not happen here. */
import { CONNECTOR, OPEN_SETTINGS } from "../harness";
import { accountMessage, ACME, minute, openStage, reasons, userMessage, type Stage } from "./acme";

let stage: Stage;
afterEach(() => stage.close());

const row = (hull_field_name: string, service_field_name: string) => ({ hull_field_name, service_field_name });
const three = ["acme", "beta", "gamma"].map((key) =>
  accountMessage({ id: `hull-${key}`, external_id: key, name: `Company ${key}` }),
);

describe("C14: Planhat's list of users is asked for only when an owner is mapped, and its loss stops nobody else", () => {
  const settings = { account_attributes_outbound: [row("name", "name"), row("owner", "owner")] };

  test("no owner anywhere: nobody asks", async () => {
    stage = await openStage({ settings });
    stage.planhat.faults.add({ kind: "status", status: 500, route: "GET /users" });
    await stage.deliver("account:update", three);
    expect(await stage.outcomes()).toEqual({ "companies/sent/created": 3 });
    expect(stage.calls.some(({ route }) => route === "GET /users")).toBe(false);
  });

  test("the list fails: accounts with an owner wait, the others go", async () => {
    stage = await openStage({ settings });
    stage.planhat.tenant().seedUser({ _id: "u-1", email: "rep@planhat.example", firstName: "R", lastName: "Ep" });
    const fault = stage.planhat.faults.add({ kind: "status", status: 403, route: "GET /users" });
    const owned = accountMessage({
      id: "hull-owned",
      external_id: "owned",
      name: "Owned",
      owner: "rep@planhat.example",
    });
    await stage.send("account:update", [owned, ...three]);
    while (fault.hits === 0 || stage.planhat.tenant().companies.size < 3)
      await new Promise((done) => setImmediate(done));
    const keys = [...stage.planhat.tenant().companies.values()].map(({ externalId }) => externalId);
    expect(keys.sort()).toEqual(["acme", "beta", "gamma"]);
    const [lane] = await stage.connector.store.lanes();
    expect(lane).toBeDefined();
  });
});

describe("C16: no account is lost in silence", () => {
  test("one that Planhat refuses hurts nobody else, and its end is told", async () => {
    stage = await openStage();
    stage.planhat.poison({ field: "externalId", value: "beta" }, "Beta is not welcome");
    await stage.deliver("account:update", three);
    expect(await stage.outcomes()).toEqual({ "companies/sent/created": 2, "companies/rejected/refused": 1 });
    await stage.restart();
    const [refused] = stage.logs.filter(({ message }) => message === "outgoing.account.error");
    expect(refused).toMatchObject({ level: "error", context: { account_external_id: "beta" } });
    expect(refused?.data?.["reason"]).toContain("Beta is not welcome");
  });

  test("one that cannot be read hurts nobody else", async () => {
    stage = await openStage();
    await stage.deliver("account:update", [three[0], { account: "nonsense" }, three[2]]);
    expect(await stage.outcomes()).toEqual({ "companies/sent/created": 2, "companies/rejected/invalid_message": 1 });
  });

  test("a notification that could not be stored is never answered with next", async () => {
    stage = await openStage();
    await stage.connector.store.close();
    const report = await stage.send("account:update", three);
    expect(report.messagesAccepted).toBe(0);
    expect(report.answers[0]).toMatchObject({ status: 503, flow: { type: "retry" } });
    await stage.restart();
    await stage.deliver("account:update", three);
    expect(await stage.outcomes()).toEqual({ "companies/sent/created": 3 });
  });
});

describe("C17: an answer's status and headers decide what happens next", () => {
  test("429 with Retry-After: the wait is kept, then it goes on", async () => {
    stage = await openStage();
    stage.planhat.faults.add({
      kind: "rate-limit",
      headers: { "retry-after": "1" },
      route: "PUT /companies",
      count: 1,
    });
    await stage.deliver("account:update", three);
    expect(await stage.outcomes()).toEqual({ "companies/sent/created": 3 });
    const [first, second] = stage.calls.filter(({ route }) => route === "PUT /companies");
    // Timers may come a moment early by the clock.
    expect((second?.receivedAt ?? 0) - (first?.receivedAt ?? 0)).toBeGreaterThanOrEqual(990);
    expect(stage.planhat.books.snapshot().duplicates).toEqual([]);
  });

  test("401: nothing is tried again and again, a person is told, and mended settings set it going", async () => {
    stage = await openStage();
    stage.planhat.rotateToken(OPEN_SETTINGS.personal_acccess_token, "planhat-token-0002");
    await stage.send("account:update", three);
    while (!stage.logs.some(({ message }) => message === "connector.configuration.error")) {
      await new Promise((done) => setImmediate(done));
    }
    expect(stage.planhat.books.snapshot().calls).toBe(1);
    expect(await stage.outcomes()).toEqual({});
    stage.hull.saveSettings(CONNECTOR.id, { ...OPEN_SETTINGS, personal_acccess_token: "planhat-token-0002" });
    await stage.tellOfSettings();
    await stage.settled();
    expect(await stage.outcomes()).toEqual({ "companies/sent/created": 3 });
  });

  test("404 for a remembered company: it is made anew, not lost", async () => {
    stage = await openStage();
    await stage.deliver("account:update", [accountMessage()]);
    const [company] = stage.planhat.snapshot().companies;
    stage.planhat.tenant().remove("companies", String(company?._id));
    await stage.deliver("account:update", [accountMessage({ name: "Acme 2", indexed_at: minute(1) })]);
    expect(stage.planhat.snapshot().companies).toMatchObject([{ externalId: "acme", name: "Acme 2" }]);
  });

  test.each([500, 502, 503, 504])("%i: read again, never doubled", async (status) => {
    stage = await openStage();
    for (const applied of [false, true]) {
      stage.planhat.faults.add({ kind: "status", status, applied, route: "PUT /companies", count: 1 });
      stage.planhat.faults.add({ kind: "status", status, route: "GET /leancompanies", count: 1 });
    }
    await stage.deliver("account:update", three);
    expect(stage.planhat.snapshot().companies).toHaveLength(3);
    expect(stage.planhat.books.snapshot().duplicates).toEqual([]);
    const outcomes = await stage.outcomes();
    expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(3);
  });

  test("every call asks to keep the connection", async () => {
    stage = await openStage();
    const ports = new Set<unknown>();
    for (let index = 0; index < 10; index += 1) {
      await stage.deliver("account:update", [accountMessage({ name: `Acme ${index}`, indexed_at: minute(index) })]);
    }
    for (const { headers } of stage.calls) ports.add(headers.connection);
    expect([...ports]).toEqual(["keep-alive"]);
    expect(stage.calls.length).toBeGreaterThanOrEqual(10);
  });
});

test("C18: two hundred users are taken in while Planhat says nothing at all", async () => {
  stage = await openStage();
  const stalled = stage.planhat.faults.add({ kind: "stall" });
  const people = Array.from({ length: 200 }, (_, index) =>
    userMessage({ id: `user-${index}`, external_id: `u-${index}`, email: `u-${index}@acme.example` }),
  );
  const report = await stage.send("user:update", people);
  expect(report.answers).toMatchObject([{ status: 200, messages: 200, flow: { type: "next", size: 200 } }]);
  expect(stage.planhat.books.snapshot().bulkCalls).toBe(0);
  stalled.remove();
});

describe("C20: whatever is not sent leaves a line that says why", () => {
  test("segment filters", async () => {
    stage = await openStage({
      settings: { contact_synchronized_segments: ["people"], account_synchronized_segments: ["customers"] },
    });
    await stage.deliver("user:update", [userMessage()]);
    await stage.deliver("account:update", [accountMessage()]);
    expect(reasons(stage)).toEqual([
      "User doesn't belong to any of the segments defined in the Contact Filter. In the settings it is called Endusers Filter. " +
        "The user's account doesn't belong to any of the segments defined in the Account Filter. In the settings it is called Company Filter.",
      "Account doesn't belong to any of the segments defined in the Account Filter. In the settings it is called Company Filter.",
    ]);
  });

  test.each([[undefined], [null], [""], ["   "]])(
    "a token that is %j counts as missing, and a person is told",
    async (token) => {
      stage = await openStage({ settings: { personal_acccess_token: token } });
      await stage.deliver("user:update", [userMessage({}, ACME)]);
      expect(await stage.outcomes()).toEqual({ "endusers/skipped/missing_token": 1 });
      const lines = stage.logs.filter(({ message }) => message === "outgoing.user.skip");
      expect(lines).toMatchObject([{ level: "warn", data: { code: "missing_token" } }]);
      expect(stage.calls).toEqual([]);
    },
  );
});
