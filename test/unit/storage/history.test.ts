/** What became of records: page by page, by reason and by run, record by record, and for how long. */
import { HISTORY_PLACE } from "../../../src/storage/port/figures";
import type { HistoryLine, HistoryPage } from "../../../src/storage/port/store";
import { deliver, LANE, skip, update, workedOn } from "./builders";
import { DAY_MS, describeStore, MINUTE_MS } from "./fixture";

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

describeStore(
  "what became of records",
  ({ store, clock, accept, start, settle, confirmAll, refuse, install, sweep }) => {
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
  },
);
