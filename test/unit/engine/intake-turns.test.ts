/** A sender of much at once has it taken in bit by bit: others are served in between, and the order stays. */
import { createIntake } from "../../../src/engine/intake/intake";
import { createTenants } from "../../../src/engine/tenants";
import { mapYielding } from "../../../src/yielding";
import { createSeal } from "../../../src/storage/port/seal";
import { openFixture } from "../storage/fixture";
import { createFakeService } from "./fake-service";

/** Turns that others have had. */
let turns: number;
let ticking: NodeJS.Immediate;

beforeEach(() => {
  turns = 0;
  ticking = setImmediate(function tick() {
    turns += 1;
    ticking = setImmediate(tick);
  });
  // Every look at the clock finds a millisecond gone.
  let nowMs = 0;
  jest.spyOn(performance, "now").mockImplementation(() => (nowMs += 1));
});
afterEach(() => {
  clearImmediate(ticking);
  jest.restoreAllMocks();
});

test("work on many items is the same as `map`, in several turns", async () => {
  const seen: number[] = [];
  const items = Array.from({ length: 100 }, (_, at) => at);
  const results = await mapYielding(items, (item, index) => {
    seen.push(turns);
    return item * 2 + index;
  });
  expect(results).toEqual(items.map((item, index) => item * 2 + index));
  expect(new Set(seen).size).toBe(10);
});

test("work that takes no time has one turn, and a fault in it is thrown", async () => {
  jest.spyOn(performance, "now").mockReturnValue(0);
  await mapYielding([1, 2, 3], () => undefined);
  expect(turns).toBe(0);
  const fault = (): never => {
    throw new Error("No.");
  };
  await expect(mapYielding([1], fault)).rejects.toThrow("No.");
});

test("a shipment of 5,000 messages is read, recognised, planned, compared and logged in many turns each", async () => {
  const { store, clock, close } = await openFixture("memory");
  const service = createFakeService();
  const seal = createSeal("seal secret of some length");
  const tenants = createTenants({ now: () => 0, store, seal, service });
  const credentials = { organization: "org", id: "c1", secret: "connector-secret-1" };
  const tenant = await tenants.remember(credentials, { token: "t" }, 1);

  /** By step, the turns in which it was taken. */
  const steps = new Map<string, Set<number>>();
  const note = (step: string): void => void steps.set(step, (steps.get(step) ?? new Set()).add(turns));
  const intake = createIntake({
    seal,
    store: {
      ...store,
      fingerprints: (...given) => {
        note("recognised");
        return store.fingerprints(...given);
      },
      view: (...given) => {
        note("compared");
        return store.view(...given);
      },
    },
    service: {
      ...service,
      plan: (...given) => {
        note("planned");
        return service.plan(...given);
      },
    },
    log: () => note("logged"),
    now: () => clock.nowMs,
    wake: () => undefined,
  });
  const ids = Array.from({ length: 5_000 }, (_, at) => `a${at}`);
  const messages = ids.map((id, at) => ({
    message_id: `m${id}`,
    get account() {
      note("read");
      return { id, external_id: at % 2 === 0 ? id : null, name: id, indexed_at: 1 };
    },
  }));
  expect(await intake.take({ tenant, entity: "account", messages, isExport: false })).toEqual({
    queued: 2_500,
    ended: 2_500,
  });
  const taken = Object.fromEntries([...steps].map(([step, inTurns]) => [step, inTurns.size]));
  expect(Object.keys(taken)).toEqual(["read", "recognised", "planned", "compared", "logged"]);
  expect(taken["read"]).toBeGreaterThan(100);
  expect(taken["planned"]).toBeGreaterThan(100);
  expect(taken["logged"]).toBeGreaterThan(100);
  // 200 at a time.
  expect(taken["recognised"]).toBeGreaterThan(1);
  expect(taken["compared"]).toBeGreaterThan(1);

  const lane = { remote: tenant.remote ?? "", tenant: tenant.key };
  const waiting = await store.ready(lane, "companies", 5_000);
  expect(waiting.map(({ hullId }) => hullId)).toEqual(ids.filter((_, at) => at % 2 === 0));
  await close();
});
