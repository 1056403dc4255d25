import { isObject } from "../loopback/call";
import { isoOf, type Clock } from "../loopback/clock";

export interface Segment {
  readonly id: string;
  readonly name: string;
  readonly type: "users_segment" | "accounts_segment";
  readonly created_at: string;
  readonly updated_at: string;
  readonly stats: Readonly<Record<string, unknown>>;
}

/** A connector as the API and the notifications show it (sheet 1.2). Further fields are kept as they are. */
export interface ConnectorObject {
  readonly id: string;
  secret: string;
  private_settings: Readonly<Record<string, unknown>>;
  status: Readonly<Record<string, unknown>>;
  updated_at: string;
  readonly [field: string]: unknown;
}

export interface ConnectorSeed {
  readonly id: string;
  readonly secret: string;
  readonly privateSettings?: Readonly<Record<string, unknown>>;
  readonly name?: string;
  /** Base URL of the connector service. */
  readonly sourceUrl?: string;
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** Whatever else should be known of it. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

export interface Connectors {
  readonly all: ReadonlyMap<string, ConnectorObject>;
  add(seed: ConnectorSeed, organization: string): ConnectorObject;
  remove(id: string): void;
  saveSettings(id: string, settings: Readonly<Record<string, unknown>>): void;
  rotateSecret(id: string, secret: string): void;
  saveStatus(id: string, status: unknown): void;
}

/** Creates an empty list of installed connectors. */
export function createConnectors(clock: Clock): Connectors {
  const all = new Map<string, ConnectorObject>();
  const known = (id: string): ConnectorObject => {
    const connector = all.get(id);
    if (connector === undefined) throw new Error(`There is no connector ${id}.`);
    return connector;
  };

  return {
    all,
    add(seed, organization) {
      const at = isoOf(clock.now());
      const sourceUrl = seed.sourceUrl ?? "https://planhat.connector.example.com/";
      const name = seed.name ?? "planhat.connector.example.com";
      const connector: ConnectorObject = {
        id: seed.id,
        name,
        type: "ship",
        secret: seed.secret,
        private_settings: { ...seed.privateSettings },
        settings: {},
        manifest: { ...seed.manifest },
        status: { name, id: seed.id, updated_at: at },
        tags: [],
        extra: { ...seed.extra },
        picture: null,
        source_url: sourceUrl,
        index: sourceUrl,
        manifest_url: new URL("manifest.json", sourceUrl).href,
        homepage_url: `https://${organization}/ships/${seed.id}`,
        manual_mode: false,
        transfer_exports: true,
        transfer_notifications: true,
        accept_incoming_webhooks: true,
        poll_scheduled_calls: true,
        created_at: at,
        updated_at: at,
      };
      all.set(seed.id, connector);
      return connector;
    },
    remove: (id) => void all.delete(id),
    saveSettings(id, settings) {
      const connector = known(id);
      connector.private_settings = { ...settings };
      connector.updated_at = isoOf(Math.max(clock.now(), Date.parse(connector.updated_at) + 1));
    },
    rotateSecret(id, secret) {
      known(id).secret = secret;
    },
    saveStatus(id, status) {
      const connector = known(id);
      const report = isObject(status) ? status : {};
      connector.status = { ...report, name: connector["name"], id, updated_at: isoOf(clock.now()) };
    },
  };
}
