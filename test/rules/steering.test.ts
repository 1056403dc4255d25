/** What a person begins and ends: runs are stopped, and what failed is sent again, from whichever process. */
import { deadLetterId } from "../../src/storage/port/dead-letters";
import type { RunRow } from "../../src/storage/port/rows";
import { login, send, tokenIn } from "../integration/console-pages";
import { begin, carryOut, dam, GROUP, publish, rowsOf, taken } from "../fixture/batches";
import { account, CONNECTOR, people, useFixtures, type Fixture } from "../fixture/fixture";
import { fill } from "../fixture/lists";

const open = useFixtures();

const asked = (fixture: Fixture, path: string): string => `${path}?org=${encodeURIComponent(fixture.hull.host)}`;

async function stop(fixture: Fixture, id: string): Promise<void> {
  const answer = await fetch(fixture.baseUrl + asked(fixture, `/api/internal/runs/${id}/stop`), {
    method: "POST",
    headers: login(CONNECTOR),
  });
  expect([answer.status, await answer.json()]).toMatchObject([200, { id }]);
}

/** Holds the first page of a list until the answered function is called. */
function hold(fixture: Fixture): () => void {
  let letThrough: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => (letThrough = resolve));
  fixture.planhat.on("request", ({ route }) => (route === "GET /companies" ? answered : undefined));
  return () => letThrough();
}

describe("a person stops", () => {
  test("a fetch, and the schedule does not begin another one before the interval is over", async () => {
    const fixture = await open();
    fill(fixture, 3);
    const letThrough = hold(fixture);
    const { run = "" } = await fixture.callFetch("accounts");
    await fixture.until(() => fixture.calls.some(({ route }) => route === "GET /companies"));
    await stop(fixture, run);
    letThrough();
    const row = await fixture.announced(run);
    expect(row).toMatchObject({ state: "stopped", error: expect.stringMatching(/^A person stopped it\./) as string });
    expect(fixture.hull.profiles.snapshot().accounts).toEqual([]);
    fixture.advance(179);
    expect(await fixture.callFetch("accounts")).toMatchObject({ state: "early" });
    expect(await fixture.fetch("accounts", "force=1")).toMatchObject({ state: "success", done: 3 });
  });

  test("a dry run, which keeps what it found", async () => {
    const fixture = await open();
    fill(fixture, 3);
    const letThrough = hold(fixture);
    const { run = "" } = await fixture.callFetch("accounts", "simulate=1&force=1");
    await fixture.until(() => fixture.calls.some(({ route }) => route === "GET /companies"));
    await stop(fixture, run);
    letThrough();
    expect(await fixture.ended(run)).toMatchObject({ state: "stopped", done: 0 });
  });

  test("nothing of a dry run that was killed while its report was written: the next try ends by itself", async () => {
    const fixture = await open();
    fill(fixture, 3);
    await fixture.fetch("accounts");
    const { store } = fixture.connector;
    const options = { simulate: true, verbose: true } as const;
    await store.beginRun({ id: "killed", tenant: fixture.tenantKey, kind: "fetch", type: "companies", options }, false);
    const line = { type: "companies", hullId: "", outcome: "sent", code: "told", text: "Hull was told." };
    // More than are copied at once.
    await store.report(
      "killed",
      Array.from({ length: 501 }, () => line),
    );
    await fixture.restart();
    expect(await fixture.ended("killed")).toMatchObject({ state: "success", done: 3 });
    expect(await fixture.connector.store.reportLines("killed", 0, 1_000)).toHaveLength(501 + 3);
  });

  test("a batch that another process reads: what was taken in is delivered, the rest is not", async () => {
    const fixture = await open({ environment: { MAX_OUTBOX: String(GROUP) } });
    const users = people(2 * GROUP + 1);
    fixture.seed([account(1)], users);
    const release = await dam(fixture);
    const id = await begin(fixture, publish(fixture, rowsOf(users)).url);
    await taken(fixture, id, GROUP);
    // As another process writes it: nobody tells this one.
    await fixture.connector.store.changeRun(id, { stopAskedAtMs: 1 });
    const row = await fixture.ended(id);
    expect(row).toMatchObject({
      state: "stopped",
      total: GROUP,
      error: expect.stringContaining("send the batch again") as string,
    });
    await release();
    expect(fixture.endusers()).toHaveLength(GROUP);
    expect((await fixture.run(id)).counts).toEqual({ "endusers/sent/created": GROUP });
  });

  test("a batch that waits for another one, at once", async () => {
    const fixture = await open({ environment: { MAX_OUTBOX: String(GROUP) } });
    const users = people(GROUP + 1);
    fixture.seed([account(1)], users);
    const release = await dam(fixture);
    const first = await begin(fixture, publish(fixture, rowsOf(users)).url);
    const second = await begin(fixture, publish(fixture, rowsOf(people(1))).url);
    await taken(fixture, first, GROUP);
    await stop(fixture, second);
    expect(await fixture.ended(second)).toMatchObject({ state: "stopped", done: 0 });
    await release();
    expect(await fixture.ended(first)).toMatchObject({ state: "success", done: GROUP + 1 });
  });
});

