import { errorShapes, nonupdatesForms, type PlanhatSwitches } from "../../../simulators/planhat";
import type { Intent, Result } from "../../../src/services/connection";
import { create, many, openPlanhat, type PlanhatFixture, update } from "./planhat";

const keysForms = ["full", "id-only"] as const;
const refusals = [
  { badRequestBody: "envelope", keysOrder: "input" },
  { badRequestBody: "text", keysOrder: "shuffled" },
] as const;

/** Every form that the answer to a bulk write may have, as far as the documentation leaves it open. */
const answerForms: readonly Partial<PlanhatSwitches>[] = errorShapes.flatMap((errorShape) =>
  nonupdatesForms.flatMap((nonupdates) =>
    keysForms.flatMap((keysForm) => refusals.map((refusal) => ({ errorShape, nonupdates, keysForm, ...refusal }))),
  ),
);

let planhat: PlanhatFixture;
let companyId: string;
beforeEach(async () => {
  planhat = await openPlanhat();
  companyId = planhat.tenant().seedCompany({ name: "Acme", externalId: "acme" })._id;
});
afterEach(() => planhat.close());

const person = (n: number | string, fields = {}) =>
  create({ externalId: `person-${n}`, email: `p${n}@x.example` }, { name: "P", ...fields }, companyId);
const seeded = (n: number) =>
  many(n).map(
    (at) => planhat.tenant().seedEnduser({ companyId, email: `p${at}@x.example`, name: "P", position: "old" })._id,
  );
const kinds = (results: readonly { readonly kind: string }[]) => results.map((result) => result.kind);
/** What Planhat has of a record that was made. */
const made = (result: Result | undefined, type: "companies" | "endusers" = "endusers") =>
  result?.kind === "created" || result?.kind === "replaced"
    ? planhat.tenant()[type].get(result.remoteId ?? "")
    : undefined;
const applyUsers = (...intents: readonly Intent[]) => planhat.apply("endusers", intents);

