/** Scenarios once more: what `/explain` says before each shipment is what happens then, and asking writes nothing. */
import { CONNECTOR, sum, type Fixture } from "../fixture/fixture";
import { sampled } from "./data";
import { ask, counting } from "./explained";
import { ends, folders, openScenario, play, type Scenario } from "./scenario";

let scenario: Scenario;
afterEach(() => scenario.fixture.close());

test.each(sampled(folders, 3))("%s", async (folder) => {
  scenario = await openScenario(folder);
  const { fixture, isRefused } = scenario;
  const said = counting();
  await play(scenario, async (shipment) => {
    const before = written(fixture);
    said.note(await ask(fixture, CONNECTOR, shipment));
    expect(written(fixture)).toEqual(before);
  });
  const { outcomes, derived } = await fixture.connector.store.tally(fixture.tenantKey);
  const { outcomes: foretold, derived: made } = said.counts();
  // What Planhat refuses nobody knows before it does.
  if (isRefused) expect(sum(foretold)).toBe(sum(outcomes));
  else expect({ outcomes: foretold, derived: made }).toEqual({ outcomes, derived: ends(derived) });
});

/** Calls to Planhat that write, and what Hull took. */
function written(fixture: Fixture) {
  const { requests } = fixture.planhat.books.snapshot();
  const calls = Object.entries(requests).filter(([route]) => !route.startsWith("GET "));
  return { calls, items: fixture.hull.books.snapshot().firehoseItems };
}
