/** The stage on which the defects of the earlier connector are looked for: Ann of Acme, and what was asked of Planhat. */
import { buildAccountMessage, buildUserMessage, type Channel, type SendReport } from "../../simulators/hull";
import type { Call } from "../../simulators/loopback";
import { CONNECTOR, openHouse, type House, type HouseOptions } from "../harness";
import { seedHull, type Bag } from "../scenarios/states";

const START = Date.UTC(2026, 0, 1);

/** The instant of a message, minutes after the first one. */
export const minute = (minutes: number): string => new Date(START + minutes * 60_000).toISOString();

export const ACME: Bag = {
  id: "5d2602890f6b110873016101",
  external_id: "acme",
  name: "Acme",
  domain: "acme.example",
  indexed_at: minute(0),
};

export const ANN: Bag = {
  id: "5d25f6ce0f6b1168e1015801",
  external_id: "ann",
  email: "ann+test@acme.example",
  name: "Ann Miller",
  indexed_at: minute(0),
};

type Parts = Parameters<typeof buildUserMessage>[1];

export const userMessage = (more: Bag = {}, account: Bag = ACME, parts: Parts = {}): unknown =>
  buildUserMessage({ ...ANN, ...more }, { account, ...parts });

export const accountMessage = (more: Bag = {}, parts: Parts = {}): unknown =>
  buildAccountMessage({ ...ACME, ...more }, parts);

export interface Stage extends House {
  /** Calls that reached Planhat, in order, answers of faults included. */
  readonly calls: readonly Call[];
  send(channel: Channel, messages: readonly unknown[], isExport?: boolean): Promise<SendReport>;
  /** Sends and waits until nothing waits any more. */
  deliver(channel: Channel, messages: readonly unknown[], isExport?: boolean): Promise<void>;
  /** What Hull says when the connector's settings were saved. */
  tellOfSettings(): Promise<void>;
}

export async function openStage(options: HouseOptions = {}): Promise<Stage> {
  const house = await openHouse(options);
  const calls: Call[] = [];
  house.planhat.on("answered", (call) => void calls.push(call));
  const send: Stage["send"] = (channel, messages, isExport = false) => {
    seedHull(house, messages);
    return house.hull.send(house.url, {
      connectorId: CONNECTOR.id,
      channel,
      messages,
      isExport,
      shipmentSize: Math.max(1, messages.length),
      maxAttempts: 1,
    });
  };
  return Object.assign(Object.create(house) as House, {
    calls,
    send,
    deliver: async (channel: Channel, messages: readonly unknown[], isExport?: boolean) => {
      const report = await send(channel, messages, isExport);
      expect(report.messagesAccepted).toBe(messages.length);
      await house.settled();
    },
    tellOfSettings: async () => {
      const options = { connectorId: CONNECTOR.id, channel: "ship:update", messages: [] } as const;
      expect((await house.hull.sendOne(house.url, options)).status).toBe(200);
    },
  });
}

/** The reasons that were logged about records. */
export function reasons(stage: House): readonly string[] {
  return stage.logs
    .filter(({ message }) => message.startsWith("outgoing."))
    .map(({ data }) => String(data?.["reason"]));
}
