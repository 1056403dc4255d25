import { chartBody, chartFrom, niceAbove } from "../../../../server/console/sections/chart";
import { planhatFace } from "../../../../src/services/planhat/face";
import { OUTCOMES } from "../../../../src/services/planhat/reasons";
import type { HourCount } from "../../../../src/storage/port/store";

const HOUR_MS = 3_600_000;
const NOW = Date.parse("2026-03-01T12:34:56Z");
const FROM = Date.parse("2026-02-28T13:00:00Z");

const at = (hour: number, name: string, count: number): HourCount => ({ atMs: FROM + hour * HOUR_MS, name, count });
const CONTEXT = {
  meaning: { face: planhatFace, outcomes: OUTCOMES },
  linkOf: ({ type, outcome, code }: { readonly type: string; readonly outcome: string; readonly code: string }) =>
    `/${type}/${outcome}/${code}`,
};
const draw = (...counts: readonly HourCount[]): string =>
  chartBody(counts, NOW, CONTEXT).markup.replaceAll(/\s+/g, " ");

/** Every bar of the big chart: outcome, left edge, top and height. */
function barsIn(markup: string) {
  const [, chart = ""] = /<svg class="chart"(.*?)<\/svg>/.exec(markup) ?? [];
  const bars = chart.matchAll(/class="out-(\w+)" x="([\d.]+)" y="([\d.]+)" width="\d+" height="([\d.]+)"/g);
  return [...bars].map(([, outcome, x, y, height]) => ({
    outcome,
    x: Number(x),
    y: Number(y),
    height: Number(height),
  }));
}

test("shows 24 hours, the present one last", () => {
  expect(chartFrom(NOW)).toBe(FROM);
  expect(chartFrom(Date.parse("2026-03-01T12:00:00Z"))).toBe(FROM);
  const markup = draw(at(23, "endusers/sent/created", 1));
  expect(markup).toContain("12:00 to 13:00 UTC: 1 sent");
  expect(markup).toContain("13:00 to 14:00 UTC: nothing");
  expect(markup.match(/<title>\d\d:00 to/g)).toHaveLength(24);
});

test("stacks the outcomes of an hour, and draws twice as many twice as high", () => {
  const bars = barsIn(
    draw(
      at(3, "endusers/unchanged/in_sync", 40),
      at(3, "endusers/sent/created", 10),
      at(3, "companies/sent/updated", 10),
      at(5, "endusers/unchanged/in_sync", 20),
    ),
  );
  const [sent, unchanged, half] = bars;
  expect(bars.map(({ outcome }) => outcome)).toEqual(["sent", "unchanged", "unchanged"]);
  expect(sent?.x).toBe(unchanged?.x);
  expect((unchanged?.y ?? 0) + (unchanged?.height ?? 0)).toBeCloseTo(sent?.y ?? 0, 0);
  expect(unchanged?.height).toBeCloseTo(2 * (half?.height ?? 0), 0);
  expect(half?.x).toBeGreaterThan(unchanged?.x ?? Infinity);
});

test("keeps every bar on the page, however high", () => {
  for (const count of [1, 9, 10, 99, 12_345, 1_000_000]) {
    const [bar] = barsIn(draw(at(0, "endusers/sent/created", count)));
    expect(bar?.y).toBeGreaterThanOrEqual(0);
    expect((bar?.y ?? 0) + (bar?.height ?? 0)).toBeLessThanOrEqual(180);
  }
});

test("has a row for each reason, what needs a person first, and every number in words", () => {
  const markup = draw(
    at(1, "endusers/unchanged/in_sync", 10_000),
    at(2, "endusers/unchanged/in_sync", 2_345),
    at(1, "endusers/rejected/refused", 3),
    at(1, "activities/dead/unconfirmed", 1),
    at(1, "companies/skipped/a/b", 7),
  );
  const codes = [...markup.matchAll(/<code>(.*?)<\/code>/g)].map(([, code]) => code);
  // Each may break behind its signs.
  expect(codes).toEqual(["unconfirmed", "refused", "a/<wbr />b", "in_<wbr />sync"]);
  expect(markup).toContain("12,345");
  expect(markup).toContain("Most, 10,000, in the hour from 14:00 UTC");
  const [, table = ""] = /<details>(.*)<\/details>/.exec(markup) ?? [];
  expect(table.match(/<th scope="row">/g)).toHaveLength(24);
  expect([...table.matchAll(/<th scope="col"[^>]*>(.*?)<\/th>/g)].map(([, name]) => name)).toEqual([
    "Hour (UTC)",
    "unchanged",
    "skipped",
    "rejected",
    "dead",
  ]);
});

test("leaves out what is older, later or of no kind, and says when nothing is left", () => {
  const left = [at(-1, "endusers/sent/created", 5), at(24, "endusers/sent/created", 5), at(4, "endusers/sent/told", 0)];
  expect(draw(...left)).toContain("No message from Hull ended");
  expect(draw(...left, at(4, "endusers/sent/created", 6), at(4, "endusers/odd/x", 9))).toContain("Up to 6 messages");
});

test("a name from the store stays text", () => {
  const markup = draw(at(4, `<script>/sent/"><script>`, 1));
  expect(markup).not.toContain("<script>");
  expect(markup).toContain("&quot;&gt;&lt;script&gt;");
});

test.each([
  [0, 2],
  [1, 2],
  [2, 2],
  [3, 4],
  [7, 8],
  [9, 10],
  [11, 12],
  [13, 16],
  [126, 160],
  [999, 1_000],
  [12_345, 16_000],
])("a scale for %i ends at %i", (value, end) => {
  expect(niceAbove(value)).toBe(end);
});
