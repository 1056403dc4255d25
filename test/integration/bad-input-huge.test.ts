/** An absurdly long key harms only its own record, in the same shipment or later. */
import { openHouse, type House } from "../harness";
import type { Bag } from "../scenarios/states";
import { expectAllIsWell, goodNotification, goodUser, tell, withField } from "./bad-input";

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

const HUGE = "x".repeat(20_000);

test.each([
  ["user.email", `${HUGE}@example.com`],
  ["user.external_id", HUGE],
  ["user.name", HUGE],
  ["user.traits_position", HUGE],
  ["account.external_id", HUGE],
  ["account.name", HUGE],
  ["account.domain", HUGE],
])("%s", async (path, value) => {
  const spoilt = withField(goodUser() as unknown as Bag, path, value);
  expect((await tell(house, goodNotification(house, [spoilt, goodUser()]))).status).toBe(200);
  await house.settled();
  const outcomes = await house.outcomes();
  expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(2);
  expect(outcomes["endusers/sent/created"]).toBeGreaterThanOrEqual(1);
  await expectAllIsWell(house);
});
