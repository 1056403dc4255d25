/** Whoever misspells a variable is told; whoever has an ordinary environment is not bothered. */
import { readConfig, differingVariables, misspeltVariables } from "../../../server/config";

const named = (...names: readonly string[]): readonly (readonly [string, string])[] =>
  misspeltVariables(Object.fromEntries(names.map((name) => [name, "x"]))).map(({ given, meant }) => [given, meant]);

test.each([
  ["DATADIR", "DATA_DIR"],
  ["data_dir", "DATA_DIR"],
  ["DATA-DIR", "DATA_DIR"],
  ["DATA_DIRS", "DATA_DIR"],
  ["LOGLEVEL", "LOG_LEVEL"],
  ["LOG_LEVLE", "LOG_LEVEL"],
  ["port", "PORT"],
  ["SECERT", "SECRET"],
  ["SERVCES", "SERVICES"],
  ["METRICS_TOKN", "METRICS_TOKEN"],
  ["METRIC_TOKEN", "METRICS_TOKEN"],
  ["ADMIN_TOCKEN", "ADMIN_TOKEN"],
  ["TRUSTPROXY", "TRUST_PROXY"],
  ["TRUST_PROXYS", "TRUST_PROXY"],
  ["CORS_ORIGIN", "CORS_ORIGINS"],
  ["PUBLIC_URI", "PUBLIC_URL"],
  ["REDIS_URI", "REDIS_URL"],
  ["MAXOUTBOX", "MAX_OUTBOX"],
  ["RETENTION_DAY", "RETENTION_DAYS"],
  ["REQUEST_TIMEOUT", "REQUEST_TIMEOUT_MS"],
  ["HULL_ALLOWED_ORGANISATIONS", "HULL_ALLOWED_ORGANIZATIONS"],
  ["HULL_ORGANIZATIONS", "HULL_ALLOWED_ORGANIZATIONS"],
  ["PLANHAT_APIURL", "PLANHAT_API_URL"],
  ["PLANHAT_URL", "PLANHAT_API_URL"],
  ["PLANHAT_ANALYTIC_URL", "PLANHAT_ANALYTICS_URL"],
  ["PLAN_SOURCE_API_URL", "PLANSOURCE_API_URL"],
  ["PLANNINPME_API_URL", "PLANNINGPME_API_URL"],
  ["PLANGRADE_API_URL", "PLANGRADE_URL"],
])("%s is probably %s", (given, meant) => {
  expect(named(given)).toEqual([[given, meant]]);
});

test("every variable with a letter less or two letters swapped, if it is more than an ordinary word, is found", () => {
  const names = Object.keys(readConfig({})).filter((name) => name.includes("_"));
  expect(names.length).toBeGreaterThan(15);
  for (const name of names) {
    const middle = Math.floor(name.length / 2);
    const shorter = name.slice(0, middle) + name.slice(middle + 1);
    const swapped = `${name.slice(0, -2)}${name.at(-1) ?? ""}${name.at(-2) ?? ""}`;
    for (const given of new Set([shorter, swapped])) {
      if (given !== name)
        expect({ given, found: named(given).map(([, meant]) => meant) }).toEqual({ given, found: [name] });
    }
  }
});

