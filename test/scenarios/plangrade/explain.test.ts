/** Deliveries once more: what `/explain` says before each shipment is what happens then, and asking writes nothing. */
import { BENEFITS } from "../../fixture/plangrade";
import { sampled } from "../data";
import { ask, counting } from "../explained";
import { folders, openScenario, play, type Scenario } from "./scenario";

let scenario: Scenario;
afterEach(() => scenario.plangrade.close());

test.each(sampled(folders.filter((folder) => !/^(?:fetch|waiting)-/.test(folder))))("%s", async (folder) => {
  scenario = await openScenario(folder);
  const { plangrade: benefits } = scenario;
  const { fixture, plangrade } = benefits;
  const written = () => [plangrade.books.snapshot().writes, fixture.hull.books.snapshot().firehoseItems];
  const said = counting();
  await play(scenario, async (shipment) => {
    const before = written();
    said.note(await ask(fixture, { ...BENEFITS, path: "/plangrade" }, shipment));
    expect(written()).toEqual(before);
  });
  expect(said.counts().outcomes).toEqual(await benefits.outcomes());
});
