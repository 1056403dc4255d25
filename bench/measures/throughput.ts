/**
 * How many notifications of 100 unchanged users are handled in a second, beside an Express that only parses them. Once
 * as usual, and once at LOG_LEVEL=debug, where every unchanged user has its line.
 */
import { expectWork, figure, rounds, type Measure } from "../measure";
import { startBare } from "../processes";
import { inTurns, openCluster, postAndMeasure, SHIPMENT, type Cluster, type Worked } from "../cluster";

/** So many shipments that no notification is overtaken by the next one about the same users. */
const USERS = 3_000;
const AS_DELIVERED = { round: 1, fat: true };

export const throughput: Measure = async ({ quick, profiles, deadlineMs }) => {
  const perRound = quick ? 40 : 200;
  const bare = await startBare();
  const clusters: Cluster[] = [];
  try {
    const open = async (level: string): Promise<Cluster> => {
      const cluster = await openCluster({ users: USERS, profiles, environment: { LOG_LEVEL: level } });
      clusters.push(cluster);
      await cluster.deliver(AS_DELIVERED);
      return cluster;
    };
    const info = await open("info");
    const debug = await open("debug");
    const infoShipments = info.shipments(AS_DELIVERED);
    const debugShipments = debug.shipments(AS_DELIVERED);
    let played = 0;
    const results = await rounds(quick ? 2 : 5, deadlineMs, async () => {
      played += 1;
      return {
        bare: await postAndMeasure(bare, inTurns(infoShipments, perRound)),
        info: await postAndMeasure(info.connector, inTurns(infoShipments, perRound)),
        debug: await postAndMeasure(debug.connector, inTurns(debugShipments, perRound)),
      };
    });
    for (const cluster of clusters) {
      const { unchanged = 0 } = await cluster.outcomes(USERS + played * perRound * SHIPMENT);
      expectWork("unchanged users", played * perRound * SHIPMENT, unchanged);
    }

    const perSecond = ({ elapsedMs }: Worked): number => (perRound / elapsedMs) * 1_000;
    const share = (level: "info" | "debug"): number[] =>
      results.map((each) => perSecond(each[level]) / perSecond(each.bare));
    const cpuTimes = (level: "info" | "debug"): number[] =>
      results.map((each) => each[level].cpuSecondsPer1000 / each.bare.cpuSecondsPer1000);
    return [
      figure("share of bare Express", "", share("info"), { atLeast: 0.45 }),
      figure("share of bare Express, a line per user", "", share("debug"), { atLeast: 0.4 }),
      figure("CPU, times bare Express", "", cpuTimes("info")),
      figure("CPU, times bare Express, a line per user", "", cpuTimes("debug")),
      ...(["bare", "info", "debug"] as const).map((name) =>
        figure(
          `notifications, ${name}`,
          "/s",
          results.map((each) => perSecond(each[name])),
        ),
      ),
    ];
  } finally {
    await Promise.all([bare.stop(), ...clusters.map((cluster) => cluster.close())]);
  }
};