describe("what failed is sent again", () => {
  /** A batch of which two people are refused, each for a reason of their own. */
  async function failed(): Promise<{
    readonly fixture: Fixture;
    readonly run: RunRow;
    readonly heal: () => void;
  }> {
    const fixture = await open();
    fixture.seed([account(1)], people(3));
    const heal = fixture.planhat.poison({ field: "externalId", value: "person-1" }, "Not welcome");
    fixture.planhat.poison({ field: "externalId", value: "person-3" }, "Not welcome either");
    const run = await carryOut(fixture, rowsOf(people(3)));
    expect(run.counts).toEqual({ "endusers/sent/created": 1, "endusers/rejected/refused": 2 });
    return { fixture, run, heal };
  }

  test("by the form of the run's page, as a run that ends when all have their outcome", async () => {
    const { fixture, run, heal } = await failed();
    heal();
    const path = `${asked(fixture, "/console/letters/replay")}&run=${run.id}`;
    const question = await send(fixture.baseUrl, path, { headers: login(CONNECTOR) });
    expect(question.text).toContain("Send 2 dead letters again?");
    const answer = await send(fixture.baseUrl, path, {
      method: "POST",
      headers: { ...login(CONNECTOR), "content-type": "application/x-www-form-urlencoded" },
      body: `token=${tokenIn(question, "/console/letters/replay")}`,
    });
    const [, id = ""] = /\/console\/runs\/([\w-]+)\?/.exec(answer.headers.get("location") ?? "") ?? [];
    const replay = await fixture.ended(id);
    expect(replay).toMatchObject({ kind: "replay", state: "success", done: 2, total: 2 });
    expect(replay.counts).toEqual({ "endusers/sent/created": 1, "endusers/rejected/refused": 1 });
    expect(fixture.endusers()).toHaveLength(2);
    // The former run is counted as it was; what was refused again belongs to the new one.
    expect((await fixture.run(run.id)).counts).toEqual(run.counts);
    const { store } = fixture.connector;
    expect((await store.deadLetters({ run: run.id, limit: 9 })).deadLetters).toEqual([]);
    expect((await store.deadLetters({ run: id, limit: 9 })).deadLetters).toHaveLength(1);
    expect(await store.reportLines(id, 0, 9)).toHaveLength(2);
    const page = await send(fixture.baseUrl, asked(fixture, `/console/runs/${id}`), { headers: login(CONNECTOR) });
    expect(page.text).toContain(`run=${id}`);
  });

  test("over the API, by run", async () => {
    const { fixture, run, heal } = await failed();
    heal();
    await fixture.tellUser({ ...people(1, 9)[0] }, account(1));
    await fixture.settled();
    const replay = async (named: string): Promise<unknown> => {
      const path = `${asked(fixture, "/api/internal/dead-letters/replay")}&run=${named}`;
      return (await fetch(fixture.baseUrl + path, { method: "POST", headers: login(CONNECTOR) })).json();
    };
    expect(await replay("another")).toEqual({ queued: 0, underway: 0, superseded: 0, next: null });
    expect(await replay(run.id)).toEqual({ queued: 2, underway: 0, superseded: 0, next: null });
    await fixture.settled();
    expect(fixture.endusers().map(({ externalId }) => externalId)).toEqual(
      expect.arrayContaining(["person-1", "person-2"]),
    );
  });

  test("from where it was when its process ended", async () => {
    const { fixture } = await failed();
    const { store } = fixture.connector;
    const { deadLetters, next } = await store.deadLetters({ limit: 1 });
    const [first] = deadLetters.map(deadLetterId);
    const order = { id: "run-of-before", tenant: fixture.tenantKey, kind: "replay", type: "*", options: {} } as const;
    await store.beginRun({ ...order, checkpoint: { chosen: {}, after: next ?? "" } }, false);
    await fixture.restart();
    expect(await fixture.ended(order.id)).toMatchObject({ state: "success", done: 1, total: 1 });
    const left = (await fixture.connector.store.deadLetters({ limit: 9 })).deadLetters;
    expect(left.map(deadLetterId)).toContain(first);
  });
});
