/** What the simulators can be told from another process, `/__sim/…`: the list of it is what is served. */
import { createHullSimulator } from "../../simulators/hull";
import { createPlangradeSimulator } from "../../simulators/plangrade";
import { createPlanhatSimulator } from "../../simulators/planhat";
import { createPlanningPmeSimulator } from "../../simulators/planningpme";
import { createPlanSourceSimulator } from "../../simulators/plansource";

interface Listed {
  readonly method: string;
  readonly path: string;
  readonly does: string;
  readonly example?: unknown;
  readonly takes?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly try: string;
}

const SIMULATORS = {
  Hull: createHullSimulator,
  Planhat: createPlanhatSimulator,
  PlanSource: createPlanSourceSimulator,
  PlanningPME: createPlanningPmeSimulator,
  plangrade: createPlangradeSimulator,
};
const OF_ALL = ["GET /__sim/", "GET /__sim/snapshot", "GET /__sim/books", "POST /__sim/reset"];
const FAULTS = ["POST /__sim/faults", "DELETE /__sim/faults"];
const OF_SERVICES = ["GET /__sim/switches", "PUT /__sim/switches"];
const OF_HULL = ["GET /__sim/connectors", "PUT /__sim/settings", "POST /__sim/update", "POST /__sim/send"];

type Simulator = ReturnType<(typeof SIMULATORS)[keyof typeof SIMULATORS]>;

