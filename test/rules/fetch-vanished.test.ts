/** What a complete scan did not show is missing: nothing is updated blindly or created twice, and Hull is told once. */
import { account, minute, useFixtures, user, type Fixture } from "../fixture/fixture";

const open = useFixtures();

const MARK = { settings: { mark_deleted: true } };
const DELETED = "planhat/deleted_at";

async function mirrorOf(fixture: Fixture, type: "companies" | "endusers", id: string) {
  const [row] = await fixture.connector.store.mirrors(fixture.lane, type, [id]);
  return row;
}

/** A user and his company, sent and fetched. */
async function openLinked(options: Parameters<typeof open>[0] = {}) {
  const fixture = await open(options);
  await fixture.deliverUser(user(1), account(1));
  fixture.advance(1);
  await fixture.fetchBoth();
  const id = String(fixture.endusers()[0]?.["_id"]);
  const companyId = String(fixture.companies()[0]?.["_id"]);
  return { fixture, id, companyId };
}

const change = (fixture: Fixture, more: Record<string, unknown> = {}): Promise<void> =>
  fixture.tellUser(user(1, { position: "Captain", indexed_at: minute(1), ...more }), account(1));

describe("an enduser whom a complete scan did not meet", () => {
  test("is known to be missing, and the others are not", async () => {
    const { fixture, id, companyId } = await openLinked();
    fixture.planhat.tenant().seedEnduser({ _id: "e2", email: "stays@example.com", companyId });
    await fixture.fetchBoth();
    fixture.planhat.tenant().remove("endusers", id);
    await fixture.fetchBoth();
    expect(await mirrorOf(fixture, "endusers", id)).toMatchObject({ missing: true });
    expect((await mirrorOf(fixture, "endusers", "e2"))?.missing).toBeUndefined();
    expect((await mirrorOf(fixture, "companies", companyId))?.missing).toBeUndefined();
  });

  test("deleted: he is read before the next update, and made again, once", async () => {
    const { fixture, id } = await openLinked();
    fixture.planhat.tenant().remove("endusers", id);
    await fixture.fetchBoth();
    const before = fixture.calls.length;
    await change(fixture);
    await fixture.settled();
    const routes = fixture.calls.slice(before).map(({ route }) => route);
    expect(routes[0]).toMatch(/^GET \/endusers/);
    expect(fixture.endusers()).toMatchObject([
      { externalId: "person-1", position: "Captain", email: user(1)["email"] },
    ]);
    expect(fixture.profile("user", user(1).id)).toMatchObject({ "planhat/id": fixture.endusers()[0]?.["_id"] });
    fixture.advance(1);
    await fixture.fetchBoth();
    expect(await fixture.fetchBoth()).toEqual([]);
  });

  test("deleted: he is made again although Hull says nothing new of him", async () => {
    const { fixture, id } = await openLinked();
    await fixture.deliverUser(user(1, { "planhat/id": id, indexed_at: minute(1) }), account(1));
    fixture.planhat.tenant().remove("endusers", id);
    fixture.advance(1);
    await fixture.fetchBoth();
    await fixture.deliverUser(user(1, { "planhat/id": id, indexed_at: minute(2) }), account(1));
    expect(fixture.endusers()).toMatchObject([{ externalId: "person-1", position: "Engineer" }]);
  });

  test("archived: he is left alone, with a reason", async () => {
    const { fixture, id } = await openLinked();
    fixture.planhat.tenant().archive("endusers", id);
    await fixture.fetchBoth();
    expect(await mirrorOf(fixture, "endusers", id)).toMatchObject({ missing: true });
    await change(fixture);
    await fixture.settled();
    expect(await fixture.outcomes()).toMatchObject({ "endusers/skipped/archived": 1 });
    expect(fixture.planhat.snapshot().endusers).toMatchObject([{ archived: true, position: "Engineer" }]);
  });

  test("there all the same (the list lied): he is updated, and missing no more", async () => {
    const { fixture, id } = await openLinked();
    fixture.planhat.tenant().archive("endusers", id);
    await fixture.fetchBoth();
    fixture.planhat.tenant().edit("endusers", id, { archived: false });
    await change(fixture);
    await fixture.settled();
    expect(fixture.planhat.snapshot().endusers).toMatchObject([{ _id: id, position: "Captain" }]);
    expect((await mirrorOf(fixture, "endusers", id))?.missing).toBeUndefined();
    expect(fixture.planhat.books.snapshot().created.endusers).toBe(1);
  });

  test("with a namesake: the one who is there is taken, and no third is made", async () => {
    const { fixture, id, companyId } = await openLinked();
    fixture.planhat.tenant().remove("endusers", id);
    fixture.planhat.tenant().seedEnduser({ _id: "e2", email: user(1)["email"], companyId });
    await fixture.fetchBoth();
    await change(fixture);
    await fixture.settled();
    expect(fixture.planhat.snapshot().endusers).toMatchObject([
      { _id: "e2", externalId: "person-1", position: "Captain" },
    ]);
    expect(fixture.planhat.books.snapshot().created.endusers).toBe(1);
  });
});

