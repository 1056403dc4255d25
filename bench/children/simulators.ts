/** Hull and Planhat, simulated in a process of their own. */
import { createHullSimulator, type ConnectorObject } from "../../simulators/hull";
import { createPlanhatSimulator } from "../../simulators/planhat";

const CONNECTOR = { id: "5f00000000000000000000be", secret: "bench-connector-secret" };
const TOKEN = "bench-planhat-token";

/** Every user and account with the needed keys is sent, and nothing slows the connector down but Planhat itself. */
const SETTINGS = {
  personal_acccess_token: TOKEN,
  api_prefix: "api",
  contact_synchronized_segments: ["ALL"],
  account_synchronized_segments: ["ALL"],
  contact_attributes_outbound: [
    { hull_field_name: "name", service_field_name: "name" },
    { hull_field_name: "email", service_field_name: "email" },
    { hull_field_name: "external_id", service_field_name: "externalId" },
    { hull_field_name: "traits_position", service_field_name: "position" },
  ],
  account_attributes_outbound: [{ hull_field_name: "name", service_field_name: "name" }],
  requests_per_minute: 1_000_000,
};

export interface Ready {
  readonly planhatUrl: string;
  readonly firehoseUrl: string;
  readonly organization: string;
  readonly connector: ConnectorObject;
}

/** What the parent may ask for while it runs. */
export interface Order {
  /** Milliseconds that every answer of Planhat takes. */
  readonly latencyMs?: number;
  /** Planhat answers 429 to everything. */
  readonly busy?: boolean;
}

/** What Planhat holds after an order was carried out. */
export interface Holding {
  readonly created: number;
  readonly updated: number;
  readonly noOpWrites: number;
  readonly calls: number;
}

async function main(): Promise<void> {
  const planhat = createPlanhatSimulator({ token: TOKEN, quotaPerMinute: null });
  const hull = createHullSimulator();
  await Promise.all([planhat.listen(), hull.listen()]);
  hull.addConnector({ ...CONNECTOR, privateSettings: SETTINGS });

  process.on("message", ({ latencyMs, busy }: Order) => {
    if (latencyMs !== undefined || busy !== undefined) planhat.faults.clear();
    if (latencyMs !== undefined) planhat.faults.add({ kind: "latency", min: latencyMs, max: latencyMs });
    if (busy === true) planhat.faults.add({ kind: "rate-limit" });
    const { created, updated, noOpWrites, calls } = planhat.books.snapshot();
    const holding: Holding = { created: created.endusers, updated: updated.endusers, noOpWrites, calls };
    process.send?.(holding);
  });
  const ready: Ready = {
    planhatUrl: planhat.url,
    firehoseUrl: hull.firehoseUrl,
    organization: hull.host,
    connector: hull.connector(CONNECTOR.id),
  };
  process.send?.(ready);
}

process.once("disconnect", () => process.exit());
void main();