/** What shells, desktops, Node, npm, containers, clusters, clouds and other programs set. */
const USUAL = `
  PATH HOME USER LOGNAME SHELL PWD OLDPWD SHLVL LANG LANGUAGE LC_ALL LC_CTYPE TERM COLORTERM TERM_PROGRAM MAIL EDITOR VISUAL
  PAGER LESS LS_COLORS HISTFILE HISTSIZE TZ TMPDIR TEMP TMP HOSTNAME HOSTTYPE MACHTYPE OSTYPE UID EUID PPID IFS PS1 _
  DISPLAY WAYLAND_DISPLAY XAUTHORITY XDG_DATA_DIRS XDG_DATA_HOME XDG_CONFIG_HOME XDG_CONFIG_DIRS XDG_RUNTIME_DIR
  XDG_SESSION_ID XDG_CACHE_HOME XDG_STATE_HOME DBUS_SESSION_BUS_ADDRESS SSH_AUTH_SOCK SSH_CONNECTION SSH_CLIENT SSH_TTY
  GPG_AGENT_INFO SUDO_USER SUDO_UID SUDO_GID SUDO_COMMAND INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET MAINPID LISTEN_FDS
  STATE_DIRECTORY RUNTIME_DIRECTORY LOGS_DIRECTORY CACHE_DIRECTORY CREDENTIALS_DIRECTORY WATCHDOG_USEC
  NODE NODE_ENV NODE_OPTIONS NODE_PATH NODE_VERSION NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED NODE_DEBUG NO_COLOR
  FORCE_COLOR UV_THREADPOOL_SIZE YARN_VERSION NVM_DIR NVM_BIN NVM_INC INIT_CWD DEBUG CI npm_config_cache npm_config_loglevel
  npm_config_user_agent npm_lifecycle_event npm_lifecycle_script npm_node_execpath npm_execpath npm_package_name
  npm_package_version npm_command npm_config_noproxy npm_config_prefix npm_config_node_gyp npm_config_local_prefix
  http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE
  KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT KUBERNETES_SERVICE_PORT_HTTPS KUBERNETES_PORT KUBERNETES_PORT_443_TCP
  KUBERNETES_PORT_443_TCP_ADDR KUBERNETES_PORT_443_TCP_PORT KUBERNETES_PORT_443_TCP_PROTO POD_NAME POD_NAMESPACE POD_IP
  NODE_NAME HOST_IP PORT_8082_TCP PORT_8082_TCP_ADDR PLANHAT_SERVICE_HOST PLANHAT_SERVICE_PORT PLANHAT_SERVICE_PORT_HTTP
  PLANHAT_PORT PLANHAT_PORT_8082_TCP PLANHAT_PORT_8082_TCP_ADDR PLANHAT_PORT_8082_TCP_PORT PLANHAT_PORT_8082_TCP_PROTO
  PLANGRADE_PORT PLANGRADE_NAME PLANGRADE_ENV PLANSOURCE_PORT PLANNINGPME_PORT HULL_PORT HULL_SERVICE_HOST
  HULL_PLANHAT_CONNECTOR_SERVICE_HOST HULL_PLANHAT_CONNECTOR_PORT HULL_PLANHAT_CONNECTOR_PORT_8082_TCP REDIS_HOST
  REDIS_PORT REDIS_ADDR DATABASE_URL DATABASE_HOST PGHOST PGPORT PGDATA PGUSER PGPASSWORD POSTGRES_PASSWORD MYSQL_HOST
  DYNO SOURCE_VERSION HEROKU_APP_NAME HEROKU_RELEASE_VERSION WEB_CONCURRENCY WEB_MEMORY MEMORY_AVAILABLE STACK BUILD_DIR
  AWS_REGION AWS_DEFAULT_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_EXECUTION_ENV
  ECS_CONTAINER_METADATA_URI ECS_CONTAINER_METADATA_URI_V4 GOOGLE_APPLICATION_CREDENTIALS GOOGLE_CLOUD_PROJECT K_SERVICE
  K_REVISION K_CONFIGURATION GAE_SERVICE AZURE_CLIENT_ID WEBSITE_HOSTNAME FLY_APP_NAME FLY_REGION RENDER_SERVICE_ID
  RAILWAY_SERVICE_NAME SERVICE SERVICE_NAME SERVICE_VERSION SERVICE_HOST SERVICE_PORT APP_NAME APP_ENV APP_PORT
  ENVIRONMENT STAGE REPORT EXPORT IMPORT SUPPORT TRANSPORT PORTS HOSTS HOST_NAME SECRETS SECRET_KEY SECRET_KEY_BASE SECRET_ID
  SECRET_2 CLIENT_SECRET JWT_SECRET SESSION_SECRET ROLE ROLES ROLE_ARN LOG_FORMAT LOG_FILE LOG_DIR LOGGING LOGFILE
  GITHUB_TOKEN NPM_TOKEN CI_JOB_TOKEN VAULT_TOKEN API_TOKEN ACCESS_TOKEN BOT_TOKEN BASE_URL API_URL SITE_URL PUBLIC_DIR
  DATA DATA_HOME DATA_PATH OUTPUT_DIR BACKUP_DIR TIMEOUT_MS MAX_OLD_SPACE OTEL_SERVICE_NAME OTEL_EXPORTER_OTLP_ENDPOINT
  OTEL_RESOURCE_ATTRIBUTES OTEL_LOG_LEVEL DD_AGENT_HOST DD_SERVICE DD_ENV DD_TRACE_ENABLED SENTRY_DSN NEW_RELIC_LOG_LEVEL
  PLANHAT_API_KEY PLANHAT_TOKEN PLANHAT_API_TOKEN HULL_ID HULL_SECRET HULL_ORG JAVA_HOME GOPATH PYTHONPATH VIRTUAL_ENV
  ProgramFiles SystemRoot windir COMPUTERNAME USERNAME USERPROFILE APPDATA LOCALAPPDATA NUMBER_OF_PROCESSORS
`
  .trim()
  .split(/\s+/);

