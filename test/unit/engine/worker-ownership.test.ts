/** What a worker leaves to its successor, when it loses a remote in the middle of a cycle. */
import { createLeases, type Leases } from "../../../src/coordination/leases";
import { createOwnJobs, type OwnJobs } from "../../../src/coordination/own-jobs";
import { deliverType } from "../../../src/engine/delivery/cycle";
import type { Timing } from "../../../src/engine/delivery/resolve";
import { createDeliveryWorker, type DeliveryWorkerOptions, type Pace } from "../../../src/engine/delivery/worker";
import { createOwnership } from "../../../src/engine/ownership";
import type { Connection } from "../../../src/services/connection";
import { FenceLost } from "../../../src/storage/port/leases";
import type { RecordName } from "../../../src/storage/port/rows";
import { createSeal } from "../../../src/storage/port/seal";
import { LANE, tenantRow, update, userUpdate } from "../storage/builders";
import { setUpStore } from "../storage/fixture";
import { createFakeService, fakeConnection, readBack, type FakeSettings } from "./fake-service";

const { accept, store, write } = setUpStore("memory");
const service = createFakeService();
const seal = createSeal("seal secret of some length");
const settings: FakeSettings = { host: "one", token: "t" };
const timing: Timing = { settleMs: 0, scanTrustMs: 0 };
const retry: Pace["retry"] = { baseMs: 1, capMs: 1, random: () => 0 };

let leases: Leases;
let jobs: OwnJobs;
let errors: unknown[];

beforeEach(async () => {
  errors = [];
  const onError = (error: unknown): void => void errors.push(error);
  leases = createLeases({ store, leaseMs: 60_000, requestMs: 1, onError });
  jobs = createOwnJobs({ now: Date.now, onError: (_, error) => onError(error) });
  await store.saveTenant(tenantRow());
});
afterEach(async () => {
  await jobs.close();
  await leases.close();
});

async function work(connection: Partial<Connection>): Promise<void> {
  const { key, ...row } = tenantRow();
  const target = service.target(settings);
  const tenant = { ...row, key, remote: LANE.remote, settings, target, fingerprint: target?.fingerprint };
  const tenants = {
    load: () => Promise.resolve({ ...tenant, credentials: { organization: "org", id: "c1", secret: "s" } }),
    connection: () => fakeConnection(connection),
  };
  const worker = createDeliveryWorker<FakeSettings>({
    store,
    service,
    seal,
    timing,
    jobs,
    tenants: tenants as unknown as DeliveryWorkerOptions<FakeSettings>["tenants"],
    firehose: () => ({ send: () => Promise.resolve([]), close: () => undefined }),
    ownership: createOwnership({ store, leases, onLost: () => undefined }),
    isWritable: () => true,
    log: () => undefined,
    now: Date.now,
    pace: { retry, debounceMs: 0, pollMs: 60_000, pauseMs: 1, batch: 9 },
    onError: (error) => errors.push(error),
  });
  jobs.start();
  await jobs.run(["deliver", LANE.remote]);
  worker.close();
}

test("does not pause it for others because it may send nothing any more", async () => {
  await accept(update());
  const problem = { scope: "type", kind: "transient", message: "It may not be sent.", waitMs: 60_000 } as const;
  await work({
    find: async () => {
      (await leases.take(LANE.remote))?.abandon();
      return { records: [], exhaustive: [false], problem };
    },
  });
  expect([await store.pauses(LANE), errors]).toEqual([[], []]);
});

test("says of everything that it wrote that it did, also where it read a parent after that", async () => {
  await write(update({ id: "c1" }));
  await accept(userUpdate({ parent: "a1" }));
  const lease = await leases.take(LANE.remote);
  if (lease?.fence === undefined) throw new Error("It is free.");
  const said: RecordName[] = [];
  const delivering = deliverType(
    {
      store: store.under(lease),
      recheck: (records) => Promise.resolve(void said.push(...records)),
      service,
      seal,
      settings,
      timing,
      retry,
      lane: LANE,
      batch: 9,
      now: Date.now,
      onOutcomes: () => undefined,
      connection: fakeConnection({
        find: () => Promise.resolve({ records: [], exhaustive: [true] }),
        prepare: (_, records) => Promise.resolve(records.map(({ fields }) => ({ kind: "ready", fields }))),
        apply: () => Promise.resolve({ results: [{ kind: "rejected", status: 422, message: "There is no company." }] }),
        read: async (_, [parent]) => {
          await store.takeLease({ name: LANE.remote, id: "another" }, await store.lease(LANE.remote));
          return readBack({ gone: [parent?.id ?? ""] });
        },
      }),
    },
    "endusers",
  );
  await expect(delivering).rejects.toThrow(FenceLost);
  expect(said).toContainEqual(expect.objectContaining({ type: "endusers", hullId: "e1" }));
});
