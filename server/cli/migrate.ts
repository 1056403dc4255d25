/** `npm run migrate`: copies the store from a data folder to Redis, or back; the long part while servers run. */
import { parseArgs } from "node:util";
import sumBy from "lodash/sumBy";
import { moveStore, type Moved, type Progress } from "../../src/storage/move";
import { isRedis, openSource, openTarget, type Place } from "./places";
import { table } from "./table";
import { inSentences, onTerminal, UsageError, type ExitCode, type Terminal } from "./tool";

const USAGE = `Usage: npm run migrate -- --from <place> --to <place>

  --from <place>       the data folder of a server, or its Redis (redis://…); servers may run on it
  --to <place>         where to copy it: a new or empty folder, or an empty Redis database; or where a copy of the same
                       place is not finished, which goes on then
  --stopped            all servers are stopped: for a Redis that does not tell who uses it
  --json               for programs
  --help, --version    this page; the version of the program

The keys come from the environment: SECRET is that of --from (a folder with a secret.key needs none), TARGET_SECRET that
of --to (SECRET if it is not set). Each pass writes what differs; the copy is finished by a pass while all servers are
stopped. What to do before and after: docs/migrating.md.
Exit code: 0 the copy is finished, 1 not possible or interrupted, 2 called in a wrong way, 3 this pass is done, but servers
use --from: stop them, and run the same command again.`;

const MIN_SECRET = 16;
/** Between two lines that say how far it is. */
const PROGRESS_MS = 5_000;
const SIGNALS = ["SIGINT", "SIGTERM"] as const;
const INTERRUPTED = "Interrupted. What was copied stays: run the same command again to go on.";

export function migrate(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  return inSentences(args, terminal, USAGE, () => {
    const { from, to, json, stopped } = parseArgs({
      args: [...args],
      options: {
        from: { type: "string" },
        to: { type: "string" },
        stopped: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
      },
    }).values;
    const [source, target] = [placeOf(from, "--from"), placeOf(to, "--to")];
    if (source === target) throw new UsageError("--from and --to are the same.");
    const secret = secretOf(terminal, "SECRET");
    const targetSecret = secretOf(terminal, "TARGET_SECRET") ?? secret;
    return async () => {
      const [left, right] = await openBoth(
        () => openSource(source, secret, stopped),
        () => openTarget(target, targetSecret),
      );
      const interruption = new AbortController();
      const interrupt = (): void => interruption.abort(new Error(INTERRUPTED));
      // A second signal ends the process at once.
      for (const signal of SIGNALS) process.once(signal, interrupt);
      try {
        for (const warning of [...left.warnings, ...right.warnings]) terminal.complain(warning);
        const startMs = performance.now();
        const moved = await moveStore({
          from: left,
          to: right,
          usedBy: () => left.usedBy(),
          onProgress: json ? () => undefined : sayProgress(terminal, startMs),
          signal: interruption.signal,
        });
        const seconds = Math.round((performance.now() - startMs) / 100) / 10;
        const onRedis = isRedis(target);
        print(moved, { from: left.name, to: right.name, seconds, onRedis, json }, terminal);
        return moved.usedBy === undefined ? 0 : 3;
      } finally {
        for (const signal of SIGNALS) process.off(signal, interrupt);
        await right.close();
        await left.close();
      }
    };
  });
}

/** Says every few seconds how far it is. */
function sayProgress(terminal: Terminal, startMs: number): (progress: Progress) => void {
  let saidMs = startMs;
  return ({ table: name, rows, all, changed }) => {
    const nowMs = performance.now();
    if (nowMs - saidMs < PROGRESS_MS) return;
    saidMs = nowMs;
    // Servers may add rows meanwhile.
    const share = Math.min(rows / Math.max(all, 1), 0.99);
    const leftSeconds = Math.round(((nowMs - startMs) / 1_000) * (1 / Math.max(share, 0.001) - 1));
    terminal.complain(
      `${Math.floor(100 * share)} %: ${rows} of ${all} rows compared, ${changed} written; now ${name}; ` +
        `about ${leftSeconds} s left`,
    );
  };
}

function placeOf(given: string | undefined, option: string): string {
  const place = given?.trim() ?? "";
  if (place === "") throw new UsageError(`Say ${option} <place>: a data folder, or redis://…`);
  if (place.includes("://") && !isRedis(place)) throw new UsageError(`${option} is neither a folder nor redis://…`);
  return place;
}

function secretOf({ environment }: Terminal, name: string): string | undefined {
  const secret = environment[name]?.trim() ?? "";
  if (secret === "") return undefined;
  if (secret.length < MIN_SECRET) throw new Error(`${name} must have at least ${MIN_SECRET} characters.`);
  return secret;
}

async function openBoth(
  openFirst: () => Promise<Place>,
  openSecond: () => Promise<Place>,
): Promise<readonly [Place, Place]> {
  const first = await openFirst();
  try {
    return [first, await openSecond()];
  } catch (error) {
    await first.close();
    throw error;
  }
}

interface Shown {
  readonly from: string;
  readonly to: string;
  readonly seconds: number;
  readonly onRedis: boolean;
  readonly json: boolean;
}

function print({ tables, unopened, usedBy }: Moved, shown: Shown, terminal: Terminal): void {
  const { from, to, seconds, onRedis, json } = shown;
  const finished = usedBy === undefined;
  if (json) {
    terminal.print(JSON.stringify({ from, to, finished, used_by: usedBy, seconds, tables, unopened }));
    return;
  }
  const filled = tables.filter(({ rows, removed }) => rows + removed > 0);
  const lines = filled.map((each) => [each.table, String(each.rows), String(each.written), String(each.removed)]);
  if (filled.length > 0) terminal.print(table(["table", "rows", "written", "removed"], lines, terminal.width));
  const [rows, written, removed] = [sumBy(tables, "rows"), sumBy(tables, "written"), sumBy(tables, "removed")];
  const pass = `This pass wrote ${written} rows and removed ${removed} in ${seconds} s`;
  const start = onRedis ? "REDIS_URL and SECRET" : "DATA_DIR (and SECRET, unless a secret.key was made there)";
  terminal.print(
    finished
      ? `Copied from ${from} to ${to}: ${rows} rows, as many there as here. ${pass}. Start the servers with that ${start}; ` +
          "never start one on the old place again, since both would deliver the same."
      : `Copied from ${from} to ${to}, but the copy is not finished, and no server starts on it. ${usedBy} ${pass}, of ` +
          `${rows}. Next: stop all servers, and run the same command again; it writes what has changed until then.`,
  );
  if (unopened > 0) {
    terminal.complain(
      `${unopened} encrypted texts did not open with the key of ${from}, and were copied as they are. ` +
        "What that means: docs/migrating.md.",
    );
  }
}

if (require.main === module) onTerminal(migrate);
