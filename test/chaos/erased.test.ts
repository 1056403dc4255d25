/** A connector that shares its remote with another one is erased beside the processes that work for it. */
import {
  accountMessages,
  changedUserMessages,
  changePopulation,
  generatePopulation,
  seedProfiles,
  userMessages,
} from "../../simulators/hull";
import { createRandom, type Call, type HookListener, type HookName } from "../../simulators/loopback";
import {
  ALERTS,
  CONTENTS,
  DEPTH,
  FLIGHTS,
  GRANTS,
  HOURS,
  LAST_RUNS,
  LISTED,
  MIRRORS,
  PAUSES,
  RECORDS,
  REMOTES,
  REPORTS,
  RUN_COUNTS,
  RUNS,
  STARTS,
  TALLY,
  TENANTS,
} from "../../src/storage/tables/tables";
import { useClusters } from "../fixture/cluster";
import { CONNECTOR, OPEN_SETTINGS } from "../fixture/fixture";
import { differences } from "../fixture/process";
import { auditOf } from "../unit/storage/audit";

jest.setTimeout(240_000);

const open = useClusters();

/** What is done for a connector when it is erased. */
const DOING = ["tells Hull", "calls Planhat", "has its answer", "stands still meanwhile"] as const;
/** Without what is kept for a time of its own. */
const TABLES = [
  ...[
    TENANTS,
    GRANTS,
    REMOTES,
    RECORDS,
    CONTENTS,
    MIRRORS,
    FLIGHTS,
    LISTED,
    PAUSES,
    ALERTS,
    RUNS,
    REPORTS,
    LAST_RUNS,
    STARTS,
  ],
  ...[TALLY, HOURS, DEPTH, RUN_COUNTS],
];
const idOf = (index: number): string => `5f00000000000000000000f${index}`;

/** The next call of a kind, which waits until it may go on. */
function nextCall(
  on: (name: HookName, listener: HookListener) => () => void,
  moment: HookName,
  isIt: (call: Call) => boolean,
): Promise<{ readonly call: Call; readonly goOn: () => void }> {
  return new Promise((resolve) => {
    const end = on(moment, async (call) => {
      if (!isIt(call)) return;
      end();
      await new Promise<void>((goOn) => resolve({ call, goOn }));
    });
  });
}

const saysLost = (server: { complaints(): readonly string[] }): number =>
  server.complaints().filter((line) => line.includes('"connector.lease.lost"')).length;

test("a connector that is erased is gone for good, whatever a worker does for it, and its neighbour keeps all", async () => {
  const random = createRandom(1);
  const before = generatePopulation({ seed: 1, users: 20, companies: 5 });
  const cluster = await open({ seed: 1, webs: 1, workers: 2 });
  const { planhat, hull, store, database, webs, workers } = cluster;
  seedProfiles(before, hull.profiles);
  // They share its remote, and most of their records.
  await cluster.post("account:update", accountMessages(before), random);
  await cluster.settled(() => []);
  let population = before;
  for (const [index, doing] of DOING.entries()) {
    const connectorId = idOf(index);
    hull.addConnector({ ...CONNECTOR, id: connectorId, privateSettings: OPEN_SETTINGS });
    const held =
      doing === "tells Hull"
        ? nextCall(hull.on, "request", ({ route }) => route === "POST /firehose")
        : nextCall(
            planhat.on,
            doing === "calls Planhat" ? "request" : "applied",
            ({ route }) => route === "PUT /endusers",
          );
    const change = changePopulation(population, { percent: 50, round: index });
    population = change.population;
    const messages = index === 0 ? userMessages(population) : changedUserMessages(change);
    await cluster.post("user:update", messages, random, connectorId);
    const { call, goOn } = await held;
    const worker = cluster.callerOf(call);
    if (worker === undefined) throw new Error("Nobody called.");
    const standsStill = doing === "stands still meanwhile";
    if (standsStill) process.kill(worker.pid, "SIGSTOP");
    await cluster.forget(cluster.tenantKey.replace(CONNECTOR.id, connectorId));
    goOn();
    // The neighbour's work is done by the same worker after that, or by the next one.
    await cluster.post("user:update", userMessages(population), random);
    await cluster.settled(() => differences(population, cluster));
    if (standsStill) {
      process.kill(worker.pid, "SIGCONT");
      await cluster.until(() => saysLost(worker) > 0);
      await cluster.settled(() => differences(population, cluster));
    }
  }
  for (const each of [...webs, ...workers]) expect(await each.stop()).toMatchObject({ code: 0 });

  expect((await store.tenants()).map(({ key }) => key)).toEqual([cluster.tenantKey]);
  const named = await database.read((rows) =>
    TABLES.filter(({ name }) => {
      const all = JSON.stringify([...rows.range(name, [])]);
      return DOING.some((_, index) => all.includes(idOf(index)));
    }),
  );
  expect(named.map(({ name }) => name)).toEqual([]);
  expect(await auditOf(database)).toEqual([]);
});
