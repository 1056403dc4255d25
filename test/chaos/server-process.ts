/** The connector in a process of its own, and a supervisor that restarts it at once whenever it was killed. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { transformFileSync } from "@swc/core";
import { folderOfTheRun } from "../folder-of-the-run";

const root = resolve(__dirname, "../..");

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServerOptions {
  /** Where the server is built; this version by default. */
  readonly build?: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** A command that runs the server, such as a shell that sets limits; asked at each start. */
  readonly through?: () => readonly string[];
}

export interface Started {
  readonly port: number;
  readonly [what: string]: unknown;
}

export interface ServerProcess {
  readonly pid: number;
  /** What it says of itself once it listens; undefined when it ended before. */
  readonly started: Promise<Started | undefined>;
  /** The port of that. */
  readonly port: Promise<number | undefined>;
  readonly exit: Promise<Exit>;
  /** Warnings, errors and whatever came on stderr, the newest last. */
  readonly complaints: readonly string[];
  signal(name: NodeJS.Signals): void;
}

const children = new Set<ChildProcess>();
/** Errors that keep every supervisor from starting its server again. */
const retirements = new Set<() => void>();

/**
 * Compiles the project, once per run of the tests, and answers where: a compiled server starts in half the time that a
 * loader takes. The folder belongs to all tests and is removed when the last of them has ended.
 */
export const buildServer = (): string => madeOnce("build", (draft) => transpile(root, draft));

/**
 * The same for an earlier version.
 *
 * @param commit of this repository
 * @throws Error with a sentence where the repository does not have it
 */
export function buildFormer(commit: string): string {
  return madeOnce(`build-${commit}`, (draft) => {
    // Beside it: what is compiled into a folder may not lie there.
    const source = `${draft}.source`;
    const archive = join(source, "archive.tar");
    mkdirSync(source);
    try {
      execFileSync("git", ["archive", "--output", archive, commit], { cwd: root, stdio: "pipe" });
    } catch (cause) {
      rmSync(source, { recursive: true });
      throw new Error(
        `The version before (commit ${commit}) is not in this repository: ${String(cause).split("\n").slice(-2)[0]}. ` +
          "The test needs its history: clone it whole, or run git fetch --unshallow.",
        { cause },
      );
    }
    execFileSync("tar", ["-xf", archive, "-C", source]);
    transpile(source, draft);
    rmSync(source, { recursive: true });
  });
}

