import { createManualClock, type ManualClock } from "../../simulators/loopback";
import { DEFAULT_CREDENTIALS, type PlanningPmeSimulator } from "../../simulators/planningpme";
import { call, logIn, openPlanningPme } from "./planningpme-calls";

const HOUR = 3_600_000;
const IMPORT = "POST /api/integration/:template";

let clock: ManualClock;
let sim: PlanningPmeSimulator;
let headers: Readonly<Record<string, string>>;

async function open(options: Parameters<typeof openPlanningPme>[0] = {}): Promise<void> {
  clock = createManualClock();
  sim = await openPlanningPme({ clock, ...options });
  headers = await logIn(sim);
}
beforeEach(() => open());
afterEach(() => sim.close());

const list = () => call(sim, "GET", "/acme/api/integration/templates", headers);
const send = (model: unknown = [{ ID: "C-1", Name: "Ada" }]) =>
  call(sim, "POST", "/acme/api/integration/client-import", headers, { model });

describe("the quota", () => {
  it("is so many calls in any hour, of each app key", async () => {
    sim.addBrand({ brand: "acme", appKey: "other", authToken: "x" });
    sim.setQuota(3);
    await list();
    clock.advance(HOUR - 1);
    headers = await logIn(sim);
    expect(await list()).toMatchObject({ status: 429, body: "Too many requests" });
    expect((await call(sim, "GET", "/acme/api/config", { "x-appkey": "other" })).status).toBe(200);
    clock.advance(1);
    expect([(await list()).status, (await list()).status, (await list()).status]).toEqual([200, 200, 429]);
    expect(sim.books.snapshot()).toMatchObject({
      requests: { "GET /api/integration/templates": { 200: 3, 429: 2 }, "PUT /token": { 200: 2 } },
    });
  });

  it.each([
    ["none", {}],
    ["x-rate-limit", { "x-rate-limit-limit": "2", "x-rate-limit-remaining": "0" }],
    ["x-ratelimit", { "x-ratelimit-limit": "2", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "3540" }],
    ["retry-after", { "retry-after": "3540" }],
    ["retry-after-date", { "retry-after": "Thu, 01 Jan 2026 01:00:00 GMT" }],
  ] as const)("may say when to come again (%s)", async (quotaHeaders, expected) => {
    sim.configure({ quotaHeaders });
    sim.setQuota(2);
    await list();
    clock.advance(60_000);
    const answer = await list();
    expect(answer.status).toBe(429);
    expect(Object.fromEntries(answer.headers)).toMatchObject(expected);
    expect(answer.headers.has("retry-after")).toBe("retry-after" in expected);
  });

  it("may be passed, and the books tell", async () => {
    sim.configure({ overQuota: "served" });
    sim.setQuota(2);
    for (let times = 0; times < 3; times += 1) expect((await list()).status).toBe(200);
    expect(sim.books.snapshot()).toMatchObject({ callsOverQuota: 2, maximumCallsPerHour: 4 });
    sim.setQuota(null);
    await list();
    expect(sim.books.snapshot().callsOverQuota).toBe(2);
  });
});

it.each([
  ["reset-before", 0],
  ["reset-after", 1],
  ["truncate", 1],
] as const)("%s breaks an import off after %i of it was done, and it may be repeated", async (kind, done) => {
  sim.configure({ quietAnswer: "counts" });
  sim.faults.add({ kind, route: IMPORT, count: 1 });
  await expect(send()).rejects.toThrow();
  expect(sim.snapshot()).toHaveLength(done);
  expect((await send()).body).toMatchObject({ inserted: 1 - done, unchanged: done });
  expect(sim.books.snapshot()).toMatchObject({ duplicates: [], requests: { [IMPORT]: { [kind]: 1, 200: 1 } } });
});

it.each(["", "<html><body>Bad Gateway</body></html>", '{"Message":"An error has occurred."}'])(
  "a status may come with %j, and hide that the work was done",
  async (body) => {
    sim.faults.add({ kind: "status", status: 502, body, applied: true, count: 1 });
    const answer = await send();
    expect(answer.status).toBe(502);
    expect(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body)).toBe(body);
    expect(sim.snapshot()).toHaveLength(1);
  },
);

it("a body that is too large is refused", async () => {
  await sim.close();
  await open({ bodyLimitBytes: 1_000 });
  expect((await send([{ ID: "C-1", Name: "x".repeat(1_000) }])).status).toBe(413);
});

it("the books know how many calls were under way at a time", async () => {
  // Each waits for the other.
  let release: () => void = () => undefined;
  const both = new Promise<void>((resolve) => (release = resolve));
  let arrived = 0;
  sim.on("request", () => {
    arrived += 1;
    if (arrived === 2) release();
    return both;
  });
  await Promise.all([list(), list()]);
  expect(sim.books.snapshot().mostAtOnce).toBe(2);
  sim.books.reset();
  await list();
  expect(sim.books.snapshot()).toMatchObject({ mostAtOnce: 1, calls: 1 });
});

it("can be steered from another process", async () => {
  await sim.close();
  await open({ control: true });
  const steer = async (method: string, path: string, body?: unknown) => {
    const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    return (await fetch(`${sim.url}/__sim${path}`, init)).json();
  };
  expect(await steer("GET", "/switches")).toEqual(sim.switches);
  expect(await steer("PUT", "/switches", { report: "counts" })).toMatchObject({ report: "counts" });
  expect(await steer("PUT", "/switches", { report: "sung" })).toEqual({
    error: expect.stringContaining('The switch report has no value "sung"; it takes "') as string,
  });
  await send();
  expect(await steer("GET", `/snapshot?brand=${DEFAULT_CREDENTIALS.brand}`)).toMatchObject([{ type: "Customer" }]);
  expect(await steer("GET", "/books")).toMatchObject({ writes: [{ kind: "insert", key: "C-1" }] });
  await steer("POST", "/reset");
  expect(sim.books.snapshot()).toMatchObject({ calls: 0, writes: [] });
});
