/** Runs in trouble: with Planhat, with lists that move, and with a kill in the middle. */
import { setTimeout as sleep } from "node:timers/promises";
import { openAdmin } from "../../server/cli/connect";
import type { Call, FaultKind } from "../../simulators/loopback";
import type { RunRow } from "../../src/storage/port/rows";
import { OPEN_SETTINGS, TOKEN, type LogRecord } from "../harness";
import { openBlindProxy } from "./blind-proxy";
import type { FetchStage } from "./fetching";
import { fill, jobLines, licenseRun, listed, LONG, useRuns } from "./running";
import { account, user } from "./stage";

const { open, openLong } = useRuns();

const isLicenseProgress = ({ message, data }: LogRecord): boolean =>
  message === "incoming.job.progress" && data?.["type"] === "licenses";

describe("trouble with Planhat", () => {
  test.each<readonly [string, FaultKind]>([
    ["500", { kind: "status", status: 500 }],
    ["503", { kind: "status", status: 503 }],
    ["a dead network", { kind: "reset-before" }],
    ["answers that break off", { kind: "truncate" }],
    ["no list", { kind: "wrong-shape", form: "object" }],
    ["a web page", { kind: "wrong-shape", form: "html" }],
  ])("%s: passes, and the run goes on", async (_name, fault) => {
    const stage = await open();
    fill(stage, 3);
    stage.planhat.faults.add({ ...fault, route: "GET /companies", count: 6 });
    expect(await stage.fetch("accounts")).toMatchObject({ state: "success", done: 3 });
    expect(stage.hull.profiles.snapshot().accounts).toHaveLength(3);
  });

  test.each<readonly [string, FaultKind]>([
    ["500", { kind: "status", status: 500 }],
    ["a dead network", { kind: "reset-before" }],
    ["no list", { kind: "wrong-shape", form: "object" }],
  ])("%s: stays, so the run ends, says why, and is not begun again for half an hour", async (_name, fault) => {
    const stage = await open();
    fill(stage, 3);
    const down = stage.planhat.faults.add({ ...fault, route: "GET /companies" });
    const run = await stage.fetch("accounts", "");
    expect(run).toMatchObject({ state: "error", done: 0 });
    expect(run.error).toContain("/companies");
    const { hits } = down;
    expect(hits).toBeLessThanOrEqual(50);
    stage.pass(29);
    expect(await stage.call("accounts")).toMatchObject({ state: "early" });
    expect(down.hits).toBe(hits);
    down.remove();
    stage.pass(2);
    expect(await stage.fetch("accounts", "")).toMatchObject({ state: "success", done: 3 });
  });

  test.each([401, 403])("%i: one call, no loop, and a line that says what to do", async (status) => {
    const stage = await open();
    const down = stage.planhat.faults.add({ kind: "status", status, route: "GET /companies" });
    const run = await stage.announced((await stage.fetch("accounts", "")).id);
    expect(run.state).toBe("error");
    expect(run.error).toContain("token");
    expect(run.error).not.toContain(TOKEN);
    expect(down.hits).toBe(1);
    expect(jobLines(stage).at(-1)).toMatchObject({
      level: "error",
      message: "incoming.job.error",
      data: { error: run.error },
    });
    expect(await stage.call("accounts")).toMatchObject({ state: "early" });
    expect(await stage.call("users")).toMatchObject({ state: "begun" });
  });

  test("a token that was changed: what is known stays known", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    await stage.tellUser(user(1), account(1));
    await stage.settled();
    stage.pass(1);
    await stage.fetchBoth();
    stage.planhat.rotateToken(TOKEN, "planhat-token-0002");
    await stage.saveSettings({ personal_acccess_token: "planhat-token-0002" });
    expect(await stage.fetchBoth()).toEqual([]);
  });

  test("a list that repeats its first page is not read for ever", async () => {
    const proxy = await openBlindProxy(["offset"]);
    try {
      const stage = await openLong({ environment: { PLANHAT_API_URL: `${proxy.url}/{api_prefix}` } });
      proxy.target = stage.planhat.url;
      await stage.fetch("accounts");
      const run = await licenseRun(stage);
      expect(run.state).toBe("error");
      expect(run.error).toContain("same rows");
      expect(listed(stage, "GET /licenses").length).toBeLessThanOrEqual(10);
      expect(
        (await stage.connector.store.remote(`${stage.hull.host}|${proxy.url}/api|${OPEN_SETTINGS.tenant_id}`)).scans,
      ).not.toHaveProperty("licenses");
    } finally {
      await proxy.close();
    }
  });
});

