/** A server of today starts on the data of the version before, and goes on where that one stopped. */
import { join } from "node:path";
import { openAdmin } from "../../server/cli/connect";
import { readSecret } from "../../server/secret";
import { createLmdbKeyValue } from "../../src/storage/database/lmdb";
import { litter, makeFormatTwo, sealUnbound } from "../unit/storage/format-two";
import { CONNECTOR, TOKEN } from "../harness";
import { begin, dam, ended, expectExact, publish, rowsOf, taken, useBatchStages } from "./batches";
import { account, people, user, type Stage } from "./stage";
import { tracesIn } from "./traces";

const open = useBatchStages();
const SECRET = "sealing-secret-of-this-house-0001";

/** Makes the stopped server's data that of the version before, with a token between the rows. */
async function downgrade(stage: Stage): Promise<void> {
  const path = join(stage.dataDir, "store");
  await makeFormatTwo(path, readSecret(undefined, stage.dataDir));
  expect(litter(path, TOKEN)).toBeGreaterThan(0);
  expect(tracesIn(stage.dataDir, { token: TOKEN })).toEqual(["token in store/data.mdb"]);
}

test("what waited is delivered, runs go on, and the token between the rows is gone", async () => {
  const stage = await open();
  stage.seed([account(1)], people(5));
  const release = await dam(stage);
  await stage.tellUser(user(1), account(1));
  const running = await begin(stage, publish(stage, rowsOf(people(2, 2))).url);
  await taken(stage, running, 2);
  // One batch of a connector after the other: this one's link is opened after the upgrade only.
  const waiting = await begin(stage, publish(stage, rowsOf(people(2, 4))).url);
  await stage.stopped(() => downgrade(stage));
  await release();
  expectExact(await ended(stage, running), 2);
  expectExact(await ended(stage, waiting), 2);
  await stage.settled();
  expect(stage.endusers()).toHaveLength(5);
  expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 5 });
  await stage.stopped(async () => {
    expect(tracesIn(stage.dataDir, { token: TOKEN })).toEqual([]);
    await Promise.resolve();
  });
  // Nothing was said again: the stored settings are those that were stored then.
  expect((await stage.connector.store.tenants()).map(({ connectorId }) => connectorId)).toEqual([CONNECTOR.id]);
});

test("a start under another key goes on, and Hull's next notification brings what cannot be opened", async () => {
  const stage = await open({ environment: { SECRET } });
  stage.seed([account(1)], people(2));
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  await stage.stopped(async () => {
    const path = join(stage.dataDir, "store");
    await makeFormatTwo(path, SECRET);
    const kv = createLmdbKeyValue(path);
    const tenants = kv.table<{ readonly sealed: string }>("tenants");
    await kv.transact(() => {
      for (const [key, row] of [...tenants.range([])]) tenants.put(key, { ...row, sealed: sealUnbound("{}", TOKEN) });
    });
    await kv.close();
  });
  await stage.tellUser(user(2), account(1));
  await stage.settled();
  expect(stage.endusers()).toHaveLength(2);
});

test("the tools leave the upgrade to the server, which knows the key, and work afterwards", async () => {
  const stage = await open();
  stage.seed([account(1)], people(1));
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  await stage.stopped(async () => {
    await downgrade(stage);
    await expect(openAdmin(stage.dataDir)).rejects.toThrow(/format 2\. Start the server once/);
  });
  await stage.stopped(async () => {
    const desk = await openAdmin(stage.dataDir);
    expect(JSON.stringify(await desk.ask("tenants.list", {}))).toContain(CONNECTOR.id);
    await desk.close();
  });
});
