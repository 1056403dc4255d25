/** Who works on what: one owner at a time, whatever clocks say and whoever falls silent. */
import { createLeases, createSoleOwner, type LeaseClocks, type Leases } from "../../../src/coordination/leases";
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import { FenceLost, TenantErased } from "../../../src/storage/port/leases";
import type { Store } from "../../../src/storage/port/store";
import { openStore } from "../../../server/open-store";

const LEASE_MS = 9_000;
const REQUEST_MS = 2_000;
const NAME = "acme|https://api.planhat.com|one";

let store: Store;
let all: Leases[];
let errors: unknown[];

beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate"] });
  store = await openStore({ database: createMemoryDatabase(), now: Date.now });
  all = [];
  errors = [];
});

afterEach(async () => {
  await Promise.all(all.map((each) => each.close()));
  await store.close();
  jest.useRealTimers();
});

function openProcess(given: { readonly store?: Store; readonly clocks?: LeaseClocks } = {}): Leases {
  const leases = createLeases({
    store,
    leaseMs: LEASE_MS,
    requestMs: REQUEST_MS,
    onError: (error) => errors.push(error),
    ...given,
  });
  all.push(leases);
  return leases;
}

/** A store of a process that nobody hears any more. */
const silent = (): Store =>
  Object.assign(Object.create(store) as Store, { renewLease: () => Promise.reject(new Error("Redis is away.")) });

const pass = (ms: number): Promise<unknown> => jest.advanceTimersByTimeAsync(ms);

test("while one process works on something, no other one does", async () => {
  const [one, other] = [openProcess(), openProcess()];
  const lease = await one.take(NAME);
  expect(lease?.mayStart()).toBe(true);
  for (let waited = 0; waited < 10; waited += 1) {
    expect(await other.take(NAME)).toBeUndefined();
    await pass(LEASE_MS);
  }
  expect(lease?.mayStart()).toBe(true);
  await lease?.release();
  expect(await other.take(NAME)).toMatchObject({ fence: { name: NAME } });
});

test("jobs of one process share it, and it is let go with the last of them", async () => {
  const [one, other] = [openProcess(), openProcess()];
  const [first, second] = [await one.take(NAME), await one.take(NAME)];
  expect(second?.fence).toEqual(first?.fence);
  await first?.release();
  await first?.release();
  expect(await other.take(NAME)).toBeUndefined();
  await second?.release();
  expect(await other.take(NAME)).toBeDefined();
});

test("what is let go in order needs no recovery and no wait; what is not is recovered once, after both times", async () => {
  const [one, other] = [openProcess({ store: silent() }), openProcess()];
  const recover = jest.fn(() => Promise.resolve());
  const lease = await one.take(NAME, recover);
  expect(recover).not.toHaveBeenCalled();
  expect(await other.take(NAME, recover)).toBeUndefined();
  await pass(LEASE_MS - 1);
  expect(lease?.mayStart()).toBe(true);
  await pass(1);
  expect(lease?.mayStart()).toBe(false);
  expect(lease?.signal.aborted).toBe(true);
  // A request that was sent at the last moment may still be under way.
  await pass(REQUEST_MS - 1);
  expect(await other.take(NAME, recover)).toBeUndefined();
  await pass(1);
  const taken = await other.take(NAME, recover);
  expect(recover).toHaveBeenCalledTimes(1);
  expect(recover).toHaveBeenCalledWith(taken?.fence);
  expect(taken?.fence?.id).not.toBe(lease?.fence?.id);
  await other.take(NAME, recover);
  expect(recover).toHaveBeenCalledTimes(1);
  expect(errors.length).toBeGreaterThan(0);
});

test("where requests take longer, the wait is longer", async () => {
  const longer = 2 * REQUEST_MS;
  const [one, other] = [openProcess({ store: silent() }), openProcess({ store: silent() })];
  await one.take(NAME, undefined, longer);
  await other.take(NAME, undefined, longer);
  await pass(LEASE_MS + REQUEST_MS);
  expect([await one.take(NAME, undefined, longer), await other.take(NAME, undefined, longer)]).toEqual([
    undefined,
    undefined,
  ]);
  await pass(REQUEST_MS);
  expect(await one.take(NAME, undefined, longer)).toBeDefined();
});

