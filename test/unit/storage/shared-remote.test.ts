/** Two connectors of one remote: what is the record's is known to both, and what is a connector's own stays its own. */
import type { EntryRow, Outcome } from "../../../src/storage/port/rows";
import type { Acceptance, Lane } from "../../../src/storage/port/store";
import { FLIGHTS } from "../../../src/storage/tables/tables";
import { read } from "../../../src/storage/tables/view";
import {
  blockOn,
  deliver,
  deliverQuietly,
  endingOf,
  finish,
  forget,
  LANE,
  NEIGHBOUR,
  postpone,
  skip,
  update,
  userUpdate,
  workedOn,
} from "./builders";
import { describeStore, firstReady, MINUTE_MS } from "./fixture";

describeStore("two connectors of one remote", ({ clock, database, install, store }) => {
  const theirs = update({ id: "n1", version: 1, lane: NEIGHBOUR });

  async function entryOf(lane: Lane, hullId = "a1", type = "companies"): Promise<EntryRow | undefined> {
    const [view] = await store.view(lane, type, [hullId]);
    return view?.entry;
  }

  async function inFlight(lane: Lane, acceptance: Acceptance): Promise<EntryRow> {
    await store.accept([acceptance]);
    const { type, hullId, seq } = { ...acceptance, ...workedOn(await firstReady(store, lane, acceptance.type)) };
    expect(await store.attempt(lane, [{ type, hullId, seq, repeatable: false }])).toEqual([true]);
    const entry = await entryOf(lane, hullId, type);
    if (entry === undefined) throw new Error("What is in flight has an entry.");
    return entry;
  }

  async function deliverOf(lane: Lane, acceptance: Acceptance, sent = "s"): Promise<void> {
    const facts = { name: { remote: sent, sent } };
    await store.settle(lane, [deliver(await inFlight(lane, acceptance), "p1", { mirror: { facts } })]);
    await store.confirmed(
      lane,
      (await store.hullUpdates(lane, 9)).map((row) => ({ row })),
    );
  }

  const rejected = async (lane: Lane, acceptance: Acceptance): Promise<unknown> =>
    store.settle(lane, [finish(await inFlight(lane, acceptance), "rejected", "refused")]);

  describe("when the create of one is lost", () => {
    const lost = { sinceMs: 0, reads: 0 };
    const lose = async (): Promise<void> => {
      const flying = await inFlight(LANE, update({ id: "c1", version: 1 }));
      await store.settle(LANE, [postpone(flying, clock.nowMs + MINUTE_MS, lost)]);
    };

    it("the other looks for it as well, and not before it can be found", async () => {
      await lose();
      await store.accept([theirs]);
      expect(await store.ready(NEIGHBOUR, "companies", 9)).toEqual([]);
      expect(await store.nextDue(NEIGHBOUR, ["companies"])).toBe(clock.nowMs + MINUTE_MS);
      clock.nowMs += MINUTE_MS;
      expect(await firstReady(store, NEIGHBOUR, "companies")).toMatchObject({ unconfirmed: lost });
    });

    it("what waits of the other already waits as long", async () => {
      const flying = await inFlight(LANE, update({ id: "c1", version: 1 }));
      await store.accept([theirs]);
      expect(await store.ready(NEIGHBOUR, "companies", 9)).toHaveLength(1);
      await store.settle(LANE, [postpone(flying, clock.nowMs + MINUTE_MS, lost)]);
      expect(await store.ready(NEIGHBOUR, "companies", 9)).toEqual([]);
      await store.retryNow(NEIGHBOUR);
      expect(await store.ready(NEIGHBOUR, "companies", 9)).toEqual([]);
    });

    it("the other waits as long when the message of the lost one was withdrawn while it was in flight", async () => {
      const flying = await inFlight(LANE, update({ id: "c1", version: 1 }));
      await store.accept([theirs, skip({ id: "c2", version: 2 })]);
      await store.settle(LANE, [postpone(flying, clock.nowMs + MINUTE_MS, lost)]);
      expect(await entryOf(LANE)).toBeUndefined();
      expect(await store.ready(NEIGHBOUR, "companies", 9)).toEqual([]);
      expect(await entryOf(NEIGHBOUR)).toMatchObject({ unconfirmed: lost });
    });

    it("whoever finds it decides for both", async () => {
      await lose();
      await store.accept([theirs]);
      clock.nowMs += MINUTE_MS;
      await store.settle(NEIGHBOUR, [deliver(await firstReady(store, NEIGHBOUR, "companies"), "p1")]);
      const own = await firstReady(store, LANE, "companies");
      expect(own).toMatchObject({ record: { remoteId: "p1" }, content: { messageId: "c1" } });
      expect(own.unconfirmed).toBeUndefined();
    });

    it("is known to the other after the entry is withdrawn, and after the process ended", async () => {
      await inFlight(LANE, update({ id: "c1", version: 1 }));
      await store.recover(LANE, MINUTE_MS);
      await store.accept([skip({ id: "c2", version: 2 })]);
      expect(await entryOf(LANE)).toBeUndefined();
      await store.accept([update({ id: "n1", version: 3, lane: NEIGHBOUR })]);
      expect(await entryOf(NEIGHBOUR)).toMatchObject({ unconfirmed: { sinceMs: clock.nowMs, reads: 0 } });
    });

    it.each([
      ["has been put off", (entry: EntryRow) => postpone(entry, 0)],
      ["was refused", (entry: EntryRow) => finish(entry, "rejected", "refused")],
      ["found that another record is gone", (entry: EntryRow) => forget(entry, "p9")],
    ])("it is not forgotten because the other, who began before, %s", async (_, settlementOf) => {
      const flying = await inFlight(LANE, update({ id: "c1", version: 1 }));
      await store.accept([theirs]);
      const looking = await firstReady(store, NEIGHBOUR, "companies");
      await store.settle(LANE, [postpone(flying, clock.nowMs + MINUTE_MS, lost)]);
      await store.settle(NEIGHBOUR, [settlementOf(looking)]);
      expect(await entryOf(LANE)).toMatchObject({ unconfirmed: lost });
      expect(await store.ready(NEIGHBOUR, "companies", 9)).toEqual([]);
      clock.nowMs += MINUTE_MS;
      expect(await firstReady(store, LANE, "companies")).toMatchObject({ unconfirmed: lost });
    });

    it("it is not forgotten because a request of the other, which was in flight already, has been put off", async () => {
      const both = [await inFlight(LANE, update({ id: "c1", version: 1 })), await inFlight(NEIGHBOUR, theirs)] as const;
      await store.settle(LANE, [postpone(both[0], clock.nowMs + MINUTE_MS, lost)]);
      await store.settle(NEIGHBOUR, [postpone(both[1], clock.nowMs)]);
      expect(await entryOf(LANE)).toMatchObject({ unconfirmed: lost });
      expect(await store.ready(NEIGHBOUR, "companies", 9)).toEqual([]);
    });

    it("it is not forgotten because of what the other learned for content that was withdrawn meanwhile", async () => {
      const flying = await inFlight(LANE, update({ id: "c1", version: 1 }));
      await store.accept([theirs]);
      const looking = await firstReady(store, NEIGHBOUR, "companies");
      await store.settle(LANE, [postpone(flying, clock.nowMs + MINUTE_MS, lost)]);
      await store.accept([skip({ id: "n2", version: 1, lane: NEIGHBOUR })]);
      await store.settle(NEIGHBOUR, [forget(looking, "p9")]);
      expect(await entryOf(LANE)).toMatchObject({ unconfirmed: lost });
    });

    it("it is not forgotten because Hull deletes the entity for the other", async () => {
      await lose();
      await store.accept([theirs]);
      await store.forgetEntity(NEIGHBOUR.tenant, { types: ["companies"], children: [] }, "a1");
      expect(await entryOf(LANE)).toMatchObject({ unconfirmed: lost });
    });

    it("it is not forgotten because the process ends while the other repeats an update", async () => {
      await lose();
      await store.accept([theirs]);
      clock.nowMs += MINUTE_MS;
      const { seq } = workedOn(await firstReady(store, NEIGHBOUR, "companies"));
      await store.attempt(NEIGHBOUR, [{ type: "companies", hullId: "a1", seq, repeatable: true }]);
      // What is in flight is journaled in the record now, since something newer waits beside it.
      await store.accept([update({ id: "n2", version: 2, lane: NEIGHBOUR })]);
      await store.recover(NEIGHBOUR, MINUTE_MS);
      expect(await entryOf(LANE)).toMatchObject({ unconfirmed: lost });
    });

    it("it is not forgotten because of a record that is gone, when nothing waits any more", async () => {
      const flying = await inFlight(LANE, update({ id: "c1", version: 1 }));
      await store.accept([theirs]);
      const looking = await firstReady(store, NEIGHBOUR, "companies");
      await store.settle(LANE, [postpone(flying, clock.nowMs + MINUTE_MS, lost)]);
      await store.accept([skip({ id: "c2", version: 2 }), skip({ id: "n2", version: 2, lane: NEIGHBOUR })]);
      await store.settle(NEIGHBOUR, [forget(looking, "p9")]);
      await store.accept([update({ id: "c3", version: 3 })]);
      expect(await entryOf(LANE)).toMatchObject({ unconfirmed: lost });
    });

    it("it is looked for by whoever comes back to the remote, though the connector left before the answer came", async () => {
      const flying = await inFlight(LANE, update({ id: "c1", version: 1 }));
      await store.move(LANE, "org|planhat|t2");
      await store.settle(LANE, [postpone(flying, clock.nowMs + MINUTE_MS, lost)]);
      await store.move({ ...LANE, remote: "org|planhat|t2" }, LANE.remote);
      expect(await entryOf(LANE)).toMatchObject({ unconfirmed: { reads: 0 }, content: { messageId: "c1" } });
    });

    it("what was in flight before the connector left waits again when it is back", async () => {
      await store.accept([update({ id: "c1", version: 1 })]);
      const { seq } = workedOn(await firstReady(store, LANE, "companies"));
      await store.attempt(LANE, [{ type: "companies", hullId: "a1", seq, repeatable: true }]);
      await store.move(LANE, "org|planhat|t2");
      await store.move({ ...LANE, remote: "org|planhat|t2" }, LANE.remote);
      expect((await firstReady(store, LANE, "companies")).content).toMatchObject({ messageId: "c1" });
    });

    it("it stays open for the one that lost it when what the other sent is refused", async () => {
      await lose();
      await store.accept([theirs]);
      clock.nowMs += MINUTE_MS;
      await store.settle(NEIGHBOUR, [finish(await firstReady(store, NEIGHBOUR, "companies"), "rejected", "refused")]);
      expect(await entryOf(LANE)).toMatchObject({ unconfirmed: { reads: 0 } });
    });
  });

  describe("versions", () => {
    it("are shared: what one connector says is older than what the other said", async () => {
      await store.accept([update({ id: "c1", version: 5 })]);
      const [accepted] = await store.accept([update({ id: "n1", version: 4, lane: NEIGHBOUR })]);
      expect(accepted).toMatchObject({ state: "ended", outcomes: [{ outcome: "superseded", messageId: "n1" }] });
      expect(await entryOf(NEIGHBOUR)).toBeUndefined();
      expect((await entryOf(LANE))?.content).toMatchObject({ messageId: "c1" });
    });

    it("of one change that both are told of are the same, and both deliver it", async () => {
      await store.accept([update({ id: "c1", version: 5 }), update({ id: "n1", version: 5, lane: NEIGHBOUR })]);
      expect((await entryOf(LANE))?.content).toMatchObject({ messageId: "c1" });
      expect((await entryOf(NEIGHBOUR))?.content).toMatchObject({ messageId: "n1" });
    });

    it("of one do not take away what waits of the other", async () => {
      await store.accept([update({ id: "c1", version: 5 }), skip({ id: "n1", version: 6, lane: NEIGHBOUR })]);
      expect((await entryOf(LANE))?.content).toMatchObject({ messageId: "c1" });
      expect((await store.tally(LANE.tenant)).outcomes).toEqual({});
    });
  });

  describe("a parent", () => {
    const child = (lane: Lane, hullId: string): Acceptance =>
      userUpdate({ id: `m-${hullId}`, hullId, parent: "a1", lane });
    const block = async (lane: Lane, hullId: string): Promise<void> => {
      await store.accept([child(lane, hullId)]);
      const entry = await entryOf(lane, hullId, "endusers");
      if (entry !== undefined) await store.settle(lane, [blockOn(entry)]);
    };

    it("that one has linked frees the children of both", async () => {
      await block(LANE, "e1");
      await block(NEIGHBOUR, "e2");
      expect(await store.ready(NEIGHBOUR, "endusers", 9)).toEqual([]);
      await store.settle(LANE, [deliver(await firstReady(store, LANE, "companies"), "p1")]);
      expect(await store.ready(LANE, "endusers", 9)).toMatchObject([{ hullId: "e1" }]);
      expect(await store.ready(NEIGHBOUR, "endusers", 9)).toMatchObject([{ hullId: "e2" }]);
    });

    it("that was refused to one ends the children of that one only", async () => {
      await block(LANE, "e1");
      await block(NEIGHBOUR, "e2");
      const ended = await store.settle(LANE, [
        finish(await firstReady(store, LANE, "companies"), "rejected", "refused"),
      ]);
      expect(ended.outcomes.map(({ hullId }) => hullId)).toEqual(["a1", "e1"]);
      expect(await entryOf(NEIGHBOUR, "e2", "endusers")).toMatchObject({ blockedOn: "a1" });
      expect(await store.deadLettersOf(NEIGHBOUR)).toEqual([]);
    });

    it("that one takes out ends the children of that one only", async () => {
      await store.accept([update({ id: "c1", version: 1 })]);
      await block(LANE, "e1");
      await block(NEIGHBOUR, "e2");
      const [accepted] = await store.accept([skip({ id: "c2", version: 2 })]);
      expect(accepted?.children.map(({ hullId }) => hullId)).toEqual(["e1"]);
      expect(await entryOf(NEIGHBOUR, "e2", "endusers")).toMatchObject({ blockedOn: "a1" });
    });
  });

  /** What a connector knows of the field that it sent: what is there, what it sent, and what Hull was told. */
  async function factOf(lane: Lane): Promise<unknown> {
    const [mirror] = await store.mirrors(lane, "companies", ["p1"]);
    return mirror?.facts["name"]?.slice(0, 3);
  }

  describe("its own", () => {
    it("is what each one sent", async () => {
      await deliverOf(LANE, update({ id: "c1", version: 1 }), "mine");
      await deliverOf(NEIGHBOUR, update({ id: "n1", version: 2, lane: NEIGHBOUR }), "theirs");
      expect(await factOf(LANE)).toEqual(["theirs", "mine", null]);
      expect(await factOf(NEIGHBOUR)).toEqual(["theirs", "theirs", null]);
      expect(await factOf({ ...LANE, tenant: "planhat/org/c3" })).toEqual(["theirs", null, null]);
    });

    it("are the last outcome and the dead letter", async () => {
      await rejected(LANE, update({ id: "c1", version: 1 }));
      await deliverOf(NEIGHBOUR, update({ id: "n1", version: 2, lane: NEIGHBOUR }));
      const lastOf = async (lane: Lane): Promise<Outcome | undefined> =>
        (await store.view(lane, "companies", ["a1"]))[0]?.record?.last;
      expect(await lastOf(LANE)).toMatchObject({ messageId: "c1", outcome: "rejected" });
      expect(await lastOf(NEIGHBOUR)).toMatchObject({ messageId: "n1", outcome: "sent" });
      expect(await store.deadLettersOf(LANE)).toMatchObject([{ content: { messageId: "c1" } }]);
      expect(await store.deadLettersOf(NEIGHBOUR)).toEqual([]);
    });

    it("are dead letters with ids of their own, each replayed for its connector", async () => {
      await rejected(LANE, update({ id: "c1", version: 1 }));
      await rejected(NEIGHBOUR, theirs);
      const { deadLetters } = await store.deadLetters({ limit: 9 });
      expect(deadLetters.map(({ tenant }) => tenant).sort()).toEqual([LANE.tenant, NEIGHBOUR.tenant]);
      expect((await store.inspectRecord(NEIGHBOUR, "companies", "a1")).deadLetter?.content.messageId).toBe("n1");
    });

    it("is the fingerprint of the last unchanged message, until either one writes", async () => {
      await deliverOf(LANE, update({ id: "c1", version: 1 }));
      const same = (lane: Lane, id: string, version: number, revision: number): Acceptance => {
        const message = update({ id, version, lane });
        if (message.content.kind !== "entry") throw new Error("It has content.");
        const { content } = message.content;
        const outcome = endingOf(id, "unchanged", "in_sync");
        return { ...message, content: { kind: "unchanged", outcome, content, revision, fingerprint: `f-${id}` } };
      };
      const fingerprintsOf = async (lane: Lane) => (await store.fingerprints(lane, "companies", ["a1"]))[0];
      await store.accept([same(LANE, "c2", 2, 1), same(NEIGHBOUR, "n2", 2, 1)]);
      expect(await fingerprintsOf(LANE)).toMatchObject({ fingerprint: "f-c2" });
      expect(await fingerprintsOf(NEIGHBOUR)).toMatchObject({ fingerprint: "f-n2" });
      // Only a message of its own takes one away; what is written takes both.
      await store.accept([update({ id: "n3", version: 3, lane: NEIGHBOUR })]);
      expect(await fingerprintsOf(LANE)).toMatchObject({ fingerprint: "f-c2" });
      expect(await fingerprintsOf(NEIGHBOUR)).toBeUndefined();
      await store.settle(NEIGHBOUR, [deliverQuietly(await firstReady(store, NEIGHBOUR, "companies"), "p1")]);
      expect(await fingerprintsOf(LANE)).toBeUndefined();
    });

    it("is what Hull is to be told", async () => {
      await store.settle(LANE, [deliver(await inFlight(LANE, update({ id: "c1", version: 1 })), "p1")]);
      await store.settle(NEIGHBOUR, [deliver(await inFlight(NEIGHBOUR, theirs), "p1")]);
      const rows = await store.hullUpdates(NEIGHBOUR, 9);
      expect(rows).toMatchObject([{ tenant: NEIGHBOUR.tenant, outcomes: [{ messageId: "n1" }] }]);
      await store.confirmed(
        NEIGHBOUR,
        rows.map((row) => ({ row })),
      );
      expect(await store.hullUpdates(LANE, 9)).toMatchObject([{ outcomes: [{ messageId: "c1" }] }]);
      expect((await store.tally(LANE.tenant)).outcomes).toEqual({});
    });
  });

  describe("when one is erased", () => {
    it("the other's parts stay whole", async () => {
      await deliverOf(LANE, update({ id: "c1", version: 1 }), "mine");
      await deliverOf(NEIGHBOUR, update({ id: "n1", version: 2, lane: NEIGHBOUR }), "theirs");
      await rejected(LANE, update({ id: "c2", version: 3 }));
      await rejected(NEIGHBOUR, update({ id: "n2", version: 4, lane: NEIGHBOUR }));
      await store.accept([
        update({ id: "c3", version: 5 }),
        update({ id: "n3", version: 6, lane: NEIGHBOUR, fields: { notes: "x".repeat(9_000) } }),
      ]);
      const before = await store.inspectRecord(NEIGHBOUR, "companies", "a1");
      await store.forgetTenant(LANE.tenant);

      expect(await store.inspectRecord(NEIGHBOUR, "companies", "a1")).toEqual(before);
      expect(await factOf(NEIGHBOUR)).toEqual(["theirs", "theirs", null]);
      expect(await store.deadLettersOf(NEIGHBOUR)).toMatchObject([{ content: { messageId: "n2" } }]);
      expect(await store.deadLettersOf(LANE)).toEqual([]);
      expect(await entryOf(LANE)).toBeUndefined();
      expect(await store.lanes()).toEqual([NEIGHBOUR]);
    });

    it("whoever comes after it has nothing of what it left", async () => {
      await install(NEIGHBOUR);
      await deliverOf(NEIGHBOUR, theirs, "theirs");
      await deliverOf(LANE, update({ id: "c1", version: 2 }), "mine");
      await store.forgetTenant(LANE.tenant);
      const third: Lane = { ...LANE, tenant: "planhat/org/c3" };
      await store.accept([update({ id: "t1", version: 3, lane: third })]);
      expect(await factOf(third)).toEqual(["mine", null, null]);
      const { record } = await store.inspectRecord(third, "companies", "a1");
      expect(record).toMatchObject({ messageId: "t1" });
      expect(record?.last).toBeUndefined();
    });

    it("nothing of what it had in flight is left to whoever comes after it", async () => {
      await install(NEIGHBOUR);
      await store.accept([update({ id: "c1", version: 1 })]);
      const { seq } = workedOn(await firstReady(store, LANE, "companies"));
      await store.attempt(LANE, [{ type: "companies", hullId: "a1", seq, repeatable: true }]);
      const flights = () => read(database(), (view) => [...view.range(FLIGHTS, [])].length);
      expect(await flights()).toBe(1);
      await store.forgetTenant(LANE.tenant);
      expect(await flights()).toBe(0);
    });

    it("an entity that Hull deleted for one is still delivered for the other", async () => {
      await store.accept([update({ id: "c1", version: 1 }), theirs]);
      const outcomes = await store.forgetEntity(LANE.tenant, { types: ["companies"], children: [] }, "a1");
      expect(outcomes).toMatchObject([{ outcome: { messageId: "c1", code: "forgotten" } }]);
      expect(await firstReady(store, NEIGHBOUR, "companies")).toMatchObject({ content: { messageId: "n1" } });
    });
  });
});
