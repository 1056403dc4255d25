import { generatePopulation, userMessages } from "../../simulators/hull";
import { CONNECTOR, openHouse, type House } from "../harness";

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

test("users arrive as endusers of their companies, and Hull learns their ids", async () => {
  const population = generatePopulation({ seed: 1, users: 40, companies: 4 });
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
  console.log(JSON.stringify(house.planhat.books.snapshot(), null, 1), JSON.stringify(endusers[0]), JSON.stringify([...house.hull.profiles.users.values()][0]), JSON.stringify(house.hull.books.snapshot()));
});
