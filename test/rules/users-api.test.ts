/** The internal API for Planhat's users: who gets in, whose list it is, and how often it is read. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createHullSimulator } from "../../simulators/hull";
import { account, CONNECTOR, OPEN_SETTINGS, row, TOKEN } from "../fixture/fixture";
import { errorOf } from "../integration/edge";
import { ANN, BOB, openUsersFixture, OTHER, OTHER_TOKEN, type UsersFixture } from "../integration/users-api";

const NEW = { email: "new+one@rep.example", firstName: "New", lastName: "One" };
const FRESH = { query: "cacheclear=1" };

let fixture: UsersFixture;
afterEach(() => fixture.close());

/** Sends the n-th account, which belongs to an owner, and says whose company it became. */
async function ownerOf(owner: unknown, number: number): Promise<unknown> {
  await fixture.deliverAccount(account(number, { owner }));
  return fixture.companies()[number - 1]?.["owner"];
}

const OWNED = { account_attributes_outbound: [row("name", "name"), row("owner", "owner")] };

describe("a log-in is no way to make us call any host, and none to guess", () => {
  test("a host that is not on the list is not called, whatever it would say", async () => {
    fixture = await openUsersFixture();
    let calls = 0;
    const foreign = createServer((_request, response) => {
      calls += 1;
      response.setHeader("content-type", "application/json").end(JSON.stringify({ id: CONNECTOR.id }));
    });
    await new Promise<void>((resolve) => foreign.listen(0, "127.0.0.1", resolve));
    const { port } = foreign.address() as AddressInfo;
    for (const [org, status] of [
      [`localhost:${port}`, 403],
      [`127.0.0.1.nip.example:${port}`, 403],
      [`x@127.0.0.1:${port}`, 400],
      [`http://localhost:${port}/api`, 403],
    ] as const) {
      expect([org, (await fixture.ask({ org })).status]).toEqual([org, status]);
    }
    expect([calls, fixture.calls]).toEqual([0, []]);
    await new Promise((resolve) => foreign.close(resolve));
  });

  test("Hull is asked once for many requests, one after the other or all at once", async () => {
    fixture = await openUsersFixture();
    await Promise.all(Array.from({ length: 20 }, () => fixture.ask()));
    for (let n = 0; n < 5; n += 1) await fixture.ask();
    expect(fixture.hull.books.snapshot().calls).toBe(1);
  });

  test("who guesses is slowed down on all routes together", async () => {
    fixture = await openUsersFixture();
    const guesses = [
      {},
      { path: `/${ANN._id}` },
      { method: "POST", body: NEW },
      { method: "PUT", path: `/${ANN._id}` },
    ];
    const statuses: number[] = [];
    for (let n = 0; n < 24; n += 1) {
      const login = { ...CONNECTOR, secret: `guess-${n}` };
      statuses.push((await fixture.ask({ ...guesses[n % 4], login })).status);
    }
    expect(statuses).toEqual([...Array<number>(20).fill(401), 429, 429, 429, 429]);
    expect(fixture.hull.books.snapshot().calls).toBe(20);
    expect(fixture.calls).toEqual([]);
  });
});

describe("a kept list is for the one who had it read", () => {
  test("the same connector id in another organization is somebody else", async () => {
    fixture = await openUsersFixture();
    const mine = createHullSimulator();
    await mine.listen();
    mine.addConnector({ ...CONNECTOR, privateSettings: { ...OPEN_SETTINGS, personal_acccess_token: OTHER_TOKEN } });
    expect(await fixture.addresses()).toEqual([ANN.email]);
    expect(await fixture.addresses({ org: mine.host })).toEqual([BOB.email]);
    mine.saveSettings(CONNECTOR.id, {});
    mine.addConnector({ id: OTHER.id, secret: CONNECTOR.secret, privateSettings: {} });
    const bare = await fixture.ask({ org: mine.host, login: { id: OTHER.id, secret: CONNECTOR.secret } });
    expect([bare.status, errorOf(bare).code]).toEqual([409, "missing_token"]);
    await mine.close();
  });

  test.each([
    ["token", { personal_acccess_token: OTHER_TOKEN }, [BOB.email]],
    ["host", { api_prefix: "api-eu" }, ["eva@rep.example"]],
  ])("another %s leads to another list at once", async (_what, settings, expected) => {
    fixture = await openUsersFixture({ planhat: { clusters: ["api", "api-eu"] } });
    fixture.planhat.addTenant(TOKEN, "api-eu").seedUser({ email: "eva@rep.example" });
    expect(await fixture.addresses()).toEqual([ANN.email]);
    await fixture.saveSettings(settings);
    expect(await fixture.addresses()).toEqual(expected);
  });

  test("a token that was taken away shows nothing any more", async () => {
    fixture = await openUsersFixture();
    await fixture.addresses();
    await fixture.saveSettings({ personal_acccess_token: "" });
    expect((await fixture.ask()).status).toBe(409);
  });
});

