/**
 * Two connectors of one Planhat tenant with the real plan and digest, and a lane that a test moves by hand. A run can
 * be told to recognise nothing, so that every message is planned and compared: what it does is what counts.
 */
import { mapValues, omit } from "lodash";
import { fingerprint, NOTHING } from "../../../src/services/compare";
import { diff } from "../../../src/engine/rules/diff";
import { createIntake, type IntakeReport } from "../../../src/engine/intake/intake";
import type { LogLine } from "../../../src/outcome/log-lines";
import { createTenants, remoteKey, type Tenant } from "../../../src/engine/tenants";
import { createPlanhatService } from "../../../src/services/planhat";
import type { PlanhatSettings } from "../../../src/services/planhat/settings/settings";
import type { EntryRow, MirrorRow, HullUpdateRow } from "../../../src/storage/port/rows";
import type { Database } from "../../../src/storage/database/rows";
import { createSeal } from "../../../src/storage/port/seal";
import type { Lane, MirrorPatch, Settlement, Store } from "../../../src/storage/port/store";
import { DEPTH, HOURS, RECORDS, RUN_COUNTS, TABLES, TALLY, TENANTS } from "../../../src/storage/tables/tables";
import { read } from "../../../src/storage/tables/view";
import { openFixture, type Fixture } from "../storage/fixture";
import { deliver, deliverQuietly, finish, forget, postpone, workedOn } from "../storage/builders";

type Attributes = Readonly<Record<string, unknown>>;

export type Entity = "user" | "account";
export type ConnectorId = "c1" | "c2";

/** Company, and person of that company. */
export type HullId = "a1" | "u1" | "u2";

export const SETTINGS = {
  personal_acccess_token: "token-1",
  tenant_id: "t1",
  contact_synchronized_segments: ["everybody"],
  account_synchronized_segments: ["ALL"],
  contact_attributes_outbound: rows({ name: "name", email: "email", traits_position: "position" }),
  account_attributes_outbound: rows({ name: "name", city: "city" }),
};

export function rows(pairs: Readonly<Record<string, string>>): readonly Attributes[] {
  return Object.entries(pairs).map(([hull_field_name, service_field_name]) => ({
    hull_field_name,
    service_field_name,
  }));
}

export interface MessageParts {
  readonly connector?: ConnectorId;
  /** Attributes of the entity itself; Hull shows the remote id unless it says otherwise. */
  readonly more?: Attributes;
  /** Attributes of a user's account. */
  readonly company?: Attributes;
  readonly segments?: readonly string[];
  readonly changes?: Attributes;
  /** Milliseconds by which it is older than now. */
  readonly ageMs?: number;
  readonly messageId?: string;
  readonly isExport?: boolean;
  readonly events?: readonly Attributes[];
}

/** One message as it was sent, to be sent again. */
export interface Sent {
  readonly connector: ConnectorId;
  readonly entity: Entity;
  readonly raw: Attributes;
  readonly isExport: boolean;
}

export interface PairedRun {
  readonly store: Store;
  readonly clock: Fixture["clock"];
  /** Of records. */
  readonly logs: readonly LogLine[];
  /** Of whole shipments. */
  readonly shipments: readonly LogLine[];
  /** Messages that ended because they said the same. */
  readonly recognised: () => number;
  lane(connector?: ConnectorId): Promise<Lane>;
  send(hullId: HullId, parts?: MessageParts): Promise<IntakeReport>;
  /** The very same message: Hull delivers it once more. */
  sendAgain(sent: Sent): Promise<IntakeReport>;
  /** What was sent last about a record. */
  last(hullId: HullId): Sent | undefined;
  /** Something that happens after the message was looked at, and before it is taken in. */
  meanwhile(work: () => Promise<unknown>): void;
  save(connector: ConnectorId, settings: Attributes): Promise<void>;
  /** The lane's part when credentials changed: the same remote, or the one that the settings name. */
  confirm(connector: ConnectorId, verdict: "same" | "other"): Promise<void>;
  /** What is in the outbox of a record, in flight or not. */
  entry(hullId: HullId, connector?: ConnectorId): Promise<EntryRow | undefined>;
  attempt(hullId: HullId, connector?: ConnectorId): Promise<void>;
  settle(how: How, hullId: HullId, connector?: ConnectorId): Promise<void>;
  /** The remote record turned out to be gone while nothing of it waited. */
  loseLink(hullId: HullId, connector?: ConnectorId): Promise<void>;
  /** Hull confirms what it is told. */
  told(connector?: ConnectorId): Promise<void>;
  /** Everything that waits is delivered, and Hull knows. */
  flow(): Promise<void>;
  /** Somebody changes a name in Planhat, and the connector reads it. */
  personSets(hullId: HullId, name: string): Promise<void>;
  /** Every row, without the fingerprints themselves. */
  dump(): Promise<unknown>;
  close(): Promise<void>;
}

