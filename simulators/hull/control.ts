import { isObject, type Reply } from "../loopback/call";
import { controlFaultsAndBooks } from "../loopback/control";
import type { Arrival } from "../loopback/server";
import type { SendOptions } from "./sender";
import type { HullSimulator } from "./face";

interface SendOrder extends SendOptions {
  readonly targetUrl: string;
}

const isSendOrder = (value: unknown): value is SendOrder =>
  isObject(value) &&
  typeof value["targetUrl"] === "string" &&
  typeof value["connectorId"] === "string" &&
  typeof value["channel"] === "string" &&
  Array.isArray(value["messages"]);

/** Control calls of the Hull simulator: books, faults, reset, snapshot, and `POST send`. */
export async function controlHull(simulator: HullSimulator, arrival: Arrival): Promise<Reply | undefined> {
  switch (`${arrival.method} ${arrival.path}`) {
    case "GET /__sim/snapshot":
      return { status: 200, body: simulator.profiles.snapshot() };
    case "POST /__sim/send":
      if (!isSendOrder(arrival.body)) {
        return { status: 400, body: { error: "targetUrl, connectorId, channel and messages are needed." } };
      }
      return { status: 200, body: await simulator.send(arrival.body.targetUrl, arrival.body) };
    default:
      return controlFaultsAndBooks(simulator, arrival);
  }
}
