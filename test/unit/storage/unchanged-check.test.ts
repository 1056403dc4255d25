/** What a store remembers of a record's last unchanged message, and when a message may rely on it. */
import type { EntryRow } from "../../../src/storage/port/rows";
import type { Acceptance } from "../../../src/storage/port/store";
import { describeStore, DAY_MS } from "./fixture";
import {
  deliver,
  deliverQuietly,
  finish,
  forget,
  inSync,
  LANE,
  NEIGHBOUR,
  postpone,
  skip,
  update,
  type MessageOptions,
} from "./builders";

const DIGEST = "what the message says";
let id = 0;

/** A message newer than all before it. */
function next(more: MessageOptions = {}): MessageOptions {
  id += 1;
  return { id: `m${id}`, version: id, ...more };
}

function unchanged(options: MessageOptions, revision: number, fingerprint = DIGEST): Acceptance {
  const acceptance = inSync(options, revision);
  if (acceptance.content.kind !== "unchanged") throw new Error("A message in sync ends unchanged.");
  return { ...acceptance, content: { ...acceptance.content, fingerprint } };
}

function same(options: MessageOptions = next(), fingerprint = DIGEST): Acceptance {
  const { content, ...base } = unchanged(options, 0);
  if (content.kind !== "unchanged") throw new Error("A message in sync ends unchanged.");
  return { ...base, content: { kind: "same", outcome: content.outcome, fingerprint } };
}

