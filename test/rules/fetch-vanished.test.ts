/** What a complete scan did not show is missing: nothing is updated blindly or created twice, and Hull is told once. */
import { useFetching, type FetchStage } from "./fetching";
import { account, minute, user } from "./stage";

const open = useFetching();

const MARK = { settings: { mark_deleted: true } };
const DELETED = "planhat/deleted_at";

async function mirrorOf(stage: FetchStage, type: "companies" | "endusers", id: string) {
  const [row] = await stage.connector.store.mirrors(stage.lane, type, [id]);
  return row;
}

/** A user and his company, sent and fetched. */
async function openLinked(options: Parameters<typeof open>[0] = {}) {
  const stage = await open(options);
  stage.seed([account(1)], [user(1)]);
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  stage.pass(1);
  await stage.fetchBoth();
  const id = String(stage.endusers()[0]?.["_id"]);
  const companyId = String(stage.companies()[0]?.["_id"]);
  return { stage, id, companyId };
}

const change = (stage: FetchStage, more: Record<string, unknown> = {}): Promise<void> =>
  stage.tellUser(user(1, { position: "Captain", indexed_at: minute(1), ...more }), account(1));

describe("an enduser whom a complete scan did not meet", () => {
  test("is known to be missing, and the others are not", async () => {
    const { stage, id, companyId } = await openLinked();
    stage.planhat.tenant().seedEnduser({ _id: "e2", email: "stays@example.com", companyId });
    await stage.fetchBoth();
    stage.planhat.tenant().remove("endusers", id);
    await stage.fetchBoth();
    expect(await mirrorOf(stage, "endusers", id)).toMatchObject({ missing: true });
    expect((await mirrorOf(stage, "endusers", "e2"))?.missing).toBeUndefined();
    expect((await mirrorOf(stage, "companies", companyId))?.missing).toBeUndefined();
  });

  test("deleted: he is read before the next update, and made again, once", async () => {
    const { stage, id } = await openLinked();
    stage.planhat.tenant().remove("endusers", id);
    await stage.fetchBoth();
    const before = stage.calls.length;
    await change(stage);
    await stage.settled();
    const routes = stage.calls.slice(before).map(({ route }) => route);
    expect(routes[0]).toMatch(/^GET \/endusers/);
    expect(stage.endusers()).toMatchObject([{ externalId: "person-1", position: "Captain", email: user(1)["email"] }]);
    expect(stage.profile("user", user(1).id)).toMatchObject({ "planhat/id": stage.endusers()[0]?.["_id"] });
    stage.pass(1);
    await stage.fetchBoth();
    expect(await stage.fetchBoth()).toEqual([]);
  });

  test("deleted: he is made again although Hull says nothing new of him", async () => {
    const { stage, id } = await openLinked();
    await stage.tellUser(user(1, { "planhat/id": id, indexed_at: minute(1) }), account(1));
    await stage.settled();
    stage.planhat.tenant().remove("endusers", id);
    stage.pass(1);
    await stage.fetchBoth();
    await stage.tellUser(user(1, { "planhat/id": id, indexed_at: minute(2) }), account(1));
    await stage.settled();
    expect(stage.endusers()).toMatchObject([{ externalId: "person-1", position: "Engineer" }]);
  });

  test("archived: he is left alone, with a reason", async () => {
    const { stage, id } = await openLinked();
    stage.planhat.tenant().archive("endusers", id);
    await stage.fetchBoth();
    expect(await mirrorOf(stage, "endusers", id)).toMatchObject({ missing: true });
    await change(stage);
    await stage.settled();
    expect(await stage.outcomes()).toMatchObject({ "endusers/skipped/archived": 1 });
    expect(stage.planhat.snapshot().endusers).toMatchObject([{ archived: true, position: "Engineer" }]);
  });

  test("there all the same (the list lied): he is updated, and missing no more", async () => {
    const { stage, id } = await openLinked();
    stage.planhat.tenant().archive("endusers", id);
    await stage.fetchBoth();
    stage.planhat.tenant().edit("endusers", id, { archived: false });
    await change(stage);
    await stage.settled();
    expect(stage.planhat.snapshot().endusers).toMatchObject([{ _id: id, position: "Captain" }]);
    expect((await mirrorOf(stage, "endusers", id))?.missing).toBeUndefined();
    expect(stage.planhat.books.snapshot().created.endusers).toBe(1);
  });

  test("with a namesake: the one who is there is taken, and no third is made", async () => {
    const { stage, id, companyId } = await openLinked();
    stage.planhat.tenant().remove("endusers", id);
    stage.planhat.tenant().seedEnduser({ _id: "e2", email: user(1)["email"], companyId });
    await stage.fetchBoth();
    await change(stage);
    await stage.settled();
    expect(stage.planhat.snapshot().endusers).toMatchObject([
      { _id: "e2", externalId: "person-1", position: "Captain" },
    ]);
    expect(stage.planhat.books.snapshot().created.endusers).toBe(1);
  });
});

