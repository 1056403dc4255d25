/**
 * Whether memory grows with the backlog: the most anonymous memory of a fresh process while it drains an outbox, a large
 * one beside a small one.
 */
import { post } from "../load";
import type { Figure, Measure } from "../measure";
import { watchMemory } from "../proc";
import { CONNECTIONS, openCluster, SHIPMENT } from "../cluster";
import { median } from "../statistics";
import { countsOf, drained } from "../watch";

const SMALL = 20_000;
const LARGE = 200_000;
/** Shipments that are made and posted at once. */
const BATCH = 50;
const MEBIBYTE = 2 ** 20;

interface Drained {
  readonly entries: number;
  readonly peakMebibytes: number;
  /** Whether everything was drained in time. */
  readonly whole: boolean;
}

export const memory: Measure = async ({ quick, profiles, deadlineMs }) => {
  const drain = (users: number, timeMs: number): Promise<Drained> => fillAndDrain(users, timeMs, profiles);
  const left = deadlineMs - performance.now();
  const small = [await drain(SMALL, left * (quick ? 0.5 : 0.2))];
  const peak = (values: readonly Drained[]): number => median(values.map(({ peakMebibytes }) => peakMebibytes));
  if (quick) return [{ name: `peak, backlog of ${SMALL}`, unit: "MiB", value: peak(small), ...noteOn(small) }];
  const large = [await drain(LARGE, left * 0.6)];
  small.push(await drain(SMALL, left * 0.2));
  const note = noteOn([...small, ...large]);
  return [
    {
      name: "peak, large over small backlog",
      unit: "",
      value: peak(large) / peak(small),
      target: { atMost: 1.15 },
      ...note,
    },
    { name: `peak, backlog of ${LARGE}`, unit: "MiB", value: peak(large) },
    { name: `peak, backlog of ${SMALL}`, unit: "MiB", value: peak(small) },
  ];
};

function noteOn(runs: readonly Drained[]): Pick<Figure, "note"> {
  if (runs.every(({ whole }) => whole)) return {};
  return { note: `cut short by time; backlogs: ${runs.map(({ entries }) => entries).join(", ")}` };
}

/** Half of the time for filling, half for draining; a slow machine gets a smaller backlog and an early end. */
async function fillAndDrain(users: number, timeMs: number, profiles: string | undefined): Promise<Drained> {
  const began = performance.now();
  const cluster = await openCluster({ users, profiles, environment: { RETRY_BASE_MS: "200", RETRY_CAP_MS: "500" } });
  try {
    await cluster.simulators.order({ busy: true });
    const shipments = cluster.shipments({ round: 0, fat: false }, { isExport: true });
    let sent = 0;
    for (let from = 0; from < shipments.length && performance.now() - began < timeMs / 2; from += BATCH) {
      const notifications = shipments.slice(from, from + BATCH).map((fill) => fill());
      await post(cluster.connector.url, notifications, CONNECTIONS);
      sent += notifications.length;
    }
    const { outbox } = await countsOf(cluster.connector.url);
    if (outbox < sent * SHIPMENT) throw new Error(`Only ${outbox} of ${sent * SHIPMENT} records wait: no backlog.`);
    await cluster.simulators.order({ busy: false });
    await cluster.restart();
    const peak = watchMemory(cluster.connector.pid);
    const whole = await drained(
      cluster.connector.url,
      Math.max(timeMs - (performance.now() - began), 10_000),
      250,
    ).then(
      () => true,
      () => false,
    );
    return { entries: sent * SHIPMENT, peakMebibytes: peak() / MEBIBYTE, whole: whole && sent === shipments.length };
  } finally {
    await cluster.close();
  }
}
