/** A tool in a process of its own, compiled, as those who run the server call it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { buildServer } from "./server-process";

export interface Said {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

type Tool = "backup" | "check" | "dead-letters" | "migrate" | "tenants";

export interface RunningTool {
  readonly ended: Promise<Said>;
  signal(name: NodeJS.Signals): void;
}

/** @param cwd the terminal's folder; by default that of the tests */
export function startTool(
  tool: Tool,
  environment: Readonly<Record<string, string>>,
  args: readonly string[],
  cwd?: string,
): RunningTool {
  const child = spawn(process.execPath, [join(buildServer(), `server/cli/${tool}.js`), ...args], {
    env: { PATH: process.env["PATH"], ...environment },
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (err += chunk));
  const ended = (async (): Promise<Said> => {
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    return { code, signal, out, err };
  })();
  return { ended, signal: (name) => void child.kill(name) };
}

export const runTool = (tool: Tool, dataDir: string, args: readonly string[], cwd?: string): Promise<Said> =>
  startTool(tool, { DATA_DIR: dataDir }, args, cwd).ended;
