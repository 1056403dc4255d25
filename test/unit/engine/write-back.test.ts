import { sendHullUpdates, type WriteBackOptions } from "../../../src/engine/hull-updates/write-back";
import type { Firehose, FirehoseResult } from "../../../src/hull/firehose/firehose";
import type { FirehoseItem } from "../../../src/hull/firehose/items";
import { OBJECT_TYPES } from "../../../src/services/planhat/object-types";
import type { HullUpdate } from "../../../src/storage/port/rows";
import type { RecordOutcome } from "../../../src/storage/port/store";
import { setUpStore } from "../storage/fixture";
import { deliver, LANE, update } from "../storage/builders";

const ACCEPTED: FirehoseResult = { state: "accepted" };
const REFUSED: FirehoseResult = { state: "refused", status: 400, reason: "bad value" };

const { store, clock, outcomes: counts, accept, attempt, settle } = setUpStore("memory");
let outcomes: RecordOutcome[];
let problems: string[];
beforeEach(() => {
  outcomes = [];
  problems = [];
});

/** Hull, which answers each item in turn as it is told to. */
function fakeFirehose(answer: (item: FirehoseItem, index: number) => FirehoseResult = () => ACCEPTED) {
  const sent: FirehoseItem[][] = [];
  const firehose: Firehose = {
    send: (items) => {
      sent.push([...items]);
      return Promise.resolve(items.map(answer));
    },
    close: () => undefined,
  };
  return { firehose, sent };
}

/** One round; true when it says that there may be more. */
async function tell(firehose: Firehose, more: Partial<WriteBackOptions> = {}): Promise<boolean> {
  const told = await sendHullUpdates({
    store,
    firehose,
    lane: LANE,
    types: OBJECT_TYPES,
    serviceName: "planhat",
    batch: 100,
    retry: { baseMs: 1_000, capMs: 60_000 },
    unauthorisedMs: 600_000,
    now: () => clock.nowMs,
    onOutcomes: (more) => outcomes.push(...more),
    ...more,
  });
  if (told.hindrance !== undefined) problems.push(told.hindrance.message);
  return told.more;
}

async function delivered(type: string, hullId: string, tell: Partial<HullUpdate> = {}): Promise<void> {
  await accept(update({ id: `m-${hullId}`, type, hullId }));
  const claims: HullUpdate["claims"] = type === "endusers" ? { email: `${hullId}@x` } : { external_id: hullId };
  const attributes = { "planhat/id": `p-${hullId}` };
  await settle(deliver(await attempt(type, hullId), `p-${hullId}`, { tell: { claims, attributes, ...tell } }));
}

describe("telling Hull", () => {
  it("does nothing when there is nothing to tell", async () => {
    const { firehose, sent } = fakeFirehose();
    expect(await tell(firehose)).toBe(false);
    expect(sent).toEqual([]);
  });

  it("sends attributes of users and accounts under the claims that Hull knows and the remote id", async () => {
    await delivered("companies", "a1");
    await delivered("endusers", "e1");
    const { firehose, sent } = fakeFirehose();
    expect(await tell(firehose)).toBe(true);
    expect(sent).toEqual([
      [
        {
          type: "traits",
          subject: "account",
          account: { external_id: "a1", anonymous_id: "planhat:p-a1" },
          attributes: { "planhat/id": "p-a1" },
        },
        {
          type: "traits",
          subject: "user",
          user: { email: "e1@x", anonymous_id: "planhat:p-e1" },
          attributes: { "planhat/id": "p-e1" },
        },
      ],
    ]);
    expect(outcomes.map(({ hullId, outcome: ending }) => `${hullId} ${ending.outcome}`)).toEqual([
      "a1 sent",
      "e1 sent",
    ]);
    expect(await store.depth(LANE)).toEqual({ outbox: 0, hullUpdates: 0 });
  });

  it("links a user to its account in an item of its own", async () => {
    await delivered("endusers", "e1", { account: { external_id: "acme" } });
    const { firehose, sent } = fakeFirehose();
    await tell(firehose);
    expect(sent[0]?.[1]).toEqual({
      type: "link",
      user: { email: "e1@x", anonymous_id: "planhat:p-e1" },
      account: { external_id: "acme" },
    });
  });

  it("sends the link alone when there is no attribute", async () => {
    await delivered("endusers", "e1", { attributes: {}, account: { external_id: "acme" } });
    const { firehose, sent } = fakeFirehose();
    await tell(firehose);
    expect(sent[0]?.map(({ type }) => type)).toEqual(["link"]);
    expect(outcomes).toHaveLength(1);
  });

  it("takes one batch at a time", async () => {
    for (const hullId of ["a1", "a2", "a3"]) await delivered("companies", hullId);
    const { firehose, sent } = fakeFirehose();
    expect(await tell(firehose, { batch: 2 })).toBe(true);
    expect(await tell(firehose, { batch: 2 })).toBe(true);
    expect(await tell(firehose, { batch: 2 })).toBe(false);
    expect(sent.map((items) => items.length)).toEqual([2, 1]);
  });
});

