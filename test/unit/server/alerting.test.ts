/** What the server says of its own storage: from memory, since the store may be what is lost. */
import { createAlerting, type AlertingOptions } from "../../../server/alerts/alerting";
import { admin } from "../../../server/cli/admin";
import { createLogger } from "../../../server/log";
import { createAlertMemory } from "../../../src/engine/alerts/alerts";
import { DiskError } from "../../../src/storage/port/disk";
import { openAlertReceiver, type AlertReceiver } from "../../fixture/alert-receiver";

const lost = (): Promise<never> => Promise.reject(new DiskError("It is lost.", "REDIS"));
const MINUTE_MS = 60_000;

let receiver: AlertReceiver;
let nowMs = Date.UTC(2026, 0, 1);
let trouble: string | undefined;
const opened: { close(): void }[] = [];

beforeEach(async () => {
  receiver = await openAlertReceiver();
  trouble = undefined;
});
afterEach(async () => {
  for (const each of opened.splice(0)) each.close();
  expect(receiver.forged).toEqual([]);
  await receiver.close();
});

function open(more: Partial<AlertingOptions> = {}) {
  const alerting = createAlerting({
    config: { ALERT_WEBHOOK_URL: receiver.url, ALERT_WEBHOOK_SECRET: receiver.secret, ALERT_ALLOWED_HOSTS: [] },
    logger: createLogger("silent"),
    store: { tenants: lost, alerts: lost, putAlert: lost, dropAlert: lost, losses: lost, under: () => ({}) as never },
    disk: { trouble: () => trouble },
    isOnRedis: false,
    stateOf: lost,
    observed: {},
    onEvent: () => undefined,
    now: () => nowMs,
    ...more,
  });
  opened.push(alerting);
  return alerting;
}

const told = (): readonly string[] => receiver.heard.map(({ type, state }) => `${type} ${state}`);

test("a full disk is told at once, and its end, without the store", async () => {
  const alerting = open();
  await alerting.lookAtStorage();
  trouble = "The disk of DATA_DIR (/data) is full.";
  await alerting.lookAtStorage();
  await Promise.all([alerting.lookAtStorage(), alerting.lookAtStorage()]);
  expect(receiver.heard).toMatchObject([
    {
      type: "server.disk_full",
      data: { state: "firing", text: expect.stringContaining("(/data) is full.") as string },
    },
  ]);
  expect(Object.keys(receiver.heard[0]?.data ?? {})).toEqual(["state", "title", "text", "since"]);
  trouble = undefined;
  await alerting.lookAtStorage();
  await alerting.lookAtStorage();
  expect(told()).toEqual(["server.disk_full firing", "server.disk_full resolved"]);
});

test("Redis may be away for a moment; after a minute it is lost, also when the connector begins anew meanwhile", async () => {
  const memory = createAlertMemory();
  const first = open({ isOnRedis: true, memory });
  trouble = "Redis at db does not answer.";
  await first.lookAtStorage();
  trouble = undefined;
  await first.lookAtStorage();
  trouble = "Redis at db does not answer.";
  await first.lookAtStorage();
  expect(told()).toEqual([]);
  nowMs += MINUTE_MS;
  await first.lookAtStorage();
  expect(told()).toEqual(["server.redis_lost firing"]);
  first.close();
  trouble = undefined;
  await open({ isOnRedis: true, memory }).lookAtStorage();
  expect(told()).toEqual(["server.redis_lost firing", "server.redis_lost resolved"]);
});

test("without an address nobody is told, and nothing is asked", async () => {
  const config = { ALERT_WEBHOOK_URL: undefined, ALERT_WEBHOOK_SECRET: undefined, ALERT_ALLOWED_HOSTS: [] };
  await expect(open({ config }).look()).resolves.toBeUndefined();
});

test("while the store is lost a look at connectors fails, and is made again by whoever asked for it", async () => {
  await expect(open().look()).rejects.toThrow("It is lost.");
});

test("what the store has lost is told once, whoever looks", async () => {
  const rows = createAlertMemory();
  const losses = () => Promise.resolve([{ atMs: nowMs, kind: "emptied" } as const]);
  const store = {
    ...{ tenants: () => Promise.resolve([]), alerts: () => rows.rows(), losses },
    putAlert: rows.put.bind(rows),
    dropAlert: rows.drop.bind(rows),
    under: () => ({}) as never,
  };
  for (let looks = 0; looks < 3; looks += 1) await open({ store }).look();
  expect(receiver.heard).toMatchObject([{ type: "server.store_lost", data: { title: "The store has lost data" } }]);
});

describe("npm run admin -- alert-test", () => {
  const run = async (environment: Readonly<Record<string, string>>, ...more: readonly string[]) => {
    const said: string[] = [];
    const print = (text: string): void => void said.push(text);
    const code = await admin(["alert-test", ...more], { environment, width: 160, print, complain: print });
    return { code, said: said.join("\n") };
  };
  const variables = () => ({ ALERT_WEBHOOK_URL: receiver.url, ALERT_WEBHOOK_SECRET: receiver.secret });

  test("sends one, and says who has taken it", async () => {
    const { host } = new URL(receiver.url);
    expect(await run(variables())).toEqual({ code: 0, said: `${host} has taken the test.` });
    expect(await run(variables(), "--json")).toEqual({ code: 0, said: JSON.stringify({ host, taken: true }) });
    expect(receiver.heard.map(({ type }) => type)).toEqual(["alert.test", "alert.test"]);
  });

  test("says why it was not taken, without the address", async () => {
    receiver.answer(403);
    const { code, said } = await run(variables());
    expect([code, said]).toEqual([1, expect.stringMatching(/answered 403/)]);
    expect(said).not.toContain("address-secret");
  });

  test("says which variable is missing", async () => {
    expect(await run({})).toEqual({ code: 1, said: expect.stringMatching(/^ALERT_WEBHOOK_URL is not set/) as string });
    const { ALERT_WEBHOOK_URL } = variables();
    const { code, said } = await run({ ALERT_WEBHOOK_URL });
    expect([code, said]).toEqual([1, expect.stringMatching(/ALERT_WEBHOOK_SECRET: must be set, and must be whsec_/)]);
    expect(said).not.toContain("address-secret");
  });
});