test("of several that wait for it one gets it", async () => {
  const one = openProcess({ store: silent() });
  const others = [openProcess(), openProcess(), openProcess()];
  await one.take(NAME);
  await Promise.all(others.map((each) => each.take(NAME)));
  await pass(LEASE_MS + REQUEST_MS);
  const taken = await Promise.all(others.map((each) => each.take(NAME)));
  expect(taken.filter((lease) => lease !== undefined)).toHaveLength(1);
});

test("a clock that is set, or stood still in sleep, makes no lease longer and no wait shorter", async () => {
  let [monotonicMs, wallMs] = [0, 0];
  const clocks = { monotonic: () => monotonicMs, wall: () => wallMs };
  const [one, other] = [openProcess({ store: silent(), clocks }), openProcess({ clocks })];
  const lease = await one.take(NAME);
  await other.take(NAME);
  wallMs = LEASE_MS;
  expect(lease?.mayStart()).toBe(false);
  wallMs = 10 * LEASE_MS;
  expect(await other.take(NAME)).toBeUndefined();
  wallMs = -LEASE_MS;
  monotonicMs = LEASE_MS + REQUEST_MS;
  expect(lease?.mayStart()).toBe(false);
  expect(await other.take(NAME)).toBeDefined();
});

test("an owner that was thought dead learns that it is none, and waits like everybody else", async () => {
  // It stood still, and with it its clocks.
  let isStopped = false;
  const clocks = { monotonic: () => (isStopped ? 0 : performance.now()), wall: () => (isStopped ? 0 : Date.now()) };
  const stopped: Store = Object.assign(Object.create(store) as Store, {
    renewLease: (fence: Parameters<Store["renewLease"]>[0]) =>
      isStopped ? new Promise<boolean>(() => undefined) : store.renewLease(fence),
  });
  const [one, other] = [openProcess({ store: stopped, clocks }), openProcess()];
  const lease = await one.take(NAME);
  isStopped = true;
  await other.take(NAME);
  await pass(LEASE_MS + REQUEST_MS);
  const taken = await other.take(NAME);
  expect(taken).toBeDefined();
  isStopped = false;
  await pass(LEASE_MS);
  expect(lease?.signal.aborted).toBe(true);
  expect(await one.take(NAME)).toBeUndefined();
  await lease?.release();
  expect(await store.lease(NAME)).toMatchObject({ id: taken?.fence?.id });
});

test("what could not be recovered is tried again by whoever comes next, after the wait", async () => {
  const [one, other] = [openProcess({ store: silent() }), openProcess()];
  const lease = await one.take(NAME);
  lease?.abandon();
  await other.take(NAME);
  await pass(LEASE_MS + REQUEST_MS);
  await expect(other.take(NAME, () => Promise.reject(new Error("The store is away.")))).rejects.toThrow("away");
  const recover = jest.fn(() => Promise.resolve());
  expect(await other.take(NAME, recover)).toBeUndefined();
  await pass(LEASE_MS + REQUEST_MS);
  expect(await other.take(NAME, recover)).toBeDefined();
  expect(recover).toHaveBeenCalledTimes(1);
});

test("a process whose own lease ended goes on once its requests are over, if nobody came in between", async () => {
  const one = openProcess({ store: silent() });
  const lease = await one.take(NAME);
  await pass(LEASE_MS);
  expect(lease?.signal.aborted).toBe(true);
  await lease?.release();
  await pass(REQUEST_MS - 1);
  const recover = jest.fn(() => Promise.resolve());
  expect(await one.take(NAME, recover)).toBeUndefined();
  await pass(1);
  const taken = await one.take(NAME, recover);
  expect(recover).toHaveBeenCalledWith(taken?.fence);
  expect([taken?.mayStart(), lease?.mayStart()]).toEqual([true, false]);
});

test("a process that could not say that it lets go need not wait for itself", async () => {
  const releaseLease = jest.fn(() => Promise.reject(new Error("Redis is away.")));
  const one = openProcess({ store: Object.assign(Object.create(store) as Store, { releaseLease }) });
  const lease = await one.take(NAME);
  await expect(lease?.release()).rejects.toThrow("away");
  expect(await openProcess().take(NAME)).toBeUndefined();
  expect(await one.take(NAME)).toBeDefined();
});

