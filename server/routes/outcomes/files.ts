/**
 * How messages ended, as files for other programs: in OUTCOMES_DIR a folder for each connector and day, with a packed NDJSON
 * file for each hour in which messages ended. A file is complete once it is there, and is never written again: what is there
 * already, by name, tells where to go on, so that nothing is lost by a stop, a full disk or a second process.
 */
import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { access, constants, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { systemErrorOf } from "../../../src/storage/port/disk";
import { connectorIn, serviceOf } from "../../../src/storage/port/lane";
import type { Store } from "../../../src/storage/port/store";
import type { Meaning } from "../explain/known";
import { showLine } from "./answer";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** An hour is written so long after its end: a commit may take a while, and clocks of processes differ. */
const SETTLED_MS = 5 * MINUTE_MS;
/** Lines that are read together. */
const PAGE = 5_000;

const FILE = /^([01]\d|2[0-3])\.ndjson\.gz$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

export interface OutcomeFilesOptions {
  readonly store: Pick<Store, "tenants" | "history">;
  /** What the outcomes of a service mean; undefined: it is not served here. */
  readonly meaningOf: (service: string) => Meaning | undefined;
  readonly folder: string;
  /** For how long lines are kept, milliseconds. */
  readonly keptMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Whether the process is ending: then no further hour is begun. */
  readonly isEnding: () => boolean;
}

/** A name of a folder, whatever it is made of. */
const folderName = (text: string): string =>
  encodeURIComponent(text).replace(/^\.+$/, (dots) => "%2E".repeat(dots.length));

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const hourOf = (ms: number): string => new Date(ms).toISOString().slice(11, 13);

/** @returns writes the hours that are over and not there yet; to be called now and then, one call at a time */
export function createOutcomeFiles(options: OutcomeFilesOptions): () => Promise<void> {
  const { store, meaningOf, folder, keptMs, now, isEnding } = options;
  /** Up to where nothing is missing, by connector; milliseconds since 1970. */
  const done = new Map<string, number>();

  async function writeAll(tenant: string, meaning: Meaning): Promise<void> {
    const { organization, id } = connectorIn(tenant);
    const own = join(folder, ...[serviceOf(tenant), organization, id].map(folderName));
    const nowMs = now();
    const untilMs = Math.floor((nowMs - SETTLED_MS) / HOUR_MS) * HOUR_MS;
    // The oldest hour may be half forgotten.
    const firstMs = (Math.floor((nowMs - keptMs) / HOUR_MS) + 1) * HOUR_MS;
    const next = done.get(tenant) ?? (await newestIn(own)) + HOUR_MS;
    for (let hourMs = Math.max(next, firstMs); hourMs < untilMs && !isEnding(); hourMs += HOUR_MS) {
      await writeHour(tenant, meaning, own, hourMs);
      done.set(tenant, hourMs + HOUR_MS);
    }
  }

  async function writeHour(tenant: string, meaning: Meaning, own: string, hourMs: number): Promise<void> {
    const lines = linesOf(tenant, meaning, hourMs)[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done === true) return;
    const day = join(own, dayOf(hourMs));
    await mkdir(day, { recursive: true });
    const [file, part] = [
      join(day, `${hourOf(hourMs)}.ndjson.gz`),
      join(day, `${hourOf(hourMs)}.${randomUUID()}.part`),
    ];
    const all = async function* () {
      yield first.value;
      for (let line = await lines.next(); line.done !== true; line = await lines.next()) yield line.value;
    };
    try {
      // People who may read the store may read it.
      await pipeline(Readable.from(all()), createGzip(), createWriteStream(part, { mode: 0o600 }));
      const written = await open(part, "r");
      await written.sync().finally(() => written.close());
      await rename(part, file);
      // What a killed process left of this hour.
      const left = (await namesIn(day)).filter(
        (name) => name.startsWith(`${hourOf(hourMs)}.`) && name.endsWith(".part"),
      );
      for (const name of left) await rm(join(day, name), { force: true });
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }

  /** Lines of an hour, minute by minute, the oldest first. */
  async function* linesOf(tenant: string, meaning: Meaning, hourMs: number): AsyncGenerator<string, undefined> {
    for (let fromMs = hourMs; fromMs < hourMs + HOUR_MS; fromMs += MINUTE_MS) {
      const minute: string[] = [];
      let after: string | undefined;
      do {
        const page = await store.history({ tenant, fromMs, untilMs: fromMs + MINUTE_MS, after, limit: PAGE });
        for (const line of page.lines) minute.push(`${JSON.stringify(showLine(line, meaning))}\n`);
        after = page.next;
      } while (after !== undefined);
      yield* minute.reverse();
    }
    return undefined;
  }

  return async () => {
    // Made by whoever wants the files: the place of a disk that is not mounted is no place for them.
    await access(folder, constants.W_OK);
    const failures: unknown[] = [];
    for (const { key } of await store.tenants()) {
      const meaning = meaningOf(serviceOf(key));
      // One that fails holds up no other.
      if (meaning !== undefined) await writeAll(key, meaning).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  };
}

/** The beginning of the newest hour that is there, milliseconds since 1970; -Infinity when none is. */
async function newestIn(own: string): Promise<number> {
  const days = (await namesIn(own)).filter((name) => DAY.test(name)).sort();
  for (const day of days.toReversed()) {
    const hours = (await namesIn(join(own, day))).flatMap((name) => FILE.exec(name)?.[1] ?? []).sort();
    const last = hours.at(-1);
    if (last !== undefined) return Date.parse(`${day}T00:00:00Z`) + Number(last) * HOUR_MS;
  }
  return -Infinity;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemErrorOf(error)?.code === "ENOENT") return [];
    throw error;
  }
}
