/** Planhat's users: how their calls stand in the line for the budget, and how long anybody waits. */
import { createPlanhatSimulator, type PlanhatSimulator } from "../../../simulators/planhat";
import type { BudgetClass } from "../../../src/http/limits/budget";
import type { Sleep } from "../../../src/http/time";
import { readSettings } from "../../../src/services/planhat/settings/settings";
import { targetOf } from "../../../src/services/planhat/settings/target";
import type { Asker } from "../../../src/services/operations";
import { createUsers, type PlanhatUsers } from "../../../src/services/planhat/users";
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

function asker(): Asker<PlanhatSettings> {
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

function open({ answerWithinMs = 5_000, isFull = false } = {}): PlanhatUsers {
  const budget = notedBudget(taken);
  // Nobody's turn comes within an hour.
  if (isFull) void budget.penalise(3_600_000);
  users = createUsers({
    answerWithinMs,
    budgets: registryOf(budget),
    http: { sleep, random: () => 0.5, timeoutMs: 2_000 },
  });
  return users;
}

const CALLS: readonly (readonly [string, (users: PlanhatUsers) => Promise<unknown>])[] = [
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
    const busy = { status: 503, code: "planhat_busy", headers: { "retry-after": expect.any(String) as string } };
    await expect(call(open({ isFull: true, answerWithinMs: 20 }))).rejects.toMatchObject(busy);
    expect(sim.books.snapshot().calls).toBe(0);
  });

  test("that is not answered in time ends", async () => {
    sim.faults.add({ kind: "stall" });
    const code = what === "a create" ? "outcome_unknown" : "planhat_unavailable";
    await expect(call(open({ answerWithinMs: 300 }))).rejects.toMatchObject({ status: 502, code, mayHaveActed: true });
    expect(sim.books.snapshot().calls).toBe(1);
  });

  test("waits for a short pause that Planhat names, and hands a long one on", async () => {
    sim.faults.add({ kind: "rate-limit", headers: { "retry-after": "2" }, count: 1 });
    sim.faults.add({ kind: "rate-limit", headers: { "retry-after": "6" }, count: 1 });
    await expect(call(open())).rejects.toMatchObject({ code: "planhat_busy", headers: { "retry-after": "6" } });
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
