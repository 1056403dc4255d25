/** What an operator reads while the connector works between both platforms. */
import { generatePopulation, seedProfiles, userMessages } from "../../simulators/hull";
import { CONNECTOR, openFixture, TOKEN, type Fixture } from "../fixture/fixture";
import { send, type Answer } from "./asking";
import { readScrape, type Scrape } from "../unit/server/scrape";
import { until } from "../fixture/until";

const METRICS_TOKEN = "metrics-token-of-some-length";
const USERS = 30;

let fixture: Fixture;
afterEach(() => fixture.close());

const ask = (headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  send(fixture.baseUrl, "/metrics", { headers });
const scrape = async (): Promise<Scrape> => readScrape((await ask()).text);

/** @returns how many notifications it took */
async function sendUsers(): Promise<number> {
  const population = generatePopulation({ seed: 1, users: USERS, companies: 3 });
  seedProfiles(population, fixture.hull.profiles);
  const report = await fixture.hull.send(fixture.url, {
    connectorId: CONNECTOR.id,
    channel: "user:update",
    messages: userMessages(population),
    shipmentSize: 10,
  });
  return report.shipments;
}

test("outcomes, notifications and calls are those that there were", async () => {
  fixture = await openFixture();
  const shipments = await sendUsers();
  await fixture.settled();
  const { status, headers, text } = await ask();
  expect([status, headers.get("content-type")]).toEqual([200, expect.stringMatching(/^text\/plain;.*version=0\.0\.4/)]);
  const found = readScrape(text);

  const created = { type: "endusers", outcome: "sent", code: "created" };
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": USERS });
  expect(found.value("connector_outcomes_total", { ...created, derived: "false" })).toBe(USERS);
  expect(found.sum("connector_outcomes_total", { derived: "false" })).toBe(USERS);
  expect(found.sum("connector_outcomes_total", { type: "companies", derived: "true" })).toBe(3);
  expect(found.value("connector_notification_duration_seconds_count", { channel: "user:update", status: "200" })).toBe(
    shipments,
  );

  const calls = "connector_call_duration_seconds_count";
  expect(found.sum(calls, { system: "planhat" })).toBe(fixture.planhat.books.snapshot().calls);
  expect(found.sum(calls, { system: "planhat", method: "PUT", route: "/endusers", status: "200" })).toBeGreaterThan(0);
  expect(found.sum(calls, { system: "hull", method: "GET", route: "/app", status: "200" })).toBe(1);
  expect(found.sum(calls, { system: "hull-firehose" })).toBeGreaterThan(0);
  expect(found.values(calls, "route")).not.toContain("other");

  for (const name of ["outbox_entries", "outbox_oldest_age_seconds", "tells_waiting", "lanes", "dead_letters"]) {
    expect({ name, value: found.value(`connector_${name}`) }).toEqual({ name, value: 0 });
  }
  expect(found.value("connector_store_up")).toBe(1);
  expect(found.value("connector_store_size_bytes")).toBeGreaterThan(4_096);
  expect(found.value("connector_request_budget_left")).toBeLessThan(200);

  const { endusers } = fixture.planhat.snapshot();
  const names = [CONNECTOR.id, CONNECTOR.secret, TOKEN, fixture.hull.host, "@", "user-0", endusers[0]?._id ?? "?"];
  expect(names.filter((name) => text.includes(name))).toEqual([]);
});

test("what waits and what is held can be seen while Planhat refuses the token", async () => {
  fixture = await openFixture({ planhat: { token: "another-token-0002" } });
  await sendUsers();
  await until(async () => (await scrape()).value("connector_lane_holds", { kind: "auth" }) === 1);
  await until(async () => ((await scrape()).value("connector_outbox_oldest_age_seconds") ?? 0) > 0);
  const found = await scrape();
  expect(found.value("connector_outbox_entries")).toBeGreaterThanOrEqual(USERS);
  expect(found.value("connector_lanes")).toBe(1);
  expect(found.sum("connector_outcomes_total")).toBe(0);
  expect(found.sum("connector_call_duration_seconds_count", { system: "planhat", status: "401" })).toBeGreaterThan(0);
});

test("a message that is sent again is counted once, also one that names nobody", async () => {
  fixture = await openFixture();
  for (const _ of [1, 2]) {
    const broken = { message_id: "m1", user: { email: "ann@acme.example" } };
    await fixture.hull.send(fixture.url, { connectorId: CONNECTOR.id, channel: "user:update", messages: [broken] });
  }
  expect(await fixture.outcomes()).toEqual({ "endusers/rejected/invalid_message": 1 });
  expect((await scrape()).sum("connector_outcomes_total", { code: "invalid_message" })).toBe(1);
});

test("requests that are refused are seen with their status", async () => {
  fixture = await openFixture();
  for (const body of ["{", { channel: "user:update" }, { channel: CONNECTOR.id }]) {
    expect((await send(fixture.url, "", { method: "POST", body })).status).toBe(400);
  }
  const found = await scrape();
  const count = (channel: string): number | undefined =>
    found.value("connector_notification_duration_seconds_count", { channel, status: "400" });
  expect([count("other"), count("user:update")]).toEqual([2, 1]);
});

describe("with METRICS_TOKEN", () => {
  beforeEach(async () => {
    fixture = await openFixture({ environment: { METRICS_TOKEN } });
  });

  test.each([
    ["nothing", {}],
    ["another token", { authorization: "Bearer metrics-token-of-some-lengtH" }],
    ["a part of it", { authorization: `Bearer ${METRICS_TOKEN.slice(0, -1)}` }],
    ["more than it", { authorization: `Bearer ${METRICS_TOKEN}x` }],
    ["another scheme", { authorization: `Basic ${METRICS_TOKEN}` }],
    ["an empty one", { authorization: "Bearer " }],
  ] as const)("nobody reads who sends %s", async (_, headers) => {
    const { status, headers: answered, text } = await ask(headers);
    expect([status, answered.get("www-authenticate")]).toEqual([401, "Bearer"]);
    expect(text).not.toContain("connector_");
    expect(text).not.toContain(METRICS_TOKEN);
  });

  test("whoever sends it reads", async () => {
    const { status, text } = await ask({ authorization: `Bearer ${METRICS_TOKEN}` });
    expect([status, text]).toEqual([200, expect.stringContaining("connector_store_up 1")]);
  });
});
