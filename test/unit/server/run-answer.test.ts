import { showRun } from "../../../server/routes/runs/answer";
import type { RunRow } from "../../../src/storage/port/rows";

const AT = Date.parse("2026-03-01T12:00:00Z");

function run(more: Partial<RunRow> = {}): RunRow {
  return {
    id: "r1",
    tenant: "acme.hullapp.io/c1",
    kind: "batch",
    type: "companies",
    options: {},
    state: "running",
    createdAtMs: AT,
    done: 0,
    counts: {},
    ...more,
  };
}

test.each<[Partial<RunRow>, number | null]>([
  [{}, null],
  [{ total: 0 }, null],
  [{ total: 8 }, 0],
  [{ total: 8, done: 2 }, 0.25],
  [{ total: 8, done: 8 }, 1],
  // A page that came twice, or a total that was a guess.
  [{ total: 8, done: 9 }, 1],
  [{ total: 8, done: 2, state: "error", endedAtMs: AT }, 0.25],
  [{ done: 0, state: "success", endedAtMs: AT }, 1],
])("the progress of %j is %p", (more, progress) => {
  expect(showRun(run(more)).progress).toBe(progress);
});

test.each<[Partial<RunRow>, boolean]>([
  [{}, false],
  [{ total: 8 }, false],
  [{ total: 8, complete: true }, true],
  [{ total: 8, state: "stopped", endedAtMs: AT }, true],
])("whether %j may meet more records: not when %p", (more, final) => {
  expect(showRun(run(more)).total_is_final).toBe(final);
});

test("counts are nested by type, outcome and code, whatever a code holds", () => {
  const counts = {
    "companies/sent/created": 3,
    "companies/sent/updated": 1,
    "endusers/rejected/strange/code": 2,
    "__proto__/constructor/toString": 1,
  };
  expect(JSON.parse(JSON.stringify(showRun(run({ counts })).counts))).toEqual(
    JSON.parse(
      '{"companies":{"sent":{"created":3,"updated":1}},"endusers":{"rejected":{"strange/code":2}},' +
        '"__proto__":{"constructor":{"toString":1}}}',
    ),
  );
});

test("times are instants, and null where nothing happened yet", () => {
  expect(showRun(run())).toMatchObject({ created_at: "2026-03-01T12:00:00.000Z", started_at: null, ended_at: null });
  const ended = showRun(run({ state: "error", startedAtMs: AT + 1, endedAtMs: AT + 2, error: "It broke off." }));
  expect(ended).toMatchObject({
    started_at: "2026-03-01T12:00:00.001Z",
    ended_at: "2026-03-01T12:00:00.002Z",
    error: "It broke off.",
  });
});

test("what was left out is listed by field, the most frequent first, whatever a name holds", () => {
  const leftOut = { "too_many/tags": 1, "too_long/custom.a/b": 7 };
  expect(showRun(run({ leftOut })).left_out).toEqual([
    { field: "custom.a/b", misfit: "too_long", records: 7 },
    { field: "tags", misfit: "too_many", records: 1 },
  ]);
  expect(showRun(run())).not.toHaveProperty("left_out");
});
