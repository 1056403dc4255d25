/** What was refused for good: kept, listed, replayed and dropped. */
import { isDeadLetterPlace, deadLetterId } from "../../../src/storage/port/dead-letters";
import type { DeadLetterRow } from "../../../src/storage/port/rows";
import type { DeadLetterKey, Replay } from "../../../src/storage/port/store";
import { LANE, NEIGHBOUR, blockOn, deliver, deliverQuietly, finish, skip, update, userUpdate } from "./builders";
import { DAY_MS, describeStore, START_MS } from "./fixture";

const COMPANY: DeadLetterKey = { ...LANE, type: "companies", hullId: "a1" };
const idOf = (hullId: string, type = "companies"): string => deadLetterId({ ...LANE, type, hullId });

describe("the id of a dead letter", () => {
  it("is short, and the same for the same record", () => {
    expect(deadLetterId(COMPANY)).toMatch(/^[0-9a-f]{12}$/);
    expect(deadLetterId({ ...COMPANY })).toBe(deadLetterId(COMPANY));
  });

  it("differs by remote, tenant, type and Hull id", () => {
    const others = [{ remote: "x" }, { tenant: "x" }, { type: "x" }, { hullId: "x" }].map((more) =>
      deadLetterId({ ...COMPANY, ...more }),
    );
    expect(new Set([deadLetterId(COMPANY), ...others]).size).toBe(5);
  });
});

describeStore("a dead letter", ({ attempt, block, refuse, settle, start, store }) => {
  const BAD = update({ id: "c1", version: 1, fields: { name: "Bad" } });

  it.each(["rejected", "dead"] as const)(
    "keeps what was refused for good (%s), with payload and reason",
    async (how) => {
      await refuse(BAD, how);
      expect(await store.deadLettersOf(LANE)).toMatchObject([
        {
          ...LANE,
          type: "companies",
          hullId: "a1",
          content: { desired: { fields: { name: "Bad" } } },
          ending: { outcome: how, code: "refused", messageId: "c1" },
          attempts: 0,
        },
      ]);
      expect(await store.deadLettersOf(NEIGHBOUR)).toEqual([]);
    },
  );

  it.each(["skipped", "superseded"] as const)("is not kept for what ends %s", async (outcome) => {
    await settle(finish(await start(update()), outcome, "x"));
    expect(await store.deadLettersOf(LANE)).toEqual([]);
  });

  it.each([
    ["delivered and told", deliver],
    ["delivered quietly", deliverQuietly],
  ] as const)("is closed when the record is %s later", async (_, how) => {
    await refuse(BAD);
    await settle(how(await start(update({ id: "c2", version: 2 })), "p1"));
    expect(await store.deadLettersOf(LANE)).toEqual([]);
  });

  it("stays open while later tries are only skipped, and shows the newest refusal", async () => {
    await refuse(BAD);
    await settle(finish(await start(update({ id: "c2", version: 2 })), "skipped", "archived"));
    expect(await store.deadLettersOf(LANE)).toMatchObject([{ ending: { messageId: "c1" } }]);
    await refuse(update({ id: "c3", version: 3 }), "dead", "identity_alarm");
    expect(await store.deadLettersOf(LANE)).toMatchObject([{ ending: { messageId: "c3", code: "identity_alarm" } }]);
  });

  it("is kept for the children of a refused company, too", async () => {
    await block();
    await settle(finish(await attempt("companies", "a1"), "rejected", "refused"));
    const kept = await store.deadLettersOf(LANE);
    expect(kept.map(({ type, ending }) => `${type} ${ending.code}`)).toEqual([
      "companies refused",
      "endusers parent_rejected",
    ]);
  });
});

