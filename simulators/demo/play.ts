/** Plays the steps one after another, measures each, and judges the end. */
import { setTimeout as sleep } from "node:timers/promises";
import { lookUpAndWrite } from "./baseline";
import { countByReason, type Outcome } from "./outcomes";
import type { Step } from "./demo";
import { count, type Check, type Screen, type StepReport } from "./screen";
import type { PlayedSimulator, Stage } from "./stage";

/** A step that has not ended after this time is stuck. */
const STEP_WITHIN_MS = 90_000;
const LOOK_EVERY_MS = 25;
/** Silence after which nothing more is on its way to the service or Hull. */
const QUIET_MS = 350;

/** @throws Error when the connector ends, Hull must give a message up, or a step does not end */
export async function playAll<S extends PlayedSimulator>(
  steps: readonly Step<S>[],
  stage: Stage<S>,
  screen: Screen,
): Promise<readonly StepReport[]> {
  const reports: StepReport[] = [];
  for (const step of steps) {
    const report = await Promise.race([playOne(step, stage, screen), stage.connector.failure]);
    reports.push(report);
    screen.step(reports.length, report);
  }
  return reports;
}

async function playOne<S extends PlayedSimulator>(step: Step<S>, stage: Stage<S>, screen: Screen): Promise<StepReport> {
  const { simulator, connector } = stage;
  const before = simulator.books.snapshot();
  const seen = connector.outcomes.length;
  const startedAt = performance.now();
  const news = (): readonly Outcome[] => connector.outcomes.slice(seen);

  let taken: number | undefined;
  const sending = step.play(stage).then((accepted) => (taken = accepted));
  let lastNewsAt = startedAt;
  let lastSign = "";
  for (let quietMs = 0; taken === undefined || quietMs < QUIET_MS;) {
    await Promise.race([sleep(LOOK_EVERY_MS), ...(taken === undefined ? [sending] : [])]);
    const ended = news().filter(({ derived }) => !derived).length;
    screen.progress("messages have their outcome", ended, step.messages);
    const now = performance.now();
    const sign = signOfLife(stage);
    if (sign !== lastSign) lastNewsAt = now;
    lastSign = sign;
    // Silence counts from the moment at which everything has an outcome; before it, something is still to come.
    quietMs = ended < (taken ?? Infinity) ? 0 : now - lastNewsAt;
    if (now - startedAt > STEP_WITHIN_MS) {
      throw new Error(`Step "${step.title}": only ${ended} of ${step.messages} messages have an outcome.`);
    }
  }

  const after = simulator.books.snapshot();
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
function signOfLife({ simulator, hull, connector }: Stage): string {
  const calls = [simulator.books.snapshot().calls, hull.books.snapshot().calls];
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

/** What must be true at the end, whatever is played. */
export function judge(stage: Stage, reports: readonly StepReport[]): Check {
  const own = stage.connector.outcomes.filter(({ derived }) => !derived);
  const messages = reports.reduce((sum, report) => sum + report.messages, 0);
  const twice = own.length - new Set(own.map(({ messageId }) => messageId)).size;
  return {
    holds: own.length === messages && twice === 0,
    text: `${count(messages)} messages, ${count(own.length)} outcomes, ${count(twice)} counted twice`,
  };
}
