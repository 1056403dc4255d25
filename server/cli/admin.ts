/** `npm run admin`: what a person tells the servers on Redis, and asks about them; and whether alerts arrive. */
import { parseArgs } from "node:util";
import { testServerAlert } from "../alerts/alerting";
import { readConfig, readStorePlace } from "../config";
import { noteRestored, processesOn } from "./connect";
import { table } from "./table";
import { inSentences, onTerminal, UsageError, type ExitCode, type Terminal } from "./tool";

const USAGE = `Usage: npm run admin -- redis-restored | processes | alert-test

  redis-restored       Redis was set back to an earlier state, and no server ran that could have noticed: from now on
                       nothing is created before the service was asked for it, and what was waiting then counts as perhaps
                       written already. Servers that run begin anew by themselves.

  processes            the servers that use the store: their versions, and which formats of the store they read

  alert-test           sends a test to ALERT_WEBHOOK_URL, as the server with the same variables would

  --json               for programs
  --help, --version    this page; the version of the program

REDIS_URL names Redis, which alert-test does not need. What else to do after a restore: docs/operations/redis.md.
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
    if (command === "alert-test" && more.length === 0) {
      return async () => {
        const host = await testServerAlert(readConfig(terminal.environment));
        terminal.print(values.json ? JSON.stringify({ host, taken: true }) : `${host} has taken the test.`);
        return 0;
      };
    }
    const work = COMMANDS[command];
    if (work === undefined || more.length > 0) throw new UsageError(`There is no command ${positionals.join(" ")}.`);
    return async () => {
      const place = readStorePlace(terminal.environment);
      if (!("redisUrl" in place)) throw new Error(IN_FOLDER);
      terminal.print(await work(place.redisUrl, values.json, terminal.width));
      return 0;
    };
  });
}

/** Each returns what is printed. */
const COMMANDS: Readonly<Partial<Record<string, (url: string, json: boolean, width: number) => Promise<string>>>> = {
  "redis-restored": async (url, json) => {
    const name = await noteRestored(url);
    if (json) return JSON.stringify({ redis: name, noted: true });
    return (
      `Noted for Redis at ${name}. Servers begin anew, and deliver again once the calls of those before must ` +
      "have ended: after LEASE_MS and twice REQUEST_TIMEOUT_MS.\n" +
      "Now have Hull send everything once, and fetch with force=1: docs/operations/redis.md#redis-has-lost-writes"
    );
  },
  processes: async (url, json, width) => {
    const { redis, format, reader, present } = await processesOn(url);
    if (json) {
      const shown = present.map(({ id, name, role, version, writes, reads, forMs, silentMs }) => {
        const times = { for_seconds: seconds(forMs), silent_seconds: seconds(silentMs) };
        return { id, name, role, version, writes, reads, ...times };
      });
      return JSON.stringify({ redis, format, reader, processes: shown });
    }
    if (format === undefined) return `There is no store on Redis at ${redis}.`;
    const store = `The store on Redis at ${redis} has format ${format}, and is for versions that read ${reader} or later.`;
    if (present.length === 0) return `${store}\nNo server uses it.`;
    const rows = present.map(({ name, role, version, writes, reads, forMs, silentMs }) => [
      name,
      role ?? "?",
      version ?? "older",
      String(writes ?? "?"),
      reads?.join("–") ?? "?",
      `${seconds(forMs)} s`,
      `${seconds(silentMs)} s ago`,
    ]);
    return `${store}\n${table(["process", "role", "version", "writes", "reads", "for", "seen"], rows, width)}`;
  },
};

const seconds = (ms: number): number => Math.round(ms / 1_000);

if (require.main === module) onTerminal(admin);