describe("writing a chunk", () => {
  it("sends creates and updates in one call, with nested custom fields", async () => {
    const [id = ""] = seeded(1);
    const { results, problem } = await applyUsers(person("new", { "custom.a.b": 1 }), update(id, { position: "CEO" }));
    expect(problem).toBeUndefined();
    expect(kinds(results)).toEqual(["created", "updated"]);
    expect(made(results[0])).toMatchObject({ companyId, externalId: "person-new", custom: { "a.b": 1 } });
    expect(planhat.tenant().endusers.get(id)).toMatchObject({ position: "CEO", email: "p0@x.example" });
    expect(planhat.calls()).toEqual({ "GET /customfields": 1, "PUT /endusers": 1 });
  });

  describe.each(answerForms)("with %j", (switches) => {
    it("gives every record its own true result", async () => {
      planhat.sim.configure(switches);
      const ids = seeded(4);
      planhat.sim.poison({ field: "position", value: "poison" }, "position is locked");
      const chunk = [
        person("a"),
        person("b", { position: "poison" }),
        ...ids.map((id, n) => update(id, { position: ["old", "new", "poison", "newer"][n] ?? "" })),
      ];
      const { results } = await applyUsers(...chunk);
      expect(kinds(results)).toEqual(["created", "rejected", "updated", "updated", "rejected", "updated"]);
      for (const result of results)
        if (result.kind === "rejected") expect(result.message).toContain("position is locked");
      expect(made(results[0])?.["externalId"]).toBe("person-a");
      expect(planhat.sim.books.snapshot()).toMatchObject({ duplicatesCreated: 0, created: { endusers: 1 } });
    });
  });

  it.each([
    { mode: "payload", switches: { badRequestBody: "envelope" }, most: 30 },
    { mode: "payload", switches: { badRequestBody: "text" }, most: 30 },
    { mode: "item", switches: { errorShape: "text" }, most: 2 },
    { mode: "item", switches: { errorShape: "keys" }, most: 2 },
  ] as const)("isolates one poison record among 5,000 within $most bulk calls ($mode, $switches)", async (given) => {
    const { mode, switches, most } = given;
    planhat.sim.configure(switches);
    const ids = seeded(2500);
    planhat.sim.poison({ field: "position", value: "poison" }, "no words", mode);
    const chunk = [
      ...ids.map((id) => update(id, { position: "new" })),
      ...many(2500).map((n) => person(`new-${n}`, n === 1234 ? { position: "poison" } : {})),
    ];
    const { results, problem } = await applyUsers(...chunk);
    expect(problem).toBeUndefined();
    expect(results.filter((result) => result.kind === "rejected")).toHaveLength(1);
    expect(results[2500 + 1234]?.kind).toBe("rejected");
    expect(planhat.sim.books.snapshot()).toMatchObject({
      created: { endusers: 2499 },
      updated: { endusers: 2500 },
      duplicatesCreated: 0,
    });
    expect(planhat.sim.books.snapshot().bulkCalls).toBeLessThanOrEqual(most);
  });

  it("does not take a nest of poison records for a wrong mapping", async () => {
    planhat.sim.poison({ field: "position", value: "poison" }, "no words", "payload");
    const chunk = seeded(200).map((id, n) => update(id, { position: n >= 60 && n < 72 ? "poison" : "new" }));
    const { results, problem } = await applyUsers(...chunk);
    expect(problem).toBeUndefined();
    expect(results.filter((result) => result.kind === "rejected")).toHaveLength(12);
    expect(results.filter((result) => result.kind === "updated")).toHaveLength(188);
  });

  it.each([
    ["everything is refused alike", "payload", "no words", ""],
    ["every record is named with the same reason", "item", "custom field is locked", "custom field is locked"],
  ] as const)("pauses the type when %s, and rejects nothing", async (_name, mode, words, said) => {
    planhat.sim.poison(() => true, words, mode);
    const { results, problem } = await applyUsers(...seeded(500).map((id) => update(id, { position: "new" })));
    const message = expect.stringContaining(said) as string;
    expect(problem).toMatchObject({ scope: "type", kind: "mapping", message });
    expect(new Set(kinds(results))).toEqual(new Set(["later"]));
    expect(planhat.sim.books.snapshot().bulkCalls).toBeLessThan(10);
  });

  it.each([200, 206, 400] as const)(
    "notices endusers that are silently dropped (status %i)",
    async (ignoredEnduserStatus) => {
      planhat.sim.configure({ ignoredEnduserStatus, domainAssignment: "ignored" });
      const [id = ""] = seeded(1);
      const lost = create({ email: "lost@x.example" }, { name: "L" }, "f".repeat(24));
      const { results } = await applyUsers(person("a"), lost, update(id, { position: "new" }));
      expect(kinds(results)).toEqual(["created", "rejected", "updated"]);
      expect(results[1]).toMatchObject({ message: expect.stringContaining("company") as string });
    },
  );

  it("reads new records back when the answer does not name them", async () => {
    planhat.sim.configure({ keysForm: "id-only", keysOrder: "shuffled" });
    const { results } = await applyUsers(...many(20).map((n) => person(n)));
    expect(results.map((result) => made(result)?.["externalId"])).toEqual(many(20).map((n) => `person-${n}`));
    expect(planhat.calls()).toEqual({ "PUT /endusers": 1, "GET /endusers": 1 });
  });

  it("sees that a create hit an existing record", async () => {
    for (const keysForm of ["full", "id-only"] as const) {
      planhat.sim.configure({ keysForm });
      const old = planhat.sim
        .tenant()
        .seedEnduser({ companyId, externalId: `person-${keysForm}`, email: "old@x.example" });
      const { results } = await applyUsers(person(keysForm), person(`${keysForm}-new`));
      expect(results[0]).toMatchObject({ kind: "conflict", remoteId: old._id });
    }
  });

  it.each(["create", "error"] as const)(
    "sees that the id of an update is gone (unknown id = %s)",
    async (unknownId) => {
      planhat.sim.configure({ unknownId });
      const ids = seeded(3);
      planhat.tenant().remove("endusers", ids[1] ?? "");
      const { results } = await applyUsers(...ids.map((id) => update(id, { position: "new" })));
      expect(kinds(results)).toEqual(["updated", "gone", "updated"]);
    },
  );

  it("finds the record that was made out of an update whose id was gone", async () => {
    const companies = many(4).map((n) => planhat.tenant().seedCompany({ name: `C${n}` })._id);
    planhat.tenant().remove("companies", companies[2] ?? "");
    const { results } = await planhat.apply(
      "companies",
      companies.map((id, n) => update(id, { name: `New ${n}`, phase: "p" })),
    );
    expect(kinds(results)).toEqual(["updated", "updated", "replaced", "updated"]);
    expect(made(results[2], "companies")?.["name"]).toBe("New 2");
    expect(planhat.sim.books.snapshot().created.companies).toBe(1);
  });

  it.each([401, 403] as const)("stops the lane on %i", async (status) => {
    planhat.sim.faults.add({ kind: "status", status, body: "no" });
    const { results, problem } = await applyUsers(person(1), update("a".repeat(24), { name: "x" }));
    expect(kinds(results)).toEqual(["later", "later"]);
    expect(problem).toMatchObject({ scope: "lane", kind: "auth", message: expect.stringMatching(/token/) as string });
  });

  it("keeps what a partly permitted call did", async () => {
    planhat.sim.limitToken("planhat-token", [{ model: "endusers", action: "create" }]);
    const [id = ""] = seeded(1);
    const { results, problem } = await applyUsers(person(1), update(id, { position: "new" }));
    expect(kinds(results)).toEqual(["later", "updated"]);
    expect(problem).toMatchObject({ kind: "auth" });
  });

  it("waits as long as a 429 says", async () => {
    planhat.sim.faults.add({ kind: "rate-limit", headers: { "retry-after": "300" } });
    const { results, problem } = await applyUsers(person(1));
    expect(results).toMatchObject([{ kind: "later", waitMs: 300_000 }]);
    expect(problem).toMatchObject({ kind: "transient", waitMs: 300_000 });
  });

  it.each([
    { kind: "status", status: 500, applied: true },
    { kind: "status", status: 502 },
    { kind: "reset-after" },
    { kind: "truncate" },
    { kind: "wrong-shape", form: "object" },
    { kind: "wrong-shape", form: "html" },
  ] as const)("leaves creates unconfirmed and repeats updates after %j", async (fault) => {
    const [id = ""] = seeded(1);
    planhat.sim.faults.add({ ...fault, route: "PUT /endusers" });
    const { results } = await applyUsers(person("x"), update(id, { position: "new" }));
    expect(kinds(results)).toEqual(["unconfirmed", "later"]);
    expect(planhat.sim.books.snapshot().bulkCalls).toBeLessThanOrEqual(1);
  });

  it("settles an answer that lost its lists from the counters and the company's list", async () => {
    planhat.sim.faults.add({ kind: "wrong-shape", form: "no-arrays", route: "PUT /endusers" });
    const [id = ""] = seeded(1);
    const { results } = await applyUsers(person("x"), update(id, { position: "new" }));
    expect(kinds(results)).toEqual(["created", "updated"]);
  });

  it("is certain that nothing was written when there is no connection", async () => {
    await planhat.sim.close();
    const { results } = await applyUsers(person("x"));
    expect(kinds(results)).toEqual(["later"]);
  });

  it.each(["200-record", "201-record", "200-empty", "201-empty"] as const)(
    "creates a namesake by a call of its own (%s)",
    async (createAnswer) => {
      planhat.sim.configure({ createAnswer, emailMatching: "always" });
      const other = planhat.tenant().seedCompany({ name: "Other" })._id;
      planhat.tenant().seedEnduser({ companyId: other, email: "p1@x.example" });
      const { results } = await applyUsers({ ...person(1), namesake: true });
      expect(kinds(results)).toEqual(["created"]);
      expect(planhat.sim.books.snapshot()).toMatchObject({ created: { endusers: 1 }, bulkCalls: 0 });
    },
  );

  it("changes the key of a namesake by its id alone", async () => {
    planhat.sim.configure({ idInCompanyPut: "refused" });
    const { results } = await planhat.apply("companies", [
      { ...update(companyId, { externalId: "acme2" }), namesake: true },
    ]);
    expect(kinds(results)).toEqual(["updated"]);
    expect(planhat.tenant().companies.get(companyId)).toMatchObject({ externalId: "acme2" });
  });

  it("knows the fates of single writes", async () => {
    const single = (more = {}) => planhat.apply("endusers", [{ ...person("s"), namesake: true, ...more }]);
    for (const [fault, kind] of [
      [{ kind: "status", status: 400, body: "phone is invalid" }, "rejected"],
      [{ kind: "status", status: 401 }, "later"],
      [{ kind: "status", status: 500 }, "unconfirmed"],
      [{ kind: "reset-after" }, "unconfirmed"],
    ] as const) {
      const added = planhat.sim.faults.add({ ...fault, count: 9 });
      expect(kinds((await single()).results)).toEqual([kind]);
      added.remove();
    }
    const gone = await applyUsers({ ...update("f".repeat(24), { email: "e@x.example" }), namesake: true });
    expect(kinds(gone.results)).toEqual(["gone"]);
  });

  it("never writes two chunks of a tenant at the same time", async () => {
    planhat.sim.faults.add({ kind: "latency", min: 5, max: 10 });
    await Promise.all(many(5).map((n) => planhat.apply("endusers", [person(n)])));
    expect(planhat.sim.books.snapshot()).toMatchObject({ concurrentBulkWrites: 0, created: { endusers: 5 } });
  });

  it("halves a call that is too large", async () => {
    await planhat.close();
    planhat = await openPlanhat({ bodyLimitBytes: 2_000 });
    const id = planhat.tenant().seedCompany({ name: "A" })._id;
    const { results } = await applyUsers(
      ...many(40).map((n) => create({ email: `p${n}@x.example` }, { name: "P" }, id)),
    );
    expect(new Set(kinds(results))).toEqual(new Set(["created"]));
    expect(planhat.sim.books.snapshot()).toMatchObject({ created: { endusers: 40 }, duplicatesCreated: 0 });
  });
});

