/** A simulated run says what the real one would do, and leaves no trace but its own figures. */
import { readdirSync } from "node:fs";
import type { RunRow } from "../../src/storage/port/rows";
import {
  account,
  CONNECTOR,
  license,
  LICENSE_SETTINGS,
  people,
  sum,
  TOKEN,
  useFixtures,
  user,
  type Bag,
  type Fixture,
} from "../fixture/fixture";
import { begin, carryOut, expectExact, GROUP, isAlive, ndjson, publish, rowsOf, userRow } from "../fixture/batches";

const open = useFixtures();

/** A fetch of everything, from the call to its end. */
const fetchAll = (fixture: Fixture, entity: "users" | "accounts", more: Readonly<Record<string, string>> = {}) =>
  fixture.fetch(entity, new URLSearchParams({ force: "1", ...more }).toString());

const OURS = ["process.lock", "secret.key", "store"];

/** A simulation has no files: the data folder holds nothing but its own. */
const expectNoFiles = (fixture: Fixture): void =>
  expect(readdirSync(fixture.dataDir).filter((name) => !OURS.includes(name))).toEqual([]);

/** Everything that a simulation must not touch, on all three sides. */
async function everything(fixture: Fixture): Promise<unknown> {
  const { store } = fixture.connector;
  const { created, updated, noOpWrites, bulkCalls, activities } = fixture.planhat.books.snapshot();
  const { firehoseRequests, firehoseItems } = fixture.hull.books.snapshot();
  const { remote } = fixture.lane;
  const { companies, endusers, licenses } = fixture.planhat.snapshot();
  const ids = (records: readonly Bag[]): readonly string[] => records.map((each) => String(each["_id"]));
  const hullIds = (kind: "acc" | "bee"): readonly string[] =>
    Array.from({ length: 30 }, (_, at) => kind.padEnd(16, "0") + (at + 1).toString(16).padStart(8, "0"));
  return {
    planhat: { created, updated, noOpWrites, bulkCalls, activities, records: fixture.planhat.snapshot() },
    hull: { firehoseRequests, firehoseItems },
    tally: await store.tally(fixture.tenantKey),
    lanes: await store.lanes(),
    depth: await store.depth(fixture.lane),
    holds: await store.pauses(fixture.lane),
    deadLetters: await store.deadLettersOf(fixture.lane),
    remote: await store.remote(remote),
    backlog: await store.backlog("planhat"),
    mirrors: {
      companies: await store.mirrors(fixture.lane, "companies", ids(companies)),
      endusers: await store.mirrors(fixture.lane, "endusers", ids(endusers)),
      licenses: await store.mirrors(fixture.lane, "licenses", ids(licenses)),
    },
    views: {
      companies: await store.view(fixture.lane, "companies", hullIds("acc")),
      endusers: await store.view(fixture.lane, "endusers", hullIds("bee")),
    },
  };
}

/** Runs a simulation, and expects that nothing but the run is left of it. */
async function simulated(fixture: Fixture, simulate: () => Promise<RunRow>): Promise<RunRow> {
  const before = await everything(fixture);
  const run = await simulate();
  expect(run.options.simulate).toBe(true);
  expect(await everything(fixture)).toEqual(before);
  expectNoFiles(fixture);
  return run;
}

