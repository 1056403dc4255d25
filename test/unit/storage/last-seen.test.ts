/** Listed records that need no comparison: only that they exist is stored. */
import type { FetchedRow } from "../../../src/storage/port/store";
import { describeStore, MINUTE_MS } from "./fixture";
import { deliverQuietly, LANE, update } from "./builders";

const TYPE = "companies";
const MAPPING = 7;

describeStore("a listed record that was not touched", ({ accept, attempt, clock, settle, store }) => {
  const begin = (id: string): Promise<unknown> =>
    store.beginRun({ id, tenant: LANE.tenant, kind: "fetch", type: TYPE, options: {} }, false);
  const take = async (id: string, told: FetchedRow["confirmed"], run = "r1"): Promise<void> => {
    const seen = { id, keys: { externalId: id }, complete: true, archived: false, facts: {} };
    const line = { type: TYPE, hullId: "", remoteId: id, outcome: "sent", code: "told", text: "Told." };
    const row = { seen, line, ...(told === undefined ? {} : { confirmed: told }) };
    await store.takeFetched(LANE.remote, TYPE, {
      readAtMs: clock.nowMs,
      settleMs: 0,
      rows: [row],
      run,
    });
  };
  const pass = (ids: readonly string[], run = "r2"): Promise<void> =>
    store.markSeen(LANE.remote, TYPE, {
      readAtMs: clock.nowMs,
      run,
      ids,
      outcome: "unchanged",
      code: "not_touched",
    });
  const toldUnder = (...ids: string[]) => store.toldUnder(LANE.remote, TYPE, ids);
  const scan = async (scanStartedAtMs = clock.nowMs): Promise<readonly string[]> => {
    const { gone } = await store.markMissing(LANE.remote, TYPE, { scanStartedAtMs, limit: 100 });
    return gone.map(({ id }) => id);
  };
  const WHOLLY = { facts: {}, rest: [0, MAPPING], mapping: MAPPING };

  it("is known by the mapping under which Hull was told everything", async () => {
    await begin("r1");
    await take("p1", WHOLLY);
    await take("p2", { facts: {}, rest: [] });
    await take("p3", undefined);
    expect(await toldUnder("p1", "p2", "p3", "p4")).toEqual([MAPPING, undefined, undefined, undefined]);
  });

  it("counts once in a run, however often it is listed, and whichever way", async () => {
    await begin("r1");
    await begin("r2");
    await take("p1", WHOLLY);
    await pass(["p1", "p1"]);
    await pass(["p1"]);
    await take("p1", WHOLLY, "r2");
    expect(await store.run("r2")).toMatchObject({ done: 1, counts: { "companies/unchanged/not_touched": 1 } });
  });

  it("has not vanished", async () => {
    await begin("r1");
    await take("p1", WHOLLY);
    await take("p2", WHOLLY);
    clock.nowMs += MINUTE_MS;
    await pass(["p1"]);
    expect(await scan()).toEqual(["p2"]);
  });

  it.each([
    ["that Hull refused something of it", () => take("p1", { facts: {}, rest: [] })],
    ["that it vanished", () => scan(clock.nowMs + 1)],
    ["that it was made anew", () => makeAnew()],
    ["that the service has it no more", () => store.forgetGone(LANE.remote, TYPE, ["p1"])],
    ["a new generation", () => store.newGeneration(LANE.remote)],
    ["that it was erased with its tenant", () => eraseTenant()],
  ])("is looked at again after %s", async (_name, happen) => {
    await begin("r1");
    await take("p1", WHOLLY);
    expect(await toldUnder("p1")).toEqual([MAPPING]);
    await happen();
    expect(await toldUnder("p1")).toEqual([undefined]);
  });

  it("stays known when it is listed, or written by us", async () => {
    await begin("r1");
    await take("p1", WHOLLY);
    await pass(["p1"]);
    await take("p1", undefined);
    await accept(update());
    await settle(deliverQuietly(await attempt(TYPE, "a1", "update"), "p1"));
    expect(await toldUnder("p1")).toEqual([MAPPING]);
  });

  async function eraseTenant(): Promise<void> {
    await accept(update());
    await store.forgetTenant(LANE.tenant);
  }

  async function makeAnew(): Promise<void> {
    await accept(update());
    await settle(deliverQuietly(await attempt(TYPE, "a1"), "p1", { fresh: true }));
  }
});