test("a company that was deleted is read before its next update and made again, with its people", async () => {
  const { fixture, id, companyId } = await openLinked();
  fixture.planhat.tenant().remove("endusers", id);
  fixture.planhat.tenant().remove("companies", companyId);
  await fixture.fetchBoth();
  await fixture.deliverAccount(account(1, { name: "Acme again", indexed_at: minute(1) }));
  await change(fixture, { indexed_at: minute(2) });
  await fixture.settled();
  expect(fixture.companies()).toMatchObject([{ externalId: "acme-1", name: "Acme again" }]);
  expect(fixture.endusers()).toMatchObject([{ externalId: "person-1", companyId: fixture.companies()[0]?.["_id"] }]);
});

test("a user of a company that was deleted: the company is made again first", async () => {
  const { fixture, id, companyId } = await openLinked();
  fixture.planhat.tenant().remove("endusers", id);
  fixture.planhat.tenant().remove("companies", companyId);
  await fixture.fetchBoth();
  await change(fixture);
  await fixture.settledWithHelp();
  expect(fixture.companies()).toHaveLength(1);
  expect(fixture.endusers()).toMatchObject([{ externalId: "person-1", companyId: fixture.companies()[0]?.["_id"] }]);
});

test("what we wrote while the scan was under way has not vanished", async () => {
  const { fixture } = await openLinked(MARK);
  let wrote = false;
  fixture.planhat.on("answered", async ({ route, query }) => {
    if (route !== "GET /endusers" || query.has("companyId") || query.has("email") || wrote) return;
    wrote = true;
    await fixture.tellUser(user(2), account(1));
    await fixture.until(() => fixture.endusers().length === 2);
  });
  fixture.hull.faults.add({ kind: "latency", min: 100, max: 100, route: "POST /firehose" });
  await fixture.fetchBoth();
  await fixture.settled();
  expect(wrote).toBe(true);
  for (const each of fixture.endusers()) {
    expect((await mirrorOf(fixture, "endusers", String(each["_id"])))?.missing).toBeUndefined();
  }
  expect(fixture.told().map(({ body }) => body[DELETED] ?? null)).toEqual(fixture.told().map(() => null));
});

