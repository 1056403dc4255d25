/** Deliveries once more: what `/explain` says before each shipment is what happens then, and asking writes nothing. */
import { BENEFITS } from "../../fixture/plangrade";
import { sampled } from "../data";
import { ask, counting } from "../explained";
import { folders, openScenario, play, type Scenario } from "./scenario";

/** Fetches, what waits for a grant, and what plangrade alone knows: it shows at the write, or is its refusal. */
const NOT_FORETOLD =
  /^(?:fetch|waiting|refused|company-refused)-|^(?:account-that-changes|participant-in-another-company|.*-dependent)$|-gone$/;

let scenario: Scenario;
afterEach(() => scenario.plangrade.close());

test.each(sampled(folders.filter((folder) => !NOT_FORETOLD.test(folder))))("%s", async (folder) => {
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
