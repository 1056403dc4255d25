/** `npm run admin`: what a person must tell the servers. */
import { parseArgs } from "node:util";
import { readStorePlace } from "../config";
import { noteRestored } from "./connect";
import { inSentences, onTerminal, UsageError, type ExitCode, type Terminal } from "./tool";

const USAGE = `Usage: npm run admin -- redis-restored

  redis-restored       Redis was set back to an earlier state, and no server ran that could have noticed: from now on
                       nothing is created before the service was asked for it, and what was waiting then counts as perhaps
                       written already. Servers that run begin anew by themselves.

  --json               for programs

REDIS_URL names Redis. What else to do after a restore: docs/operations/redis.md.
Exit code: 0 done, 1 not possible, 2 called in a wrong way.`;

const IN_FOLDER =
  "This is about Redis, and REDIS_URL is not set. For a data folder: docs/operations/operate.md#restore.";

export function admin(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  return inSentences(args, terminal, USAGE, () => {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: "boolean", default: false } },
    });
    const [command, ...more] = positionals;
    if (command === undefined) throw new UsageError("No command was given.");
    if (command !== "redis-restored" || more.length > 0)
      throw new UsageError(`There is no command ${positionals.join(" ")}.`);
    return async () => {
      const place = readStorePlace(terminal.environment);
      if (!("redisUrl" in place)) throw new Error(IN_FOLDER);
      const name = await noteRestored(place.redisUrl);
      if (values.json) terminal.print(JSON.stringify({ redis: name, noted: true }));
      else
        terminal.print(
          `Noted for Redis at ${name}. Servers begin anew, and deliver again once the calls of those before must ` +
            "have ended: after LEASE_MS and twice REQUEST_TIMEOUT_MS.\n" +
            "Now have Hull send everything once, and fetch with force=1: docs/operations/redis.md#redis-has-lost-writes",
        );
      return 0;
    };
  });
}

if (require.main === module) onTerminal(admin);