describe("custom fields whose names differ in case alone", () => {
  const both = { "custom.Score": 1, "custom.score": 2 };
  const held = () =>
    [...planhat.tenant().endusers.values()].map((each) => [each["externalId"] ?? each["email"], each["custom"]]);

  it("go in requests of their own, however they are spread over the records", async () => {
    const [id = ""] = seeded(1);
    const { results, problem } = await applyUsers(
      person(1, both),
      person(2, { "custom.score": 3, "custom.Other": 4 }),
      person(3),
      update(id, { "custom.score": 5 }),
    );
    expect(problem).toBeUndefined();
    expect(kinds(results)).toEqual(["created", "created", "created", "updated"]);
    expect(held()).toEqual([
      ["p0@x.example", { score: 5 }],
      ["person-1", { Score: 1, score: 2 }],
      ["person-2", { Other: 4, score: 3 }],
      ["person-3", undefined],
    ]);
    expect(planhat.calls()["PUT /endusers"]).toBe(2);
  });

  it("of which the second does not arrive leave nothing that counts as sent", async () => {
    const [id = ""] = seeded(1);
    let puts = 0;
    planhat.sim.faults.add({
      kind: "status",
      status: 503,
      route: ({ method }) => method === "PUT" && (puts += 1) > 1,
    });
    const { results, problem } = await applyUsers(person(1, both), update(id, both));
    expect(problem).toMatchObject({ kind: "transient" });
    expect(kinds(results)).toEqual(["unconfirmed", "later"]);
    expect(held()).toEqual([
      ["p0@x.example", { Score: 1 }],
      ["person-1", { Score: 1 }],
    ]);
  });

  it("are not sent on where the first was refused", async () => {
    planhat.sim.poison({ field: "externalId", value: "person-1" }, "Refused");
    const { results } = await applyUsers(person(1, both), person(2, both));
    expect(kinds(results)).toEqual(["rejected", "created"]);
    expect(held()).toEqual([["person-2", { Score: 1, score: 2 }]]);
  });
});

