import { createManualClock } from "../../simulators/loopback";
import { createPlanhatSimulator, type PlanhatSimulator } from "../../simulators/planhat";
import { listenAgain } from "../listen-again";
import { call, list } from "./planhat-calls";

let sim: PlanhatSimulator;
const clock = createManualClock();
beforeEach(async () => {
  sim = createPlanhatSimulator({ clock });
  await sim.listen();
});
afterEach(() => sim.close());

const create = (name = "Acme") => call(sim, "POST", "/companies", { name });
/** Resolves when the next call has got so far. */
const next = (hook: "request" | "answered") => new Promise<void>((resolve) => void sim.on(hook, () => resolve()));
const companies = (): number => sim.tenant().companies.size;

describe("the quota", () => {
  it("answers 429 over the limit and recovers as the minute slides", async () => {
    sim.setQuota(3);
    const statuses: number[] = [];
    for (let count = 0; count < 4; count += 1) {
      statuses.push((await call(sim, "GET", "/companies")).status);
      clock.advance(10_000);
    }
    expect(statuses).toEqual([200, 200, 200, 429]);
    clock.advance(20_000);
    expect((await call(sim, "GET", "/companies")).status).toBe(200);
    expect((await call(sim, "GET", "/companies")).status).toBe(429);
    expect(sim.books.snapshot()).toMatchObject({ calls: 6, maximumCallsPerMinute: 5 });
  });

  it.each([
    ["none", null, null],
    ["x-rate-limit", "x-rate-limit-remaining", "0"],
    ["x-ratelimit", "x-ratelimit-reset", "60"],
    ["retry-after", "retry-after", "60"],
    ["retry-after-date", "retry-after", "Thu, 01 Jan 2026"],
  ] as const)("carries the headers %s", async (quotaHeaders, header, value) => {
    await sim.close();
    sim = createPlanhatSimulator({ clock: createManualClock(), quotaPerMinute: 0, switches: { quotaHeaders } });
    await sim.listen();
    sim.setQuota(1);
    await call(sim, "GET", "/companies");
    const { status, headers } = await call(sim, "GET", "/companies");
    expect(status).toBe(429);
    expect(header === null ? headers.get("retry-after") : headers.get(header)?.slice(0, 16)).toBe(value);
  });
});

describe("faults", () => {
  it("resets before applying: nothing was done", async () => {
    sim.faults.add({ kind: "reset-before", route: "POST /companies", count: 1 });
    await expect(create()).rejects.toThrow();
    expect(companies()).toBe(0);
    expect((await create()).status).toBe(200);
    expect(sim.books.snapshot().requests["POST /companies"]).toEqual({ "reset-before": 1, "200": 1 });
  });

  it("resets after applying: the answer is lost, the record is there", async () => {
    sim.faults.add({ kind: "reset-after", count: 1 });
    await expect(create()).rejects.toThrow();
    expect(companies()).toBe(1);
  });

  it("answers 5xx with a page, with or without having done the work", async () => {
    sim.faults.add({ kind: "status", status: 502, count: 1 });
    const refused = await create();
    expect(refused.status).toBe(502);
    expect(refused.headers.get("content-type")).toContain("text/html");
    expect(companies()).toBe(0);
    sim.faults.add({ kind: "status", status: 504, applied: true, count: 1 });
    expect((await create()).status).toBe(504);
    expect(companies()).toBe(1);
  });

  it("answers 429 out of turn", async () => {
    sim.faults.add({ kind: "rate-limit", headers: { "Retry-After": "7" }, count: 1 });
    const { status, headers } = await create();
    expect([status, headers.get("retry-after")]).toEqual([429, "7"]);
  });

  it.each(["stall", "stall-after"] as const)("never answers with %s", async (kind) => {
    sim.faults.add({ kind, count: 1 });
    const giveUp = new AbortController();
    const answered = jest.fn();
    const over = next("answered");
    const request = call(sim, "POST", "/companies", { name: "Acme" }, undefined, giveUp.signal).then(answered);
    await next("request");
    giveUp.abort();
    await expect(request).rejects.toThrow();
    await over;
    expect(answered).not.toHaveBeenCalled();
    expect(companies()).toBe(kind === "stall" ? 0 : 1);
  });

  it("breaks off in the middle of a body", async () => {
    sim.faults.add({ kind: "truncate", count: 1 });
    await expect(create()).rejects.toThrow();
    expect(companies()).toBe(1);
  });

  it("answers lists and bulk calls in a shape that nobody promised", async () => {
    sim.faults.add({ kind: "wrong-shape", route: "GET /companies", count: 1 });
    sim.faults.add({ kind: "wrong-shape", form: "no-arrays", route: "PUT /companies", count: 1 });
    sim.faults.add({ kind: "wrong-shape", form: "html", route: "GET /endusers", count: 1 });
    expect((await call(sim, "GET", "/companies")).body).toEqual({ message: "OK" });
    expect((await call(sim, "PUT", "/companies", [{ name: "A" }])).body).toEqual({
      created: 1,
      updated: 0,
      nonupdates: 0,
    });
    expect(await call(sim, "GET", "/endusers")).toMatchObject({ status: 200, body: undefined });
  });

  it("works on after the caller has hung up during a latency", async () => {
    sim.faults.add({ kind: "latency", min: 30_000, max: 30_000 });
    const over = next("answered");
    const giveUp = new AbortController();
    const request = call(sim, "POST", "/companies", { name: "Acme" }, undefined, giveUp.signal);
    await next("request");
    giveUp.abort();
    await expect(request).rejects.toThrow();
    expect(companies()).toBe(0);
    clock.advance(30_000);
    await over;
    expect(companies()).toBe(1);
  });

  it("strikes with the given probability, the same way for the same seed", async () => {
    const run = async () => {
      const other = createPlanhatSimulator({ seed: 3, quotaPerMinute: null, clock });
      await other.listen();
      other.faults.add({ kind: "status", status: 500, probability: 0.5 });
      const statuses: number[] = [];
      for (let count = 0; count < 20; count += 1) statuses.push((await call(other, "GET", "/users")).status);
      await other.close();
      return statuses;
    };
    const statuses = await run();
    expect(new Set(statuses)).toEqual(new Set([200, 500]));
    expect(await run()).toEqual(statuses);
  });

  it("can be taken away one by one or all at once", async () => {
    const fault = sim.faults.add({ kind: "status", status: 500 });
    expect((await create()).status).toBe(500);
    expect(fault.hits).toBe(1);
    fault.remove();
    expect((await create()).status).toBe(200);
  });
});

