/** What demo, tests and bench see of the simulator of Hull. */
import { type Faults } from "../loopback/faults";
import { type Hooks } from "../loopback/hooks";
import { type Books } from "./books";
import { type ConnectorObject, type ConnectorSeed, type Segment } from "./connectors";
import { type ExtractFile, type PublishedExtract } from "./extracts";
import type { FirehoseItem, TrackedEvent } from "./firehose";
import type { AccountMessage, MessageParts, UserMessage } from "./messages";
import { type Profile, type Profiles } from "./profiles";
import { type Sender } from "./sender";

export interface HullSimulator extends Sender {
  listen(port?: number): Promise<void>;
  close(): Promise<void>;
  readonly url: string;
  /** `127.0.0.1:PORT`, which is also the organization of every connector. */
  readonly host: string;
  readonly firehoseUrl: string;
  readonly signingKeyUrl: string;
  readonly faults: Faults;
  readonly on: Hooks["on"];
  readonly books: Pick<Books, "snapshot" | "reset">;
  readonly profiles: Profiles;
  /** Tracked events by event id. */
  readonly events: ReadonlyMap<string, TrackedEvent>;
  /** Those that are installed, by their ids, in the order in which they came. */
  readonly connectors: ReadonlyMap<string, ConnectorObject>;
  readonly segments: { readonly users: readonly Segment[]; readonly accounts: readonly Segment[] };
  /** The simulator must be listening, since the organization is its address. */
  addConnector(seed: ConnectorSeed): ConnectorObject;
  removeConnector(id: string): void;
  /** The stored connector, settings and last reported status included. Throws when unknown. */
  connector(id: string): ConnectorObject;
  /** Changes settings as a person in the dashboard would; moves `updated_at`. */
  saveSettings(id: string, privateSettings: Readonly<Record<string, unknown>>): ConnectorObject;
  /** From now on the connector has this secret and no other. */
  rotateSecret(id: string, secret: string): void;
  /** While disabled, every API and firehose call answers 402. */
  setOrganizationDisabled(disabled: boolean): void;
  addUserSegment(name: string, id?: string): Segment;
  addAccountSegment(name: string, id?: string): Segment;
  /** Refuses batches that hold a matching item. Answers the function that ends it. */
  refuse(matches: (item: FirehoseItem) => boolean, status?: number): () => void;
  /** Offers a file for `POST /batch` (sheet 4) and answers its URL. JSON = one object a line. */
  addExtract(body: string, format?: ExtractFile["format"]): string;
  /** The same for files of any size and packing; what it answers counts downloads and makes them fail. */
  publishExtract(file: ExtractFile): PublishedExtract;
  /** RS256 token with this id as `jti`. */
  sign(notificationId: string): string;
  /** A `user:update` message of a stored profile, with its account and segments. */
  userMessage(profile: Profile, parts?: MessageParts): UserMessage;
  accountMessage(profile: Profile, parts?: Omit<MessageParts, "account">): AccountMessage;
}