describe("the definitions of custom fields", () => {
  const FIELD = { name: "Score", type: "number", parent: "EndUser" };
  const settings = { contact_custom_attributes_outbound: [{ hull_field_name: "x", service_field_name: "Score" }] };
  const desired = { fields: { "custom.Score": "5" }, keys: {}, cleared: [] };
  const prepare = async () => (await planhat.prepare("endusers", [desired]))[0];
  const reads = () => planhat.calls()["GET /customfields"] ?? 0;
  const CHECKED = { kind: "ready", fields: { "custom.Score": 5 } };
  const UNCHECKED = { kind: "ready", fields: { "custom.Score": "5" } };

  beforeEach(async () => {
    await planhat.close();
    planhat = await openPlanhat({ settings });
    planhat.tenant().seedCustomField(FIELD);
  });

  it("are read once in ten minutes, and not for records without one", async () => {
    await planhat.prepare("endusers", [{ ...desired, fields: { name: "N" } }]);
    expect(reads()).toBe(0);
    expect(await prepare()).toEqual(CHECKED);
    planhat.advance(599_000);
    expect(await prepare()).toEqual(CHECKED);
    expect(reads()).toBe(1);
    planhat.advance(2_000);
    expect(await prepare()).toEqual(CHECKED);
    expect(reads()).toBe(2);
  });

  it.each([
    ["cannot be read", { kind: "status", status: 503 }],
    ["are no list", { kind: "wrong-shape", form: "object" }],
  ] as const)("make records wait for ten minutes while they %s, and then nobody any more", async (_name, trouble) => {
    const fault = planhat.sim.faults.add({ ...trouble, route: "GET /customfields" });
    expect(await prepare()).toMatchObject({
      kind: "later",
      message: expect.stringMatching(/could not be checked/) as string,
    });
    planhat.advance(599_000);
    expect(await prepare()).toMatchObject({ kind: "later" });
    planhat.advance(2_000);
    expect(await prepare()).toEqual(UNCHECKED);
    // Nor is Planhat asked for every record.
    const asked = reads();
    expect(await prepare()).toEqual(UNCHECKED);
    expect(reads()).toBe(asked);
    fault.remove();
    planhat.advance(61_000);
    expect(await prepare()).toEqual(CHECKED);
  });

  it("that were read once serve on while they cannot be read", async () => {
    expect(await prepare()).toEqual(CHECKED);
    planhat.sim.faults.add({ kind: "status", status: 503, route: "GET /customfields" });
    planhat.advance(601_000);
    expect(await prepare()).toEqual(CHECKED);
    planhat.advance(3_600_000);
    expect(await prepare()).toEqual(CHECKED);
  });

  it.each([403, 404])("hinder nobody where the token may not read them (%i)", async (status) => {
    planhat.sim.faults.add({ kind: "status", status, route: "GET /customfields" });
    expect(await prepare()).toEqual(UNCHECKED);
    const asked = reads();
    planhat.advance(599_000);
    expect(await prepare()).toEqual(UNCHECKED);
    expect(reads()).toBe(asked);
  });

  it("are waited for while the token is refused, as everything waits then", async () => {
    planhat.sim.faults.add({ kind: "status", status: 401, route: "GET /customfields" });
    expect(await prepare()).toMatchObject({ kind: "later" });
  });
});
