/** A connector between simulators, with its people, and a bare Express beside it as the yardstick. */
import type { Population } from "../simulators/hull";
import { post } from "./load";
import { openPost, type NotificationOptions, type Post, type Shipment } from "./notifications";
import { createPeople, messageOf, type MessageOptions } from "./people";
import { newFolder, startConnector, startSimulators, type Running, type Simulators } from "./processes";
import { drained } from "./watch";

/** Users per notification: the size of Hull's shipments. */
export const SHIPMENT = 100;
/** Connections on which Hull is imagined to post. */
export const CONNECTIONS = 8;
const DRAIN_WITHIN_MS = 180_000;

export interface StageOptions {
  readonly users: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly profiles: string | undefined;
}

export interface Stage {
  readonly simulators: Simulators;
  readonly connector: Running;
  /** Everybody as he is in a round, in shipments. */
  shipments(message: MessageOptions, notification?: NotificationOptions): readonly Shipment[];
  /** Everybody delivered and told. */
  deliver(message: MessageOptions): Promise<void>;
  /** Ends the connector's process in order and starts another one on the same data. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function openStage({ users, environment, profiles }: StageOptions): Promise<Stage> {
  const folder = newFolder();
  const simulators = await startSimulators();
  const postOffice: Post = await openPost(simulators);
  const people: Population = createPeople(users, 1);
  const start = (): Promise<Running> =>
    startConnector({ simulators, folder: folder.path, profiles, ...(environment === undefined ? {} : { environment }) });
  let connector: Running | undefined;
  const close = async (): Promise<void> => {
    await connector?.stop();
    await simulators.stop();
    postOffice.close();
    folder.remove();
  };
  try {
    connector = await start();
  } catch (error) {
    await close();
    throw error;
  }
  let current = connector;

  const shipments: Stage["shipments"] = (message, notification) => {
    const messages = people.users.map((user) => messageOf(people, user, message));
    return Array.from({ length: Math.ceil(users / SHIPMENT) }, (_, index) =>
      postOffice.shipment(messages.slice(index * SHIPMENT, (index + 1) * SHIPMENT), notification),
    );
  };

  return {
    simulators,
    get connector() {
      return current;
    },
    shipments,
    deliver: async (message) => {
      const notifications = shipments(message).map((each) => each());
      await post(current.url, notifications, CONNECTIONS);
      await drained(current.url, DRAIN_WITHIN_MS);
    },
    restart: async () => {
      await current.stop();
      current = await start();
      connector = current;
    },
    close,
  };
}
