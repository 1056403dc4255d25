/** What a record costs where a web and a worker share a Redis, as a multiple of what it costs in one process. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startRedis } from "../../simulators/demo/redis-server";
import { inTurns, openCluster, postAndMeasure, SHIPMENT, type Cluster } from "../cluster";
import { expectWork, figure, rounds, type Figure, type Measure } from "../measure";
import { cpuSeconds } from "../proc";
import { newFolder, startConnector } from "../processes";
import { drained } from "../watch";

const DRAIN_WITHIN_MS = 60_000;

/** Processor time per 1,000 endusers, in seconds. */
type Costs<Part extends string> = Readonly<Record<Part, number>>;

/** Sends everybody changed, then everybody as he is. @param pids of all processes that work on it, by their names */
async function cost<Part extends string>(cluster: Cluster, pids: Readonly<Record<Part, number>>, round: number) {
  const shipments = cluster.shipments({ round, fat: true });
  const { connector, simulators } = cluster;
  const during = async (): Promise<Costs<Part>> => {
    const parts = Object.entries<number>(pids) as [Part, number][];
    const before = parts.map(([, pid]) => cpuSeconds(pid));
    await postAndMeasure(connector, inTurns(shipments, shipments.length), () =>
      drained(connector.url, DRAIN_WITHIN_MS),
    );
    const of = ([part, pid]: [Part, number], at: number): [Part, number] => [
      part,
      (cpuSeconds(pid) - (before[at] ?? 0)) / ((shipments.length * SHIPMENT) / 1_000),
    ];
    return Object.fromEntries(parts.map(of)) as Costs<Part>;
  };
  const { updated } = await simulators.order({});
  const changed = await during();
  expectWork("updated endusers", shipments.length * SHIPMENT, (await simulators.order({})).updated - updated);
  const unchanged = await during();
  expectWork("updated unchanged endusers", updated + shipments.length * SHIPMENT, (await simulators.order({})).updated);
  return { changed, unchanged };
}

export const redisMeasure: Measure = async ({ quick, profiles, deadlineMs }) => {
  const users = quick ? 1_000 : 5_000;
  const folder = newFolder();
  const data = join(folder.path, "redis");
  mkdirSync(data);
  const opened: { stop(): Promise<void> }[] = [];
  const until = <T extends { stop(): Promise<void> }>(each: T): T => (opened.unshift(each), each);
  try {
    const redis = until(await startRedis(data));
    const shared = { REDIS_URL: redis.url, SECRET: "a secret of the bench's processes" };
    const open = async (environment: Readonly<Record<string, string>>): Promise<Cluster> => {
      const cluster = await openCluster({ users, environment, profiles });
      until({ stop: () => cluster.close() });
      return cluster;
    };
    const alone = await open({});
    const several = await open({ ...shared, ROLE: "web" });
    const { simulators } = several;
    const environment = { ...shared, ROLE: "worker" };
    const worker = until(await startConnector({ simulators, folder: folder.path, environment, profiles }));
    await alone.deliver({ round: 0, fat: true });
    await several.deliver({ round: 0, fat: true });
    const results = await rounds(quick ? 2 : 5, deadlineMs, async (round) => ({
      one: await cost(alone, { process: alone.connector.pid }, round + 1),
      many: await cost(several, { web: several.connector.pid, worker: worker.pid, redis: redis.pid }, round + 1),
    }));
    return (["changed", "unchanged"] as const).flatMap((kind): Figure[] => {
      const times = (which: (many: Costs<"web" | "worker" | "redis">) => number): number[] =>
        results.map(({ one, many }) => which(many[kind]) / one[kind].process);
      return [
        figure(
          `CPU of ${kind}: web, times one process`,
          "",
          times(({ web }) => web),
        ),
        figure(
          `CPU of ${kind}: worker, times one process`,
          "",
          times(({ worker: own }) => own),
        ),
        figure(
          `CPU of ${kind}: Redis, times one process`,
          "",
          times(({ redis: own }) => own),
        ),
        figure(
          `CPU of ${kind}: all, times one process`,
          "",
          times(({ web, worker: own, redis: its }) => web + own + its),
        ),
        figure(
          `CPU per 1,000 ${kind}, one process`,
          "s",
          results.map(({ one }) => one[kind].process),
        ),
      ];
    });
  } finally {
    for (const each of opened) await each.stop();
    folder.remove();
  }
};
