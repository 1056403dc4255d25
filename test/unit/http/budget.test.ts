import fc from "fast-check";
import {
  createBudget,
  createBudgetRegistry,
  BudgetClosedError,
  type BudgetClass,
} from "../../../src/http/limits/budget";
import { createFakeTime, settle } from "./fake-time";

function setUp(limit: number | null, more: { interactiveReserve?: number } = {}) {
  const time = createFakeTime();
  const budget = createBudget({ limit, clock: time.clock, sleep: time.sleep, ...more });
  const started: { asking: BudgetClass; at: number }[] = [];
  const start = time.clock();
  const ask = (asking: BudgetClass, times = 1): void => {
    for (let i = 0; i < times; i += 1) {
      budget.take(asking).then(
        () => started.push({ asking, at: time.clock() - start }),
        () => undefined,
      );
    }
  };
  const count = (asking: BudgetClass): number => started.filter((entry) => entry.asking === asking).length;
  return { time, budget, started, ask, count };
}

describe("the request budget", () => {
  it("lets everybody start while there is room, and no one beyond the limit", async () => {
    const { time, budget, ask, count } = setUp(10, { interactiveReserve: 0 });
    ask("delivery", 12);
    await settle();
    expect(count("delivery")).toBe(10);
    expect(await budget.left()).toBe(0);
    await time.advance(59_999);
    expect(count("delivery")).toBe(10);
    await time.advance(1);
    expect(count("delivery")).toBe(12);
  });

  it("keeps a reserve for people", async () => {
    const { ask, count } = setUp(100);
    ask("delivery", 200);
    ask("interactive", 5);
    await settle();
    expect([count("delivery"), count("interactive")]).toEqual([95, 5]);
  });

  it("gives fetches at most half, and deliveries what is left", async () => {
    const { ask, count } = setUp(100);
    ask("fetch", 200);
    await settle();
    expect(count("fetch")).toBe(50);
    ask("delivery", 200);
    await settle();
    expect(count("delivery")).toBe(45);
  });

  it("serves interactive before delivery before fetch, each in order of arrival", async () => {
    const { time, started, ask } = setUp(1);
    ask("fetch", 2);
    ask("delivery");
    ask("interactive");
    await time.advance(200_000);
    expect(started.map((entry) => entry.asking)).toEqual(["fetch", "interactive", "delivery", "fetch"]);
    expect(started.map((entry) => entry.at)).toEqual([0, 60_000, 120_000, 180_000]);
  });

  it("lets nobody start within a penalty, limit or not", async () => {
    const { time, budget, ask, count } = setUp(null);
    await budget.penalise(5_000);
    await budget.penalise(1_000);
    ask("interactive");
    await time.advance(4_999);
    expect([count("interactive"), await budget.left()]).toEqual([0, 0]);
    await time.advance(1);
    expect([count("interactive"), await budget.left()]).toEqual([1, Infinity]);
  });

  it("forgets a waiter that gave up, and leaves no timer behind", async () => {
    const { time, budget } = setUp(1);
    await budget.take("delivery");
    const controller = new AbortController();
    const waiting = budget.take("delivery", controller.signal);
    await settle();
    expect(time.sleepers()).toBe(1);
    controller.abort();
    await expect(waiting).rejects.toThrow(/abort/i);
    expect(time.sleepers()).toBe(0);
    await expect(budget.take("delivery", controller.signal)).rejects.toThrow(/abort/i);
  });

  it("refuses everybody when it is closed, and leaves no timer behind", async () => {
    const { time, budget } = setUp(1);
    await budget.take("delivery");
    const waiting = budget.take("fetch");
    budget.close();
    await expect(waiting).rejects.toBeInstanceOf(BudgetClosedError);
    await expect(budget.take("interactive")).rejects.toBeInstanceOf(BudgetClosedError);
    expect(time.sleepers()).toBe(0);
  });

  it("takes a new limit at once", async () => {
    const { budget, ask, count } = setUp(1);
    ask("delivery", 4);
    await settle();
    budget.setLimit(3);
    await settle();
    expect(count("delivery")).toBe(3);
    expect(() => budget.setLimit(0)).toThrow(RangeError);
  });

  it("survives a clock that is set back", async () => {
    const { time, budget, ask, count } = setUp(1);
    ask("delivery", 1);
    await settle();
    time.set(time.clock() - 3_600_000);
    expect(await budget.left()).toBe(0);
    ask("delivery", 1);
    await time.advance(60_000);
    expect(count("delivery")).toBe(2);
  });

  it("never exceeds its limits within any minute, whoever asks when, and serves everybody in the end", async () => {
    const step = fc.record({
      asking: fc.constantFrom<BudgetClass>("interactive", "delivery", "fetch"),
      times: fc.integer({ min: 1, max: 8 }),
      thenMs: fc.integer({ min: 0, max: 40_000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 30 }), fc.array(step, { maxLength: 15 }), async (limit, steps) => {
        const { time, started, ask, budget } = setUp(limit);
        for (const { asking, times, thenMs } of steps) {
          ask(asking, times);
          await time.advance(thenMs);
        }
        await time.advance(60_000 * 130);
        const within = (from: number, which?: BudgetClass): number =>
          started.filter((e) => e.at >= from && e.at < from + 60_000 && (which ?? e.asking) === e.asking).length;
        for (const { at } of started) {
          expect(within(at)).toBeLessThanOrEqual(limit);
          expect(within(at, "fetch")).toBeLessThanOrEqual(Math.max(1, limit / 2));
        }
        expect(started).toHaveLength(steps.reduce((sum, { times }) => sum + times, 0));
        expect(time.sleepers()).toBe(0);
        budget.close();
      }),
      { numRuns: 40 },
    );
  });
});

