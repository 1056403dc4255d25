/** The fixture under its former names, for tests that were not renamed yet. */
export {
  account,
  minute,
  openFixture as openStage,
  people,
  user,
  useFixtures as useStages,
  type Fixture as Stage,
} from "../fixture/fixture";