describe("the list that owners are found in", () => {
  test("a failed list is not kept, and makes no owner invalid", async () => {
    fixture = await openUsersFixture({ settings: OWNED });
    const fault = fixture.planhat.faults.add({ kind: "wrong-shape", route: "GET /users" });
    expect((await fixture.ask()).status).toBe(502);
    fault.remove();
    expect(await fixture.addresses()).toEqual([ANN.email]);
    expect(await ownerOf(ANN.email, 1)).toBe(ANN._id);
  });

  test("somebody who was just created owns companies at once", async () => {
    fixture = await openUsersFixture({ settings: OWNED });
    expect(await ownerOf(ANN.email, 1)).toBe(ANN._id);
    const { body } = await fixture.ask({ method: "POST", body: NEW });
    expect(await ownerOf(NEW.email, 2)).toBe(body["_id"]);
  });
});

test("no page of any site may read or write, not even ask", async () => {
  fixture = await openUsersFixture();
  const headers = { origin: "https://evil.example", "access-control-request-method": "PUT" };
  for (const method of ["GET", "OPTIONS", "POST"]) {
    const answer = await fixture.ask({ method, headers });
    expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  }
});

test("400, 401 and 403 are told apart", async () => {
  fixture = await openUsersFixture();
  fixture.hull.addConnector({ id: "5f0000000000000000000003", secret: "s", manifest: { source: "hubspot" } });
  const statusOf = async (asking: Parameters<UsersFixture["ask"]>[0]) => (await fixture.ask(asking)).status;
  expect(await statusOf({ org: null })).toBe(400);
  expect(await statusOf({ org: "" })).toBe(400);
  expect(await statusOf({ login: null })).toBe(401);
  expect(await statusOf({ login: { ...CONNECTOR, secret: "wrong" } })).toBe(401);
  expect(await statusOf({ org: "evil.example.com" })).toBe(403);
  expect(await statusOf({ login: { id: "5f0000000000000000000003", secret: "s" } })).toBe(403);
  fixture.hull.setOrganizationDisabled(true);
  expect(await statusOf({ login: OTHER })).toBe(403);
  expect(fixture.calls).toEqual([]);
});

describe("one read serves many", () => {
  test("50 at once, with nothing kept, are one call to Planhat", async () => {
    fixture = await openUsersFixture();
    const lists = await Promise.all(Array.from({ length: 50 }, () => fixture.addresses()));
    expect(new Set(lists.map((list) => list.join()))).toEqual(new Set([ANN.email]));
    expect(fixture.routes()).toEqual(["GET /users"]);
  });

  test("however many want it read now, Planhat is asked once at a time", async () => {
    fixture = await openUsersFixture();
    fixture.planhat.faults.add({ kind: "latency", min: 5, max: 5 });
    let underWay = 0;
    let most = 0;
    fixture.planhat.on("request", () => {
      underWay += 1;
      most = Math.max(most, underWay);
    });
    fixture.planhat.on("applied", () => void (underWay -= 1));
    await Promise.all(Array.from({ length: 50 }, () => fixture.addresses(FRESH)));
    expect(most).toBe(1);
  });

  test.each([
    ["is created", { method: "POST", body: NEW }, [ANN.email, NEW.email]],
    ["is changed", { method: "PUT", path: `/${ANN._id}`, body: { email: NEW.email } }, [NEW.email]],
  ])("a list that was being read while somebody %s is not kept", async (_what, write, expected) => {
    fixture = await openUsersFixture();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let arrive = (): void => undefined;
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    const off = fixture.planhat.on("applied", async ({ route }) => {
      if (route !== "GET /users") return;
      off();
      arrive();
      await held;
    });
    const early = fixture.addresses();
    await arrived;
    expect((await fixture.ask(write)).status).toBe(200);
    release();
    expect(await early).toEqual([ANN.email]);
    expect([...(await fixture.addresses())].sort()).toEqual([...expected].sort());
  });
});