test("a company that was deleted is read before its next update and made again, with its people", async () => {
  const { stage, id, companyId } = await openLinked();
  stage.planhat.tenant().remove("endusers", id);
  stage.planhat.tenant().remove("companies", companyId);
  await stage.fetchBoth();
  await stage.tellAccount(account(1, { name: "Acme again", indexed_at: minute(1) }));
  await stage.settled();
  await change(stage, { indexed_at: minute(2) });
  await stage.settled();
  expect(stage.companies()).toMatchObject([{ externalId: "acme-1", name: "Acme again" }]);
  expect(stage.endusers()).toMatchObject([{ externalId: "person-1", companyId: stage.companies()[0]?.["_id"] }]);
});

test("a user of a company that was deleted: the company is made again first", async () => {
  const { stage, id, companyId } = await openLinked();
  stage.planhat.tenant().remove("endusers", id);
  stage.planhat.tenant().remove("companies", companyId);
  await stage.fetchBoth();
  await change(stage);
  await stage.settledWithHelp();
  expect(stage.companies()).toHaveLength(1);
  expect(stage.endusers()).toMatchObject([{ externalId: "person-1", companyId: stage.companies()[0]?.["_id"] }]);
});

test("what we wrote while the scan was under way has not vanished", async () => {
  const { stage } = await openLinked(MARK);
  let wrote = false;
  stage.planhat.on("answered", async ({ route, query }) => {
    if (route !== "GET /endusers" || query.has("companyId") || query.has("email") || wrote) return;
    wrote = true;
    await stage.tellUser(user(2), account(1));
    await stage.until(() => stage.endusers().length === 2);
  });
  stage.hull.faults.add({ kind: "latency", min: 100, max: 100, route: "POST /firehose" });
  await stage.fetchBoth();
  await stage.settled();
  expect(wrote).toBe(true);
  for (const each of stage.endusers()) {
    expect((await mirrorOf(stage, "endusers", String(each["_id"])))?.missing).toBeUndefined();
  }
  expect(stage.told.flatMap(({ body }) => Object.keys(body))).not.toContain(DELETED);
});

describe("if deletions shall be marked", () => {
  test("Hull is told once, and no more by later fetches", async () => {
    const { stage, id, companyId } = await openLinked(MARK);
    stage.planhat.tenant().remove("endusers", id);
    const told = await stage.fetchBoth();
    expect(told).toMatchObject([{ user: { anonymous_id: `planhat:${id}` } }]);
    expect(Date.parse(String(told[0]?.body[DELETED]))).toBeLessThanOrEqual(Date.now());
    expect(stage.profile("user", user(1).id)).toHaveProperty([DELETED]);
    expect(stage.hull.profiles.snapshot().users).toHaveLength(1);
    stage.pass(300);
    expect(await stage.fetchBoth()).toEqual([]);
    expect(stage.companies()).toMatchObject([{ _id: companyId }]);
  });

  test("Hull is told of an archived company as well", async () => {
    const { stage, companyId } = await openLinked(MARK);
    stage.planhat.tenant().archive("companies", companyId);
    expect(await stage.fetchBoth()).toMatchObject([{ account: { anonymous_id: `planhat:${companyId}` } }]);
    expect(stage.profile("account", account(1).id)).toHaveProperty([DELETED]);
  });

  test("who returns is told of, once, and may vanish again", async () => {
    const { stage, id } = await openLinked(MARK);
    for (let round = 0; round < 2; round += 1) {
      stage.planhat.tenant().archive("endusers", id);
      expect((await stage.fetchBoth()).map(({ body }) => Object.keys(body))).toEqual([[DELETED]]);
      expect(await stage.fetchBoth()).toEqual([]);
      stage.pass(60);
      stage.planhat.tenant().edit("endusers", id, { archived: false });
      expect(await stage.fetchBoth()).toMatchObject([{ body: { [DELETED]: null } }]);
      expect(await stage.fetchBoth()).toEqual([]);
    }
    expect(stage.profile("user", user(1).id)).toMatchObject({ [DELETED]: null });
  });

  test("who returns is told of even if nobody is marked any more; who is gone stays marked", async () => {
    const stage = await open(MARK);
    const put = (id: string) => stage.planhat.tenant().seedEnduser({ _id: id, email: `${id}@example.com` });
    for (const id of ["e1", "e2"]) put(id);
    await stage.fetchBoth();
    for (const id of ["e1", "e2"]) stage.planhat.tenant().remove("endusers", id);
    expect(await stage.fetchBoth()).toHaveLength(2);
    await stage.saveSettings({ mark_deleted: false });
    put("e1");
    expect(await stage.fetchBoth()).toMatchObject([
      { user: { anonymous_id: "planhat:e1" }, body: { [DELETED]: null } },
    ]);
    expect(await stage.fetchBoth()).toEqual([]);
  });

  test("who returns untouched is told of, too", async () => {
    const stage = await open(MARK);
    const seed = { _id: "e1", email: "ann@example.com", updatedAt: "2025-01-01T00:00:00.000Z" };
    const put = () => stage.planhat.tenant().seedEnduser(seed);
    put();
    await stage.fetchBoth();
    stage.planhat.tenant().remove("endusers", "e1");
    stage.pass(300);
    expect(await stage.fetchBoth()).toHaveLength(1);
    put();
    stage.pass(300);
    expect(await stage.fetchBoth()).toMatchObject([{ body: { [DELETED]: null } }]);
  });

  test("Hull is told later if it could not be told now", async () => {
    const { stage, id } = await openLinked(MARK);
    stage.planhat.tenant().remove("endusers", id);
    const down = stage.hull.faults.add({ kind: "status", status: 401, route: "POST /firehose" });
    expect(await stage.fetch("users")).toMatchObject({ state: "error" });
    down.remove();
    expect(await stage.fetchBoth()).toMatchObject([{ body: { [DELETED]: expect.any(String) as string } }]);
    expect(await stage.fetchBoth()).toEqual([]);
  });

  test("each is told once, even if Hull falls silent in the middle", async () => {
    const stage = await open(MARK);
    const people = Array.from({ length: 90 }, (_, index) => `e${index + 100}`);
    for (const id of people) stage.planhat.tenant().seedEnduser({ _id: id, email: `${id}@example.com` });
    await stage.fetchBoth();
    for (const id of people) stage.planhat.tenant().remove("endusers", id);
    let requests = 0;
    stage.hull.faults.add({
      kind: "status",
      status: 503,
      route: ({ route }) => route === "POST /firehose" && (requests += 1) > 1 && requests < 8,
    });
    const told = await stage.fetchBoth();
    expect(new Set(told.map(({ user: who }) => who?.["anonymous_id"])).size).toBe(90);
    expect(told).toHaveLength(90);
  });

  test("nobody is marked of whom Hull never heard", async () => {
    const stage = await open(MARK);
    stage.seed([account(1), account(2)], [user(1)]);
    // Seen by a look-up only.
    stage.planhat.tenant().seedCompany({ _id: "c1", externalId: "acme-1", name: "Acme 1" });
    stage.planhat.tenant().seedEnduser({ _id: "e9", email: "unheard@example.com", companyId: "c1" });
    await stage.tellUser(user(1), account(1));
    await stage.settled();
    stage.planhat.tenant().remove("endusers", "e9");
    stage.pass(1);
    const told = await stage.fetchBoth();
    expect(told.flatMap(({ body }) => Object.keys(body))).not.toContain(DELETED);
    expect(stage.hull.profiles.snapshot().users).toHaveLength(1);
  });

  test("switched on later, those that had vanished before are told of", async () => {
    const { stage, id } = await openLinked();
    stage.planhat.tenant().remove("endusers", id);
    expect(await stage.fetchBoth()).toEqual([]);
    await stage.saveSettings(MARK.settings);
    expect(await stage.fetchBoth()).toMatchObject([{ body: { [DELETED]: expect.any(String) as string } }]);
  });
});

