/** Delivery, cycle by cycle: what becomes of a change that must not be repeated, and whose answer was lost. */
import { deliverType } from "../../../src/engine/delivery/cycle";
import type { Intent, Result } from "../../../src/services/connection";
import type { ObjectType } from "../../../src/services/model";
import type { Service } from "../../../src/services/service";
import { LANE, NEIGHBOUR, update } from "../storage/builders";
import { setUpStore } from "../storage/fixture";
import { createFakeService, fakeConnection, remoteRecord, type FakeSettings } from "./fake-service";
import { createSeal } from "../../../src/storage/port/seal";

const SEAL = createSeal("seal secret of some length");

const { accept, clock, store } = setUpStore("memory");
const SETTLE_MS = 1_000;
const PEOPLE: ObjectType = {
  name: "people",
  entity: "user",
  keys: [{ name: "email", scope: "remote" }],
  endable: true,
  archived: "revive",
  writes: { repeatable: [] },
};
const service: Service<FakeSettings> = {
  ...createFakeService(),
  types: [PEOPLE],
  mappedFields: () => ["email"],
  field: (_type, name) => ({ name, type: "text" }),
};

/** The other side: one e-mail address each, and whether somebody is active. */
const people = new Map<string, { readonly email: string; readonly active: boolean }>();
let calls: string[];
/** The next request: it is done (or not), and nobody hears of it. */
let lost: "done" | "not done" | undefined;
beforeEach(() => {
  people.clear();
  calls = [];
  lost = undefined;
});

function take({ kind, remoteId = "p1", fields }: Intent): Result {
  calls.push(`${kind} ${remoteId}`);
  const before = people.get(remoteId);
  const email = typeof fields["email"] === "string" ? fields["email"] : (before?.email ?? "");
  const active = kind === "end" ? false : kind === "restart" ? true : (before?.active ?? true);
  if (lost !== "not done") people.set(remoteId, { email, active });
  if (lost === undefined) return kind === "create" ? { kind: "created", remoteId } : { kind: "updated" };
  lost = undefined;
  return { kind: "unconfirmed", message: "The answer was lost." };
}

const shown = (id: string) => {
  const person = people.get(id);
  if (person === undefined) return [];
  const { email, active } = person;
  return [remoteRecord(id, { keys: { email }, fields: { email }, archived: !active })];
};

const connection = fakeConnection({
  prepare: (_type, records) => Promise.resolve(records.map(({ fields }) => ({ kind: "ready", fields }))),
  find: (_type, wanted) => {
    const emails = wanted.map(({ keys }) => keys["email"]);
    const ids = [...people].filter(([, { email }]) => emails.includes(email)).map(([id]) => id);
    return Promise.resolve({ records: ids.flatMap(shown), exhaustive: wanted.map(() => true) });
  },
  read: (_type, known) =>
    Promise.resolve({
      records: known.flatMap(({ id }) => shown(id)),
      gone: known.flatMap(({ id }) => (people.has(id) ? [] : [id])),
    }),
  apply: (_type, chunk) => Promise.resolve({ results: chunk.map(take) }),
});

/** Hull says this of one person, and cycles run until nothing waits. */
async function hear(version: number, email: string, state?: "ended"): Promise<void> {
  const message = update({ id: `u${version}`, version, type: "people", hullId: "e1" });
  if (message.content.kind !== "entry") throw new Error("It is to be delivered.");
  const desired = { fields: { email }, keys: { email }, cleared: [], ...(state && { state }) };
  await accept({ ...message, content: { kind: "entry", content: { ...message.content.content, desired } } });
  for (let cycles = 0; cycles < 12; cycles += 1) {
    await deliverType(
      {
        ...{
          store,
          service,
          connection,
          seal: SEAL,
          settings: { host: "one" },
          lane: LANE,
          batch: 9,
          now: () => clock.nowMs,
        },
        timing: { settleMs: SETTLE_MS, scanTrustMs: 0 },
        retry: { baseMs: 1, capMs: 1, random: () => 0 },
        onOutcomes: () => undefined,
      },
      PEOPLE.name,
    );
    clock.nowMs += SETTLE_MS;
  }
  expect((await store.depth(LANE)).outbox).toBe(0);
  clock.nowMs += SETTLE_MS;
}

test("a new key that did not arrive is sent again to the same record, and no second one is made", async () => {
  await hear(1, "ann@x.example");
  lost = "not done";
  await hear(2, "ann@y.example");
  expect(calls).toEqual(["create p1", "update p1", "update p1"]);
  expect(people.get("p1")).toEqual({ email: "ann@y.example", active: true });
});

test.each([
  ["done", 1],
  ["not done", 2],
] as const)("an end that was %s is sent %d time(s)", async (what, times) => {
  await hear(1, "ann@x.example");
  lost = what;
  await hear(2, "ann@x.example", "ended");
  expect(calls).toEqual(["create p1", ...Array<string>(times).fill("end p1")]);
  expect(people.get("p1")?.active).toBe(false);
});

test("a record that vanished meanwhile is made anew", async () => {
  await hear(1, "ann@x.example");
  lost = "not done";
  people.clear();
  await hear(2, "ann@y.example");
  expect(calls).toEqual(["create p1", "update p1", "create p1"]);
});

test("a create that arrived is one, also when another connector has linked its record since", async () => {
  const { writes: _, ...type } = PEOPLE;
  const cycle = (lane: typeof LANE) =>
    deliverType(
      {
        ...{ store, connection, seal: SEAL, settings: { host: "one" }, lane, batch: 9, now: () => clock.nowMs },
        service: { ...service, types: [type] },
        timing: { settleMs: SETTLE_MS, scanTrustMs: 0 },
        retry: { baseMs: 1, capMs: 1, random: () => 0 },
        onOutcomes: () => undefined,
      },
      type.name,
    );
  const email = "ann@x.example";
  const about = { type: type.name, hullId: "e1", fields: { email }, keys: { email } };
  lost = "done";
  for (const lane of [LANE, NEIGHBOUR]) {
    await accept(update({ ...about, id: `of ${lane.tenant}`, lane }));
    await cycle(lane);
  }
  clock.nowMs += SETTLE_MS;
  await cycle(LANE);
  expect(calls).toEqual(["create p1"]);
  const [told] = await store.hullUpdates(LANE, 9);
  expect(told?.outcomes).toMatchObject([{ outcome: "sent", code: "created" }]);
});
