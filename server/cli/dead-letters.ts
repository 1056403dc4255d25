/** `npm run dead-letters`: reads, replays and drops what a service refused for good, beside a running server or without. */
import { parseArgs } from "node:util";
import { serviceOf } from "../../src/storage/port/lane";
import type { DeadLetter, DeadLetterDetail, ReplayCounts } from "../admin/dead-letters";
import type { AdminClient, Filter as Query } from "./client";
import type { OpenAdmin } from "./connect";
import { instant, plain, table } from "./table";
import { onTerminal, runTool, UsageError, type ExitCode, type Terminal } from "./tool";

const USAGE = `Usage: npm run dead-letters -- <command>

  list                 the dead letters; the first 50, or as many as --limit says
  show <id>            everything about one: reason, payload, what to do
  replay <id>          sends it again, and with a company the users that failed because of it
  replay --all         sends all again that match the options below
  drop <id>            forgets it

  --code X  --type Y  --tenant <service>/<organization>/<connector id>   choose dead letters for list and replay --all
  --json               for programs
  --help, --version    this page; the version of the program

The store is in DATA_DIR (./data), or on Redis if REDIS_URL is set.
Exit code: 0 done, 1 not possible, 2 called in a wrong way.`;

type Filter = Omit<Query, "after">;
const PAGE = 200;
const DEFAULT_LIMIT = 50;

export function deadLetters(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  return runTool(args, terminal, USAGE, () => {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        all: { type: "boolean", default: false },
        code: { type: "string" },
        type: { type: "string" },
        tenant: { type: "string" },
        limit: { type: "string" },
        json: { type: "boolean", default: false },
      },
    });
    const { all, json, limit, ...filter } = values;
    const [name, id, ...more] = positionals;
    const view = { terminal, json };
    const chosen = Object.keys(filter).length > 0;
    if (more.length > 0) throw new UsageError(`There is more than one id: ${[id, ...more].join(" ")}.`);
    if (all && name !== "replay") throw new UsageError("--all belongs to replay.");
    if (limit !== undefined && name !== "list") throw new UsageError("--limit belongs to list.");
    if (name === "list" && id === undefined) {
      const most = countOf(limit);
      return (admin) => list(admin, filter, most, view);
    }
    if (name === "replay" && all && id === undefined) return (admin) => replayAll(admin, filter, view);
    if (chosen) throw new UsageError("--code, --type and --tenant belong to list and to replay --all.");
    if (id === undefined || all) {
      throw new UsageError(name === undefined ? "No command was given." : `${name} cannot be used like this.`);
    }
    if (name === "show") return (admin) => show(admin, id, view);
    if (name === "replay") return (admin) => replay(admin, id, view);
    if (name === "drop") return (admin) => drop(admin, id, view);
    throw new UsageError(`There is no command ${name ?? ""}.`);
  });
}

interface View {
  readonly terminal: Terminal;
  readonly json: boolean;
}

function countOf(limit: string | undefined): number {
  if (limit === undefined) return DEFAULT_LIMIT;
  if (!/^[1-9]\d{0,6}$/.test(limit)) throw new UsageError(`--limit is a whole number from 1, not ${limit}.`);
  return Number(limit);
}

async function list(admin: AdminClient, filter: Filter, most: number, { terminal, json }: View): Promise<ExitCode> {
  const deadLetters: DeadLetter[] = [];
  let after: Query["after"];
  do {
    const page = await admin.listDeadLetters({ ...filter, limit: PAGE, after });
    deadLetters.push(...page.deadLetters);
    after = page.next;
  } while (after !== undefined && deadLetters.length <= most);
  const shown = deadLetters.slice(0, most);
  if (json) terminal.print(JSON.stringify(shown, undefined, 2));
  else if (shown.length === 0) terminal.print("There are no dead letters.");
  else {
    const head = ["id", "when (UTC)", "service", "type", "who", "code", "reason"];
    const rows = shown.map(({ id, atMs, tenant, type, name, code, text }) => {
      return [id, instant(atMs), serviceOf(tenant), type, name, code, text];
    });
    terminal.print(table(head, rows, terminal.width));
    if (deadLetters.length > most) terminal.print(`There are more than these ${most}; narrow them, or raise --limit.`);
  }
  return 0;
}

