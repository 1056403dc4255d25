/** Outcomes by the hour. */
import { DAY_MS, describeStore, MINUTE_MS, START_MS } from "./fixture";
import { LANE, NEIGHBOUR, skip } from "./builders";

const HOUR_MS = 60 * MINUTE_MS;
const hour = (ms: number): number => Math.floor(ms / HOUR_MS) * HOUR_MS;
const NAME = "companies/skipped/outside_account_segments";

describeStore("the hours", ({ install, clock, outcomes, store }) => {
  let messages = 0;
  const end = (count: number, lane = LANE): Promise<unknown> =>
    store.accept(
      Array.from({ length: count }, () => {
        messages += 1;
        return skip({ hullId: `a${messages}`, id: `c${messages}`, lane });
      }),
    );
  const counts = (fromMs = 0, { tenant } = LANE) => store.hours(tenant, fromMs);

  it("count what ended in each of them, and only that of the tenant", async () => {
    await end(2);
    await end(1);
    clock.nowMs += HOUR_MS;
    await end(4);
    await end(5, NEIGHBOUR);
    expect(await counts()).toEqual([
      { atMs: hour(START_MS), name: NAME, count: 3 },
      { atMs: hour(START_MS) + HOUR_MS, name: NAME, count: 4 },
    ]);
    expect(await counts(0, NEIGHBOUR)).toMatchObject([{ count: 5 }]);
  });

  it("begin with the one that is asked for", async () => {
    for (let count = 1; count <= 3; count += 1) {
      await end(count);
      clock.nowMs += HOUR_MS;
    }
    const second = hour(START_MS) + HOUR_MS;
    for (const [fromMs, kept] of [
      [second - 1, 3],
      [second, 2],
      [second + HOUR_MS - 1, 2],
      [second + HOUR_MS, 1],
      [second + 5 * HOUR_MS, 0],
    ] as const) {
      expect(await counts(fromMs)).toHaveLength(kept);
    }
  });

  it("are the same as the tally in sum", async () => {
    for (const count of [1, 2, 3]) {
      await end(count);
      clock.nowMs += HOUR_MS;
    }
    const sum = (await counts()).reduce((total, { count }) => total + count, 0);
    expect(await outcomes()).toEqual({ [NAME]: sum });
  });

  it("are forgotten after eight days, and the tally stays", async () => {
    await install();
    await end(1);
    clock.nowMs += DAY_MS;
    await end(2);
    for (const [hours, kept] of [
      [8 * 24, 2],
      [8 * 24 + 1, 1],
      [9 * 24, 1],
      [9 * 24 + 1, 0],
    ] as const) {
      clock.nowMs = START_MS + hours * HOUR_MS;
      await store.housekeep(365 * DAY_MS);
      expect([hours, (await counts()).length]).toEqual([hours, kept]);
    }
    expect(await outcomes()).toEqual({ [NAME]: 3 });
  });

  it("go with a forgotten tenant", async () => {
    await end(1);
    await end(1, NEIGHBOUR);
    await store.forgetTenant(LANE.tenant);
    expect([await counts(), await counts(0, NEIGHBOUR)]).toMatchObject([[], [{ count: 1 }]]);
  });
});
