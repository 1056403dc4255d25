/** The fixture's states under their former place, for tests that were not renamed yet. */
import type { Fixture } from "../fixture/fixture";

export type { Bag } from "../fixture/fixture";
export { bag, hullState, list, namesOf, planhatState, text } from "../fixture/states";

export const seedHull = (fixture: Fixture, messages: readonly unknown[]): void => fixture.introduce(messages);
