import { answerForms } from "./switches";
import { create, openBench, update } from "./planhat";
import type { Bench } from "./planhat";

let bench: Bench;
let companyId: string;
beforeEach(async () => {
  bench = await openBench();
  companyId = bench.sim.tenant().seedCompany({ name: "Acme", externalId: "acme" })._id;
});
afterEach(() => bench.close());

const many = (n: number) => Array.from({ length: n }, (_, index) => index);
const person = (n: number | string, fields = {}) =>
  create({ externalId: `person-${n}`, email: `p${n}@x.example` }, { name: "P", ...fields }, companyId);
const seeded = (n: number) =>
  many(n).map(
    (at) => bench.sim.tenant().seedEnduser({ companyId, email: `p${at}@x.example`, name: "P", position: "old" })._id,
  );
const kinds = (results: readonly { readonly kind: string }[]) => results.map((result) => result.kind);

describe("writing a chunk", () => {
  it("sends creates and updates in one call, with nested custom fields", async () => {
    const [id = ""] = seeded(1);
    const { results, problem } = await bench.connection.apply("endusers", [
      person("new", { "custom.a.b": 1 }),
      update(id, { position: "CEO" }),
    ]);
    expect(problem).toBeUndefined();
    expect(kinds(results)).toEqual(["created", "updated"]);
    const tenant = bench.sim.tenant();
    const [created] = results;
    expect(created?.kind === "created" ? tenant.endusers.get(created.remoteId) : undefined).toMatchObject({
      companyId,
      externalId: "person-new",
      custom: { "a.b": 1 },
    });
    expect(tenant.endusers.get(id)).toMatchObject({ position: "CEO", email: "p0@x.example" });
    expect(bench.calls()).toEqual({ "GET /customfields": 1, "PUT /endusers": 1 });
  });

  describe.each(answerForms)("with %j", (switches) => {
    it("gives every record its own true result", async () => {
      bench.sim.configure(switches);
      const ids = seeded(4);
      bench.sim.poison({ field: "position", value: "poison" }, "position is locked");
      const chunk = [
        person("a"),
        person("b", { position: "poison" }),
        ...ids.map((id, n) => update(id, { position: ["old", "new", "poison", "newer"][n] ?? "" })),
      ];
      const { results } = await bench.connection.apply("endusers", chunk);
      expect(kinds(results)).toEqual(["created", "rejected", "updated", "updated", "rejected", "updated"]);
      for (const result of results)
        if (result.kind === "rejected") expect(result.message).toContain("position is locked");
      const [created] = results;
      expect(created?.kind === "created" ? bench.sim.tenant().endusers.get(created.remoteId)?.["externalId"] : "").toBe(
        "person-a",
      );
      expect(bench.sim.books.snapshot()).toMatchObject({ duplicatesCreated: 0, created: { endusers: 1 } });
    });
  });

  it.each([
    { mode: "payload", switches: { badRequestBody: "envelope" }, most: 30 },
    { mode: "payload", switches: { badRequestBody: "text" }, most: 30 },
    { mode: "item", switches: { errorShape: "text" }, most: 2 },
    { mode: "item", switches: { errorShape: "keys" }, most: 2 },
  ] as const)("isolates one poison record among 5,000 within $most bulk calls ($mode, $switches)", async (given) => {
    const { mode, switches, most } = given;
    bench.sim.configure(switches);
    const ids = seeded(2500);
    bench.sim.poison({ field: "position", value: "poison" }, "no words", mode);
    const chunk = [
      ...ids.map((id) => update(id, { position: "new" })),
      ...many(2500).map((n) => person(`new-${n}`, n === 1234 ? { position: "poison" } : {})),
    ];
    const { results, problem } = await bench.connection.apply("endusers", chunk);
    expect(problem).toBeUndefined();
    expect(results.filter((result) => result.kind === "rejected")).toHaveLength(1);
    expect(results[2500 + 1234]?.kind).toBe("rejected");
    expect(bench.sim.books.snapshot()).toMatchObject({
      created: { endusers: 2499 },
      updated: { endusers: 2500 },
      duplicatesCreated: 0,
    });
    expect(bench.sim.books.snapshot().bulkCalls).toBeLessThanOrEqual(most);
  });

  it("does not take a nest of poison records for a wrong mapping", async () => {
    bench.sim.poison({ field: "position", value: "poison" }, "no words", "payload");
    const chunk = seeded(200).map((id, n) => update(id, { position: n >= 60 && n < 72 ? "poison" : "new" }));
    const { results, problem } = await bench.connection.apply("endusers", chunk);
    expect(problem).toBeUndefined();
    expect(results.filter((result) => result.kind === "rejected")).toHaveLength(12);
    expect(results.filter((result) => result.kind === "updated")).toHaveLength(188);
  });

  it("pauses the type when everything is refused alike, and rejects nothing", async () => {
    bench.sim.poison(() => true, "no words", "payload");
    const { results, problem } = await bench.connection.apply(
      "endusers",
      seeded(500).map((id) => update(id, { position: "new" })),
    );
    expect(problem).toMatchObject({ scope: "type", kind: "mapping" });
    expect(new Set(kinds(results))).toEqual(new Set(["later"]));
    expect(bench.sim.books.snapshot().bulkCalls).toBeLessThan(10);
  });

  it("pauses the type when every record is named with the same reason", async () => {
    bench.sim.poison(() => true, "custom field is locked");
    const { results, problem } = await bench.connection.apply(
      "endusers",
      seeded(50).map((id) => update(id, { position: "new" })),
    );
    expect(problem).toMatchObject({
      scope: "type",
      kind: "mapping",
      message: expect.stringContaining("custom field is locked") as string,
    });
    expect(new Set(kinds(results))).toEqual(new Set(["later"]));
  });

  it.each([200, 206, 400] as const)(
    "notices endusers that are silently dropped (status %i)",
    async (ignoredEnduserStatus) => {
      bench.sim.configure({ ignoredEnduserStatus, domainAssignment: "ignored" });
      const [id = ""] = seeded(1);
      const lost = create({ email: "lost@x.example" }, { name: "L" }, "f".repeat(24));
      const { results } = await bench.connection.apply("endusers", [
        person("a"),
        lost,
        update(id, { position: "new" }),
      ]);
      expect(kinds(results)).toEqual(["created", "rejected", "updated"]);
      expect(results[1]).toMatchObject({ message: expect.stringContaining("company") as string });
    },
  );

  it("reads new records back when the answer does not name them", async () => {
    bench.sim.configure({ keysForm: "id-only", keysOrder: "shuffled" });
    const { results } = await bench.connection.apply(
      "endusers",
      many(20).map((n) => person(n)),
    );
    const tenant = bench.sim.tenant();
    expect(
      results.map((result) =>
        result.kind === "created" ? tenant.endusers.get(result.remoteId)?.["externalId"] : result.kind,
      ),
    ).toEqual(many(20).map((n) => `person-${n}`));
    expect(bench.calls()).toEqual({ "PUT /endusers": 1, "GET /endusers": 1 });
  });

  it("sees that a create hit an existing record", async () => {
    for (const keysForm of ["full", "id-only"] as const) {
      bench.sim.configure({ keysForm });
      const old = bench.sim
        .tenant()
        .seedEnduser({ companyId, externalId: `person-${keysForm}`, email: "old@x.example" });
      const { results } = await bench.connection.apply("endusers", [person(keysForm), person(`${keysForm}-new`)]);
      expect(results[0]).toMatchObject({ kind: "conflict", remoteId: old._id });
    }
  });

  it.each(["create", "error"] as const)(
    "sees that the id of an update is gone (unknown id = %s)",
    async (unknownId) => {
      bench.sim.configure({ unknownId });
      const ids = seeded(3);
      bench.sim.tenant().remove("endusers", ids[1] ?? "");
      const { results } = await bench.connection.apply(
        "endusers",
        ids.map((id) => update(id, { position: "new" })),
      );
      expect(kinds(results)).toEqual(["updated", "gone", "updated"]);
    },
  );

  it("finds the record that was made out of an update whose id was gone", async () => {
    const companies = many(4).map((n) => bench.sim.tenant().seedCompany({ name: `C${n}` })._id);
    bench.sim.tenant().remove("companies", companies[2] ?? "");
    const { results } = await bench.connection.apply(
      "companies",
      companies.map((id, n) => update(id, { name: `New ${n}`, phase: "p" })),
    );
    expect(kinds(results)).toEqual(["updated", "updated", "replaced", "updated"]);
    const [, , replaced] = results;
    expect(replaced?.kind === "replaced" ? bench.sim.tenant().companies.get(replaced.remoteId)?.["name"] : "").toBe(
      "New 2",
    );
    expect(bench.sim.books.snapshot().created.companies).toBe(1);
  });

  it.each([401, 403] as const)("stops the lane on %i", async (status) => {
    bench.sim.faults.add({ kind: "status", status, body: "no" });
    const { results, problem } = await bench.connection.apply("endusers", [
      person(1),
      update("a".repeat(24), { name: "x" }),
    ]);
    expect(kinds(results)).toEqual(["later", "later"]);
    expect(problem).toMatchObject({ scope: "lane", kind: "auth", message: expect.stringMatching(/token/) as string });
  });

  it("keeps what a partly permitted call did", async () => {
    bench.sim.limitToken("planhat-token", [{ model: "endusers", action: "create" }]);
    const [id = ""] = seeded(1);
    const { results, problem } = await bench.connection.apply("endusers", [person(1), update(id, { position: "new" })]);
    expect(kinds(results)).toEqual(["later", "updated"]);
    expect(problem).toMatchObject({ kind: "auth" });
  });

  it("waits as long as a 429 says", async () => {
    bench.sim.faults.add({ kind: "rate-limit", headers: { "retry-after": "300" } });
    const { results, problem } = await bench.connection.apply("endusers", [person(1)]);
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
    bench.sim.faults.add({ ...fault, route: "PUT /endusers" });
    const { results } = await bench.connection.apply("endusers", [person("x"), update(id, { position: "new" })]);
    expect(kinds(results)).toEqual(["unconfirmed", "later"]);
    expect(bench.sim.books.snapshot().bulkCalls).toBeLessThanOrEqual(1);
  });

  it("settles an answer that lost its lists from the counters and the company's list", async () => {
    bench.sim.faults.add({ kind: "wrong-shape", form: "no-arrays", route: "PUT /endusers" });
    const [id = ""] = seeded(1);
    const { results } = await bench.connection.apply("endusers", [person("x"), update(id, { position: "new" })]);
    expect(kinds(results)).toEqual(["created", "updated"]);
  });

  it("is certain that nothing was written when there is no connection", async () => {
    await bench.sim.close();
    const { results } = await bench.connection.apply("endusers", [person("x")]);
    expect(kinds(results)).toEqual(["later"]);
  });

  it.each(["200-record", "201-record", "200-empty", "201-empty"] as const)(
    "creates a namesake by a call of its own (%s)",
    async (createAnswer) => {
      bench.sim.configure({ createAnswer, emailMatching: "always" });
      const other = bench.sim.tenant().seedCompany({ name: "Other" })._id;
      bench.sim.tenant().seedEnduser({ companyId: other, email: "p1@x.example" });
      const { results } = await bench.connection.apply("endusers", [{ ...person(1), namesake: true }]);
      expect(kinds(results)).toEqual(["created"]);
      expect(bench.sim.books.snapshot()).toMatchObject({ created: { endusers: 1 }, bulkCalls: 0 });
    },
  );

  it("changes the key of a namesake by its id alone", async () => {
    bench.sim.configure({ idInCompanyPut: "refused" });
    const { results } = await bench.connection.apply("companies", [
      { ...update(companyId, { externalId: "acme2" }), namesake: true },
    ]);
    expect(kinds(results)).toEqual(["updated"]);
    expect(bench.sim.tenant().companies.get(companyId)).toMatchObject({ externalId: "acme2" });
  });

  it("knows the fates of single writes", async () => {
    const single = (more = {}) => bench.connection.apply("endusers", [{ ...person("s"), namesake: true, ...more }]);
    const lane = async (fault: Parameters<typeof bench.sim.faults.add>[0]) => {
      const handle = bench.sim.faults.add({ ...fault, count: 9 });
      const applied = await single();
      handle.remove();
      return applied.results[0]?.kind;
    };
    expect(await lane({ kind: "status", status: 400, body: "phone is invalid" })).toBe("rejected");
    expect(await lane({ kind: "status", status: 401 })).toBe("later");
    expect(await lane({ kind: "status", status: 500 })).toBe("unconfirmed");
    expect(await lane({ kind: "reset-after" })).toBe("unconfirmed");
    const gone = await bench.connection.apply("endusers", [
      { ...update("f".repeat(24), { email: "e@x.example" }), namesake: true },
    ]);
    expect(kinds(gone.results)).toEqual(["gone"]);
  });

  it("never writes two chunks of a tenant at the same time", async () => {
    bench.sim.faults.add({ kind: "latency", min: 5, max: 10 });
    await Promise.all(many(5).map((n) => bench.connection.apply("endusers", [person(n)])));
    expect(bench.sim.books.snapshot()).toMatchObject({ concurrentBulkWrites: 0, created: { endusers: 5 } });
  });

  it("halves a call that is too large", async () => {
    await bench.close();
    bench = await openBench({ bodyLimitBytes: 2_000 });
    const id = bench.sim.tenant().seedCompany({ name: "A" })._id;
    const { results } = await bench.connection.apply(
      "endusers",
      many(40).map((n) => create({ email: `p${n}@x.example` }, { name: "P" }, id)),
    );
    expect(new Set(kinds(results))).toEqual(new Set(["created"]));
    expect(bench.sim.books.snapshot()).toMatchObject({ created: { endusers: 40 }, duplicatesCreated: 0 });
  });
});

