import { createManualClock } from "../../simulators/loopback";
import { createPlanSourceSimulator, type PlanSourceSimulator } from "../../simulators/plansource";
import { bearerOf, call } from "./plansource-calls";

const clock = createManualClock();
let sim: PlanSourceSimulator;
let bearer: string;

async function open(options: Parameters<typeof createPlanSourceSimulator>[0] = {}): Promise<void> {
  await sim.close();
  sim = createPlanSourceSimulator({ clock: createManualClock(), ...options });
  await sim.listen();
  bearer = await bearerOf(sim);
}
beforeEach(async () => {
  sim = createPlanSourceSimulator({ clock });
  await open();
});
afterEach(() => sim.close());

const send = (method: string, path: string, body?: unknown) => call(sim, bearer, method, path, body);
const create = () => send("POST", "/subscriber", { subscriber_code: "E-1", first_name: "A", last_name: "B" });

it.each(["/subscribe", "/subscriber/1/leave", "/subscriber/%E0%A4%A", "/subscriber/a/b", ""])(
  "GET /admin/v2%s is no route, and says so with a text",
  async (path) => {
    expect(await send("GET", path)).toMatchObject({
      status: 404,
      body: { errors: { error_code: "route_not_found" }, data: [] },
    });
  },
);

it("nothing is deleted", async () => {
  const { id } = sim.organization().seed({ first_name: "A" });
  expect((await send("DELETE", `/subscriber/${id}`)).body).toMatchObject({ errors: { error_code: "route_not_found" } });
});

it("a quota, if there is one, counts neither tokens nor meta", async () => {
  await open({ quotaPerMinute: 1, switches: { quotaHeaders: "retry-after" } });
  await bearerOf(sim);
  const statuses: number[] = [];
  for (const path of ["/subscriber/meta", "/subscribers", "/subscriber/meta"]) {
    statuses.push((await send("GET", path)).status);
  }
  expect(statuses).toEqual([200, 200, 200]);
  bearer = await bearerOf(sim);
  const { status, headers } = await send("GET", "/subscribers");
  expect([status, headers.get("retry-after")]).toEqual([429, "60"]);
  expect(sim.books.snapshot()).toMatchObject({
    maximumCallsPerMinute: 2,
    requests: { "GET /subscribers": { 200: 1, 429: 1 }, "POST /oauth/v2/token": { 200: 3 } },
  });
});

it.each([
  ["reset-before", 0],
  ["reset-after", 1],
  ["truncate", 1],
] as const)("%s breaks a create off after %i of it was done", async (kind, done) => {
  sim.faults.add({ kind, route: "POST /subscriber", count: 1 });
  await expect(create()).rejects.toThrow();
  expect(sim.snapshot()).toHaveLength(done);
  expect((await create()).status).toBe(200);
  expect(sim.books.snapshot().requests["POST /subscriber"]).toEqual({ [kind]: 1, "200": 1 });
});

it("a status may hide that the work was done", async () => {
  sim.faults.add({ kind: "status", status: 500, body: "Internal error", applied: true, count: 1 });
  expect(await create()).toMatchObject({ status: 500, body: "Internal error" });
  expect(sim.snapshot()).toHaveLength(1);
});

it("the books know how many calls were under way at a time", async () => {
  await Promise.all([1, 2, 3].map(() => send("GET", "/subscribers")));
  sim.books.reset();
  await send("GET", "/subscribers");
  await send("GET", "/subscribers");
  expect(sim.books.snapshot().mostAtOnce).toBe(1);
  // Each waits for the other.
  let release: () => void = () => undefined;
  const both = new Promise<void>((resolve) => (release = resolve));
  let arrived = 0;
  sim.on("request", () => {
    arrived += 1;
    if (arrived === 2) release();
    return both;
  });
  await Promise.all([send("GET", "/subscribers"), send("GET", "/subscribers")]);
  expect(sim.books.snapshot().mostAtOnce).toBe(2);
});

it("can be steered from another process", async () => {
  await open({ control: true });
  const steer = async (method: string, path: string, body?: unknown) => {
    const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    return (await fetch(`${sim.url}/__sim${path}`, init)).json();
  };
  expect(await steer("PUT", "/switches", { ssn: "full" })).toMatchObject({ ssn: "full" });
  expect(await steer("PUT", "/switches", { ssn: "shouted" })).toEqual({
    error: expect.stringContaining('The switch ssn has no value "shouted"; it takes "') as string,
  });
  await create();
  expect(await steer("GET", "/snapshot?client_id=acme-hcm")).toMatchObject([{ status: "active" }]);
  expect(await steer("GET", "/books")).toMatchObject({ writes: [{ kind: "create", code: "E-1" }] });
  await steer("POST", "/reset");
  expect(sim.books.snapshot()).toMatchObject({ calls: 0, writes: [] });
});
