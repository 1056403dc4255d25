/** Runs: when one begins, that only one does, and what people can read about it. */
import { OPEN_SETTINGS } from "../harness";
import type { FetchStage } from "./fetching";
import { fill, jobLines, licenseRun, listed, LONG, useRuns } from "./running";

const { open, openLong } = useRuns();
const events = (stage: FetchStage): readonly string[] =>
  jobLines(stage).map(({ message }) => message.replace("incoming.job.", ""));

describe("the interval", () => {
  test("is 180 minutes from the start of the last finished run", async () => {
    const stage = await open();
    const { run } = await stage.call("accounts");
    const { startedAtMs = 0 } = await stage.ended(run ?? "");
    stage.pass(179);
    expect(await stage.call("accounts")).toMatchObject({
      ok: true,
      state: "early",
      next_at: new Date(startedAtMs + 180 * 60_000).toISOString(),
    });
    expect(listed(stage)).toHaveLength(1);
    stage.pass(1);
    expect(await stage.call("accounts")).toMatchObject({ state: "begun" });
    await stage.until(() => listed(stage).length === 2);
  });

  test("of an early call is told in answer and log, in the words of the earlier connector", async () => {
    const stage = await open();
    await stage.fetch("users", "");
    const { message } = await stage.call("users");
    const words = "Interval between last job and now is less than configured threshold";
    expect(message).toContain(words);
    expect(jobLines(stage).filter((line) => line.message === "incoming.job.skip")).toMatchObject([
      { level: "debug", data: { kind: "fetch", type: "endusers", reason: words } },
    ]);
  });

  test("counts for each type by itself", async () => {
    const stage = await open({ settings: { fetch_interval_accounts: 30, fetch_interval_users: 60 } });
    await stage.fetch("accounts", "");
    await stage.fetch("users", "");
    stage.pass(31);
    expect(await stage.call("users")).toMatchObject({ state: "early" });
    expect(await stage.call("accounts")).toMatchObject({ state: "begun" });
  });

  test("of 0 lets every call begin one", async () => {
    const stage = await open({ settings: { fetch_interval_accounts: 0 } });
    await stage.fetch("accounts", "");
    await stage.fetch("accounts", "");
    expect(listed(stage)).toHaveLength(2);
  });

  test("does not matter when a person asks", async () => {
    const stage = await open();
    await stage.fetch("accounts", "");
    await stage.fetch("accounts", "force=1");
    expect(listed(stage)).toHaveLength(2);
  });

  test("is remembered across a restart", async () => {
    const stage = await open();
    await stage.fetch("accounts", "");
    await stage.restart();
    expect(await stage.call("accounts")).toMatchObject({ state: "early" });
  });

  test("begins anew after a good run that a failed one followed", async () => {
    const stage = await open();
    await stage.fetch("accounts", "");
    const down = stage.planhat.faults.add({ kind: "status", status: 401, route: "GET /companies" });
    stage.pass(180);
    expect(await stage.fetch("accounts", "")).toMatchObject({ state: "error" });
    down.remove();
    stage.pass(29);
    expect(await stage.call("accounts")).toMatchObject({ state: "early" });
    stage.pass(1);
    expect(await stage.fetch("accounts", "")).toMatchObject({ state: "success" });
    stage.pass(170);
    expect(await stage.call("accounts")).toMatchObject({ state: "early" });
  });
});

