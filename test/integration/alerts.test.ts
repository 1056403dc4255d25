/** Alerts through the whole house: what is wrong, who hears of it, and who must not be called. */
import tls from "node:tls";
import { openAlertReceiver, type AlertReceiver } from "../fixture/alert-receiver";
import { account, CONNECTOR, TOKEN, useFixtures, type Fixture } from "../fixture/fixture";
import { selfSigned, type Identity } from "../fixture/self-signed";
import { ask, basic, send } from "./asking";

const open = useFixtures();
const WRONG = "planhat-token-wrong";
const opened: AlertReceiver[] = [];
let fixture: Fixture;
/** The last account that Hull spoke of. */
let at = 0;
let identity: Identity;

beforeAll(() => {
  identity = selfSigned();
});
beforeEach(() => {
  const connect = tls.connect.bind(tls) as (options: tls.ConnectionOptions, ...rest: unknown[]) => tls.TLSSocket;
  // Who made a certificate is all that differs from a receiver in the world.
  jest
    .spyOn(tls, "connect")
    .mockImplementation(((options: tls.ConnectionOptions, ...rest: unknown[]) =>
      connect({ ...options, ca: identity.cert }, ...rest)) as typeof tls.connect);
});
afterEach(async () => {
  const log = JSON.stringify(fixture.logs);
  for (const receiver of opened.splice(0)) {
    expect(receiver.forged).toEqual([]);
    for (const hidden of [receiver.secret, "address-secret", CONNECTOR.secret, TOKEN, WRONG])
      expect(log).not.toContain(hidden);
    await receiver.close();
  }
});

const receive = async (isSecure = false): Promise<AlertReceiver> => {
  const receiver = await openAlertReceiver(isSecure ? identity : undefined);
  opened.push(receiver);
  return receiver;
};
const look = (): Promise<void> => fixture.connector.alerting.look();
const toldOf = ({ heard }: AlertReceiver): readonly string[] => heard.map(({ type, state }) => `${type} ${state}`);
const logged = (result: string) => fixture.logs.filter(({ message }) => message === `connector.alert.${result}`);
const forServer = ({ url, secret }: AlertReceiver) => ({ ALERT_WEBHOOK_URL: url, ALERT_WEBHOOK_SECRET: secret });
const forConnector = ({ url, secret }: AlertReceiver) => ({ alert_webhook_url: url, alert_webhook_secret: secret });
const start = async (options: Parameters<typeof open>[0]): Promise<void> => {
  fixture = await open(options);
};

/** Planhat refuses the token, until `mend`. */
async function pause(): Promise<void> {
  await fixture.saveSettings({ personal_acccess_token: WRONG, ...saved });
  await fixture.tellAccount(account((at += 1)));
  await fixture.until(async () => (await fixture.connector.store.pauses(fixture.lane)).length > 0);
}
async function mend(): Promise<void> {
  await fixture.saveSettings({ personal_acccess_token: TOKEN, ...saved });
  await fixture.settled();
}
/** What else the settings say. */
let saved: Readonly<Record<string, string>> = {};
afterEach(() => {
  saved = {};
});

test("a pause is told once, and once more when it is over; a restart changes nothing", async () => {
  const receiver = await receive();
  await start({ environment: { ...forServer(receiver), PUBLIC_URL: "https://connector.example" } });
  await look();
  expect(receiver.heard).toEqual([]);
  await pause();
  await look();
  await look();
  expect(receiver.heard).toMatchObject([
    {
      type: "connector.paused",
      data: {
        state: "firing",
        organization: fixture.hull.host,
        connector: CONNECTOR.id,
        service: "Planhat",
        console: `https://connector.example/console?org=${encodeURIComponent(fixture.hull.host)}`,
        title: "Delivery to Planhat is paused",
        since: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      },
    },
  ]);
  await fixture.restart();
  await look();
  expect(receiver.tries).toHaveLength(1);
  await mend();
  await Promise.all([look(), look()]);
  await look();
  expect(toldOf(receiver)).toEqual(["connector.paused firing", "connector.paused resolved"]);
  expect(receiver.heard[1]?.data["text"]).toMatch(/^This is over\. It was: Delivery/);
  expect(await fixture.connector.store.alerts()).toEqual([]);
  expect(logged("sent").map(({ context, data }) => [context, data?.["state"], data?.["to"]])).toEqual(
    ["firing", "resolved"].map((state) => [{ organization: fixture.hull.host, id: CONNECTOR.id }, state, "server"]),
  );
  const metrics = await (await fetch(`${fixture.baseUrl}/metrics`)).text();
  expect(metrics).toContain('connector_alerts_total{kind="connector.paused",to="server",result="sent"} 1');
});

test("it is looked by itself, every quarter of a minute", async () => {
  const receiver = await receive();
  const timers = jest.spyOn(globalThis, "setInterval");
  await start({ environment: forServer(receiver) });
  const looks = timers.mock.calls.flatMap(([look, periodMs]) => (periodMs === 15_000 ? [look] : []));
  timers.mockRestore();
  await pause();
  for (const each of looks) each();
  await fixture.until(() => receiver.heard.length > 0);
  expect(toldOf(receiver)).toEqual(["connector.paused firing"]);
  await mend();
});