describe("the budget registry", () => {
  it("can be looked at without making a budget or changing one", async () => {
    const time = createFakeTime();
    const registry = createBudgetRegistry({ clock: time.clock, sleep: time.sleep });
    expect(await registry.look("one")).toBeUndefined();
    expect(await registry.left()).toBe(Infinity);
    await registry.get("one", 20).take("delivery");
    expect(await registry.look("one")).toEqual({ left: 19, limit: 20, per: "minute" });
    expect(await registry.look("one")).toEqual({ left: 19, limit: 20, per: "minute" });
    expect(await registry.look("two")).toBeUndefined();
  });

  it("shares one budget among all who count under a key, with the newest limit", async () => {
    const time = createFakeTime();
    const registry = createBudgetRegistry({ clock: time.clock, sleep: time.sleep });
    const budget = registry.get("api.planhat.com:abc", 10);
    await budget.take("delivery");
    expect(registry.get("api.planhat.com:abc", 20)).toBe(budget);
    expect(await budget.left()).toBe(19);
    expect(registry.get("other", 10)).not.toBe(budget);
    registry.close();
    await expect(budget.take("delivery")).rejects.toBeInstanceOf(BudgetClosedError);
  });

  it("tells what the tightest budget grants", async () => {
    const time = createFakeTime();
    const registry = createBudgetRegistry({ clock: time.clock, sleep: time.sleep });
    expect(await registry.left()).toBe(Infinity);
    registry.get("wide", 20);
    await registry.get("tight", 10).take("delivery");
    registry.get("boundless", null);
    expect(await registry.left()).toBe(9);
    registry.close();
  });
});

describe("a budget that outlives its process", () => {
  /** A memory that several budgets share, one after the other. */
  function createMemory() {
    const starts: number[] = [];
    let broken = false;
    return {
      starts: (sinceMs: number) => Promise.resolve(starts.filter((at) => at >= sinceMs)),
      add: (atMs: number) => {
        if (broken) return Promise.reject(new Error("The disk is full."));
        starts.push(atMs);
        return Promise.resolve();
      },
      breakDown: (isBroken: boolean) => void (broken = isBroken),
    };
  }
  const HOUR_MS = 3_600_000;

  it("never passes its hour, however often it begins anew", async () => {
    const time = createFakeTime();
    const memory = createMemory();
    const begin = () =>
      createBudget({
        limit: 10,
        windowMs: HOUR_MS,
        interactiveReserve: 0,
        memory,
        clock: time.clock,
        sleep: time.sleep,
      });
    let started = 0;
    const ask = (budget: ReturnType<typeof begin>, times: number): void => {
      for (let i = 0; i < times; i += 1)
        budget.take("delivery").then(
          () => (started += 1),
          () => undefined,
        );
    };
    const first = begin();
    ask(first, 6);
    await settle();
    await time.advance(HOUR_MS / 2);
    first.close();
    const second = begin();
    ask(second, 20);
    await settle();
    expect(started).toBe(10);
    await time.advance(HOUR_MS / 2 - 1);
    expect(started).toBe(10);
    await time.advance(1);
    expect(started).toBe(16);
    second.close();
  });

  it("counts what was started by a clock that has been set back since", async () => {
    const time = createFakeTime();
    const memory = createMemory();
    const begin = (clock: () => number) =>
      createBudget({ limit: 10, windowMs: HOUR_MS, interactiveReserve: 0, memory, clock, sleep: time.sleep });
    const first = begin(time.clock);
    for (let times = 0; times < 6; times += 1) await first.take("delivery");
    first.close();
    const second = begin(() => time.clock() - HOUR_MS / 2);
    let started = 0;
    for (let times = 0; times < 20; times += 1) {
      second.take("delivery").then(
        () => (started += 1),
        () => undefined,
      );
    }
    await settle();
    expect(started).toBe(4);
    second.close();
  });

  it("starts nothing that it cannot remember", async () => {
    const time = createFakeTime();
    const memory = createMemory();
    const budget = createBudget({ limit: 10, windowMs: HOUR_MS, memory, clock: time.clock, sleep: time.sleep });
    memory.breakDown(true);
    await expect(budget.take("delivery")).rejects.toThrow("The disk is full.");
    memory.breakDown(false);
    await expect(budget.take("delivery")).resolves.toBeUndefined();
    budget.close();
  });
});
