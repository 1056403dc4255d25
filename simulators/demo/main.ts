/**
 * `npm run demo`: the real server between a simulated Hull and a simulated Planhat, step by step, with the calls that
 * it saves. On a terminal everything stays up afterwards, until Ctrl-C; with `--once`, or piped, it ends by itself.
 */
import { once } from "node:events";
import { CALLS_PER_MINUTE } from "./baseline";
import { readFixtures, type FixtureEnvelope } from "./fixtures";
import { createScreen, type Screen } from "./screen";
import { CONNECTOR, openCluster, TOKEN, type Cluster } from "./cluster";
import { createPlay, type Play } from "./steps";
import { judge, playAll } from "./play";

const INTERRUPTED = 130;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** @returns the exit code */
async function main(screen: Screen, staysUp: boolean): Promise<number> {
  const fixtures = readFixtures(process.cwd());
  const play = createPlay(fixtures);
  const interrupted = Promise.race(SIGNALS.map((signal) => once(process, signal))).then(() => INTERRUPTED);

  screen.heading("Hull and Planhat, simulated, with the real connector between them");
  screen.line(`Planhat grants ${CALLS_PER_MINUTE} calls a minute. "Look up and write" is what a connector needs that`);
  screen.line("looks up every record before it writes it: one look-up per record that passes the");
  screen.line("filters, one write if it is new or changed, two calls per company not known yet.");
  screen.line();

  const cluster = await openCluster();
  try {
    const played = perform(play, fixtures, cluster, screen);
    // When interrupted, the play fails because its stage is gone; its error is not shown.
    played.catch(() => undefined);
    const code = await Promise.race([played, interrupted]);
    if (!staysUp || code === INTERRUPTED) return code;
    showAddresses(cluster, screen);
    await Promise.race([interrupted, cluster.connector.failure]);
    return code;
  } finally {
    screen.clear();
    await cluster.close();
  }
}

async function perform(
  play: Play,
  fixtures: readonly FixtureEnvelope[],
  cluster: Cluster,
  screen: Screen,
): Promise<number> {
  const reports = await playAll(play, cluster, screen);
  screen.summary(reports);
  const checks = judge(play, fixtures, cluster, reports);
  checks.forEach((check) => screen.check(check));
  return checks.every(({ holds }) => holds) ? 0 : 1;
}

function showAddresses({ planhat, hull, connector, logFile }: Cluster, screen: Screen): void {
  screen.line();
  screen.heading("Everything is still up; Ctrl-C ends it.");
  screen.line(`  connector          ${connector.url}/health  /ready  /manifest.json`);
  screen.line(`  its console        ${connector.url}/console?org=${hull.host}`);
  screen.line(`                     user ${CONNECTOR.id}, password ${CONNECTOR.secret}`);
  screen.line(`  its log            ${logFile}`);
  screen.line(`  Planhat simulator  ${planhat.url}/__sim/books  /__sim/snapshot`);
  screen.line(`                     curl -H 'authorization: Bearer ${TOKEN}' '${planhat.url}/endusers?limit=1'`);
  screen.line(`  Hull simulator     ${hull.url}/__sim/books  /__sim/snapshot`);
}

const { stdout } = process;
const screen = createScreen(stdout);
const staysUp = stdout.isTTY && !process.argv.includes("--once");

main(screen, staysUp)
  .then((code) => {
    process.exitCode = code;
  })
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