describe("a row that Hull refuses for good", () => {
  it("ends sent, because the service has it, with Hull's refusal as the reason", async () => {
    await delivered("companies", "a1");
    const { firehose } = fakeFirehose(() => REFUSED);
    expect(await tell(firehose)).toBe(true);
    expect(outcomes).toMatchObject([{ outcome: { outcome: "sent", code: "hull_refused", messageId: "m-a1" } }]);
    expect(outcomes[0]?.outcome.text).toContain("bad value");
    expect(await counts()).toEqual({ "companies/sent/hull_refused": 1 });
  });

  it("does not take others down", async () => {
    for (const hullId of ["a1", "a2", "a3"]) await delivered("companies", hullId);
    const { firehose } = fakeFirehose((_, index) => (index === 1 ? REFUSED : ACCEPTED));
    await tell(firehose);
    expect(await counts()).toEqual({ "companies/sent/updated": 2, "companies/sent/hull_refused": 1 });
  });

  it("is refused as a whole when only its link is", async () => {
    await delivered("endusers", "e1", { account: { external_id: "acme" } });
    const { firehose } = fakeFirehose((item) => (item.type === "link" ? REFUSED : ACCEPTED));
    await tell(firehose);
    expect(await counts()).toEqual({ "endusers/sent/hull_refused": 1 });
  });
});

describe("a row that Hull cannot take now", () => {
  const later = (retryAfterMs?: number): FirehoseResult => ({
    state: "later",
    reason: "503",
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });

  it("waits, longer with every try, and holds nothing else back", async () => {
    await delivered("companies", "a1");
    await delivered("companies", "a2");
    const { firehose } = fakeFirehose((_, index) => (index === 0 ? later() : ACCEPTED));
    expect(await tell(firehose)).toBe(false);
    expect(await counts()).toEqual({ "companies/sent/updated": 1 });
    const waits: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      const due = (await store.nextHullUpdateDue(LANE)) ?? 0;
      waits.push(due - clock.nowMs);
      clock.nowMs = due;
      expect(await tell(firehose)).toBe(false);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    expect(problems).toHaveLength(9);
    expect(problems[0]).toContain("503");
  });

  it("waits at least as long as Hull asks", async () => {
    await delivered("companies", "a1");
    await tell(fakeFirehose(() => later(90_000)).firehose);
    expect(await store.nextHullUpdateDue(LANE)).toBe(clock.nowMs + 90_000);
  });

  it("waits the longer pause when Hull refuses the credentials, and says so", async () => {
    await delivered("companies", "a1");
    const { firehose } = fakeFirehose(() => ({ state: "unauthorised", status: 401 }));
    expect(await tell(firehose)).toBe(false);
    expect(await store.nextHullUpdateDue(LANE)).toBe(clock.nowMs + 600_000);
    expect(problems[0]).toMatch(/401/);
    expect(await counts()).toEqual({});
  });

  it("waits when only one of its two items got through, even if the other was refused", async () => {
    await delivered("endusers", "e1", { account: { external_id: "acme" } });
    await tell(fakeFirehose((item) => (item.type === "link" ? later() : REFUSED)).firehose);
    expect(await counts()).toEqual({});
    clock.nowMs += 1_000;
    const { firehose, sent } = fakeFirehose();
    await tell(firehose);
    expect(sent[0]).toHaveLength(2);
    expect(await counts()).toEqual({ "endusers/sent/updated": 1 });
  });

  it("is told with everything that was delivered meanwhile", async () => {
    await delivered("companies", "a1", { attributes: { a: 1, b: 1 } });
    await tell(fakeFirehose(() => later()).firehose);
    await accept(update({ id: "m-2", hullId: "a1", version: 2 }));
    const next = deliver(await attempt("companies", "a1"), "p-a1", { tell: { attributes: { b: 2 } } });
    await settle(next);
    clock.nowMs += 1_000;
    const { firehose, sent } = fakeFirehose();
    await tell(firehose);
    expect(sent[0]).toMatchObject([{ attributes: { a: 1, b: 2 } }]);
    expect(await counts()).toEqual({ "companies/sent/updated": 2 });
  });
});
