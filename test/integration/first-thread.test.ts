import { generatePopulation, seedProfiles, userMessages } from "../../simulators/hull";
import { CONNECTOR, openHouse, type House } from "../harness";

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

test("users arrive as endusers of their companies, and Hull learns their ids", async () => {
  const population = generatePopulation({ seed: 1, users: 40, companies: 4 });
  seedProfiles(population, house.hull.profiles);
  const report = await house.hull.send(house.url, {
    connectorId: CONNECTOR.id,
    channel: "user:update",
    messages: userMessages(population),
  });
  expect(report.messagesAccepted).toBe(40);
  await house.settled();
  expect(await house.outcomes()).toEqual({ "endusers/sent/created": 40 });
  const { companies, endusers } = house.planhat.snapshot();
  expect(companies).toHaveLength(4);
  expect(endusers).toHaveLength(40);
  const [first] = endusers;
  expect(first).toMatchObject({ externalId: "user-0" });
  expect(first).toHaveProperty("name");
  expect(first).toHaveProperty("email");
  const told = [...house.hull.profiles.users.values()].map((profile) => profile.attributes["planhat/id"]);
  expect([...told].sort()).toEqual(endusers.map(({ _id }) => _id));
  expect(house.planhat.books.snapshot()).toMatchObject({ noOpWrites: 0, duplicatesCreated: 0 });
});
