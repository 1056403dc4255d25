import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeConfig, differingVariables, readConfig } from "../../../server/config";
import { z } from "zod";
import { SERVICES } from "../../../src/services";
import type { ServiceDefinition } from "../../../src/services/definition";
import { readSecret } from "../../../server/secret";

const problemOf = (environment: Readonly<Record<string, string>>): string => {
  try {
    readConfig(environment);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("The environment was accepted.");
};

test("an empty environment is enough", () => {
  expect(readConfig({})).toEqual({
    HOST: "0.0.0.0",
    PORT: 8082,
    ROLE: "all",
    DATA_DIR: "./data",
    SERVICES: ["planhat", "plansource", "planningpme", "plangrade"],
    PLANGRADE_URL: "https://plangrade.com",
    PLANGRADE_AUTHORIZE_PATH: "/api/v1/authenticate",
    PLANGRADE_TOKEN_PATH: "/oauth/v1/token",
    PLANHAT_API_URL: "https://{api_prefix}.planhat.com",
    PLANHAT_ANALYTICS_URL: "https://analytics.planhat.com",
    HULL_PROTOCOL: "https",
    HULL_ALLOWED_ORGANIZATIONS: ["*.hullapp.io"],
    HULL_SIGNATURE_KEY_HOSTS: ["*.hullapp.io"],
    HULL_REQUIRE_SIGNATURE: false,
    HULL_ALLOWED_EXTRACT_HOSTS: [
      "s3.amazonaws.com",
      "*.s3.amazonaws.com",
      "s3.*.amazonaws.com",
      "*.s3.*.amazonaws.com",
      "*.hullapp.io",
    ],
    TRUST_PROXY: false,
    CORS_ORIGINS: [],
    LOG_LEVEL: "info",
    ALERT_ALLOWED_HOSTS: [],
    MAX_OUTBOX: 1_000_000,
    RETENTION_DAYS: 30,
    HISTORY_DAYS: 8,
    MIN_FREE_DISK_MB: 50,
    LINGER_MS: 250,
    SETTLE_MS: 5_000,
    RETRY_BASE_MS: 1_000,
    RETRY_CAP_MS: 120_000,
    REQUEST_TIMEOUT_MS: 60_000,
    LEASE_MS: 15_000,
  });
});

test("an empty value counts as unset, as compose files write it", () => {
  const empty = Object.fromEntries(describeConfig().map(({ name }) => [name, ""]));
  expect(readConfig(empty)).toEqual(readConfig({}));
});

test("every variable is described in one sentence", () => {
  for (const { name, meaning } of describeConfig()) {
    expect(name).toMatch(/^[A-Z][A-Z_]+$/);
    expect(meaning).toMatch(/^[A-Z].*\.$/);
  }
});

test("values are read as what they mean", () => {
  const config = readConfig({
    PORT: "0",
    SECRET: "a secret of some length",
    HULL_ALLOWED_ORGANIZATIONS: "acme.hullapp.io, 127.0.0.1:*,",
    HULL_FIREHOSE_URL: "http://127.0.0.1:4020/firehose",
    LOG_LEVEL: "debug",
    LINGER_MS: "0",
    UNKNOWN: "is left alone",
  });
  expect(config).toMatchObject({ PORT: 0, LOG_LEVEL: "debug", LINGER_MS: 0, SECRET: "a secret of some length" });
  expect(config.HULL_ALLOWED_ORGANIZATIONS).toEqual(["acme.hullapp.io", "127.0.0.1:*"]);
});

test("origins are taken as browsers write them", () => {
  const { CORS_ORIGINS } = readConfig({ CORS_ORIGINS: "https://app.example.com, http://localhost:3000," });
  expect(CORS_ORIGINS).toEqual(["https://app.example.com", "http://localhost:3000"]);
});

test.each([
  "*",
  "null",
  "app.example.com",
  "https://app.example.com/",
  "https://app.example.com/path",
  "https://*.example.com",
  "https://App.example.com",
  "https://app.example.com:443",
  "https://me:secret-4711@app.example.com",
  "ftp://app.example.com",
  "https://app.example.com,*",
])("what is no origin is refused: %s", (list) => {
  const problem = problemOf({ CORS_ORIGINS: list });
  expect(problem).toContain("CORS_ORIGINS: must be a comma list of origins such as https://app.example.com");
  expect(problem).not.toContain("secret-4711");
});

test.each([
  ["off", false],
  ["", false],
  ["on", true],
  ["true", true],
  ["2", 2],
  ["loopback", "loopback"],
  ["10.0.0.0/8, loopback", "10.0.0.0/8, loopback"],
])("TRUST_PROXY=%s becomes %p", (given, meant) => {
  expect(readConfig({ TRUST_PROXY: given }).TRUST_PROXY).toBe(meant);
});

const NUMBER = "a whole number from";

test.each([
  ["PORT", "65536", `${NUMBER} 0 to 65535`],
  ["PORT", "80a", `${NUMBER} 0 to 65535`],
  ["PORT", "0x1010", `${NUMBER} 0 to 65535`],
  ["PORT", "1e3", `${NUMBER} 0 to 65535`],
  ["PORT", "+80", `${NUMBER} 0 to 65535`],
  ["PORT", "80.0", `${NUMBER} 0 to 65535`],
  ["MAX_OUTBOX", "1e99", `${NUMBER} 1 to 100000000`],
  ["MAX_OUTBOX", "99999999999999999999", `${NUMBER} 1 to 100000000`],
  ["MAX_OUTBOX", "0", `${NUMBER} 1 to 100000000`],
  ["RETENTION_DAYS", "0.5", `${NUMBER} 1 to 3650`],
  ["LINGER_MS", "-1", `${NUMBER} 0 to 60000`],
  ["SETTLE_MS", "soon", `${NUMBER} 0 to 600000`],
  ["RETRY_BASE_MS", "0", `${NUMBER} 1 to 600000`],
  ["RETRY_CAP_MS", "NaN", `${NUMBER} 1 to 3600000`],
  ["REQUEST_TIMEOUT_MS", "60 seconds", `${NUMBER} 10 to 600000`],
  ["LEASE_MS", "99", `${NUMBER} 100 to 600000`],
  ["HULL_PROTOCOL", "HTTPS", "https or http"],
  ["LOG_LEVEL", "chatty", "fatal, error, warn, info, debug, trace or silent"],
  ["HULL_REQUIRE_SIGNATURE", "maybe", "on or off"],
  ["HULL_FIREHOSE_URL", "localhost:8080", "https:// (or http:// for a stand-in)"],
  ["HULL_FIREHOSE_URL", "ftp://hull.example", "https:// (or http:// for a stand-in)"],
  ["HULL_ALLOWED_ORGANIZATIONS", "https://acme.hullapp.io/app", "a comma list of hosts such as *.hullapp.io"],
  ["CORS_ORIGINS", "app.example.com", "a comma list of origins such as https://app.example.com"],
  ["TRUST_PROXY", "perhaps", "off, on, a number of hops"],
  ["PUBLIC_URL", "https://connectors.example/path", "without a path"],
  ["SERVICES", "planhat,planhut", "a comma list of planhat, plansource, planningpme, plangrade"],
  ["PLANHAT_API_URL", "api.planhat.example", "https:// (or http:// for a stand-in)"],
  ["PLANHAT_API_URL", "https://{api_prefix", "https:// (or http:// for a stand-in)"],
  ["PLANHAT_ANALYTICS_URL", "analytics", "https:// (or http:// for a stand-in)"],
  ["PLANSOURCE_API_URL", "//plansource", "https:// (or http:// for a stand-in)"],
  ["PLANNINGPME_API_URL", "planningpme", "https:// (or http:// for a stand-in)"],
  ["PLANGRADE_URL", "http://plangrade.example", "https:// (or http:// on this machine)"],
  ["PLANGRADE_AUTHORIZE_PATH", "oauth", "a path that begins with a slash"],
  ["PLANGRADE_TOKEN_PATH", "oauth", "a path that begins with a slash"],
])("a wrong %s is named with its value %s, what it must be, and what to do", (name, value, must) => {
  const problem = problemOf({ [name]: value });
  const [head, line = "", ...more] = problem.split("\n");
  expect([head, more]).toEqual(["The environment is not usable.", []]);
  expect(line.startsWith(`${name}: must `)).toBe(true);
  expect(line).toContain(`, not "${value}". Correct it, or unset it`);
  expect(line).toContain(must);
  expect(line).not.toMatch(/expected (?!a host)|received|invalid|NaN(?!")/i);
});

test("what counts when the variable is unset is said, if anything does", () => {
  expect(problemOf({ PORT: "80a" })).toMatch(/unset it for the default, 8082\.$/);
  expect(problemOf({ PUBLIC_URL: "x" })).toMatch(/or unset it\.$/);
});

test.each([
  ["SECRET", "tooshort4711", "12 characters"],
  ["METRICS_TOKEN", "short-4711", "10 characters"],
  ["METRICS_TOKEN", "with a blank and 4711 in it", "27 characters, blanks or letters beyond ASCII among them"],
  ["ADMIN_TOKEN", "4", "1 character"],
])("a wrong %s is named, of its value %s only the form", (name, value, form) => {
  const problem = problemOf({ [name]: value });
  expect(problem).toContain(`\n${name}: must have at least 16 characters`);
  expect(problem).toContain(`; the given one has ${form}. Correct it, or unset it.`);
  expect(problem).not.toContain(`"`);
  if (value.includes("4711")) expect(problem).not.toContain("4711");
});

test("credentials in an address are not repeated, and a long or strange value is shown in one short line", () => {
  const address = "https://me:secret-4711@acme.hullapp.io/path";
  for (const [name, value] of [
    ["HULL_ALLOWED_ORGANIZATIONS", address],
    ["PUBLIC_URL", address],
    ["CORS_ORIGINS", address],
    ["PLANHAT_API_URL", "me:secret-4711@api.planhat.com"],
    ["LOG_LEVEL", "me:secret-4711@debug"],
  ] as const) {
    const problem = problemOf({ [name]: value });
    expect(problem).toContain(`${name}: `);
    expect(problem).not.toContain("secret-4711");
  }
  const problem = problemOf({ LOG_LEVEL: `two\nlines${"x".repeat(5_000)}` });
  expect(problem).toContain("two\\nlines");
  expect(problem.length).toBeLessThan(400);
});

test("blanks around a value mean nothing, and nothing but blanks is unset", () => {
  expect(readConfig({ PORT: " 80 ", LOG_LEVEL: "debug ", HULL_REQUIRE_SIGNATURE: " on" })).toMatchObject({
    PORT: 80,
    LOG_LEVEL: "debug",
    HULL_REQUIRE_SIGNATURE: true,
  });
  // It was read as 0, which takes any port.
  expect(readConfig({ PORT: " " }).PORT).toBe(8082);
});

test.each(["HULL_ALLOWED_ORGANIZATIONS", "HULL_SIGNATURE_KEY_HOSTS", "HULL_ALLOWED_EXTRACT_HOSTS"])(
  "a wrong host pattern in %s is named",
  (name) => {
    expect(problemOf({ [name]: "*.hullapp.io,https://acme.hullapp.io/app" })).toContain(`${name}: `);
  },
);

test("all problems are told at once", () => {
  const problem = problemOf({ PORT: "eighty", LOG_LEVEL: "chatty" });
  expect(problem).toContain("PORT: ");
  expect(problem).toContain("LOG_LEVEL: ");
});

describe("several processes", () => {
  const redis = { REDIS_URL: "redis://me:secret-4711@127.0.0.1", SECRET: "a secret of some length" };

  test.each(["web", "worker", "all"])("ROLE=%s is possible on Redis", (ROLE) => {
    expect(readConfig({ ...redis, ROLE }).ROLE).toBe(ROLE);
  });

  test.each(["web", "worker"])("ROLE=%s alone is refused without REDIS_URL", (ROLE) => {
    expect(problemOf({ ROLE, REDIS_URL: " " })).toContain(
      `\nROLE: must be all as long as REDIS_URL is unset, not "${ROLE}". Correct it, or unset it for the default, all.`,
    );
  });

  test("an unknown ROLE is refused anyway", () => {
    expect(problemOf({ ...redis, ROLE: "boss" })).toContain('\nROLE: must be all, web or worker, not "boss".');
  });

  test("on Redis a SECRET is required, whatever the role", () => {
    const { REDIS_URL } = redis;
    expect(problemOf({ REDIS_URL })).toContain(
      "\nSECRET: must be set, and must be the same in all processes that share REDIS_URL.",
    );
    expect(problemOf({ REDIS_URL, SECRET: "short" })).toContain("\nSECRET: must have at least 16 characters");
  });

  test("the address of Redis, which holds a password, is never shown", () => {
    expect(differingVariables(redis, readConfig(redis))).toEqual({ REDIS_URL: "set", SECRET: "set" });
    expect(problemOf({ REDIS_URL: redis.REDIS_URL, ROLE: "boss" })).not.toContain("4711");
  });
});

describe("alerts", () => {
  const ALERT_WEBHOOK_URL = "https://hooks.example/secret-4711";
  const ALERT_WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

  test("an address needs a secret of the right form", () => {
    expect(readConfig({ ALERT_WEBHOOK_URL, ALERT_WEBHOOK_SECRET })).toMatchObject({ ALERT_WEBHOOK_URL });
    const form = "must be whsec_ followed by 24 to 64 random bytes in Base64";
    expect(problemOf({ ALERT_WEBHOOK_URL })).toContain(`\nALERT_WEBHOOK_SECRET: must be set, and ${form}.`);
    expect(problemOf({ ALERT_WEBHOOK_URL, ALERT_WEBHOOK_SECRET: "whsec_short" })).toContain(
      `\nALERT_WEBHOOK_SECRET: ${form}; the given one has 11 characters.`,
    );
  });

  test("the address, which may hold a secret, is never shown", () => {
    const given = { ALERT_WEBHOOK_URL, ALERT_WEBHOOK_SECRET };
    expect(differingVariables(given, readConfig(given))).toEqual({
      ALERT_WEBHOOK_URL: "set",
      ALERT_WEBHOOK_SECRET: "set",
    });
    expect(problemOf({ ALERT_WEBHOOK_URL: "hooks.example/secret-4711" })).not.toContain("4711");
  });

  test("no host is allowed by default", () => {
    expect(readConfig({}).ALERT_ALLOWED_HOSTS).toEqual([]);
    expect(readConfig({ ALERT_ALLOWED_HOSTS: "hooks.example, *.slack.example:8443" }).ALERT_ALLOWED_HOSTS).toEqual([
      "hooks.example",
      "*.slack.example:8443",
    ]);
    expect(problemOf({ ALERT_ALLOWED_HOSTS: "https://hooks.example/" })).toContain("\nALERT_ALLOWED_HOSTS: ");
  });
});

describe("the key for stored credentials", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "secret-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("is made once, for its owner only, and stays", () => {
    const made = readSecret(undefined, folder);
    expect(made.length).toBeGreaterThanOrEqual(32);
    expect(statSync(join(folder, "secret.key")).mode & 0o077).toBe(0);
    expect(readSecret(undefined, folder)).toBe(made);
  });

  test("is never made anew over a damaged one", () => {
    writeFileSync(join(folder, "secret.key"), "short");
    expect(() => readSecret(undefined, folder)).toThrow(/secret\.key is damaged/);
    expect(readFileSync(join(folder, "secret.key"), "utf8")).toBe("short");
  });

  test("is the configured one where there is one", () => {
    expect(readSecret("a secret of some length", folder)).toBe("a secret of some length");
  });
});

