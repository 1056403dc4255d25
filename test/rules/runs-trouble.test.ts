/** Runs in trouble: with Planhat, with lists that move, and with a kill in the middle. */
import { setTimeout as sleep } from "node:timers/promises";
import { openAdmin } from "../../server/cli/connect";
import type { Call, FaultKind } from "../../simulators/loopback";
import type { RunRow } from "../../src/storage/port/rows";
import { account, OPEN_SETTINGS, TOKEN, user, useFixtures, type Fixture, type LogRecord } from "../fixture/fixture";
import { openBlindProxy } from "../fixture/blind-proxy";
import { fill, jobLines, licenseRun, listed, LONG, useLongList } from "../fixture/lists";

const open = useFixtures();
const openLong = useLongList();

const isLicenseProgress = ({ message, data }: LogRecord): boolean =>
  message === "incoming.job.progress" && data?.["type"] === "licenses";

describe("trouble with Planhat", () => {
  test.each<readonly [string, FaultKind]>([
    ["500", { kind: "status", status: 500 }],
    ["502", { kind: "status", status: 502 }],
    ["503", { kind: "status", status: 503 }],
    ["a dead network", { kind: "reset-before" }],
    ["answers that break off", { kind: "truncate" }],
    ["no list", { kind: "wrong-shape", form: "object" }],
    ["a web page", { kind: "wrong-shape", form: "html" }],
  ])("%s: passes, and the run goes on", async (_name, fault) => {
    const fixture = await open();
    fill(fixture, 3);
    fixture.planhat.faults.add({ ...fault, route: "GET /companies", count: 6 });
    expect(await fixture.fetch("accounts")).toMatchObject({ state: "success", done: 3 });
    expect(fixture.hull.profiles.snapshot().accounts).toHaveLength(3);
  });

  test.each<readonly [string, FaultKind]>([
    ["500", { kind: "status", status: 500 }],
    ["a dead network", { kind: "reset-before" }],
    ["no list", { kind: "wrong-shape", form: "object" }],
  ])("%s: stays, so the run ends, says why, and is not begun again for half an hour", async (_name, fault) => {
    const fixture = await open();
    fill(fixture, 3);
    const down = fixture.planhat.faults.add({ ...fault, route: "GET /companies" });
    const run = await fixture.fetch("accounts", "");
    expect(run).toMatchObject({ state: "error", done: 0 });
    expect(run.error).toContain("/companies");
    const { hits } = down;
    expect(hits).toBeLessThanOrEqual(50);
    fixture.advance(29);
    expect(await fixture.callFetch("accounts")).toMatchObject({ state: "early" });
    expect(down.hits).toBe(hits);
    down.remove();
    fixture.advance(2);
    expect(await fixture.fetch("accounts", "")).toMatchObject({ state: "success", done: 3 });
  });

  test.each([401, 403])("%i: one call, no loop, and a line that says what to do", async (status) => {
    const fixture = await open();
    const down = fixture.planhat.faults.add({ kind: "status", status, route: "GET /companies" });
    const run = await fixture.announced((await fixture.fetch("accounts", "")).id);
    expect(run.state).toBe("error");
    expect(run.error).toContain("token");
    expect(run.error).not.toContain(TOKEN);
    expect(down.hits).toBe(1);
    expect(jobLines(fixture).at(-1)).toMatchObject({
      level: "error",
      message: "incoming.job.error",
      data: { error: run.error },
    });
    expect(await fixture.callFetch("accounts")).toMatchObject({ state: "early" });
    expect(await fixture.callFetch("users")).toMatchObject({ state: "begun" });
  });

  test("a token that was changed: what is known stays known", async () => {
    const fixture = await open();
    await fixture.deliverUser(user(1), account(1));
    fixture.advance(1);
    await fixture.fetchBoth();
    fixture.planhat.rotateToken(TOKEN, "planhat-token-0002");
    await fixture.saveSettings({ personal_acccess_token: "planhat-token-0002" });
    expect(await fixture.fetchBoth()).toEqual([]);
  });

  test("a list that repeats its first page is not read for ever", async () => {
    const proxy = await openBlindProxy(["offset"]);
    try {
      const fixture = await openLong({ environment: { PLANHAT_API_URL: `${proxy.url}/{api_prefix}` } });
      proxy.target = fixture.planhat.url;
      await fixture.fetch("accounts");
      const run = await licenseRun(fixture);
      expect(run.state).toBe("error");
      expect(run.error).toContain("same rows");
      expect(listed(fixture, "GET /licenses").length).toBeLessThanOrEqual(10);
      expect(
        (await fixture.connector.store.remote(`${fixture.hull.host}|${proxy.url}/api|${OPEN_SETTINGS.tenant_id}`))
          .scans,
      ).not.toHaveProperty("licenses");
    } finally {
      await proxy.close();
    }
  });
});

