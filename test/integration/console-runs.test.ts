/** `/console/runs`: the list, a page for each run, and the forms that begin and end them. */
import { COMPANIES, ENDUSERS } from "../../src/services/planhat/object-types";
import type { RunChange, NewRun } from "../../src/storage/port/store";
import { createFakeService } from "../unit/engine/fake-service";
import type { Answer } from "./asking";
import { linksIn, login, partOf, send, tokenIn } from "./console-pages";
import { CONNECTOR, NOW, openEdge, OTHER, type Edge } from "./edge";

let edge: Edge;
beforeEach(async () => {
  const policy = createFakeService().fetchPolicy({ host: "one" });
  const types = [COMPANIES, ENDUSERS].map(({ name: type }) => ({ type, intervalMinutes: 180 }));
  edge = await openEdge({}, { fetchPolicy: () => ({ ...policy, types }) });
});
afterEach(async () => {
  expect(edge.logged()).not.toContain(CONNECTOR.secret);
  await edge.close();
});

const address = (path: string, query = ""): string =>
  `/console${path}?org=${encodeURIComponent(edge.organization)}${query}`;
const open = (path: string, query = "", owner = CONNECTOR): Promise<Answer> =>
  send(edge.baseUrl, address(path, query), { headers: login(owner) });

function post(path: string, token: string, owner = CONNECTOR): Promise<Answer> {
  const headers = { "content-type": "application/x-www-form-urlencoded", ...login(owner) };
  return send(edge.baseUrl, address(path), { method: "POST", body: `token=${token}`, headers });
}

/** Stores a run. */
async function begin(id: string, more: Partial<NewRun> = {}, change?: RunChange): Promise<void> {
  const run = { tenant: edge.tenantKey, kind: "batch", type: "endusers", options: {}, ...more } as const;
  await edge.store.beginRun({ ...run, id }, false);
  if (change !== undefined) await edge.store.changeRun(id, change);
}

const RUNNING = { state: "running", startedAtMs: NOW - 60_000 } as const;
const idsOn = (answer: Answer): readonly string[] => [
  ...new Set(linksIn(answer).flatMap((link) => /\/console\/runs\/([\w-]+)\?/.exec(link)?.[1] ?? [])),
];

describe("the list", () => {
  test("shows the connector's own runs, by kind and state", async () => {
    await begin("run-1", {}, RUNNING);
    await begin("run-2", { kind: "fetch" }, { state: "error", error: "The list broke off." });
    await begin("run-3", { tenant: edge.laneOf(OTHER).tenant });
    await begin("run-4", { kind: "replay", type: "*", checkpoint: { chosen: { code: "refused" } } });
    const all = await open("/runs");
    expect([...idsOn(all)].sort()).toEqual(["run-1", "run-2", "run-4"]);
    expect(all.text).toContain("The list broke off.");
    expect(all.text).toContain("Dead letters sent again: refused");
    expect(idsOn(await open("/runs", "&kind=fetch&state="))).toEqual(["run-2"]);
    expect(idsOn(await open("/runs", "&state=running&kind="))).toEqual(["run-1"]);
    expect((await open("/runs", "&kind=fetch&state=running")).text).toContain("There is no such run.");
  });

  test("goes on behind its first page, and keeps what was chosen", async () => {
    for (let n = 10; n < 40; n += 1) await begin(`run-${n}`, { kind: n % 10 === 0 ? "fetch" : "batch" });
    const first = await open("/runs", "&kind=batch");
    expect(idsOn(first)).toHaveLength(25);
    const next = linksIn(first).find((link) => link.includes("before=")) ?? "";
    expect(next).toContain("kind=batch");
    const second = await send(edge.baseUrl, next, { headers: login() });
    expect(idsOn(second)).toHaveLength(2);
    expect(second.text).not.toContain("Next page");
  });

  test.each([
    ["&kind=x", "kind must be one of batch, fetch, drain, replay"],
    ["&state=x", "state must be one of waiting"],
    ["&refresh=1", "refresh must be a whole number from 10 to 300"],
  ])("says what of the address it cannot read: %s", async (query, words) => {
    const answer = await open("/runs", query);
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(words)]);
  });
});

