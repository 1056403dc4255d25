/** A service of people with one lane: Hull says something of a person, and cycles run until nothing waits. */
import { deliverType } from "../../../src/engine/delivery/cycle";
import { hidden } from "../../../src/engine/rules/write-only";
import type { Desired } from "../../../src/record";
import type { Connection, Intent, Result } from "../../../src/services/connection";
import type { FieldSpec, ObjectType, RemoteRecord } from "../../../src/services/model";
import type { Service } from "../../../src/services/service";
import type { Outcome } from "../../../src/storage/port/rows";
import { createSeal } from "../../../src/storage/port/seal";
import { LANE, update } from "../storage/builders";
import { setUpStore } from "../storage/fixture";
import { createFakeService, fakeConnection, remoteRecord, type FakeSettings } from "./fake-service";

export const PEOPLE: ObjectType = {
  name: "people",
  entity: "user",
  keys: [{ name: "code", scope: "remote" }],
  idField: "id",
  endable: true,
  archived: "update",
};
const FIELDS = ["name", "city", "ssn", "standing"];
const specOf = (_type: string, name: string): FieldSpec => ({
  name,
  type: "text",
  writeOnly: name === "ssn" ? true : undefined,
});

/** What a test changes of the service, before it begins. */
export interface PeopleLane {
  type: ObjectType;
  seal: ReturnType<typeof createSeal>;
  service: Partial<Service<FakeSettings>>;
  connection: Partial<Connection>;
  /** Answers a request that was carried out, instead of the plain word. */
  answer: (intent: Intent, record: RemoteRecord) => Result | undefined;
}

const WORDS = { create: "created", update: "updated", end: "ended", restart: "restarted" } as const;

function untouched(): PeopleLane {
  const seal = createSeal("seal secret of some length");
  return { type: PEOPLE, seal, service: {}, connection: {}, answer: () => undefined };
}

export function setUpPeople() {
  const { accept, clock, store, database } = setUpStore("memory");
  /** The other side. */
  const people = new Map<string, RemoteRecord>();
  /** Requests in their order: `update p1 {"name":"Ann"}`, `find`, `read`. */
  const calls: string[] = [];
  const outcomes: Outcome[] = [];
  const lane = untouched();
  let messages = 0;
  beforeEach(() => {
    for (const list of [calls, outcomes]) list.length = 0;
    people.clear();
    messages = 0;
    Object.assign(lane, untouched());
  });

  function take(intent: Intent): Result {
    const id = intent.remoteId ?? `p${people.size + 1}`;
    calls.push(`${intent.kind} ${id} ${JSON.stringify(intent.fields)}`);
    const { keys = {}, fields = {}, archived = false } = people.get(id) ?? {};
    const isEnded = intent.kind === "end" || (archived && intent.kind !== "restart");
    const record = remoteRecord(id, {
      keys: { ...keys, ...intent.keys },
      fields: { ...fields, ...intent.fields },
      archived: isEnded,
    });
    people.set(id, record);
    const kind = WORDS[intent.kind];
    return lane.answer(intent, record) ?? (kind === "created" ? { kind, remoteId: id } : { kind });
  }

  const found: Connection = {
    ...fakeConnection(),
    prepare: (_type, records) => Promise.resolve(records.map(({ fields }) => ({ kind: "ready", fields }))),
    find: (_type, wanted) => {
      calls.push("find");
      const codes = wanted.map(({ keys }) => keys["code"]);
      const records = [...people.values()].filter(({ keys }) => codes.includes(keys["code"]));
      return Promise.resolve({ records, exhaustive: wanted.map(() => true) });
    },
    read: (_type, known) => {
      calls.push("read");
      const ids = known.map(({ id }) => id);
      return Promise.resolve({ records: ids.flatMap((id) => people.get(id) ?? []), gone: [] });
    },
    apply: (_type, chunk) => Promise.resolve({ results: chunk.map(take) }),
  };

  const serviceNow = (): Service<FakeSettings> => ({
    ...createFakeService(),
    ...{ types: [lane.type], mappedFields: () => FIELDS, field: specOf },
    ...lane.service,
  });

  /** Runs cycles until nothing is due, and moves the clock on where something waits. */
  async function deliver(cycles = 12): Promise<void> {
    for (let left = cycles; left > 0 && (await store.depth(LANE)).outbox > 0; left -= 1) {
      await deliverType(
        {
          ...{ store, service: serviceNow(), seal: lane.seal, connection: { ...found, ...lane.connection } },
          ...{ settings: { host: "one" }, lane: LANE, batch: 9, now: () => clock.nowMs },
          timing: { settleMs: 1, scanTrustMs: 3_600_000 },
          retry: { baseMs: 1, capMs: 1, random: () => 0 },
          onOutcomes: (ended) => outcomes.push(...ended.map(({ outcome }) => outcome)),
        },
        lane.type.name,
      );
      clock.nowMs += 2;
    }
  }

  return {
    ...{ lane, people, calls, outcomes, store, database, clock, deliver },
    /** Hull says this of person `e1`, and it is delivered as far as it can be. */
    hear: async (fields: Desired["fields"], more: Partial<Desired> = {}, cycles?: number): Promise<void> => {
      messages += 1;
      const desired = { fields, keys: { code: "a" }, cleared: [], ...more };
      const about = { id: `u${messages}`, version: messages, type: lane.type.name, hullId: "e1" };
      const message = update(about);
      const plan = { kind: "record", ...about, desired, claims: {}, warnings: [] } as const;
      const stored = hidden(lane.seal, serviceNow(), LANE.tenant, plan);
      if (message.content.kind !== "entry" || stored.kind === "end") throw new Error("It is to be delivered.");
      const { content } = message.content;
      await accept({ ...message, content: { kind: "entry", content: { ...content, desired: stored.desired } } });
      await deliver(cycles);
    },
    /** What Hull is to be told, and the outcomes that wait for it; Hull confirms it then. */
    told: async () => {
      const rows = await store.hullUpdates(LANE, 9);
      await store.confirmed(
        LANE,
        rows.map((row) => ({ row })),
      );
      return rows.map(({ attributes, outcomes: waiting }) => ({
        attributes,
        outcomes: waiting.map(({ outcome, code, note }) => ({ outcome, code, note })),
      }));
    },
  };
}
