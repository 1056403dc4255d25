/** What is worth an alert. */
import {
  deadLetterCondition,
  fetchCondition,
  grantCondition,
  lossCondition,
  pausedCondition,
  storageCondition,
} from "../../../../src/engine/alerts/conditions";
import type { PauseRow, RunRow } from "../../../../src/storage/port/rows";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = Date.UTC(2026, 2, 1, 12);
const pause = (more: Partial<PauseRow>): PauseRow => ({
  ...{ tenant: "planhat/acme/1", scope: "*", kind: "auth", message: "Refused.", sinceMs: NOW - HOUR },
  ...{ untilMs: NOW + MINUTE, ...more },
});

describe("pauses", () => {
  const kindsOf = (...pauses: readonly PauseRow[]) => pausedCondition(pauses, "Planhat", NOW);

  test("none is none", () => expect(kindsOf()).toEqual([]));

  test("one that needs a person counts from its beginning, at once", () => {
    const [condition, ...others] = kindsOf(pause({}));
    expect(others).toEqual([]);
    expect(condition).toMatchObject({ kind: "connector.paused", sinceMs: NOW - HOUR });
    expect(condition?.delayMs).toBeUndefined();
    expect(condition?.title).toBe("Delivery to Planhat is paused");
    expect(condition?.text).toContain("paused since 2026-03-01 11:00 UTC. Refused.");
  });

  test("one that may pass must last for half an hour, however often it begins anew", () => {
    const [condition] = kindsOf(pause({ kind: "transient" }));
    expect(condition).toMatchObject({ delayMs: 30 * MINUTE });
    expect(condition?.sinceMs).toBeUndefined();
  });

  test("of both, the one that needs a person is told", () => {
    const passing = pause({ kind: "transient", scope: "endusers", message: "Busy." });
    expect(kindsOf(passing, pause({}))).toMatchObject([{ text: expect.not.stringContaining("Busy.") as string }]);
  });

  test("what is tried again after it still counts for a quarter of an hour", () => {
    expect(kindsOf(pause({ untilMs: NOW - 14 * MINUTE }))).toHaveLength(1);
    expect(kindsOf(pause({ untilMs: NOW - 15 * MINUTE }))).toEqual([]);
  });
});

describe("dead letters of a day", () => {
  const hours = [
    { atMs: NOW - HOUR, name: "endusers/sent/updated", count: 80 },
    { atMs: NOW - HOUR, name: "endusers/rejected/refused", count: 3 },
    { atMs: NOW, name: "companies/dead/unconfirmed", count: 2 },
    { atMs: NOW, name: "companies/skipped/dead", count: 15 },
  ];

  test.each([
    ["no limit", undefined, 0],
    ["as many as the limit", { count: 5 }, 0],
    ["more than the limit", { count: 4 }, 1],
    ["the share of the limit", { share: 0.05 }, 0],
    ["more than the share", { share: 0.049 }, 1],
  ])("%s", (_, limit, count) => expect(deadLetterCondition(hours, limit, "Planhat")).toHaveLength(count));

  test("are counted in the text", () => {
    const [condition] = deadLetterCondition(hours, { count: 0 }, "Planhat");
    expect(condition?.text).toContain("In the last 24 hours 5 of 100 records (5.0%)");
  });

  test("a day without outcomes has none", () => {
    for (const limit of [{ count: 0 }, { share: 0 }]) expect(deadLetterCondition([], limit, "Planhat")).toEqual([]);
  });
});

test("a fetch is overdue when the status says so", () => {
  const last = { startedAtMs: NOW - 8 * HOUR, createdAtMs: NOW - 8 * HOUR } as RunRow;
  const fetched = (intervalMinutes: number) => [{ type: "endusers", intervalMinutes, last }];
  expect(fetchCondition(fetched(180), "Planhat", NOW)).toMatchObject([
    { kind: "connector.fetch_overdue", text: expect.stringContaining("endusers began at 2026-03-01 04:00") as string },
  ]);
  expect(fetchCondition(fetched(360), "Planhat", NOW)).toEqual([]);
});

test("a grant that was there and is lost; that nobody gave one yet is no news", () => {
  const pair = { accessToken: "t", refreshAtMs: 0, endsAtMs: 0 };
  const of = (given: Parameters<typeof grantCondition>[0]) => grantCondition(given, "/authorize", "plangrade");
  expect(of(undefined)).toEqual([]);
  expect(of(pair)).toEqual([]);
  expect(of({ ...pair, lost: true })).toMatchObject([
    { kind: "connector.authorization_lost", text: expect.stringContaining("/authorize") as string },
  ]);
});

test("a loss of the store is news for a week, and an event", () => {
  const loss = { atMs: NOW, kind: "emptied" } as const;
  expect(lossCondition([], NOW)).toEqual([]);
  expect(lossCondition([loss], NOW + HOUR)).toMatchObject([{ kind: "server.store_lost", sinceMs: NOW, isEvent: true }]);
  expect(lossCondition([loss], NOW + 8 * 24 * HOUR)).toEqual([]);
});

test("the disk at once, Redis after a minute; the text names the process", () => {
  expect(storageCondition(undefined, "disk", "host/1")).toEqual([]);
  const [disk] = storageCondition("It is full.", "disk", "host/1");
  expect(disk).toMatchObject({ kind: "server.disk_full", text: "It is full. (Process host/1.)" });
  expect(disk?.delayMs).toBeUndefined();
  expect(storageCondition("It is lost.", "redis", "host/1")).toMatchObject([
    { kind: "server.redis_lost", delayMs: MINUTE },
  ]);
});
