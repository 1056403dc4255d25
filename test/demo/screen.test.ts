/** What the demo shows fits the terminal, however narrow that is. */
import { stripVTControlCharacters } from "node:util";
import { createScreen, type StepReport } from "../../simulators/demo/screen";

const REPORT: StepReport = {
  title: "2,000 users of 100 companies, of whom some are",
  name: "another company",
  messages: 2_000,
  outcomes: [
    ["sent/created", 2_000],
    ["skipped/missing_account_external_id", 3],
  ],
  derived: [["sent/created", 100]],
  calls: 12,
  routes: [
    ["GET /companies", 3],
    ["PUT /endusers", 4],
    ["PUT /companies", 5],
  ],
  baseline: { lookUps: 2_100, writes: 2_100, calls: 4_200 },
  elapsedMs: 2_000,
};

/** Everything that a demo may show, as it stands on the terminal when a line is full. */
function shownOn(columns: number | undefined): readonly string[] {
  let text = "";
  const output = {
    isTTY: columns !== undefined,
    columns,
    write: (part: string) => {
      text += part;
      return true;
    },
  } as unknown as NodeJS.WriteStream;
  const screen = createScreen(output, { title: "PlanningPME", callsPerMinute: 200 });
  screen.heading("Hull and PlanningPME, simulated, with the real connector between them");
  screen.progress("messages have their outcome", 1_000, 4_444);
  screen.step(1, REPORT);
  screen.summary([REPORT]);
  screen.check({
    holds: true,
    text: "Planhat holds what Hull's people ask for: 104 companies, 2,001 endusers",
    details: ["missing something whose description is long enough"],
  });
  return stripVTControlCharacters(text).split(/[\n\r]/);
}

const words = (lines: readonly string[]): readonly string[] =>
  lines
    .join(" ")
    .replaceAll(/[█░─,]/g, "")
    .split(/\s+/);

test.each([40, 50, 60, 80])("nothing is wider than %d columns, and nothing is left out", (columns) => {
  const lines = shownOn(columns);
  expect(lines.filter((line) => line.length > columns)).toEqual([]);
  const step = (all: readonly string[]): readonly string[] =>
    words(all.slice(all.findIndex((line) => line.startsWith("1 ·"))));
  expect([...step(lines)].sort()).toEqual([...step(shownOn(undefined))].sort());
});

test("in a pipe every line stays whole", () => {
  const lines = shownOn(undefined);
  expect(lines).toContain("Hull and PlanningPME, simulated, with the real connector between them");
  expect(lines).toContain("                             3  skipped/missing_account_external_id");
});
