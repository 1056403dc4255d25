/** The connector as three processes on one Redis: one receives, two deliver, and one of those two is killed on the way. */
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import maxBy from "lodash/maxBy";
import { openLog, startServer, type ServerProcess, type StartConnector } from "./connector";
import type { Step } from "./demo";
import { startRedis } from "./redis-server";
import type { Check, Screen } from "./screen";
import type { PlayedSimulator, Stage } from "./stage";

const WORKERS = ["worker 1", "worker 2"];
/** Short, so that nobody waits long for the work of a killed worker: until its lease and its calls are over. */
const WAITS = { LEASE_MS: "1000", REQUEST_TIMEOUT_MS: "1000" };

/** @param screen tells which processes there are */
export const startOnRedis =
  (screen: Screen): StartConnector =>
  async ({ environment, folder }) => {
    const data = join(folder, "redis");
    mkdirSync(data);
    const redis = await startRedis(data);
    const log = openLog(folder);
    const shared = { ...environment, ...WAITS, REDIS_URL: redis.url, SECRET: randomBytes(16).toString("hex") };
    const started: ServerProcess[] = [];
    const start = async (role: string): Promise<ServerProcess> => {
      const server = await startServer({ ...shared, ROLE: role }, log);
      started.push(server);
      return server;
    };
    const stop = async (): Promise<void> => {
      await Promise.all(started.map((server) => server.stop()));
      await redis.stop();
      log.close();
    };
    const attempts = await Promise.allSettled([start("web"), ...WORKERS.map(() => start("worker"))]);
    const failed = attempts.find((each) => each.status === "rejected");
    const [web, ...workers] = attempts.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    if (failed !== undefined || web === undefined) {
      await stop();
      throw failed?.reason;
    }
    const named = workers.map((server, index) => ({ server, name: WORKERS[index] ?? "a worker" }));
    screen.line(`  redis-server  127.0.0.1:${redis.port}, every write flushed to disk before it is answered`);
    screen.line(`  web           process ${web.pid}, receives what Hull sends`);
    for (const { name, server } of named)
      screen.line(`  ${name}      process ${server.pid}, delivers and updates Hull`);
    screen.line();
    const failure = Promise.race([redis.failure, ...started.map((server) => server.failure)]);
    failure.catch(() => undefined);
    return {
      url: web.url,
      outcomes: log.outcomes,
      failure,
      killWorker: async () => {
        const busy = maxBy(named, ({ server }) => server.lastCallAtMs());
        const other = named.find((each) => each !== busy);
        if (busy === undefined || other === undefined) throw new Error("There is no worker to kill.");
        await busy.server.kill();
        return `${busy.name} was killed (kill -9); ${other.name} takes over when the lease has run out,`;
      },
      stop,
    };
  };

/** One worker is killed while the steps are played, and it is judged whether that made a difference. */
export interface Kill {
  /**
   * The same steps. From the second one on the first write to the service is the last that its worker sees: the service
   * has done what it was asked for, and the worker has not had the answer.
   */
  among<S extends PlayedSimulator>(steps: readonly Step<S>[]): readonly Step<S>[];
  /** @param checks those of the demo */
  judge(checks: readonly Check[]): Check;
}

export function createKill(screen: Screen): Kill {
  let state: "unplanned" | "planned" | "done" = "unplanned";

  function plan({ simulator, connector }: Stage): void {
    if (state !== "unplanned") return;
    state = "planned";
    const forget = simulator.on("applied", async ({ method, route }) => {
      if (method === "GET" || state === "done") return;
      state = "done";
      forget();
      const words = await connector.killWorker?.();
      screen.line(`  In the middle of ${route}, ${words ?? "nobody was killed"}`);
      screen.line("  and finds out what became of the write: the service had made it, but the answer was lost.");
      screen.line();
    });
  }

  return {
    among: (steps) =>
      steps.map((step, index) => ({
        ...step,
        play: (stage) => {
          if (index > 0) plan(stage);
          return step.play(stage);
        },
      })),
    judge: (checks) => ({
      holds: state === "done" && checks.every(({ holds }) => holds),
      text:
        state === "done"
          ? "The result is the same as in one process, although a worker was killed"
          : "No worker was killed: nothing was written to the service after the first step",
    }),
  };
}
