/**
 * One folder for everything that the tests of a run write; whatever asks for the system's temp folder is given it.
 * It lies in memory where the system offers that: a test kills processes, never the machine, so that waiting for a
 * disk proves nothing, and most of the suite would do just that. TEST_FOLDER names another place, as a disk.
 */
import { chmodSync, mkdirSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FOLDER_OF_THE_RUN } from "./folder-of-the-run";

const MEMORY = "/dev/shm";
/** Several times what a run was seen to need; containers often have much less. */
const NEEDED_BYTES = 2 * 1024 ** 3;
const PREFIX = "connector-tests-";

export default function openFolder(): void {
  const place = process.env["TEST_FOLDER"] ?? (hasRoom(MEMORY) ? MEMORY : tmpdir());
  sweep(place);
  const folder = join(place, `${PREFIX}${process.pid}`);
  mkdirSync(folder);
  // One of the tests runs as an unprivileged user.
  chmodSync(folder, 0o755);
  process.env["TMPDIR"] = folder;
  process.env[FOLDER_OF_THE_RUN] = folder;
}

function hasRoom(place: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(place);
    return bavail * bsize >= NEEDED_BYTES;
  } catch {
    return false;
  }
}

/** Removes what runs left behind that were killed themselves. */
function sweep(place: string): void {
  for (const name of readdirSync(place)) {
    if (!name.startsWith(PREFIX) || isAlive(Number(name.slice(PREFIX.length)))) continue;
    rmSync(join(place, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return pid !== process.pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