describe("a list of several pages", () => {
  test("is read to its end, each record counted once", async () => {
    const stage = await openLong();
    await stage.fetch("accounts");
    expect(await licenseRun(stage)).toMatchObject({
      state: "success",
      done: LONG,
      counts: { "licenses/unchanged/observed": LONG },
    });
    expect(listed(stage, "GET /licenses")).toHaveLength(2);
  });

  test("that loses records before the page loses nobody else", async () => {
    const stage = await openLong();
    let page = 0;
    stage.planhat.on("answered", ({ route }) => {
      if (route !== "GET /licenses" || (page += 1) > 1) return;
      for (let number = 0; number < 30; number += 1) {
        stage.planhat.tenant().remove("licenses", `l${number.toString().padStart(5, "0")}`);
      }
    });
    await stage.fetch("accounts");
    // Those that were there when their page was read count, too.
    expect(await licenseRun(stage)).toMatchObject({ state: "success", done: LONG });
    const ids = [...stage.planhat.tenant().licenses.keys()];
    const rows = await stage.connector.store.mirrors(stage.lane, "licenses", ids);
    expect(rows.filter((row) => row === undefined || row.missing === true)).toEqual([]);
  });

  test("of which a later page fails is read on where it was", async () => {
    const stage = await openLong();
    stage.planhat.faults.add({
      kind: "status",
      status: 500,
      route: ({ route, query }) => route === "GET /licenses" && query.get("offset") !== "0",
      count: 6,
    });
    await stage.fetch("accounts");
    expect(await licenseRun(stage)).toMatchObject({ state: "success", done: LONG });
    const offsets = listed(stage, "GET /licenses").map(({ query }) => query.get("offset"));
    expect(offsets.filter((offset) => offset === "0")).toHaveLength(1);
  });
});