export type How = "tell" | "quiet" | "reject" | "wait" | "unlink";

const CONNECTORS: readonly ConnectorId[] = ["c1", "c2"];

export const typeOf = (hullId: HullId): string => (hullId === "a1" ? "companies" : "endusers");
const remoteId = (hullId: HullId): string => `p-${hullId}`;

export async function openPairedRun(recognises: boolean): Promise<PairedRun> {
  const { store: plain, clock, database, close } = await openFixture("memory");
  const service = createPlanhatService({ fingerprintKey: "key" });
  const [logs, shipments]: [LogLine[], LogLine[]] = [[], []];
  const lastSent = new Map<HullId, Sent>();
  const saved = new Map<ConnectorId, number>();
  let recognised = 0;
  let number = 0;
  let between: (() => Promise<unknown>) | undefined;

  const store: Store = {
    ...plain,
    fingerprints: (lane, type, ids) =>
      recognises ? plain.fingerprints(lane, type, ids) : Promise.resolve(ids.map(() => undefined)),
    accept: async (...given) => {
      const work = between;
      between = undefined;
      await work?.();
      const accepted = await plain.accept(...given);
      given[0].forEach(({ content }, index) => {
        if (content.kind === "same" && accepted[index]?.state === "ended") recognised += 1;
      });
      return accepted;
    },
  };
  const seal = createSeal("seal secret of some length");
  const tenants = createTenants({ now: () => 0, store, seal, service });
  const log = (line: LogLine): void => void (line.event.endsWith(".shipment") ? shipments : logs).push(line);
  const intake = createIntake({ store, service, seal, log, now: () => clock.nowMs, wake: () => undefined });
  const credentials = (id: ConnectorId) => ({ organization: "org", id, secret: `secret-of-${id}` });

  async function save(connector: ConnectorId, settings: Attributes): Promise<void> {
    const at = (saved.get(connector) ?? 0) + 1;
    saved.set(connector, at);
    await tenants.remember(credentials(connector), { ...SETTINGS, ...settings }, at);
  }

  async function tenantOf(connector: ConnectorId): Promise<Tenant<PlanhatSettings>> {
    const tenant = await tenants.load(tenants.keyOf(credentials(connector)));
    if (tenant === undefined) throw new Error(`Nobody saved settings of ${connector}.`);
    return tenant;
  }

  async function laneOf(connector: ConnectorId = "c1"): Promise<Lane> {
    const { remote, key } = await tenantOf(connector);
    if (remote === undefined) throw new Error(`${connector} points to nowhere.`);
    return { remote, tenant: key };
  }

  async function sendAgain({ connector, entity, raw, isExport }: Sent): Promise<IntakeReport> {
    const tenant = await tenantOf(connector);
    return intake.take({ tenant, entity, messages: [raw], isExport });
  }

  async function entryOf(hullId: HullId, connector?: ConnectorId): Promise<EntryRow | undefined> {
    const [view] = await plain.view(await laneOf(connector), typeOf(hullId), [hullId]);
    return view?.entry;
  }

  /** As the lane would write it down: what it sent, and what it found equal. */
  function patchOf(entry: EntryRow, mirror: MirrorRow | undefined): Pick<MirrorPatch, "facts" | "keys" | "fresh"> {
    const { desired, force } = workedOn(entry);
    const specOf = (field: string) => service.field(entry.type, field);
    const create = mirror === undefined;
    const { send, equal } = diff(desired, {}, mirror?.facts ?? {}, specOf, { force, create });
    const facts: Record<string, { remote: string; sent?: string }> = {};
    if (create) for (const field of Object.keys(desired.fields)) facts[field] = { remote: NOTHING };
    for (const field of [...send, ...equal]) {
      const mark = fingerprint(desired.fields[field] ?? null, specOf(field).type);
      facts[field] = { remote: mark, sent: mark };
    }
    return { facts, keys: desired.keys, fresh: create };
  }

  async function settlementOf(how: How, hullId: HullId, entry: EntryRow, lane: Lane): Promise<Settlement> {
    const id = remoteId(hullId);
    const [view] = await plain.view(lane, entry.type, [hullId]);
    const mirror = patchOf(entry, view?.mirror);
    switch (how) {
      case "tell":
        return deliver(entry, id, { mirror });
      case "quiet":
        return deliverQuietly(entry, id, mirror);
      case "reject":
        return finish(entry, "rejected", "service_rejected");
      case "wait":
        return postpone(entry, clock.nowMs);
      case "unlink":
        return forget(entry, id);
    }
  }

  async function tell(lane: Lane, tells: readonly HullUpdateRow[]): Promise<void> {
    await plain.confirmed(
      lane,
      tells.map((row) => ({ row })),
    );
  }

  async function settle(how: How, hullId: HullId, connector?: ConnectorId): Promise<void> {
    const entry = await entryOf(hullId, connector);
    const lane = await laneOf(connector);
    if (entry !== undefined) await plain.settle(lane, [await settlementOf(how, hullId, entry, lane)]);
  }

  async function told(connector?: ConnectorId): Promise<void> {
    const lane = await laneOf(connector);
    await tell(lane, await plain.hullUpdates(lane, 99));
  }

  for (const connector of CONNECTORS) await save(connector, {});

  return {
    store: plain,
    clock,
    logs,
    shipments,
    recognised: () => recognised,
    lane: laneOf,
    last: (hullId) => lastSent.get(hullId),
    sendAgain,
    send: (hullId, parts = {}) => {
      number += 1;
      const entity = hullId === "a1" ? "account" : "user";
      const raw = rawMessage(hullId, parts, clock.nowMs, number);
      const sent: Sent = { connector: parts.connector ?? "c1", entity, raw, isExport: parts.isExport ?? false };
      lastSent.set(hullId, sent);
      return sendAgain(sent);
    },
    meanwhile: (work) => {
      between = work;
    },
    save,
    confirm: async (connector, verdict) => {
      const { target, key, fingerprint: confirmed } = await tenantOf(connector);
      if (target === undefined || confirmed === target.fingerprint) return;
      const { remote } = await laneOf(connector);
      const named = remoteKey("org", connector, target);
      if (verdict === "other" && named === remote) await plain.newGeneration(remote);
      await plain.assign(key, verdict === "same" ? remote : named, target.fingerprint);
    },
    entry: entryOf,
    attempt: async (hullId, connector) => {
      const entry = await entryOf(hullId, connector);
      if (entry?.content === undefined || entry.attempt !== undefined) return;
      const journal = { type: entry.type, hullId, seq: entry.content.seq, repeatable: true } as const;
      await plain.attempt(await laneOf(connector), [journal]);
    },
    settle,
    loseLink: async (hullId, connector) => {
      const lane = await laneOf(connector);
      const then = { kind: "wait", notBeforeMs: 0, problem: "" } as const;
      const gone = { tenant: lane.tenant, type: typeOf(hullId), hullId, seq: 0, gone: remoteId(hullId), then } as const;
      await plain.settle(lane, [gone]);
    },
    told,
    flow: async () => {
      for (const connector of CONNECTORS) {
        for (const hullId of ["a1", "u1", "u2"] as const) {
          // What was in flight first, then what came meanwhile.
          await settle("tell", hullId, connector);
          await settle("tell", hullId, connector);
        }
        await told(connector);
      }
    },
    personSets: async (hullId, name) => {
      const lane = await laneOf();
      const [row] = await plain.mirrors(lane, typeOf(hullId), [remoteId(hullId)]);
      if (row === undefined) return;
      const seen = { id: row.id, keys: row.keys, complete: true, archived: false };
      const facts = { name: fingerprint(name, "name") };
      await plain.observe(lane.remote, typeOf(hullId), clock.nowMs, 0, [{ ...seen, facts }]);
    },
    dump: () => dumpOf(database()),
    close: async () => {
      service.close();
      expect(await close()).toEqual([]);
    },
  };
}

