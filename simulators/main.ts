/**
 * `npm run simulators`: Hull and all services, to be played with from other processes; Ctrl-C ends them. A person is told
 * how to go on; a program (`--json`, or a stdout that is no terminal) gets one line of JSON.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs, parseEnv } from "node:util";
import { startPlayground } from "./play/start";
import { welcome } from "./play/words";

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: "boolean" }, text: { type: "boolean" } } });
  const playground = await startPlayground(process.env, Date.now());
  const stop = (): void => void playground.close();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  const json = values.json ?? (values.text !== true && !process.stdout.isTTY);
  const lines = json ? [JSON.stringify(playground.about)] : welcome(playground, usualVariables());
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** Outside the repository every variable is shown. */
function usualVariables(): Readonly<Record<string, string>> {
  try {
    return parseEnv(readFileSync(join(process.cwd(), ".env.simulators"), "utf8")) as Record<string, string>;
  } catch {
    return {};
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
