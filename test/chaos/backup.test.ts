/** A backup of a server at work, the server's sudden end, and the restore: nothing lost, nothing doubled. */
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generatePopulation, seedProfiles, userMessages } from "../../simulators/hull";
import { CONNECTOR } from "../fixture/fixture";
import { differences, everybodyTold, useProcessFixtures } from "../fixture/process";
import { runTool } from "./tool-process";

/** A slow or busy machine needs time to start processes. */
jest.setTimeout(180_000);

const fixtures = useProcessFixtures();
let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "connector-backup-"));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

const backUp = (dataDir: string, to: string) => runTool("backup", dataDir, ["--to", to], place);

test("what was accepted before a backup is delivered after a restore, once, and what came later is not doubled", async () => {
  const fixture = await fixtures.open({ seed: 23 });
  const { hull, planhat, server, dataDir } = fixture;
  const population = generatePopulation({ seed: 23, users: 60, companies: 6 });
  seedProfiles(population, hull.profiles);
  const messages = userMessages(population);
  const order = { connectorId: CONNECTOR.id, channel: "user:update", shipmentSize: 5 } as const;
  const created = (): number => planhat.snapshot().endusers.length;
  const { users } = population;

  // Nothing can be delivered yet, so what was accepted is in the store alone.
  const down = planhat.faults.add({ kind: "status", status: 503 });
  expect(await hull.send(fixture.url, { ...order, messages: messages.slice(0, 30) })).toMatchObject({
    messagesAccepted: 30,
  });
  const meanwhile = hull.send(fixture.url, { ...order, messages: messages.slice(30) });
  // A path of the tool's folder, not of the server's.
  const said = await backUp(dataDir, "backup");
  expect(said).toMatchObject({ code: 0, err: "" });
  expect(said.out).toContain(join(place, "backup"));
  await meanwhile;
  await server.kill();
  await server.stop();

  const backup = join(place, "backup");
  expect(readdirSync(place)).toEqual(["backup"]);
  expect(readdirSync(backup).toSorted()).toEqual(["secret.key", "store"]);
  expect(readdirSync(join(backup, "store"))).toEqual(["data.mdb"]);
  expect(statSync(join(backup, "store/data.mdb")).mode & 0o777).toBe(0o600);
  const restore = (): void => {
    rmSync(dataDir, { recursive: true });
    cpSync(backup, dataDir, { recursive: true });
  };

  restore();
  down.remove();
  await server.start();
  // Nobody sends anything again: the restored store knows the settings, opens the credentials, and delivers.
  const early = new Set(users.slice(0, 30).map(({ email }) => email));
  await fixture.reached(
    () => planhat.snapshot().endusers.filter(({ email }) => early.has(String(email))).length === 30,
  );
  // Whatever came in after the backup is sent again, as an export does.
  await hull.send(fixture.url, { ...order, messages, isExport: true });
  await fixture.reached(() => everybodyTold(population, hull));
  await server.stop();

  // Once more the same backup: in it everybody waits, and in Planhat everybody is there already.
  restore();
  expect(created()).toBe(60);
  await server.start();
  await hull.send(fixture.url, { ...order, messages, isExport: true });
  const remains = await fixture.drained(() => everybodyTold(population, hull));
  expect(differences(population, fixture)).toEqual([]);
  expect(planhat.books.snapshot()).toMatchObject({ duplicates: [], created: { endusers: 60, companies: 6 } });
  expect(remains).toMatchObject({ lanes: [], deadLetters: 0 });
  expect(server.crashes).toEqual([]);
  // The key went along: nothing was sealed with another one.
  expect(server.complaints().filter((line) => line.includes("connector.secret.warning"))).toEqual([]);
});
