import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeConfig, readConfig } from "../../../server/config";
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
    MAX_OUTBOX: 1_000_000,
    RETENTION_DAYS: 30,
    MIN_FREE_DISK_MB: 50,
    LINGER_MS: 250,
    SETTLE_MS: 5_000,
    RETRY_BASE_MS: 1_000,
    RETRY_CAP_MS: 120_000,
    REQUEST_TIMEOUT_MS: 60_000,
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

test.each([
  ["PORT", "65536"],
  ["PORT", "eighty"],
  ["SECRET", "tooshort4711"],
  ["PLANHAT_API_URL", "api.planhat.example"],
  ["HULL_PROTOCOL", "gopher"],
  ["HULL_FIREHOSE_URL", "no-address-4711"],
  ["LOG_LEVEL", "chatty"],
  ["METRICS_TOKEN", "short-4711"],
  ["METRICS_TOKEN", "with a blank and 4711 in it"],
  ["ADMIN_TOKEN", "short-4711"],
  ["ADMIN_TOKEN", "with a blank and 4711 in it"],
  ["MAX_OUTBOX", "-4711"],
  ["RETENTION_DAYS", "0.4711"],
  ["LINGER_MS", "1.4711"],
  ["SETTLE_MS", "soon"],
  ["RETRY_BASE_MS", "0.4711"],
  ["RETRY_CAP_MS", "never"],
  ["REQUEST_TIMEOUT_MS", "4711 seconds"],
])("a wrong %s is named, its value %s is not", (name, value) => {
  const problem = problemOf({ [name]: value });
  expect(problem).toContain(`${name}: `);
  expect(problem).not.toContain(value);
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

test.each<Record<string, string>>([{ REDIS_URL: "redis://127.0.0.1" }, { ROLE: "worker" }])(
  "what is not built yet is refused, not ignored: %p",
  (environment) => {
    expect(problemOf(environment)).toMatch(/REDIS_URL and ROLE are not supported yet/);
  },
);

test("ROLE=all is what the process does anyway", () => {
  expect(() => readConfig({ ROLE: "all", REDIS_URL: "" })).not.toThrow();
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

  test("must be known", () => {
    expect(() => readConfig({ SERVICES: "planhat,third" }, both)).toThrow(
      "SERVICES: must be a comma list of planhat, plansource, planningpme, plangrade, second",
    );
  });
});