describe("a restart in the middle", () => {
  test.each(["restart", "crash"] as const)(
    "(%s) goes on at the page that was next, and counts each once",
    async (how) => {
      const stage = await openLong();
      let stopped: Promise<void> | undefined;
      stage.planhat.faults.add({
        kind: "reset-before",
        route: ({ route, query }) => route === "GET /licenses" && query.get("offset") !== "0",
        count: 1,
      });
      stage.planhat.on("request", async ({ route, query }) => {
        if (route !== "GET /licenses" || query.get("offset") === "0" || stopped !== undefined) return;
        // The second page is asked for while the first one is worked on.
        await stage.until(() => jobLines(stage).some(isLicenseProgress));
        stopped = stage[how]();
        if (how === "crash") await stopped;
      });
      const { run } = await stage.call("accounts");
      await stage.until(() => stopped !== undefined);
      await stopped;
      await stage.ended(run ?? "");
      expect(await licenseRun(stage)).toMatchObject({ state: "success", done: LONG });
      const offsets = listed(stage, "GET /licenses").map(({ query }) => query.get("offset"));
      expect(offsets.filter((offset) => offset === "0")).toHaveLength(1);
      const licenses = jobLines(stage).filter(({ data }) => data?.["type"] === "licenses");
      expect(licenses.map(({ message }) => message.replace("incoming.job.", ""))).toEqual(
        expect.arrayContaining(["start", "resume", "progress", "success"]),
      );
      expect(licenses.filter(({ message }) => message === "incoming.job.start")).toHaveLength(1);
      expect(licenses.filter(({ message }) => message === "incoming.job.success")).toHaveLength(1);
    },
  );

  test.each([
    ["before Hull took it", "request", "reset-before"],
    ["after Hull took it", "applied", "reset-after"],
  ] as const)(
    "killed while telling Hull, %s: nobody is forgotten, each is counted once",
    async (_name, moment, kind) => {
      const stage = await open();
      fill(stage, 620);
      let requests = 0;
      // In the middle of the page.
      const isHit = ({ route }: { route: string }): boolean => route === "POST /firehose" && requests === 12;
      stage.hull.on("request", ({ route }) => {
        if (route === "POST /firehose") requests += 1;
      });
      stage.hull.faults.add({ kind, route: isHit, count: 1 });
      let killed: Promise<void> | undefined;
      stage.hull.on(moment, (call) => {
        if (killed !== undefined || !isHit(call)) return undefined;
        killed = stage.crash();
        return killed;
      });
      const { run = "" } = await stage.call("accounts");
      await stage.until(() => killed !== undefined);
      await killed;
      expect(await stage.ended(run)).toMatchObject({
        state: "success",
        done: 620,
        counts: { "companies/sent/told": 620 },
      });
      const { accounts } = stage.hull.profiles.snapshot();
      expect(accounts).toHaveLength(620);
      expect(accounts.every(({ attributes }) => attributes["planhat/id"] !== undefined)).toBe(true);
      // What was told and not yet written down is told again, and no more than that: what was on its way at that moment.
      expect(stage.hull.books.snapshot().noOpItems).toBeLessThanOrEqual(300);
      expect(await stage.fetchBoth()).toEqual([]);
    },
  );

  test("while Planhat is silent ends the wait, and the next process goes on", async () => {
    const stage = await open();
    fill(stage, 3);
    const stall = stage.planhat.faults.add({ kind: "status", status: 500, route: "GET /companies" });
    const { run = "" } = await stage.call("accounts");
    await stage.until(() => stall.hits > 0);
    await stage.stopped(() => {
      stall.remove();
      return Promise.resolve();
    });
    expect(await stage.ended(run)).toMatchObject({ state: "success", done: 3 });
    expect(await stage.connector.store.runs({ tenant: stage.tenantKey, limit: 5 })).toHaveLength(1);
  });

  test("after the end: nothing is done again, and nothing is said twice", async () => {
    const stage = await open();
    await stage.announced((await stage.fetch("accounts")).id);
    const lines = jobLines(stage).length;
    await stage.restart();
    await stage.fetch("users");
    expect(listed(stage)).toHaveLength(1);
    expect(
      jobLines(stage)
        .slice(lines)
        .map(({ data }) => data?.["type"]),
    ).not.toContain("companies");
  });
});