describe("custom fields whose names differ in case alone", () => {
  const twins = { "custom.Score": 1, "custom.score": 2 };
  const held = () =>
    [...bench.sim.tenant().endusers.values()].map((each) => [each["externalId"] ?? each["email"], each["custom"]]);

  it("go in requests of their own, however they are spread over the records", async () => {
    const [id = ""] = seeded(1);
    const { results, problem } = await bench.connection.apply("endusers", [
      person(1, twins),
      person(2, { "custom.score": 3, "custom.Other": 4 }),
      person(3),
      update(id, { "custom.score": 5 }),
    ]);
    expect(problem).toBeUndefined();
    expect(kinds(results)).toEqual(["created", "created", "created", "updated"]);
    expect(held()).toEqual([
      ["p0@x.example", { score: 5 }],
      ["person-1", { Score: 1, score: 2 }],
      ["person-2", { Other: 4, score: 3 }],
      ["person-3", undefined],
    ]);
    expect(bench.calls()["PUT /endusers"]).toBe(2);
  });

  it("of which the second does not arrive leave nothing that counts as sent", async () => {
    const [id = ""] = seeded(1);
    let puts = 0;
    bench.sim.faults.add({
      kind: "status",
      status: 503,
      route: ({ method }) => method === "PUT" && (puts += 1) > 1,
    });
    const { results, problem } = await bench.connection.apply("endusers", [person(1, twins), update(id, twins)]);
    expect(problem).toMatchObject({ kind: "transient" });
    expect(kinds(results)).toEqual(["unconfirmed", "later"]);
    expect(held()).toEqual([
      ["p0@x.example", { Score: 1 }],
      ["person-1", { Score: 1 }],
    ]);
  });

  it("are not sent on where the first was refused", async () => {
    bench.sim.poison({ field: "externalId", value: "person-1" }, "Refused");
    const { results } = await bench.connection.apply("endusers", [person(1, twins), person(2, twins)]);
    expect(kinds(results)).toEqual(["rejected", "created"]);
    expect(held()).toEqual([["person-2", { Score: 1, score: 2 }]]);
  });
});

