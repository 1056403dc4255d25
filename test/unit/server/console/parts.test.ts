/** Parts of the console that say something of rows: words for what is there, and for what is not. */
import { backlogBody } from "../../../../server/console/sections/backlog";
import { readingsOf } from "../../../../server/console/sections/explain";
import { span } from "../../../../server/console/sections/figures";
import { html, type Html } from "../../../../server/console/html";
import { runsBody } from "../../../../server/console/sections/runs";
import { section } from "../../../../server/console/section";
import type { RunRow } from "../../../../src/storage/port/rows";

const NOW = Date.parse("2026-03-01T12:00:00Z");

const wordsOf = ({ markup }: Html): string =>
  markup
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();

const OF = { site: { mount: "" }, owner: { organization: "acme.hullapp.io", id: "c1" } };

const RUN: RunRow = {
  id: "run-1",
  tenant: "t",
  kind: "batch",
  type: "endusers",
  options: {},
  state: "running",
  createdAtMs: NOW - 130_000,
  startedAtMs: NOW - 125_000,
  done: 25,
  total: 100,
  counts: { "endusers/sent/created": 20, "endusers/sent/updated": 1, "endusers/rejected/refused": 4 },
};

describe("a run", () => {
  const words = (change: Partial<RunRow>): string => wordsOf(runsBody([{ ...RUN, ...change }], NOW, OF));

  test("shows how far it is, and its records by outcome", () => {
    const body = runsBody([RUN], NOW, OF);
    expect(body.markup).toMatch(/<progress max="100" value="25"/);
    expect(wordsOf(body)).toMatch(
      /Batch of endusers run-1 running 25 of 100 so far sent 21 rejected 4 2026-03-01 11:57 UTC under way for 2 min/,
    );
  });

  test("says when it is a trial, has not begun, or knows its total", () => {
    expect(words({ options: { simulate: true } })).toContain("dry run, nothing written");
    const { total: _, startedAtMs: _started, ...waiting } = RUN;
    expect(wordsOf(runsBody([{ ...waiting, state: "waiting", done: 0, counts: {} }], NOW, OF))).toContain(
      "waiting not begun none yet",
    );
    expect(words({ complete: true })).toContain("25 of 100 sent");
  });

  test("that ended shows how long it took and why, and no bar that moves", () => {
    const { total: _, ...row } = RUN;
    const ended = {
      ...row,
      state: "error",
      endedAtMs: NOW,
      done: 0,
      counts: {},
      error: "The link <expired>.",
    } as const;
    const body = runsBody([ended], NOW, OF);
    expect(body.markup).not.toContain("<progress");
    expect(body.markup).toContain("The link &lt;expired&gt;.");
    expect(wordsOf(body)).toContain("took 2 min");
  });

  test("is missed in words", () => {
    expect(wordsOf(runsBody([], NOW, OF))).toContain("no runs lately");
  });
});

describe("the backlog", () => {
  const words = (parts: Partial<Parameters<typeof backlogBody>[0]>): string =>
    wordsOf(backlogBody({ laneHealth: undefined, budget: undefined, serviceTitle: "Planhat", nowMs: NOW, ...parts }));

  test("shows what waits, and since when", () => {
    const shown = words({
      laneHealth: { outbox: 1_234, hullUpdates: 1, oldestAtMs: NOW - 3_725_000 },
      budget: { left: 150, limit: 200, per: "minute" },
    });
    expect(shown).toContain("Waiting for Planhat 1,234 records Oldest of them 1 h 2 min since 2026-03-01 10:57 UTC");
    expect(shown).toContain("Waiting for Hull 1 record delivered");
    expect(shown).toContain("Requests left 150 of 200 a minute");
  });

  test("says so when nothing waits, nothing was asked, or nothing limits", () => {
    expect(words({})).toMatch(/0 records Oldest of them none .* Planhat has not been asked since the start/);
    expect(words({ budget: { left: Infinity, limit: null, per: "minute" } })).toContain("no limit");
    expect(words({ budget: { left: 0, limit: null, per: "minute" } })).toContain("none may start at the moment");
  });
});

test.each([
  ["jane@example.com", ["email", "external_id"]],
  ["5f0000000000000000000001", ["id", "external_id"]],
  ["5F0000000000000000000001", ["id", "external_id"]],
  ["5f000000000000000000001", ["external_id", "domain"]],
  ["acme.com", ["external_id", "domain"]],
])("%s is looked for as %j", (text, readings) => {
  expect(readingsOf(text)).toEqual(readings);
});

test.each([
  [0, "less than 1 s"],
  [59_999, "59 s"],
  [60_000, "1 min"],
  [3_600_000, "1 h"],
  [90_061_000, "1 d 1 h"],
])("%i ms are %s", (ms, words) => {
  expect(span(ms)).toBe(words);
});

describe("a part of the page", () => {
  const options = { anchor: "runs", title: "Runs <1>", limitMs: 20 };

  test("stands in its section", async () => {
    const onError = jest.fn();
    const { markup } = await section({ ...options, onError }, () => Promise.resolve(html`<p>here</p>`));
    expect(markup.replaceAll(/\s+/g, " ")).toBe(
      `<section id="runs" aria-labelledby="runs-title"> <h2 id="runs-title">Runs &lt;1&gt;</h2> <p>here</p> </section>`,
    );
    expect(onError).not.toHaveBeenCalled();
  });

  test.each([
    ["rejects", () => Promise.reject(new Error("secret words"))],
    [
      "throws",
      () => {
        throw new Error("secret words");
      },
    ],
  ])("that %s says so without a word of the error, which is logged", async (_how, work) => {
    const onError = jest.fn();
    const { markup } = await section({ ...options, onError }, work);
    expect(markup).toContain("This part cannot be shown");
    expect(markup).not.toContain("secret words");
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ message: "secret words" }));
  });

  test("that takes too long says so", async () => {
    const never = new Promise<Html>(() => undefined);
    const { markup } = await section({ ...options, onError: jest.fn() }, () => never);
    expect(markup).toContain("not ready in time");
  });
});
