/** `npm run check`: reads every row of the store and says which are damaged. */
import { parseArgs } from "node:util";
import { readStorePlace } from "../config";
import { storeReport } from "./connect";
import { table } from "./table";
import { inSentences, onTerminal, UsageError, type ExitCode, type Terminal } from "./tool";

const USAGE = `Usage: npm run check

  Reads every row of every table, also while the server runs, and changes nothing.

  --json               for programs
  --help, --version    this page; the version of the program

DATA_DIR names the data folder (./data); with REDIS_URL the store on Redis is read, in small parts, beside its servers.
Exit code: 0 whole, 1 damaged or not readable, 2 called in a wrong way.`;

/** Damaged rows that are named one by one. */
const NAMED = 100;

export function check(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  return inSentences(args, terminal, USAGE, () => {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: "boolean", default: false } },
    });
    if (positionals.length > 0) throw new UsageError(`There is no command ${positionals.join(" ")}.`);
    return async () => {
      const place = readStorePlace(terminal.environment);
      const tables = await storeReport(place);
      const damaged = tables.flatMap(({ table: name, damaged: keys }) => keys.map((key) => [name, key]));
      if (values.json) terminal.print(JSON.stringify(tables, undefined, 2));
      else {
        const counts = tables.map((each) => [each.table, String(each.rows), String(each.damaged.length)]);
        terminal.print(table(["table", "rows", "damaged"], counts, terminal.width));
        if (damaged.length > 0) {
          const named = table(["damaged row of", "key"], damaged.slice(0, NAMED), terminal.width);
          const more = damaged.length > NAMED ? `\nand ${damaged.length - NAMED} more; --json names them all.` : "";
          terminal.print(`\n${named}${more}`);
        }
      }
      if (damaged.length === 0) return 0;
      terminal.complain(
        `${damaged.length} rows are damaged, see docs/operations/operate.md#a-damaged-store. ` +
          ("redisUrl" in place ? "All others can be read." : "The file is in order otherwise."),
      );
      return 1;
    };
  });
}

if (require.main === module) onTerminal(check);
