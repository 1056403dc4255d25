/**
 * `npm run demo`: the real server between a simulated Hull and the simulated services, one after another, with the calls
 * that it saves. `--service plansource` plays one of them in full, step by step. With `--redis` the server is three
 * processes on a Redis of the demo's own, and one of them is killed. On a terminal everything stays up afterwards, until
 * Ctrl-C; with `--once`, or piped, it ends by itself.
 */
import { once } from "node:events";
import { parseArgs } from "node:util";
import type { Demo, Volume } from "./demo";
import { plangradeDemo } from "./plangrade";
import { createKill, startOnRedis, type Kill } from "./on-redis";
import { planhatDemo } from "./planhat";
import { planningpmeDemo } from "./planningpme";
import { judge, playAll } from "./play";
import { plansourceDemo } from "./plansource";
import { count, createScreen, type Screen, type StepReport } from "./screen";
import { CONNECTOR, type PlayedSimulator, type Stage } from "./stage";

const INTERRUPTED = 130;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const USAGE = `Usage: npm run demo [-- --service <name>] [--redis] [--once]

  --service <name>     one service in full, step by step: planhat, plansource, planningpme or plangrade; without it, all
                       of them in a small size
  --redis              as three processes on a Redis of the demo's own, one of which is killed (Planhat, or --service)
  --once               ends by itself, as it does in a pipe; otherwise everything stays up until Ctrl-C
  --help               this page`;

/** A demo that is on, whatever its service. */
interface Showing {
  readonly title: string;
  /** Rejects when its connector ends. */
  readonly failure: Promise<never>;
  play(): Promise<Played>;
  showAddresses(): void;
  close(): Promise<void>;
}

interface Played {
  /** Everything is as it must be. */
  readonly holds: boolean;
  readonly reports: readonly StepReport[];
}

/** How it is played. */
interface Manner {
  readonly volume: Volume;
  /** As several processes on Redis. */
  readonly onRedis: boolean;
}

const DEMOS = {
  planhat: (how: Manner) => open(planhatDemo(how.volume), how),
  plansource: (how: Manner) => open(plansourceDemo(how.volume), how),
  planningpme: (how: Manner) => open(planningpmeDemo(how.volume), how),
  plangrade: (how: Manner) => open(plangradeDemo(how.volume), how),
} as const;

type Name = keyof typeof DEMOS;
const NAMES = Object.keys(DEMOS) as Name[];
const isDemo = (name: string): name is Name => Object.hasOwn(DEMOS, name);

const ON_REDIS = [
  "The connector runs as three processes on a Redis of its own, which ends with the demo. In the middle",
  "one of the two workers is killed while it writes. Nothing may be lost, and nothing created twice.",
  "",
];

const TOUR = [
  "Each service gets new, unchanged, changed and broken records, in a small size.",
  '"look+write" counts the calls of a connector that looks up every record before it writes it. Tokens, lists of',
  'fields and fetches are in "calls" alone.',
  "",
];

/** Starts one demo: in full it is shown step by step, in small as a summary. */
async function open<S extends PlayedSimulator>(demo: Demo<S>, { volume, onRedis }: Manner): Promise<Showing> {
  const screen = createScreen(process.stdout, demo);
  const head = (): void => screen.heading(`Hull and ${demo.title}, simulated, with the real connector between them`);
  if (volume === "full") {
    head();
    for (const line of demo.introduction) screen.line(line);
    screen.line();
  }
  if (onRedis) for (const line of ON_REDIS) screen.line(line);
  const stage = await demo.open(onRedis ? startOnRedis(screen) : undefined);
  const kill = onRedis ? createKill(screen) : undefined;
  return {
    title: demo.title,
    failure: stage.connector.failure,
    play: () => {
      if (volume === "full") return perform(demo, stage, screen, kill);
      head();
      return perform(demo, stage, { ...screen, step: () => undefined });
    },
    showAddresses: () => showAddresses(demo, stage, screen),
    close: () => {
      screen.clear();
      return stage.close();
    },
  };
}

