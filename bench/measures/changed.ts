/** How fast changed endusers reach Planhat and come back to Hull, and what changed and unchanged ones cost in CPU time. */
import { expectWork, figure, rounds, type Measure } from "../measure";
import { startBare } from "../processes";
import { inTurns, openCluster, postAndMeasure, SHIPMENT } from "../cluster";
import { drained } from "../watch";

const LATENCY_MS = 20;
const DRAIN_WITHIN_MS = 60_000;

export const changed: Measure = async ({ quick, profiles, deadlineMs }) => {
  const users = quick ? 2_000 : 10_000;
  const count = users / SHIPMENT;
  const bare = await startBare();
  const cluster = await openCluster({ users, profiles });
  const { simulators } = cluster;
  try {
    await simulators.order({ latencyMs: LATENCY_MS });
    await cluster.deliver({ round: 0, fat: true });
    let messages = users;
    const results = await rounds(quick ? 2 : 5, deadlineMs, async (round) => {
      const shipments = cluster.shipments({ round: round + 1, fat: true });
      const before = await simulators.order({});
      const parsed = await postAndMeasure(bare, inTurns(shipments, count));
      const sent = await postAndMeasure(cluster.connector, inTurns(shipments, count), () =>
        drained(cluster.connector.url, DRAIN_WITHIN_MS),
      );
      const after = await simulators.order({});
      expectWork("updated endusers", users, after.updated - before.updated);
      const same = await postAndMeasure(cluster.connector, inTurns(shipments, count));
      messages += 2 * users;
      const { unchanged = 0 } = await cluster.outcomes(messages);
      expectWork("unchanged users", (round + 1) * users, unchanged);
      return { parsed, sent, same, calls: after.calls - before.calls };
    });
    const cpu = (which: "sent" | "same"): number[] => results.map((each) => each[which].cpuSecondsPer1000);
    const timesBare = (which: "sent" | "same"): number[] =>
      results.map((each) => each[which].cpuSecondsPer1000 / each.parsed.cpuSecondsPer1000);
    return [
      figure(
        "changed endusers, end to end",
        "/s",
        results.map(({ sent }) => (users / sent.elapsedMs) * 1_000),
        {
          atLeast: 2_500,
        },
      ),
      figure("CPU per 1,000 changed", "s", cpu("sent")),
      figure("CPU per 1,000 unchanged", "s", cpu("same")),
      figure("CPU of changed, times bare Express", "", timesBare("sent"), { atMost: 10 }),
      figure("CPU of unchanged, times bare Express", "", timesBare("same"), { atMost: 2 }),
      figure(
        "calls to Planhat per 1,000 changed",
        "",
        results.map(({ calls }) => (calls / users) * 1_000),
      ),
      figure(
        "CPU of bare Express per 1,000",
        "s",
        results.map(({ parsed }) => parsed.cpuSecondsPer1000),
      ),
    ];
  } finally {
    await Promise.all([bare.stop(), cluster.close()]);
  }
};
