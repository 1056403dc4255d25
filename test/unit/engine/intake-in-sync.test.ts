/** Intake and store together: when may a message end unchanged, without a look at the service? */
import { fingerprint } from "../../../src/services/compare";
import { createIntake, type IntakeReport } from "../../../src/engine/intake/intake";
import type { LogLine } from "../../../src/outcome/log-lines";
import { createTenants } from "../../../src/engine/tenants";
import type { Json } from "../../../src/record";
import { createSeal } from "../../../src/storage/data-folder/seal";
import type { EntryRow } from "../../../src/storage/port/rows";
import type { Lane } from "../../../src/storage/port/store";
import { setUpStore } from "../storage/fixture";
import { deliver, deliverQuietly } from "../storage/builders";
import { createFakeService } from "./fake-service";

const CREDENTIALS = { organization: "org", id: "c1", secret: "connector-secret-1" };

const { store, clock } = setUpStore("memory");
/** Of records; those of whole shipments apart. */
let logs: LogLine[];
let shipments: LogLine[];
let lane: Lane;
let version: number;
let send: (name: string, more?: Record<string, Json>, isExport?: boolean) => Promise<IntakeReport>;

beforeEach(async () => {
  logs = [];
  shipments = [];
  version = 0;
  const service = createFakeService();
  const tenants = createTenants({ now: () => 0, store, seal: createSeal("seal secret of some length"), service });
  const tenant = await tenants.remember(CREDENTIALS, { token: "t" }, 1);
  if (tenant.remote === undefined) throw new Error("The tenant has a target.");
  lane = { remote: tenant.remote, tenant: tenant.key };
  const log = (line: LogLine): void => void (line.event.endsWith(".shipment") ? shipments : logs).push(line);
  const intake = createIntake({ store, service, log, now: () => clock.nowMs, wake: () => undefined });
  send = (name, more = {}, isExport = false) => {
    version += 1;
    const account = {
      id: "a1",
      external_id: "acme",
      "planhat/id": "p1",
      name,
      indexed_at: 1_700_000_000_000 + version,
      ...more,
    };
    const messages = [{ message_id: `m${version}`, account }];
    return intake.take({ tenant, entity: "account", messages, isExport });
  };
});

async function waiting(): Promise<EntryRow> {
  const [entry] = await store.ready(lane, "companies", 1);
  if (entry === undefined) throw new Error("Something waits.");
  return entry;
}

/** The lane's part: what waits is at the service now (or was found there), and Hull knows. */
async function deliverWaiting(): Promise<void> {
  const entry = await waiting();
  const name = fingerprint(entry.content?.desired.fields["name"] ?? null, "name");
  const key = fingerprint("acme", "text");
  const facts = { name: { remote: name, sent: name }, externalId: { remote: key, sent: key } };
  await store.settle(lane, [deliverQuietly(entry, "p1", { facts, keys: { externalId: "acme" } })]);
}

/** Somebody changes the name at the service, and the connector reads it. */
async function personSets(name: string): Promise<void> {
  clock.nowMs += 60_000;
  const facts = { name: fingerprint(name, "name"), externalId: fingerprint("acme", "text") };
  const row = { id: "p1", keys: { externalId: "acme" }, complete: true, archived: false, facts };
  await store.observe(lane.remote, "companies", clock.nowMs, 0, [row]);
}

const QUEUED: IntakeReport = { queued: 1, ended: 0 };
const ENDED: IntakeReport = { queued: 0, ended: 1 };

