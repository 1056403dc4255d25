/** All connectors: which come first, and what the page says of each. */
import { createConnectors, type ConnectorOverview } from "../../../server/admin/connectors";
import { connectorsPage } from "../../../server/admin/page";
import type { ConnectorHealth } from "../../../src/engine/status/health";
import type { FindingLevel } from "../../../src/services/connection";
import type { PauseRow, TenantRow } from "../../../src/storage/port/rows";

const NOW = Date.parse("2026-03-01T12:00:00Z");
const HOUR_MS = 3_600_000;

const pause = (untilMs: number): PauseRow => ({
  tenant: "t",
  scope: "*",
  kind: "transient",
  message: "The service is busy.",
  sinceMs: NOW - HOUR_MS,
  untilMs,
});

interface Given {
  readonly level?: FindingLevel;
  readonly pausedUntilMs?: number;
  readonly letters?: number;
  readonly oldestAtMs?: number;
}

/** Connectors by name, as the store would have them. */
function connectorsOf(given: Readonly<Record<string, Given>>) {
  const of = (name: string): Given => given[name] ?? {};
  const healthOf = ({ level = "ok" }: Given): ConnectorHealth => ({
    status: level,
    messages: level === "ok" ? [] : [{ level, text: `What is wrong: ${level}.` }],
  });
  return createConnectors({
    store: {
      tenants: () =>
        Promise.resolve(
          Object.keys(given).map((key): TenantRow => ({
            key,
            organization: key,
            connectorId: "1",
            sealed: "",
            settingsAtMs: NOW,
            remote: "r",
          })),
        ),
      laneHealth: ({ tenant }) => {
        const { letters = 0, oldestAtMs } = of(tenant);
        const deadLetters = { refused: letters };
        return Promise.resolve({
          outbox: 1,
          hullUpdates: 2,
          oldestAtMs,
          deadLetters,
          moreDeadLetters: false,
          shared: [],
        });
      },
      pauses: ({ tenant }) => {
        const { pausedUntilMs } = of(tenant);
        return Promise.resolve(pausedUntilMs === undefined ? [] : [pause(pausedUntilMs)]);
      },
    },
    titleOf: () => "A service",
    health: (name) => Promise.resolve(healthOf(of(name))),
    forget: () => Promise.resolve(0),
    now: () => NOW,
  });
}

const order = async (given: Readonly<Record<string, Given>>): Promise<readonly string[]> =>
  (await connectorsOf(given).list()).map(({ tenant }) => tenant);

const wordsOf = (document: string): string =>
  (/<main.*<\/main>/s.exec(document)?.[0] ?? "")
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();

async function wordsAbout(given: Readonly<Record<string, Given>>): Promise<string> {
  return wordsOf(connectorsPage(await connectorsOf(given).list(), NOW, { home: "/admin", site: { mount: "" } }));
}

test("errors come first, then what is paused, warnings, what was never set up, and the rest by name", async () => {
  expect(
    await order({
      b: {},
      a: {},
      fresh: { level: "setupRequired" },
      warned: { level: "warning" },
      paused: { level: "warning", pausedUntilMs: NOW + 1 },
      refused: { level: "error" },
    }),
  ).toEqual(["refused", "paused", "warned", "fresh", "a", "b"]);
});

test("among equals more dead letters come first, then what has waited longer", async () => {
  expect(
    await order({
      idle: {},
      young: { oldestAtMs: NOW - HOUR_MS },
      old: { oldestAtMs: NOW - 2 * HOUR_MS },
      many: { letters: 5 },
    }),
  ).toEqual(["many", "old", "young", "idle"]);
});

test("a pause that has ended is none", async () => {
  const [connector] = await connectorsOf({ a: { pausedUntilMs: NOW } }).list();
  expect(connector?.pauses).toEqual([]);
});

describe("the page", () => {
  test("says why something is paused and until when, rather than what else is wrong", async () => {
    const words = await wordsAbout({ a: { level: "warning", pausedUntilMs: NOW + HOUR_MS } });
    expect(words).toContain(
      "Delivery is paused since 2026-03-01 11:00 UTC until 2026-03-01 13:00 UTC : The service is busy.",
    );
    expect(words).not.toContain("What is wrong");
  });

  test("says the worst of what is not paused", async () => {
    expect(await wordsAbout({ a: { level: "error" } })).toContain("What is wrong: error.");
  });

  test("adds up", async () => {
    const words = await wordsAbout({ a: { letters: 1_200 }, b: { letters: 34 }, c: {} });
    expect(words).toContain("Connectors 3 2 to look at");
    expect(words).toContain("Waiting for a service 3 records");
    expect(words).toContain("Dead letters 1,234 refused for good");
  });

  test("says what to do as long as there is nobody", async () => {
    const words = await wordsAbout({});
    expect(words).toContain("No connector is known yet");
    expect(words).toContain("Install one in Hull");
  });

  test("of a process that shows no other pages leads to the server that does, if that is known", async () => {
    const connectors = await connectorsOf({ a: {} }).list();
    const linksOf = (web: string | false, given = connectors): readonly string[] => {
      const document = connectorsPage(given, NOW, { home: "/admin", site: { mount: "" }, web });
      return [...document.matchAll(/<a href="([^"]*)"/g)].map(([, address = ""]) => address);
    };
    const own = ["/admin"];
    expect(linksOf(false)).toEqual(own);
    expect(linksOf(false, [])).toEqual(own);
    expect(linksOf("https://connectors.example.com")).toEqual([
      ...own,
      expect.stringMatching(/^https:\/\/connectors\.example\.com\/.*console\?org=a$/),
    ]);
    expect(linksOf("https://connectors.example.com", [])).toEqual([
      ...own,
      "https://connectors.example.com/manifest.json",
    ]);
  });

  test("shows hostile names as text", () => {
    const organization = `"><script>alert(1)</script>`;
    const overview: ConnectorOverview = {
      ...{ tenant: "t", service: organization, organization, connectorId: organization, settingsAtMs: 0 },
      ...{ outbox: 0, hullUpdates: 0, deadLetters: 0, moreDeadLetters: false },
      pauses: [{ ...pause(NOW + 1), message: organization, scope: organization }],
    };
    expect(connectorsPage([overview], NOW, { home: "/admin", site: { mount: "" } })).not.toContain("<script");
  });
});
