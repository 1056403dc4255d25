import { createPublicKey, verify } from "node:crypto";
import {
  accountMessages,
  buildAccountMessage,
  buildUserMessage,
  changedAccountMessages,
  changedUserMessages,
  changePopulation,
  createHullSimulator,
  generatePopulation,
  seedProfiles,
  userMessages,
  type Envelope,
  type HullSimulator,
} from "../../simulators/hull";
import { startLoopback, type Answer, type Loopback } from "../unit/http/loopback";
import { connectorId, secret } from "./hull-calls";

let script: (readonly [number, unknown] | "reset")[];
/** A connector that answers from the script; after its end it answers `next`. `reset` cuts the line. */
const answer: Answer = (_request, response) => {
  const answered = script.shift() ?? [200, { flow_control: { type: "next" } }];
  if (answered === "reset") response.socket?.resetAndDestroy();
  else response.writeHead(answered[0]).end(JSON.stringify(answered[1]));
};

let sim: HullSimulator;
let connector: Loopback;
let waits: number[];
beforeEach(async () => {
  [waits, script] = [[], []];
  sim = createHullSimulator({
    maxAttempts: 4,
    sleep: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
  });
  connector = await startLoopback(answer);
  await sim.listen();
  sim.addConnector({ id: connectorId, secret, privateSettings: { api_prefix: "api" } });
});
afterEach(async () => {
  await Promise.all([sim.close(), connector.close()]);
});

const received = () => connector.seen.map(({ headers, body }) => ({ headers, envelope: JSON.parse(body) as Envelope }));
const messages = (count: number) => userMessages(generatePopulation({ users: count, companies: 1 }));
const send = (count: number, options = {}) =>
  sim.send(connector.url, { connectorId, channel: "user:update", messages: messages(count), ...options });
const flow = (type: "next" | "retry", rest: object = {}) => [200, { flow_control: { type, ...rest } }] as const;

describe("the envelope", () => {
  it("carries credentials, settings, segments and the echo, signed with the key it names", async () => {
    const segment = sim.addUserSegment("Active");
    await send(2, { notificationId: "n-1", isExport: true });
    const [first] = received();
    expect(first?.envelope).toMatchObject({
      notification_id: "n-1",
      configuration: { id: connectorId, organization: sim.host, secret },
      channel: "user:update",
      connector: { id: connectorId, secret, private_settings: { api_prefix: "api" } },
      segments: [segment],
      accounts_segments: [],
      is_export: true,
      kraken: { retries: 0, "flow-control": { type: "next", "max-messages": 100 } },
    });
    const headers = first?.headers ?? {};
    expect(headers["x-hull-smart-notifier-signature-version"]).toBe("v1");
    const keyUrl = String(headers["x-hull-smart-notifier-signature-public-key-url"]);
    const token = String(headers["x-hull-smart-notifier-signature"]);
    const key = createPublicKey(await (await fetch(keyUrl, { method: "POST", body: token })).text());
    const [header, payload, signature = ""] = token.split(".");
    expect(verify("RSA-SHA256", Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, "base64url"))).toBe(
      true,
    );
    expect(JSON.parse(Buffer.from(payload ?? "", "base64url").toString())).toEqual({ jti: "n-1" });
  });

  it("can be sent unsigned, with other parts and headers", async () => {
    const answer = await sim.sendOne(connector.url, {
      connectorId,
      channel: "ship:update",
      messages: [],
      signed: false,
      envelope: { configuration: null },
      headers: { "x-hull-request-id": "r1" },
    });
    expect(answer).toMatchObject({ status: 200, body: { flow_control: { type: "next" } } });
    const [first] = received();
    expect(first?.headers).toMatchObject({ "x-hull-request-id": "r1", "x-hull-smart-notifier": "true" });
    expect(first?.headers).not.toHaveProperty("x-hull-smart-notifier-signature");
    expect(first?.envelope.configuration).toBeNull();
  });
});