describe("hooks", () => {
  it("are waited for, in the order request, applied, answered", async () => {
    const seen: string[] = [];
    for (const name of ["request", "applied", "answered"] as const) {
      sim.on(name, async ({ route }) => {
        await Promise.resolve();
        seen.push(`${name} ${route} ${companies()}`);
      });
    }
    const over = next("answered");
    await create();
    await over;
    expect(seen).toEqual(["request POST /companies 0", "applied POST /companies 1", "answered POST /companies 1"]);
  });
});

describe("life", () => {
  it("closes with calls under way and opens again on the same port with the same state", async () => {
    await create();
    sim.faults.add({ kind: "stall", count: 1 });
    const stalled = create("Lost");
    await next("request");
    const port = Number(new URL(sim.url).port);
    await sim.close();
    await expect(stalled).rejects.toThrow();
    await listenAgain(() => sim.listen(port));
    expect(await list(sim, "/companies")).toHaveLength(1);
  });

  it("hangs up on calls under way and on the next ones, and its port stays its own", async () => {
    const port = Number(new URL(sim.url).port);
    sim.faults.add({ kind: "latency", min: 60_000, max: 60_000, route: "POST /companies" });
    const arrived = next("request");
    const held = expect(create()).rejects.toThrow();
    await arrived;
    sim.hangUp();
    await held;
    await expect(create()).rejects.toThrow();
    await expect(createPlanhatSimulator().listen(port)).rejects.toThrow("EADDRINUSE");
    expect(companies()).toBe(0);
  });

  it("can be steered from another process", async () => {
    await sim.close();
    sim = createPlanhatSimulator({ control: true, clock });
    await sim.listen();
    expect((await call(sim, "POST", "/__sim/faults", { kind: "status", status: 503, count: 1 })).status).toBe(200);
    expect((await call(sim, "POST", "/__sim/faults", { kind: "unheard-of" })).status).toBe(400);
    expect((await create()).status).toBe(503);
    expect((await call(sim, "PUT", "/__sim/switches", { createAnswer: "201-empty" })).status).toBe(200);
    expect((await create()).status).toBe(201);
    expect((await call(sim, "GET", "/__sim/books")).body).toMatchObject({ calls: 2, created: { companies: 1 } });
    expect((await call(sim, "GET", "/__sim/snapshot")).body).toMatchObject({ companies: [{ name: "Acme" }] });
    await call(sim, "POST", "/__sim/reset");
    expect(sim.books.snapshot().calls).toBe(0);
  });
});
