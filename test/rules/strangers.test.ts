/** Before a sender is known nothing expensive happens, and nobody makes the others wait. */
import { request as httpRequest } from "node:http";
import { gzipSync } from "node:zlib";
import type { Call } from "../../simulators/loopback";
import { CONNECTOR, openHouse, OPEN_SETTINGS, TOKEN, type House } from "../harness";
import { goodNotification, goodUser } from "../integration/bad-input";
import { post, type Answer } from "../scenarios/post";

let house: House;
afterEach(() => house.close());

const codeOf = ({ status, body }: Answer): unknown => [status, (body["error"] as { code?: unknown } | undefined)?.code];

/** What Hull signs, and by which key. */
const signatureOf = (notificationId: string): Record<string, string> => ({
  "x-hull-smart-notifier-signature-version": "v1",
  "x-hull-smart-notifier-signature": house.hull.sign(notificationId),
  "x-hull-smart-notifier-signature-public-key-url": house.hull.signingKeyUrl,
});

/** A notification whose segments are many empty objects: little on the wire, much in memory. */
function bomb(organization: string, elements: number, secret = "guessed"): Buffer {
  const configuration = JSON.stringify({ ...CONNECTOR, organization, secret });
  const segments = `[${"{},".repeat(elements)}{}]`;
  return gzipSync(`{"notification_id":"n","segments":${segments},"configuration":${configuration}}`);
}

test("a small body that unpacks to millions of elements is refused before it is parsed, whoever sends it", async () => {
  house = await openHouse();
  const headers = { "content-encoding": "gzip" };
  expect(codeOf(await post(house.url, bomb(house.hull.host, 3_000_000), { headers }))).toEqual([413, "too_packed"]);
  const options = { headers: { ...headers, ...signatureOf("n") } };
  const answer = await post(house.url, bomb(house.hull.host, 3_000_000, CONNECTOR.secret), options);
  expect(answer.status).toBe(413);
  expect(answer.body["flow_control"]).toMatchObject({ type: "retry", size: 1 });
});

test("segments without an id cost no error each", async () => {
  house = await openHouse();
  const notification = goodNotification(house);
  const body = { ...notification, segments: Array.from({ length: 90_000 }, () => ({})) };
  const answer = await post(house.url, body);
  expect(answer.text).toContain("next");
});

test("while many bodies are half sent, health and honest notifications are answered, signed or not", async () => {
  house = await openHouse();
  const slow = Array.from({ length: 300 }, () => {
    const call = httpRequest(house.url, { method: "POST", headers: { "content-length": "1000000" } });
    call.on("error", () => undefined);
    call.write('{"messages":[');
    return call;
  });
  await Promise.all(slow.map((call) => new Promise((resolve) => call.once("socket", resolve))));
  expect((await fetch(`${house.baseUrl}/health`)).status).toBe(200);
  expect((await post(house.url, goodNotification(house))).status).toBe(200);
  const signed = goodNotification(house);
  const answer = await post(house.url, signed, { headers: signatureOf(signed.notification_id) });
  expect([answer.status, answer.text]).toEqual([200, expect.stringContaining("next")]);
  for (const call of slow) call.destroy();
  await house.settled();
});

test("a body that packs too well is seen through at its beginning, though its end is packed as usual", async () => {
  house = await openHouse();
  const noise = Array.from({ length: 20_000 }, (_, n) => `"${((n * 2_654_435_761) % 2 ** 32).toString(36)}"`).join();
  const segments = `[${"{},".repeat(200_000)}{}]`;
  const body = gzipSync(`{"segments":${segments},"noise":[${noise}],"notification_id":"n"}`);
  const answer = await post(house.url, body, { headers: { "content-encoding": "gzip" } });
  expect(codeOf(answer)).toEqual([413, "too_packed"]);
});

test("more messages than a shipment has are sent again in smaller ones", async () => {
  house = await openHouse();
  const body = { ...goodNotification(house), messages: Array.from({ length: 5_001 }, () => ({})) };
  const answer = await post(house.url, body);
  expect(codeOf(answer)).toEqual([413, "too_large"]);
  expect(answer.body["flow_control"]).toMatchObject({ type: "retry", size: 200 });
});

test("where signatures are required, a notification without one is refused", async () => {
  house = await openHouse({ environment: { HULL_REQUIRE_SIGNATURE: "true" } });
  expect(codeOf(await post(house.url, goodNotification(house)))).toEqual([401, "signature_missing"]);
});

