import { createHullSimulator, type HullSimulator } from "../../simulators/hull";
import { createManualClock } from "../../simulators/loopback";
import {
  accountItem,
  connectorId,
  firehose,
  hullCall,
  itemToken,
  itemWithToken,
  linkItem,
  secret,
  userItem,
} from "./hull-calls";

let sim: HullSimulator;
const clock = createManualClock();
beforeEach(async () => {
  sim = createHullSimulator({ clock });
  await sim.listen();
  sim.addConnector({ id: connectorId, secret, privateSettings: { api_prefix: "api" } });
});
afterEach(() => sim.close());

const users = () => [...sim.profiles.users.values()];
const accounts = () => [...sim.profiles.accounts.values()];

describe("the REST API", () => {
  it("shows the connector to whoever has its secret", async () => {
    const expected = { status: 200, body: { id: connectorId, secret, private_settings: { api_prefix: "api" } } };
    expect(await hullCall(sim, "GET", "/api/v1/app")).toMatchObject(expected);
    expect(await hullCall(sim, "GET", `/api/v1/${connectorId}`)).toMatchObject(expected);
  });

  it("answers 401 to a wrong secret, 404 to an unknown connector, 402 while disabled", async () => {
    const statusOf = async (credentials: Record<string, string> = {}) =>
      (await hullCall(sim, "GET", "/api/v1/app", undefined, credentials)).status;
    expect(await statusOf({ "hull-access-token": "wrong" })).toBe(401);
    expect(await statusOf({ "hull-app-id": "unknown" })).toBe(404);
    sim.setOrganizationDisabled(true);
    expect(await statusOf()).toBe(402);
    sim.setOrganizationDisabled(false);
    expect(await statusOf()).toBe(200);
  });

  it("does not show one connector to another", async () => {
    sim.addConnector({ id: "other", secret: "s" });
    expect((await hullCall(sim, "GET", "/api/v1/other")).status).toBe(401);
    expect((await hullCall(sim, "GET", "/api/v1/nobody")).status).toBe(404);
  });

  it("saves settings and status", async () => {
    const before = sim.connector(connectorId).updated_at;
    await hullCall(sim, "PUT", `/api/v1/${connectorId}`, { private_settings: { api_prefix: "api-eu2" } });
    expect(sim.connector(connectorId).private_settings).toEqual({ api_prefix: "api-eu2" });
    expect(sim.connector(connectorId).updated_at > before).toBe(true);
    await hullCall(sim, "PUT", `/api/v1/${connectorId}/status`, { status: "warning", messages: ["m"] });
    expect(sim.connector(connectorId).status).toMatchObject({ status: "warning", messages: ["m"], id: connectorId });
    expect(sim.books.snapshot()).toMatchObject({ settingsSaved: 1, statusReports: 1 });
  });

  it("lists the segments", async () => {
    const segment = sim.addUserSegment("Active");
    sim.addAccountSegment("Customers", "a1");
    expect((await hullCall(sim, "GET", `/api/v1/users_segments?shipId=${connectorId}`)).body).toEqual([segment]);
    expect((await hullCall(sim, "GET", "/api/v1/accounts_segments")).body).toMatchObject([{ id: "a1" }]);
  });

  it("hands out the signing key to POST and GET", async () => {
    for (const method of ["POST", "GET"]) {
      expect((await hullCall(sim, method, "/signing-key.pem")).body).toContain("-----BEGIN PUBLIC KEY-----");
    }
  });
});

it("serves extracts to GET alone", async () => {
  const url = sim.addExtract('{"id":"1"}\n{"id":"2"}\n');
  expect(await (await fetch(url)).text()).toBe('{"id":"1"}\n{"id":"2"}\n');
  expect((await fetch(url, { method: "POST" })).status).toBe(403);
});

