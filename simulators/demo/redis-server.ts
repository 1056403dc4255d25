/** A redis-server of the demo and the bench: on a free port of this machine, with everything in a folder, each write flushed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Rejects when it ends without having been asked to. */
  readonly failure: Promise<never>;
  /** Ends it at once: what it holds is discarded afterwards. */
  stop(): Promise<void>;
}

const MISSING =
  "The program redis-server is missing. Install it: apt-get install redis-server (Debian, Ubuntu), " +
  "dnf install redis (Fedora), brew install redis (macOS). Without --redis the demo needs none.";

/**
 * Started, but maybe not there yet: clients try again.
 *
 * @param folder for its data; exists
 * @throws Error with a sentence when the program is missing
 */
export async function startRedis(folder: string): Promise<RedisServer> {
  const port = await freePort();
  const settings = [
    ...["--bind", "127.0.0.1", "--port", String(port), "--dir", folder],
    ...["--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction"],
  ];
  const child = spawn("redis-server", settings, { stdio: "ignore" });
  const kill = (): void => void child.kill("SIGKILL");
  // Whatever ends this process in a way that it notices.
  process.once("exit", kill);
  let stopping = false;
  const exited = once(child, "exit");
  const failure = exited.then(([code, signal]: (number | string | null)[]): Promise<never> => {
    if (stopping) return new Promise<never>(() => undefined);
    throw new Error(`redis-server ended by itself (${signal ?? code ?? "for no known reason"}).`);
  });
  failure.catch(() => undefined);
  try {
    await once(child, "spawn");
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    throw isMissing ? new Error(MISSING, { cause }) : cause;
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: child.pid ?? 0,
    failure,
    stop: async () => {
      stopping = true;
      process.off("exit", kill);
      kill();
      if (child.exitCode === null && child.signalCode === null) await exited;
    },
  };
}

/** A port that nobody used a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
