/** Every environment variable, parsed once, each with a sentence of documentation. */
import isEqual from "lodash/isEqual";
import { z } from "zod";
import { SERVICES } from "../src/services";
import { webAddress, type ServiceDefinition } from "../src/services/definition";
import { WEBHOOK_SECRET_FORM } from "../src/http/webhooks/signature";
import { hosts, itemsOf, oneOf, origins, proxies, token, webhookSecret, wholeNumber, yesOrNo } from "./variables/kinds";
import { lookalikesAmong, type Lookalike } from "./variables/lookalikes";
import { plainClause, refusalOf, type RefusedVariable } from "./variables/refused";
import { shownValue } from "./variables/shown";

const text = z.string().min(1);

const schema = z.object({
  HOST: text.default("0.0.0.0").describe("Address to listen on."),
  PORT: wholeNumber(0, 65_535).default(8082).describe("Port to listen on; 0 takes a free one."),
  ROLE: oneOf(["all", "web", "worker"])
    .default("all")
    .describe("What this process does: web answers requests, worker delivers and fetches, all does both."),
  DATA_DIR: text
    .default("./data")
    .describe("Folder of the embedded store; belongs to one process at a time. Not used with REDIS_URL."),
  REDIS_URL: text
    .optional()
    .describe(
      "Redis that several processes share as their store (redis://…, rediss://…); unset: the store in DATA_DIR.",
    ),
  SECRET: z
    .string()
    .min(16, "must have at least 16 characters, preferably random")
    .optional()
    .describe(
      "Key that encrypts stored credentials, 16 characters or more; required with REDIS_URL, else made in DATA_DIR.",
    ),
  SERVICES: z.string().optional().describe("Comma list of the services to serve; all of them by default."),
  HULL_PROTOCOL: oneOf(["https", "http"]).default("https").describe("Protocol towards Hull's organizations."),
  HULL_FIREHOSE_URL: webAddress
    .optional()
    .describe("Address of Hull's firehose; derived from the organization if unset."),
  HULL_ALLOWED_ORGANIZATIONS: hosts("*.hullapp.io").describe("Organizations that may use this connector."),
  HULL_SIGNATURE_KEY_HOSTS: hosts("*.hullapp.io").describe("Hosts from which keys of signatures may be fetched."),
  HULL_REQUIRE_SIGNATURE: yesOrNo
    .default(false)
    .describe("Whether notifications without a signature are refused; credentials are required in any case."),
  HULL_ALLOWED_EXTRACT_HOSTS: hosts(
    "s3.amazonaws.com,*.s3.amazonaws.com,s3.*.amazonaws.com,*.s3.*.amazonaws.com,*.hullapp.io",
  ).describe("Hosts from which the files of batches may be downloaded."),
  TRUST_PROXY: proxies.describe(
    "Proxies in front, as Express understands it: a number of hops, a preset or a list of addresses.",
  ),
  PUBLIC_URL: z
    .string()
    .regex(/^https?:\/\/[^\s/?#]+$/, "must be https:// (or http://) and a host, without a path")
    .optional()
    .describe("This server as browsers see it, for services that send people back; unset: as each request says."),
  CORS_ORIGINS: origins.describe("Origins whose pages may use the internal API from a browser; none by default."),
  LOG_LEVEL: oneOf(["fatal", "error", "warn", "info", "debug", "trace", "silent"])
    .default("info")
    .describe("Least level that is logged; routine skips and unchanged records are debug."),
  METRICS_TOKEN: token
    .optional()
    .describe("Bearer token that /metrics asks for; without it, anybody who reaches the port may read."),
  ADMIN_TOKEN: token
    .optional()
    .describe("Token of /admin, which shows and changes all connectors; without it, /admin is off."),
  ALERT_WEBHOOK_URL: webAddress
    .optional()
    .describe("Where alerts about the server and all connectors are posted; unset: nowhere."),
  ALERT_WEBHOOK_SECRET: webhookSecret.optional().describe("Secret that signs them: whsec_ and Base64."),
  ALERT_ALLOWED_HOSTS: hosts("").describe(
    "Hosts to which the settings of connectors may send their alerts; none by default.",
  ),
  MAX_OUTBOX: wholeNumber(1, 100_000_000)
    .default(1_000_000)
    .describe("Entries that may wait per tenant before notifications are answered with retry."),
  RETENTION_DAYS: wholeNumber(1, 3_650)
    .default(30)
    .describe("Days after which dead letters, runs and the last outcome of each record are forgotten."),
  HISTORY_DAYS: wholeNumber(0, 365)
    .default(8)
    .describe("Days for which what became of each record is kept, for the console and exports; 0: nothing is kept."),
  OUTCOMES_DIR: text
    .optional()
    .describe("Folder for files of how messages ended, one gzipped NDJSON file an hour; unset: none is written."),
  MIN_FREE_DISK_MB: wholeNumber(0, 1_000_000)
    .default(50)
    .describe(
      "Free space on the disk of DATA_DIR below which nothing new is taken in; what was accepted is delivered.",
    ),
  LINGER_MS: wholeNumber(0, 60_000)
    .default(250)
    .describe("How long a lane waits for more before it writes, so that shipments in a row become one call."),
  SETTLE_MS: wholeNumber(0, 600_000)
    .default(5_000)
    .describe(
      "How long a write may take to show up in the service's lists; unconfirmed creates are looked for after it.",
    ),
  RETRY_BASE_MS: wholeNumber(1, 600_000).default(1_000).describe("Shortest wait before a failed call is repeated."),
  RETRY_CAP_MS: wholeNumber(1, 3_600_000)
    .default(120_000)
    .describe("Longest wait that we choose between two tries of a record or a run; one that the service names counts."),
  REQUEST_TIMEOUT_MS: wholeNumber(10, 600_000)
    .default(60_000)
    .describe("Longest time of a call to a service (in bulk twice that) or to Hull's firehose (at most 10 s)."),
  LEASE_MS: wholeNumber(100, 600_000)
    .default(15_000)
    .describe(
      "With REDIS_URL: how long a silent worker keeps what it works on; others then wait for its calls to end.",
    ),
});

/** The server's own variables with their types, and the services to serve; a service knows the types of its own. */
export type Config = Omit<z.output<typeof schema>, "SERVICES"> & {
  readonly SERVICES: readonly string[];
  readonly [variable: string]: unknown;
};

/** All variables, in the order in which they are documented. */
function shapeOf(services: readonly ServiceDefinition[]): z.ZodRawShape {
  return Object.assign({}, schema.shape, ...services.map(({ variables }) => variables)) as z.ZodRawShape;
}

/** Name and meaning of every variable, for documentation. */
export function describeConfig(): readonly { readonly name: string; readonly meaning: string }[] {
  return Object.entries(shapeOf(SERVICES)).map(([name, field]) => ({
    name,
    meaning: (field as z.ZodType).description ?? "",
  }));
}

/** What counts when a variable is unset, as people write it; empty when that is nothing. */
function standardOf(field: unknown): string {
  const value = field instanceof z.ZodType ? field.safeParse(undefined).data : undefined;
  if (Array.isArray(value)) return value.join(",");
  if (typeof value === "boolean") return value ? "on" : "off";
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

/** Surrounding blanks mean nothing in any variable, and an empty value counts as unset. */
function givenIn(environment: Environment): Readonly<Record<string, string>> {
  const trimmed = Object.entries(environment).map(([name, value = ""]) => [name, value.trim()] as const);
  return Object.fromEntries(trimmed.filter(([, value]) => value !== ""));
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param services those that may be served
 * @throws Error that names every wrong variable, its value and what to do; a secret's value never
 */
export function readConfig(environment: Environment, services: readonly ServiceDefinition[] = SERVICES): Config {
  const given = givenIn(environment);
  const known = services.map(({ name }) => name);
  const chosen = itemsOf(given["SERVICES"] ?? "");
  // What a service that is not served would read does not matter.
  const served = services.filter(({ name }) => chosen.length === 0 || chosen.includes(name));
  const shape = shapeOf(served);
  const parsed = z.object(shape).safeParse(given, { error: plainClause });
  const clauses = new Map(parsed.error?.issues.map(({ path, message }) => [String(path[0]), message]));
  if (chosen.some((name) => !known.includes(name)))
    clauses.set("SERVICES", `must be a comma list of ${known.join(", ")}`);
  if (given["REDIS_URL"] === undefined) {
    if (["web", "worker"].includes(given["ROLE"] ?? ""))
      clauses.set("ROLE", "must be all as long as REDIS_URL is unset");
  } else if (given["SECRET"] === undefined)
    clauses.set("SECRET", "must be the same in all processes that share REDIS_URL");
  if (given["OUTCOMES_DIR"] !== undefined && given["HISTORY_DAYS"] === "0")
    clauses.set("HISTORY_DAYS", "must be 1 or more as long as OUTCOMES_DIR is set");
  if (given["ALERT_WEBHOOK_URL"] !== undefined && given["ALERT_WEBHOOK_SECRET"] === undefined)
    clauses.set("ALERT_WEBHOOK_SECRET", `must be ${WEBHOOK_SECRET_FORM}`);
  const refused = [...clauses].map(([name, must]): RefusedVariable => {
    const standard = name === "SERVICES" ? "all of them" : standardOf(shape[name]);
    return { name, must, given: given[name], standard };
  });
  if (refused.length > 0) throw new Error(refusalOf(refused));
  // It was read with that schema, extended by the variables of the services.
  return { ...(parsed.data as z.output<typeof schema>), SERVICES: chosen.length === 0 ? known : chosen };
}

/** Where the store is, for tools that need nothing else. */
export type StorePlace = { readonly dataDir: string } | { readonly redisUrl: string };

/** @throws Error when it cannot be read */
export function readStorePlace(environment: Environment): StorePlace {
  const { DATA_DIR, REDIS_URL: redisUrl } = givenIn(environment);
  return redisUrl === undefined ? { dataDir: readConfig({ DATA_DIR }).DATA_DIR } : { redisUrl };
}

/**
 * The variables that make this process another one than the defaults would, as they were given; secrets say "set".
 *
 * @param config what was read of the environment
 */
export function differingVariables(environment: Environment, config: Config): Readonly<Record<string, string>> {
  const given = givenIn(environment);
  const defaults = readConfig({ SERVICES: config.SERVICES.join(",") });
  const differing = Object.keys(shapeOf(SERVICES)).filter((name) => {
    if (name === "SERVICES") return config.SERVICES.length < SERVICES.length;
    return name in config && !isEqual(config[name], defaults[name]);
  });
  return Object.fromEntries(differing.map((name) => [name, shownValue(name, given[name] ?? "")]));
}

/** Variables that are not read, but are probably meant to be one that is; and what counts in its place. */
export function misspeltVariables(environment: Environment): readonly (Lookalike & { readonly note: string })[] {
  const shape = shapeOf(SERVICES);
  const prefixes = ["HULL", ...SERVICES.map(({ name }) => name.toUpperCase())];
  const given = givenIn(environment);
  return lookalikesAmong(Object.keys(given), Object.keys(shape), prefixes).map(({ given: name, meant }) => {
    const standard = standardOf(shape[meant]);
    const counts =
      given[meant] !== undefined
        ? `${meant} is set as well and counts`
        : standard === ""
          ? `${meant} is unset`
          : `${meant} has its default, ${standard}`;
    return { given: name, meant, note: `${name} is not read; ${counts}. If ${meant} is meant, rename ${name} to it.` };
  });
}
