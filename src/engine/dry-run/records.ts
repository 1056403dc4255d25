/**
 * What would become of a notification: it is taken in and delivered by the very code that does it for real, on a store
 * whose writes are discarded, with a service and a Hull to which nothing is written. Only its own records move; what
 * else waits in the lane is left alone. What is only read is read for real.
 */
import type { Service } from "../../services/service";
import type { EntryRow, Outcome, HullUpdateRow, RecordName } from "../../storage/port/rows";
import type { Seal } from "../../storage/port/seal";
import type { Lane, RecordOutcome, Store } from "../../storage/port/store";
import { createIntake, type Shipment } from "../intake/intake";
import type { RetryPace } from "../../http/retry";
import type { Timing } from "../delivery/resolve";
import { dryConnection, dryCycle, type DryWrite, type DryStore } from "./dry-run";
import type { Tenant, Tenants } from "../tenants";

export interface RecordDryRunOptions<S> {
  readonly service: Service<S>;
  readonly seal: Seal;
  readonly tenants: Pick<Tenants<S>, "connection">;
  /** @param now the clock of the dry run, milliseconds since 1970 */
  readonly dryRun: (now: () => number) => Promise<DryStore>;
  readonly now: () => number;
  readonly timing: Timing;
  readonly retry: RetryPace;
}

export interface DryRunResult {
  /** The outcome of a place's record for a message. */
  outcome(place: RecordName, messageId: string): Outcome | undefined;
  readonly writes: readonly DryWrite[];
  readonly hullUpdates: readonly HullUpdateRow[];
  /** Why something has no outcome, if so. */
  readonly problem?: string;
}

const MOST_ROUNDS = 60;
/** Waits are skipped by moving the dry run's clock forward, at most this often. */
const MOST_JUMPS = 8;
const BATCH = 5_000;

/** @param places the records of the notification, and their parents */
export async function dryRunRecords<S>(
  options: RecordDryRunOptions<S>,
  shipment: Shipment<S>,
  places: readonly RecordName[],
): Promise<DryRunResult> {
  let aheadMs = 0;
  const now = (): number => options.now() + aheadMs;
  const outcomes = new Map<string, Outcome>();
  const note = ({ type, hullId, outcome }: Omit<RecordOutcome, "tenant" | "claims">): void =>
    void outcomes.set(nameOf({ type, hullId }, outcome.messageId), outcome);
  const writes: DryWrite[] = [];
  const hullUpdates = new Map<number, HullUpdateRow>();
  let problem: string | undefined;

  const dryRun = await options.dryRun(now);
  try {
    const { service, seal } = options;
    const log = ({ ended }: { readonly ended?: Parameters<typeof note>[0] }): void => {
      if (ended !== undefined) note(ended);
    };
    await createIntake({ store: dryRun.store, service, seal, log, now, wake: () => undefined }).take(shipment);
    await deliver(shipment.tenant, dryRun.store);
  } finally {
    await dryRun.close();
  }
  return {
    outcome: (place, messageId) => outcomes.get(nameOf(place, messageId)),
    writes,
    hullUpdates: [...hullUpdates.values()],
    problem,
  };

  async function deliver(tenant: Tenant<S>, dryStore: Store): Promise<void> {
    const { service, seal, timing, retry } = options;
    const { settings, remote, key } = tenant;
    const live = options.tenants.connection(tenant);
    if (settings === undefined || remote === undefined || live === undefined) return;
    const lane = { remote, tenant: key };
    const onHullUpdate = (row: HullUpdateRow): void => void hullUpdates.set(row.seq, row);
    const store = narrowed(dryStore, lane, places, now, onHullUpdate);
    const connection = dryConnection(live, service, (write) => writes.push(write));
    const onOutcomes = (all: readonly RecordOutcome[]): void => all.forEach(note);
    const cycle = { store, service, seal, connection, settings, lane, timing, retry, batch: BATCH, now, onOutcomes };
    for (let round = 0, jumps = 0; round < MOST_ROUNDS; round += 1) {
      const result = await dryCycle(cycle);
      problem = result.problem ?? problem;
      if (result.worked) continue;
      const { entries, waitMs } = await waiting(store, lane);
      problem = entries.find((each) => each.problem !== undefined)?.problem ?? problem;
      if (waitMs === undefined || jumps === MOST_JUMPS) return;
      jumps += 1;
      aheadMs += waitMs;
    }
  }

  /** The remaining records, and how long until one of them is due. */
  async function waiting(store: Store, lane: Lane) {
    const known = await Promise.all(places.map(({ type, hullId }) => store.inspectRecord(lane, type, hullId)));
    const entries = known.flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
    const times = [...entries.filter(isWorkable), ...known.flatMap(({ hullUpdate }) => hullUpdate ?? [])];
    const due = Math.min(...times.map(({ notBeforeMs }) => notBeforeMs));
    return { entries, waitMs: Number.isFinite(due) ? Math.max(1, due - now()) : undefined };
  }
}

/** A store in which only the records of the dry run wait. @param onHullUpdate called with what Hull is to be told */
function narrowed(
  store: Store,
  lane: Lane,
  places: readonly RecordName[],
  now: () => number,
  onHullUpdate: (row: HullUpdateRow) => void,
): Store {
  const inspected = (of: readonly RecordName[]) =>
    Promise.all(of.map(({ type, hullId }) => store.inspectRecord(lane, type, hullId)));
  return {
    ...store,
    ready: async (_lane, type) => {
      const known = await inspected(places.filter((place) => place.type === type));
      return known.flatMap(({ entry }) =>
        entry !== undefined && isWorkable(entry) && entry.notBeforeMs <= now() ? [entry] : [],
      );
    },
    hullUpdates: async () => {
      const known = await inspected(places);
      const updates = known.flatMap(({ hullUpdate }) => hullUpdate ?? []);
      const due = updates.filter(({ notBeforeMs }) => notBeforeMs <= now());
      due.forEach(onHullUpdate);
      return due;
    },
  };
}

function isWorkable({ content, attempt, blockedOn }: EntryRow): boolean {
  return content !== undefined && attempt === undefined && blockedOn === undefined;
}

function nameOf({ type, hullId }: RecordName, messageId: string): string {
  return JSON.stringify([type, hullId, messageId]);
}