test("a receiver that is down for a while hears of it later, once, under the same id", async () => {
  const receiver = await receive();
  await start({ environment: forServer(receiver) });
  await pause();
  receiver.answer(503);
  await look();
  await look();
  // It is not asked again at once.
  expect(receiver.tries).toHaveLength(1);
  fixture.advance(1);
  await fixture.restart();
  await look();
  expect(receiver.tries).toHaveLength(2);
  receiver.answer(200);
  fixture.advance(2);
  await look();
  fixture.advance(2);
  await look();
  expect(new Set(receiver.tries).size).toBe(1);
  expect(toldOf(receiver)).toEqual(["connector.paused firing"]);
  expect(logged("failed").map(({ data }) => data?.["reason"])).toEqual([
    expect.stringMatching(/answered 503/),
    expect.stringMatching(/answered 503/),
  ]);
  await mend();
});

test("settings send to an allowed host over https; and the server hears of it, too", async () => {
  const [own, server] = [await receive(true), await receive()];
  saved = { ...forConnector(own), alert_dead_letters: "0" };
  await start({ settings: saved, environment: { ...forServer(server), ALERT_ALLOWED_HOSTS: "127.0.0.1:*" } });
  await pause();
  await look();
  await mend();
  await look();
  for (const each of [own, server])
    expect(toldOf(each)).toEqual(["connector.paused firing", "connector.paused resolved"]);
  // In the store nothing tells where it went.
  await pause();
  await look();
  const rows = JSON.stringify(await fixture.connector.store.alerts());
  expect(rows).not.toMatch(/127\.0\.0\.1:\d+\/hook|address-secret|whsec_/);
  expect(await fixture.connector.store.alerts()).toHaveLength(2);
  await mend();
  // Where nobody is to be told any more, nothing is kept.
  await pause();
  await look();
  saved = { alert_webhook_url: "" };
  await pause();
  await look();
  expect(await fixture.connector.store.alerts()).toHaveLength(1);
  await mend();
});

test("a host that is not allowed is not called, and the status says so", async () => {
  const own = await receive(true);
  saved = forConnector(own);
  await start({ settings: saved });
  await pause();
  await look();
  expect(own.tries).toEqual([]);
  await mend();
  const { body } = await ask(fixture, "/status");
  expect(body["status"]).toBe("warning");
  expect(JSON.stringify(body["messages"])).toContain("names a host to which this server sends no alerts");
  expect(JSON.stringify(body)).not.toContain("127.0.0.1:");
});

test("a name that a wildcard allows and that leads to a private address is not called", async () => {
  const own = await receive(true);
  saved = forConnector({ ...own, url: own.url.replace("127.0.0.1", "localhost") });
  await start({ settings: saved, environment: { ALERT_ALLOWED_HOSTS: "*:*" } });
  await pause();
  await look();
  expect(own.tries).toEqual([]);
  expect(logged("failed")).toMatchObject([
    { data: { to: "connector", reason: expect.stringContaining("private address") as string } },
  ]);
  // It cannot have arrived, so the end is not told either.
  await mend();
  await look();
  expect(await fixture.connector.store.alerts()).toEqual([]);
});

test("a redirect is not followed, and counts as not taken", async () => {
  const [own, inside] = [await receive(true), await receive()];
  own.answer(307, inside.url);
  saved = forConnector(own);
  await start({ settings: saved, environment: { ALERT_ALLOWED_HOSTS: "127.0.0.1:*" } });
  await pause();
  await look();
  expect([own.tries.length, own.heard, inside.tries]).toEqual([1, [], []]);
  expect(logged("failed")).toMatchObject([{ data: { attempts: 1, reason: expect.stringContaining("307") as string } }]);
  await mend();
});

test("dead letters over the limit, until the day has passed", async () => {
  const receiver = await receive();
  await start({ settings: { alert_dead_letters: "0" }, environment: forServer(receiver) });
  fixture.planhat.poison({ type: "companies", field: "externalId", value: "odd-1" }, "Odd");
  await fixture.deliverAccount(account(2));
  await look();
  expect(receiver.heard).toEqual([]);
  await fixture.deliverAccount(account(3, { external_id: "odd-1" }));
  await look();
  expect(receiver.heard).toMatchObject([
    { type: "connector.dead_letters", data: { text: expect.stringContaining("1 of 2 records (50.0%)") as string } },
  ]);
  fixture.advance(26 * 60);
  await look();
  // The number may hover about the limit: what is over is said once it stays so.
  expect(toldOf(receiver)).toEqual(["connector.dead_letters firing"]);
  fixture.advance(16);
  await look();
  expect(toldOf(receiver)).toEqual(["connector.dead_letters firing", "connector.dead_letters resolved"]);
});

describe("a test", () => {
  const post = async (): Promise<Awaited<ReturnType<typeof send>>> =>
    send(fixture.baseUrl, `/api/internal/alerts/test?org=${fixture.hull.host}`, {
      method: "POST",
      headers: { authorization: basic(CONNECTOR) },
    });

  test("arrives, or says why not", async () => {
    const own = await receive(true);
    saved = forConnector(own);
    await start({ settings: saved, environment: { ALERT_ALLOWED_HOSTS: "127.0.0.1:*" } });
    await fixture.saveSettings(saved);
    expect(await post()).toMatchObject({ status: 200, body: { taken: true } });
    expect(own.heard).toMatchObject([{ type: "alert.test", data: { connector: CONNECTOR.id } }]);
    own.answer(500);
    const refused = await post();
    expect(refused).toMatchObject({ status: 502, body: { error: { code: "alert_not_taken" } } });
    expect(refused.text).not.toContain("address-secret");
    expect(own.tries).toHaveLength(2);
  });

  test("without a receiver is refused with what to do", async () => {
    await start({});
    expect(await post()).toMatchObject({ status: 409, body: { error: { code: "no_alert_receiver" } } });
  });
});