test("an ordinary environment causes no warning, and neither do the known variables", () => {
  expect(USUAL.length).toBeGreaterThan(250);
  expect(named(...USUAL)).toEqual([]);
  expect(named(...Object.keys(readConfig({})), "SECRET", "ADMIN_TOKEN", "PUBLIC_URL")).toEqual([]);
});

test("the note says what counts instead, and never a value of the environment", () => {
  const [one, two, three] = misspeltVariables({
    DATADIR: "/private-4711",
    LOGLEVEL: "debug-4711",
    LOG_LEVEL: "warn",
    METRICS_TOKN: "token-4711",
  });
  expect(one?.note).toBe(
    "DATADIR is not read; DATA_DIR has its default, ./data. If DATA_DIR is meant, rename DATADIR to it.",
  );
  expect(two?.note).toContain("LOG_LEVEL is set as well and counts.");
  expect(three?.note).toContain("METRICS_TOKEN is unset.");
  expect([one, two, three].map((each) => each?.note).join(" ")).not.toContain("4711");
});

test("an empty variable is no misspelt one", () => {
  expect(misspeltVariables({ DATADIR: " " })).toEqual([]);
});

test("what differs from the defaults is shown as it was given, secrets and credentials in addresses are not", () => {
  const environment = {
    PATH: "/bin",
    PORT: " 8082 ",
    LOG_LEVEL: "debug",
    SECRET: "a secret of some length",
    ADMIN_TOKEN: "0123456789abcdef-4711",
    HULL_FIREHOSE_URL: "https://me:password-4711@hull.example/firehose",
    HULL_ALLOWED_ORGANIZATIONS: "acme.hullapp.io, beta.hullapp.io",
    HULL_REQUIRE_SIGNATURE: "on",
    PLANGRADE_TOKEN_PATH: "/oauth/token",
    PLANSOURCE_API_URL: "http://127.0.0.1:4021",
    SERVICES: "planhat,plangrade",
  };
  const shown = differingVariables(environment, readConfig(environment));
  expect(shown).toEqual({
    LOG_LEVEL: "debug",
    SECRET: "set",
    ADMIN_TOKEN: "set",
    HULL_FIREHOSE_URL: expect.stringMatching(/^https:\/\/.*@hull\.example\/firehose$/) as unknown,
    HULL_ALLOWED_ORGANIZATIONS: "acme.hullapp.io, beta.hullapp.io",
    HULL_REQUIRE_SIGNATURE: "on",
    PLANGRADE_TOKEN_PATH: "/oauth/token",
    SERVICES: "planhat,plangrade",
  });
  expect(JSON.stringify(shown)).not.toContain("4711");
  expect(differingVariables({}, readConfig({}))).toEqual({});
});
