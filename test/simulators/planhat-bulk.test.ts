import { createManualClock } from "../../simulators/loopback";
import { createPlanhatSimulator, errorShapes, type PlanhatSimulator } from "../../simulators/planhat";
import { bulk, call, list } from "./planhat-calls";

let sim: PlanhatSimulator;
const clock = createManualClock();

beforeEach(async () => {
  sim = createPlanhatSimulator({ quotaPerMinute: null, clock });
  await sim.listen();
  sim.tenant().seedCompany({ name: "Acme", externalId: "acme", sourceId: "src-acme", domains: ["acme.example.com"] });
  sim.tenant().seedCompany({ name: "Globex", externalId: "globex" });
});
afterEach(() => sim.close());

const companyId = (externalId: string): string =>
  [...sim.tenant().companies.values()].find((company) => company["externalId"] === externalId)?._id ?? "";
const endusers = (): Record<string, unknown>[] => [...sim.tenant().endusers.values()];

describe("matching of bulk items", () => {
  it("creates what no key matches and updates what a key matches", async () => {
    const first = await bulk(sim, "/endusers", [{ externalId: "1", email: "a@example.com", companyId: "extid-acme" }]);
    expect(first.status).toBe(200);
    expect(first.envelope).toMatchObject({ created: 1, updated: 0, nonupdates: 0 });
    const id = first.envelope.upsertedIds[0];
    expect(first.envelope.insertsKeys).toEqual([{ _id: id, externalId: "1", email: "a@example.com" }]);

    const second = await bulk(sim, "/endusers", [{ externalId: "1", companyId: "extid-acme", position: "CTO" }]);
    expect(second.envelope).toMatchObject({ created: 0, updated: 1, modified: [id] });
    expect(endusers()).toMatchObject([{ _id: id, position: "CTO", companyId: companyId("acme"), companyName: "Acme" }]);
  });

  it("prefers _id, then sourceId, then externalId, whatever the others say", async () => {
    const tenant = sim.tenant();
    const byId = tenant.seedCompany({ name: "By id" });
    const bySource = tenant.seedCompany({ name: "By source", sourceId: "s" });
    tenant.seedCompany({ name: "By external id", externalId: "e" });
    const { envelope } = await bulk(sim, "/companies", [
      { _id: byId._id, sourceId: "other", phase: "one" },
      { sourceId: "s", externalId: "other", phase: "two" },
    ]);
    expect(envelope.modified).toEqual([byId._id, bySource._id]);
  });

  it("keeps external ids of endusers apart by company, or not, as the switch says", async () => {
    const items = ["acme", "globex"].map((company) => ({ externalId: "1", companyId: `extid-${company}` }));
    expect((await bulk(sim, "/endusers", items)).envelope.created).toBe(2);
    sim.configure({ externalIdScope: "global" });
    const { envelope } = await bulk(sim, "/endusers", [{ externalId: "1", companyId: "extid-globex", phone: "1" }]);
    expect(envelope.updated).toBe(1);
    expect(endusers()[0]).toMatchObject({ companyId: companyId("globex"), phone: "1" });
  });

  it.each([
    ["off", { email: "a@example.com" }, 1],
    ["alone", { email: "a@example.com" }, 0],
    ["alone", { email: "a@example.com", externalId: "new" }, 1],
    ["always", { email: "a@example.com", externalId: "new" }, 0],
  ] as const)("with e-mail matching %s, %j creates %i", async (emailMatching, keys, created) => {
    sim.configure({ emailMatching });
    sim.tenant().seedEnduser({ email: "a@example.com", companyId: "extid-acme" });
    const { envelope } = await bulk(sim, "/endusers", [{ ...keys, companyId: "extid-acme", phone: "1" }]);
    expect(envelope.created).toBe(created);
  });

  it("does not match an e-mail that several records have", async () => {
    for (const company of ["acme", "globex"]) {
      sim.tenant().seedEnduser({ email: "a@example.com", companyId: `extid-${company}` });
    }
    const { envelope } = await bulk(sim, "/endusers", [{ email: "a@example.com", companyId: "extid-acme" }]);
    expect(envelope.created).toBe(1);
    expect(sim.books.snapshot().duplicatesCreated).toBe(1);
  });

  it.each([
    ["sensitive", 1, "A@example.com"],
    ["insensitive", 0, "A@example.com"],
    ["lowered", 0, "a@example.com"],
  ] as const)("compares e-mails %s", async (emailCase, created, stored) => {
    sim.configure({ emailCase });
    sim.tenant().seedEnduser({ email: "a@example.com", companyId: "extid-acme" });
    const { envelope } = await bulk(sim, "/endusers", [{ email: "A@example.com", companyId: "extid-acme" }]);
    expect(envelope.created).toBe(created);
    expect(endusers().at(-1)?.["email"]).toBe(stored);
  });

  it("stores an e-mail with the blanks around it or without, as the switch says", async () => {
    const padded = (email: string) => bulk(sim, "/endusers", [{ email, companyId: "extid-acme" }]);
    await padded(" a@example.com ");
    sim.configure({ emailBlanks: "trimmed" });
    await padded(" b@example.com ");
    expect(endusers().map((each) => each["email"])).toEqual([" a@example.com ", "b@example.com"]);
  });

  it("creates a record for an unknown _id, or reports it, as the switch says", async () => {
    const lost = [{ _id: "0".repeat(24), name: "Lost" }];
    expect((await bulk(sim, "/companies", lost)).envelope.created).toBe(1);
    sim.configure({ unknownId: "error" });
    const { status, envelope } = await bulk(sim, "/companies", lost);
    expect(status).toBe(400);
    expect(envelope.updatedErrors).toEqual([{ _id: "0".repeat(24), message: "company not found" }]);
  });
});

