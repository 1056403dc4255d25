/**
 * One scenario per behaviour, as data: what Planhat holds, what Hull says, and what is there afterwards.
 *
 * A folder has `settings.json` (the connector's `private_settings`), `planhat.json` (`{companies, endusers, users}` that
 * exist before), `notification.json` (one step or a list of them) and `expected.json`. Everything is compared exactly;
 * ids that the simulator makes up are written as `company:<external id>` and `enduser:<e-mail>`.
 */
import { join } from "node:path";
import { CONNECTOR, sum, type Bag, type Fixture } from "../fixture/fixture";
import { bag, hullState, namesOf, planhatState } from "../fixture/states";
import { expectedIn } from "./data";
import { inOrder, linesAboutRecords } from "./lines";
import { ends, folders, openScenario, play } from "./scenario";

interface Expected {
  readonly planhat: { readonly companies?: readonly Bag[]; readonly endusers?: readonly Bag[] };
  /** What Hull was told, by Hull id. */
  readonly hull: { readonly users?: Readonly<Record<string, Bag>>; readonly accounts?: Readonly<Record<string, Bag>> };
  /** `type/outcome/code`, one per message. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** The same for companies that only their users brought along. */
  readonly derived?: Readonly<Record<string, number>>;
  /** Calls to Planhat by route. */
  readonly calls?: Readonly<Record<string, number>>;
  /** All lines about records, in any order. */
  readonly logs?: readonly Bag[];
}

let fixture: Fixture;
afterEach(() => fixture.close());

test.each(folders)("%s", async (folder) => {
  const expected = expectedIn(join(__dirname, folder)) as Expected;
  const scenario = await openScenario(folder);
  const { seeded } = scenario;
  ({ fixture } = scenario);
  const messages = await play(scenario);

  const snapshot = fixture.planhat.snapshot();
  const names = namesOf(snapshot, seeded);
  const tally = await fixture.connector.store.tally(fixture.tenantKey);
  expect({
    planhat: planhatState(snapshot, names),
    hull: hullState(fixture, names),
    outcomes: tally.outcomes,
    derived: ends(tally.derived),
  }).toEqual({
    planhat: { companies: [], endusers: [], ...expected.planhat },
    hull: { users: {}, accounts: {}, ...expected.hull },
    outcomes: expected.outcomes,
    derived: expected.derived ?? {},
  });
  if (expected.calls !== undefined) expect(callsByRoute()).toEqual(expected.calls);
  // A line is written just after what it tells of is stored; a restart waits for it.
  if (expected.logs !== undefined) await fixture.restart();
  if (expected.logs !== undefined) {
    expect(inOrder(linesAboutRecords(fixture, CONNECTOR.id))).toEqual(inOrder(expected.logs));
  }

  // Whatever the scenario is about: as many ends as messages, and nothing doubled or said twice.
  expect(sum(tally.outcomes)).toBe(new Set(messages.map((each) => bag(each)["message_id"])).size);
  expect(sum(ends(tally.derived))).toBe(tally.derived["companies"] ?? 0);
  expect(fixture.planhat.books.snapshot().duplicates).toEqual([]);
  expect(fixture.hull.books.snapshot().unresolvedItems).toBe(0);
});

function callsByRoute(): Readonly<Record<string, number>> {
  const { requests } = fixture.planhat.books.snapshot();
  return Object.fromEntries(Object.entries(requests).map(([route, results]) => [route, sum(results)]));
}
