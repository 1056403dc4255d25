/** What a receiver is told, look by look: when something begins, lasts, is over, and when the receiver is away. */
import type { AlertRow } from "../../../../src/storage/port/rows";
import type { Condition } from "../../../../src/engine/alerts/conditions";
import { alertPace, attempted, isDue, isGivenUp, nextRow, notTaken, taken } from "../../../../src/engine/alerts/told";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 1);
const PLACE = { subject: "planhat/acme/1", kind: "connector.paused", receiver: "r" };
const PAUSED: Condition = { kind: "connector.paused", title: "Paused", text: "401." };
const pace = alertPace(() => 0.5);

/** A receiver and what is kept of it. @param kind of what it is told */
function watcher(kind = PLACE.kind) {
  let nowMs = START;
  let ids = 0;
  let row: AlertRow | undefined;
  /** Messages that arrived: state, id and text. */
  const heard: string[] = [];
  let answer: "ok" | "refused" | "lost" | { readonly retryAfterMs: number } = "ok";

  function look(condition: Condition | undefined): void {
    const newId = (): string => `m${(ids += 1)}`;
    row = nextRow(row, condition, { ...PLACE, kind }, { nowMs, newId });
    const { message } = row ?? {};
    if (row === undefined || message === undefined || message.dueAtMs > nowMs) return;
    const tried = attempted(row, message, pace, nowMs);
    if (answer === "ok" || answer === "lost") heard.push(`${message.state} ${message.id} ${row.text}`);
    if (answer === "ok") row = taken(tried, nowMs);
    else if (answer === "lost") row = notTaken(row, tried, { applied: "maybe" }, nowMs);
    else row = notTaken(row, tried, { applied: "no", ...(answer === "refused" ? {} : answer) }, nowMs);
  }

  return {
    heard,
    row: () => row,
    answers: (next: typeof answer) => void (answer = next),
    /** Looks every minute, at least once. */
    during: (spanMs: number, condition: Condition | undefined): void => {
      for (const endMs = nowMs + spanMs; nowMs <= endMs; nowMs += MINUTE) look(condition);
    },
  };
}

test("one message when it begins, one when it is over, and nothing is kept then", () => {
  const { during, heard, row } = watcher();
  during(HOUR, undefined);
  expect(row()).toBeUndefined();
  during(HOUR, PAUSED);
  expect(heard).toEqual(["firing m1 401."]);
  during(HOUR, undefined);
  expect(heard).toEqual(["firing m1 401.", "resolved m2 401."]);
  expect(row()).toBeUndefined();
  during(HOUR, PAUSED);
  expect(heard.at(-1)).toBe("firing m3 401.");
});

test("a reminder each day, with what is so by then, for a week", () => {
  const { during, heard } = watcher();
  during(DAY - MINUTE, PAUSED);
  expect(heard).toHaveLength(1);
  during(HOUR, { ...PAUSED, text: "403." });
  expect(heard).toEqual(["firing m1 401.", "firing m2 403."]);
  during(30 * DAY, PAUSED);
  expect(heard).toHaveLength(8);
  during(HOUR, undefined);
  expect(heard.at(-1)).toMatch(/^resolved/);
});

test("what passes by itself within its time is not told, and what lasts is told as it is then", () => {
  const { during, heard, row } = watcher();
  const passing = { ...PAUSED, delayMs: 30 * MINUTE };
  during(29 * MINUTE, passing);
  during(MINUTE, undefined);
  expect([heard, row()]).toEqual([[], undefined]);
  during(29 * MINUTE, passing);
  during(2 * MINUTE, { ...passing, text: "503." });
  expect(heard).toEqual(["firing m2 503."]);
});

test("what turns out to need a person is told at once", () => {
  const { during, heard } = watcher();
  during(5 * MINUTE, { ...PAUSED, delayMs: 30 * MINUTE });
  during(MINUTE, PAUSED);
  expect(heard).toEqual(["firing m1 401."]);
});

test("a receiver that is away for a while gets the message once, under the id of the first try", () => {
  const { during, heard, row, answers } = watcher();
  answers("refused");
  during(3 * HOUR, PAUSED);
  const attempts = row()?.message?.attempts ?? 0;
  // Each wait is longer, up to half an hour.
  expect(attempts).toBeGreaterThan(8);
  expect(attempts).toBeLessThan(30);
  answers("ok");
  during(HOUR, PAUSED);
  expect(heard).toEqual(["firing m1 401."]);
});