describe("companies of endusers", () => {
  it("resolves extid- and srcid- references and the domain of the e-mail", async () => {
    await bulk(sim, "/endusers", [
      { externalId: "1", companyId: "srcid-src-acme" },
      { email: "b@acme.example.com" },
      { externalId: "3", companyId: companyId("globex") },
    ]);
    expect(endusers().map((enduser) => enduser["companyName"])).toEqual(["Acme", "Acme", "Globex"]);
  });

  it.each([200, 206, 400] as const)(
    "drops an enduser without company in silence (%i)",
    async (ignoredEnduserStatus) => {
      sim.configure({ ignoredEnduserStatus });
      const { status, envelope } = await bulk(sim, "/endusers", [{ email: "b@nowhere.example.com" }]);
      expect(status).toBe(ignoredEnduserStatus);
      expect(envelope).toMatchObject({ created: 0, createdErrors: [], insertsKeys: [], nonupdates: 0 });
      expect(endusers()).toEqual([]);
      expect(sim.books.snapshot().ignoredEndusers).toBe(1);
    },
  );
});

describe("what is stored", () => {
  it("moves updatedAt on a write that changes nothing, and counts it", async () => {
    const item = { externalId: "1", companyId: "extid-acme", tags: ["a"], custom: { Plan: "Gold" } };
    await bulk(sim, "/endusers", [item]);
    const before = endusers()[0]?.["updatedAt"] as string;
    clock.advance(1_000);
    const { envelope } = await bulk(sim, "/endusers", [item]);
    expect(envelope).toMatchObject({ updated: 0, nonupdates: 1, modified: [], updatesKeys: [] });
    expect(Date.parse(endusers()[0]?.["updatedAt"] as string)).toBe(Date.parse(before) + 1_000);
    expect(sim.books.snapshot()).toMatchObject({ noOpWrites: 1, updated: { endusers: 0 } });
  });

  it("merges or replaces custom, and stores, removes or ignores nulls", async () => {
    const put = (custom: unknown) => bulk(sim, "/companies", [{ externalId: "acme", custom }]);
    const custom = (): unknown => sim.tenant().companies.get(companyId("acme"))?.["custom"];
    await put({ "Days in Phase": 1, "a.b": 2 });
    await put({ "a.b": 3 });
    expect(custom()).toEqual({ "Days in Phase": 1, "a.b": 3 });
    sim.configure({ nulls: "ignored" });
    await put({ "a.b": null });
    expect(custom()).toEqual({ "Days in Phase": 1, "a.b": 3 });
    sim.configure({ nulls: "removes" });
    await put({ "a.b": null });
    expect(custom()).toEqual({ "Days in Phase": 1 });
    sim.configure({ nulls: "stored", custom: "replaced" });
    await put({ other: null });
    expect(custom()).toEqual({ other: null });
  });

  it("changes the casing of names unless told to keep it", async () => {
    await bulk(sim, "/endusers", [{ externalId: "1", companyId: "extid-acme", firstName: "ADA", lastName: "o'neill" }]);
    expect(endusers()[0]).toMatchObject({ firstName: "Ada", lastName: "O'Neill", name: "Ada O'Neill" });
    sim.configure({ nameCasing: "kept" });
    await bulk(sim, "/endusers", [{ externalId: "1", companyId: "extid-acme", firstName: "aDA" }]);
    expect(endusers()[0]).toMatchObject({ firstName: "aDA", name: "aDA O'Neill" });
  });

  it("passes over read-only fields", async () => {
    await bulk(sim, "/endusers", [{ externalId: "1", companyId: "extid-acme", companyName: "X", updatedAt: "never" }]);
    expect(endusers()[0]).toMatchObject({ companyName: "Acme" });
    expect(endusers()[0]?.["updatedAt"]).not.toBe("never");
  });
});

