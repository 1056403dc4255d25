/**
 * One scenario per behaviour of PlanningPME, as data: what is there, what Hull says and people do, and what comes of it.
 *
 * A folder has `settings.json` (what differs from PLANNER_SETTINGS), `planningpme.json` (`{switches, templates, records,
 * poison, clockAheadMinutes}` from the start), `notification.json` (one step or a list of them) and `expected.json`.
 * Everything is compared exactly. It is noon of 2025-07-01 when a scenario begins.
 */
import { join } from "node:path";
import type { Call } from "../../../simulators/loopback";
import { PLANNER } from "../../fixture/planningpme";
import { sum, type Bag } from "../../fixture/settings";
import { hullState } from "../../fixture/states";
import { expectedIn } from "../data";
import { inOrder, linesAboutRecords } from "../lines";
import { folders, openScenario, play, shown, type Scenario } from "./scenario";

interface Expected {
  /** In their order; the path below `/acme/api/integration`, `since` to the minute, the body as it was sent. */
  readonly calls: readonly { readonly method: string; readonly path: string; readonly body?: unknown }[];
  /** How many tokens were issued, where the scenario is about them. */
  readonly tokens?: number;
  /** By id, with all that is stored of them. */
  readonly records: readonly Bag[];
  /** What Hull was told, by Hull id. */
  readonly hull?: { readonly users?: Readonly<Record<string, Bag>>; readonly accounts?: Readonly<Record<string, Bag>> };
  /** How many updates Hull was told, where it matters that nothing is told twice. */
  readonly updates?: number;
  /** `type/outcome/code`, one for each message and import. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** All lines about records, in any order. */
  readonly logs?: readonly Bag[];
}

let scenario: Scenario;
afterEach(() => scenario.planningpme.close());

test.each(folders)("%s", async (folder) => {
  const expected = expectedIn(join(__dirname, folder)) as Expected;
  scenario = await openScenario(folder);
  const { planningpme: planner } = scenario;
  const { fixture, planningpme, calls, lane } = planner;
  await play(scenario);
  const { messages, outcomes } = await fixture.connector.store.tally(lane.tenant);
  // A line is written just after what it tells of is stored; a restart waits for it.
  await fixture.restart();

  const hull = hullState(fixture, new Map());
  const books = planningpme.books.snapshot();
  expect({
    calls: calls.map(asWritten),
    records: planningpme.snapshot().map(shown),
    hull,
    outcomes,
  }).toEqual({
    calls: expected.calls,
    records: expected.records,
    hull: { users: {}, accounts: {}, ...expected.hull },
    outcomes: expected.outcomes,
  });
  if (expected.tokens !== undefined) expect(books.tokensIssued).toBe(expected.tokens);
  if (expected.updates !== undefined) expect(fixture.told()).toHaveLength(expected.updates);
  if (expected.logs !== undefined) {
    expect(inOrder(linesAboutRecords(fixture, PLANNER.id))).toEqual(inOrder(expected.logs));
  }

  // Whatever the scenario is about: nothing waits, as many ends as messages and imports, nobody doubled.
  expect(sum(outcomes)).toBe(messages);
  expect(books.duplicates).toEqual([]);
  expect(fixture.hull.books.snapshot().unresolvedItems).toBe(0);
});

function asWritten({ method, path, query, body }: Call): Bag {
  const since = query.get("since");
  const asked = since === null ? "" : `?since=${since.slice(0, "yyyyMMddHHmm".length)}`;
  const call = { method, path: `${path.replace("/acme/api/integration", "")}${asked}` };
  return body === undefined ? call : { ...call, body };
}
