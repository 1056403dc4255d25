/** Several requests at once, and records that share a key with another one. */
import { setImmediate } from "node:timers/promises";
import { deliverType } from "../../../src/engine/delivery/cycle";
import type { Intent } from "../../../src/services/connection";
import type { ObjectType } from "../../../src/services/model";
import { LANE, update } from "../storage/builders";
import { setUpStore } from "../storage/fixture";
import { createFakeService, fakeConnection } from "./fake-service";
import { createSeal } from "../../../src/storage/port/seal";

const { accept, clock, store } = setUpStore("memory");
const PEOPLE: ObjectType = {
  name: "people",
  entity: "user",
  keys: [{ name: "code", scope: "remote" }],
  identity: "ownKey",
  lookup: false,
  writes: { concurrent: 3 },
};

test("a namesake is written alone, after all others", async () => {
  /** What is under way when a request begins, and itself. */
  const together: (readonly string[])[] = [];
  const underway = new Set<string>();
  const take = async ({ keys }: Intent): Promise<void> => {
    const code = keys["code"] ?? "";
    underway.add(code);
    together.push([...underway]);
    for (let turns = 0; turns < 20; turns += 1) await setImmediate();
    underway.delete(code);
  };
  const connection = fakeConnection({
    prepare: (_type, records) => Promise.resolve(records.map(({ fields }) => ({ kind: "ready", fields }))),
    apply: async (_type, chunk) => {
      for (const intent of chunk) await take(intent);
      return { results: chunk.map(() => ({ kind: "accepted" })) };
    },
  });
  const service = {
    ...createFakeService(),
    types: [PEOPLE],
    field: (_type: string, name: string) => ({ name, type: "text" }) as const,
    chunks: (_type: string, intents: readonly Intent[]) => intents.map((_, index) => [index]),
  };
  const hear = (code: string) => accept(update({ id: `u-${code}`, type: "people", hullId: code, keys: { code } }));
  const timing = { settleMs: 1, scanTrustMs: 0 };
  const retry = { baseMs: 1, capMs: 1, random: () => 0 };
  const rest = {
    seal: createSeal("seal secret of some length"),
    settings: { host: "one" },
    lane: LANE,
    batch: 9,
    now: () => clock.nowMs,
    onOutcomes: () => undefined,
  };
  const deliver = () => deliverType({ store, service, connection, timing, retry, ...rest }, PEOPLE.name);
  await hear("a");
  await deliver();
  // Two that differ only in case, and are two people all the same.
  for (const code of ["A", "b", "c"]) await hear(code);
  await deliver();
  expect(together).toEqual([["a"], ["b"], ["b", "c"], ["A"]]);
});
