import type { ConnectorObject, Segment } from "./connectors";
import type { Message } from "./messages";

export type Channel =
  | "user:update"
  | "account:update"
  | "user:delete"
  | "ship:update"
  | "users_segment:update"
  | "users_segment:delete"
  | "accounts_segment:update"
  | "accounts_segment:delete";

/** How fast the connector wants to be served (sheet 2.1). `in` and `in_time` are milliseconds. */
export interface FlowControl {
  readonly type: "next" | "retry";
  readonly size?: number;
  readonly in?: number;
  readonly in_time?: number;
}

/** The body of a notification (sheet 1.2). */
export interface Envelope {
  readonly notification_id: string;
  readonly configuration: { readonly id: string; readonly organization: string; readonly secret: string };
  readonly channel: Channel;
  readonly connector: Readonly<Record<string, unknown>>;
  readonly segments: readonly Segment[];
  readonly accounts_segments: readonly Segment[];
  readonly messages: readonly unknown[];
  readonly is_export: boolean;
  readonly kraken: Readonly<Record<string, unknown>>;
}

export interface EnvelopeParts {
  readonly connector: ConnectorObject;
  readonly organization: string;
  readonly channel: Channel;
  readonly messages: readonly unknown[];
  readonly isExport: boolean;
  readonly notificationId: string;
  readonly segments: readonly Segment[];
  readonly accountsSegments: readonly Segment[];
  readonly retries: number;
  /** The flow control of the last answer, which the platform echoes. */
  readonly flow: FlowControl | undefined;
}

/** Builds the whole envelope, diagnostic echo included. */
export function buildEnvelope(parts: EnvelopeParts): Envelope {
  const { connector, messages, flow } = parts;
  const updateIds = messages.map((message) => (message as Partial<Message>).update_id).filter(Boolean);
  return {
    notification_id: parts.notificationId,
    configuration: { id: connector.id, organization: parts.organization, secret: connector.secret },
    channel: parts.channel,
    connector: structuredClone(connector),
    segments: parts.segments,
    accounts_segments: parts.accountsSegments,
    messages,
    is_export: parts.isExport,
    kraken: {
      retries: parts.retries,
      checkpoints: {
        "kraken.lane/commands": 0,
        "kraken.lane/accounts": 0,
        "kraken.lane/fast": 0,
        "kraken.lane/std": 0,
      },
      "flow-control": {
        type: flow?.type ?? "next",
        "max-messages": flow?.size ?? 100,
        "min-delay": flow?.in ?? 0,
        "max-delay": flow?.in_time ?? (flow === undefined ? 1_000 : 10_000),
        warning: null,
      },
      "estimated-optimal-shipment-size": messages.length,
      "update-ids": updateIds,
    },
  };
}
