/** Real notifications of Hull, as recorded in the repository, on their way through the demo. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Attributes, Channel } from "../../hull";
import { isObject } from "../../loopback/call";

export interface FixtureMessage {
  readonly user: Attributes;
  readonly account: Attributes;
}

export interface FixtureEnvelope {
  readonly channel: Channel;
  readonly notificationId: string;
  readonly messages: readonly FixtureMessage[];
  /** The envelope without what names another installation: its credentials and its connector. */
  readonly rest: Readonly<Record<string, unknown>>;
}

const FOLDER = join("test", "fixtures", "hull");

/**
 * Reads every file that is a whole notification; extracts and bare lists of messages are left out.
 *
 * @param root the repository's folder
 * @throws Error when there are none
 */
export function readFixtures(root: string): readonly FixtureEnvelope[] {
  const folder = join(root, FOLDER);
  const envelopes = filesOf(folder).flatMap((file) => {
    const body = JSON.parse(readFileSync(join(folder, file), "utf8")) as unknown;
    return isObject(body) ? (envelopeOf(body) ?? []) : [];
  });
  if (envelopes.length === 0)
    throw new Error(`There are no notifications in ${FOLDER}; start the demo in the repository.`);
  return envelopes;
}

function filesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .sort();
  } catch {
    return [];
  }
}

function envelopeOf(body: Readonly<Record<string, unknown>>): FixtureEnvelope | undefined {
  const { configuration: _configuration, connector: _connector, ...rest } = body;
  const { channel, notification_id: notificationId, messages } = rest;
  if (channel !== "user:update" && channel !== "account:update") return undefined;
  if (typeof notificationId !== "string" || !Array.isArray(messages)) return undefined;
  return { channel, notificationId, messages: messages.map(messageOf), rest };
}

function messageOf(message: unknown): FixtureMessage {
  const part = (name: "user" | "account"): Attributes => {
    const value = isObject(message) ? message[name] : undefined;
    return isObject(value) ? value : {};
  };
  return { user: part("user"), account: part("account") };
}
