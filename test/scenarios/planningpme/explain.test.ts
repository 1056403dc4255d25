/** Deliveries once more: what `/explain` says before each shipment is what happens then, and asking imports nothing. */
import { PLANNER } from "../../fixture/planningpme";
import { ask, counting } from "../explained";
import { sampled } from "../data";
import { folders, openScenario, play, type Scenario } from "./scenario";

let scenario: Scenario;
afterEach(() => scenario.planningpme.close());

test.each(sampled(folders.filter((folder) => !folder.startsWith("fetch-"))))("%s", async (folder) => {
  scenario = await openScenario(folder);
  const { planningpme: planner } = scenario;
  const { fixture, planningpme } = planner;
  // A simulation is no import.
  const written = () => [planningpme.books.snapshot().imports, fixture.hull.books.snapshot().firehoseItems];
  const said = counting();
  await play(scenario, async (shipment) => {
    const before = written();
    said.note(await ask(fixture, { ...PLANNER, path: "/planningpme" }, shipment));
    expect(written()).toEqual(before);
  });
  expect(said.counts().outcomes).toEqual(await planner.outcomes());
});
