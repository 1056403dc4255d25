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

type Tool = "backup" | "check" | "dead-letters" | "tenants";

/** @param cwd the terminal's folder; by default that of the tests */
export async function runTool(tool: Tool, dataDir: string, args: readonly string[], cwd?: string): Promise<Said> {
  const child = spawn(process.execPath, [join(buildServer(), `server/cli/${tool}.js`), ...args], {
    env: { PATH: process.env["PATH"], DATA_DIR: dataDir },
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (err += chunk));
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code, signal, out, err };
}