describe("a message", () => {
  it("ends unchanged when the service is known to hold everything", async () => {
    expect(await send("Acme")).toMatchObject(QUEUED);
    await deliverWaiting();
    expect(await send("Acme")).toMatchObject(ENDED);
    expect(await send("ACME")).toMatchObject(ENDED);
    expect(logs.at(-1)).toMatchObject({ level: "debug", event: "outgoing.account.skip", data: { code: "in_sync" } });
  });

  it("is counted in the line of its shipment, by its reason", async () => {
    await send("Acme");
    await deliverWaiting();
    await send("Acme");
    expect(shipments.map(({ level, data }) => [level, data])).toEqual([
      ["info", { entity: "account", messages: 1, queued: 1, counts: {} }],
      ["info", { entity: "account", messages: 1, queued: 0, counts: { "companies/unchanged/in_sync": 1 } }],
    ]);
  });

  it("dated far ahead counts as arriving now, and silences no later one", async () => {
    clock.nowMs = Date.UTC(2026, 10, 29);
    await send("From 2099", { indexed_at: "2099-01-01T00:00:00Z" });
    await send("First", { indexed_at: "2026-11-29T00:00:01Z" });
    await send("Second", { indexed_at: "2026-11-29T00:00:02Z" });
    expect((await waiting()).content?.desired.fields["name"]).toBe("Second");
  });

  it("waits when a mapped value changed", async () => {
    await send("Acme");
    await deliverWaiting();
    expect(await send("Acme Inc")).toMatchObject(QUEUED);
  });

  it("waits while an older one waits, or A → B → A would leave B", async () => {
    await send("A");
    await deliverWaiting();
    await send("B");
    expect(await send("A")).toMatchObject(QUEUED);
    expect((await waiting()).content?.desired.fields["name"]).toBe("A");
  });

  it("waits when it is part of an export, which sends even what is equal", async () => {
    await send("Acme");
    await deliverWaiting();
    expect(await send("Acme", {}, true)).toMatchObject(QUEUED);
    expect((await waiting()).content?.force).toBe(true);
  });

  it("leaves what a person changed at the service, as long as Hull's own value stays", async () => {
    await send("Acme");
    await deliverWaiting();
    await personSets("Acme GmbH");
    expect(await send("Acme")).toMatchObject(ENDED);
  });

  it("that agrees with a person counts as delivered, so that going back is a change again", async () => {
    await send("Acme");
    await deliverWaiting();
    await personSets("Acme GmbH");
    expect(await send("Acme GmbH")).toMatchObject(QUEUED);
    await deliverWaiting();
    expect(await send("Acme GmbH")).toMatchObject(ENDED);
    expect(await send("Acme")).toMatchObject(QUEUED);
  });
});

describe("a profile that lost the id of its record", () => {
  it("is told again when Hull confirmed the id long ago", async () => {
    await send("Acme");
    await deliverWaiting();
    await send("Acme Inc");
    const entry = await waiting();
    const facts = { name: { remote: fingerprint("Acme Inc", "name"), sent: fingerprint("Acme Inc", "name") } };
    await store.settle(lane, [deliver(entry, "p1", { mirror: { facts } })]);
    await store.confirmed(
      lane,
      (await store.hullUpdates(lane, 9)).map((row) => ({ row })),
    );
    const soon = clock.nowMs + 60_000;
    const late = clock.nowMs + 3_600_000;
    expect(await send("Acme Inc", { "planhat/id": null, indexed_at: soon })).toMatchObject(ENDED);
    clock.nowMs = late;
    expect(await send("Acme Inc", { "planhat/id": null, indexed_at: late })).toMatchObject(QUEUED);
  });
});

describe("a message that names no record", () => {
  it("is rejected by itself, counted, and said aloud with field and remedy", async () => {
    const before = logs.length;
    expect(await send("Acme", { id: "x".repeat(201) })).toMatchObject(ENDED);
    expect((await store.tally(lane.tenant)).outcomes).toEqual({ "companies/rejected/invalid_message": 1 });
    expect(logs).toHaveLength(before + 1);
    expect(logs.at(-1)).toMatchObject({ level: "error", event: "outgoing.account.error" });
    expect(JSON.stringify(logs.at(-1))).toMatch(/messages\[0\]\.account\.id has 201 bytes.*Send the id/);
  });
});
