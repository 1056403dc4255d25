/** How long Hull waits for the answer to one notification of 100 changed users, one after the other. */
import { post } from "../load";
import { figure, rounds, type Measure } from "../measure";
import { startBare, type Running } from "../processes";
import { openCluster, SHIPMENT } from "../cluster";
import { median, quantile } from "../statistics";
import { drained } from "../watch";

const DRAIN_WITHIN_MS = 60_000;

export const latency: Measure = async ({ quick, profiles, deadlineMs }) => {
  const users = (quick ? 5 : 25) * SHIPMENT;
  const bare = await startBare();
  const cluster = await openCluster({ users, profiles });
  try {
    await cluster.deliver({ round: 0, fat: true });
    const results = await rounds(quick ? 2 : 8, deadlineMs, async (round) => {
      const shipments = cluster.shipments({ round: round + 1, fat: true });
      const oneByOne = async ({ url }: Running): Promise<readonly number[]> =>
        (
          await post(
            url,
            shipments.map((fill) => fill()),
            1,
          )
        ).latenciesMs;
      const result = { bare: await oneByOne(bare), connector: await oneByOne(cluster.connector) };
      await drained(cluster.connector.url, DRAIN_WITHIN_MS);
      return result;
    });
    const all = results.flatMap(({ connector }) => connector);
    const ratios = results.map((each) => median(each.connector) / median(each.bare));
    return [
      figure("answer, median", "ms", all, { atMost: 100 }),
      { name: "answer, 95th percentile", unit: "ms", value: quantile(all, 0.95) },
      figure("median answer, times bare Express", "", ratios),
      figure(
        "answer of bare Express, median",
        "ms",
        results.flatMap((each) => each.bare),
      ),
    ];
  } finally {
    await Promise.all([bare.stop(), cluster.close()]);
  }
};
