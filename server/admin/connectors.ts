/** All connectors of this server: how they are doing, and how one is erased. */
import { setImmediate } from "node:timers/promises";
import sum from "lodash/sum";
import type { ConnectorHealth } from "../../src/engine/status/health";
import type { FindingLevel } from "../../src/services/connection";
import type { PauseRow, TenantRow } from "../../src/storage/port/rows";
import type { LaneHealth, Store } from "../../src/storage/port/store";

/** How a connector is doing, as far as this is known without asking its service. */
export interface ConnectorOverview
  extends
    Pick<TenantRow, "organization" | "connectorId" | "settingsAtMs" | "remote">,
    Pick<LaneHealth, "outbox" | "hullUpdates" | "oldestAtMs" | "moreDeadLetters"> {
  /** Key of the tenant. */
  readonly tenant: string;
  /** How people call the service. */
  readonly service: string;
  /** Absent while no server runs, which alone can read the settings. */
  readonly health?: ConnectorHealth;
  readonly deadLetters: number;
  /** Those in force. */
  readonly pauses: readonly PauseRow[];
}

export type Connectors = ReturnType<typeof createConnectors>;

export interface ConnectorsOptions {
  readonly store: Pick<Store, "tenants" | "laneHealth" | "pauses">;
  /** How people call a tenant's service. */
  readonly titleOf: (tenant: string) => string;
  /** What is known of a connector without asking its service; absent while no server runs. */
  readonly health?: (tenant: string) => Promise<ConnectorHealth | undefined>;
  /** Erases everything that is stored for a tenant; returns how many rows, 0 when it is not known. */
  readonly forget: (tenant: string) => Promise<number>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const NOTHING = { outbox: 0, hullUpdates: 0, deadLetters: {}, moreDeadLetters: false, oldestAtMs: undefined };

export function createConnectors({ store, titleOf, health, forget, now }: ConnectorsOptions) {
  async function healthOf(tenant: string): Promise<ConnectorHealth | undefined> {
    try {
      return await health?.(tenant);
    } catch (error) {
      // Such as settings that were encrypted with another SECRET: the others are shown all the same.
      const text = error instanceof Error ? error.message : String(error);
      return { status: "error", messages: [{ level: "error", text }] };
    }
  }

  async function overview(row: TenantRow): Promise<ConnectorOverview> {
    const { key: tenant, organization, connectorId, settingsAtMs, remote } = row;
    const lane = remote === undefined ? undefined : { remote, tenant };
    const { deadLetters, moreDeadLetters, outbox, hullUpdates, oldestAtMs } =
      lane === undefined ? NOTHING : await store.laneHealth(lane, []);
    const pauses = lane === undefined ? [] : await store.pauses(lane);
    const nowMs = now();
    return {
      ...{ tenant, service: titleOf(tenant), organization, connectorId, settingsAtMs, remote },
      ...{ outbox, hullUpdates, oldestAtMs, moreDeadLetters },
      health: await healthOf(tenant),
      deadLetters: sum(Object.values(deadLetters)),
      pauses: pauses.filter(({ untilMs }) => untilMs > nowMs),
    };
  }

  return {
    forget,
    /** The ones in trouble first. */
    list: async (): Promise<readonly ConnectorOverview[]> => {
      const overviews: ConnectorOverview[] = [];
      for (const row of await store.tenants()) {
        overviews.push(await overview(row));
        // There may be many, and others are served in between.
        await setImmediate();
      }
      return overviews.sort(byTrouble);
    },
  };
}

/** A connector that was never set up can wait; one that stands still cannot. */
const URGENCY: readonly FindingLevel[] = ["error", "warning", "setupRequired", "ok"];

function byTrouble(left: ConnectorOverview, right: ConnectorOverview): number {
  const urgency = ({ health, pauses }: ConnectorOverview): number => {
    const level = URGENCY.indexOf(health?.status ?? "ok");
    return pauses.length > 0 ? Math.min(level, 0.5) : level;
  };
  return (
    urgency(left) - urgency(right) ||
    right.deadLetters - left.deadLetters ||
    (left.oldestAtMs ?? Infinity) - (right.oldestAtMs ?? Infinity) ||
    (left.tenant < right.tenant ? -1 : 1)
  );
}