describe("a list that lost more than half", () => {
  async function openMany() {
    const stage = await open({ settings: { ...MARK.settings, fetch_interval_accounts: 0 } });
    const ids = Array.from({ length: 120 }, (_, index) => `c${index + 100}`);
    for (const id of ids) stage.planhat.tenant().seedCompany({ _id: id, externalId: id, name: id });
    expect(await stage.fetch("accounts", "")).toMatchObject({ state: "success", done: 120 });
    return { stage, ids };
  }

  test("is believed neither at once nor when it comes again: nobody is deleted, and it proves nobody's absence", async () => {
    const { stage, ids } = await openMany();
    const { scans } = await stage.connector.store.remote(stage.lane.remote);
    for (const id of ids.slice(0, 80)) stage.planhat.tenant().remove("companies", id);
    for (let round = 0; round < 2; round += 1) {
      stage.pass(60);
      const told = await stage.during(() => stage.fetch("accounts", ""));
      expect(told).toEqual([]);
      expect((await mirrorOf(stage, "companies", "c100"))?.missing).toBeUndefined();
      expect((await stage.connector.store.remote(stage.lane.remote)).scans).toEqual(scans);
    }
    const [last] = await stage.connector.store.runs({ tenant: stage.tenantKey, limit: 1 });
    expect(last).toMatchObject({ state: "error", done: 40 });
    expect(last?.error).toContain("40");
  });

  test("is believed when a person says so", async () => {
    const { stage, ids } = await openMany();
    for (const id of ids.slice(0, 80)) stage.planhat.tenant().remove("companies", id);
    const told = await stage.during(() => stage.fetch("accounts", "force=1"));
    expect(told).toHaveLength(80);
    expect(await mirrorOf(stage, "companies", "c100")).toMatchObject({ missing: true });
  });

  test("is believed where few were lost", async () => {
    const { stage, ids } = await openMany();
    for (const id of ids.slice(0, 60)) stage.planhat.tenant().remove("companies", id);
    expect(await stage.during(() => stage.fetch("accounts", ""))).toHaveLength(60);
  });
});

test("after a complete scan nobody is asked whether a new one exists", async () => {
  const { stage } = await openLinked();
  const before = stage.calls.length;
  stage.seed([], [user(2)]);
  await stage.tellUser(user(2), account(1));
  await stage.settled();
  expect(stage.calls.slice(before).map(({ route }) => route)).toEqual(["PUT /endusers"]);
});
