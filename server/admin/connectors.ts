/** All connectors of this server: how they are doing, and how one is erased. */
import { setImmediate } from "node:timers/promises";
import type { ConnectorHealth } from "../../src/engine/status/health";
import type { FindingLevel } from "../../src/services/connection";
import type { PauseRow, TenantRow } from "../../src/storage/port/rows";
import type { Store } from "../../src/storage/port/store";

/** How a connector is doing, as far as this is known without asking its service. */
export interface ConnectorOverview {
  /** Key of the tenant. */
  readonly tenant: string;
  /** How people call the service. */
  readonly service: string;
  readonly organization: string;
  readonly connectorId: string;
  /** When Hull saved the settings, milliseconds since 1970; 0 if that is not known. */
  readonly settingsAtMs: number;
  readonly remote?: string | undefined;
  /** Absent while no server runs, which alone can read the settings. */
  readonly health?: ConnectorHealth | undefined;
  readonly outbox: number;
  readonly hullUpdates: number;
  /** When the entry that has waited longest was accepted, milliseconds since 1970. */
  readonly oldestAtMs?: number | undefined;
  readonly deadLetters: number;
  /** There may be more than were counted. */
  readonly moreDeadLetters: boolean;
  /** Those in force. */
  readonly pauses: readonly PauseRow[];
}

export interface Connectors {
  /** The ones in trouble first. */
  list(): Promise<readonly ConnectorOverview[]>;
  /** Erases everything that is stored for a tenant; returns how many rows, 0 when it is not known. */
  forget(tenant: string): Promise<number>;
}

export interface ConnectorsOptions {
  readonly store: Pick<Store, "tenants" | "laneHealth" | "pauses">;
  /** How people call a tenant's service. */
  readonly titleOf: (tenant: string) => string;
  /** What is known of a connector without asking its service; absent while no server runs. */
  readonly health?: (tenant: string) => Promise<ConnectorHealth | undefined>;
  readonly forget: Connectors["forget"];
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const NOTHING = { outbox: 0, hullUpdates: 0, deadLetters: {}, moreDeadLetters: false, oldestAtMs: undefined };

export function createConnectors({ store, titleOf, health, forget, now }: ConnectorsOptions): Connectors {
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
      deadLetters: Object.values(deadLetters).reduce((sum, count) => sum + count, 0),
      pauses: pauses.filter(({ untilMs }) => untilMs > nowMs),
    };
  }

  return {
    forget,
    list: async () => {
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