describe("flow control", () => {
  it("sends the next shipment of the wanted size after the wanted wait, under a new id", async () => {
    script.push(flow("next", { size: 2, in: 5 }), flow("next", { size: 10, in: 7 }));
    const report = await send(8, { shipmentSize: 3 });
    expect(received().map(({ envelope }) => envelope.messages.length)).toEqual([3, 2, 3]);
    expect(new Set(received().map(({ envelope }) => envelope.notification_id)).size).toBe(3);
    expect(received()[1]?.envelope.kraken["flow-control"]).toMatchObject({ "max-messages": 2, "min-delay": 5 });
    expect(waits).toEqual([5, 7]);
    expect(report).toMatchObject({ shipments: 3, messagesAccepted: 8, retries: 0, waitedMs: 12, messagesDropped: 0 });
  });

  it("sends the same shipment under the same id when asked to retry", async () => {
    script.push(flow("retry", { in: 50 }), [503, "busy"], "reset");
    const report = await send(3);
    const ids = received().map(({ envelope }) => envelope.notification_id);
    expect(ids).toHaveLength(4);
    expect(new Set(ids).size).toBe(1);
    expect(received().map(({ envelope }) => envelope.kraken["retries"])).toEqual([0, 1, 2, 3]);
    expect(waits).toEqual([50, 1_000, 1_000]);
    expect(report).toMatchObject({ shipments: 1, messagesAccepted: 3, retries: 3 });
    expect(report.answers[2]).toHaveProperty("error");
  });

  it("gives a shipment up after the last attempt and goes on with the next", async () => {
    for (let count = 0; count < 4; count += 1) script.push(flow("retry"));
    const report = await send(4, { shipmentSize: 2 });
    expect(report).toMatchObject({ shipments: 2, messagesAccepted: 2, messagesDropped: 2, retries: 3 });
  });

  it("keeps trying while nobody listens", async () => {
    await connector.close();
    const report = await sim.send(connector.url, { connectorId, channel: "user:update", messages: messages(1) });
    expect(report).toMatchObject({ messagesAccepted: 0, messagesDropped: 1, retries: 3, waitedMs: 3_000 });
  });

  it("stops sending when the simulator closes", async () => {
    script.push("reset");
    const sending = send(2, { shipmentSize: 1, maxAttempts: 1_000 });
    await sim.close();
    expect(await sending).toMatchObject({ messagesAccepted: 0, messagesDropped: 2 });
  });

  it("does not repeat what was refused without flow control, and may cut a shipment that is too large", async () => {
    script.push([400, { error: "signature" }]);
    expect(await send(1)).toMatchObject({ messagesDropped: 1, retries: 0 });
    script.push([413, { flow_control: { type: "retry", size: 1 } }]);
    expect(await send(2, { resizeOnRetry: true })).toMatchObject({ messagesAccepted: 2, shipments: 2, retries: 1 });
  });
});

describe("messages", () => {
  it("prefix user attributes, in changes too, and never account attributes", () => {
    const message = buildUserMessage(
      { id: "u1", email: "a@example.com", position: "CTO", "planhat/id": "p1", indexed_at: "2026-01-01T00:00:00Z" },
      { account: { id: "a1", "planhat/id": "c1" }, changes: { user: { position: ["x", "CTO"], email: [null, "a"] } } },
    );
    expect(message.user).toMatchObject({ email: "a@example.com", traits_position: "CTO", "traits_planhat/id": "p1" });
    expect(message.account).toEqual({ id: "a1", "planhat/id": "c1" });
    expect(message.changes).toMatchObject({
      is_new: false,
      user: { traits_position: ["x", "CTO"], email: [null, "a"] },
    });
    expect(message.message_id).toMatch(/^[0-9a-f]{40}$/);
    expect(buildAccountMessage({ id: "a1" })).not.toHaveProperty("user");
  });

  it("show a stored profile with its account and segments", () => {
    const segment = sim.addUserSegment("Active");
    const account = sim.profiles.seedAccount({ domain: "acme.example.com", attributes: { "planhat/id": "c1" } });
    const user = sim.profiles.seedUser({
      email: "a@example.com",
      account_id: account.id,
      segment_ids: [segment.id],
      attributes: { name: "Ada", "planhat/id": "p1" },
    });
    expect(sim.userMessage(user)).toMatchObject({
      user: { id: user.id, email: "a@example.com", name: "Ada", "traits_planhat/id": "p1" },
      account: { id: account.id, domain: "acme.example.com", "planhat/id": "c1" },
      segments: [segment],
    });
    expect(sim.accountMessage(account).account).toMatchObject({ id: account.id });
  });
});

describe("the population", () => {
  it("is the same for the same seed and differs by seed", () => {
    const size = { users: 50, companies: 5 };
    expect(generatePopulation(size)).toEqual(generatePopulation({ seed: 1, ...size }));
    expect(generatePopulation({ seed: 2, ...size })).not.toEqual(generatePopulation(size));
    const { users } = generatePopulation(size);
    expect(new Set(users.map(({ email }) => email)).size).toBe(50);
    expect(new Set(users.map(({ id }) => id)).size).toBe(50);
    expect(users.every(({ email }) => email.endsWith("@example.com"))).toBe(true);
  });

  it("changes exactly the wanted share, really and repeatably", () => {
    const population = generatePopulation({ users: 200, companies: 20 });
    const change = changePopulation(population, { percent: 5, accountPercent: 10 });
    expect(change.changedUsers).toHaveLength(10);
    expect(change.changedAccounts).toHaveLength(2);
    for (const { before, after } of change.changedUsers) {
      expect(after.position).not.toBe(before.position);
      expect(after.indexed_at > before.indexed_at).toBe(true);
    }
    expect(changePopulation(population, { percent: 5, accountPercent: 10 })).toEqual(change);
    expect(changedUserMessages(change)[0]?.changes.user).toHaveProperty("traits_position");
    expect(changedAccountMessages(change)[0]?.changes.account).toHaveProperty("phase");
  });

  it("speaks of the same people in messages and profiles", () => {
    const population = generatePopulation({ users: 4, companies: 2 });
    seedProfiles(population, sim.profiles);
    const [first] = userMessages(population);
    const stored = sim.profiles.users.get(String(first?.user["id"]));
    expect(stored && sim.userMessage(stored)).toMatchObject({ user: first?.user ?? {}, account: first?.account ?? {} });
    expect(accountMessages(population)).toHaveLength(2);
    expect(first?.user).not.toHaveProperty("traits_accountIndex");
  });
});