describe("the firehose", () => {
  it("creates, finds by external id, e-mail and anonymous id, and merges", async () => {
    expect(
      await firehose(sim, [
        userItem({ external_id: "u1", email: "a@example.com" }, { name: "Ada", "planhat/id": "p1" }),
        userItem({ email: "a@example.com", anonymous_id: "planhat:p1" }, { position: "CTO" }),
        userItem({ anonymous_id: "planhat:p1" }, { name: { operation: "setIfNull", value: "Other" } }),
        userItem({ anonymous_id: "planhat:p1" }, { phone: { operation: "set", value: "1" } }),
        accountItem({ external_id: "acme", domain: "acme.example.com" }, { name: "Acme" }),
      ]),
    ).toBe(200);
    expect(users()).toMatchObject([
      {
        external_id: "u1",
        email: "a@example.com",
        anonymous_ids: ["planhat:p1"],
        attributes: { name: "Ada", "planhat/id": "p1", position: "CTO", phone: "1" },
      },
    ]);
    expect(accounts()).toMatchObject([
      { external_id: "acme", domain: "acme.example.com", attributes: { name: "Acme" } },
    ]);
    expect(sim.books.snapshot()).toMatchObject({
      firehoseRequests: 1,
      firehoseItems: 5,
      userTraits: 4,
      accountTraits: 1,
      noOpItems: 1,
    });
  });

  it("trusts the Hull id before everything else, and notes an id that nobody has", async () => {
    const known = sim.profiles.seedUser({ id: "h1", external_id: "u1" });
    await firehose(sim, [userItem({ id: "h1", external_id: "other" }, { a: 1 }), userItem({ id: "h2" }, { a: 1 })]);
    expect(known).toMatchObject({ external_id: "u1", attributes: { a: 1 } });
    expect(users()).toHaveLength(1);
    expect(sim.books.snapshot().unresolvedItems).toBe(1);
  });

  it("never changes an external id: the same e-mail with another one is another user", async () => {
    await firehose(sim, [
      userItem({ external_id: "u1", email: "a@example.com" }, { a: 1 }),
      userItem({ external_id: "u2", email: "a@example.com" }, { a: 2 }),
    ]);
    expect(users().map((user) => [user.external_id, user.attributes["a"]])).toEqual([
      ["u1", 1],
      ["u2", 2],
    ]);
  });

  it("links a user to an account, once; attributes of such an item go to the subject", async () => {
    await firehose(sim, [linkItem({ external_id: "u1" }, { external_id: "acme" })]);
    await firehose(sim, [linkItem({ external_id: "u1" }, { external_id: "acme" })]);
    await firehose(sim, [linkItem({ external_id: "u1" }, { external_id: "acme" }, { phase: "Growth" })]);
    expect(users()[0]?.account_id).toBe(accounts()[0]?.id);
    expect(accounts()[0]?.attributes).toEqual({ phase: "Growth" });
    expect(sim.books.snapshot()).toMatchObject({ links: 1, noOpItems: 1, accountTraits: 1, userTraits: 0 });
  });

  it("counts items that tell it what it knows", async () => {
    const batch = [userItem({ external_id: "u1" }, { tags: ["a", "b"], name: "Ada" })];
    await firehose(sim, batch);
    const before = users()[0]?.indexed_at ?? "";
    await firehose(sim, batch);
    expect(sim.books.snapshot().noOpItems).toBe(1);
    expect(users()[0]?.indexed_at).toBe(before);
  });

  it("keeps tracked events by event id", async () => {
    const track = (event: string) => userItem({ external_id: "u1" }, { event, event_id: "e1" }, "track");
    await firehose(sim, [track("Opened"), track("Closed")]);
    expect([...sim.events.values()]).toMatchObject([{ userId: users()[0]?.id, event: { event: "Closed" } }]);
  });

  const claims = { "io.hull.subjectType": "user", "io.hull.asUser": { email: "a@b" } };
  const ofUser = { "io.hull.subjectType": "user" };
  it.each([
    ["another secret", itemToken(claims, "wrong"), 401],
    ["another issuer", itemToken(claims, secret, "x"), 401],
    ["empty claims", itemToken({ ...ofUser, "io.hull.asUser": {} }), 400],
    ["null claims", itemToken({ ...ofUser, "io.hull.asUser": { email: null } }), 400],
    ["claims of the other subject alone", itemToken({ ...ofUser, "io.hull.asAccount": { domain: "d" } }), 400],
    ["no subject type", itemToken({ "io.hull.asUser": { email: "a@b" } }), 400],
    ["no token at all", "nonsense", 400],
  ])("refuses the whole batch for %s", async (_reason, token, status) => {
    expect(await firehose(sim, [userItem({ external_id: "good" }, { a: 1 }), itemWithToken(token)])).toBe(status);
    expect(users()).toEqual([]);
    expect(sim.books.snapshot()).toMatchObject({ refusedRequests: 1, firehoseItems: 0 });
  });

  it("refuses batches that hold a marked item until told otherwise", async () => {
    const relent = sim.refuse(({ body }) => body["a"] === 1, 413);
    expect(await firehose(sim, [userItem({ external_id: "u1" }, { a: 1 })])).toBe(413);
    expect(await firehose(sim, [userItem({ external_id: "u1" }, { a: 2 })])).toBe(200);
    relent();
    expect(await firehose(sim, [userItem({ external_id: "u1" }, { a: 1 })])).toBe(200);
  });

  it("suffers the same faults as Planhat", async () => {
    sim.faults.add({ kind: "reset-after", route: "POST /firehose", count: 1 });
    await expect(firehose(sim, [userItem({ external_id: "u1" }, { a: 1 })])).rejects.toThrow();
    expect(users()).toHaveLength(1);
    sim.faults.add({ kind: "status", status: 503, count: 1 });
    expect(await firehose(sim, [userItem({ external_id: "u2" }, { a: 1 })])).toBe(503);
    expect(users()).toHaveLength(1);
  });
});
