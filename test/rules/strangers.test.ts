/** Before anybody is known nothing expensive happens, and nobody keeps the others waiting. */
import { request as httpRequest } from "node:http";
import { gzipSync } from "node:zlib";
import { CONNECTOR, openHouse, OPEN_SETTINGS, type House } from "../harness";
import { goodNotification } from "../integration/bad-input";
import { post, type Answer } from "../scenarios/post";

let house: House;
afterEach(() => house.close());

const codeOf = ({ status, body }: Answer): unknown => [status, (body["error"] as { code?: unknown } | undefined)?.code];

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
  const signed = {
    ...headers,
    "x-hull-smart-notifier-signature-version": "v1",
    "x-hull-smart-notifier-signature": house.hull.sign("n"),
    "x-hull-smart-notifier-signature-public-key-url": house.hull.signingKeyUrl,
  };
  const answer = await post(house.url, bomb(house.hull.host, 3_000_000, CONNECTOR.secret), { headers: signed });
  expect(answer.status).toBe(413);
  expect(answer.body["flow_control"]).toMatchObject({ type: "retry", size: 1 });
});

test("segments without an id cost no error each", async () => {
  house = await openHouse();
  const notification = goodNotification(house);
  const body = { ...notification, segments: Array.from({ length: 200_000 }, () => ({})) };
  const answer = await post(house.url, body);
  expect(answer.text).toContain("next");
});

test("while many bodies are half sent, health and an honest notification are answered", async () => {
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
  for (const call of slow) call.destroy();
  await house.settled();
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

test("settings dated in the far future are stored with today's date, so that the next ones count", async () => {
  house = await openHouse();
  const notification = goodNotification(house);
  const pinned = { ...OPEN_SETTINGS, personal_acccess_token: "pinned-token" };
  const connector = { ...notification.connector, updated_at: "2999-01-01T00:00:00Z", private_settings: pinned };
  expect((await post(house.url, { ...notification, connector })).status).toBe(200);
  const [row] = await house.connector.store.tenants();
  expect(row?.settingsAtMs).toBeLessThan(Date.parse("2998-01-01T00:00:00Z"));
  expect((await post(house.url, { ...goodNotification(house), notification_id: "another" })).status).toBe(200);
  await house.settled();
  expect(house.planhat.books.snapshot().requests).not.toHaveProperty(["PUT /endusers", "401"]);
});