test("what was over before it could be told is not told", () => {
  const { during, heard, row, answers } = watcher();
  answers("refused");
  during(HOUR, PAUSED);
  answers("ok");
  during(HOUR, undefined);
  expect([heard, row()]).toEqual([[], undefined]);
});

test("the end of what may have arrived is told", () => {
  const { during, heard, answers } = watcher();
  answers("lost");
  during(0, PAUSED);
  answers("ok");
  during(HOUR, undefined);
  expect(heard).toEqual(["firing m1 401.", "resolved m2 401."]);
});

test("what comes back before its end was told was never over", () => {
  const { during, heard, row } = watcher();
  during(0, PAUSED);
  const told = row();
  const moment = { nowMs: START + MINUTE, newId: () => "over" };
  const over = nextRow(told, undefined, PLACE, moment);
  expect(over?.message).toMatchObject({ id: "over", state: "resolved" });
  expect(nextRow(over, PAUSED, PLACE, moment)).toEqual(told);
  // But if the end may have arrived, it is told again.
  const tried = over?.message && attempted(over, over.message, pace, START + MINUTE);
  expect(nextRow(tried, PAUSED, PLACE, { ...moment, newId: () => "again" })?.message).toMatchObject({
    id: "again",
    state: "firing",
    attempts: 0,
  });
  expect(heard).toHaveLength(1);
});

test("after a day without success what is so by then is told anew; an end is given up", () => {
  const { during, heard, row, answers } = watcher();
  answers("refused");
  during(DAY - MINUTE, PAUSED);
  expect(row()?.message).toMatchObject({ id: "m1" });
  during(HOUR, { ...PAUSED, text: "403." });
  expect(row()).toMatchObject({ text: "403.", message: { id: "m2", state: "firing" } });
  answers("ok");
  during(HOUR, PAUSED);
  expect(heard).toEqual(["firing m2 403."]);
  answers("refused");
  during(DAY - MINUTE, undefined);
  expect(row()?.message).toMatchObject({ state: "resolved" });
  during(HOUR, undefined);
  expect(row()).toBeUndefined();
});

test("a wait that the receiver names counts, up to half an hour", () => {
  const { during, row, answers } = watcher();
  answers({ retryAfterMs: 20 * MINUTE });
  during(0, PAUSED);
  expect(row()?.message?.dueAtMs).toBe(START + 20 * MINUTE);
  const far = watcher();
  far.answers({ retryAfterMs: DAY });
  far.during(0, PAUSED);
  expect(far.row()?.message?.dueAtMs).toBe(START + 30 * MINUTE);
});

test("an event that happens again is told again; the same one is not", () => {
  const { during, heard } = watcher();
  const lost: Condition = { kind: "server.store_lost", title: "Lost", text: "Once.", sinceMs: START, isEvent: true };
  during(HOUR, lost);
  during(HOUR, { ...lost, sinceMs: START + HOUR, text: "Twice." });
  expect(heard).toEqual(["firing m1 Once.", "firing m2 Twice."]);
});

test("a clock that goes back neither repeats nor gives up", () => {
  const told = { ...PLACE, sinceMs: START, title: "", text: "", mayKnow: true, toldAtMs: START };
  const moment = { nowMs: START - DAY, newId: () => "new" };
  expect(nextRow(told, PAUSED, PLACE, moment)).toBe(told);
  const message = { id: "m", state: "firing", atMs: START, attempts: 1, dueAtMs: START } as const;
  expect(isGivenUp({ ...told, message }, START - DAY)).toBe(false);
  // Nobody waits a day for the time to come again.
  expect(isDue(message, START - MINUTE)).toBe(false);
  expect(isDue(message, START - DAY)).toBe(true);
});

test("an event is told once, also if its time was said by a clock that is ahead", () => {
  const { during, heard } = watcher("server.store_lost");
  const sinceMs = START + 5 * MINUTE;
  during(HOUR, { kind: "server.store_lost", title: "Lost", text: "Once.", sinceMs, isEvent: true });
  expect(heard).toEqual(["firing m1 Once."]);
});

test("a number that hovers about its limit is told once, and its end once it is calm", () => {
  const kind = "connector.dead_letters";
  const { during, heard } = watcher(kind);
  for (let times = 0; times < 20; times += 1) {
    during(MINUTE, { kind, title: "Many", text: "Many." });
    during(5 * MINUTE, undefined);
  }
  expect(heard).toEqual(["firing m1 Many."]);
  during(20 * MINUTE, undefined);
  expect(heard).toHaveLength(2);
  expect(heard[1]).toMatch(/^resolved/);
});