describe("a list of several pages", () => {
  test("is read to its end, each record counted once", async () => {
    const fixture = await openLong();
    await fixture.fetch("accounts");
    expect(await licenseRun(fixture)).toMatchObject({
      state: "success",
      done: LONG,
      counts: { "licenses/unchanged/observed": LONG },
    });
    expect(listed(fixture, "GET /licenses")).toHaveLength(2);
  });

  test("that loses records before the page loses nobody else", async () => {
    const fixture = await openLong();
    let page = 0;
    fixture.planhat.on("answered", ({ route }) => {
      if (route !== "GET /licenses" || (page += 1) > 1) return;
      for (let number = 0; number < 30; number += 1) {
        fixture.planhat.tenant().remove("licenses", `l${number.toString().padStart(5, "0")}`);
      }
    });
    await fixture.fetch("accounts");
    // Those that were there when their page was read count, too.
    expect(await licenseRun(fixture)).toMatchObject({ state: "success", done: LONG });
    const ids = [...fixture.planhat.tenant().licenses.keys()];
    const rows = await fixture.connector.store.mirrors(fixture.lane, "licenses", ids);
    expect(rows.filter((row) => row === undefined || row.missing === true)).toEqual([]);
  });

  test("of which a later page fails is read on where it was", async () => {
    const fixture = await openLong();
    fixture.planhat.faults.add({
      kind: "status",
      status: 500,
      route: ({ route, query }) => route === "GET /licenses" && query.get("offset") !== "0",
      count: 6,
    });
    await fixture.fetch("accounts");
    expect(await licenseRun(fixture)).toMatchObject({ state: "success", done: LONG });
    const offsets = listed(fixture, "GET /licenses").map(({ query }) => query.get("offset"));
    expect(offsets.filter((offset) => offset === "0")).toHaveLength(1);
  });
});

