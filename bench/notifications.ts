/** Notifications ready to be posted: signed, and each with its own ids, so that none is taken for a repetition. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ConnectorObject, Message } from "../simulators/hull";
import { buildEnvelope } from "../simulators/hull/envelope";
import { createSigner } from "../simulators/hull/signing";
import type { Simulators } from "./processes";

export interface Notification {
  readonly headers: Readonly<Record<string, string>>;
  readonly messages: number;
  /** Made when it is posted: hundreds of them need not be in memory at once. */
  body(): Buffer;
}

export interface NotificationOptions {
  readonly isExport?: boolean;
  /** Another one than the simulators' first. */
  readonly connector?: ConnectorObject;
}

/** A shipment of messages that can be sent any number of times, as new messages each time. */
export type Shipment = () => Notification;

export interface Post {
  shipment(messages: readonly Message[], options?: NotificationOptions): Shipment;
  close(): void;
}

const ID_LENGTH = 32;
let issued = 0;

/** Hull sends an entity because it was indexed again: every message is newer than the one before. */
const INDEXED_AT = '"indexed_at":"';

function placesOf(template: Buffer, text: string): readonly number[] {
  const places: number[] = [];
  for (let at = template.indexOf(text); at >= 0; at = template.indexOf(text, at + 1)) places.push(at + text.length);
  return places;
}

const newId = (): string => (issued += 1).toString(16).padStart(ID_LENGTH, "0");

/** Signs notifications of the simulated organization, and publishes the key to them. */
export async function openPost({ connector: first, organization }: Simulators): Promise<Post> {
  const signer = createSigner();
  const keyServer = createServer((_request, response) => response.end(signer.publicKey)).listen(0, "127.0.0.1");
  await once(keyServer, "listening");
  const keyUrl = `http://127.0.0.1:${(keyServer.address() as AddressInfo).port}/signing-key.pem`;
  return {
    shipment: (messages, { isExport = false, connector = first } = {}) => {
      const envelope = buildEnvelope({
        connector,
        organization,
        channel: "user:update",
        messages: messages.map((message) => ({ ...message, message_id: newId() })),
        isExport,
        notificationId: newId(),
        segments: [],
        accountsSegments: [],
        retries: 0,
        flow: undefined,
      });
      const template = Buffer.from(JSON.stringify(envelope));
      const places = [envelope.notification_id, ...envelope.messages.map((each) => (each as Message).message_id)].map(
        (id) => template.indexOf(id),
      );
      const times = placesOf(template, INDEXED_AT);
      return () => {
        const ids = places.map(newId);
        return {
          messages: messages.length,
          headers: {
            "content-type": "application/json",
            "content-length": String(template.length),
            "x-hull-smart-notifier": "true",
            "x-hull-smart-notifier-signature-version": "v1",
            "x-hull-smart-notifier-signature": signer.sign(ids[0] ?? ""),
            "x-hull-smart-notifier-signature-public-key-url": keyUrl,
          },
          body: () => {
            const body = Buffer.from(template);
            places.forEach((place, index) => body.write(ids[index] ?? "", place, "latin1"));
            const now = new Date().toISOString();
            for (const place of times) body.write(now, place, "latin1");
            return body;
          },
        };
      };
    },
    close: () => {
      keyServer.close();
      keyServer.closeAllConnections();
    },
  };
}
