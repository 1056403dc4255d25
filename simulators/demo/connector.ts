/** The real server in processes of their own, started as in production; their log is read as it is written. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { isObject } from "../loopback/call";
import { outcomeOf, parse, type Outcome } from "./outcomes";

/** A connector between the simulators: one process, or several on one Redis. */
export interface Connector {
  readonly url: string;
  /** All outcomes so far, in the order of the log. */
  readonly outcomes: readonly Outcome[];
  /** Rejects when a process ends without having been asked to. */
  readonly failure: Promise<never>;
  /** Ends one of several workers without a warning; the others go on. @returns what happened, in words */
  killWorker?(): Promise<string>;
  /** Asks it to stop, and makes it stop if it does not. */
  stop(): Promise<void>;
}

/** Starts it as in production. @throws Error with the process's own words when it does not start */
export type StartConnector = (options: ConnectorOptions) => Promise<Connector>;

export interface ConnectorOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** For its data and its log; exists, and is removed by whoever made it. */
  readonly folder: string;
}

/** Where the log is. */
export const logIn = (folder: string): string => join(folder, "connector.log");

/** In one process, with its data in the folder. */
export const startAlone: StartConnector = async ({ environment, folder }) => {
  const log = openLog(folder);
  const server = await startServer({ ...environment, DATA_DIR: join(folder, "data") }, log);
  return {
    url: server.url,
    outcomes: log.outcomes,
    failure: server.failure,
    stop: async () => {
      await server.stop();
      log.close();
    },
  };
};

/** What processes write, one after another in one file. */
export interface ConnectorLog {
  readonly outcomes: readonly Outcome[];
  write(line: string): void;
  close(): void;
}

export function openLog(folder: string): ConnectorLog {
  const outcomes: Outcome[] = [];
  const file = createWriteStream(logIn(folder));
  return {
    outcomes,
    write: (line) => {
      file.write(`${line}\n`);
      const outcome = outcomeOf(line);
      if (outcome !== undefined) outcomes.push(outcome);
    },
    close: () => file.end(),
  };
}

export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** When it last called a service and had its answer, as `performance.now()` has it; 0: never. */
  lastCallAtMs(): number;
  /** Rejects when the process ends without having been asked to. */
  readonly failure: Promise<never>;
  /** Asks it to stop, and makes it stop if it does not. */
  stop(): Promise<void>;
  /** Ends it at once. Resolves when it is gone. */
  kill(): Promise<void>;
}

/** The compiled server beside the compiled demo. */
const SERVER = join(__dirname, "..", "..", "server", "main.js");
const PARENT_WATCH = join(__dirname, "parent-watch.js");
/** A loaded host may need a good part of it. */
const START_WITHIN_MS = 60_000;
/** Its data is discarded afterwards, so nothing is worth waiting for. */
const STOP_WITHIN_MS = 3_000;

/** One process of the server. @throws Error with its own words when it does not start */
export async function startServer(
  environment: Readonly<Record<string, string>>,
  log: Pick<ConnectorLog, "write">,
): Promise<ServerProcess> {
  const child = spawn(process.execPath, ["--require", PARENT_WATCH, SERVER], {
    env: { PATH: process.env["PATH"], ...environment, HOST: "127.0.0.1", PORT: "0", LOG_LEVEL: "debug" },
    stdio: "pipe",
  });
  let lastCallAtMs = 0;
  let complaint = "";
  let stopping = false;
  child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  // A pipe to a process that has just ended: its exit says everything.
  child.stdin.on("error", () => undefined);

  const exited = once(child, "exit");
  const failure = exited.then(([code, signal]: (number | string | null)[]): Promise<never> => {
    if (stopping) return new Promise<never>(() => undefined);
    const how = code === null ? `was ended by ${signal ?? "a signal"}` : `ended by itself with code ${code}`;
    throw new Error(`The connector ${how}. ${complaint.trim()}`.trim());
  });
  failure.catch(() => undefined);

  const listening = new Promise<number>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      log.write(line);
      if (line.includes(SERVICE_CALL)) lastCallAtMs = performance.now();
      const port = portOf(line);
      if (port !== undefined) resolve(port);
    });
  });

  async function end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    stopping = true;
    child.kill(signal);
    const force = setTimeout(() => child.kill("SIGKILL"), STOP_WITHIN_MS);
    if (child.exitCode === null && child.signalCode === null) await exited;
    clearTimeout(force);
  }
  const stop = (): Promise<void> => end("SIGTERM");

  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("The connector did not start in time.")), START_WITHIN_MS);
  });
  try {
    const port = await Promise.race([listening, failure, late]);
    return {
      url: `http://127.0.0.1:${port}`,
      pid: child.pid ?? 0,
      lastCallAtMs: () => lastCallAtMs,
      failure,
      stop,
      kill: () => end("SIGKILL"),
    };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** The event of a call that was answered. */
const SERVICE_CALL = '"connector.service_api.call"';

/** The port that `connector.start` names. */
function portOf(line: string): number | undefined {
  const parsed = parse(line);
  if (!isObject(parsed) || parsed["message"] !== "connector.start" || !isObject(parsed["data"])) return undefined;
  const { port } = parsed["data"];
  return typeof port === "number" ? port : undefined;
}
