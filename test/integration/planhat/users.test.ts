/** Planhat's users: how their calls stand in the line for the budget, and how long anybody waits. */
import { createPlanhatSimulator, type PlanhatSimulator } from "../../../simulators/planhat";
import type { BudgetClass } from "../../../src/http/limits/budget";
import type { Sleep } from "../../../src/http/time";
import { readSettings } from "../../../src/services/planhat/settings/settings";
import { targetOf } from "../../../src/services/planhat/settings/target";
import { createUsers, type Connected, type PlanhatUsers, type Users } from "../../../src/services/planhat/users/users";
import type { PlanhatSettings } from "../../../src/services/planhat/settings/settings";
import { notedBudget, registryOf } from "./planhat";

const NEW = { email: "new@rep.example", firstName: "New", lastName: "One" };

let sim: PlanhatSimulator;
let users: PlanhatUsers | undefined;
let taken: BudgetClass[];
let pauses: number[];
beforeEach(async () => {
  sim = createPlanhatSimulator({ quotaPerMinute: null });
  await sim.listen();
  [taken, pauses] = [[], []];
});
afterEach(async () => {
  users?.close();
  await sim.close();
});

function asker(): Connected<PlanhatSettings> {
  const read = readSettings({ personal_acccess_token: "planhat-token" });
  if (!read.ok) throw new Error(read.problems.join());
  const target = targetOf(read.settings, sim.url, "key");
  if (target === undefined) throw new Error("No target.");
  return { key: "acme.hullapp.io/5f", settings: read.settings, target };
}

const sleep: Sleep = (waitMs) => {
  pauses.push(waitMs);
  return Promise.resolve();
};

function open({ answerWithinMs = 5_000, isFull = false } = {}): Users<PlanhatSettings> {
  const budget = notedBudget(taken);
  // Nobody's turn comes within an hour.
  if (isFull) budget.penalise(3_600_000);
  users = createUsers({
    answerWithinMs,
    budgets: registryOf(budget),
    http: { sleep, random: () => 0.5, timeoutMs: 2_000 },
  });
  return users;
}

const CALLS: readonly (readonly [string, (users: Users<PlanhatSettings>) => Promise<unknown>])[] = [
  ["the list", (from) => from.list(asker(), false)],
  ["a read", (from) => from.get(asker(), "5d")],
  ["a create", (from) => from.create(asker(), NEW)],
  ["an update", (from) => from.update(asker(), "5d", { lastName: "Two" })],
];

describe.each(CALLS)("%s", (what, call) => {
  test("goes before deliveries and fetches", async () => {
    await call(open()).catch(() => undefined);
    expect(taken).toEqual(["interactive"]);
  });

  test("that finds no room in the budget in time was certainly not made", async () => {
    const trouble = { kind: "busy", waitMs: expect.any(Number) as number };
    await expect(call(open({ isFull: true, answerWithinMs: 20 }))).rejects.toMatchObject({ trouble });
    expect(sim.books.snapshot().calls).toBe(0);
  });

  test("that is not answered in time ends", async () => {
    sim.faults.add({ kind: "stall" });
    const kind = what === "a create" ? "in_doubt" : "failed";
    await expect(call(open({ answerWithinMs: 300 }))).rejects.toMatchObject({ trouble: { kind } });
    expect(sim.books.snapshot().calls).toBe(1);
  });

  test("waits for a short pause that Planhat names, and hands a long one on", async () => {
    sim.faults.add({ kind: "rate-limit", headers: { "retry-after": "2" }, count: 1 });
    sim.faults.add({ kind: "rate-limit", headers: { "retry-after": "6" }, count: 1 });
    await expect(call(open())).rejects.toMatchObject({ trouble: { kind: "busy", waitMs: 6_000 } });
    expect(pauses).toEqual([2_000]);
  });
});

test("what is forgotten is not kept", async () => {
  const from = open();
  sim.tenant().seedUser(NEW);
  expect(await from.list(asker(), false)).toHaveLength(1);
  sim.tenant().seedUser({ ...NEW, email: "two@rep.example" });
  users?.forget("acme.hullapp.io/5");
  expect(await from.list(asker(), false)).toHaveLength(1);
  users?.forget("acme.hullapp.io/5f");
  expect(await from.list(asker(), false)).toHaveLength(2);
});