test("spellings of an organization are one tenant", async () => {
  house = await openHouse({ environment: { HULL_ALLOWED_ORGANIZATIONS: "localhost:*,127.0.0.1:*" } });
  const port = house.hull.host.split(":")[1] ?? "";
  for (const organization of [`localhost:${port}`, `LocalHost:${port}`, `LOCALHOST:0${port}`.slice(0, 16)]) {
    const notification = goodNotification(house);
    const configuration = { ...notification.configuration, organization };
    await post(house.url, { ...notification, configuration });
  }
  const keys = (await house.connector.store.tenants()).map(({ key }) => key);
  expect(keys).toEqual([`localhost:${port}/${CONNECTOR.id}`]);
  await house.settled();
});

test.each([
  ["tells them to whoever asks", OPEN_SETTINGS],
  ["says nothing about them", {}],
])("settings dated in the far future do not stay, if Hull %s", async (_, inHull) => {
  house = await openHouse();
  house.hull.saveSettings(CONNECTOR.id, inHull);
  const say = (updated_at: string, personal_acccess_token: string, messages: readonly unknown[]): Promise<Answer> => {
    const connector = { ...CONNECTOR, updated_at, private_settings: { ...OPEN_SETTINGS, personal_acccess_token } };
    return post(house.url, { ...goodNotification(house, messages), connector });
  };
  expect((await say("2999-01-01T00:00:00Z", "pinned-token", [])).status).toBe(200);
  const [row] = await house.connector.store.tenants();
  expect(row?.settingsAtMs).toBeLessThan(Date.parse("2998-01-01T00:00:00Z"));
  expect((await say(new Date().toISOString(), TOKEN, [goodUser()])).status).toBe(200);
  await house.settled();
  expect(house.planhat.snapshot().endusers).toHaveLength(1);
});

test("a form of another site may not ask in the name of whoever is logged in, a tool may", async () => {
  house = await openHouse();
  await post(house.url, goodNotification(house));
  const url = `${house.baseUrl}/explain?org=${house.hull.host}`;
  const login = { authorization: `Basic ${btoa(`${CONNECTOR.id}:${CONNECTOR.secret}`)}` };
  const question = '{"email":"ann@example.com"}';
  const form = { ...login, "content-type": "text/plain", "sec-fetch-site": "cross-site" };
  expect(codeOf(await post(url, question, { headers: form }))).toEqual([403, "other_site"]);
  expect((await post(url, question, { headers: login })).status).toBe(200);
  await house.settled();
});

test("browsers are bound to https only by an answer over https", async () => {
  house = await openHouse({ environment: { TRUST_PROXY: "1" } });
  const strictness = async (headers: Record<string, string>): Promise<string | null> =>
    (await fetch(`${house.baseUrl}/health`, { headers })).headers.get("strict-transport-security");
  expect(await strictness({})).toBeNull();
  expect(await strictness({ "x-forwarded-proto": "https" })).toMatch(/max-age=/);
});

test("of a thousand guesses few reach Hull, and a known connector need not wait for them", async () => {
  house = await openHouse();
  expect((await post(house.url, goodNotification(house))).status).toBe(200);
  const isGuess = ({ headers }: Call): boolean => headers["hull-access-token"] !== CONNECTOR.secret;
  const stalled = house.hull.faults.add({ kind: "stall", route: isGuess });
  const good = goodNotification(house);
  let refused = 0;
  const turnedAway = new Promise<void>((resolve) => {
    for (let n = 0; n < 1_000; n += 1) {
      const configuration = { ...good.configuration, secret: `guess-${n}` };
      void post(house.url, { ...good, configuration }).then(
        ({ status }) => {
          // Failed too often, or made room for the next.
          if (status === 429 || status === 503) refused += 1;
          if (refused === 880) resolve();
        },
        () => undefined,
      );
    }
  });
  await turnedAway;
  // Hull is asked anew about the one who is known, while the guesses wait for their answers.
  const saved = { ...goodNotification(house), channel: "ship:update", messages: [] };
  expect((await post(house.url, saved)).status).toBe(200);
  expect((await post(house.url, goodNotification(house))).status).toBe(200);
  expect(stalled.hits).toBeLessThanOrEqual(4);
  await house.settled();
});
