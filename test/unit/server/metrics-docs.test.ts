/** The dashboard, the alerts and the documentation name metrics and labels that exist. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Registry } from "prom-client";
import { parse } from "yaml";
import { createMetrics } from "../../../server/metrics";
import dashboard from "../../../docs/grafana-dashboard.json";
import { readScrape } from "./scrape";

const root = resolve(__dirname, "../../..");
const guide = readFileSync(join(root, "docs/operations/operate.md"), "utf8");
const { groups } = parse(readFileSync(join(root, "deploy/alerts.yaml"), "utf8")) as {
  readonly groups: readonly { readonly rules: readonly Alert[] }[];
};
const alerts = groups.flatMap(({ rules }) => rules);
const asked = dashboard.panels
  .flatMap((panel) => ("targets" in panel ? (panel.targets ?? []) : []))
  .map((target) => target.expr);
const expressions = [...asked, ...alerts.map(({ expr }) => expr)];

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

/** Labels that Prometheus adds, and the bound of a bucket. */
const GIVEN = ["job", "instance", "le"];
/** As they are declared, whether they have values or not. */
const labels = new Map<string, readonly string[]>();
const kinds = new Map<string, string>();

beforeAll(async () => {
  const register = jest.spyOn(Registry.prototype, "registerMetric");
  const metrics = createMetrics({
    store: { backlog: () => Promise.reject(new Error("asked by nobody")), losses: () => Promise.resolve([]) },
    services: [],
    budgetLeft: () => Promise.resolve(0),
    storeFile: "/nowhere",
    freeDiskBytes: () => NaN,
    version: "1.2.3",
    role: "all",
    shared: new Map(),
    processes: () => Promise.resolve([]),
    now: () => 0,
  });
  const { text } = await metrics.scrape();
  for (const [name, kind] of readScrape(text).kinds) kinds.set(name, kind);
  for (const [metric] of register.mock.calls) {
    const { name, labelNames } = metric as unknown as { name: string; labelNames: readonly string[] };
    labels.set(name, labelNames);
  }
  register.mockRestore();
});

/** A histogram is asked for by its parts. */
function baseOf(name: string): string {
  const base = name.replace(/_(bucket|sum|count)$/, "");
  return kinds.get(base) === "histogram" ? base : name;
}

const namesIn = (text: string): readonly string[] =>
  [...text.matchAll(/\b(?:connector|nodejs|process)_[a-z0-9_]*[a-z0-9]\b/g)].map(([name]) => name);

test("the dashboard asks for many things, and each of them exists", () => {
  const names = new Set(asked.flatMap(namesIn).map(baseOf));
  expect(expressions.flatMap(namesIn).filter((name) => !kinds.has(baseOf(name)))).toEqual([]);
  expect([...names].filter((name) => !kinds.has(name))).toEqual([]);
  const own = [...kinds.keys()].filter((name) => name.startsWith("connector_"));
  expect(own.filter((name) => !names.has(name))).toEqual([]);
});

test("each alert has a name of its own, says what it means in a sentence, and where to go on", () => {
  expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  for (const { labels: own, annotations } of alerts) {
    expect(["warning", "critical"]).toContain(own.severity);
    expect(annotations.summary).toMatch(/^[A-Z].*\.$/);
    const [file = "", anchor = ""] = annotations.runbook.split("#");
    const headings = readFileSync(join(root, file), "utf8").match(/^#+ .*$/gm) ?? [];
    const anchors = headings.map((line) => line.replace(/^#+ /, "").toLowerCase().replaceAll(" ", "-"));
    expect(anchors).toContain(anchor);
  }
});

test("the parts of a histogram are asked for as parts, and nothing else is", () => {
  for (const name of expressions.flatMap(namesIn)) {
    expect({ name, histogram: kinds.get(baseOf(name)) === "histogram" }).toEqual({
      name,
      histogram: /_(bucket|sum|count)$/.test(name),
    });
  }
});

test("the dashboard filters and groups by labels that its metrics have", () => {
  for (const expression of expressions) {
    const known = [...GIVEN, ...namesIn(expression).flatMap((name) => labels.get(baseOf(name)) ?? [])];
    const filters = [...expression.matchAll(/\{([^}]*)\}/g)].flatMap(([, inside = ""]) =>
      [...inside.matchAll(/(\w+)(?==|!)/g)].map(([name]) => name),
    );
    const groups = [...expression.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = ""]) => list.split(/, */));
    const unknown = [...filters, ...groups].filter((name) => !known.includes(name));
    expect({ expression, unknown }).toEqual({ expression, unknown: [] });
  }
});

test("panels have ids of their own and do not overlap", () => {
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
});

test("operate.md lists every metric of ours with its kind and its labels, and no other", () => {
  const rows = [...guide.matchAll(/^\| `(connector_\w+)` +\| (counter|gauge|histogram) +\| ([^|]*)\|/gm)].map(
    ([, name = "", kind = "", list = ""]) => [name, kind, [...list.matchAll(/`(\w+)`/g)].map(([, label]) => label)],
  );
  const own = [...kinds].filter(([name]) => name.startsWith("connector_"));
  expect(rows).toHaveLength(own.length);
  expect(rows).toEqual(expect.arrayContaining(own.map(([name, kind]) => [name, kind, labels.get(name)])));
});

test("every metric that operate.md names exists", () => {
  const section = guide.slice(guide.indexOf("## Metrics"), guide.indexOf("## Answers to Hull"));
  expect(
    namesIn(section.replaceAll(/`(process|nodejs)_[a-z_]*…[a-z_]*`/g, "")).filter((name) => !kinds.has(baseOf(name))),
  ).toEqual([]);
});
