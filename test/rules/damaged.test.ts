/** Values that changed on the disk cost their record alone, and nothing is made a second time. */
import { join } from "node:path";
import { account, useFixtures, user, type Fixture } from "../fixture/fixture";
import { damageRow } from "../fixture/damage";

const open = useFixtures();
const NUMBERS = [1, 2, 3];

const damages = (fixture: Fixture): unknown[] =>
  fixture.logs.flatMap(({ message, data }) => (message === "connector.store.damaged" ? [data?.["table"]] : []));

async function delivered(): Promise<Fixture> {
  const fixture = await open();
  for (const number of NUMBERS) await fixture.deliverUser(user(number), account(1));
  expect(fixture.endusers()).toHaveLength(3);
  return fixture;
}

function idOf(number: number): string {
  return user(number)["id"];
}

/** The next message of everybody, with something new. */
async function tellAll(fixture: Fixture): Promise<void> {
  for (const number of NUMBERS) await fixture.deliverUser({ ...user(number), name: `Renamed ${number}` }, account(1));
}

test.each([1, 2])("what is known of a Hull record (seed %i)", async (seed) => {
  const fixture = await delivered();
  await fixture.stopped(() => damageRow(join(fixture.dataDir, "store"), "records", idOf(2), seed));
  await tellAll(fixture);
  expect(damages(fixture)).toEqual(["records"]);
  expect(fixture.endusers()).toHaveLength(3);
  expect(fixture.endusers().map(({ name }) => name)).toEqual(NUMBERS.map((number) => `Renamed ${number}`));
});

test("what Planhat is known to hold", async () => {
  const fixture = await delivered();
  const remoteId = String(fixture.endusers()[1]?.["_id"]);
  await fixture.stopped(() => damageRow(join(fixture.dataDir, "store"), "mirror", remoteId, 1));
  await tellAll(fixture);
  expect(damages(fixture)).toEqual(["mirror"]);
  expect(fixture.endusers()).toHaveLength(3);
  expect(fixture.endusers().map(({ name }) => name)).toEqual(NUMBERS.map((number) => `Renamed ${number}`));
});

test("both at once: the record is looked for", async () => {
  const fixture = await delivered();
  const store = join(fixture.dataDir, "store");
  const remoteId = String(fixture.endusers()[1]?.["_id"]);
  await fixture.stopped(async () => {
    await damageRow(store, "records", idOf(2), 1);
    await damageRow(store, "mirror", remoteId, 1);
  });
  fixture.letSettle();
  await tellAll(fixture);
  expect(damages(fixture).toSorted()).toEqual(["mirror", "records"]);
  expect(fixture.endusers()).toHaveLength(3);
});

test("what waits ends by its name, and the others are delivered", async () => {
  const fixture = await open();
  await fixture.deliverUser(user(9), account(1));
  const pause = { kind: "auth", message: "Planhat says no.", sinceMs: 0, untilMs: Date.now() + 3_600_000 };
  await fixture.connector.store.pause(fixture.lane, "*", pause);
  for (const number of NUMBERS) await fixture.tellUser(user(number), account(1));
  await fixture.stopped(() => damageRow(join(fixture.dataDir, "store"), "records", idOf(2), 1));
  await fixture.connector.deliveryWorker.release(fixture.lane);
  await fixture.settled();
  expect(damages(fixture)).toEqual(["records"]);
  expect(fixture.endusers()).toHaveLength(3);
  const { messages, outcomes } = await fixture.connector.store.tally(fixture.tenantKey);
  expect(outcomes).toEqual({ "endusers/sent/created": 3, "endusers/dead/damaged": 1 });
  expect(messages).toBe(4);
});