describeStore("dead letters in a list", ({ first, outcomes, store }) => {
  const refuse = async (hullId: string, code = "refused", lane = LANE): Promise<void> => {
    await store.accept([update({ hullId, id: `c-${hullId}`, lane })]);
    const how = code === "refused" ? "rejected" : "dead";
    await store.settle(lane, [finish(await first(lane, "companies"), how, code)]);
  };
  const ids = (rows: readonly DeadLetterRow[]): string[] => rows.map(({ tenant, hullId }) => `${tenant} ${hullId}`);
  /** Every page, two at a time. */
  const pages = async (filter: { readonly tenant?: string } = {}): Promise<readonly string[]> => {
    const seen: string[] = [];
    for (let after: string | undefined, more = true; more; more = after !== undefined) {
      const page = await store.deadLetters({ ...filter, limit: 2, after });
      expect(page.deadLetters.length).toBeLessThanOrEqual(2);
      seen.push(...ids(page.deadLetters));
      after = page.next;
    }
    return seen;
  };

  it("come page by page, each once", async () => {
    for (const hullId of ["a1", "a2", "a3", "a4", "a5"]) await refuse(hullId);
    expect(await pages()).toEqual(["a1", "a2", "a3", "a4", "a5"].map((id) => `planhat/org/c1 ${id}`));
  });

  it("go on behind one that was closed meanwhile", async () => {
    for (const hullId of ["a1", "a2", "a3"]) await refuse(hullId);
    const { next } = await store.deadLetters({ limit: 1 });
    await store.dropDeadLetter(idOf("a1"));
    expect(ids((await store.deadLetters({ limit: 9, after: next })).deadLetters)).toEqual([
      "planhat/org/c1 a2",
      "planhat/org/c1 a3",
    ]);
  });

  it("are chosen by tenant, type and code", async () => {
    await refuse("a1");
    await refuse("a2", "identity_alarm");
    await refuse("a3", "refused", NEIGHBOUR);
    const list = async (filter: object): Promise<string[]> =>
      ids((await store.deadLetters({ limit: 9, ...filter })).deadLetters);
    expect(await list({})).toHaveLength(3);
    expect(await list({ tenant: NEIGHBOUR.tenant })).toEqual(["planhat/org/c2 a3"]);
    expect(await list({ code: "identity_alarm" })).toEqual(["planhat/org/c1 a2"]);
    expect(await list({ type: "endusers" })).toEqual([]);
    expect(await list({ tenant: LANE.tenant, type: "companies", code: "refused" })).toEqual(["planhat/org/c1 a1"]);
  });

  it("of one tenant come page by page, over every remote that it ever had, and never lead to another's", async () => {
    const elsewhere = { ...LANE, remote: "another-remote" };
    for (const lane of [elsewhere, LANE, NEIGHBOUR]) {
      for (const hullId of ["a1", "a2", "a3"])
        await refuse(`${hullId}-of-${lane.remote}-${lane.tenant}`, "refused", lane);
    }
    const seen = await pages({ tenant: LANE.tenant });
    expect(new Set(seen).size).toBe(6);
    expect(seen).toHaveLength(6);
    expect(seen.every((id) => id.startsWith(`${LANE.tenant} `))).toBe(true);

    const { next: foreign } = await store.deadLetters({ tenant: NEIGHBOUR.tenant, limit: 1 });
    expect(foreign).toBeDefined();
    expect(await store.deadLetters({ tenant: LANE.tenant, limit: 9, after: foreign })).toEqual({ deadLetters: [] });
  });

  it("name a place without the remote's address", async () => {
    await refuse("a1");
    const { next = "" } = await store.deadLetters({ limit: 1 });
    expect(isDeadLetterPlace(next)).toBe(true);
    expect(Buffer.from(next, "base64url").toString()).not.toContain(LANE.remote);
    for (const text of ["", "x", "bnVsbA", "W10", "e30", "WzEsMiwzXQ"]) expect(isDeadLetterPlace(text)).toBe(false);
  });

  it("of somebody else are neither found nor replayed nor dropped", async () => {
    await refuse("a1");
    const id = idOf("a1");
    expect(await store.deadLetter(id, NEIGHBOUR.tenant)).toBeUndefined();
    expect(await store.dropDeadLetter(id, NEIGHBOUR.tenant)).toBeUndefined();
    expect(await store.replayDeadLetter(id, NEIGHBOUR.tenant)).toEqual([]);
    expect(await store.deadLetter(id, LANE.tenant)).toMatchObject({ hullId: "a1" });
    expect(await store.lanes()).toEqual([]);
  });

  it("are found by id, and gone once they are dropped", async () => {
    await refuse("a1");
    expect(await store.deadLetter(idOf("a1"))).toMatchObject({ hullId: "a1", ending: { code: "refused" } });
    expect(await store.dropDeadLetter(idOf("a1"))).toMatchObject({ hullId: "a1" });
    expect(await store.deadLetter(idOf("a1"))).toBeUndefined();
    expect(await store.dropDeadLetter(idOf("a1"))).toBeUndefined();
    expect(await store.deadLettersOf(LANE)).toEqual([]);
    expect(await outcomes()).toEqual({ "companies/rejected/refused": 1 });
  });
});

