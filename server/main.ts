/** Process entry, `npm start`. `ROLE` says whether this process receives, delivers, or does both. */
import { once } from "node:events";
import { parseArgs } from "node:util";
import { inSentences, onTerminal, type ExitCode, type Terminal } from "./cli/tool";
import { differingVariables, misspeltVariables, readConfig } from "./config";
import { createLogger } from "./log";
import { createHttpServer, listen } from "./http-server";
import { PROJECT_VERSION } from "./version";
import { createRenewing } from "./storage/renewing";
import { createConnector } from "./wiring";

/** Longest time that running requests and cycles get to end. */
const SHUTDOWN_MS = 25_000;
const IDLE_LOOK_MS = 100;

const USAGE = `Usage: npm start [-- --help | --version]

  Runs the connector until SIGTERM or SIGINT, and logs JSON lines. With Node alone: node dist/server/main.js

Environment variables are its settings, and none has to be set. Those that matter first:
  PORT                 where it listens (8082); HOST is the address (0.0.0.0)
  DATA_DIR             the folder of its store (./data), which belongs to one process at a time
  REDIS_URL, SECRET    a store that several processes share, and the key that encrypts credentials in it
  ROLE                 web answers requests, worker delivers and fetches, all does both (all)
  SERVICES             comma list of the services to serve; all of them by default
All of them: docs/operations/variables.md, .env.example. The tools beside it: docs/operations/operate.md#tools.

Exit code: 0 stopped, 1 it could not start or had to stop by force, 2 called in a wrong way.`;

/** @returns once it serves, or has answered */
export function serve(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  return inSentences(args, terminal, USAGE, () => {
    parseArgs({ args: [...args], options: {} });
    return async () => {
      await run(terminal.environment);
      return 0;
    };
  });
}

/** Resolves when it serves. @throws Error when it cannot, with a sentence; nothing is held then */
async function run(environment: Terminal["environment"]): Promise<void> {
  const config = readConfig(environment);
  const logger = createLogger(config.LOG_LEVEL);
  for (const data of misspeltVariables(environment)) logger.warn({ data }, "connector.variables.warning");
  const connector = await createRenewing((renewal) => createConnector(config, logger, undefined, renewal), logger);
  const server = createHttpServer(connector.app, { behindProxy: config.TRUST_PROXY !== false });
  const port = await listen(server, { host: config.HOST, port: config.PORT }).catch(async (error: unknown) => {
    // Nobody will reach this process: it ends as after a signal, with the folder free.
    setTimeout(() => process.exit(1), SHUTDOWN_MS).unref();
    connector.drain();
    await connector.close();
    throw error;
  });
  let ending = false;
  const end = async (signal: string): Promise<void> => {
    if (ending) return;
    ending = true;
    logger.info({ data: { signal } }, "connector.stop");
    setTimeout(() => process.exit(1), SHUTDOWN_MS).unref();
    connector.drain();
    const closed = once(server, "close");
    server.close();
    // A connection that is busy now becomes idle later, and its client may keep it open.
    const idle = setInterval(() => server.closeIdleConnections(), IDLE_LOOK_MS);
    await closed;
    clearInterval(idle);
    await connector.close();
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void end(signal));

  // Whoever waits for this line may send a signal at once.
  const running = { version: PROJECT_VERSION, node: process.version };
  const variables = differingVariables(environment, config);
  const data = { host: config.HOST, port, role: config.ROLE, ...connector.place, ...running, variables };
  logger.info({ data }, "connector.start");
}

if (require.main === module) onTerminal(serve);