describe("a restart in the middle", () => {
  test.each(["restart", "crash"] as const)(
    "(%s) goes on at the page that was next, and counts each once",
    async (how) => {
      const fixture = await openLong();
      let stopped: Promise<void> | undefined;
      fixture.planhat.faults.add({
        kind: "reset-before",
        route: ({ route, query }) => route === "GET /licenses" && query.get("offset") !== "0",
        count: 1,
      });
      fixture.planhat.on("request", async ({ route, query }) => {
        if (route !== "GET /licenses" || query.get("offset") === "0" || stopped !== undefined) return;
        // The second page is asked for while the first one is worked on.
        await fixture.until(() => jobLines(fixture).some(isLicenseProgress));
        stopped = fixture[how]();
        if (how === "crash") await stopped;
      });
      const { run } = await fixture.callFetch("accounts");
      await fixture.until(() => stopped !== undefined);
      await stopped;
      await fixture.ended(run ?? "");
      expect(await licenseRun(fixture)).toMatchObject({ state: "success", done: LONG });
      const offsets = listed(fixture, "GET /licenses").map(({ query }) => query.get("offset"));
      expect(offsets.filter((offset) => offset === "0")).toHaveLength(1);
      const licenses = jobLines(fixture).filter(({ data }) => data?.["type"] === "licenses");
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
      const fixture = await open();
      fill(fixture, 620);
      let requests = 0;
      // In the middle of the page.
      const isHit = ({ route }: { route: string }): boolean => route === "POST /firehose" && requests === 12;
      fixture.hull.on("request", ({ route }) => {
        if (route === "POST /firehose") requests += 1;
      });
      fixture.hull.faults.add({ kind, route: isHit, count: 1 });
      let killed: Promise<void> | undefined;
      fixture.hull.on(moment, (call) => {
        if (killed !== undefined || !isHit(call)) return undefined;
        killed = fixture.crash();
        return killed;
      });
      const { run = "" } = await fixture.callFetch("accounts");
      await fixture.until(() => killed !== undefined);
      await killed;
      expect(await fixture.ended(run)).toMatchObject({
        state: "success",
        done: 620,
        counts: { "companies/sent/told": 620 },
      });
      const { accounts } = fixture.hull.profiles.snapshot();
      expect(accounts).toHaveLength(620);
      expect(accounts.every(({ attributes }) => attributes["planhat/id"] !== undefined)).toBe(true);
      // What was told and not yet written down is told again, and no more than that: what was on its way at that moment.
      expect(fixture.hull.books.snapshot().noOpItems).toBeLessThanOrEqual(300);
      expect(await fixture.fetchBoth()).toEqual([]);
    },
  );

  test("while Planhat is silent ends the wait, and the next process goes on", async () => {
    const fixture = await open();
    fill(fixture, 3);
    const stall = fixture.planhat.faults.add({ kind: "status", status: 500, route: "GET /companies" });
    const { run = "" } = await fixture.callFetch("accounts");
    await fixture.until(() => stall.hits > 0);
    await fixture.stopped(() => {
      stall.remove();
      return Promise.resolve();
    });
    expect(await fixture.ended(run)).toMatchObject({ state: "success", done: 3 });
    expect(await fixture.connector.store.runs({ tenant: fixture.tenantKey, limit: 5 })).toHaveLength(1);
  });

  test("after the end: nothing is done again, and nothing is said twice", async () => {
    const fixture = await open();
    await fixture.announced((await fixture.fetch("accounts")).id);
    const lines = jobLines(fixture).length;
    await fixture.restart();
    await fixture.fetch("users");
    expect(listed(fixture)).toHaveLength(1);
    expect(
      jobLines(fixture)
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
    fixture: Fixture,
    simulator: Pick<Fixture["planhat"], "on">,
    isIt: (call: Call) => boolean,
    query = "force=1",
  ): Promise<string> {
    const { store } = fixture.connector;
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
      await fixture.until(async () => {
        open = (await store.openRuns()).filter(({ state }) => state === "running");
        return open.length === 1;
      });
      await store.forgetTenant(fixture.tenantKey);
      forgotten = open[0]?.id;
    });
    await fixture.callFetch("accounts", query);
    const isThrown = (): boolean => fixture.logs.some(({ message }) => message === "connector.job.error");
    await fixture.until(() => forgotten !== undefined && (isThrown() || missed.has(forgotten)));
    return forgotten ?? "";
  }

  /** Its work is over when the server has closed; that nothing threw is looked at after each test. */
  async function expectNothingLeft(fixture: Fixture, run: string): Promise<void> {
    await fixture.restart();
    const { store } = fixture.connector;
    expect(await store.runs({ tenant: fixture.tenantKey, limit: 5 })).toEqual([]);
    expect(await store.openRuns()).toEqual([]);
    expect(await store.lastRun(fixture.tenantKey, "fetch", "endusers")).toBeUndefined();
    expect(await store.reportLines(run, 0, 5)).toEqual([]);
  }

  test("while a page is on its way leaves no run behind", async () => {
    const fixture = await openLong();
    await fixture.fetch("users");
    const run = await forgottenAt(fixture, fixture.planhat, ({ route }) => route === "GET /licenses");
    await expectNothingLeft(fixture, run);
  });

  test("while Hull is told of a page, or of what vanished", async () => {
    for (const vanishes of [false, true]) {
      const fixture = await open({ settings: { mark_deleted: true } });
      fill(fixture, 3);
      if (vanishes) {
        await fixture.announced((await fixture.fetch("accounts")).id);
        fixture.planhat.tenant().remove("companies", String(fixture.companies()[0]?.["_id"]));
      }
      const run = await forgottenAt(fixture, fixture.hull, ({ route }) => route === "POST /firehose");
      await expectNothingLeft(fixture, run);
    }
  });

  test("while changed credentials are tried", async () => {
    const fixture = await open();
    await fixture.deliverUser(user(1), account(1));
    fixture.planhat.rotateToken(TOKEN, "planhat-token-0002");
    await fixture.saveSettings({ personal_acccess_token: "planhat-token-0002" });
    const run = await forgottenAt(fixture, fixture.planhat, () => true);
    await expectNothingLeft(fixture, run);
  });

  test("while the fetch is simulated", async () => {
    const fixture = await open();
    fill(fixture, 3);
    const run = await forgottenAt(
      fixture,
      fixture.planhat,
      ({ route }) => route === "GET /companies",
      "force=1&simulate=1&verbose=1",
    );
    await expectNothingLeft(fixture, run);
  });

  test("while a sweep is about to begin a drain of it", async () => {
    const fixture = await open();
    const { store } = fixture.connector;
    const down = fixture.planhat.faults.add({ kind: "status", status: 503, route: "PUT /companies" });
    await fixture.tellAccount(account(1));
    const depth = store.depth.bind(store);
    const tally = store.tally.bind(store);
    // As if much more of it waited.
    jest.spyOn(store, "depth").mockImplementation(async (lane) => ({ ...(await depth(lane)), outbox: 5_000 }));
    let isHeld = true;
    const asked = jest.spyOn(store, "tally").mockImplementation(async (tenant) => {
      await fixture.until(() => !isHeld);
      return tally(tenant);
    });
    // Whatever ends is followed by a sweep.
    await fixture.fetch("users");
    await fixture.until(() => asked.mock.calls.length > 0);
    const admin = await openAdmin({ dataDir: fixture.dataDir });
    const erasing = admin.forgetTenant(fixture.tenantKey);
    await fixture.until(async () => (await store.tenant(fixture.tenantKey)) === undefined);
    // It has time enough to be done too early.
    await Promise.race([erasing, sleep(200)]);
    isHeld = false;
    await erasing;
    await admin.close();
    down.remove();
    await fixture.restart();
    expect(await fixture.connector.store.runs({ tenant: fixture.tenantKey, limit: 5 })).toEqual([]);
  });
});