const opened: Simulator[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

async function open(name: keyof typeof SIMULATORS): Promise<Simulator> {
  const simulator = SIMULATORS[name]({ control: true });
  opened.push(simulator);
  await simulator.listen();
  if ("addConnector" in simulator) {
    // A connector at the simulator itself, which answers 404 to what it is sent.
    simulator.addConnector({ id: "5f0000000000000000000001", secret: "s", sourceUrl: `${simulator.url}/nowhere/` });
    simulator.addUserSegment("Customers");
  }
  return simulator;
}

async function ask(simulator: Simulator, method: string, path: string, body?: unknown) {
  const json = body === undefined ? undefined : JSON.stringify(body);
  const answer = await fetch(simulator.url + path, { method, body: json });
  const text = await answer.text();
  return {
    status: answer.status,
    text,
    body: text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}

async function listOf(simulator: Simulator): Promise<readonly Listed[]> {
  return (await ask(simulator, "GET", "/__sim/")).body["calls"] as readonly Listed[];
}

test.each(Object.keys(SIMULATORS) as (keyof typeof SIMULATORS)[])("%s lists what it can be told", async (name) => {
  const simulator = await open(name);
  const { body } = await ask(simulator, "GET", "/__sim");
  expect(body["simulates"]).toBe(name);
  const calls = await listOf(simulator);
  const served = calls.map(({ method, path }) => `${method} ${path}`);
  expect([...served].sort()).toEqual([...OF_ALL, ...FAULTS, ...(name === "Hull" ? OF_HULL : OF_SERVICES)].sort());

  for (const { method, path, does, example, try: command } of calls) {
    expect(does).toMatch(/^[A-Z].*\.$/);
    expect(command).toContain(`${simulator.url}${path}`);
    // Each example works as it stands; what has none, and needs a body, says so.
    const { status } = await ask(simulator, method, path, method === "GET" ? undefined : example);
    expect({ method, path, status }).toEqual({ method, path, status: path === "/__sim/send" ? 400 : 200 });
    await ask(simulator, "DELETE", "/__sim/faults");
  }
  // And nothing else is: whatever is not listed is refused with what there is.
  for (const path of new Set(calls.map((call) => call.path))) {
    for (const method of ["GET", "PUT", "POST", "DELETE"].filter((each) => !served.includes(`${each} ${path}`))) {
      const { status, body: refusal } = await ask(simulator, method, path);
      expect({ method, path, status }).toEqual({ method, path, status: 405 });
      expect(refusal["error"]).toContain("GET /__sim/ lists what there is.");
    }
  }
  expect(await ask(simulator, "GET", "/__sim/unheard-of")).toMatchObject({
    status: 404,
    body: { error: "There is no /__sim/unheard-of here. GET /__sim/ lists what there is." },
  });
  // Looking at the address itself shows the way, and is in no book.
  await ask(simulator, "POST", "/__sim/reset");
  expect((await ask(simulator, "GET", "/")).text).toContain(`${simulator.url}/__sim/`);
  expect((await ask(simulator, "GET", "/__sim/books")).body).toMatchObject({ calls: 0 });
});

test("a simulator that is not to be told anything serves none of it", async () => {
  const simulator = createPlanhatSimulator();
  opened.push(simulator);
  await simulator.listen();
  expect((await ask(simulator, "GET", "/__sim/")).status).toBe(401);
  expect((await ask(simulator, "GET", "/")).status).toBe(401);
});

test("every kind of fault that is listed is taken, and another one is refused with those that there are", async () => {
  const simulator = await open("Planhat");
  const faults = (await listOf(simulator)).find(({ method, path }) => method === "POST" && path === "/__sim/faults");
  const kinds = Object.keys(faults?.takes?.["kind"] ?? {});
  expect(kinds).toHaveLength(9);
  const needed: Readonly<Record<string, object>> = { latency: { min: 1, max: 2 }, status: { status: 503 } };
  for (const kind of kinds) {
    const sent = { kind, count: 1, route: "GET /nowhere", ...needed[kind] };
    expect((await ask(simulator, "POST", "/__sim/faults", sent)).status).toBe(200);
  }
  const refusals = [
    [{ kind: "flood" }, `There is no kind of fault "flood"; there are ${kinds.join(", ")}.`],
    [{}, `A fault needs a kind; there are ${kinds.join(", ")}.`],
    [{ kind: "status" }, "status: "],
    [{ kind: "stall", often: true }, "The kind stall takes kind, route, probability, count."],
  ] as const;
  for (const [sent, words] of refusals) {
    const { status, body } = await ask(simulator, "POST", "/__sim/faults", sent);
    expect({ status, error: body["error"] }).toEqual({ status: 400, error: expect.stringContaining(words) as string });
  }
});

test("a switch is listed with its values and the present one, and another value is refused with those", async () => {
  const simulator = await open("Planhat");
  const switchOf = async (): Promise<unknown> =>
    (await listOf(simulator)).find(({ method, path }) => method === "PUT" && path === "/__sim/switches")?.takes?.[
      "keysForm"
    ];
  expect(await switchOf()).toEqual({ now: "full", choices: ["full", "id-only"] });
  expect((await ask(simulator, "PUT", "/__sim/switches", { keysForm: "id-only" })).status).toBe(200);
  expect(await switchOf()).toMatchObject({ now: "id-only" });
  expect(await ask(simulator, "PUT", "/__sim/switches", { keysForm: "half" })).toMatchObject({
    status: 400,
    body: { error: 'The switch keysForm has no value "half"; it takes "full", "id-only".' },
  });
  const { body } = await ask(simulator, "PUT", "/__sim/switches", { keyForm: "full" });
  expect(body["error"]).toMatch(/^There is no switch keyForm; there are .*keysForm/);
  expect(await ask(simulator, "PUT", "/__sim/switches", [])).toMatchObject({ status: 400 });
});

test("Hull refuses an order with what there is", async () => {
  const hull = await open("Hull");
  const update = async (order: unknown): Promise<unknown> =>
    (await ask(hull, "POST", "/__sim/update", order)).body["error"];
  expect(await update({ user: { email: "a@b.example" }, segments: ["Nobody"] })).toBe(
    'There is no user segment "Nobody"; there are Customers.',
  );
  expect(await update({ user: {}, connector: "x" })).toBe(
    "There is no connector x; there are 5f0000000000000000000001.",
  );
  expect(await update({})).toContain("send a user, an account, or both");
  expect((await ask(hull, "PUT", "/__sim/settings", {})).body["error"]).toContain("5f0000000000000000000001");
});