describe("answers", () => {
  const elements: Record<(typeof errorShapes)[number], unknown> = {
    text: "bad phone",
    item: { item: { externalId: "2", companyId: "extid-acme", phone: "bad" }, error: "bad phone" },
    keys: { externalId: "2", message: "bad phone" },
    index: { index: 1, message: "bad phone" },
  };
  it.each(errorShapes)("reports a poisoned item as %s and applies the rest", async (errorShape) => {
    sim.configure({ errorShape });
    sim.poison({ type: "endusers", field: "phone", value: "bad" }, "bad phone");
    const { status, envelope } = await bulk(sim, "/endusers", [
      { externalId: "1", companyId: "extid-acme" },
      { externalId: "2", companyId: "extid-acme", phone: "bad" },
    ]);
    expect(status).toBe(206);
    expect(envelope).toMatchObject({ created: 1, createdErrors: [elements[errorShape]] });
  });

  it("answers 400 when nothing succeeded, and for a payload poison names nothing", async () => {
    const heal = sim.poison(({ phone }) => phone === "bad", "bad phone", "payload");
    const items = [
      { externalId: "1", companyId: "extid-acme" },
      { externalId: "2", companyId: "extid-acme", phone: "bad" },
    ];
    const refused = await bulk(sim, "/endusers", items);
    expect(refused).toMatchObject({ status: 400, envelope: { created: 0, createdErrors: [], updatedErrors: [] } });
    sim.configure({ badRequestBody: "text" });
    expect(await call(sim, "PUT", "/endusers", items)).toMatchObject({ status: 400, text: "Bad Request" });
    expect(endusers()).toEqual([]);
    heal();
    sim.configure({ badRequestBody: "envelope" });
    expect((await bulk(sim, "/endusers", items)).envelope.created).toBe(2);
    expect((await bulk(sim, "/companies", [{ externalId: "nameless" }])).envelope.createdErrors).toHaveLength(1);
  });

  it("names unchanged records, leaves keys out and shuffles, as the switches say", async () => {
    sim.configure({ nonupdates: "named", keysForm: "id-only", keysOrder: "shuffled" });
    const items = Array.from({ length: 20 }, (_, index) => ({ externalId: `${index}`, companyId: "extid-acme" }));
    const created = (await bulk(sim, "/endusers", items)).envelope;
    expect(created.insertsKeys.map(({ _id }) => _id)).not.toEqual(created.upsertedIds);
    expect(created.insertsKeys.map(({ _id }) => _id).sort()).toEqual([...created.upsertedIds].sort());
    expect(Object.keys(created.insertsKeys[0] ?? {})).toEqual(["_id"]);
    const again = (await bulk(sim, "/endusers", items)).envelope;
    expect(again).toMatchObject({ updated: 0, nonupdates: 20 });
    expect(again.updatesKeys).toHaveLength(20);
  });

  it("refuses a payload with a repeated key, or only the later items; repeated e-mails are legal", async () => {
    const twice = [1, 2].map(() => ({ externalId: "1", companyId: "extid-acme" }));
    expect(await bulk(sim, "/endusers", twice)).toMatchObject({
      status: 400,
      envelope: { created: 0, createdErrors: [{ externalId: "1", message: "externalId duplicated" }] },
    });
    sim.configure({ payloadDuplicates: "items" });
    expect(await bulk(sim, "/endusers", twice)).toMatchObject({ status: 206, envelope: { created: 1 } });
    const sameMail = ["a", "b"].map((externalId) => ({ externalId, email: "a@example.com", companyId: "extid-acme" }));
    expect(await bulk(sim, "/endusers", sameMail)).toMatchObject({ status: 200, envelope: { created: 2 } });
  });

  it("puts what the token may not do into permissionErrors", async () => {
    sim.limitToken("planhat-token", [{ model: "companies", action: "create" }]);
    const { status, envelope } = await bulk(sim, "/companies", [{ externalId: "acme", phase: "x" }, { name: "New" }]);
    expect(status).toBe(403);
    expect(envelope).toMatchObject({ created: 0, updated: 1 });
    expect(envelope.permissionErrors).toHaveLength(1);
  });

  it("takes at most 5,000 items and no body beyond the limit", async () => {
    const items = Array.from({ length: 5_001 }, (_, index) => ({ name: `C ${index}`, externalId: `${index}` }));
    expect((await call(sim, "PUT", "/companies", items)).status).toBe(400);
    expect((await bulk(sim, "/companies", items.slice(1))).envelope.created).toBe(5_000);
    await sim.close();
    sim = createPlanhatSimulator({ bodyLimitBytes: 100 });
    await sim.listen();
    expect((await call(sim, "PUT", "/companies", items)).status).toBe(413);
  });

  it("refuses keys that another record has when uniqueness is enforced", async () => {
    sim.configure({ uniqueness: "enforced" });
    const globex = companyId("globex");
    const { envelope } = await bulk(sim, "/companies", [{ _id: globex, externalId: "acme" }]);
    expect(envelope.updatedErrors).toEqual([{ _id: globex, externalId: "acme", message: "externalId duplicated" }]);
  });
});