describe("a connector that is forgotten in the middle of its fetch", () => {
  /**
   * Forgets at the first such call, when no other run is under way; the answer comes only after that. Resolves with the
   * run once it has asked for its row in vain, so that it is past the point at which it would throw, or has thrown.
   */
  async function forgottenAt(
    stage: FetchStage,
    simulator: Pick<FetchStage["planhat"], "on">,
    isIt: (call: Call) => boolean,
    query = "force=1",
  ): Promise<string> {
    const { store } = stage.connector;
    const run = store.run.bind(store);
    const changeRun = store.changeRun.bind(store);
    const missed = new Set<string>();
    const noting = async (id: string, asked: ReturnType<typeof run>): ReturnType<typeof run> => {
      const row = await asked;
      if (row === undefined) missed.add(id);
      return row;
    };
    jest.spyOn(store, "run").mockImplementation((id) => noting(id, run(id)));
    jest.spyOn(store, "changeRun").mockImplementation((id, change) => noting(id, changeRun(id, change)));
    let began = false;
    let forgotten: string | undefined;
    simulator.on("request", async (call) => {
      if (began || !isIt(call)) return;
      began = true;
      let open: readonly RunRow[] = [];
      await stage.until(async () => {
        open = (await store.openRuns()).filter(({ state }) => state === "running");
        return open.length === 1;
      });
      await store.forgetTenant(stage.tenantKey);
      forgotten = open[0]?.id;
    });
    await stage.call("accounts", query);
    const isThrown = (): boolean => stage.logs.some(({ message }) => message === "connector.job.error");
    await stage.until(() => forgotten !== undefined && (isThrown() || missed.has(forgotten)));
    return forgotten ?? "";
  }

  /** Its work is over when the server has closed; that nothing threw is looked at after each test. */
  async function expectNothingLeft(stage: FetchStage, run: string): Promise<void> {
    await stage.restart();
    const { store } = stage.connector;
    expect(await store.runs({ tenant: stage.tenantKey, limit: 5 })).toEqual([]);
    expect(await store.openRuns()).toEqual([]);
    expect(await store.lastRun(stage.tenantKey, "fetch", "endusers")).toBeUndefined();
    expect(await store.reportLines(run, 0, 5)).toEqual([]);
  }

  test("while a page is on its way leaves no run behind", async () => {
    const stage = await openLong();
    await stage.fetch("users");
    const run = await forgottenAt(stage, stage.planhat, ({ route }) => route === "GET /licenses");
    await expectNothingLeft(stage, run);
  });

  test("while Hull is told of a page, or of what vanished", async () => {
    for (const vanishes of [false, true]) {
      const stage = await open({ settings: { mark_deleted: true } });
      fill(stage, 3);
      if (vanishes) {
        await stage.announced((await stage.fetch("accounts")).id);
        stage.planhat.tenant().remove("companies", String(stage.companies()[0]?.["_id"]));
      }
      const run = await forgottenAt(stage, stage.hull, ({ route }) => route === "POST /firehose");
      await expectNothingLeft(stage, run);
    }
  });

  test("while changed credentials are tried", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    await stage.tellUser(user(1), account(1));
    await stage.settled();
    stage.planhat.rotateToken(TOKEN, "planhat-token-0002");
    await stage.saveSettings({ personal_acccess_token: "planhat-token-0002" });
    const run = await forgottenAt(stage, stage.planhat, () => true);
    await expectNothingLeft(stage, run);
  });

  test("while the fetch is simulated", async () => {
    const stage = await open();
    fill(stage, 3);
    const run = await forgottenAt(
      stage,
      stage.planhat,
      ({ route }) => route === "GET /companies",
      "force=1&simulate=1&verbose=1",
    );
    await expectNothingLeft(stage, run);
  });

  test("while a sweep is about to begin a drain of it", async () => {
    const stage = await open();
    const { store } = stage.connector;
    const down = stage.planhat.faults.add({ kind: "status", status: 503, route: "PUT /companies" });
    await stage.tellAccount(account(1));
    const depth = store.depth.bind(store);
    const tally = store.tally.bind(store);
    // As if much more of it waited.
    jest.spyOn(store, "depth").mockImplementation(async (lane) => ({ ...(await depth(lane)), outbox: 5_000 }));
    let isHeld = true;
    const asked = jest.spyOn(store, "tally").mockImplementation(async (tenant) => {
      await stage.until(() => !isHeld);
      return tally(tenant);
    });
    // Whatever ends is followed by a sweep.
    await stage.fetch("users");
    await stage.until(() => asked.mock.calls.length > 0);
    const desk = await openAdmin(stage.dataDir);
    const erasing = desk.ask("tenants.forget", { tenant: stage.tenantKey });
    await stage.until(async () => (await store.tenant(stage.tenantKey)) === undefined);
    // It has time enough to be done too early.
    await Promise.race([erasing, sleep(200)]);
    isHeld = false;
    await erasing;
    await desk.close();
    down.remove();
    await stage.restart();
    expect(await stage.connector.store.runs({ tenant: stage.tenantKey, limit: 5 })).toEqual([]);
  });
});
