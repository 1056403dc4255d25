/** The real server in a process of its own, started as in production; its log is read as it is written. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { isObject } from "../loopback/call";
import { outcomeOf, parse, type Outcome } from "./outcomes";

export interface ConnectorProcess {
  readonly url: string;
  /** All outcomes so far, in the order of the log. */
  readonly outcomes: readonly Outcome[];
  /** Rejects when the process ends without having been asked to. */
  readonly failure: Promise<never>;
  /** Asks it to stop, and makes it stop if it does not. */
  stop(): Promise<void>;
}

export interface ConnectorProcessOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** File that keeps the log. */
  readonly logFile: string;
}

/** The compiled server beside the compiled demo. */
const SERVER = join(__dirname, "..", "..", "server", "main.js");
const PARENT_WATCH = join(__dirname, "parent-watch.js");
const START_WITHIN_MS = 20_000;
/** Its data is discarded afterwards, so nothing is worth waiting for. */
const STOP_WITHIN_MS = 3_000;

/** @throws Error with the process's own words when it does not start */
export async function startConnector({ environment, logFile }: ConnectorProcessOptions): Promise<ConnectorProcess> {
  const child = spawn(process.execPath, ["--require", PARENT_WATCH, SERVER], {
    env: { PATH: process.env["PATH"], ...environment, HOST: "127.0.0.1", PORT: "0", LOG_LEVEL: "debug" },
    stdio: "pipe",
  });
  const outcomes: Outcome[] = [];
  const log = createWriteStream(logFile);
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
      log.write(`${line}\n`);
      const outcome = outcomeOf(line);
      if (outcome !== undefined) outcomes.push(outcome);
      const port = portOf(line);
      if (port !== undefined) resolve(port);
    });
  });

  async function stop(): Promise<void> {
    stopping = true;
    child.kill("SIGTERM");
    const force = setTimeout(() => child.kill("SIGKILL"), STOP_WITHIN_MS);
    if (child.exitCode === null && child.signalCode === null) await exited;
    clearTimeout(force);
    log.end();
  }

  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("The connector did not start in time.")), START_WITHIN_MS);
  });
  try {
    const port = await Promise.race([listening, failure, late]);
    return { url: `http://127.0.0.1:${port}`, outcomes, failure, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** The port that `connector.start` names. */
function portOf(line: string): number | undefined {
  const parsed = parse(line);
  if (!isObject(parsed) || parsed["message"] !== "connector.start" || !isObject(parsed["data"])) return undefined;
  const { port } = parsed["data"];
  return typeof port === "number" ? port : undefined;
}