describe("overlapping bulk calls", () => {
  const people = (from: number, to: number, company: string) =>
    Array.from({ length: to - from }, (_, index) => ({
      externalId: `${from + index}`,
      email: `p${from + index}@example.com`,
      companyId: `extid-${company}`,
    }));

  it("answers the overlapping endusers of the later call with errors, whatever the company", async () => {
    sim.faults.add({ kind: "latency", min: 100, max: 100, count: 1 });
    const arrived = new Promise<void>((resolve) => {
      const off = sim.on("request", () => {
        off();
        resolve();
      });
    });
    const slow = bulk(sim, "/endusers", people(0, 10, "acme"));
    await arrived;
    const fast = await bulk(sim, "/endusers", people(8, 12, "globex"));
    expect(fast.status).toBe(206);
    expect(fast.envelope.created).toBe(2);
    expect(fast.envelope.createdErrors).toEqual([
      { externalId: "8", email: "p8@example.com", message: "externalId,email duplicated" },
      { externalId: "9", email: "p9@example.com", message: "externalId,email duplicated" },
    ]);
    clock.advance(100);
    expect((await slow).envelope.created).toBe(10);
    expect(sim.books.snapshot()).toMatchObject({ concurrentBulkWrites: 1, overlappingItems: 2 });
  });

  it("sees an _id and an external id as the same record", async () => {
    const known = sim.tenant().seedEnduser({ externalId: "1", companyId: "extid-acme" });
    sim.faults.add({ kind: "latency", min: 100, max: 100, count: 1 });
    const arrived = new Promise<void>((resolve) => void sim.on("request", () => resolve()));
    const slow = bulk(sim, "/endusers", [{ externalId: "1", companyId: "extid-acme", phone: "1" }]);
    await arrived;
    const fast = await bulk(sim, "/endusers", [{ _id: known._id, phone: "2" }]);
    expect(fast.envelope.updatedErrors).toHaveLength(1);
    clock.advance(100);
    await slow;
  });

  it("sees nothing once the first call has its answer", async () => {
    await bulk(sim, "/endusers", people(0, 3, "acme"));
    expect((await bulk(sim, "/endusers", people(0, 3, "acme"))).status).toBe(200);
    expect(sim.books.snapshot()).toMatchObject({ bulkCalls: 2, bulkItems: 6, concurrentBulkWrites: 0 });
    expect(await list(sim, "/endusers")).toHaveLength(3);
  });
});