function rawMessage(hullId: HullId, parts: MessageParts, nowMs: number, number: number): Attributes {
  const { more = {}, company = {}, segments = ["everybody"], changes, ageMs = 0, events = [] } = parts;
  const account = { id: "a1", external_id: "acme", name: "Acme", domain: "acme.example" };
  // Numbered, so that a later message of the same moment is newer.
  const about = { "planhat/id": remoteId(hullId), indexed_at: nowMs + number - ageMs };
  const base = { message_id: parts.messageId ?? `m${number}`, account_segments: [], ...(changes && { changes }) };
  if (hullId === "a1") return { ...base, account: { ...account, ...about, ...more } };
  const user = { id: hullId, email: `${hullId}@acme.example`, external_id: hullId, name: hullId, ...about, ...more };
  const listed = segments.map((id) => ({ id, name: id, type: "users_segment" }));
  return { ...base, events, user, account: { ...account, ...company }, segments: listed };
}

async function dumpOf(database: Database): Promise<unknown> {
  const records = await read(database, (view) =>
    [...view.range(RECORDS, [])].map(([key, record]) => [
      key,
      { ...record, own: mapValues(record.own, (part) => omit(part, "same")) },
    ]),
  );
  // What is sealed differs from run to run.
  const others = [...TABLES, TALLY, HOURS, DEPTH, RUN_COUNTS].filter((table) => table !== RECORDS && table !== TENANTS);
  const rest = await database.read((stored) =>
    others.map(({ name }): [string, unknown] => [name, [...stored.range(name, [])]]),
  );
  return { records, ...Object.fromEntries(rest) };
}
