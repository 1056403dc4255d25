/** Before a sender is known nothing expensive happens, and nobody makes the others wait. */
import { request as httpRequest } from "node:http";
import { gzipSync } from "node:zlib";
import type { Call } from "../../simulators/loopback";
import { CONNECTOR, OPEN_SETTINGS, openFixture, TOKEN, type Fixture } from "../fixture/fixture";
import { post, type Answer } from "../fixture/post";
import { goodNotification, goodUser } from "../integration/bad-input";

let fixture: Fixture;
afterEach(() => fixture.close());

const codeOf = ({ status, body }: Answer): unknown => [status, (body["error"] as { code?: unknown } | undefined)?.code];

/** What Hull signs, and by which key. */
const signatureOf = (notificationId: string): Record<string, string> => ({
  "x-hull-smart-notifier-signature-version": "v1",
  "x-hull-smart-notifier-signature": fixture.hull.sign(notificationId),
  "x-hull-smart-notifier-signature-public-key-url": fixture.hull.signingKeyUrl,
});

/** A notification whose segments are many empty objects: little on the wire, much in memory. */
function bomb(organization: string, elements: number, secret = "guessed"): Buffer {
  const configuration = JSON.stringify({ ...CONNECTOR, organization, secret });
  const segments = `[${"{},".repeat(elements)}{}]`;
  return gzipSync(`{"notification_id":"n","segments":${segments},"configuration":${configuration}}`);
}

test("a small body that unpacks to millions of elements is refused before it is parsed, whoever sends it", async () => {
  fixture = await openFixture();
  const headers = { "content-encoding": "gzip" };
  expect(codeOf(await post(fixture.url, bomb(fixture.hull.host, 3_000_000), { headers }))).toEqual([413, "too_packed"]);
  const options = { headers: { ...headers, ...signatureOf("n") } };
  const answer = await post(fixture.url, bomb(fixture.hull.host, 3_000_000, CONNECTOR.secret), options);
  expect(answer.status).toBe(413);
  expect(answer.body["flow_control"]).toMatchObject({ type: "retry", size: 1 });
});

test("segments without an id cost no error each", async () => {
  fixture = await openFixture();
  const notification = goodNotification(fixture);
  const body = { ...notification, segments: Array.from({ length: 90_000 }, () => ({})) };
  const answer = await post(fixture.url, body);
  expect(answer.text).toContain("next");
});

test("while many bodies are half sent, health and honest notifications are answered, signed or not", async () => {
  fixture = await openFixture();
  const slow = Array.from({ length: 300 }, () => {
    const call = httpRequest(fixture.url, { method: "POST", headers: { "content-length": "1000000" } });
    call.on("error", () => undefined);
    call.write('{"messages":[');
    return call;
  });
  await Promise.all(slow.map((call) => new Promise((resolve) => call.once("socket", resolve))));
  expect((await fetch(`${fixture.baseUrl}/health`)).status).toBe(200);
  expect((await post(fixture.url, goodNotification(fixture))).status).toBe(200);
  const signed = goodNotification(fixture);
  const answer = await post(fixture.url, signed, { headers: signatureOf(signed.notification_id) });
  expect([answer.status, answer.text]).toEqual([200, expect.stringContaining("next")]);
  for (const call of slow) call.destroy();
  await fixture.settled();
});

test("a body that packs too well is seen through at its beginning, though its end is packed as usual", async () => {
  fixture = await openFixture();
  const noise = Array.from({ length: 20_000 }, (_, n) => `"${((n * 2_654_435_761) % 2 ** 32).toString(36)}"`).join();
  const segments = `[${"{},".repeat(200_000)}{}]`;
  const body = gzipSync(`{"segments":${segments},"noise":[${noise}],"notification_id":"n"}`);
  const answer = await post(fixture.url, body, { headers: { "content-encoding": "gzip" } });
  expect(codeOf(answer)).toEqual([413, "too_packed"]);
});

test("more messages than a shipment has are sent again in smaller ones", async () => {
  fixture = await openFixture();
  const body = { ...goodNotification(fixture), messages: Array.from({ length: 5_001 }, () => ({})) };
  const answer = await post(fixture.url, body);
  expect(codeOf(answer)).toEqual([413, "too_large"]);
  expect(answer.body["flow_control"]).toMatchObject({ type: "retry", size: 200 });
});

