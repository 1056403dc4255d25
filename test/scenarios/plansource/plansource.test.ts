/**
 * One scenario per behaviour of PlanSource, as data: who is there, what Hull says and people do, and what comes of it.
 *
 * A folder has `settings.json` (what differs from EMPLOYEE_SETTINGS), `plansource.json` (`{switches, meta, subscribers}`
 * that are there before), `notification.json` (one step or a list of them) and `expected.json`. Everything is compared
 * exactly. It is noon of 2025-07-01 when a scenario begins.
 */
import { join } from "node:path";
import type { Call } from "../../../simulators/loopback";
import { EMPLOYER } from "../../fixture/plansource";
import { sum, type Bag } from "../../fixture/settings";
import { bag, hullState } from "../../fixture/states";
import { expectedIn, messagesOf } from "../data";
import { inOrder, linesAboutRecords } from "../lines";
import { folders, openScenario, play, shown, type Scenario } from "./scenario";

interface Expected {
  /** In their order, those for tokens and meta left out; the path below `/admin/v2`, the body as it was sent. */
  readonly calls: readonly { readonly method: string; readonly path: string; readonly body?: unknown }[];
  /** By id, with all that is stored of them. */
  readonly subscribers: readonly Bag[];
  /** What Hull was told of users, by Hull id. */
  readonly hull?: Readonly<Record<string, Bag>>;
  /** `type/outcome/code`, one per message. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** All lines about records, in any order. */
  readonly logs?: readonly Bag[];
}

let scenario: Scenario;
afterEach(() => scenario.plansource.close());

test.each(folders)("%s", async (folder) => {
  const expected = expectedIn(join(__dirname, folder)) as Expected;
  scenario = await openScenario(folder);
  const { plansource: employer, steps, secrets } = scenario;
  const { fixture, plansource, calls } = employer;
  await play(scenario);
  const outcomes = await employer.outcomes();
  // A line is written just after what it tells of is stored; a restart waits for it.
  await fixture.restart();

  const hull = hullState(fixture, new Map());
  expect({
    calls: calls.map(asWritten),
    subscribers: plansource.snapshot().map(shown),
    hull,
    outcomes,
  }).toEqual({
    calls: expected.calls,
    subscribers: expected.subscribers,
    hull: { users: expected.hull ?? {}, accounts: {} },
    outcomes: expected.outcomes,
  });
  const lines = linesAboutRecords(fixture, EMPLOYER.id);
  if (expected.logs !== undefined) expect(inOrder(lines)).toEqual(inOrder(expected.logs));

  // Whatever the scenario is about: as many ends as messages, nobody doubled, and no value of a write-only field seen.
  expect(sum(outcomes)).toBe(new Set(messagesOf(steps).map((each) => bag(each)["message_id"])).size);
  expect(plansource.books.snapshot().duplicates).toEqual([]);
  expect(fixture.hull.books.snapshot().unresolvedItems).toBe(0);
  const seen = JSON.stringify([hull, fixture.logs]);
  expect([...secrets].filter((value) => seen.includes(value))).toEqual([]);
});

function asWritten({ method, path, query, body }: Call): Bag {
  const asked = query.size === 0 ? "" : `?${query.toString()}`;
  const call = { method, path: `${path.replace("/admin/v2", "")}${asked}` };
  return body === undefined ? call : { ...call, body };
}
