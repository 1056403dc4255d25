/**
 * One process owns a `DATA_DIR`. The lock is a listening socket that the folder leads to: the operating system drops it
 * with the process, however that ends, so a crash leaves nothing behind that would keep the next start out. A client that
 * connects has found the owner, and can talk to it.
 */
import { accessSync, chmodSync, constants, lstatSync, mkdirSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemErrorOf } from "../port/disk";
import { lockAddress } from "./lock-address";
import { folderRefusal, makeFolder } from "./make-folder";

export interface ExclusiveLock {
  /** Passes connections to a handler, which must close them; undefined: they are closed at once, as in the beginning. */
  serve(visitor: ((socket: Socket) => void) | undefined): void;
  /** Ends the connections that are open. */
  release(): Promise<void>;
}

/** A take-over that has not ended after this time was interrupted. */
const STALE_TAKEOVER_MS = 5_000;
const LOOK_AGAIN_MS = 200;

/**
 * @throws Error when another process owns the folder
 */
export async function lockFolder(folder: string): Promise<ExclusiveLock> {
  const server = await own(folder);
  if (server === undefined) {
    throw new Error(`Another process uses the data folder ${folder}. Stop it, or give this one a DATA_DIR of its own.`);
  }
  let serve: ((socket: Socket) => void) | undefined;
  const open = new Set<Socket>();
  server.on("connection", (socket) => {
    if (serve === undefined) {
      socket.destroy();
      return;
    }
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    serve(socket);
  });
  return {
    serve: (visitor) => {
      serve = visitor;
    },
    release: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

/** Whether the owner of a folder listens there. @param address see `lockAddress` @throws Error when it cannot be asked */
export function isServed(address: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ECONNREFUSED") resolve(false);
      else reject(new Error(`The running server cannot be asked at ${address} (${error.code ?? error.message}).`));
    });
  });
}

/** Undefined when another process owns the folder. */
async function own(folder: string): Promise<Server | undefined> {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK | constants.X_OK);
    const path = lockAddress(folder);
    return (await listen(path)) ?? (await takeOver(path, folder));
  } catch (cause) {
    throw systemErrorOf(cause) === undefined ? cause : folderRefusal(folder, cause);
  }
}

/** Undefined when the address is taken, by a living process or by the remains of a dead one. */
function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => {
      // A client may read and erase, so only the owner's user may connect.
      if (process.platform !== "win32") chmodSync(path, 0o600);
      server.unref();
      resolve(server);
    });
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Removes the socket of a dead process; the folder that it creates keeps out a second starter at the same moment. */
async function takeOver(path: string, folder: string): Promise<Server | undefined> {
  if (await answers(path)) return undefined;
  const guard = join(folder, "process.takeover");
  // Another starter takes over at this moment, or died doing it: which one shows within a few seconds.
  while (!makeGuard(guard)) {
    if (await answers(path)) return undefined;
    if (ageMs(guard) >= STALE_TAKEOVER_MS) rmSync(guard, { recursive: true, force: true });
    else await sleep(LOOK_AGAIN_MS);
  }
  try {
    if (await answers(path)) return undefined;
    rmSync(path, { force: true });
    return await listen(path);
  } finally {
    rmSync(guard, { recursive: true, force: true });
  }
}

/** 0 when it is gone already. A date in the future is as far off as one in the past: the clock was set back since. */
function ageMs(path: string): number {
  const made = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return made === undefined ? 0 : Math.abs(Date.now() - made);
}

/** False when it is there. @throws Error when it cannot be made, for example because the disk is full */
function makeGuard(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if (systemErrorOf(error)?.code === "EEXIST") return false;
    throw error;
  }
}