describe("if deletions shall be marked", () => {
  test("Hull is told once, and no more by later fetches", async () => {
    const { fixture, id, companyId } = await openLinked(MARK);
    fixture.planhat.tenant().remove("endusers", id);
    const told = await fixture.fetchBoth();
    expect(told).toMatchObject([{ user: { anonymous_id: `planhat:${id}` } }]);
    expect(Date.parse(String(told[0]?.body[DELETED]))).toBeLessThanOrEqual(Date.now());
    expect(fixture.profile("user", user(1).id)).toHaveProperty([DELETED]);
    expect(fixture.hull.profiles.snapshot().users).toHaveLength(1);
    fixture.advance(300);
    expect(await fixture.fetchBoth()).toEqual([]);
    expect(fixture.companies()).toMatchObject([{ _id: companyId }]);
  });

  test("Hull is told of an archived company as well", async () => {
    const { fixture, companyId } = await openLinked(MARK);
    fixture.planhat.tenant().archive("companies", companyId);
    expect(await fixture.fetchBoth()).toMatchObject([{ account: { anonymous_id: `planhat:${companyId}` } }]);
    expect(fixture.profile("account", account(1).id)).toHaveProperty([DELETED]);
  });

  test("who returns is told of, once, and may vanish again", async () => {
    const { fixture, id } = await openLinked(MARK);
    for (let round = 0; round < 2; round += 1) {
      fixture.planhat.tenant().archive("endusers", id);
      expect((await fixture.fetchBoth()).map(({ body }) => Object.keys(body))).toEqual([[DELETED]]);
      expect(await fixture.fetchBoth()).toEqual([]);
      fixture.advance(60);
      fixture.planhat.tenant().edit("endusers", id, { archived: false });
      expect(await fixture.fetchBoth()).toMatchObject([{ body: { [DELETED]: null } }]);
      expect(await fixture.fetchBoth()).toEqual([]);
    }
    expect(fixture.profile("user", user(1).id)).toMatchObject({ [DELETED]: null });
  });

  test("who returns is told of even if nobody is marked any more; who is gone stays marked", async () => {
    const fixture = await open(MARK);
    const put = (id: string) => fixture.planhat.tenant().seedEnduser({ _id: id, email: `${id}@example.com` });
    for (const id of ["e1", "e2"]) put(id);
    await fixture.fetchBoth();
    for (const id of ["e1", "e2"]) fixture.planhat.tenant().remove("endusers", id);
    expect(await fixture.fetchBoth()).toHaveLength(2);
    await fixture.saveSettings({ mark_deleted: false });
    put("e1");
    expect(await fixture.fetchBoth()).toMatchObject([
      { user: { anonymous_id: "planhat:e1" }, body: { [DELETED]: null } },
    ]);
    expect(await fixture.fetchBoth()).toEqual([]);
  });

  test("who returns untouched is told of, too", async () => {
    const fixture = await open(MARK);
    const seed = { _id: "e1", email: "ann@example.com", updatedAt: "2025-01-01T00:00:00.000Z" };
    const put = () => fixture.planhat.tenant().seedEnduser(seed);
    put();
    await fixture.fetchBoth();
    fixture.planhat.tenant().remove("endusers", "e1");
    fixture.advance(300);
    expect(await fixture.fetchBoth()).toHaveLength(1);
    put();
    fixture.advance(300);
    expect(await fixture.fetchBoth()).toMatchObject([{ body: { [DELETED]: null } }]);
  });

  test("Hull is told later if it could not be told now", async () => {
    const { fixture, id } = await openLinked(MARK);
    fixture.planhat.tenant().remove("endusers", id);
    const down = fixture.hull.faults.add({ kind: "status", status: 401, route: "POST /firehose" });
    expect(await fixture.fetch("users")).toMatchObject({ state: "error" });
    down.remove();
    expect(await fixture.fetchBoth()).toMatchObject([{ body: { [DELETED]: expect.any(String) as string } }]);
    expect(await fixture.fetchBoth()).toEqual([]);
  });

  test("each is told once, even if Hull falls silent in the middle", async () => {
    const fixture = await open(MARK);
    const people = Array.from({ length: 90 }, (_, index) => `e${index + 100}`);
    for (const id of people) fixture.planhat.tenant().seedEnduser({ _id: id, email: `${id}@example.com` });
    await fixture.fetchBoth();
    for (const id of people) fixture.planhat.tenant().remove("endusers", id);
    let requests = 0;
    fixture.hull.faults.add({
      kind: "status",
      status: 503,
      route: ({ route }) => route === "POST /firehose" && (requests += 1) > 1 && requests < 8,
    });
    const told = await fixture.fetchBoth();
    expect(new Set(told.map(({ user: who }) => who?.["anonymous_id"])).size).toBe(90);
    expect(told).toHaveLength(90);
  });

  test("nobody is marked of whom Hull never heard", async () => {
    const fixture = await open(MARK);
    // Seen by a look-up only.
    fixture.planhat.tenant().seedCompany({ _id: "c1", externalId: "acme-1", name: "Acme 1" });
    fixture.planhat.tenant().seedEnduser({ _id: "e9", email: "unheard@example.com", companyId: "c1" });
    await fixture.deliverUser(user(1), account(1));
    fixture.planhat.tenant().remove("endusers", "e9");
    fixture.advance(1);
    const told = await fixture.fetchBoth();
    expect(told.flatMap(({ body }) => Object.keys(body))).not.toContain(DELETED);
    expect(fixture.hull.profiles.snapshot().users).toHaveLength(1);
  });

  test("switched on later, those that had vanished before are told of", async () => {
    const { fixture, id } = await openLinked();
    fixture.planhat.tenant().remove("endusers", id);
    expect(await fixture.fetchBoth()).toEqual([]);
    await fixture.saveSettings(MARK.settings);
    expect(await fixture.fetchBoth()).toMatchObject([{ body: { [DELETED]: expect.any(String) as string } }]);
  });
});

