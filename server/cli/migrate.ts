/** `npm run migrate`: copies the store of a stopped server from its data folder to Redis, or back. */
import { parseArgs } from "node:util";
import { moveStore, type Moved } from "../../src/storage/move";
import { isRedis, openSource, openTarget, type Place } from "./places";
import { table } from "./table";
import { inSentences, onTerminal, UsageError, type ExitCode, type Terminal } from "./tool";

const USAGE = `Usage: npm run migrate -- --from <place> --to <place>

  --from <place>       the data folder of a stopped server, or its Redis (redis://…)
  --to <place>         where to copy it: a new or empty folder, or an empty Redis database
  --json               for programs

The keys come from the environment: SECRET is that of --from (a folder with a secret.key needs none), TARGET_SECRET that
of --to (SECRET if it is not set). What to do before and after: docs/migrating.md.
Exit code: 0 done, 1 not possible, 2 called in a wrong way.`;

const MIN_SECRET = 16;

export function migrate(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  return inSentences(args, terminal, USAGE, () => {
    const { from, to, json } = parseArgs({
      args: [...args],
      options: { from: { type: "string" }, to: { type: "string" }, json: { type: "boolean", default: false } },
    }).values;
    const [source, target] = [placeOf(from, "--from"), placeOf(to, "--to")];
    if (source === target) throw new UsageError("--from and --to are the same.");
    const secret = secretOf(terminal, "SECRET");
    const targetSecret = secretOf(terminal, "TARGET_SECRET") ?? secret;
    return async () => {
      const [left, right] = await openBoth(
        () => openSource(source, secret),
        () => openTarget(target, targetSecret),
      );
      try {
        for (const warning of [...left.warnings, ...right.warnings]) terminal.complain(warning);
        const moved = await moveStore({
          from: left.database,
          to: right.database,
          reseal: (sealed, place) => right.seal.seal(left.seal.open(sealed, place), place),
        });
        print(moved, { from: left.name, to: right.name, onRedis: isRedis(target), json }, terminal);
        return 0;
      } finally {
        await right.close();
        await left.close();
      }
    };
  });
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
  readonly onRedis: boolean;
  readonly json: boolean;
}

function print({ tables, unopened }: Moved, { from, to, onRedis, json }: Shown, terminal: Terminal): void {
  if (json) {
    terminal.print(JSON.stringify({ from, to, tables, unopened }));
    return;
  }
  const filled = tables.filter(({ rows }) => rows > 0).map((each) => [each.table, String(each.rows)]);
  if (filled.length > 0) terminal.print(table(["table", "rows"], filled, terminal.width));
  const sum = tables.reduce((all, { rows }) => all + rows, 0);
  const start = onRedis ? "REDIS_URL and SECRET" : "DATA_DIR (and SECRET, unless a secret.key was made there)";
  terminal.print(
    `Copied from ${from} to ${to}: ${sum} rows, as many there as here. Start the servers with that ${start}; ` +
      "never start one on the old place again, since both would deliver the same.",
  );
  if (unopened > 0) {
    terminal.complain(
      `${unopened} encrypted texts did not open with the key of ${from}, and were copied as they are. ` +
        "What that means: docs/migrating.md.",
    );
  }
}

if (require.main === module) onTerminal(migrate);