describeStore("a message that says the same", (fixture) => {
  const { confirmAll, accept, start, write, clock, entry, find, outcomes, record, settle, store } = fixture;
  beforeEach(() => {
    id = 0;
  });

  /** The record is linked, and its last message ended unchanged. */
  async function inStep(): Promise<void> {
    await write(update(next()));
    await accept(unchanged(next(), (await record("companies", "a1")).revision));
  }

  /** Everything that an answer of `again` must not change. */
  const rowsOf = async (): Promise<unknown> => [
    await store.view(LANE, "companies", ["a1"]),
    await store.tally(LANE.tenant),
    await store.depth(LANE),
  ];

  const fingerprints = async (): Promise<readonly unknown[]> =>
    store.fingerprints(LANE, "companies", ["unknown", "a1"]);

  async function expectForgotten(): Promise<void> {
    expect(await fingerprints()).toEqual([undefined, undefined]);
    const before = await rowsOf();
    expect(await accept(same())).toEqual({ state: "again", outcomes: [], children: [] });
    expect(await rowsOf()).toEqual(before);
  }

  it("ends unchanged, is counted, and leaves its version and its end", async () => {
    await inStep();
    expect(await fingerprints()).toEqual([undefined, { fingerprint: DIGEST }]);
    const message = next();
    const accepted = await accept(same(message));
    expect(accepted).toMatchObject({ state: "ended", outcomes: [{ outcome: "unchanged", messageId: message.id }] });
    const { version, id: messageId } = message;
    expect(await record("companies", "a1")).toMatchObject({ version, messageId, last: { counted: true } });
    expect(await outcomes()).toEqual({ "companies/sent/updated": 1, "companies/unchanged/in_sync": 2 });
    expect(await find("companies", "a1")).toBeUndefined();
    // And so does the next one.
    expect(await accept(same())).toMatchObject({ state: "ended" });
  });

  it("ends those that it swallowed as well", async () => {
    await inStep();
    const { outcomes } = await accept(same(next({ merged: ["old1", "old2"] })));
    const ended = outcomes.map(({ messageId, code }) => `${messageId} ${code}`);
    expect(ended).toEqual(["old1 merged", "old2 merged", "m3 in_sync"]);
  });

  it("is counted once, however often it comes", async () => {
    await inStep();
    const message = next();
    for (let times = 0; times < 3; times += 1) {
      const { state, outcomes } = await accept(same(message));
      expect([state, outcomes[0]?.counted]).toEqual(["ended", times === 0]);
    }
    expect((await store.tally(LANE.tenant)).messages).toBe(3);
  });

  it("is superseded when a newer one was seen", async () => {
    await inStep();
    const { state, outcomes } = await accept(same({ id: "late", version: 0 }));
    expect([state, outcomes[0]?.code]).toEqual(["ended", "newer_message"]);
    expect((await record("companies", "a1")).messageId).toBe("m2");
    expect(await accept(same())).toMatchObject({ state: "ended" });
  });

  /** One more message, which waits. */
  async function waiting(): Promise<EntryRow> {
    await accept(update(next()));
    return entry("companies", "a1");
  }

  it("is compared when it says something else", async () => {
    await inStep();
    expect(await accept(same(next(), "something else"))).toMatchObject({ state: "again" });
    expect(await accept(same(next(), ""))).toMatchObject({ state: "again" });
  });

  it("is compared when nothing is known of the record", async () => {
    await expectForgotten();
    await accept(update(next()));
    await expectForgotten();
  });

  const then = { kind: "wait", notBeforeMs: 0, problem: "" } as const;
  const elsewhere = { ...LANE, remote: "org|planhat|t2" };
  it.each<[string, () => Promise<unknown>]>([
    [
      "when the last unchanged message left no digest",
      async () => accept(inSync(next(), (await record("companies", "a1")).revision)),
    ],
    ["after a message that waits", () => accept(update(next()))],
    ["after a message that is in flight", () => start(update(next()), "update")],
    ["after a message that is postponed", async () => settle(postpone(await waiting(), 5))],
    ["after a message that is delivered", async () => settle(deliver(await waiting(), "p1"))],
    ["after a message that is found gone", async () => settle(forget(await waiting()))],
    ["after a message that is refused", async () => settle(finish(await waiting(), "dead", "no"))],
    ["after a message that a filter kept out", () => accept(skip(next()))],
    [
      "when the link was taken away while nothing waited",
      () => settle({ tenant: LANE.tenant, type: "companies", hullId: "a1", seq: 0, gone: "p1", then }),
    ],
    ["when the remote was made anew, though nothing else happened", () => store.newGeneration(LANE.remote)],
    [
      "when something of the record came from another remote",
      async () => {
        await accept(update(next({ lane: elsewhere })));
        await store.move(elsewhere, LANE.remote);
        expect((await entry("companies", "a1")).content?.messageId).toBe("m3");
      },
    ],
    ["when the record was erased", () => store.forgetEntity(LANE.tenant, { types: ["companies"], children: [] }, "a1")],
  ])("is compared %s", async (_title, work) => {
    await inStep();
    await work();
    await expectForgotten();
  });

  it("is compared after another connector of the remote delivered", async () => {
    await inStep();
    await accept(update(next({ lane: NEIGHBOUR })));
    const [view] = await store.view(NEIGHBOUR, "companies", ["a1"]);
    if (view?.entry === undefined) throw new Error("The neighbour's message waits.");
    // While it waits, somebody else's message is found unchanged once more.
    await accept(unchanged(next(), view.record?.revision ?? 0));
    expect(await fingerprints()).toEqual([undefined, { fingerprint: DIGEST }]);
    await store.settle(NEIGHBOUR, [deliverQuietly(view.entry, "p1")]);
    await expectForgotten();
  });

  it.each([undefined, "A value was left out."])(
    "counts after its delivery, unless something was said of it: %j",
    async (note) => {
      const { content, ...base } = update(next());
      if (content.kind !== "entry") throw new Error("It was to wait.");
      await accept({ ...base, content: { ...content, content: { ...content.content, digest: DIGEST } } });
      const plain = deliverQuietly(await entry("companies", "a1"), "p1");
      if (plain.then.kind !== "end") throw new Error("It was to end.");
      await settle(
        note === undefined ? plain : { ...plain, then: { ...plain.then, outcome: { ...plain.then.outcome, note } } },
      );
      if (note !== undefined) await expectForgotten();
      else expect(await fingerprints()).toEqual([undefined, { fingerprint: DIGEST }]);
    },
  );

  it("goes on counting when the write-back is confirmed, and says when that was", async () => {
    await accept(update(next()));
    await settle(deliver(await entry("companies", "a1"), "p1"));
    await accept(unchanged(next(), (await record("companies", "a1")).revision));
    clock.nowMs += DAY_MS;
    await confirmAll();
    expect(await fingerprints()).toEqual([undefined, { fingerprint: DIGEST, confirmedAtMs: clock.nowMs }]);
    expect(await accept(same())).toMatchObject({ state: "ended" });
  });

  it("goes on counting when old ends are forgotten", async () => {
    await inStep();
    clock.nowMs += 5 * DAY_MS;
    expect(await store.housekeep(DAY_MS)).toBeGreaterThan(0);
    expect((await record("companies", "a1")).last).toBeUndefined();
    expect(await accept(same())).toMatchObject({ state: "ended" });
  });
});