function madeOnce(name: string, make: (draft: string) => void): string {
  const folder = join(folderOfTheRun(), name);
  if (existsSync(folder)) return folder;
  const draft = mkdtempSync(`${folder}-`);
  try {
    make(draft);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw error;
  }
  symlinkSync(join(root, "node_modules"), join(draft, "node_modules"));
  // Readable for the unprivileged user of one of the tests.
  chmodSync(draft, 0o755);
  try {
    renameSync(draft, folder);
  } catch (error) {
    // Another worker was quicker; its build is just as good.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** What becomes part of a build. */
const FOLDERS = ["server", "src", "simulators", "bench"];

/** File by file, as Jest does it: in a tenth of the compiler's time, and types are checked elsewhere. */
function transpile(source: string, to: string): void {
  const options = {
    jsc: { target: "es2022", parser: { syntax: "typescript" } },
    module: { type: "commonjs" },
  } as const;
  const names = FOLDERS.flatMap((folder) =>
    readdirSync(join(source, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  );
  for (const name of ["package.json", "manifest.json", ...names]) {
    mkdirSync(dirname(join(to, name)), { recursive: true });
    if (name.endsWith(".json")) copyFileSync(join(source, name), join(to, name));
    if (!name.endsWith(".ts")) continue;
    writeFileSync(join(to, `${name.slice(0, -".ts".length)}.js`), transformFileSync(join(source, name), options).code);
  }
}

export function spawnServer({ build, environment, cwd, uid, gid, through }: ServerOptions): ServerProcess {
  const whole = [...(through?.() ?? []), process.execPath, join(build ?? buildServer(), "server/main.js")];
  const [command = process.execPath, ...rest] = whole;
  const child = spawn(command, rest, {
    env: { PATH: process.env["PATH"], HOST: "127.0.0.1", PORT: "0", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    ...(cwd === undefined ? {} : { cwd }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  children.add(child);
  const complaints: string[] = [];
  const complain = (line: string): void => {
    complaints.push(line);
    if (complaints.length > 500) complaints.shift();
  };
  createInterface({ input: child.stderr }).on("line", complain);
  const lines = createInterface({ input: child.stdout });
  const exit = new Promise<Exit>((end) => {
    // "close" comes after the last line of output.
    child.once("close", (code, signal) => {
      children.delete(child);
      end({ code, signal });
    });
  });
  const started = new Promise<Started | undefined>((listening) => {
    lines.on("line", (line) => {
      if (line.includes('"level":"info"') && !line.includes('"connector.')) return;
      if (line.includes('"message":"connector.start"')) {
        listening((JSON.parse(line) as { readonly data: Started }).data);
      } else if (!line.includes('"level":"info"')) complain(line);
    });
    void exit.then(() => listening(undefined));
  });
  const port = started.then((data) => data?.port);
  return { pid: child.pid ?? 0, started, port, exit, complaints, signal: (name) => void child.kill(name) };
}

/** Ends whatever a test left running, and those who would start it again. */
export async function killAll(): Promise<void> {
  for (const retire of retirements) retire();
  retirements.clear();
  for (const child of children) {
    const gone = once(child, "close");
    child.kill("SIGKILL");
    await gone;
  }
}

export interface Supervised {
  /** Another one after each start; 0, where nobody can be reached, while none listens. */
  readonly port: number;
  readonly baseUrl: string;
  /** Of the current process, or of the last one. */
  readonly pid: number;
  /** How often it was killed. */
  readonly kills: number;
  /** Unexpected ends, with the last output. */
  readonly crashes: readonly string[];
  /** Every complaint of every life. */
  complaints(): readonly string[];
  /** SIGKILL; resolves when the process is gone. The next one is started at once. False when none was running. */
  kill(): Promise<boolean>;
  /** Resolves when the current process, or the one after it, listens. */
  up(): Promise<void>;
  /** SIGTERM, and no new start. */
  stop(): Promise<Exit>;
  /** Begins again after `stop`. */
  start(): Promise<void>;
}

/** Whether a server has complained of an event, in any of its lives. */
export const says = (server: Pick<Supervised, "complaints">, event: string): boolean =>
  server.complaints().some((line) => line.includes(`"message":"${event}"`));

/**
 * Starts the server and keeps it running, on the same data, until `stop`. Each life has a free port of its own: the
 * old one may belong to another test by then.
 */
export async function supervise(options: ServerOptions): Promise<Supervised> {
  let current: ServerProcess | undefined;
  let port = 0;
  let kills = 0;
  let stopping = false;
  let killing = false;
  const crashes: string[] = [];
  const lives: ServerProcess[] = [];

  const isStopping = (): boolean => stopping;
  retirements.add(() => {
    stopping = true;
  });

  function begin(): void {
    const life = spawnServer(options);
    current = life;
    killing = false;
    lives.push(life);
    void life.port.then((listening = 0) => {
      if (current === life) port = listening;
    });
    void life.exit.then(async ({ code, signal }) => {
      if (current === life) port = 0;
      if (stopping) return;
      if (signal !== "SIGKILL") {
        crashes.push(`${signal ?? `exit ${code ?? "?"}`}: ${life.complaints.slice(-30).join("\n")}`);
        await sleep(200);
      }
      if (!isStopping()) begin();
    });
  }

  async function up(): Promise<void> {
    for (let tries = 0; tries < 50; tries += 1) {
      if ((await current?.port) !== undefined) return;
      await sleep(50);
    }
    throw new Error(`The server does not start. ${crashes.join("\n")}`);
  }

  async function start(): Promise<void> {
    stopping = false;
    begin();
    await up();
  }

  try {
    await start();
  } catch (error) {
    stopping = true;
    current?.signal("SIGKILL");
    await current?.exit;
    throw error;
  }
  return {
    get port() {
      return port;
    },
    get baseUrl() {
      return `http://127.0.0.1:${port}`;
    },
    get pid() {
      return lives.at(-1)?.pid ?? 0;
    },
    get kills() {
      return kills;
    },
    crashes,
    complaints: () => lives.flatMap((life) => life.complaints),
    kill: async () => {
      const victim = current;
      if (victim === undefined || killing || stopping) return false;
      killing = true;
      kills += 1;
      victim.signal("SIGKILL");
      await victim.exit;
      return true;
    },
    up,
    stop: async () => {
      await up();
      stopping = true;
      current?.signal("SIGTERM");
      const exit = await current?.exit;
      current = undefined;
      return exit ?? { code: null, signal: null };
    },
    start,
  };
}