describe("a list that lost more than half", () => {
  async function openMany() {
    const fixture = await open({ settings: { ...MARK.settings, fetch_interval_accounts: 0 } });
    const ids = Array.from({ length: 120 }, (_, index) => `c${index + 100}`);
    for (const id of ids) fixture.planhat.tenant().seedCompany({ _id: id, externalId: id, name: id });
    expect(await fixture.fetch("accounts", "")).toMatchObject({ state: "success", done: 120 });
    return { fixture, ids };
  }

  test("is believed neither at once nor when it comes again: nobody is deleted, and it proves nobody's absence", async () => {
    const { fixture, ids } = await openMany();
    const { scans } = await fixture.connector.store.remote(fixture.lane.remote);
    for (const id of ids.slice(0, 80)) fixture.planhat.tenant().remove("companies", id);
    for (let round = 0; round < 2; round += 1) {
      fixture.advance(60);
      const told = await fixture.during(() => fixture.fetch("accounts", ""));
      expect(told).toEqual([]);
      expect((await mirrorOf(fixture, "companies", "c100"))?.missing).toBeUndefined();
      expect((await fixture.connector.store.remote(fixture.lane.remote)).scans).toEqual(scans);
    }
    const [last] = await fixture.connector.store.runs({ tenant: fixture.tenantKey, limit: 1 });
    expect(last).toMatchObject({ state: "error", done: 40 });
    expect(last?.error).toContain("40");
  });

  test("is believed when a person says so", async () => {
    const { fixture, ids } = await openMany();
    for (const id of ids.slice(0, 80)) fixture.planhat.tenant().remove("companies", id);
    const told = await fixture.during(() => fixture.fetch("accounts", "force=1"));
    expect(told).toHaveLength(80);
    expect(await mirrorOf(fixture, "companies", "c100")).toMatchObject({ missing: true });
  });

  test("is believed where few were lost", async () => {
    const { fixture, ids } = await openMany();
    for (const id of ids.slice(0, 60)) fixture.planhat.tenant().remove("companies", id);
    expect(await fixture.during(() => fixture.fetch("accounts", ""))).toHaveLength(60);
  });
});

test("after a complete scan nobody is asked whether a new one exists", async () => {
  const { fixture } = await openLinked();
  const before = fixture.calls.length;
  await fixture.deliverUser(user(2), account(1));
  expect(fixture.calls.slice(before).map(({ route }) => route)).toEqual(["PUT /endusers"]);
});
