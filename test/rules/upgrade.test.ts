/** A server of today starts on the data of the version before, and goes on where that one stopped. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openAdmin } from "../../server/cli/connect";
import { readSecret } from "../../server/secret";
import { deadLetterId } from "../../src/storage/port/dead-letters";
import { buildUserMessage } from "../../simulators/hull";
import { makeFormatSix } from "../unit/storage/format-six";
import { makeFormatFour } from "../unit/storage/format-four";
import { litter, makeFormatTwo } from "../unit/storage/format-two";
import { account, CONNECTOR, people, TOKEN, useFixtures, user, type Fixture } from "../fixture/fixture";
import { begin, dam, expectExact, publish, rowsOf, taken } from "../fixture/batches";
import { tracesIn } from "../fixture/traces";

const open = useFixtures();
const SECRET = "sealing-secret-of-this-house-0001";

/** Makes the stopped server's data that of the version before, with a token between the rows. */
async function downgrade(fixture: Fixture): Promise<void> {
  const path = join(fixture.dataDir, "store");
  await makeFormatTwo(path, readSecret(undefined, fixture.dataDir));
  expect(litter(path, TOKEN)).toBeGreaterThan(0);
  expect(tracesIn(fixture.dataDir, { token: TOKEN })).toEqual(["token in store/data.mdb"]);
}

test("what waited is delivered, runs go on, and the token between the rows is gone", async () => {
  const fixture = await open();
  const release = await dam(fixture);
  await fixture.tellUser(user(1), account(1));
  const running = await begin(fixture, publish(fixture, rowsOf(people(2, 2))).url);
  await taken(fixture, running, 2);
  // One batch of a connector after the other: this one's link is opened after the upgrade only.
  const waiting = await begin(fixture, publish(fixture, rowsOf(people(2, 4))).url);
  await fixture.stopped(() => downgrade(fixture));
  await release();
  expectExact(await fixture.ended(running), 2);
  expectExact(await fixture.ended(waiting), 2);
  await fixture.settled();
  expect(fixture.endusers()).toHaveLength(5);
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 5 });
  await fixture.stopped(async () => {
    expect(tracesIn(fixture.dataDir, { token: TOKEN })).toEqual([]);
    await Promise.resolve();
  });
  // Nothing was said again: the stored settings are those that were stored then.
  expect((await fixture.connector.store.tenants()).map(({ connectorId }) => connectorId)).toEqual([CONNECTOR.id]);
});

test("a start under another key goes on, and Hull's next notification brings what cannot be opened", async () => {
  const fixture = await open({ environment: { SECRET } });
  await fixture.deliverUser(user(1), account(1));
  await fixture.stopped(async () => {
    await makeFormatTwo(join(fixture.dataDir, "store"), SECRET, TOKEN);
  });
  await fixture.deliverUser(user(2), account(1));
  expect(fixture.endusers()).toHaveLength(2);
});

test("the tools leave the upgrade to the server, which knows the key, and work afterwards", async () => {
  const fixture = await open();
  await fixture.deliverUser(user(1), account(1));
  await fixture.stopped(async () => {
    await downgrade(fixture);
    await expect(openAdmin({ dataDir: fixture.dataDir })).rejects.toThrow(/format 2\. Start the server once/);
  });
  await fixture.stopped(async () => {
    const admin = await openAdmin({ dataDir: fixture.dataDir });
    expect(JSON.stringify(await admin.listTenants())).toContain(CONNECTOR.id);
    await admin.close();
  });
});

test("a store of the version before, not closed cleanly, goes on; its old file is gone after the next clean stop", async () => {
  const fixture = await open();
  const path = join(fixture.dataDir, "store");
  fixture.seed([account(1)], []);
  await fixture.deliverUser(user(1), account(1));
  const release = await dam(fixture);
  await fixture.tellUser(user(2), account(1));
  await fixture.stopped(async () => {
    await makeFormatSix(path);
    // As after a loss of power: the store is looked through before it is opened.
    writeFileSync(join(path, "open"), "");
  });
  expect(readdirSync(path)).toContain("data.mdb.format-6");
  await release();
  await fixture.settled();
  expect(fixture.endusers()).toHaveLength(2);
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 2 });
  await fixture.stopped(() => {
    expect(readdirSync(path).toSorted()).toEqual(["data.mdb", "lock.mdb"]);
    return Promise.resolve();
  });
  // What Hull sends again is neither counted nor written again.
  await fixture.deliverUser(user(1), account(1));
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 2 });
  expect(fixture.endusers()).toHaveLength(2);
});

test("a store whose tenants' keys name no service goes on: backlog, dead letters and a run under way", async () => {
  const fixture = await open();
  fixture.seed([account(1)], people(6));
  const heal = fixture.planhat.poison({ type: "endusers", field: "externalId", value: "person-1" }, "Position is odd");
  for (const number of [1, 2]) await fixture.tellUser(user(number), account(1));
  await fixture.settled();
  const [refused] = await fixture.connector.store.deadLettersOf(fixture.lane);
  const release = await dam(fixture);
  const waiting = buildUserMessage(user(3), { account: account(1) });
  await fixture.send("user:update", [waiting]);
  const run = await begin(fixture, publish(fixture, rowsOf(people(2, 4))).url);
  await taken(fixture, run, 2);
  await fixture.stopped(() => makeFormatFour(join(fixture.dataDir, "store")));
  const { store } = fixture.connector;
  expect((await store.tenants()).map(({ key }) => key)).toEqual([fixture.tenantKey]);
  // What Hull sends again is not counted again.
  await fixture.send("user:update", [waiting]);
  expect((await store.tally(fixture.tenantKey)).messages).toBe(5);
  heal();
  if (refused === undefined) throw new Error("Planhat refused nothing.");
  expect(await store.replayDeadLetter(deadLetterId(refused), fixture.tenantKey)).toMatchObject([{ state: "queued" }]);
  await release();
  expectExact(await fixture.ended(run), 2);
  await fixture.settled();
  expect(fixture.endusers()).toHaveLength(5);
  expect(await store.deadLettersOf(fixture.lane)).toEqual([]);
  expect(await fixture.outcomes()).toEqual({ "endusers/rejected/refused": 1, "endusers/sent/created": 5 });
});
