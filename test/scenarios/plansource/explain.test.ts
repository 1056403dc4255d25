/** Every scenario once more: what `/explain` says before each shipment is what happens then, and asking writes nothing. */
import { EMPLOYER } from "../../fixture/plansource";
import { sum } from "../../fixture/settings";
import { ask, counting } from "../explained";
import { sampled } from "../data";
import { folders, openScenario, play, type Scenario } from "./scenario";

let scenario: Scenario;
afterEach(() => scenario.plansource.close());

test.each(sampled(folders))("%s", async (folder) => {
  scenario = await openScenario(folder);
  const { steps, plansource: employer } = scenario;
  const { fixture, plansource } = employer;
  const written = () => [plansource.books.snapshot().writes, fixture.hull.books.snapshot().firehoseItems];
  const said = counting();
  await play(scenario, async (shipment) => {
    const before = written();
    said.note(await ask(fixture, { ...EMPLOYER, path: "/plansource" }, shipment));
    expect(written()).toEqual(before);
  });
  const outcomes = await employer.outcomes();
  const { outcomes: foretold } = said.counts();
  // What PlanSource refuses, or does not have any more, nobody knows before it says so.
  const isRefused = Object.keys(outcomes).some((name) => /\/rejected\/(?:refused|ssn_exists)$/.test(name));
  if (isRefused || steps.some((step) => "remove" in step)) expect(sum(foretold)).toBe(sum(outcomes));
  else expect(foretold).toEqual(outcomes);
});