describeStore("a replayed dead letter", (fixture) => {
  const { accept, attempt, clock, entry, find, outcomes, record, settle, store, write } = fixture;
  const refuse = (version = 5) => fixture.refuse(update({ id: "c1", version, fields: { name: "Bad" } }));
  const replay = (id = idOf("a1")): Promise<readonly Replay[]> => store.replayDeadLetter(id);

  it("waits again with the content it had, as one more message", async () => {
    await refuse();
    expect(await replay()).toMatchObject([{ ...COMPANY, id: idOf("a1"), state: "queued", outcomes: [] }]);
    expect(await entry("companies", "a1")).toMatchObject({
      attempts: 0,
      content: { desired: { fields: { name: "Bad" } }, messageId: "c1", version: 5, replay: true, derived: false },
    });
    expect((await store.tally(LANE.tenant)).messages).toBe(2);
    expect(await outcomes()).toEqual({ "companies/rejected/refused": 1 });
    expect(await store.deadLetter(idOf("a1"))).toBeDefined();
  });

  it("is closed when its record arrives, with one more outcome", async () => {
    await refuse();
    await replay();
    await settle(deliverQuietly(await attempt("companies", "a1"), "p1"));
    expect(await store.deadLettersOf(LANE)).toEqual([]);
    expect(await outcomes()).toEqual({ "companies/rejected/refused": 1, "companies/sent/updated": 1 });
  });

  it("that is refused again is kept, and says that it was replayed", async () => {
    await refuse();
    await replay();
    await settle(finish(await attempt("companies", "a1"), "rejected", "refused"));
    expect(await store.deadLetter(idOf("a1"))).toMatchObject({ content: { replay: true } });
    expect(await outcomes()).toEqual({ "companies/rejected/refused": 2 });
    expect(await replay()).toMatchObject([{ state: "queued" }]);
  });

  it("is counted although its message was a redelivered one", async () => {
    await refuse();
    await fixture.refuse(update({ id: "c1", version: 5 }));
    expect((await store.tally(LANE.tenant)).messages).toBe(1);
    await replay();
    expect((await store.tally(LANE.tenant)).messages).toBe(2);
  });

  it.each([
    ["waits", false],
    ["is in flight", true],
  ])("is left alone while its content %s already", async (_, flying) => {
    await refuse();
    await replay();
    if (flying) await attempt("companies", "a1");
    const before = await entry("companies", "a1");
    expect(await replay()).toMatchObject([{ state: "underway" }]);
    expect(await entry("companies", "a1")).toEqual(before);
    expect((await store.tally(LANE.tenant)).messages).toBe(2);
  });

  it.each([
    ["newer", 6],
    ["later of the same moment", 5],
  ])("ends superseded, and is closed, when a %s message was seen", async (_, version) => {
    await refuse(5);
    await accept(skip({ id: "c2", version }));
    const [replayed] = await replay();
    expect(replayed).toMatchObject({
      state: "superseded",
      outcomes: [{ outcome: { messageId: "c1", outcome: "superseded", code: "newer_message" } }],
    });
    expect(replayed?.outcomes[0]?.outcome.text).toContain("c2");
    expect(await find("companies", "a1")).toBeUndefined();
    expect(await store.deadLettersOf(LANE)).toEqual([]);
    expect((await store.tally(LANE.tenant)).messages).toBe(3);
    expect(await outcomes()).toMatchObject({ "companies/superseded/newer_message": 1 });
    expect((await record("companies", "a1")).messageId).toBe("c2");
  });

  it("never replaces a newer message that waits", async () => {
    await refuse(5);
    await accept(update({ id: "c2", version: 6 }));
    await replay();
    expect((await entry("companies", "a1")).content).toMatchObject({ messageId: "c2" });
    expect((await entry("companies", "a1")).content).not.toHaveProperty("replay");
  });

  it("stays a replay when a newer message takes its place before it is delivered", async () => {
    await refuse(5);
    await replay();
    await accept(update({ id: "c2", version: 6 }));
    expect((await entry("companies", "a1")).content).toMatchObject({ messageId: "c2", replay: true });
    expect(await outcomes()).toMatchObject({ "companies/superseded/newer_message": 1 });
  });

  it("is not counted twice when Hull sends its message once more meanwhile", async () => {
    await refuse();
    await replay();
    await accept(update({ id: "c1", version: 5 }));
    clock.nowMs = START_MS + 5 * DAY_MS;
    await write(update({ id: "c1", version: 5 }));
    const ended = Object.values(await outcomes()).reduce((sum, count) => sum + count, 0);
    expect((await store.tally(LANE.tenant)).messages).toBe(ended);
  });

  it("that nobody knows is answered with nothing", async () => {
    expect(await replay("000000000000")).toEqual([]);
  });
});

