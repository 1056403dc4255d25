/** `npm run backup`: a copy of the store, beside a running server or without one. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { parseArgs } from "node:util";
import { readStorePlace } from "../config";
import type { AdminClient } from "./client";
import { onTerminal, runTool, UsageError, type ExitCode, type Terminal } from "./tool";

const USAGE = `Usage: npm run backup -- --to <folder>

  --to <folder>        where the backup shall be; the folder must not exist yet, or be empty
  --json               for programs
  --help, --version    this page; the version of the program

The server may run meanwhile. DATA_DIR names its data folder (./data). To restore: docs/operations/operate.md#backup.
Exit code: 0 done, 1 not possible, 2 called in a wrong way.`;

const NO_BACKUP =
  "With REDIS_URL there is nothing to copy here: the store is on Redis, which has backups of its own. See docs/operations/many-processes.md.";

export function backup(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  return runTool(args, terminal, USAGE, () => {
    const { values } = parseArgs({
      args: [...args],
      options: { to: { type: "string" }, json: { type: "boolean", default: false } },
    });
    const { to, json } = values;
    if (to === undefined || to === "") throw new UsageError("Say where the backup shall be: --to <folder>.");
    const place = readStorePlace(terminal.environment);
    if ("redisUrl" in place) throw new Error(NO_BACKUP);
    return (admin) => backUp(admin, { to, json, dataDir: place.dataDir }, terminal);
  });
}

interface Wanted {
  readonly to: string;
  readonly json: boolean;
  readonly dataDir: string;
}

async function backUp(admin: AdminClient, { to, json, dataDir }: Wanted, terminal: Terminal): Promise<ExitCode> {
  const startMs = performance.now();
  const folder = targetOf(to, dataDir);
  // Beside its place and under another name: what has the name of a backup is a whole one.
  const draft = attempt(folder, () => mkdtempSync(`${folder}.unfinished-`));
  let made: Awaited<ReturnType<AdminClient["backUp"]>>;
  try {
    made = await admin.backUp(draft);
    attempt(folder, () => put(draft, folder));
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw error;
  }
  const seconds = Math.round(performance.now() - startMs) / 1000;
  if (json) terminal.print(JSON.stringify({ folder, ...made, seconds }));
  else {
    const key = made.hasKey
      ? "secret.key is in it: whoever has the backup can open the stored credentials."
      : "The key is not in it: a restored server needs the same SECRET.";
    terminal.print(
      `Backed up to ${folder}: ${made.bytes} bytes in ${seconds} s. ${key}\n` +
        "To restore: stop the server, move its DATA_DIR away, copy this folder to that place, and start the server. " +
        "What that means: docs/operations/operate.md#backup",
    );
  }
  return 0;
}

/** @throws Error when there can be no backup */
function targetOf(to: string, dataDir: string): string {
  const asked = resolve(to);
  const above = attempt(asked, () => realpathSync(dirname(asked)));
  const folder = existsSync(asked) ? realpathSync(asked) : join(above, basename(asked));
  const [first] = relative(realpathSync(dataDir), folder).split(sep);
  if (first !== "..") {
    throw new Error(`${folder} is in the data folder ${dataDir}, and would be lost with it. Name a folder elsewhere.`);
  }
  if (existsSync(folder) && attempt(folder, () => readdirSync(folder)).length > 0) {
    throw new Error(`${folder} is not empty. Name a folder that does not exist yet, such as one with today's date.`);
  }
  // It could not be replaced by the whole backup, and the draft would be on another disk.
  if (existsSync(folder) && statSync(folder).dev !== statSync(dirname(folder)).dev) {
    throw new Error(`There can be no backup in ${folder}: ${IS_MOUNTED}`);
  }
  return folder;
}

function put(draft: string, folder: string): void {
  if (existsSync(folder)) rmdirSync(folder);
  renameSync(draft, folder);
  if (process.platform === "win32") return;
  const above = openSync(dirname(folder), "r");
  try {
    fsyncSync(above);
  } finally {
    closeSync(above);
  }
}

const IS_MOUNTED = "it is a mount point. Name a folder in it that does not exist yet.";

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: "the folder above it is missing. Make it, or name another place.",
  ENOTDIR: "it is no folder, or is to be in one that is a file. Name another place.",
  EACCES: "this user may not write there. Allow it, or name another place.",
  EPERM: "this user may not write there. Allow it, or name another place.",
  EROFS: "the file system is mounted read-only. Name another place.",
  ENOSPC: "the disk is full. Free some space there, or name a folder on another disk.",
  EDQUOT: "the quota of this user is used up. Free some space there, or name a folder on another disk.",
  EBUSY: IS_MOUNTED,
  ENOTEMPTY: "it is not empty any more. Name a folder that does not exist yet.",
};

/** Does something with the file system. @throws Error with a sentence */
function attempt<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "";
    const why = REMEDIES[code] ?? "the file system refuses it. Name another place.";
    throw new Error(`There can be no backup in ${folder} (${code}): ${why}`, { cause });
  }
}

if (require.main === module) onTerminal(backup);
