/**
 * Whether strangers can keep everybody else waiting: 200 of their requests are under way at any moment, with small bodies
 * that become large, and half-sent ones besides. Meanwhile health is asked, Hull sends signed notifications, of connectors
 * that are known and of such that come for the first time, and memory is watched.
 */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Tally } from "../children/attackers";
import { ANSWER_WITHIN_MS, postOne } from "../load";
import type { Figure, Measure } from "../measure";
import type { Notification } from "../notifications";
import { residentBytes, watchMemory } from "../proc";
import { startAttackers } from "../processes";
import { inTurns, openStage, SHIPMENT, type Stage } from "../stage";
import { median, quantile } from "../statistics";

const USERS = 3 * SHIPMENT;
const HEALTH_EVERY_MS = 20;
const KNOWN_EVERY_MS = 250;
const FIRST_EVERY_MS = 1_000;
const MEGABYTE = 1_000_000;
const AS_DELIVERED = { round: 0, fat: true };

/** Milliseconds until the answer, or why there was none. */
type Answered = number | Error;

export const siege: Measure = async ({ quick, profiles }) => {
  const forMs = quick ? 2_000 : 20_000;
  const attack = quick ? { packed: 40, halfSent: 4 } : { packed: 200, halfSent: 20 };
  const stage = await openStage({ users: USERS, profiles });
  const attackers = await startAttackers();
  const agent = new Agent({ keepAlive: true });
  try {
    const { simulators, connector: server } = stage;
    await stage.deliver(AS_DELIVERED);
    const known = inTurns(stage.shipments(AS_DELIVERED), forMs / KNOWN_EVERY_MS);
    const first = await firstContacts(stage, forMs / FIRST_EVERY_MS);
    const notify = async (notification: Notification): Promise<number> => postOne(agent, server.url, notification);

    const before = residentBytes(server.pid);
    const peak = watchMemory(server.pid, residentBytes);
    const { organization, connector } = simulators;
    await attackers.begin({ url: server.url, organization, id: connector.id, ...attack });
    const [health, ofKnown, ofFirst] = await Promise.all([
      every(HEALTH_EVERY_MS, Array.from({ length: forMs / HEALTH_EVERY_MS }), () => askHealth(agent, server.url)),
      every(KNOWN_EVERY_MS, known, notify),
      every(FIRST_EVERY_MS, first, notify),
    ]);
    const tally = await attackers.end();
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
      ...figuresOf("of a known connector", ofKnown),
      ...figuresOf("of a connector's first", ofFirst),
      attackOf(tally, forMs),
    ];
  } finally {
    agent.destroy();
    await Promise.all([attackers.stop(), stage.close()]);
  }
};

/** A notification each of so many connectors that were installed this moment. */
async function firstContacts(stage: Stage, count: number): Promise<readonly Notification[]> {
  const { simulators } = stage;
  const connectors = Array.from({ length: count }, (_, index) => ({
    id: `5f0000000000000000001${String(index).padStart(3, "0")}`,
    secret: `first-contact-secret-${index}`,
  }));
  await simulators.order({ connectors });
  return connectors.flatMap((each) => {
    const [shipment] = stage.shipments(AS_DELIVERED, { connector: { ...simulators.connector, ...each } });
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
