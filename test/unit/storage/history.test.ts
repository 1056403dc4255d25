/** What became of records: page by page, by reason and by run, record by record, and for how long. */
import sumBy from "lodash/sumBy";
import { HISTORY } from "../../../src/storage/tables/tables";
import { HISTORY_PLACE } from "../../../src/storage/port/figures";
import type { HistoryLine, HistoryPage } from "../../../src/storage/port/store";
import { deliver, LANE, skip, update, workedOn } from "./builders";
import { DAY_MS, describeStore, MINUTE_MS, openStore } from "./fixture";

const SKIPPED = { type: "companies", outcome: "skipped", code: "outside_account_segments" };
const COMPANY = { type: "companies", hullId: "a1" };
const { tenant } = LANE;

/** Whom lines are about, and how their messages ended. */
const said = (lines: readonly HistoryLine[]): readonly string[] =>
  lines.map(({ hullId, sent, ending }) =>
    [
      hullId,
      ...(sent === undefined ? [] : [`sent ${Object.keys(sent).join(", ")}`]),
      ...(ending ? [ending.code] : []),
    ].join(" "),
  );

describeStore("what became of records", ({ store, database, clock, ...actions }) => {
  const { accept, start, settle, confirmAll, refuse, install, sweep, record } = actions;
  /** All pages. */
  async function pagesOf(query: Partial<Parameters<typeof store.history>[0]> = {}): Promise<readonly HistoryPage[]> {
    const pages: HistoryPage[] = [];
    let after: string | undefined;
    do {
      const page: HistoryPage = await store.history({ tenant, limit: 2, after, ...query });
      pages.push(page);
      after = page.next;
      if (after !== undefined) expect(after).toMatch(HISTORY_PLACE);
    } while (after !== undefined);
    return pages;
  }

  const linesOf = async (query: Partial<Parameters<typeof store.history>[0]> = {}): Promise<readonly HistoryLine[]> =>
    (await pagesOf(query)).flatMap(({ lines }) => lines);

  it("is told page by page, the newest first, of one reason and of one run too", async () => {
    const ids = ["a1", "a2", "a3"];
    await store.accept(ids.map((hullId) => skip({ hullId, id: `m/${hullId}` })));
    clock.nowMs += MINUTE_MS;
    await store.accept(ids.map((hullId) => skip({ hullId, id: `n/${hullId}`, version: 2 })));
    await refuse(update({ hullId: "a4", id: "m/a4" }));
    const pages = await pagesOf();
    expect(pages.map(({ lines }) => lines.length)).toEqual([2, 2, 2, 1]);
    expect(said(pages.flatMap(({ lines }) => lines))).toEqual([
      "a4 refused",
      ...["a3", "a2", "a1", "a3", "a2", "a1"].map((id) => `${id} outside_account_segments`),
    ]);
    const [newest] = await linesOf({ ...SKIPPED, limit: 200 });
    expect(newest).toEqual({
      ...COMPANY,
      hullId: "a3",
      atMs: clock.nowMs,
      ending: {
        outcome: "skipped",
        code: "outside_account_segments",
        text: "outside_account_segments.",
        messageId: "n/a3",
      },
    });
    expect(said(await linesOf({ ...SKIPPED, limit: 4 }))).toHaveLength(6);
    expect(await linesOf({ outcome: "rejected" })).toHaveLength(1);
    expect(await linesOf({ ...SKIPPED, code: "other" })).toEqual([]);
    expect(await linesOf({ untilMs: clock.nowMs })).toHaveLength(3);
    expect(await linesOf({ fromMs: clock.nowMs })).toHaveLength(4);
    expect(await linesOf({ tenant: "planhat/org/c9" })).toEqual([]);
  });

  it("is told of one record in order, with the fields that were sent", async () => {
    await accept(skip({ id: "m1" }));
    const entry = await start(update({ id: "m2", version: 2 }), "update");
    const sent = { name: '"Acme"', ssn: undefined };
    clock.nowMs += MINUTE_MS;
    await settle({ ...deliver(entry, "p1"), sent });
    await store.accept([skip({ hullId: "a2", id: "other" })]);
    clock.nowMs += MINUTE_MS;
    await confirmAll();
    const lines = await store.timeline(LANE, COMPANY, 10);
    expect(said(lines)).toEqual(["a1 updated", "a1 sent name, ssn", "a1 outside_account_segments"]);
    expect(lines[1]).toEqual({ ...COMPANY, atMs: clock.nowMs - MINUTE_MS, sent });
    // The outcome, which waited for Hull, has what was sent before.
    expect(await linesOf({ outcome: "sent" })).toMatchObject([{ hullId: "a1", sent, ending: { code: "updated" } }]);
    expect(said(await store.timeline(LANE, COMPANY, 2))).toEqual(["a1 updated", "a1 sent name, ssn"]);
    expect(await store.timeline({ ...LANE, tenant: "planhat/org/c2" }, COMPANY, 10)).toEqual([]);
  });

  it("has one line for what was sent and ended at once, and none for a message that comes again", async () => {
    const entry = await start(update({ id: "m1" }), "update");
    const { messageId } = workedOn(entry);
    const then = {
      kind: "end",
      outcome: { messageId, outcome: "sent", code: "updated", text: "", atMs: 5, counted: true },
    } as const;
    await settle({ ...deliver(entry, "p1"), sent: { name: "1" }, then });
    await accept(skip({ id: "m1", version: 1 }));
    expect(await store.timeline(LANE, COMPANY, 10)).toMatchObject([
      { sent: { name: "1" }, ending: { code: "updated" } },
    ]);
  });

  it("goes after its days, and its records' trails end there", async () => {
    await install();
    await accept(skip({ id: "m1" }));
    clock.nowMs += 2 * DAY_MS;
    await accept(skip({ id: "m2", version: 2 }));
    // How messages ended bears no date here.
    await store.housekeep(clock.nowMs, DAY_MS);
    expect(said(await linesOf())).toEqual(["a1 outside_account_segments"]);
    expect(said(await linesOf(SKIPPED))).toEqual(["a1 outside_account_segments"]);
    expect(await store.timeline(LANE, COMPANY, 10)).toHaveLength(1);
    clock.nowMs += 40 * DAY_MS;
    await sweep(30 * DAY_MS);
    expect(await linesOf()).toEqual([]);
    expect(await store.timeline(LANE, COMPANY, 10)).toEqual([]);
  });

  it("goes with its record and with its tenant, and not with others", async () => {
    await install();
    const both = (id: string, version: number): ReturnType<typeof skip>[] =>
      ["a1", "a2"].map((hullId) => skip({ hullId, id: `${id}/${hullId}`, version }));
    await store.accept(both("m", 1));
    clock.nowMs += MINUTE_MS;
    await store.accept(both("n", 2));
    await store.forgetEntity(tenant, { types: ["companies"], children: [] }, "a1");
    expect(said(await linesOf())).toEqual(["a2 outside_account_segments", "a2 outside_account_segments"]);
    expect(await store.timeline(LANE, COMPANY, 10)).toEqual([]);
    await store.forgetTenant(tenant);
    expect(await linesOf()).toEqual([]);
    expect(await linesOf(SKIPPED)).toEqual([]);
  });

  it("keeps the lines of every opening of the store, also of those within one minute", async () => {
    await accept(skip({ id: "m1" }));
    const next = await openStore({ database: database(), now: () => clock.nowMs });
    await next.accept([skip({ id: "m2", version: 2 }), skip({ id: "m3", hullId: "a2" })]);
    expect(await store.timeline(LANE, COMPANY, 10)).toHaveLength(2);
    expect(await linesOf()).toHaveLength(3);
  });

  it("leads on from a record whose last outcome was forgotten before its history is", async () => {
    await accept(skip({ id: "m1" }));
    await accept(skip({ id: "m2", version: 2 }));
    // How messages ended bears no date here.
    await store.housekeep(DAY_MS, 10 * DAY_MS);
    expect((await record("companies", "a1")).last).toBeUndefined();
    expect(await store.timeline(LANE, COMPANY, 10)).toHaveLength(2);
  });

  it("names nobody who was erased, neither in what ended then nor in what comes back from the service", async () => {
    const entry = await start(update({ id: "m1" }), "update");
    await store.forgetEntity(tenant, { types: ["companies"], children: [] }, "a1");
    await settle({ ...deliver(entry, "p1"), sent: { name: '"Acme"' } });
    expect(await linesOf()).toMatchObject([{ hullId: "", ending: { code: "forgotten" } }]);
    const rows = await database().read((all) => [...all.range(HISTORY.name, [])].map(([, value]) => value));
    expect(JSON.stringify(rows)).not.toMatch(/"a1"|"m1"|Acme/);
  });

  it("of several outcomes that were folded says how many there were, and of which run", async () => {
    await store.beginRun({ id: "r1", tenant, kind: "batch", type: "companies", options: {} }, false);
    for (let version = 1; version <= 25; version += 1) {
      const message = update({ id: `m${version}`, version, fields: { name: `${version}` } });
      const entry = await start({ ...message, run: "r1" }, "update");
      await settle(deliver(entry, "p1"));
    }
    await confirmAll();
    const lines = await linesOf({ run: "r1", limit: 200 });
    expect(sumBy(lines, ({ ending }) => ending?.times ?? 1)).toBe(25);
    expect(lines.length).toBeLessThan(25);
    expect(await store.run("r1")).toMatchObject({ done: 25 });
  });
});
