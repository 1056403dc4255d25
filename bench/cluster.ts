/** A connector with its people between simulators, and what is done with them again and again. */
import { setTimeout as sleep } from "node:timers/promises";
import { post, type Load } from "./load";
import { openPost, type Notification, type NotificationOptions, type Shipment } from "./notifications";
import { createPeople, messageOf, type MessageOptions } from "./people";
import { cpuSeconds } from "./proc";
import { newFolder, startConnector, startSimulators, type Running, type Simulators } from "./processes";
import { countsOf, drained, type Counts } from "./watch";

/** Users per notification: the size of Hull's shipments. */
export const SHIPMENT = 100;
/** Connections on which Hull is imagined to post. */
export const CONNECTIONS = 8;

export interface ClusterOptions {
  readonly users: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly profiles: string | undefined;
}

export interface Cluster {
  readonly simulators: Simulators;
  /** The process that runs at the moment. */
  readonly connector: Running;
  /** Everybody, as he is in a round. */
  shipments(message: MessageOptions, notification?: NotificationOptions): readonly Shipment[];
  /** Everybody as he is in a round, delivered and told. */
  deliver(message: MessageOptions): Promise<void>;
  /** The outcomes, once there are at least `atLeast` of them: they are counted a moment after they are stored. */
  outcomes(atLeast: number): Promise<Counts["outcomes"]>;
  /** Ends the connector's process in order and starts another one on the same data. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

const DRAIN_WITHIN_MS = 120_000;
const COUNT_WITHIN_MS = 5_000;

export async function openCluster({ users, environment = {}, profiles }: ClusterOptions): Promise<Cluster> {
  const folder = newFolder();
  const simulators = await startSimulators();
  const sender = await openPost(simulators);
  const people = createPeople(users, 1);
  const start = (): Promise<Running> => startConnector({ simulators, folder: folder.path, environment, profiles });
  let connector: Running | undefined;
  const close = async (): Promise<void> => {
    await connector?.stop();
    await simulators.stop();
    sender.close();
    folder.remove();
  };
  let current: Running;
  try {
    current = connector = await start();
  } catch (error) {
    await close();
    throw error;
  }

  const shipments: Cluster["shipments"] = (message, notification) => {
    const messages = people.users.map((user) => messageOf(people, user, message));
    return Array.from({ length: Math.ceil(users / SHIPMENT) }, (_, index) =>
      sender.shipment(messages.slice(index * SHIPMENT, (index + 1) * SHIPMENT), notification),
    );
  };

  return {
    simulators,
    get connector() {
      return current;
    },
    shipments,
    deliver: async (message) => {
      const notifications = shipments(message).map((fill) => fill());
      await post(current.url, notifications, CONNECTIONS);
      await drained(current.url, DRAIN_WITHIN_MS);
    },
    outcomes: async (atLeast) => {
      const began = performance.now();
      for (;;) {
        const { outcomes } = await countsOf(current.url);
        const all = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
        if (all >= atLeast || performance.now() - began > COUNT_WITHIN_MS) return outcomes;
        await sleep(50);
      }
    },
    restart: async () => {
      await current.stop();
      current = connector = await start();
    },
    close,
  };
}

export interface Worked extends Load {
  /** CPU time that the process took per 1,000 messages, in seconds. */
  readonly cpuSecondsPer1000: number;
}

/** Posts to a process and takes the CPU time that this costs it; with `until`, up to the end of what follows from it. */
export async function postAndMeasure(
  { url, pid }: Running,
  notifications: readonly Notification[],
  until: () => Promise<void> = () => Promise.resolve(),
): Promise<Worked> {
  const messages = notifications.reduce((sum, each) => sum + each.messages, 0);
  const before = cpuSeconds(pid);
  const began = performance.now();
  const load = await post(url, notifications, CONNECTIONS);
  await until();
  const elapsedMs = performance.now() - began;
  return { ...load, elapsedMs, cpuSecondsPer1000: ((cpuSeconds(pid) - before) / messages) * 1_000 };
}

/** As many notifications as wanted, the shipments taken in turns. */
export function inTurns(shipments: readonly Shipment[], count: number): Notification[] {
  return Array.from({ length: count }, (_, index) => {
    const fill = shipments[index % shipments.length];
    if (fill === undefined) throw new RangeError("There is nothing to send.");
    return fill();
  });
}
