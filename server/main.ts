/** Process entry: one process that receives, delivers and updates Hull. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { readConfig, type Config } from "./config";
import { createLogger } from "./log";
import { createHttpServer } from "./http-server";
import { createConnector } from "./wiring";

/** Longest time that running requests and cycles get to end. */
const SHUTDOWN_MS = 25_000;
const IDLE_LOOK_MS = 100;

async function main(config: Config): Promise<void> {
  // Stored data is personal: readable by this user alone.
  process.umask(0o077);
  const logger = createLogger(config.LOG_LEVEL);
  const connector = await createConnector(config, logger);
  const server = createHttpServer(connector.app, { behindProxy: config.TRUST_PROXY !== false });
  server.listen(config.PORT, config.HOST);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  logger.info({ data: { host: config.HOST, port, data_dir: config.DATA_DIR } }, "connector.start");

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
