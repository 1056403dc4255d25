/** Every environment variable, parsed once, each with a sentence of documentation. */
import express from "express";
import { z } from "zod";
import { createHostAllowList } from "../src/http/guards/hosts";
import { SERVICES } from "../src/services";
import type { ServiceDefinition } from "../src/services/definition";

const text = z.string().trim().min(1);
/** Of those who run the server. */
const token = z
  .string()
  .trim()
  .regex(/^[\x21-\x7e]{16,}$/, "use at least 16 characters without blanks, preferably random")
  .optional();
const wholeNumber = (least: number, most: number): z.ZodType<number> => z.coerce.number().int().min(least).max(most);

/** Comma list of host patterns. */
const hosts = (defaults: string): z.ZodType<readonly string[]> =>
  z
    .string()
    .default(defaults)
    .transform((list, context) => {
      const patterns = itemsOf(list);
      try {
        createHostAllowList(patterns);
      } catch (error) {
        context.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
      }
      return patterns;
    });

/** Comma list of origins exactly as browsers send them, so that they can be compared as strings. */
const origins = z
  .string()
  .default("")
  .transform((list, context) => {
    const named = itemsOf(list);
    if (!named.every(isOrigin)) {
      const message = "must be a comma list of origins such as https://app.example.com, without paths and without *";
      context.addIssue({ code: "custom", message });
    }
    return named;
  });

const schema = z.object({
  HOST: text.default("0.0.0.0").describe("Address to listen on."),
  PORT: wholeNumber(0, 65_535).default(8082).describe("Port to listen on; 0 takes a free one."),
  DATA_DIR: text.default("./data").describe("Folder of the embedded store; belongs to one process at a time."),
  SECRET: z
    .string()
    .trim()
    .min(16, "use at least 16 characters, preferably random")
    .optional()
    .describe("Key that encrypts stored credentials; without it a key file is generated in DATA_DIR."),
  SERVICES: z.string().optional().describe("Comma list of the services to serve; all of them by default."),
  HULL_PROTOCOL: z.enum(["https", "http"]).default("https").describe("Protocol towards Hull's organizations."),
  HULL_FIREHOSE_URL: z.url().optional().describe("Address of Hull's firehose; derived from the organization if unset."),
  HULL_ALLOWED_ORGANIZATIONS: hosts("*.hullapp.io").describe("Organizations that may use this connector."),
  HULL_SIGNATURE_KEY_HOSTS: hosts("*.hullapp.io").describe("Hosts from which keys of signatures may be fetched."),
  HULL_REQUIRE_SIGNATURE: z
    .stringbool({ error: "must be true or false" })
    .default(false)
    .describe("Whether notifications without a signature are refused; credentials are required in any case."),
  HULL_ALLOWED_EXTRACT_HOSTS: hosts(
    "s3.amazonaws.com,*.s3.amazonaws.com,s3.*.amazonaws.com,*.s3.*.amazonaws.com,*.hullapp.io",
  ).describe("Hosts from which the files of batches may be downloaded."),
  TRUST_PROXY: z
    .string()
    .trim()
    .optional()
    .transform((value, context) => {
      const proxies = value === undefined || value === "" || value === "off" ? false : proxyValue(value);
      try {
        express().set("trust proxy", proxies);
      } catch {
        context.addIssue({ code: "custom", message: "must be a number of hops, a preset or a list of addresses" });
      }
      return proxies;
    })
    .describe("Proxies in front, as Express understands it: a number of hops, a preset or a list of addresses."),
  PUBLIC_URL: z
    .string()
    .trim()
    .regex(/^https?:\/\/[^\s/?#]+$/, "must be https:// (or http://) and a host, without a path")
    .optional()
    .describe("This server as browsers see it, for services that send people back; unset: as each request says."),
  CORS_ORIGINS: origins.describe("Origins whose pages may use the internal API from a browser; none by default."),
  LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"])
    .default("info")
    .describe("Least level that is logged; routine skips and unchanged records are debug."),
  METRICS_TOKEN: token.describe(
    "Bearer token that /metrics asks for; without it, anybody who reaches the port may read.",
  ),
  ADMIN_TOKEN: token.describe("Token of /admin, which shows and changes all connectors; without it, /admin is off."),
  MAX_OUTBOX: wholeNumber(1, 100_000_000)
    .default(1_000_000)
    .describe("Entries that may wait per tenant before notifications are answered with retry."),
  RETENTION_DAYS: wholeNumber(1, 3_650)
    .default(30)
    .describe("Days after which dead letters, runs and the last outcome of each record are forgotten."),
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

/**
 * @param services those that may be served
 * @throws Error that names every wrong variable and what is wrong with it, but never a secret
 */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>>,
  services: readonly ServiceDefinition[] = SERVICES,
): Config {
  if ((environment["REDIS_URL"] ?? "") !== "" || !["", "all", undefined].includes(environment["ROLE"])) {
    throw new Error("REDIS_URL and ROLE are not supported yet: unset them to run one process with the embedded store.");
  }
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const known = services.map(({ name }) => name);
  const chosen = itemsOf(environment["SERVICES"] ?? "");
  // What a service that is not served would read does not matter.
  const served = services.filter(({ name }) => chosen.length === 0 || chosen.includes(name));
  const parsed = z.object(shapeOf(served)).safeParse(given);
  const unknown = chosen.filter((name) => !known.includes(name));
  const issues = parsed.error?.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`) ?? [];
  if (unknown.length > 0) issues.push(`SERVICES: must be a comma list of ${known.join(", ")}`);
  if (issues.length > 0) throw new Error(`The environment is not usable. ${issues.join("; ")}.`);
  // It was read with that schema, extended by the variables of the services.
  return { ...(parsed.data as z.output<typeof schema>), SERVICES: chosen.length === 0 ? known : chosen };
}

function itemsOf(list: string): readonly string[] {
  return list
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

function isOrigin(text: string): boolean {
  return /^https?:[^*]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

function proxyValue(value: string): number | string | boolean {
  if (/^\d+$/.test(value)) return Number(value);
  return value === "on" || value === "true" ? true : value;
}