async function show(admin: AdminClient, id: string, { terminal, json }: View): Promise<ExitCode> {
  const deadLetter = await admin.showDeadLetter(id);
  if (deadLetter === undefined) return unknown(id, terminal);
  terminal.print(json ? JSON.stringify(deadLetter, undefined, 2) : describe(deadLetter, deadLetter.remedy));
  return 0;
}

function describe(deadLetter: DeadLetterDetail, remedy: string): string {
  const { id, atMs, type, name, hullId, tenant, remote, outcome, code, text, messageId, version, attempts } =
    deadLetter;
  const made = deadLetter.derived ? ", created for its users" : "";
  const sent = version === 0 ? "" : `, of ${instant(version)} UTC`;
  const rows = [
    ["Dead letter", id],
    ["Refused", `${instant(atMs)} UTC`],
    ["Record", `${type} ${name}${made}`],
    ["Hull id", hullId],
    ["Connector", tenant],
    ["Records at", remote],
    ["Outcome", `${outcome} / ${code}`],
    ["Reason", text],
    ["Message", `${messageId}${sent}`],
    ["Retries", String(attempts)],
    ["Replayed", deadLetter.replayed ? "yes, and refused again" : "no"],
    ["What to do", remedy],
  ];
  const facts = rows.map(([label = "", value = ""]) => `${label.padEnd(12)}${plain(value)}`);
  // JSON escapes control characters itself.
  return [...facts, "", "What Hull wants the record to be:", JSON.stringify(deadLetter.desired, undefined, 2)].join(
    "\n",
  );
}

async function replay(admin: OpenAdmin, id: string, view: View): Promise<ExitCode> {
  const replayed = await admin.replayDeadLetter(id);
  return replayed === undefined ? unknown(id, view.terminal) : printReplayed(admin, replayed, view);
}

async function replayAll(admin: OpenAdmin, filter: Filter, view: View): Promise<ExitCode> {
  const sum = { queued: 0, underway: 0, superseded: 0 };
  let after: Query["after"];
  do {
    const page = await admin.replayDeadLetters({ ...filter, after });
    for (const state of ["queued", "underway", "superseded"] as const) sum[state] += page[state];
    after = page.next;
  } while (after !== undefined);
  return printReplayed(admin, sum, view);
}

function printReplayed(admin: OpenAdmin, replayed: ReplayCounts, { terminal, json }: View): ExitCode {
  const { queued, underway, superseded } = replayed;
  if (json) {
    terminal.print(JSON.stringify({ queued, underway, superseded }));
    return 0;
  }
  const closes = "a dead letter closes when its record has arrived";
  const when =
    admin.running === undefined
      ? `by a worker within a few seconds; ${closes}`
      : admin.running
        ? `now; ${closes}`
        : "when the server starts";
  const lines = [
    ...(queued > 0 ? [`Sent again: ${queued}. Delivered ${when}.`] : []),
    ...(underway > 0 ? [`Left alone, because they are on their way already: ${underway}.`] : []),
    ...(superseded > 0 ? [`Closed, because Hull sent something newer: ${superseded}.`] : []),
  ];
  terminal.print(lines.length === 0 ? "There was nothing to replay." : lines.join("\n"));
  return 0;
}

async function drop(admin: AdminClient, id: string, { terminal, json }: View): Promise<ExitCode> {
  const deadLetter = await admin.dropDeadLetter(id);
  if (deadLetter === undefined) return unknown(id, terminal);
  terminal.print(
    json ? JSON.stringify(deadLetter) : plain(`Dropped: ${deadLetter.type} ${deadLetter.name}, ${deadLetter.code}.`),
  );
  return 0;
}

function unknown(id: string, terminal: Terminal): ExitCode {
  terminal.complain(plain(`There is no dead letter ${id}; it may have been closed. See: npm run dead-letters -- list`));
  return 1;
}

if (require.main === module) onTerminal(deadLetters);