describe("one run at a time", () => {
  test("two calls at once come to one run", async () => {
    const stage = await open();
    fill(stage, 3);
    const answers = await Promise.all([1, 2, 3, 4].map(() => stage.call("accounts")));
    expect(answers.filter(({ state }) => state === "begun")).toHaveLength(1);
    expect(answers.filter(({ state }) => state === "underway" || state === "early")).toHaveLength(3);
    await stage.ended(answers.find(({ state }) => state === "begun")?.run ?? "");
    expect(listed(stage)).toHaveLength(1);
  });

  test("even by force", async () => {
    const stage = await open();
    let letThrough: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => (letThrough = resolve));
    stage.planhat.on("request", ({ route }) => (route === "GET /companies" ? answered : undefined));
    const answers = await Promise.all([1, 2, 3, 4].map(() => stage.call("accounts", "force=1")));
    letThrough();
    expect(new Set(answers.map(({ run }) => run)).size).toBe(1);
    await stage.ended(answers[0]?.run ?? "");
    expect(listed(stage)).toHaveLength(1);
  });

  test("of each type: companies and endusers may be fetched side by side, each once", async () => {
    const stage = await open();
    fill(stage, 3);
    for (let round = 1; round <= 10; round += 1) {
      const answers = await Promise.all([stage.call("accounts", "force=1"), stage.call("users", "force=1")]);
      for (const { state, run } of answers) {
        expect(state).toBe("begun");
        expect(await stage.ended(run ?? "")).toMatchObject({ state: "success" });
      }
      expect([listed(stage).length, listed(stage, "GET /endusers").length]).toEqual([round, round]);
    }
  });

  test("of each connector", async () => {
    const stage = await open();
    const other = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };
    stage.hull.addConnector({ ...other, privateSettings: OPEN_SETTINGS });
    stage.planhat.faults.add({ kind: "latency", min: 50, max: 50, route: "GET /companies" });
    const { run } = await stage.call("accounts");
    const query = new URLSearchParams({ organization: stage.hull.host, ship: other.id, secret: other.secret });
    const answer = await fetch(`${stage.baseUrl}/fetch/accounts?${query.toString()}`);
    const second = (await answer.json()) as { state: string; run: string };
    expect(second).toMatchObject({ state: "begun" });
    for (const id of [run ?? "", second.run]) expect(await stage.ended(id)).toMatchObject({ state: "success" });
  });
});

test.each([
  [{ personal_acccess_token: null }, "No personal access token"],
  [{ fetch_interval_users: "often" }, "fetch_interval_users"],
])("the settings %j allow none, and the answer says why", async (settings, words) => {
  const stage = await open({ settings });
  const { state, message } = await stage.call("users");
  expect(state).toBe("halted");
  expect(message).toContain(words);
  expect(await stage.connector.store.runs({ tenant: stage.tenantKey, limit: 1 })).toEqual([]);
});

describe("what people can read about it", () => {
  test("the newest first, with times, counts and an end", async () => {
    const stage = await open();
    fill(stage, 3);
    await stage.fetch("accounts");
    stage.pass(1);
    await stage.fetch("users");
    stage.pass(1);
    await stage.fetch("accounts");
    const runs = await stage.connector.store.runs({ tenant: stage.tenantKey, limit: 10 });
    expect(runs).toMatchObject([
      { kind: "fetch", type: "companies", state: "success", done: 3, counts: { "companies/unchanged/known": 3 } },
      { kind: "fetch", type: "endusers", state: "success", done: 0, counts: {} },
      { kind: "fetch", type: "companies", state: "success", done: 3, counts: { "companies/sent/told": 3 } },
    ]);
    for (const { createdAtMs, startedAtMs = 0, endedAtMs = 0 } of runs) {
      expect(createdAtMs).toBeLessThanOrEqual(startedAtMs);
      expect(startedAtMs).toBeLessThanOrEqual(endedAtMs);
    }
    const next = await stage.connector.store.runs({ tenant: stage.tenantKey, limit: 10, before: runs[0]?.id });
    expect(next.map(({ id }) => id)).toEqual(runs.slice(1).map(({ id }) => id));
  });

  test("start, progress of each page, and end, with the figures of the run", async () => {
    const stage = await openLong();
    const { run = "" } = await stage.call("accounts");
    const ended = await stage.announced(run);
    await licenseRun(stage);
    const lines = (type: string) =>
      jobLines(stage)
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
      jobLines(stage).find(({ message, data }) => message === "incoming.job.success" && data?.["run"] === run),
    ).toMatchObject({
      level: "info",
      context: { organization: stage.hull.host },
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
    const stage = await open();
    stage.planhat.faults.add({ kind: "status", status: 401, route: "GET /endusers" });
    await stage.announced((await stage.fetch("users")).id);
    await stage.restart();
    expect(events(stage)).toEqual(["start", "error"]);
  });

  test("a report of a verbose run, a line a record; others leave none", async () => {
    const stage = await open();
    fill(stage, 3);
    const quiet = await stage.fetch("accounts", "force=1");
    expect(await stage.connector.store.reportLines(quiet.id, 0, 10)).toEqual([]);
    const verbose = await stage.fetch("accounts", "force=1&verbose=1");
    const lines = await stage.connector.store.reportLines(verbose.id, 0, 10);
    expect(lines.map(({ remoteId, outcome, code }) => [remoteId, outcome, code]).sort()).toEqual(
      stage.companies().map(({ _id }) => [_id, "unchanged", "known"]),
    );
    expect(JSON.stringify(lines)).not.toContain("Acme");
  });
});
