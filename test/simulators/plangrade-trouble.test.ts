import { maintenancePage, type PlangradeSimulator, type PlangradeSimulatorOptions } from "../../simulators/plangrade";
import { APPLICATION, callsOf, openPlangrade, refresh, send } from "./plangrade-calls";

let sim: PlangradeSimulator;
let call: ReturnType<typeof callsOf>["call"];

async function open(options: PlangradeSimulatorOptions = {}): Promise<void> {
  ({ sim } = await openPlangrade(options));
  ({ call } = callsOf(sim));
}
beforeEach(() => open());
afterEach(() => sim.close());

const create = () => call("POST", "/companies", { name: "Acme", ein: "1" });

it.each([
  ["GET", "/api/v1/plans", 404],
  ["GET", "/api/v1/companies/", 404],
  ["GET", "/", 404],
  ["PATCH", "/api/v1/companies/1", 405],
  ["GET", "/api/v1/users", 405],
])("%s %s is no route", async (method, path, status) => {
  expect((await send(sim, method, path)).status).toBe(status);
});

it("formats other than JSON are refused", async () => {
  const authorization = `Bearer ${sim.grant().accessToken}`;
  const statusFor = async (accept: string) =>
    (await send(sim, "GET", "/api/v1/companies", undefined, { accept, authorization })).status;
  expect(await statusFor("text/html")).toBe(406);
  expect(await statusFor("application/json, text/plain, */*")).toBe(200);
});

it.each([
  ["array", ["Name can't be blank", "Ein is invalid"], ["Not found"]],
  ["list", { errors: ["Name can't be blank", "Ein is invalid"] }, { errors: ["Not found"] }],
  ["fields", { errors: { name: ["can't be blank"], ein: ["is invalid"] } }, { errors: { base: ["Not found"] } }],
  [
    "html",
    expect.stringMatching(/^<!DOCTYPE html>.*Ein is invalid/) as unknown,
    expect.stringContaining("Not found") as unknown,
  ],
  ["empty", "", ""],
] as const)("errors may come in another form (%s)", async (errors, list, single) => {
  sim.configure({ errors, invalid: 422 });
  expect(await call("POST", "/companies", { ein: "x" })).toMatchObject({ status: 422, body: list });
  expect(await call("GET", "/companies/9")).toMatchObject({ status: 404, body: single });
});

describe("a quota", () => {
  it.each([
    ["none", null],
    ["retry-after", "60"],
    ["retry-after-date", "Thu, 01 Jan 2026 00:01:00 GMT"],
  ] as const)(
    "refuses with Retry-After or without (%s), and leaves the authorization out",
    async (quotaHeaders, wait) => {
      await sim.close();
      await open({ quotaPerMinute: 1, switches: { quotaHeaders } });
      const { refreshToken } = sim.grant();
      expect((await call("GET", "/me")).status).toBe(200);
      const { status, headers } = await call("GET", "/companies");
      expect([status, headers.get("retry-after")]).toEqual([429, wait]);
      expect((await refresh(sim, refreshToken)).status).toBe(200);
      expect(sim.books.snapshot().maximumCallsPerMinute).toBe(2);
    },
  );

  it("is one for each user, and one for those who have none yet", async () => {
    const bo = sim.records.seedUser({ name: "Bo", email: "bo@example.com" });
    sim.setQuota(1);
    await call("GET", "/me");
    expect((await callsOf(sim, sim.grant(bo.id).accessToken).call("GET", "/me")).status).toBe(200);
    const make = async (email: string) =>
      (await send(sim, "POST", "/api/v1/users", { ...APPLICATION, name: "C", email })).status;
    expect([await make("c@example.com"), await make("d@example.com")]).toEqual([201, 429]);
    sim.setQuota(null);
    expect((await call("GET", "/me")).status).toBe(200);
  });
});

describe("faults", () => {
  it.each([
    ["reset-before", 0],
    ["reset-after", 1],
    ["truncate", 1],
  ] as const)("%s breaks a create off after %i of it was done", async (kind, done) => {
    sim.faults.add({ kind, route: "POST /companies", count: 1 });
    await expect(create()).rejects.toThrow();
    expect(sim.snapshot().companies).toHaveLength(done);
    expect(sim.books.snapshot().requests["POST /companies"]).toEqual({ [kind]: 1 });
  });

  it("a 500 may hide that an archive was done", async () => {
    const { id } = sim.records.seedParticipant(sim.records.seedCompany({}).id);
    sim.faults.add({ kind: "status", status: 500, applied: true, route: "GET /participants/archive" });
    expect((await call("GET", `/participants/archive?participant_id=${id}`)).status).toBe(500);
    expect(sim.snapshot().participants).toMatchObject([{ id, archived: true }]);
  });

  it("a list may be a page", async () => {
    sim.faults.add({ kind: "wrong-shape", form: "html", route: "GET /companies" });
    expect((await call("GET", "/companies")).body).toContain("<html>");
  });
});

it("during maintenance everything answers with a page", async () => {
  sim.configure({ maintenance: "on" });
  const { refreshToken } = sim.grant();
  for (const { status, body, headers } of [await create(), await refresh(sim, refreshToken)]) {
    expect([status, body]).toEqual([503, maintenancePage.body]);
    expect(headers.get("content-type")).toContain("text/html");
  }
  sim.configure({ maintenance: "off" });
  expect((await refresh(sim, refreshToken)).status).toBe(200);
  expect(sim.snapshot().companies).toEqual([]);
});

it("the books know how many calls were under way at a time, the authorization left out", async () => {
  // Each waits for the others.
  let release: () => void = () => undefined;
  const all = new Promise<void>((resolve) => (release = resolve));
  let arrived = 0;
  sim.on("request", () => {
    arrived += 1;
    if (arrived === 3) release();
    return all;
  });
  await Promise.all([call("GET", "/companies"), call("GET", "/companies"), refresh(sim, "x")]);
  expect(sim.books.snapshot()).toMatchObject({ calls: 3, mostAtOnce: 2 });
  sim.books.reset();
  expect(sim.books.snapshot()).toMatchObject({ calls: 0, mostAtOnce: 0, refreshUses: {}, mostRefreshUses: 0 });
});

it("can be steered from another process", async () => {
  await sim.close();
  await open({ control: true });
  const steer = async (method: string, path: string, body?: unknown) => {
    const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    return (await fetch(`${sim.url}/__sim${path}`, init)).json();
  };
  expect(await steer("PUT", "/switches", { envelope: "bare" })).toMatchObject({ envelope: "bare" });
  expect(await steer("PUT", "/switches", { envelope: "torn" })).toEqual({
    error: expect.stringContaining('The switch envelope has no value "torn"; it takes "') as string,
  });
  await create();
  expect(await steer("GET", "/snapshot?user_id=1001")).toMatchObject({ companies: [{ name: "Acme" }] });
  expect(await steer("GET", "/snapshot?user_id=1")).toMatchObject({ companies: [] });
  expect(await steer("GET", "/snapshot")).toMatchObject({ users: [{ id: 1_001 }] });
  expect(await steer("GET", "/books")).toMatchObject({ writes: [{ kind: "create", type: "company" }] });
});

it("names those that it does not know", () => {
  expect(() => sim.grant(undefined, "x")).toThrow("There is no application x.");
  sim.records.remove("user", 1_001);
  expect(() => sim.grant()).toThrow("There is no user.");
});
