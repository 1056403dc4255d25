/** What a fetch found: known in the moment in which Hull knows it, counted once, and missing when a scan did not meet it. */
import type { FetchedRow, MissingQuery } from "../../../src/storage/port/store";
import { describeStore, MINUTE_MS } from "./fixture";
import { deliver, LANE, NEIGHBOUR, update, seen } from "./builders";

const SETTLE_MS = 3_000;
const RUN = "r1";
const UNTOLD = { field: "@deleted", nothing: "∅" };

const row = (
  id: string,
  more: Partial<FetchedRow> = {},
  keys: Record<string, string> = { externalId: id },
): FetchedRow => ({
  seen: seen(id, { keys, facts: { name: `there-${id}` } }),
  line: { type: "companies", hullId: "", remoteId: id, outcome: "sent", code: "told", text: "Told." },
  ...more,
});

describeStore("a listed record", ({ refuse, write, accept, attempt, clock, confirmAll, entry, settle, store }) => {
  const take = async (rows: readonly FetchedRow[], run = RUN, readAtMs = clock.nowMs): Promise<void> =>
    store.takeFetched(LANE.remote, "companies", { readAtMs, settleMs: SETTLE_MS, rows, run });
  const mirror = async (id: string) => (await store.mirrors(LANE, "companies", [id]))[0];
  const begin = async (id = RUN): Promise<void> => {
    await store.beginRun({ id, tenant: LANE.tenant, kind: "fetch", type: "companies", options: {} }, false);
  };
  const scan = async (more: Partial<MissingQuery> = {}) =>
    store.markMissing(LANE.remote, "companies", { run: "r", scanStartedAtMs: clock.nowMs, limit: 100, ...more });
  /** Account a1 is written as p1. */
  const writeFirst = async (): Promise<void> => {
    const facts = { name: { remote: "n", sent: "n" } };
    await write(update(), "p1", { fresh: true, keys: { externalId: "x" }, facts, writtenAtMs: clock.nowMs });
  };

  it("is remembered with what Hull confirmed of it", async () => {
    await begin();
    await take([row("p1", { confirmed: { facts: { name: "told", _id: "p1" }, rest: [0, 7, 5, 6] } })]);
    expect(await mirror("p1")).toMatchObject({
      keys: { externalId: "p1" },
      facts: { name: ["there-p1", null, "told"], _id: [null, null, "p1"] },
      confirmedRest: [0, 7, 5, 6],
      seenAtMs: clock.nowMs,
    });
  });

  it("of which Hull confirmed nothing is remembered as seen alone", async () => {
    await begin();
    await take([row("p1", { confirmed: { facts: { name: "told" }, rest: [0, 7] } })]);
    await take([row("p1")]);
    expect(await mirror("p1")).toMatchObject({ facts: { name: ["there-p1", null, "told"] }, confirmedRest: [0, 7] });
  });

  it("keeps what we sent, and whom it is linked to", async () => {
    await begin();
    await writeFirst();
    clock.nowMs += SETTLE_MS + 1;
    await take([row("p1", { confirmed: { facts: {}, rest: [0, 7] } })]);
    expect(await mirror("p1")).toMatchObject({ linkedTo: "a1", facts: { name: ["there-p1", "n", null] } });
  });

  it("that we wrote after the page was asked for keeps what we wrote", async () => {
    await begin();
    const readAtMs = clock.nowMs;
    clock.nowMs += 10;
    await writeFirst();
    await take([row("p1")], RUN, readAtMs);
    expect(await mirror("p1")).toMatchObject({ keys: { externalId: "x" }, facts: { name: ["n", "n", null] } });
    expect(await store.run(RUN)).toMatchObject({ done: 1 });
  });

  it("counts once in a run, however often it comes, and again in the next", async () => {
    await begin();
    await begin("r2");
    await take([row("p1"), row("p2"), row("p1")]);
    await take([row("p2"), row("p3")]);
    await take([row("p1")], "r2");
    expect(await store.run(RUN)).toMatchObject({ done: 3, counts: { "companies/sent/told": 3 } });
    expect(await store.run("r2")).toMatchObject({ done: 1 });
  });

  it("that comes twice is remembered as Hull heard of it last", async () => {
    await begin();
    await take([row("p1", { confirmed: { facts: { name: "first" }, rest: [0, 7] } })]);
    await take([row("p1", { confirmed: { facts: { name: "second" }, rest: [0, 8] } })]);
    expect(await mirror("p1")).toMatchObject({ facts: { name: ["there-p1", null, "second"] }, confirmedRest: [0, 8] });
  });

  it("keeps what Hull knows when we write it", async () => {
    await begin();
    await take([row("p1", { confirmed: { facts: { phone: "told" }, rest: [0, 7] } })]);
    await write(update());
    expect(await mirror("p1")).toMatchObject({ confirmedRest: [0, 7], facts: { phone: [null, null, "told"] } });
  });

  it("is busy while anything of it waits: for the service, in flight, or for Hull, of whichever tenant", async () => {
    const busy = async () => (await store.fetchView(LANE.remote, "companies", ["p1"]))[0]?.busy;
    expect(await busy()).toBe(false);
    await writeFirst();
    expect(await busy()).toBe(false);
    await accept(update({ id: "c2", version: 2 }));
    expect(await busy()).toBe(true);
    await attempt("companies", "a1", "update");
    expect(await busy()).toBe(true);
    await settle(deliver(await entry("companies", "a1"), "p1"));
    expect(await busy()).toBe(true);
    await confirmAll();
    expect(await busy()).toBe(false);
    await accept(update({ id: "c3", version: 3, lane: NEIGHBOUR }));
    expect(await busy()).toBe(true);
  });

  it("is busy no more once its entry ended without a write", async () => {
    await writeFirst();
    await refuse(update({ id: "c2", version: 2 }));
    expect((await store.fetchView(LANE.remote, "companies", ["p1"]))[0]?.busy).toBe(false);
  });

  describe("that a complete scan did not meet", () => {
    const tellGone = async (ids: readonly string[], mark: string): Promise<void> =>
      store.confirmFacts(
        LANE.remote,
        "companies",
        ids.map((id) => ({ id, facts: { "@deleted": mark } })),
      );

    it("is missing, its content unknown, and marked once", async () => {
      await begin();
      await take([row("p1"), row("p2")]);
      clock.nowMs += MINUTE_MS;
      await take([row("p2")], "r2");
      expect((await scan()).gone.map(({ id }) => id)).toEqual(["p1"]);
      expect(await mirror("p1")).toMatchObject({ missing: true, complete: false });
      expect((await mirror("p2"))?.missing).toBeUndefined();
      expect(await scan()).toEqual({ gone: [] });
    });

    it("but that we wrote since it began is there", async () => {
      await begin();
      const scanStartedAtMs = clock.nowMs;
      clock.nowMs += 1;
      await writeFirst();
      expect(await store.markMissing(LANE.remote, "companies", { run: "r", scanStartedAtMs, limit: 100 })).toEqual({
        gone: [],
      });
    });

    it("is missing no more when it is seen again", async () => {
      await begin();
      await take([row("p1")]);
      clock.nowMs += MINUTE_MS;
      await scan();
      await take([row("p1")], "r2");
      expect((await mirror("p1"))?.missing).toBeUndefined();
    });

    it("comes again until Hull has heard of it", async () => {
      await begin();
      await take([row("p1")]);
      clock.nowMs += MINUTE_MS;
      for (let round = 0; round < 2; round += 1) {
        expect((await scan({ untold: UNTOLD })).gone).toHaveLength(1);
      }
      await tellGone(["p1"], "2026-01-01");
      expect((await scan({ untold: UNTOLD })).gone).toEqual([]);
    });

    it("a second time comes until Hull has heard of that as well", async () => {
      await begin();
      await take([row("p1")]);
      clock.nowMs += MINUTE_MS;
      await scan({ untold: UNTOLD });
      await tellGone(["p1"], "2026-01-01");
      await take([row("p1", { confirmed: { facts: { "@deleted": "∅" }, rest: [0, 7] } })], "r2");
      clock.nowMs += MINUTE_MS;
      for (let round = 0; round < 2; round += 1) {
        expect((await scan({ untold: UNTOLD })).gone).toHaveLength(1);
      }
    });

    it("of an older generation is left alone", async () => {
      await begin();
      await take([row("p1")]);
      await store.newGeneration(LANE.remote);
      clock.nowMs += MINUTE_MS;
      expect(await scan()).toEqual({ gone: [] });
    });

    it("is found in steps, each once", async () => {
      await begin();
      const ids = Array.from({ length: 25 }, (_, index) => `p${index + 10}`);
      await take(ids.map((id) => row(id)));
      clock.nowMs += MINUTE_MS;
      const gone: string[] = [];
      for (let after: string | undefined, steps = 0; ; steps += 1) {
        if (steps > 10) throw new Error("It never ends.");
        const step = await scan({ limit: 10, ...(after === undefined ? {} : { after }) });
        gone.push(...step.gone.map(({ id }) => id));
        if (step.after === undefined) break;
        ({ after } = step);
      }
      expect(gone).toEqual(ids);
    });
  });

  describe("shares a key", () => {
    const shared = async (id: string, keys: Record<string, string>) =>
      (await store.sharedKeys(LANE.remote, "companies", [{ id, keys }]))[0];

    it("with another one, upper and lower case aside", async () => {
      await begin();
      await take([row("p1", {}, { externalId: "One", email: "a@x.example" }), row("p2", {}, { externalId: "two" })]);
      expect(await shared("p3", { externalId: "one" })).toEqual(["externalId"]);
      expect(await shared("p3", { externalId: "three", email: "A@X.example" })).toEqual(["email"]);
      expect(await shared("p3", { externalId: "three" })).toEqual([]);
    });

    it("neither with itself nor with one that is gone", async () => {
      await begin();
      await take([row("p1", {}, { externalId: "one" })]);
      expect(await shared("p1", { externalId: "one" })).toEqual([]);
      clock.nowMs += MINUTE_MS;
      await scan();
      expect(await shared("p2", { externalId: "one" })).toEqual([]);
    });

    it("not with one that has another key by now", async () => {
      await begin();
      await take([row("p1", {}, { externalId: "one" })]);
      await take([row("p1", {}, { externalId: "other" })], "r2");
      expect(await shared("p2", { externalId: "one" })).toEqual([]);
    });
  });

  it("that the service does not have is found by its keys no more", async () => {
    await begin();
    await take([row("p1")]);
    await store.forgetGone(LANE.remote, "companies", ["p1", "never"]);
    expect(await mirror("p1")).toBeUndefined();
    expect(await store.candidates(LANE, "companies", [{ name: "externalId", value: "p1" }])).toEqual([]);
  });
});
