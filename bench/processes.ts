/** Starting and ending the processes that a measure needs. Whatever happens to this one, none of them outlives it. */
import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Attack, Tally } from "./children/attackers";
import type { Holding, Order, Ready } from "./children/simulators";
import type { Paging } from "./children/pager";

const CHILDREN = join(__dirname, "children");
const SERVER = join(__dirname, "..", "server", "main.js");
/** Ends the connector when this process ends; the forked ones see their channel close. */
const PARENT_WATCH = join(__dirname, "..", "simulators", "demo", "parent-watch.js");
const START_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 30_000;

/** As `npm start` does it. */
const AS_STARTED = [
  "--min-semi-space-size=16",
  "--max-semi-space-size=16",
  "--no-allocation-site-pretenuring",
  "--heap-growing-percent=100",
];

export interface Running {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface Simulators extends Ready {
  /** Resolves when the order is carried out. */
  order(order: Order): Promise<Holding>;
  stop(): Promise<void>;
}

function forked(name: string): ChildProcess {
  return fork(join(CHILDREN, `${name}.js`), { stdio: ["ignore", "ignore", "inherit", "ipc"], execArgv: [] });
}

async function answer<T>(child: ChildProcess): Promise<T> {
  const done = new AbortController();
  const { signal } = done;
  const ended = once(child, "exit", { signal }).then(() => {
    throw new Error("A process of the bench ended by itself.");
  });
  ended.catch(() => undefined);
  try {
    const [message] = (await Promise.race([once(child, "message", { signal }), ended])) as [T];
    return message;
  } finally {
    done.abort();
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(signal);
  const force = setTimeout(() => child.kill("SIGKILL"), STOP_WITHIN_MS);
  await ended;
  clearTimeout(force);
}

export async function startBare(): Promise<Running> {
  const child = forked("bare");
  const { url } = await answer<{ readonly url: string }>(child);
  return { url, pid: child.pid ?? 0, stop: () => end(child, "SIGKILL") };
}

export interface Pager {
  /** Reads all pages once. */
  read(paging: Paging): Promise<{ readonly rows: number; readonly elapsedMs: number }>;
  stop(): Promise<void>;
}

export async function startPager(): Promise<Pager> {
  const child = forked("pager");
  await answer(child);
  return {
    read: (paging) => {
      const done = answer<{ readonly rows: number; readonly elapsedMs: number }>(child);
      child.send(paging);
      return done;
    },
    stop: () => end(child, "SIGKILL"),
  };
}

export interface Attackers {
  /** Resolves when all their connections are made and have sent something. */
  begin(attack: Attack): Promise<void>;
  /** What became of their requests. */
  end(): Promise<Tally>;
  stop(): Promise<void>;
}

export async function startAttackers(): Promise<Attackers> {
  const child = forked("attackers");
  await answer(child);
  const tell = <T>(message: Attack | "end"): Promise<T> => {
    const done = answer<T>(child);
    child.send(message);
    return done;
  };
  return {
    begin: (attack) => tell(attack),
    end: () => tell("end"),
    stop: () => end(child, "SIGKILL"),
  };
}

export async function startSimulators(): Promise<Simulators> {
  const child = forked("simulators");
  const ready = await answer<Ready>(child);
  return {
    ...ready,
    order: (order) => {
      const done = answer<Holding>(child);
      child.send(order);
      return done;
    },
    stop: () => end(child, "SIGKILL"),
  };
}

export interface ConnectorOptions {
  readonly simulators: Simulators;
  /** Of `newFolder`. */
  readonly folder: string;
  /** Variables on top of what the simulators ask for. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Folder for a CPU profile, written when the process stops. */
  readonly profiles: string | undefined;
}

/**
 * The compiled server, started as in production; its log goes to a file, as it does under most supervisors.
 *
 * @throws Error with the end of its log when it does not start
 */
export async function startConnector({
  simulators,
  folder,
  environment,
  profiles,
}: ConnectorOptions): Promise<Running> {
  const logFile = join(folder, "connector.log");
  const log = openSync(logFile, "w");
  const profiling = profiles === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profiles}`];
  const child = spawn(process.execPath, [...AS_STARTED, ...profiling, "--require", PARENT_WATCH, SERVER], {
    env: {
      PATH: process.env["PATH"],
      HOST: "127.0.0.1",
      PORT: "0",
      DATA_DIR: join(folder, "data"),
      PLANHAT_API_URL: `${simulators.planhatUrl}/{api_prefix}`,
      HULL_PROTOCOL: "http",
      HULL_FIREHOSE_URL: simulators.firehoseUrl,
      HULL_ALLOWED_ORGANIZATIONS: "127.0.0.1:*",
      HULL_SIGNATURE_KEY_HOSTS: "127.0.0.1:*",
      ...environment,
    },
    stdio: ["pipe", log, log],
  });
  closeSync(log);
  // A pipe to a process that has just ended: its exit says everything.
  child.stdin?.on("error", () => undefined);
  const stop = (): Promise<void> => end(child, "SIGTERM");
  const began = performance.now();
  while (performance.now() - began < START_WITHIN_MS && child.exitCode === null) {
    const [, port] = /"port":(\d+)[,}].*"connector\.start"/.exec(readFileSync(logFile, "utf8")) ?? [];
    if (port !== undefined) return { url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0, stop };
    await sleep(20);
  }
  await stop();
  throw new Error(`The connector does not start. ${readFileSync(logFile, "utf8").slice(-2_000)}`);
}

export interface Folder {
  readonly path: string;
  remove(): void;
}

/** A temporary folder, removed at the latest when this process ends. */
export function newFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), "connector-bench-"));
  mkdirSync(join(path, "data"));
  const remove = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  process.once("exit", remove);
  return {
    path,
    remove: () => {
      process.off("exit", remove);
      remove();
    },
  };
}