test("where signatures are required, a notification without one is refused", async () => {
  fixture = await openFixture({ environment: { HULL_REQUIRE_SIGNATURE: "true" } });
  expect(codeOf(await post(fixture.url, goodNotification(fixture)))).toEqual([401, "signature_missing"]);
});

test("spellings of an organization are one tenant", async () => {
  fixture = await openFixture({ environment: { HULL_ALLOWED_ORGANIZATIONS: "localhost:*,127.0.0.1:*" } });
  const port = fixture.hull.host.split(":")[1] ?? "";
  for (const organization of [`localhost:${port}`, `LocalHost:${port}`, `LOCALHOST:0${port}`.slice(0, 16)]) {
    const notification = goodNotification(fixture);
    const configuration = { ...notification.configuration, organization };
    await post(fixture.url, { ...notification, configuration });
  }
  const keys = (await fixture.connector.store.tenants()).map(({ key }) => key);
  expect(keys).toEqual([`planhat/localhost:${port}/${CONNECTOR.id}`]);
  await fixture.settled();
});

test.each([
  ["tells them to whoever asks", OPEN_SETTINGS],
  ["says nothing about them", {}],
])("settings dated in the far future do not stay, if Hull %s", async (_, inHull) => {
  fixture = await openFixture();
  fixture.hull.saveSettings(CONNECTOR.id, inHull);
  const say = (updated_at: string, personal_acccess_token: string, messages: readonly unknown[]): Promise<Answer> => {
    const connector = { ...CONNECTOR, updated_at, private_settings: { ...OPEN_SETTINGS, personal_acccess_token } };
    return post(fixture.url, { ...goodNotification(fixture, messages), connector });
  };
  expect((await say("2999-01-01T00:00:00Z", "pinned-token", [])).status).toBe(200);
  const [row] = await fixture.connector.store.tenants();
  expect(row?.settingsAtMs).toBeLessThan(Date.parse("2998-01-01T00:00:00Z"));
  expect((await say(new Date().toISOString(), TOKEN, [goodUser()])).status).toBe(200);
  await fixture.settled();
  expect(fixture.planhat.snapshot().endusers).toHaveLength(1);
});

test("a form of another site may not ask in the name of whoever is logged in, a tool may", async () => {
  fixture = await openFixture();
  await post(fixture.url, goodNotification(fixture));
  const url = `${fixture.baseUrl}/explain?org=${fixture.hull.host}`;
  const login = { authorization: `Basic ${btoa(`${CONNECTOR.id}:${CONNECTOR.secret}`)}` };
  const question = '{"email":"ann@example.com"}';
  const form = { ...login, "content-type": "text/plain", "sec-fetch-site": "cross-site" };
  expect(codeOf(await post(url, question, { headers: form }))).toEqual([403, "other_site"]);
  expect((await post(url, question, { headers: login })).status).toBe(200);
  await fixture.settled();
});

test("browsers are bound to https only by an answer over https", async () => {
  fixture = await openFixture({ environment: { TRUST_PROXY: "1" } });
  const strictness = async (headers: Record<string, string>): Promise<string | null> =>
    (await fetch(`${fixture.baseUrl}/health`, { headers })).headers.get("strict-transport-security");
  expect(await strictness({})).toBeNull();
  expect(await strictness({ "x-forwarded-proto": "https" })).toMatch(/max-age=/);
});

test("of a thousand guesses few reach Hull, and a known connector need not wait for them", async () => {
  fixture = await openFixture();
  expect((await post(fixture.url, goodNotification(fixture))).status).toBe(200);
  const isGuess = ({ headers }: Call): boolean => headers["hull-access-token"] !== CONNECTOR.secret;
  const stalled = fixture.hull.faults.add({ kind: "stall", route: isGuess });
  const good = goodNotification(fixture);
  let refused = 0;
  const turnedAway = new Promise<void>((resolve) => {
    for (let n = 0; n < 1_000; n += 1) {
      const configuration = { ...good.configuration, secret: `guess-${n}` };
      void post(fixture.url, { ...good, configuration }).then(
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
  const saved = { ...goodNotification(fixture), channel: "ship:update", messages: [] };
  expect((await post(fixture.url, saved)).status).toBe(200);
  expect((await post(fixture.url, goodNotification(fixture))).status).toBe(200);
  expect(stalled.hits).toBeLessThanOrEqual(4);
  await fixture.settled();
});