async function perform<S extends PlayedSimulator>(
  demo: Demo<S>,
  stage: Stage<S>,
  screen: Screen,
  kill?: Kill,
): Promise<Played> {
  const reports = await playAll(kill?.among(demo.steps) ?? demo.steps, stage, screen);
  screen.summary(reports);
  for (const line of (await demo.tell?.(stage)) ?? []) screen.line(line);
  const results = [judge(stage, reports), ...demo.judge(stage, reports)];
  const checks = kill === undefined ? results : [...results, kill.judge(results)];
  checks.forEach((check) => screen.check(check));
  return { holds: checks.every(({ holds }) => holds), reports };
}

function showAddresses<S extends PlayedSimulator>(demo: Demo<S>, stage: Stage<S>, screen: Screen): void {
  const { hull, connector, url, logFile, simulator } = stage;
  screen.line(`  connector          ${connector.url}/health  /ready  ${url}/manifest.json`);
  screen.line(`  its console        ${url}/console?org=${hull.host}`);
  screen.line(`                     user ${CONNECTOR.id}, password ${CONNECTOR.secret}`);
  screen.line(`  its log            ${logFile}`);
  for (const line of demo.addresses(simulator)) screen.line(line);
  screen.line(`  Hull simulator     ${hull.url}/__sim/books  /__sim/snapshot`);
}

/** Starts and plays these one after another. @returns the exit code */
async function show(names: readonly Name[], how: Manner, staysUp: boolean): Promise<number> {
  const interrupted = Promise.race(SIGNALS.map((signal) => once(process, signal))).then(() => INTERRUPTED);
  const screen = createScreen(process.stdout, { title: "" });
  const isTour = names.length > 1;
  if (isTour) for (const line of TOUR) screen.line(line);
  const opened: Promise<Showing>[] = [];
  const playInTurn = async (): Promise<number> => {
    const results: Played[] = [];
    for (const name of names) {
      const showing = DEMOS[name](how);
      opened.push(showing);
      results.push(await (await showing).play());
      if (isTour) screen.line();
    }
    const reports = results.flatMap((each) => each.reports);
    if (isTour) showTotals(screen, reports);
    return results.every(({ holds }) => holds) ? 0 : 1;
  };
  try {
    const played = playInTurn();
    // When interrupted, the play fails because its stage is gone; its error is not shown.
    played.catch(() => undefined);
    const code = await Promise.race([played, interrupted]);
    if (!staysUp || code === INTERRUPTED) return code;
    screen.line();
    screen.heading("Everything is still up; Ctrl-C ends it.");
    const showings = await Promise.all(opened);
    for (const showing of showings) {
      if (isTour) screen.heading(showing.title);
      showing.showAddresses();
    }
    await Promise.race([interrupted, ...showings.map(({ failure }) => failure)]);
    return code;
  } finally {
    screen.clear();
    const settled = await Promise.allSettled(opened);
    await Promise.all(settled.flatMap((each) => (each.status === "fulfilled" ? [each.value.close()] : [])));
  }
}

function showTotals(screen: Screen, reports: readonly StepReport[]): void {
  const sum = (of: (report: StepReport) => number): string => count(reports.reduce((all, each) => all + of(each), 0));
  const [messages, calls, others] = [
    sum((each) => each.messages),
    sum((each) => each.calls),
    sum((each) => each.baseline.calls),
  ];
  screen.heading(
    `All services: ${messages} messages, ${calls} calls; looking everything up would have taken ${others}.`,
  );
  screen.line(`One of them in full, step by step: npm run demo -- --service ${NAMES.join(" | ")}`);
}

async function main(): Promise<number> {
  const options = {
    service: { type: "string" },
    redis: { type: "boolean", default: false },
    once: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  } as const;
  const { service, redis: onRedis, once: endsItself, help } = parseArgs({ options }).values;
  if (help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  if (service !== undefined && !isDemo(service))
    throw new Error(`There is no demo of ${service}; choose one of ${NAMES.join(", ")}.`);
  const staysUp = process.stdout.isTTY && !endsItself;
  if (service === undefined && !onRedis) return show(NAMES, { volume: "small", onRedis }, staysUp);
  return show([service ?? "planhat"], { volume: "full", onRedis }, staysUp);
}

main()
  .then((code) => {
    process.exitCode = code;
  })
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