describe("the services to serve", () => {
  const second = { ...SERVICES[0], name: "second", variables: { SECOND_URL: z.url() } } as ServiceDefinition;
  const both = [...SERVICES, second];

  test("are all by default, and the variables of those alone are read", () => {
    expect(() => readConfig({}, both)).toThrow(/SECOND_URL/);
    expect(readConfig({ SECOND_URL: "https://x.example" }, both).SERVICES).toEqual([
      "planhat",
      "plansource",
      "planningpme",
      "plangrade",
      "second",
    ]);
    expect(readConfig({ SERVICES: " planhat " }, both).SERVICES).toEqual(["planhat"]);
  });

  test("have to say what is wrong in words that people write, even where the schema has none of its own", () => {
    const variables = {
      SECOND_URL: z.url().optional(),
      SECOND_COUNT: z.coerce.number().int().max(9).optional(),
      SECOND_MODE: z.enum(["fast", "slow"]).optional(),
      SECOND_NAME: z.string().min(3).optional(),
    };
    const third = { ...second, variables } as ServiceDefinition;
    const wrong = { SECOND_URL: "x", SECOND_COUNT: "many", SECOND_MODE: "odd", SECOND_NAME: "ab" };
    expect(() => readConfig(wrong, [third])).toThrow(
      [
        'SECOND_URL: must be an address such as https://host.example, not "x". Correct it, or unset it.',
        'SECOND_COUNT: must be a number in digits, not "many". Correct it, or unset it.',
        'SECOND_MODE: must be fast or slow, not "odd". Correct it, or unset it.',
        'SECOND_NAME: must be at least 3 characters long, not "ab". Correct it, or unset it.',
      ].join("\n"),
    );
    expect(() => readConfig({ SECOND_COUNT: "10" }, [third])).toThrow('SECOND_COUNT: must be at most 9, not "10".');
  });

  test("must be known", () => {
    expect(() => readConfig({ SERVICES: "planhat,third" }, both)).toThrow(
      "SERVICES: must be a comma list of planhat, plansource, planningpme, plangrade, second",
    );
  });
});