describe("a run's page", () => {
  test("has its facts, and each reason in words", async () => {
    const counts = { "endusers/sent/created": 1_200, "endusers/rejected/refused": 3 };
    await begin("run-1", { options: { verbose: true }, total: 2_000 }, { ...RUNNING, counts, leftOut: {} });
    const { text } = await open("/runs/run-1");
    const words = text.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
    expect(words).toMatch(/Batch of endusers .*running .*1,203 of 2,000 so far/);
    expect(words).toMatch(
      /rejected endusers .*refused the record\. .*refused 3 .*sent endusers .*Created in .* created 1,200/,
    );
    expect(words).toContain("with a line for each record");
  });

  test("shows its report page by page", async () => {
    await begin("run-1", { options: { verbose: true } }, RUNNING);
    const line = { type: "endusers", outcome: "sent", code: "created", text: "Created." };
    await edge.store.report(
      "run-1",
      Array.from({ length: 60 }, (_, n) => ({ ...line, hullId: `h-${n + 10}` })),
    );
    const first = await open("/runs/run-1");
    expect(partOf(first, "report")).toMatch(/h-10 .*h-59 .*Next page/);
    const next = linksIn(first).find((link) => link.includes("after=")) ?? "";
    const second = await send(edge.baseUrl, next.replace(/#.*/, ""), { headers: login() });
    expect(partOf(second, "report")).toMatch(/h-60 .*h-69 .*First page/);
    expect(partOf(second, "report")).not.toMatch(/h-59|Next page/);
  });

  test("shows what a dry run found, and what the service reported", async () => {
    const reports = [{ accepted: 1, note: "<b>" }, "x".repeat(30_000)];
    await begin("run-1", { options: { simulate: true } }, { ...RUNNING, reports });
    const { text } = await open("/runs/run-1");
    expect(text).toContain("dry run, nothing written");
    expect(text).toContain("&lt;b&gt;");
    expect(text.length).toBeLessThan(40_000);
  });

  test("of somebody else, or of none, is not there", async () => {
    await begin("run-1", { tenant: edge.laneOf(OTHER).tenant });
    for (const id of ["run-1", "unknown", "%20", "a".repeat(300)]) {
      const answer = await open(`/runs/${id}`);
      expect([answer.status, answer.text.includes("no such run")]).toEqual([404, true]);
    }
    expect((await open("/runs/run-1", "", OTHER)).status).toBe(200);
  });

  test("reloads by itself if somebody wants that, and says how to end it", async () => {
    await begin("run-1", {}, RUNNING);
    const still = await open("/runs/run-1", "&done=resent");
    expect(still.text).not.toContain("http-equiv");
    expect(still.text).toContain("are being sent again");
    const on = linksIn(still).find((link) => link.includes("refresh=30")) ?? "";
    // What was done is said once.
    expect(on).not.toContain("done");
    const moving = await send(edge.baseUrl, on, { headers: login() });
    expect(moving.text).toMatch(/<meta http-equiv="refresh" content="30; url=[^"]*runs\/run-1[^"]*refresh=30" \/>/);
    expect(moving.text).toContain("Stop reloading every 30 s");
  });
});

describe("a run is stopped", () => {
  test("by the form of its page, which leads back to it", async () => {
    await begin("run-1", {}, RUNNING);
    const token = tokenIn(await open("/runs/run-1"), "/console/runs/run-1/stop");
    const answer = await post("/runs/run-1/stop", token);
    expect([answer.status, answer.headers.get("location")]).toEqual([
      303,
      `/console/runs/run-1?org=${encodeURIComponent(edge.organization)}&done=stopping`,
    ]);
    expect(edge.asked).toEqual([{ kind: "stop", run: "run-1" }]);
    const after = await open("/runs/run-1");
    expect(after.text).toContain("is being stopped");
    expect(after.text).not.toContain("/runs/run-1/stop");
  });

  test("only where there is something to stop", async () => {
    await begin("ended", {}, { state: "success" });
    await begin("backlog", { kind: "drain", type: "*" }, RUNNING);
    await begin("read", { total: 5 }, { ...RUNNING, complete: true });
    await begin("run-1", {}, RUNNING);
    for (const id of ["ended", "backlog", "read"]) {
      expect((await open(`/runs/${id}`)).text).not.toContain("/stop?");
      const answer = await edge.ask(`/api/internal/runs/${id}/stop`, { method: "POST" });
      expect([id, answer.status, answer.body["error"]]).toMatchObject([id, 409, { code: "nothing_to_stop" }]);
    }
    expect(edge.asked).toEqual([]);
    const asked = await edge.ask("/api/internal/runs/run-1/stop", { method: "POST" });
    expect([asked.status, asked.body]).toMatchObject([
      200,
      { id: "run-1", stop_requested_at: "2026-03-01T12:00:00.000Z" },
    ]);
  });

  test("by nobody else, and by no form that is not its own", async () => {
    await begin("run-1", {}, RUNNING);
    await begin("run-2", {}, RUNNING);
    const token = tokenIn(await open("/runs/run-2"), "/console/runs/run-2/stop");
    expect((await post("/runs/run-1/stop", token)).status).toBe(403);
    expect((await post("/runs/run-1/stop", "")).status).toBe(403);
    expect((await post("/runs/run-2/stop", token, OTHER)).status).toBe(403);
    for (const login of [OTHER]) {
      expect((await edge.ask("/api/internal/runs/run-1/stop", { method: "POST", login })).status).toBe(404);
    }
    const foreign = { "sec-fetch-site": "cross-site" };
    expect((await edge.ask("/api/internal/runs/run-1/stop", { method: "POST", headers: foreign })).status).toBe(403);
    expect(edge.asked).toEqual([]);
  });
});

describe("a fetch", () => {
  test.each([
    ["/fetch/users", "endusers", {}, "fetching"],
    ["/fetch/accounts", "companies", {}, "fetching"],
    ["/fetch/users/dry-run", "endusers", { simulate: true, verbose: true }, "dryFetching"],
  ])("%s begins by the form of the page, as with force=1", async (path, type, options, done) => {
    const answer = await post(path, tokenIn(await open("/runs"), `/console${path}?`));
    expect([answer.status, answer.headers.get("location")]).toEqual([
      303,
      `/console/runs/run-1?org=${encodeURIComponent(edge.organization)}&done=${done}`,
    ]);
    expect(edge.asked).toEqual([{ kind: "fetch", tenant: edge.tenantKey, type, options, force: true }]);
  });

  test("does not begin with the form of its dry run, or the other way round", async () => {
    const page = await open("/runs");
    expect((await post("/fetch/users", tokenIn(page, "/console/fetch/users/dry-run?"))).status).toBe(403);
    expect((await post("/fetch/users/dry-run", tokenIn(page, "/console/fetch/users?"))).status).toBe(403);
    expect(edge.asked).toEqual([]);
  });

  test("that cannot begin says why, and one that is under way is shown", async () => {
    const token = tokenIn(await open("/runs"), "/console/fetch/users?");
    edge.answerFetches({ kind: "halted", reason: "Enter the token." });
    const halted = await post("/fetch/users", token);
    expect([halted.status, halted.text]).toEqual([409, expect.stringContaining("Enter the token.")]);
    await begin("run-7");
    const run = await edge.store.run("run-7");
    if (run === undefined) throw new Error("There is one.");
    edge.answerFetches({ kind: "underway", run });
    expect((await post("/fetch/users", token)).headers.get("location")).toMatch(/runs\/run-7.*done=fetchUnderway/);
  });
});

describe("/console/logout", () => {
  test("refuses a log-in under its own realm, and says what that means", async () => {
    const answer = await send(edge.baseUrl, address("/logout"), { headers: login() });
    expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([
      401,
      'Basic realm="Hull connector", charset="UTF-8"',
    ]);
    expect(answer.text).toContain("Logged out");
    expect(linksIn(answer)).toContain(address(""));
    // Whoever has none is not asked for one.
    const nobody = await send(edge.baseUrl, address("/logout"));
    expect([nobody.status, nobody.headers.get("www-authenticate")]).toEqual([200, null]);
    expect((await send(edge.baseUrl, "/console/logout?org=x%20y")).status).toBe(200);
  });
});
