/**
 * Whether strangers can keep everybody else waiting: 200 of their requests are under way at any moment, with small
 * bodies that become large, and half-sent ones besides. Meanwhile health is checked, and Hull sends signed
 * notifications, from a known connector and from others that come for the first time. The same is measured without
 * strangers, as a yardstick.
 */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Tally } from "../children/attackers";
import { ANSWER_WITHIN_MS, postOne } from "../load";
import type { Figure, Measure } from "../measure";
import type { Notification } from "../notifications";
import { residentBytes, watchMemory } from "../proc";
import { startAttackers } from "../processes";
import { inTurns, openCluster, SHIPMENT, type Cluster } from "../cluster";
import { median, quantile } from "../statistics";

const USERS = 3 * SHIPMENT;
const HEALTH_EVERY_MS = 20;
const KNOWN_EVERY_MS = 500;
const FIRST_EVERY_MS = 2_000;
const MEGABYTE = 1_000_000;
const AS_DELIVERED = { round: 0, fat: true };

/** Milliseconds until the answer, or why there was none. */
type Answered = number | Error;

/** The results of those whom the strangers must not delay. */
interface Served {
  readonly health: readonly Answered[];
  readonly ofKnown: readonly Answered[];
  readonly ofFirst: readonly Answered[];
}

export const siege: Measure = async ({ quick, profiles }) => {
  const forMs = quick ? 2_000 : 20_000;
  const attack = quick ? { packed: 40, halfSent: 4 } : { packed: 200, halfSent: 20 };
  const cluster = await openCluster({ users: USERS, profiles });
  const attackers = await startAttackers();
  try {
    const { simulators, connector } = cluster;
    await cluster.deliver(AS_DELIVERED);
    const peaceful = await prepare(cluster, forMs);
    const besieged = await prepare(cluster, forMs);
    const inPeace = await serve(connector.url, peaceful);
    const before = residentBytes(connector.pid);
    const peak = watchMemory(connector.pid, residentBytes);
    const { organization } = simulators;
    await attackers.begin({ url: connector.url, organization, id: simulators.connector.id, ...attack });
    const served = await serve(connector.url, besieged);
    const tally = await attackers.end();
    const { health, ofKnown, ofFirst } = served;
    return [
      ...figuresOf("health", health, { atMost: 250 }),
      {
        name: "memory, growth at its peak",
        unit: "MB",
        value: (peak() - before) / MEGABYTE,
        target: { atMost: 150 },
        note: `from ${(before / MEGABYTE).toFixed(0)} MB`,
      },
      shareOf("signed notifications answered next", [...ofKnown, ...ofFirst]),
      ...figuresOf("known connector", ofKnown),
      ...figuresOf("first contact", ofFirst),
      attackOf(tally, forMs),
      ...figuresOf("health, in peace", inPeace.health),
      ...figuresOf("known connector, in peace", inPeace.ofKnown),
      ...figuresOf("first contact, in peace", inPeace.ofFirst),
    ];
  } finally {
    await Promise.all([attackers.stop(), cluster.close()]);
  }
};

interface Prepared {
  readonly healthTimes: number;
  readonly known: readonly Notification[];
  readonly first: readonly Notification[];
}

/** What is sent in so much time; made before, so that making it takes no time from what is measured. */
async function prepare(cluster: Cluster, forMs: number): Promise<Prepared> {
  return {
    healthTimes: forMs / HEALTH_EVERY_MS,
    known: inTurns(cluster.shipments(AS_DELIVERED), forMs / KNOWN_EVERY_MS),
    first: await firstContacts(cluster, forMs / FIRST_EVERY_MS),
  };
}

/** Asks and sends at a steady pace, and waits for the answers. */
async function serve(url: string, { healthTimes, known, first }: Prepared): Promise<Served> {
  const agent = new Agent({ keepAlive: true });
  const send = (notification: Notification): Promise<number> => postOne(agent, url, notification);
  try {
    const [health, ofKnown, ofFirst] = await Promise.all([
      every(HEALTH_EVERY_MS, Array.from({ length: healthTimes }), () => askHealth(agent, url)),
      every(KNOWN_EVERY_MS, known, send),
      every(FIRST_EVERY_MS, first, send),
    ]);
    return { health, ofKnown, ofFirst };
  } finally {
    agent.destroy();
  }
}

let installed = 0;

/** A notification each of so many connectors that were installed this moment. */
async function firstContacts(cluster: Cluster, count: number): Promise<readonly Notification[]> {
  const { simulators } = cluster;
  const connectors = Array.from({ length: count }, () => {
    installed += 1;
    return {
      id: `5f00000000000000001${String(installed).padStart(5, "0")}`,
      secret: `first-contact-secret-${installed}`,
    };
  });
  await simulators.order({ connectors });
  return connectors.flatMap((each) => {
    const [shipment] = cluster.shipments(AS_DELIVERED, { connector: { ...simulators.connector, ...each } });
    return shipment === undefined ? [] : [shipment()];
  });
}

/** Begins something at a steady pace, however long the former ones take: who is kept waiting asks no less often. */
async function every<T>(
  paceMs: number,
  items: readonly T[],
  work: (item: T) => Promise<number>,
): Promise<readonly Answered[]> {
  const began = performance.now();
  const results: Promise<Answered>[] = [];
  for (const [index, item] of items.entries()) {
    await sleep(Math.max(0, began + index * paceMs - performance.now()));
    results.push(work(item).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error)))));
  }
  return Promise.all(results);
}

/** @returns milliseconds until the answer @throws Error when there is none, or another than 200 */
function askHealth(agent: Agent, baseUrl: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const call = request(`${baseUrl}/health`, { agent }, (response) => {
      response.resume().on("end", () => {
        if (response.statusCode === 200) resolve(performance.now() - began);
        else reject(new Error(`Health was answered ${response.statusCode ?? "without status"}.`));
      });
    });
    call.setTimeout(ANSWER_WITHIN_MS, () => call.destroy(new Error("Health was not answered in time.")));
    call.on("error", reject);
    call.end();
  });
}

/** What was not answered counts as long as Hull would wait for it. */
function figuresOf(what: string, answered: readonly Answered[], target?: Figure["target"]): Figure[] {
  const tookMs = answered.map((each) => (each instanceof Error ? ANSWER_WITHIN_MS : each));
  return [
    { name: `${what}, p99`, unit: "ms", value: quantile(tookMs, 0.99), ...(target && { target }) },
    { name: `${what}, p50`, unit: "ms", value: median(tookMs) },
    { name: `${what}, most`, unit: "ms", value: Math.max(...tookMs), note: noteOn(answered) },
  ];
}

function shareOf(name: string, answered: readonly Answered[]): Figure {
  const good = answered.filter((each) => !(each instanceof Error)).length;
  return { name, unit: "", value: good / answered.length, target: { atLeast: 1 }, note: noteOn(answered) };
}

function noteOn(answered: readonly Answered[]): string {
  const errors = answered.filter((each) => each instanceof Error);
  const [first] = errors;
  const note = `${answered.length - errors.length} of ${answered.length}`;
  return first === undefined ? note : `${note}; ${first.message}`;
}

function attackOf({ sent, answers, cut }: Tally, forMs: number): Figure {
  const answered = Object.values(answers).reduce((sum, count) => sum + count, 0);
  const statuses = Object.entries(answers).map(([status, count]) => `${count} × ${status}`);
  const note = [`${sent} sent`, ...statuses, `${cut} cut`].join(", ");
  return { name: "requests of strangers ended", unit: "/s", value: ((answered + cut) / forMs) * 1_000, note };
}
