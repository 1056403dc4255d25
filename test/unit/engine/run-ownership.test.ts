/** A run is written by its owner alone, and for nobody who was erased. */
import { createLeases, type Leases } from "../../../src/coordination/leases";
import { createOwnJobs, type OwnJobs } from "../../../src/coordination/own-jobs";
import { createIntake } from "../../../src/engine/intake/intake";
import { createOwnership } from "../../../src/engine/ownership";
import { createRuns, type RunsOptions } from "../../../src/engine/runs/runs";
import type { ExtractRow } from "../../../src/hull/extract/extract";
import { createSeal } from "../../../src/storage/port/seal";
import type { Tenant } from "../../../src/engine/tenants";
import { LANE, tenantRow } from "../storage/builders";
import { setUpStore } from "../storage/fixture";
import { createFakeService, type FakeSettings } from "./fake-service";

const { store } = setUpStore("memory");
const service = createFakeService();
const seal = createSeal("seal secret of some length");
const settings = { token: "t", host: "one" };
const tenant: Tenant<FakeSettings> = {
  key: LANE.tenant,
  credentials: { organization: "org", id: "c1", secret: "s" },
  problems: [],
  settings,
  target: service.target(settings),
  fingerprint: service.target(settings)?.fingerprint,
  remote: LANE.remote,
};

let leases: Leases;
let jobs: OwnJobs;
let errors: unknown[];
let lost: string[];

beforeEach(async () => {
  [errors, lost] = [[], []];
  const onError = (error: unknown): void => void errors.push(error);
  leases = createLeases({ store, leaseMs: 60_000, requestMs: 1, onError });
  jobs = createOwnJobs({ now: Date.now, onError: (_, error) => onError(error) });
  await store.saveTenant(tenantRow());
  await store.assign(LANE.tenant, LANE.remote, tenant.fingerprint ?? "");
});
afterEach(async () => {
  await jobs.close();
  await leases.close();
});

/** Carries out a batch of one account, and does something between the download and the acceptance. */
async function carryOut(meanwhile: () => Promise<unknown>): Promise<void> {
  const unused = (): never => {
    throw new Error("A batch needs none.");
  };
  async function* rows(): AsyncGenerator<readonly ExtractRow[]> {
    await meanwhile();
    yield [{ index: 0, bytes: 1, row: { ok: true, value: { id: "a1", external_id: "acme", name: "Acme" } } }];
  }
  const runs = createRuns<FakeSettings>({
    store,
    service,
    seal,
    jobs,
    ownership: createOwnership({ store, leases, onLost: (name) => lost.push(name) }),
    tenants: { load: () => Promise.resolve(tenant) } as unknown as RunsOptions<FakeSettings>["tenants"],
    intake: (log, there) => createIntake({ store: there, service, seal, log, now: Date.now, wake: () => undefined }),
    reader: { rows },
    firehose: unused,
    verify: () => Promise.resolve("same"),
    dryRun: unused,
    hasRoom: () => true,
    wake: unused,
    announce: unused,
    log: () => undefined,
    now: Date.now,
    retry: { baseMs: 1, capMs: 1 },
    timing: { settleMs: 0, scanTrustMs: 0 },
    maxWaiting: 100,
    pollMs: 60_000,
    onError: (error) => errors.push(error),
  });
  jobs.start();
  const run = await runs.batch(tenant, { url: "", format: "json", entity: "account", segmentIds: [] }, {});
  await jobs.run(["run", run.id]);
  runs.close();
}

const waiting = async (): Promise<number> => (await store.depth(LANE)).outbox;

test("its owner takes its rows in", async () => {
  await carryOut(() => Promise.resolve());
  expect([await waiting(), errors, lost]).toEqual([1, [], []]);
});

test("rows of a connector that was erased meanwhile are not taken in, and that is no fault", async () => {
  await carryOut(() => store.forgetTenant(LANE.tenant));
  expect([await waiting(), await store.lanes(), errors]).toEqual([0, [], []]);
});

test("who is the owner no more takes nothing in", async () => {
  await carryOut(async () => {
    const [run] = await store.openRuns();
    const name = `run/${run?.id}`;
    expect(await store.takeLease({ name, id: "another" }, await store.lease(name))).toBe(true);
  });
  expect([await waiting(), errors]).toEqual([0, []]);
  expect(lost).toEqual([expect.stringMatching(/^run\//)]);
});
