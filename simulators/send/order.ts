/** What `npm run send` is asked for, read from its arguments. */
import { parseArgs } from "node:util";
import { originOf } from "../play/places";

export interface Order {
  readonly service: string;
  /** Absent: the account itself is sent. */
  readonly user?: { readonly email: string; readonly externalId: string; readonly attributes: Values };
  readonly account?: { readonly domain: string; readonly externalId: string; readonly attributes: Values };
  /** Names; an empty list is nobody's segment, undefined the one that is chosen in the settings. */
  readonly segments?: readonly string[];
  /** The connector, if it is not where it is installed. */
  readonly to?: string;
  readonly waitMs: number;
}

type Values = Readonly<Record<string, unknown>>;

/** The command was wrong. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const USAGE = `Usage: npm run send -- <email address or domain> [options]

Lets the simulated Hull change a user (an e-mail address) or an account (a domain) and send the
notification that follows from it. Prints how it ended, and why.

  --name <name>            of the user, or of the account that is sent
  --trait <key>=<value>    an attribute, as often as needed; JSON if it can be read as that
  --company <name>         of the user's account
  --account <domain>       of the user's account (that of the e-mail address); none: somebody new has none
  --segment <name>         Customers, who are sent, or Leads, who are not; none; as often as needed
  --external-id <id>       in Hull (the address or the domain itself)
    --service <name>         planhat, plansource, planningpme or plangrade (planhat); planningpme takes
                           accounts, and plangrade waits until somebody lets the connector in
  --to <url>               the connector (where it is installed, http://127.0.0.1:8082)
  --wait <seconds>         for the outcome (30)

npm run send -- ann@acme.example --name Ann --trait position="Head of Sales"

HULL_PORT says where the simulated Hull listens (4020). Exit code: 0 it has its outcome, 1 not
possible, 2 called in a wrong way.`;

/** @throws Error or UsageError with a sentence when the arguments cannot be understood */
export function readOrder(args: readonly string[]): Order {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      name: { type: "string" },
      trait: { type: "string", multiple: true, default: [] },
      company: { type: "string" },
      account: { type: "string" },
      segment: { type: "string", multiple: true },
      "external-id": { type: "string" },
      service: { type: "string", default: "planhat" },
      to: { type: "string" },
      wait: { type: "string", default: "30" },
    },
  });
  const [whom, ...more] = positionals;
  if (whom === undefined) throw new UsageError("Name an e-mail address or a domain.");
  if (more.length > 0) throw new UsageError(`One at a time: ${[whom, ...more].join(" ")} are several.`);
  const common = {
    service: values.service,
    ...(values.segment && { segments: segmentsOf(values.segment) }),
    ...(values.to === undefined ? {} : { to: connectorAt(values.to) }),
    waitMs: waitOf(values.wait),
  };
  const traits = Object.fromEntries(values.trait.map(traitOf));
  const named = values.name === undefined ? {} : namesOf(values.name);
  const externalId = values["external-id"] ?? whom;
  if (!whom.includes("@")) {
    if (values.account !== undefined || values.company !== undefined) {
      throw new UsageError(`${whom} is an account itself: --account and --company go with an e-mail address.`);
    }
    const name = values.name ?? titleOf(whom);
    return {
      ...common,
      account: { domain: domainOf(whom, "The domain"), externalId, attributes: { name, ...traits } },
    };
  }
  const [, domain = ""] = /^[^\s@]+@([^\s@]+)$/.exec(whom) ?? [];
  const own = domainOf(domain, `The e-mail address ${JSON.stringify(whom)}`);
  const user = { email: whom, externalId, attributes: { ...named, ...traits } };
  if (values.account === "none") return { ...common, user };
  const company = values.account === undefined ? own : domainOf(values.account, "--account");
  const attributes = { name: values.company ?? titleOf(company) };
  return { ...common, user, account: { domain: company, externalId: company, attributes } };
}

/** A name as Hull has it: whole, and in two parts where there are two. */
function namesOf(name: string): Values {
  const [first = "", ...rest] = name.trim().split(/\s+/);
  if (first === "") throw new UsageError("--name is empty.");
  return { name: name.trim(), first_name: first, ...(rest.length > 0 ? { last_name: rest.join(" ") } : {}) };
}

function traitOf(text: string): readonly [string, unknown] {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`--trait ${text}: write it as <key>=<value>, such as --trait employees=12.`);
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value) as unknown];
  } catch {
    return [text.slice(0, at), value];
  }
}

function segmentsOf(names: readonly string[]): readonly string[] {
  return names.filter((name) => name !== "none");
}

/** `acme.example` → `Acme` */
function titleOf(domain: string): string {
  const [first = ""] = domain.split(".");
  return first.charAt(0).toUpperCase() + first.slice(1);
}

function domainOf(text: string, what: string): string {
  if (/^[a-z\d]([a-z\d-]*[a-z\d])?(\.[a-z\d]([a-z\d-]*[a-z\d])?)+$/i.test(text)) return text.toLowerCase();
  throw new UsageError(`${what} cannot be read: write ann@acme.example, or acme.example for an account.`);
}

function connectorAt(text: string): string {
  const origin = originOf(text);
  if (origin !== undefined) return origin;
  throw new UsageError(`--to ${text}: write the connector's address, such as http://127.0.0.1:8082.`);
}

function waitOf(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== "" && seconds > 0 && seconds <= 3_600) return seconds * 1_000;
  throw new UsageError(`--wait ${text}: write seconds, more than 0 and at most 3600.`);
}