describe("the definitions of custom fields", () => {
  const FIELD = { name: "Score", type: "number", parent: "EndUser" };
  const settings = { contact_custom_attributes_outbound: [{ hull_field_name: "x", service_field_name: "Score" }] };
  const desired = { fields: { "custom.Score": "5" }, keys: {}, cleared: [] };
  const prepare = async () => (await bench.connection.prepare("endusers", [desired]))[0];
  const reads = () => bench.calls()["GET /customfields"] ?? 0;
  const CHECKED = { kind: "ready", fields: { "custom.Score": 5 } };
  const UNCHECKED = { kind: "ready", fields: { "custom.Score": "5" } };

  beforeEach(async () => {
    await bench.close();
    bench = await openBench({}, { settings });
    bench.sim.tenant().seedCustomField(FIELD);
  });

  it("are read once in ten minutes, and not for records without one", async () => {
    await bench.connection.prepare("endusers", [{ ...desired, fields: { name: "N" } }]);
    expect(reads()).toBe(0);
    expect(await prepare()).toEqual(CHECKED);
    bench.advance(599_000);
    expect(await prepare()).toEqual(CHECKED);
    expect(reads()).toBe(1);
    bench.advance(2_000);
    expect(await prepare()).toEqual(CHECKED);
    expect(reads()).toBe(2);
  });

  it("make records wait for ten minutes while they cannot be read, and then nobody any more", async () => {
    const fault = bench.sim.faults.add({ kind: "status", status: 503, route: "GET /customfields" });
    expect(await prepare()).toMatchObject({
      kind: "later",
      message: expect.stringMatching(/could not be checked/) as string,
    });
    bench.advance(599_000);
    expect(await prepare()).toMatchObject({ kind: "later" });
    bench.advance(2_000);
    expect(await prepare()).toEqual(UNCHECKED);
    // Nor is Planhat asked for every record.
    const asked = reads();
    expect(await prepare()).toEqual(UNCHECKED);
    expect(reads()).toBe(asked);
    fault.remove();
    bench.advance(61_000);
    expect(await prepare()).toEqual(CHECKED);
  });

  it("that were read once serve on while they cannot be read", async () => {
    expect(await prepare()).toEqual(CHECKED);
    bench.sim.faults.add({ kind: "status", status: 503, route: "GET /customfields" });
    bench.advance(601_000);
    expect(await prepare()).toEqual(CHECKED);
    bench.advance(3_600_000);
    expect(await prepare()).toEqual(CHECKED);
  });

  it.each([403, 404])("hinder nobody where the token may not read them (%i)", async (status) => {
    bench.sim.faults.add({ kind: "status", status, route: "GET /customfields" });
    expect(await prepare()).toEqual(UNCHECKED);
    const asked = reads();
    bench.advance(599_000);
    expect(await prepare()).toEqual(UNCHECKED);
    expect(reads()).toBe(asked);
  });

  it("hinder nobody where they are no list", async () => {
    bench.sim.faults.add({ kind: "wrong-shape", form: "object", route: "GET /customfields" });
    expect(await prepare()).toMatchObject({ kind: "later" });
    bench.advance(601_000);
    expect(await prepare()).toEqual(UNCHECKED);
  });

  it("are waited for while the token is refused, as everything waits then", async () => {
    bench.sim.faults.add({ kind: "status", status: 401, route: "GET /customfields" });
    expect(await prepare()).toMatchObject({ kind: "later" });
  });
});
