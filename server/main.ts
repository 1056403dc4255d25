/** Process entry. `ROLE` says whether this process receives, delivers, or does both. */
import { once } from "node:events";
import { differingVariables, misspeltVariables, readConfig, type Config } from "./config";
import { createLogger } from "./log";
import { createHttpServer, listen } from "./http-server";
import { PROJECT_VERSION } from "./version";
import { createRenewing } from "./storage/renewing";
import { createConnector } from "./wiring";

/** Longest time that running requests and cycles get to end. */
const SHUTDOWN_MS = 25_000;
const IDLE_LOOK_MS = 100;

async function main(config: Config): Promise<void> {
  // Stored data is personal: readable by this user alone.
  process.umask(0o077);
  const logger = createLogger(config.LOG_LEVEL);
  for (const data of misspeltVariables(process.env)) logger.warn({ data }, "connector.variables.warning");
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
  const variables = differingVariables(process.env, config);
  const data = { host: config.HOST, port, role: config.ROLE, ...connector.place, ...running, variables };
  logger.info({ data }, "connector.start");
}

function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

try {
  void main(readConfig(process.env)).catch(fail);
} catch (error) {
  fail(error);
}