describeStore("a refused company with users that failed because of it", (fixture) => {
  const { confirmAll, refuse, block, accept, attempt, entry, outcomes, settle, store } = fixture;
  const orphan = async (how: "rejected" | "dead" = "rejected"): Promise<void> => {
    for (const hullId of ["e1", "e2"]) await block({ hullId, id: `u-${hullId}` });
    await refuse(update({ id: "c1" }), how, how === "dead" ? "identity_alarm" : "refused");
  };

  it.each(["rejected", "dead"] as const)("takes them along when it (%s) is replayed", async (how) => {
    await orphan(how);
    const replayed = await store.replayDeadLetter(idOf("a1"));
    expect(replayed.map(({ type, hullId, state }) => `${type} ${hullId} ${state}`)).toEqual([
      "companies a1 queued",
      "endusers e1 queued",
      "endusers e2 queued",
    ]);
    await settle(blockOn(await entry("endusers", "e1")));
    await settle(deliver(await attempt("companies", "a1"), "p1"));
    for (const hullId of ["e1", "e2"]) await settle(deliver(await attempt("endusers", hullId), `p-${hullId}`));
    expect(await store.deadLettersOf(LANE)).toEqual([]);
    await confirmAll();
    const tally = await store.tally(LANE.tenant);
    expect(tally.messages).toBe(6);
    expect(Object.values(await outcomes()).reduce((sum, count) => sum + count, 0)).toBe(6);
  });

  it("leaves a user alone that was refused for itself", async () => {
    await refuse(userUpdate({ parent: "a1", hullId: "e9", id: "u9" }));
    await orphan();
    const replayed = await store.replayDeadLetter(idOf("a1"));
    expect(replayed.map(({ hullId }) => hullId)).toEqual(["a1", "e1", "e2"]);
  });

  it("is replayed as what it was when it had only been made for its users", async () => {
    await block();
    await settle(finish(await attempt("companies", "a1"), "rejected", "refused"));
    const made = (await store.tally(LANE.tenant)).derived["companies"];
    await store.replayDeadLetter(idOf("a1"));
    expect((await entry("companies", "a1")).content).toMatchObject({ derived: true, replay: true, version: 0 });
    expect(await store.tally(LANE.tenant)).toMatchObject({ messages: 2, derived: { companies: (made ?? 0) + 1 } });
    await settle(deliverQuietly(await attempt("companies", "a1"), "p1"));
    expect((await store.tally(LANE.tenant)).derived).toMatchObject({ "companies/sent/updated": 1 });
  });

  it("made for its users again is kept as what Hull itself had said about it", async () => {
    await orphan();
    await block({ hullId: "e3", id: "u3" });
    await settle(finish(await attempt("companies", "a1"), "dead", "identity_alarm"));
    expect(await store.deadLetter(idOf("a1"))).toMatchObject({
      content: { messageId: "c1", derived: false },
      ending: { code: "identity_alarm" },
    });
    expect((await store.replayDeadLetter(idOf("a1"))).map(({ state }) => state)).toEqual(Array(4).fill("queued"));
  });

  it("made for its users is replayed even if a message about it was kept out since", async () => {
    await block();
    await settle(finish(await attempt("companies", "a1"), "rejected", "refused"));
    await accept(skip({ id: "c1", version: 7 }));
    expect(await store.replayDeadLetter(idOf("a1"))).toMatchObject([{ state: "queued" }, { state: "queued" }]);
    expect(await store.replayDeadLetter(idOf("a1"))).toMatchObject([{ state: "underway" }, { state: "underway" }]);
  });

  it("takes the events of its users along, too", async () => {
    await block();
    const event = { type: "activities", hullId: "event-1", id: "u1", version: 0 };
    await block({ ...event, parent: "e1", parentType: "endusers" });
    await settle(finish(await attempt("companies", "a1"), "rejected", "refused"));
    const replayed = await store.replayDeadLetter(idOf("a1"));
    expect(replayed.map(({ type }) => type)).toEqual(["companies", "endusers", "activities"]);
  });

  it("lets them go even when its own dead letter turned out to be old", async () => {
    await orphan();
    await accept(update({ id: "c2", version: 9 }));
    const replayed = await store.replayDeadLetter(idOf("a1"));
    const states = replayed.map(({ hullId, state }) => `${hullId} ${state}`);
    expect(states).toEqual(["a1 superseded", "e1 queued", "e2 queued"]);
  });
});
