/** Runs: when one begins, that only one does, and what people can read about it. */
import { OPEN_SETTINGS, useFixtures, type Fixture } from "../fixture/fixture";
import { fill, jobLines, licenseRun, listed, LONG, useLongList } from "../fixture/lists";

const open = useFixtures();
const openLong = useLongList();
const events = (fixture: Fixture): readonly string[] =>
  jobLines(fixture).map(({ message }) => message.replace("incoming.job.", ""));

describe("the interval", () => {
  test("is 180 minutes from when the last finished run was asked for, and a call may be two minutes early", async () => {
    const fixture = await open();
    const { run } = await fixture.callFetch("accounts");
    const { createdAtMs } = await fixture.ended(run ?? "");
    fixture.advance(177);
    expect(await fixture.callFetch("accounts")).toMatchObject({
      ok: true,
      state: "early",
      next_at: new Date(createdAtMs + 178 * 60_000).toISOString(),
    });
    expect(listed(fixture)).toHaveLength(1);
    fixture.advance(1);
    expect(await fixture.callFetch("accounts")).toMatchObject({ state: "begun" });
    await fixture.until(() => listed(fixture).length === 2);
  });

  test("of an early call is told in answer and log, in the words of the earlier connector", async () => {
    const fixture = await open();
    await fixture.fetch("users", "");
    const { message } = await fixture.callFetch("users");
    const words = "Interval between last job and now is less than configured threshold";
    expect(message).toContain(words);
    expect(jobLines(fixture).filter((line) => line.message === "incoming.job.skip")).toMatchObject([
      { level: "debug", data: { kind: "fetch", type: "endusers", reason: words } },
    ]);
  });

  test("counts for each type by itself", async () => {
    const fixture = await open({ settings: { fetch_interval_accounts: 30, fetch_interval_users: 60 } });
    await fixture.fetch("accounts", "");
    await fixture.fetch("users", "");
    fixture.advance(31);
    expect(await fixture.callFetch("users")).toMatchObject({ state: "early" });
    expect(await fixture.callFetch("accounts")).toMatchObject({ state: "begun" });
  });

  test("of 0 lets every call begin one", async () => {
    const fixture = await open({ settings: { fetch_interval_accounts: 0 } });
    await fixture.fetch("accounts", "");
    await fixture.fetch("accounts", "");
    expect(listed(fixture)).toHaveLength(2);
  });

  test("does not matter when a person asks", async () => {
    const fixture = await open();
    await fixture.fetch("accounts", "");
    await fixture.fetch("accounts", "force=1");
    expect(listed(fixture)).toHaveLength(2);
  });

  test("is remembered across a restart", async () => {
    const fixture = await open();
    await fixture.fetch("accounts", "");
    await fixture.restart();
    expect(await fixture.callFetch("accounts")).toMatchObject({ state: "early" });
  });

  test("begins anew after a good run that a failed one followed", async () => {
    const fixture = await open();
    await fixture.fetch("accounts", "");
    const down = fixture.planhat.faults.add({ kind: "status", status: 401, route: "GET /companies" });
    fixture.advance(180);
    expect(await fixture.fetch("accounts", "")).toMatchObject({ state: "error" });
    down.remove();
    fixture.advance(29);
    expect(await fixture.callFetch("accounts")).toMatchObject({ state: "early" });
    fixture.advance(1);
    expect(await fixture.fetch("accounts", "")).toMatchObject({ state: "success" });
    fixture.advance(170);
    expect(await fixture.callFetch("accounts")).toMatchObject({ state: "early" });
  });
});

describe("one run at a time", () => {
  test("however many calls come at once, one begins", async () => {
    const fixture = await open();
    fill(fixture, 3);
    const answers = await Promise.all(Array.from({ length: 10 }, () => fixture.callFetch("accounts")));
    expect(answers.filter(({ state }) => state === "begun")).toHaveLength(1);
    expect(answers.filter(({ state }) => state === "underway" || state === "early")).toHaveLength(9);
    await fixture.ended(answers.find(({ state }) => state === "begun")?.run ?? "");
    expect(listed(fixture)).toHaveLength(1);
    expect(fixture.hull.books.snapshot().accountTraits).toBe(3);
  });

  test("nor does another one that was decided on before the first one began and ended", async () => {
    const fixture = await open();
    const { store } = fixture.connector;
    const runs = jest.spyOn(store, "runs");
    runs.mockImplementationOnce(async (query) => {
      await fixture.fetch("accounts", "");
      return store.runs(query);
    });
    expect(await fixture.callFetch("accounts")).toMatchObject({ state: "early" });
    expect(listed(fixture)).toHaveLength(1);
  });

  test("even by force", async () => {
    const fixture = await open();
    let letThrough: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => (letThrough = resolve));
    fixture.planhat.on("request", ({ route }) => (route === "GET /companies" ? answered : undefined));
    const answers = await Promise.all([1, 2, 3, 4].map(() => fixture.callFetch("accounts", "force=1")));
    letThrough();
    expect(new Set(answers.map(({ run }) => run)).size).toBe(1);
    await fixture.ended(answers[0]?.run ?? "");
    expect(listed(fixture)).toHaveLength(1);
  });

  test("of each type: companies and endusers may be fetched side by side, each once", async () => {
    const fixture = await open();
    fill(fixture, 3);
    for (let round = 1; round <= 10; round += 1) {
      const answers = await Promise.all([
        fixture.callFetch("accounts", "force=1"),
        fixture.callFetch("users", "force=1"),
      ]);
      for (const { state, run } of answers) {
        expect(state).toBe("begun");
        expect(await fixture.ended(run ?? "")).toMatchObject({ state: "success" });
      }
      expect([listed(fixture).length, listed(fixture, "GET /endusers").length]).toEqual([round, round]);
    }
  });

  test("of each connector", async () => {
    const fixture = await open();
    const other = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };
    fixture.hull.addConnector({ ...other, privateSettings: OPEN_SETTINGS });
    fixture.planhat.faults.add({ kind: "latency", min: 50, max: 50, route: "GET /companies" });
    const { run } = await fixture.callFetch("accounts");
    const query = new URLSearchParams({ organization: fixture.hull.host, ship: other.id, secret: other.secret });
    const answer = await fetch(`${fixture.baseUrl}/fetch/accounts?${query.toString()}`);
    const second = (await answer.json()) as { state: string; run: string };
    expect(second).toMatchObject({ state: "begun" });
    for (const id of [run ?? "", second.run]) expect(await fixture.ended(id)).toMatchObject({ state: "success" });
  });
});

