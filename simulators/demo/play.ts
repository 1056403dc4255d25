/** Plays the steps one after another, measures each, and judges the end. */
import { setTimeout as sleep } from "node:timers/promises";
import { lookUpAndWrite } from "./baseline";
import { compareHolding, expectedHolding } from "./expected";
import type { FixtureEnvelope } from "./fixtures";
import { countByReason, type Outcome } from "./outcomes";
import type { Check, Screen, StepReport } from "./screen";
import { TOKEN, type Cluster } from "./cluster";
import { count, type Play, type Step } from "./steps";

/** A step that has not ended after this time is stuck. */
const STEP_WITHIN_MS = 90_000;
const LOOK_EVERY_MS = 25;
/** Silence after which nothing more is on its way to Planhat or Hull. */
const QUIET_MS = 350;

/** @throws Error when the connector ends, Hull must give a message up, or a step does not end */
export async function playAll(play: Play, cluster: Cluster, screen: Screen): Promise<readonly StepReport[]> {
  const reports: StepReport[] = [];
  for (const step of play.steps) {
    const report = await Promise.race([playOne(step, cluster, screen), cluster.connector.failure]);
    reports.push(report);
    screen.step(reports.length, report);
  }
  return reports;
}

async function playOne(step: Step, cluster: Cluster, screen: Screen): Promise<StepReport> {
  const { planhat, connector } = cluster;
  const before = planhat.books.snapshot();
  const seen = connector.outcomes.length;
  const startedAt = performance.now();
  const news = (): readonly Outcome[] => connector.outcomes.slice(seen);

  let taken: number | undefined;
  const sending = step.play(cluster).then((accepted) => (taken = accepted));
  let lastNewsAt = startedAt;
  let lastSign = "";
  for (let quietMs = 0; taken === undefined || quietMs < QUIET_MS;) {
    await Promise.race([sleep(LOOK_EVERY_MS), ...(taken === undefined ? [sending] : [])]);
    const ended = news().filter(({ derived }) => !derived).length;
    screen.progress("messages have their outcome", ended, step.messages);
    const now = performance.now();
    const sign = signOfLife(cluster);
    if (sign !== lastSign) lastNewsAt = now;
    lastSign = sign;
    // Silence counts from the moment at which everything has an outcome; before it, something is still to come.
    quietMs = ended < (taken ?? Infinity) ? 0 : now - lastNewsAt;
    if (now - startedAt > STEP_WITHIN_MS) {
      throw new Error(`Step "${step.title}": only ${ended} of ${step.messages} messages have an outcome.`);
    }
  }

  const after = planhat.books.snapshot();
  const outcomes = news();
  return {
    title: step.title,
    name: step.name,
    messages: taken,
    outcomes: countByReason(outcomes.filter(({ derived }) => !derived)),
    derived: countByReason(outcomes.filter(({ derived }) => derived)),
    calls: after.calls - before.calls,
    routes: differences(before.requests, after.requests),
    baseline: lookUpAndWrite(outcomes),
    elapsedMs: lastNewsAt - startedAt,
  };
}

/** Changes whenever anything happens anywhere. */
function signOfLife({ planhat, hull, connector }: Cluster): string {
  const calls = [planhat.books.snapshot().calls, hull.books.snapshot().calls];
  return [...calls, connector.outcomes.length].join("/");
}

type Requests = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Calls by route, whatever their result. */
function differences(before: Requests, after: Requests): readonly (readonly [string, number])[] {
  const total = (results: Readonly<Record<string, number>> = {}): number =>
    Object.values(results).reduce((sum, each) => sum + each, 0);
  return Object.entries(after)
    .map(([route, results]) => [route, total(results) - total(before[route])] as const)
    .filter(([, times]) => times > 0);
}

/** What must be true at the end. */
export function judge(
  play: Play,
  fixtures: readonly FixtureEnvelope[],
  cluster: Cluster,
  reports: readonly StepReport[],
): readonly Check[] {
  const own = cluster.connector.outcomes.filter(({ derived }) => !derived);
  const messages = reports.reduce((sum, report) => sum + report.messages, 0);
  const twice = own.length - new Set(own.map(({ messageId }) => messageId)).size;
  const { companies, endusers, missing, surplus } = compareHolding(
    expectedHolding(play.population, fixtures),
    cluster.planhat.snapshot(TOKEN),
  );
  const books = cluster.planhat.books.snapshot();
  const { known, delivered } = knownInHull(cluster);
  return [
    {
      holds: own.length === messages && twice === 0,
      text: `${count(messages)} messages, ${count(own.length)} outcomes, ${count(twice)} counted twice`,
    },
    {
      holds: missing.length === 0 && surplus.length === 0,
      text: `Planhat holds what Hull's people ask for: ${count(companies)} companies, ${count(endusers)} endusers`,
      details: [...missing.map((each) => `missing ${each}`), ...surplus.map((each) => `surplus ${each}`)],
    },
    {
      holds: books.duplicatesCreated === 0,
      text: `${count(books.duplicatesCreated)} duplicates created, ${count(books.noOpWrites)} writes that changed nothing`,
      details: books.duplicates,
    },
    {
      holds: known === delivered,
      text: `Hull knows the Planhat id of ${count(known)} of ${count(delivered)} records`,
    },
  ];
}

/** How many of Planhat's records a profile in Hull names by their id. */
function knownInHull({ planhat, hull }: Cluster): { readonly known: number; readonly delivered: number } {
  const { companies, endusers } = planhat.snapshot(TOKEN);
  const { users, accounts } = hull.profiles.snapshot();
  const told = new Set([...users, ...accounts].map(({ attributes }) => attributes["planhat/id"]));
  const records = [...companies, ...endusers];
  return { known: records.filter(({ _id }) => told.has(_id)).length, delivered: records.length };
}
