/** A data folder with little room, and somebody else who takes and gives back the rest of it. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk {
  readonly kind: "disk" | "limit";
  readonly dataDir: string;
  /** See `ServerOptions`. */
  readonly through: () => readonly string[];
  /** Leaves nothing; what has only a limit is filled by whoever writes. */
  fill(): void;
  /** Makes room, for a running process as well. False: only for the next one. */
  relieve(pid: number): boolean;
  close(): void;
}

const run = (command: string, ...args: readonly string[]): boolean => {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

/** A file system of its own in memory, where this user may mount one; undefined elsewhere. */
export function mountDisk(megabytes: number): SmallDisk | undefined {
  const mount = mkdtempSync(join(tmpdir(), "connector-disk-"));
  if (!run("mount", "-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", mount)) {
    rmSync(mount, { recursive: true });
    return undefined;
  }
  const ballast = join(mount, "ballast");
  return {
    kind: "disk",
    dataDir: join(mount, "data"),
    through: () => [],
    fill: () => {
      const file = openSync(ballast, "a");
      try {
        for (;;) writeSync(file, Buffer.alloc(4_096));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      } finally {
        closeSync(file);
      }
    },
    relieve: () => {
      rmSync(ballast);
      return true;
    },
    close: () => {
      run("umount", "-l", mount);
      rmSync(mount, { recursive: true, force: true });
    },
  };
}

/** No file may become larger: what a quota and a full disk are to whoever writes, and every user can have it. */
export function limitFiles(kilobytes: number): SmallDisk {
  const dataDir = mkdtempSync(join(tmpdir(), "connector-limit-"));
  let limited = true;
  return {
    kind: "limit",
    dataDir,
    // In blocks of 512 bytes, as POSIX has it.
    through: () => (limited ? ["sh", "-c", `ulimit -S -f ${kilobytes * 2}; exec "$0" "$@"`] : []),
    fill: () => undefined,
    relieve: (pid) => {
      limited = false;
      return run("prlimit", "--pid", String(pid), "--fsize=unlimited");
    },
    close: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}
