/**
 * One scenario per behaviour of plangrade, as data: what is there, what Hull says and people do, and what comes of it.
 *
 * A folder has `settings.json` (what differs from BENEFITS_SETTINGS), `plangrade.json` (`{switches, companies, foreign,
 * authorized}` from the start), `notification.json` (one step or a list of them) and `expected.json`. Everything is
 * compared exactly. It is noon of 2025-07-01 when a scenario begins.
 */
import { join } from "node:path";
import type { Call } from "../../../simulators/loopback";
import { BENEFITS } from "../../fixture/plangrade";
import { sum, type Bag } from "../../fixture/settings";
import { hullState } from "../../fixture/states";
import { digitsAlone } from "../../fixture/traces";
import { expectedIn } from "../data";
import { inOrder, linesAboutRecords } from "../lines";
import { folders, openScenario, play, shownCompany, shownParticipant, type Scenario } from "./scenario";

interface Expected {
  /** In their order, those about tokens and the grant left out; the path below `/api/v1`, a form by its fields. */
  readonly calls: readonly { readonly method: string; readonly path: string; readonly body?: unknown }[];
  /** By id, with everything that is not empty. */
  readonly companies: readonly Bag[];
  readonly participants: readonly Bag[];
  /** What Hull was told, by Hull id. */
  readonly hull?: { readonly users?: Readonly<Record<string, Bag>>; readonly accounts?: Readonly<Record<string, Bag>> };
  /** Events that Hull was told, where there are any. */
  readonly events?: readonly Bag[];
  /** `type/outcome/code`, one for each message. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Messages that have no outcome yet. */
  readonly waiting?: number;
  /** All lines about records, in any order. */
  readonly logs?: readonly Bag[];
}

let scenario: Scenario;
afterEach(() => scenario.plangrade.close());

test.each(folders)("%s", async (folder) => {
  const expected = expectedIn(join(__dirname, folder)) as Expected;
  scenario = await openScenario(folder);
  const { plangrade: benefits, steps } = scenario;
  const { fixture, plangrade, calls, lane } = benefits;
  await play(scenario);
  const { messages, outcomes } = await fixture.connector.store.tally(lane.tenant);
  // A line is written just after what it tells of is stored; a restart waits for it.
  await fixture.restart();

  const hull = hullState(fixture, new Map());
  const { companies, participants } = plangrade.snapshot(1001);
  const told = fixture.told();
  expect({
    calls: calls.map(asWritten),
    companies: companies.map(shownCompany),
    participants: participants.map(shownParticipant),
    hull,
    events: told.filter(({ type }) => type === "track").map(({ body }) => body),
    outcomes,
    waiting: messages - sum(outcomes),
  }).toEqual({
    calls: expected.calls,
    companies: expected.companies,
    participants: expected.participants,
    hull: { users: {}, accounts: {}, ...expected.hull },
    events: expected.events ?? [],
    outcomes: expected.outcomes,
    waiting: expected.waiting ?? 0,
  });
  const lines = linesAboutRecords(fixture, BENEFITS.id);
  if (expected.logs !== undefined) expect(inOrder(lines)).toEqual(inOrder(expected.logs));

  // Whatever the scenario is about: nothing is deleted or doubled, and no number of a person gets anywhere else.
  const { written, duplicates, ssnUpdates } = plangrade.books.snapshot();
  expect([written.company.delete, written.participant.delete, ssnUpdates, duplicates]).toEqual([0, 0, 0, []]);
  expect(fixture.hull.books.snapshot().unresolvedItems).toBe(0);
  const seen = JSON.stringify([hull, told, fixture.logs]);
  expect(numbersIn(steps).filter((number) => digitsAlone([number]).test(seen))).toEqual([]);
});

function asWritten({ method, path, query, body }: Call): Bag {
  const asked = query.size === 0 ? "" : `?${query.toString()}`;
  const call = { method, path: `${path.replace("/api/v1", "")}${asked}` };
  if (body === undefined) return call;
  return { ...call, body: typeof body === "string" ? Object.fromEntries(new URLSearchParams(body)) : body };
}

/** Social security numbers of a scenario, each as it is written and by its last four characters. */
function numbersIn(steps: unknown): readonly string[] {
  const found = JSON.stringify(steps).matchAll(/"traits_ssn":"([^"]*)"/g);
  return [...found].flatMap(([, number = ""]) => [number, number.slice(-4)]).filter((text) => text !== "");
}
