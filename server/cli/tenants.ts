/** `npm run tenants`: lists the connectors that this server knows, and erases one. */
import { parseArgs } from "node:util";
import type { AdminClient } from "./client";
import { instant, plain, table } from "./table";
import { onTerminal, runTool, UsageError, type ExitCode, type Terminal } from "./tool";

const USAGE = `Usage: npm run tenants -- <command>

  list                                     the connectors that this server knows
  forget <service>/<organization>/<connector id>
                                           erases everything stored for one; asks back unless --yes is given

  --json               for programs
  --help, --version    this page; the version of the program

The store is in DATA_DIR (./data), or on Redis if REDIS_URL is set.
Exit code: 0 done, 1 not possible, 2 called in a wrong way.`;

export function tenants(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  return runTool(args, terminal, USAGE, () => {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { yes: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
    });
    const [name, key, ...more] = positionals;
    if (more.length > 0) throw new UsageError(`There is more than one tenant: ${[key, ...more].join(" ")}.`);
    if (name === "list" && key === undefined) return (admin) => list(admin, terminal, values.json);
    if (name !== "forget")
      throw new UsageError(name === undefined ? "No command was given." : `There is no command ${name}.`);
    if (key?.includes("/") !== true)
      throw new UsageError("Name the tenant as the list does: <service>/<organization>/<connector id>.");
    const { askBack } = terminal;
    if (!values.yes && askBack === undefined)
      throw new UsageError("There is no terminal to confirm this on: add --yes.");
    return async (admin) => {
      const agreed = values.yes || (await askBack?.(question(key))) === key;
      return agreed ? forget(admin, key, terminal, values.json) : kept(terminal);
    };
  });
}

async function list(admin: AdminClient, terminal: Terminal, json: boolean): Promise<ExitCode> {
  const tenants = await admin.listTenants();
  if (json) terminal.print(JSON.stringify(tenants, undefined, 2));
  else if (tenants.length === 0) terminal.print("No connector is known yet.");
  else {
    const head = ["tenant", "settings of (UTC)", "to deliver", "to tell Hull", "records at"];
    const rows = tenants.map(({ tenant, settingsAtMs, outbox, tells: hullUpdates, remote }) => [
      tenant,
      settingsAtMs === 0 ? "-" : instant(settingsAtMs),
      String(outbox),
      String(hullUpdates),
      remote ?? "not configured",
    ]);
    terminal.print(table(head, rows, terminal.width));
  }
  return 0;
}

const question = (key: string): string =>
  `Everything stored for ${key} is erased: settings, what waits for delivery, dead letters, links and counts.\n` +
  "The service and Hull keep what they have. Type the tenant's name to go on: ";

function kept(terminal: Terminal): ExitCode {
  terminal.complain("Nothing was erased.");
  return 1;
}

async function forget(admin: AdminClient, key: string, terminal: Terminal, json: boolean): Promise<ExitCode> {
  const rows = await admin.forgetTenant(key);
  if (rows === 0) {
    terminal.complain(plain(`${key} is not known. See: npm run tenants -- list`));
    return 1;
  }
  const words = `Erased ${key}: ${rows} rows. While it is installed in Hull, its next notification makes it known again.`;
  terminal.print(json ? JSON.stringify({ tenant: key, rows }) : plain(words));
  return 0;
}

if (require.main === module) onTerminal(tenants);