/** What a person does in Planhat. */
async function editInPlanhat(fixture: Fixture, id: string | undefined, change: Bag): Promise<void> {
  const { status } = await fetch(`${fixture.planhat.url}/api/endusers/${id ?? ""}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify(change),
  });
  expect(status).toBe(200);
}

/** A population with one of every kind, and the rows of a batch about them. */
async function mixed(fixture: Fixture): Promise<readonly Bag[]> {
  const companies = [1, 2, 3].map((number) => account(number));
  const users = people(20);
  fixture.seed(companies, users);
  // Known and equal: 1 to 3. Known and different from what the file says: 4 and 5. Known and archived since: 8.
  for (const each of [...users.slice(0, 5), user(8)]) await fixture.tellUser(each, account(1));
  await fixture.settled();
  const { companies: known, endusers } = fixture.planhat.snapshot();
  const companyId = known[0]?._id ?? "";
  await editInPlanhat(fixture, endusers.at(-1)?._id, { archived: true });
  const tenant = fixture.planhat.tenant();
  // Two people in Planhat could be number 6: one has the external id, both the address.
  for (const at of [1, 2]) tenant.seedEnduser({ companyId, email: "person-6@example.com", name: `Namesake ${at}` });
  // Number 7 is there already and was never linked.
  tenant.seedEnduser({ companyId, email: "person-7@example.com", externalId: "person-7", position: "Founder" });
  // That number 8 is in no list any more is noticed by a fetch.
  expect(await fetchAll(fixture, "users")).toMatchObject({ state: "success", done: 8 });
  return [
    ...rowsOf(people(3)),
    userRow(user(4, { position: "Director" }), account(1)),
    userRow(user(5, { position: "Director" }), account(1)),
    ...rowsOf(people(3, 6)),
    // New ones: of a known company, of a new one, and two of another new one.
    userRow(user(9), account(1)),
    userRow(user(10), account(2)),
    userRow(user(11), account(3)),
    userRow(user(12), account(3)),
    // Without what is demanded.
    userRow(user(13, { email: null }), account(1)),
    userRow(user(14), {}),
    userRow(user(15), account(4, { external_id: null })),
    { email: "no-id@example.com", account: account(1) },
    // The same person again, once as himself and once as another Hull user.
    userRow(user(9, { position: "Second row" }), account(1)),
    userRow(user(16, { external_id: "person-1", email: "person-1@example.com" }), account(1)),
  ];
}

describe("a batch", () => {
  test("of users of every kind: what the real run then does", async () => {
    const fixture = await open();
    const rows = await mixed(fixture);
    const dry = await simulated(fixture, () => carryOut(fixture, rows, { simulate: true }));
    expect(dry.state).toBe("success");
    expectExact(dry, rows.length);
    const real = await carryOut(fixture, rows);
    expectExact(real, rows.length);
    expect(dry.counts).toEqual(real.counts);
    expect(Object.keys(real.counts).sort()).toEqual(
      expect.arrayContaining([
        "endusers/rejected/invalid_message",
        "endusers/sent/created",
        "endusers/sent/updated",
        "endusers/skipped/ambiguous",
        "endusers/skipped/archived",
        "endusers/skipped/missing_account",
        "endusers/skipped/missing_account_external_id",
        "endusers/skipped/missing_email",
        "endusers/skipped/same_remote_record",
        "endusers/superseded/merged",
      ]) as unknown,
    );
  });

  test("of several groups: children of a company that a former group would have made", async () => {
    const fixture = await open();
    const users = people(GROUP + 30);
    fixture.seed([account(1)], users);
    const rows = [...rowsOf(users), userRow(user(1, { position: "Second row" }), account(1))];
    const dry = await simulated(fixture, () => carryOut(fixture, rows, { simulate: true }));
    expectExact(dry, rows.length);
    expect(dry.state).toBe("success");
    const real = await carryOut(fixture, rows);
    // The first row of the person may be delivered, or still wait and be superseded: a matter of time.
    const first = real.counts["endusers/superseded/newer_message"] === 1;
    expect(dry.counts["endusers/sent/created"]).toBe(users.length);
    expect(first ? real.counts["endusers/sent/created"] : dry.counts["endusers/sent/updated"]).toBe(
      first ? users.length : 1,
    );
  });

  test("of accounts with licenses", async () => {
    const fixture = await open({ settings: LICENSE_SETTINGS });
    fixture.seed([1, 2, 3, 4].map((number) => account(number)));
    await fixture.deliverAccount(account(1, { licenses: [license(1)] }));
    fixture.planhat.tenant().seedCompany({ externalId: "acme-4", name: "Twin A" });
    fixture.planhat.tenant().seedCompany({ externalId: "acme-4", name: "Twin B" });
    const rows = [
      account(1, { licenses: [license(1), license(2)] }),
      account(2, { name: "Renamed", licenses: [license(3), { product: "nameless" }] }),
      account(3, { external_id: null }),
      account(4),
    ];
    const order = { entity: "account" } as const;
    const dry = await simulated(fixture, () => carryOut(fixture, rows, { ...order, simulate: true }));
    const real = await carryOut(fixture, rows, order);
    expect(dry.counts).toEqual(real.counts);
    expectExact(dry, real.total ?? 0);
    expect(dry.type).toBe("companies");
  });

  test("what only a write brings to light is the exception: the simulation takes it for sent", async () => {
    const fixture = await open();
    const company = fixture.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Acme 1" });
    // Refused by a rule of Planhat; archived, so that no list shows it.
    fixture.planhat.poison({ field: "externalId", value: "person-2" }, "Not welcome");
    const hidden = { externalId: "person-3", email: "person-3@example.com", archived: true };
    fixture.planhat.tenant().seedEnduser({ companyId: company["_id"], ...hidden });
    const dry = await simulated(fixture, () => carryOut(fixture, rowsOf(people(3)), { simulate: true }));
    expect(dry.counts).toEqual({ "endusers/sent/created": 3 });
    const real = await carryOut(fixture, rowsOf(people(3)));
    expect(real.counts).toEqual({
      "endusers/sent/created": 1,
      "endusers/rejected/refused": 1,
      "endusers/dead/identity_alarm": 1,
    });
  });

  test("a verbose simulation has the report of the real run", async () => {
    const fixture = await open();
    const rows = await mixed(fixture);
    const lines = async (id: string): Promise<readonly string[]> =>
      (await fixture.connector.store.reportLines(id, 0, 1_000))
        .map(({ type, hullId, outcome, code }) => `${type} ${hullId} ${outcome}/${code}`)
        .sort();
    const dry = await simulated(fixture, () => carryOut(fixture, rows, { simulate: true, verbose: true }));
    expect(await lines(dry.id)).toHaveLength(rows.length);
    const real = await carryOut(fixture, rows, { verbose: true });
    expect(await lines(dry.id)).toEqual(await lines(real.id));
  });

  test("stop_on_error stops a simulation, too", async () => {
    const fixture = await open();
    const { url } = fixture.hull.publishExtract({ content: `nonsense\n${ndjson(rowsOf(people(3)))}` });
    const run = await simulated(fixture, async () =>
      fixture.ended(await begin(fixture, url, { simulate: true, stopOnError: true })),
    );
    expect(run.state).toBe("stopped");
  });

  test("without a token", async () => {
    const fixture = await open({ settings: { personal_acccess_token: "" } });
    const run = await carryOut(fixture, rowsOf(people(2)), { simulate: true });
    expect(run).toMatchObject({ state: "success", counts: { "endusers/skipped/missing_token": 2 } });
    expectNoFiles(fixture);
  });

  test("twice says the same twice", async () => {
    const fixture = await open();
    const rows = await mixed(fixture);
    const first = await carryOut(fixture, rows, { simulate: true });
    const second = await simulated(fixture, () => carryOut(fixture, rows, { simulate: true }));
    expect(second.counts).toEqual(first.counts);
  });

  test("what is in flight for real is decided, too", async () => {
    const fixture = await open();
    const silent = fixture.planhat.faults.add({ kind: "stall", route: "PUT /endusers" });
    for (const each of people(3)) await fixture.tellUser(each, account(1));
    await fixture.until(() => silent.hits > 0);
    const run = await carryOut(fixture, rowsOf(people(4)), { simulate: true });
    expectExact(run, 4);
    expect(run.counts).toEqual({ "endusers/sent/created": 4 });
    silent.remove();
  });

  test("what waits for real is still delivered for real, and only once", async () => {
    const fixture = await open();
    const down = fixture.planhat.faults.add({ kind: "status", status: 503, route: "PUT /endusers" });
    for (const each of people(6)) await fixture.tellUser(each, account(1));
    await fixture.until(async () => (await fixture.connector.store.depth(fixture.lane)).outbox > 0);
    const run = await carryOut(fixture, rowsOf(people(4, 4)), { simulate: true });
    expectExact(run, 4);
    expect(run.counts).toEqual({ "endusers/sent/created": 4 });
    expect(fixture.endusers()).toEqual([]);
    down.remove();
    await fixture.settledWithHelp();
    expect(fixture.endusers()).toHaveLength(6);
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 6 });
  });
});

describe("a fetch", () => {
  async function fetchable(fixture: Fixture): Promise<void> {
    for (const each of people(2)) await fixture.tellUser(each, account(1));
    await fixture.settled();
    const tenant = fixture.planhat.tenant();
    const { companies, endusers } = fixture.planhat.snapshot();
    const companyId = companies[0]?._id ?? "";
    for (const number of [3, 4, 5]) {
      tenant.seedEnduser({ companyId, externalId: `person-${number}`, email: `person-${number}@example.com` });
    }
    // Two with one address, and one whom a person changed.
    tenant.seedEnduser({ companyId, email: "twin@example.com", name: "Twin A" });
    tenant.seedEnduser({ companyId, email: "twin@example.com", name: "Twin B" });
    tenant.seedCompany({ externalId: "acme-2", name: "Acme 2" });
    tenant.seedCompany({ name: "Nobody knows" });
    await editInPlanhat(fixture, endusers[0]?._id, { position: "Changed by a person" });
  }

  test.each(["users", "accounts"] as const)("of %s: what the real one then does", async (entity) => {
    const fixture = await open();
    await fetchable(fixture);
    const dry = await simulated(fixture, () => fetchAll(fixture, entity, { simulate: "1", verbose: "1" }));
    expect(dry.state).toBe("success");
    const real = await fetchAll(fixture, entity, { verbose: "1" });
    expect(dry.counts).toEqual(real.counts);
    expect(dry.done).toBe(real.done);
    expect(Object.keys(real.counts).length).toBeGreaterThan(0);
    const lines = async (id: string): Promise<readonly string[]> =>
      (await fixture.connector.store.reportLines(id, 0, 100)).map(
        ({ remoteId = "", outcome, code }) => `${remoteId} ${outcome}/${code}`,
      );
    expect(await lines(dry.id)).toEqual(await lines(real.id));
  });

  test("does not count for the schedule, and the next real one compares as if it had not been", async () => {
    const fixture = await open();
    await fetchable(fixture);
    await simulated(fixture, () => fetchAll(fixture, "users", { simulate: "1" }));
    expect(await fixture.connector.store.lastRun(fixture.tenantKey, "fetch", "endusers")).toBeUndefined();
    const real = await fetchAll(fixture, "users", { force: "0" });
    expect(real).toMatchObject({ state: "success", options: {} });
  });
});

test("a simulated fetch ends with the same total as a real one", async () => {
  const fixture = await open();
  fixture.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Acme 1" });
  const dry = await fetchAll(fixture, "accounts", { simulate: "1" });
  const real = await fetchAll(fixture, "accounts");
  expect([dry.done, dry.total]).toEqual([real.done, real.total]);
});

describe("a simulation among other work", () => {
  test("real messages are delivered meanwhile, and the simulation stays without a trace", async () => {
    const fixture = await open();
    const users = people(GROUP + 20);
    fixture.seed([account(1)], users);
    const content = ndjson(rowsOf(users));
    const extract = fixture.hull.publishExtract({ content });
    extract.fail({ kind: "stall", afterBytes: Math.floor(content.length * 0.95) });
    const id = await begin(fixture, extract.url, { simulate: true });
    await fixture.until(async () => (await fixture.run(id)).done >= GROUP);
    expectNoFiles(fixture);
    for (const each of people(5)) await fixture.tellUser(each, account(1));
    await fixture.settled();
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 5 });
    expect(fixture.endusers()).toHaveLength(5);
    expect((await fixture.run(id)).state).toBe("running");
    extract.fail(undefined);
    await fixture.restart();
    const run = await fixture.ended(id);
    expectNoFiles(fixture);
    expect(run.state).toBe("success");
    expect(fixture.endusers()).toHaveLength(5);
    expect((await fixture.connector.store.tally(fixture.tenantKey)).messages).toBe(5);
  });

  test.each([
    ["killed", "crash"],
    ["stopped in order", "restart"],
  ] as const)("%s in the middle, a simulation begins anew and leaves no file", async (_name, way) => {
    const fixture = await open();
    const users = people(GROUP + 20);
    fixture.seed([account(1)], users);
    const content = ndjson(rowsOf(users));
    const extract = fixture.hull.publishExtract({ content });
    extract.fail({ kind: "stall", afterBytes: Math.floor(content.length * 0.95) });
    const id = await begin(fixture, extract.url, { simulate: true, verbose: true });
    await fixture.until(async () => (await fixture.run(id)).done >= GROUP);
    extract.fail(undefined);
    await fixture[way]();
    const run = await fixture.ended(id);
    expect(run).toMatchObject({ state: "success", counts: { "endusers/sent/created": users.length } });
    expectExact(run, users.length);
    expect(await fixture.connector.store.reportLines(id, 0, 1_000)).toHaveLength(users.length);
    expectNoFiles(fixture);
    expect(fixture.planhat.books.snapshot().bulkCalls).toBe(0);
    expect(await fixture.outcomes()).toEqual({});
    await isAlive(fixture);
  });

  test("a fetch that is interrupted begins anew, too", async () => {
    const fixture = await open();
    const tenant = fixture.planhat.tenant();
    const company = tenant.seedCompany({ externalId: "acme-1", name: "Acme 1" });
    for (let number = 1; number <= 30; number += 1) {
      tenant.seedEnduser({
        companyId: company["_id"],
        externalId: `person-${number}`,
        email: `p${number}@example.com`,
      });
    }
    let stopping: Promise<void> | undefined;
    fixture.planhat.on("request", ({ route }) => {
      if (route === "GET /endusers") stopping ??= fixture.restart();
    });
    const query = `organization=${fixture.hull.host}&ship=${CONNECTOR.id}&secret=${CONNECTOR.secret}&simulate=1`;
    const answer = await fetch(`${fixture.baseUrl}/fetch/users?${query}`, { method: "POST" });
    const { run: id = "" } = (await answer.json()) as { readonly run?: string };
    await fixture.until(() => stopping !== undefined);
    await stopping;
    const run = await fixture.ended(id);
    expect(run.state).toBe("success");
    expect([run.done, sum(run.counts)]).toEqual([30, 30]);
    expectNoFiles(fixture);
    expect(fixture.hull.books.snapshot().firehoseRequests).toBe(0);
  });

  test("a batch that is announced behind a simulation is carried out after it, and for real", async () => {
    const fixture = await open();
    const dry = await begin(fixture, publish(fixture, rowsOf(people(5))).url, { simulate: true });
    const real = await begin(fixture, publish(fixture, rowsOf(people(5))).url);
    expect((await fixture.ended(dry)).counts).toEqual({ "endusers/sent/created": 5 });
    expect((await fixture.ended(real)).counts).toEqual({ "endusers/sent/created": 5 });
    await fixture.settled();
    expect(fixture.endusers()).toHaveLength(5);
  });

  test("while Planhat is away, the simulation ends and says so; nothing is left of it", async () => {
    const fixture = await open();
    const down = fixture.planhat.faults.add({ kind: "status", status: 401 });
    const run = await fixture.ended(await begin(fixture, publish(fixture, rowsOf(people(2))).url, { simulate: true }));
    expect(run.state).toBe("error");
    expect(run.error).toContain("2 records could not be decided");
    expectNoFiles(fixture);
    down.remove();
    expect((await carryOut(fixture, rowsOf(people(2)))).counts).toEqual({ "endusers/sent/created": 2 });
  });
});