describe("custom fields", () => {
  const person = (externalId: string, custom: Record<string, unknown>) => ({
    externalId,
    companyId: "extid-acme",
    custom,
  });
  const define = (name: string, more: object = {}): void =>
    void sim.tenant().seedCustomField({ name, type: "text", parent: "EndUser", ...more });

  it("are stored under any name and shown under those that are defined, case counted", async () => {
    define("Score");
    define("Ghost", { isHidden: true });
    sim.tenant().seedCustomField({ name: "Seats", type: "number", parent: "Company" });
    const custom = { Score: 1, score: 2, Seats: 3, Ghost: 4 };
    for (const [name, value] of Object.entries(custom)) await bulk(sim, "/endusers", [person("1", { [name]: value })]);
    const [stored] = endusers();
    expect(stored).toMatchObject({ custom });
    expect(sim.tenant().shownCustom("endusers", String(stored?.["_id"]))).toEqual({ Score: 1 });
  });

  it.each([
    ["request", [400, 400]],
    ["record", [400, 200]],
    ["stored", [200, 200]],
  ] as const)("whose names differ in case alone refuse the request (%s)", async (customTwins, expected) => {
    sim.configure({ customTwins });
    const within = await bulk(sim, "/endusers", [person("1", { Score: 1, score: 2 }), person("2", {})]);
    const across = await bulk(sim, "/endusers", [person("3", { Score: 1 }), person("4", { score: 2 })]);
    expect([within.status, across.status]).toEqual(expected);
    expect(endusers()).toHaveLength(expected.filter((status) => status === 200).length * 2);
    const alone = await call(sim, "POST", "/endusers", person("5", { Score: 1, score: 2 }));
    expect(alone.status).toBe(expected[0]);
    if (expected[0] === 400) expect(alone.text).toBe("custom.Score,custom.score duplicated");
  });

  it("take what a list does not offer, and names that are not defined, unless the switches say otherwise", async () => {
    define("Plan", { type: "list", listValues: ["Gold"] });
    define("Skills", { type: "multipicklist", listValues: ["js"] });
    const items = [person("1", { Plan: "Tin" }), person("2", { Skills: ["js", "c"] }), person("3", { Other: 1 })];
    expect((await bulk(sim, "/endusers", items)).status).toBe(200);
    sim.configure({ listValues: "refused", unknownCustom: "refused" });
    const { status, envelope } = await bulk(sim, "/endusers", [...items, person("4", { Plan: "Gold", Skills: [] })]);
    expect(status).toBe(206);
    expect(envelope.updatedErrors).toEqual([
      { externalId: "1", message: "custom.Plan has no such value" },
      { externalId: "2", message: "custom.Skills has no such value" },
      { externalId: "3", message: "custom.Other is not defined" },
    ]);
  });
});
