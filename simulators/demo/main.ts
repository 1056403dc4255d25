/**
 * `npm run demo`: the real server between a simulated Hull and a simulated service, step by step, with the calls that it
 * saves. `--service plansource` chooses another one than Planhat. With `--redis` the server is three processes on a Redis
 * of the demo's own, and one of them is killed. On a terminal everything stays up afterwards, until Ctrl-C; with `--once`,
 * or piped, it ends by itself.
 */
import { once } from "node:events";
import { parseArgs } from "node:util";
import type { Demo } from "./demo";
import { plangradeDemo } from "./plangrade";
import { createKill, startOnRedis, type Kill } from "./on-redis";
import { planhatDemo } from "./planhat";
import { planningpmeDemo } from "./planningpme";
import { judge, playAll } from "./play";
import { plansourceDemo } from "./plansource";
import { createScreen, type Screen } from "./screen";
import { CONNECTOR, type PlayedSimulator, type Stage } from "./stage";

const INTERRUPTED = 130;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** How it is played. */
interface Manner {
  readonly staysUp: boolean;
  /** As several processes on Redis. */
  readonly onRedis: boolean;
}

const DEMOS = {
  planhat: (how: Manner) => show(planhatDemo(), how),
  plansource: (how: Manner) => show(plansourceDemo(), how),
  planningpme: (how: Manner) => show(planningpmeDemo(), how),
  plangrade: (how: Manner) => show(plangradeDemo(), how),
} as const;

const isDemo = (name: string): name is keyof typeof DEMOS => Object.hasOwn(DEMOS, name);

const ON_REDIS = [
  "The connector runs as three processes on a Redis of its own, which ends with the demo. In the middle",
  "one of the two workers is killed while it writes. Nothing may be lost, and nothing created twice.",
  "",
];

/** @returns the exit code */
async function show<S extends PlayedSimulator>(demo: Demo<S>, { staysUp, onRedis }: Manner): Promise<number> {
  const interrupted = Promise.race(SIGNALS.map((signal) => once(process, signal))).then(() => INTERRUPTED);
  const screen = createScreen(process.stdout, demo);
  screen.heading(`Hull and ${demo.title}, simulated, with the real connector between them`);
  for (const line of demo.introduction) screen.line(line);
  screen.line();
  if (onRedis) for (const line of ON_REDIS) screen.line(line);

  const stage = await demo.open(onRedis ? startOnRedis(screen) : undefined);
  try {
    const played = perform(demo, stage, screen, onRedis ? createKill(screen) : undefined);
    // When interrupted, the play fails because its stage is gone; its error is not shown.
    played.catch(() => undefined);
    const code = await Promise.race([played, interrupted]);
    if (!staysUp || code === INTERRUPTED) return code;
    showAddresses(demo, stage, screen);
    await Promise.race([interrupted, stage.connector.failure]);
    return code;
  } finally {
    screen.clear();
    await stage.close();
  }
}

async function perform<S extends PlayedSimulator>(
  demo: Demo<S>,
  stage: Stage<S>,
  screen: Screen,
  kill?: Kill,
): Promise<number> {
  const reports = await playAll(kill?.among(demo.steps) ?? demo.steps, stage, screen);
  screen.summary(reports);
  for (const line of (await demo.tell?.(stage)) ?? []) screen.line(line);
  const results = [judge(stage, reports), ...demo.judge(stage, reports)];
  const checks = kill === undefined ? results : [...results, kill.judge(results)];
  checks.forEach((check) => screen.check(check));
  return checks.every(({ holds }) => holds) ? 0 : 1;
}

function showAddresses<S extends PlayedSimulator>(demo: Demo<S>, stage: Stage<S>, screen: Screen): void {
  const { hull, connector, url, logFile, simulator } = stage;
  screen.line();
  screen.heading("Everything is still up; Ctrl-C ends it.");
  screen.line(`  connector          ${connector.url}/health  /ready  ${url}/manifest.json`);
  screen.line(`  its console        ${url}/console?org=${hull.host}`);
  screen.line(`                     user ${CONNECTOR.id}, password ${CONNECTOR.secret}`);
  screen.line(`  its log            ${logFile}`);
  for (const line of demo.addresses(simulator)) screen.line(line);
  screen.line(`  Hull simulator     ${hull.url}/__sim/books  /__sim/snapshot`);
}

async function main(): Promise<number> {
  const options = {
    service: { type: "string", default: "planhat" },
    redis: { type: "boolean", default: false },
    once: { type: "boolean", default: false },
  } as const;
  const { service, redis: onRedis, once: endsItself } = parseArgs({ options }).values;
  if (isDemo(service)) return DEMOS[service]({ staysUp: process.stdout.isTTY && !endsItself, onRedis });
  throw new Error(`There is no demo of ${service}; choose one of ${Object.keys(DEMOS).join(", ")}.`);
}

main()
  .then((code) => {
    process.exitCode = code;
  })
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
