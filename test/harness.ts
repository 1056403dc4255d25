/** The fixture under its former names, for tests that were not renamed yet. */
export {
  CONNECTOR,
  defineCustomFields,
  OPEN_SETTINGS,
  openFixture as openHouse,
  TOKEN,
  type Fixture as House,
  type FixtureOptions as HouseOptions,
  type LogRecord,
} from "./fixture/fixture";
