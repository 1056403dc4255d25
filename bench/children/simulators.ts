/** Hull and Planhat, simulated in a process of their own. */
import { createHullSimulator, type ConnectorObject } from "../../simulators/hull";
import { createPlanhatSimulator, type Tenant } from "../../simulators/planhat";

const CONNECTOR = { id: "5f00000000000000000000be", secret: "bench-connector-secret" };
const TOKEN = "bench-planhat-token";

/** Every user and account with the needed keys is sent, and only Planhat slows the connector down. */
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
  // A fetch begins when it is asked for. By force it would compare everything.
  fetch_interval_users: 0,
};

export interface Ready {
  readonly planhatUrl: string;
  readonly firehoseUrl: string;
  readonly organization: string;
  readonly connector: ConnectorObject;
  /** Of Planhat. */
  readonly token: string;
}

/** What the parent may ask for while it runs. */
export interface Order {
  /** Milliseconds that every answer of Planhat takes. */
  readonly latencyMs?: number;
  /** Planhat answers 429 to everything. */
  readonly busy?: boolean;
  /** Installs further connectors, with the settings of the first. */
  readonly connectors?: readonly { readonly id: string; readonly secret: string }[];
  /** Puts this many endusers into Planhat, as if they had always been there. */
  readonly seed?: number;
  /** Moves `updatedAt` of so many thousandths of the endusers, and changes so many thousandths for real. */
  readonly touch?: { readonly touched: number; readonly changed: number };
}

/** What Planhat holds after an order was carried out. */
export interface Holding {
  readonly created: number;
  readonly updated: number;
  readonly noOpWrites: number;
  readonly calls: number;
  /** Users of whom Hull was told attributes. */
  readonly told: number;
  /** Endusers that this order changed. */
  readonly changed: number;
}

const USERS_PER_COMPANY = 20;
const LONG_AGO = "2026-01-01T00:00:00.000Z";

/** Endusers as wide as real ones. */
function seed(tenant: Tenant, endusers: number): void {
  let companyId = "";
  for (let index = 0; index < endusers; index += 1) {
    if (index % USERS_PER_COMPANY === 0) {
      companyId = tenant.seedCompany({ name: `Company ${index}`, externalId: `company-${index}` })._id;
    }
    tenant.seedEnduser({
      companyId,
      companyName: `Company ${index - (index % USERS_PER_COMPANY)}`,
      externalId: `person-${index}`,
      email: `person-${index}@example.com`,
      name: `Person ${index}`,
      firstName: "Person",
      lastName: String(index),
      position: "Engineer",
      phone: `+46 8 ${index}`,
      featured: index % 7 === 0,
      tags: ["seeded", `group ${index % 50}`],
      lastActive: "2026-01-01T00:00:00.000Z",
      updatedAt: LONG_AGO,
      createDate: LONG_AGO,
      custom: { NPS: index % 11, Plan: `Plan ${index % 5}`, "Days in Phase": index % 365 },
    });
  }
}

function touch(tenant: Tenant, { touched, changed }: NonNullable<Order["touch"]>): number {
  let count = 0;
  let index = 0;
  for (const { _id: id, position } of tenant.endusers.values()) {
    const place = index % 1_000;
    if (place < changed) {
      tenant.edit("endusers", id, { position: `Director ${index}` });
      count += 1;
    } else if (place < changed + touched) tenant.edit("endusers", id, { position });
    index += 1;
  }
  return count;
}

async function main(): Promise<void> {
  const planhat = createPlanhatSimulator({ token: TOKEN, quotaPerMinute: null });
  const hull = createHullSimulator();
  await Promise.all([planhat.listen(), hull.listen()]);
  hull.addConnector({ ...CONNECTOR, privateSettings: SETTINGS });

  process.on("message", ({ latencyMs, busy, connectors = [], seed: endusers, touch: changes }: Order) => {
    if (latencyMs !== undefined || busy !== undefined) planhat.faults.clear();
    if (latencyMs !== undefined) planhat.faults.add({ kind: "latency", min: latencyMs, max: latencyMs });
    if (busy === true) planhat.faults.add({ kind: "rate-limit" });
    for (const each of connectors) hull.addConnector({ ...each, privateSettings: SETTINGS });
    if (endusers !== undefined) seed(planhat.tenant(), endusers);
    const changed = changes === undefined ? 0 : touch(planhat.tenant(), changes);
    const { created, updated, noOpWrites, calls } = planhat.books.snapshot();
    const told = hull.books.snapshot().userTraits;
    const holding: Holding = { created: created.endusers, updated: updated.endusers, noOpWrites, calls, told, changed };
    process.send?.(holding);
  });
  const ready: Ready = {
    planhatUrl: planhat.url,
    firehoseUrl: hull.firehoseUrl,
    organization: hull.host,
    connector: hull.connector(CONNECTOR.id),
    token: TOKEN,
  };
  process.send?.(ready);
}

process.once("disconnect", () => process.exit());
void main();
