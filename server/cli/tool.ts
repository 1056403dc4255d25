/** What the command-line tools share: where they write, their exit codes, how they report errors. */
import { createInterface } from "node:readline/promises";
import { readStorePlace } from "../config";
import { PROJECT_VERSION } from "../version";
import { openAdmin, type OpenAdmin } from "./connect";

/** Where a tool reads and writes; tests pass their own. */
export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Characters per line. */
  readonly width: number;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
  /** Asks the person; absent when there is no terminal. */
  readonly askBack?: (question: string) => Promise<string>;
}

/** 0: done. 1: it could not be done. 2: the command was wrong. 3: done so far; there is something for the person to do. */
export type ExitCode = 0 | 1 | 2 | 3;

/** The command was wrong. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * Connects for one command, and turns errors into a sentence and an exit code.
 *
 * @param usage shown when the command was wrong, or when help was asked for
 * @param read reads the arguments before anything is opened
 */
export function runTool(
  args: readonly string[],
  terminal: Terminal,
  usage: string,
  read: () => (admin: OpenAdmin) => Promise<ExitCode>,
): Promise<ExitCode> {
  return inSentences(args, terminal, usage, () => {
    const work = read();
    return async () => {
      const admin = await openAdmin(readStorePlace(terminal.environment));
      try {
        return await work(admin);
      } finally {
        await admin.close();
      }
    };
  });
}

/** The same for a command that connects to nobody. Help and version are answered before anything is read or opened. */
export async function inSentences(
  args: readonly string[],
  terminal: Pick<Terminal, "print" | "complain">,
  usage: string,
  read: () => () => Promise<ExitCode>,
): Promise<ExitCode> {
  if (args.some((each) => each === "--help" || each === "-h")) {
    terminal.print(usage);
    return 0;
  }
  if (args.includes("--version")) {
    terminal.print(PROJECT_VERSION);
    return 0;
  }
  try {
    return await read()();
  } catch (error) {
    const misused = error instanceof UsageError ? error.message : misparsed(error);
    if (misused === undefined) {
      terminal.complain(error instanceof Error ? error.message : String(error));
      return 1;
    }
    terminal.complain(`${misused}\n\n${usage}`);
    return 2;
  }
}

/** What `parseArgs` says about arguments that it does not know; its advice on positional ones is left out. */
function misparsed(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error) || !("message" in error)) return undefined;
  const { code, message } = error;
  if (typeof code !== "string" || !code.startsWith("ERR_PARSE_ARGS")) return undefined;
  const [sentence = ""] = String(message).split(/\.(?:\s|$)|\n/, 1);
  return `${sentence}.`;
}

/** Runs a tool on this process's terminal. */
export function onTerminal(tool: (args: readonly string[], terminal: Terminal) => Promise<ExitCode>): void {
  const { stdin, stdout, stderr } = process;
  // Like the server: whatever is written is readable by this user alone.
  process.umask(0o077);
  const terminal: Terminal = {
    environment: process.env,
    width: stdout.isTTY ? stdout.columns : 160,
    print: (text) => void stdout.write(`${text}\n`),
    complain: (text) => void stderr.write(`${text}\n`),
    askBack: stdin.isTTY && stdout.isTTY ? askBack : undefined,
  };
  void tool(process.argv.slice(2), terminal).then((code) => {
    process.exitCode = code;
  });
}

async function askBack(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}
