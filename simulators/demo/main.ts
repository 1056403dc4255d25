/**
 * `npm run demo`: the real server between a simulated Hull and a simulated service, step by step, with the calls that it
 * saves. `--service plansource` chooses another one than Planhat. On a terminal everything stays up afterwards, until
 * Ctrl-C; with `--once`, or piped, it ends by itself.
 */
import { once } from "node:events";
import { parseArgs } from "node:util";
import type { Demo } from "./demo";
import { plangradeDemo } from "./plangrade";
import { planhatDemo } from "./planhat";
import { planningpmeDemo } from "./planningpme";
import { judge, playAll } from "./play";
import { plansourceDemo } from "./plansource";
import { createScreen, type Screen } from "./screen";
import { CONNECTOR, type PlayedSimulator, type Stage } from "./stage";

const INTERRUPTED = 130;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const DEMOS = {
  planhat: (staysUp: boolean) => show(planhatDemo(), staysUp),
  plansource: (staysUp: boolean) => show(plansourceDemo(), staysUp),
  planningpme: (staysUp: boolean) => show(planningpmeDemo(), staysUp),
  plangrade: (staysUp: boolean) => show(plangradeDemo(), staysUp),
} as const;

const isDemo = (name: string): name is keyof typeof DEMOS => Object.hasOwn(DEMOS, name);

/** @returns the exit code */
async function show<S extends PlayedSimulator>(demo: Demo<S>, staysUp: boolean): Promise<number> {
  const interrupted = Promise.race(SIGNALS.map((signal) => once(process, signal))).then(() => INTERRUPTED);
  const screen = createScreen(process.stdout, demo);
  screen.heading(`Hull and ${demo.title}, simulated, with the real connector between them`);
  for (const line of demo.introduction) screen.line(line);
  screen.line();

  const stage = await demo.open();
  try {
    const played = perform(demo, stage, screen);
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

async function perform<S extends PlayedSimulator>(demo: Demo<S>, stage: Stage<S>, screen: Screen): Promise<number> {
  const reports = await playAll(demo.steps, stage, screen);
  screen.summary(reports);
  for (const line of (await demo.tell?.(stage)) ?? []) screen.line(line);
  const checks = [judge(stage, reports), ...demo.judge(stage, reports)];
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
    once: { type: "boolean", default: false },
  } as const;
  const { service, once: endsItself } = parseArgs({ options }).values;
  if (isDemo(service)) return DEMOS[service](process.stdout.isTTY && !endsItself);
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
