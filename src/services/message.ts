/** One entity's update as services see it: normalised once, read by filter and mapping. */
import type { Reason } from "../outcome/outcome";
import type { Json } from "../record";

export type Attributes = Readonly<Record<string, Json>>;

export interface EntityMessage {
  readonly entity: "user" | "account";
  /** Hull id of the entity. */
  readonly id: string;
  readonly messageId: string;
  /** `indexed_at` in milliseconds since 1970. */
  readonly version: number;
  /** The version is the time of arrival: the same message gets another one next time. */
  readonly undated?: true;
  /** Warnings about the message itself, reported together with the outcome of its record. */
  readonly warnings?: readonly Reason[];
  /** The user as Hull sent it (`traits_` prefix and all); empty for account messages. */
  readonly user: Attributes;
  /** The account as Hull sent it; empty when the user has none. */
  readonly account: Attributes;
  readonly segmentIds: readonly string[];
  readonly accountSegmentIds: readonly string[];
  /** Names of the segments of the user and of the account; undefined where a message has their ids alone. */
  readonly segmentNames?: readonly string[];
  readonly accountSegmentNames?: readonly string[];
  /** Segments of the user (or account) that the message says were left. */
  readonly leftSegmentIds?: readonly string[];
  readonly changes: {
    readonly user: Readonly<Record<string, Json>>;
    readonly account: Readonly<Record<string, Json>>;
  };
  /** What the user did since the last notification, oldest first. */
  readonly events: readonly TrackedEvent[];
  readonly isExport: boolean;
}

export interface TrackedEvent {
  readonly id: string;
  readonly name: string;
  /** As Hull wrote it: read it with `parseInstant`. */
  readonly createdAt: unknown;
  readonly properties: Attributes;
}