test.each([
  [{ personal_acccess_token: null }, "No personal access token"],
  [{ fetch_interval_users: "often" }, "fetch_interval_users"],
])("the settings %j allow none, and the answer says why", async (settings, words) => {
  const fixture = await open({ settings });
  const { state, message } = await fixture.callFetch("users");
  expect(state).toBe("halted");
  expect(message).toContain(words);
  expect(await fixture.connector.store.runs({ tenant: fixture.tenantKey, limit: 1 })).toEqual([]);
});

describe("what people can read about it", () => {
  test("the newest first, with times, counts and an end", async () => {
    const fixture = await open();
    fill(fixture, 3);
    await fixture.fetch("accounts");
    fixture.advance(1);
    await fixture.fetch("users");
    fixture.advance(1);
    await fixture.fetch("accounts");
    const runs = await fixture.connector.store.runs({ tenant: fixture.tenantKey, limit: 10 });
    expect(runs).toMatchObject([
      { kind: "fetch", type: "companies", state: "success", done: 3, counts: { "companies/unchanged/known": 3 } },
      { kind: "fetch", type: "endusers", state: "success", done: 0, counts: {} },
      { kind: "fetch", type: "companies", state: "success", done: 3, counts: { "companies/sent/told": 3 } },
    ]);
    for (const { createdAtMs, startedAtMs = 0, endedAtMs = 0 } of runs) {
      expect(createdAtMs).toBeLessThanOrEqual(startedAtMs);
      expect(startedAtMs).toBeLessThanOrEqual(endedAtMs);
    }
    const next = await fixture.connector.store.runs({ tenant: fixture.tenantKey, limit: 10, before: runs[0]?.id });
    expect(next.map(({ id }) => id)).toEqual(runs.slice(1).map(({ id }) => id));
  });

  test("start, progress of each page, and end, with the figures of the run", async () => {
    const fixture = await openLong();
    const { run = "" } = await fixture.callFetch("accounts");
    const ended = await fixture.announced(run);
    await licenseRun(fixture);
    const lines = (type: string) =>
      jobLines(fixture)
        .filter(({ data }) => data?.["type"] === type)
        .map(({ message, data }) => [message.replace("incoming.job.", ""), data?.["done"]]);
    expect(lines("companies")).toEqual([
      ["start", 0],
      ["progress", 1],
      ["success", 1],
    ]);
    expect(lines("licenses")).toEqual([
      ["start", 0],
      ["progress", 2_000],
      ["progress", LONG],
      ["success", LONG],
    ]);
    expect(
      jobLines(fixture).find(({ message, data }) => message === "incoming.job.success" && data?.["run"] === run),
    ).toMatchObject({
      level: "info",
      context: { organization: fixture.hull.host },
      data: {
        run,
        kind: "fetch",
        type: "companies",
        state: "success",
        done: 1,
        counts: ended.counts,
        started_at: new Date(ended.startedAtMs ?? 0).toISOString(),
        ended_at: new Date(ended.endedAtMs ?? 0).toISOString(),
      },
    });
  });

  test("an end in an error, once", async () => {
    const fixture = await open();
    fixture.planhat.faults.add({ kind: "status", status: 401, route: "GET /endusers" });
    await fixture.announced((await fixture.fetch("users")).id);
    await fixture.restart();
    expect(events(fixture)).toEqual(["start", "error"]);
  });

  test("a report of a verbose run, a line a record; others leave none", async () => {
    const fixture = await open();
    fill(fixture, 3);
    const quiet = await fixture.fetch("accounts", "force=1");
    expect(await fixture.connector.store.reportLines(quiet.id, 0, 10)).toEqual([]);
    const verbose = await fixture.fetch("accounts", "force=1&verbose=1");
    const lines = await fixture.connector.store.reportLines(verbose.id, 0, 10);
    expect(lines.map(({ remoteId, outcome, code }) => [remoteId, outcome, code]).sort()).toEqual(
      fixture.companies().map(({ _id }) => [_id, "unchanged", "known"]),
    );
    expect(JSON.stringify(lines)).not.toContain("Acme");
  });
});