test("who stood still while recovering, and lost it to another one, is not the owner", async () => {
  const [one, other] = [openProcess({ store: silent() }), openProcess({ store: silent() })];
  (await one.take(NAME))?.abandon();
  await other.take(NAME);
  await pass(LEASE_MS + REQUEST_MS);
  expect(await other.take(NAME, (fence) => Promise.reject(new FenceLost(fence ?? { name: NAME, id: "" })))).toBe(
    undefined,
  );
});

test("an owner that speaks again at the last moment stays the owner", async () => {
  const [one, other] = [openProcess({ store: silent() }), openProcess()];
  const lease = await one.take(NAME);
  await other.take(NAME);
  await pass(LEASE_MS + REQUEST_MS);
  const seen = await store.lease(NAME);
  expect(lease?.fence !== undefined && (await store.renewLease(lease.fence))).toBe(true);
  expect(await store.takeLease({ name: NAME, id: "other" }, seen)).toBe(false);
  expect(await other.take(NAME)).toBeUndefined();
});

test("a process that ends lets go of everything", async () => {
  const [one, other] = [openProcess(), openProcess()];
  const lease = await one.take(NAME);
  await one.close();
  expect(lease?.mayStart()).toBe(false);
  expect(await other.take(NAME)).toBeDefined();
});

test("commits of an owner that is none any more write nothing and say so; those of the new one do", async () => {
  const [one, other] = [openProcess({ store: silent() }), openProcess()];
  const lease = await one.take(NAME);
  if (lease?.fence === undefined) throw new Error("It is free.");
  const before = store.under(lease);
  const lane = { remote: NAME, tenant: "planhat/acme/1" };
  const pause = { kind: "auth", message: "", sinceMs: 0, untilMs: 1 };
  await before.pause(lane, "*", pause);
  await other.take(NAME);
  await pass(LEASE_MS + REQUEST_MS);
  const taken = await other.take(NAME);
  if (taken?.fence === undefined) throw new Error("It was given up.");
  await expect(before.pause(lane, "*", undefined)).rejects.toThrow(FenceLost);
  // Further terms take nothing away.
  await expect(before.under({ tenant: lane.tenant }).pause(lane, "*", undefined)).rejects.toThrow(FenceLost);
  expect(await before.pauses(lane)).toHaveLength(1);
  await store.under(taken).pause(lane, "*", undefined);
  expect(await store.pauses(lane)).toEqual([]);
});

test("commits for a tenant that was erased write nothing, and the others' do", async () => {
  const lease = await openProcess().take(NAME);
  if (lease?.fence === undefined) throw new Error("It is free.");
  const tenants = ["planhat/acme/1", "planhat/acme/2"] as const;
  for (const key of tenants) {
    await store.saveTenant({ key, organization: "acme", connectorId: key, sealed: "", settingsAtMs: 0 });
  }
  await store.forgetTenant(tenants[0]);
  const [erased, other] = tenants.map((tenant) => store.under({ fence: lease.fence, tenant }));
  const pause = { kind: "auth", message: "", sinceMs: 0, untilMs: 1 };
  await expect(erased?.pause({ remote: NAME, tenant: tenants[0] }, "*", pause)).rejects.toThrow(TenantErased);
  await other?.pause({ remote: NAME, tenant: tenants[1] }, "*", pause);
  expect(await store.pauses({ remote: NAME, tenant: tenants[0] })).toEqual([]);
  expect(await store.pauses({ remote: NAME, tenant: tenants[1] })).toHaveLength(1);
});

test("the only process recovers what the one before left, once, and again what it gave up itself", async () => {
  const only = createSoleOwner();
  const recover = jest.fn(() => Promise.resolve());
  const leases = await Promise.all([only.take(NAME, recover), only.take(NAME, recover), only.take("another", recover)]);
  expect(recover).toHaveBeenCalledTimes(2);
  leases[0]?.abandon();
  await expect(only.take(NAME, () => Promise.reject(new Error("The disk is full.")))).rejects.toThrow("full");
  expect((await only.take(NAME, recover))?.mayStart()).toBe(true);
  expect(recover).toHaveBeenCalledTimes(3);
});
