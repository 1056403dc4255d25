/** The delivery worker logs what ends, for the connector whose message it was. */
import { createSoleOwner } from "../../../src/coordination/leases";
import { createOwnership } from "../../../src/engine/ownership";
import { createOwnJobs } from "../../../src/coordination/own-jobs";
import { createDeliveryWorker, type DeliveryWorkerOptions } from "../../../src/engine/delivery/worker";
import type { LogLine } from "../../../src/outcome/log-lines";
import { createSeal } from "../../../src/storage/port/seal";
import { endingOf, LANE, NEIGHBOUR, skip, update } from "../storage/builders";
import { setUpStore } from "../storage/fixture";
import { createFakeService, type FakeSettings } from "./fake-service";

const { accept, start, store } = setUpStore("memory");
const lines: LogLine[] = [];
const unused = (): never => {
  throw new Error("Nothing is delivered here.");
};
const worker = (): ReturnType<typeof createDeliveryWorker> =>
  createDeliveryWorker<FakeSettings>({
    store,
    service: createFakeService(),
    seal: createSeal("seal secret of some length"),
    tenants: { load: unused } as unknown as DeliveryWorkerOptions<FakeSettings>["tenants"],
    firehose: unused,
    jobs: createOwnJobs({ now: Date.now, onError: unused }),
    ownership: createOwnership({ store, leases: createSoleOwner(), onLost: unused }),
    isWritable: () => true,
    log: (line) => lines.push(line),
    now: Date.now,
    timing: { settleMs: 0, scanTrustMs: 0 },
    pace: { retry: { baseMs: 1, capMs: 1, random: () => 0 }, debounceMs: 0, pollMs: 60_000, pauseMs: 1, batch: 1 },
    onError: unused,
  });
const said = (): unknown => lines.map(({ context, data }) => [context["id"], data["message_id"], data["code"]]);

beforeEach(() => (lines.length = 0));

it("what a restart ends is logged", async () => {
  await start(update({ id: "c1", version: 1 }), "create");
  await accept(skip({ id: "c2", version: 2 }));
  const started = worker();
  await started.start();
  started.close();
  expect(said()).toEqual([["c1", "c1", "newer_message"]]);
});

it("an outcome is logged for the connector whose message it was", () => {
  const outcome = endingOf("m1", "dead", "parent_rejected");
  worker().announce(
    [LANE, NEIGHBOUR].map(({ tenant }) => ({ tenant, type: "endusers", hullId: "e1", claims: {}, outcome })),
  );
  expect(said()).toEqual([
    ["c1", "m1", "parent_rejected"],
    ["c2", "m1", "parent_rejected"],
  ]);
});
