/** Nobody acts for a tenant without its credentials, confirmed by Hull itself. */
import { buildUserMessage, type SendOptions } from "../../simulators/hull";
import type { Call } from "../../simulators/loopback";
import {
  account,
  CONNECTOR,
  minute,
  OPEN_SETTINGS,
  row,
  TOKEN,
  useFixtures,
  user,
  type Fixture,
} from "../fixture/fixture";

const open = useFixtures();
const SECOND = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };
const message = buildUserMessage(user(1), { account: account(1) });

function sendOne(fixture: Fixture, more: Partial<SendOptions>): ReturnType<Fixture["hull"]["sendOne"]> {
  return fixture.hull.sendOne(fixture.url, {
    connectorId: CONNECTOR.id,
    channel: "user:update",
    messages: [message],
    signed: false,
    ...more,
  });
}

const post = async (fixture: Fixture, envelope: Record<string, unknown>, notificationId = "n-1") =>
  (await sendOne(fixture, { notificationId, envelope })).status;

/** The next message of the user, with an envelope of its own. */
async function tellChanged(fixture: Fixture, envelope: Record<string, unknown>, more = {}): Promise<void> {
  const changed = user(1, { position: "Director", indexed_at: minute(1), ...more });
  await fixture.deliverUser(changed, account(1), { envelope });
}

const configuration = (fixture: Fixture, more: Record<string, unknown> = {}) => ({
  configuration: { ...CONNECTOR, organization: fixture.hull.host, ...more },
});

/** Nothing is remembered of anybody, and Planhat was left alone. */
async function expectNothing(fixture: Fixture): Promise<void> {
  expect(await fixture.connector.store.tenants()).toEqual([]);
  expect(await fixture.connector.store.lanes()).toEqual([]);
  expect((await fixture.connector.store.tally(fixture.tenantKey)).messages).toBe(0);
  expect(fixture.calls).toEqual([]);
}

describe("before anything is stored, Hull confirms organization, id and secret", () => {
  test("a wrong secret is refused", async () => {
    const fixture = await open();
    expect(await post(fixture, configuration(fixture, { secret: "guessed" }))).toBe(401);
    await expectNothing(fixture);
  });

  test("a connector that Hull does not know is refused", async () => {
    const fixture = await open();
    expect(await post(fixture, configuration(fixture, { id: "5f00000000000000000000ff" }))).toBe(401);
    await expectNothing(fixture);
  });

  test("another connector's id with one's own secret is refused", async () => {
    const fixture = await open();
    fixture.hull.addConnector({ ...SECOND, privateSettings: OPEN_SETTINGS });
    expect(await post(fixture, configuration(fixture, { id: SECOND.id }))).toBe(401);
    await expectNothing(fixture);
  });

  test("an organization outside the allow-list is refused, and nobody is asked", async () => {
    const fixture = await open();
    expect(await post(fixture, configuration(fixture, { organization: "evil.example.com" }))).toBe(401);
    await expectNothing(fixture);
    expect(fixture.hull.books.snapshot().calls).toBe(0);
  });

  test("a disabled organization is refused", async () => {
    const fixture = await open();
    fixture.hull.setOrganizationDisabled(true);
    expect(await post(fixture, configuration(fixture))).toBe(401);
    await expectNothing(fixture);
  });

  test("while Hull cannot be asked, the notification is sent again later and nothing is stored", async () => {
    const fixture = await open();
    const down = fixture.hull.faults.add({ kind: "status", status: 503, route: "GET /api/v1/:id" });
    const downToo = fixture.hull.faults.add({ kind: "status", status: 503, route: "GET /api/v1/app" });
    expect(await post(fixture, configuration(fixture))).toBe(503);
    await expectNothing(fixture);
    down.remove();
    downToo.remove();
    expect(await post(fixture, configuration(fixture))).toBe(200);
    await fixture.settled();
  });

  test("every refusal carries flow control, so that Hull sends again and loses nothing", async () => {
    const fixture = await open();
    const { body } = await sendOne(fixture, { envelope: configuration(fixture, { secret: "guessed" }) });
    expect(body).toMatchObject({ flow_control: { type: "retry" } });
  });
});

describe("the signature is demanded in addition, never instead", () => {
  test("a good signature does not make up for a wrong secret", async () => {
    const fixture = await open();
    const { status } = await sendOne(fixture, {
      signed: true,
      envelope: configuration(fixture, { secret: "guessed" }),
    });
    expect(status).toBe(401);
    await expectNothing(fixture);
  });

  test("right credentials with a signature of another notification are refused", async () => {
    const fixture = await open();
    const headers = { "x-hull-smart-notifier-signature": fixture.hull.sign("another-notification") };
    const { status } = await sendOne(fixture, { signed: true, headers });
    expect(status).toBe(400);
    await expectNothing(fixture);
  });

  test("a signed notification of the right connector is taken", async () => {
    const fixture = await open();
    const { status } = await sendOne(fixture, { signed: true });
    expect(status).toBe(200);
    await fixture.settled();
    expect(fixture.endusers()).toHaveLength(1);
  });
});

describe("notification ids", () => {
  test("the same id again is idempotent work and never refused", async () => {
    const fixture = await open();
    expect(await post(fixture, configuration(fixture), "same")).toBe(200);
    expect(await post(fixture, configuration(fixture), "same")).toBe(200);
    await fixture.settled();
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1 });
  });

  test("the same id under another tenant is refused", async () => {
    const fixture = await open();
    fixture.hull.addConnector({ ...SECOND, privateSettings: OPEN_SETTINGS });
    expect(await post(fixture, configuration(fixture), "same")).toBe(200);
    expect(await post(fixture, configuration(fixture, SECOND), "same")).toBe(401);
    await fixture.settled();
  });
});

describe("settings", () => {
  const connector = (updated_at: string, token: string) => ({
    connector: { ...CONNECTOR, updated_at, private_settings: { ...OPEN_SETTINGS, personal_acccess_token: token } },
  });

  test("older ones never replace newer ones", async () => {
    const fixture = await open();
    expect(await post(fixture, { ...connector(minute(10), TOKEN) }, "new")).toBe(200);
    expect(await post(fixture, { ...connector(minute(5), "former-token") }, "old")).toBe(200);
    await fixture.settled();
    await tellChanged(fixture, connector(minute(5), "former-token"));
    expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
    expect(fixture.planhat.books.snapshot().requests).not.toHaveProperty(["PUT /endusers", "401"]);
  });

  test("older ones do not replace newer ones after a restart either", async () => {
    const fixture = await open();
    expect(await post(fixture, { ...connector(minute(10), TOKEN) }, "new")).toBe(200);
    await fixture.settled();
    await fixture.restart();
    await tellChanged(fixture, connector(minute(5), "former-token"));
    expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
  });

  test("newer ones in an unconfirmed request replace nothing", async () => {
    const fixture = await open();
    expect(await post(fixture, { ...connector(minute(5), TOKEN) }, "good")).toBe(200);
    await fixture.settled();
    const forged = { ...connector(minute(99), "stolen"), ...configuration(fixture, { secret: "guessed" }) };
    expect(await post(fixture, forged, "forged")).toBe(401);
    await tellChanged(fixture, connector(minute(5), TOKEN));
    expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
  });

  /** Says that the connector was saved a moment ago, which only Hull can know, with another token. */
  const claim = (token: string) => connector(new Date(Date.now() + 60_000).toISOString(), token);
  const isQuestion = ({ method, path }: Call): boolean => method === "GET" && path.startsWith("/api/v1/");

  test("that a notification claims to be later than those of Hull's answer are asked about, and Hull's count", async () => {
    const fixture = await open();
    const questions: Call[] = [];
    fixture.hull.on("request", (call) => {
      if (isQuestion(call)) questions.push(call);
    });
    await fixture.deliverUser(user(1), account(1));
    expect(questions).toHaveLength(1);
    const claimed = claim("claimed-token");
    await tellChanged(fixture, claimed);
    expect(questions).toHaveLength(2);
    expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
    // The same claim again is worth no question, and no more than before.
    await tellChanged(fixture, claimed, { position: "Chief", indexed_at: minute(2) });
    expect(questions).toHaveLength(2);
    expect(fixture.endusers()).toMatchObject([{ position: "Chief" }]);
    expect(fixture.planhat.books.snapshot().requests).not.toHaveProperty(["PUT /endusers", "401"]);
  });

  test("that Hull has saved since it was asked are used at once, and they are Hull's own, whatever was posted", async () => {
    const fixture = await open();
    await fixture.deliverUser(user(1), account(1));
    fixture.planhat.rotateToken(TOKEN, "new-token");
    fixture.hull.saveSettings(CONNECTOR.id, { ...OPEN_SETTINGS, personal_acccess_token: "new-token" });
    await tellChanged(fixture, claim("claimed-token"));
    expect(fixture.planhat.snapshot("new-token").endusers).toMatchObject([{ position: "Director" }]);
    expect(fixture.planhat.books.snapshot().requests).not.toHaveProperty(["PUT /endusers", "401"]);
  });

  test("that claim to be later change nothing while Hull cannot be asked", async () => {
    const fixture = await open();
    await fixture.deliverUser(user(1), account(1));
    const before = await fixture.connector.store.tenants();
    const down = fixture.hull.faults.add({ kind: "status", status: 503, route: isQuestion });
    expect(await post(fixture, claim("claimed-token"))).toBe(503);
    expect(await fixture.connector.store.tenants()).toEqual(before);
    down.remove();
  });

  test("newer ones count from the next message on", async () => {
    const fixture = await open();
    expect(await post(fixture, { ...connector(minute(5), TOKEN) }, "first")).toBe(200);
    await fixture.settled();
    const contact_attributes_outbound = [row("external_id", "externalId"), row("traits_phone", "phone")];
    const newer = {
      ...connector(minute(6), TOKEN).connector,
      private_settings: { ...OPEN_SETTINGS, contact_attributes_outbound },
    };
    await tellChanged(fixture, { connector: newer }, { phone: "1" });
    expect(fixture.endusers()).toMatchObject([{ position: "Engineer", phone: "1" }]);
  });

  test("secrets are not readable in what is logged", async () => {
    const fixture = await open();
    const down = fixture.planhat.faults.add({ kind: "status", status: 401, count: 1 });
    await fixture.tellUser(user(1), account(1));
    await fixture.until(() => down.hits === 1);
    await fixture.settledWithHelp().catch(() => undefined);
    const text = JSON.stringify(fixture.logs);
    expect(text).not.toContain(TOKEN);
    expect(text).not.toContain(CONNECTOR.secret);
  });
});

describe("a secret that was rotated", () => {
  const NEW = { id: CONNECTOR.id, secret: "connector-secret-after" };
  const BY_LOGIN = ["/api/internal/runs", "/api/internal/dead-letters", "/console"];
  const BY_ADDRESS = ["/status", "/fetch/users"];

  /** What each door answers: its path and the status. */
  async function knock(fixture: Fixture, { id, secret }: typeof NEW, connector: object): Promise<readonly string[]> {
    const query = new URLSearchParams({ organization: fixture.hull.host, org: fixture.hull.host, ship: id, secret });
    const headers = { authorization: `Basic ${btoa(`${id}:${secret}`)}` };
    const answers: string[] = [];
    for (const path of [...BY_LOGIN, ...BY_ADDRESS]) {
      const login = BY_LOGIN.includes(path) ? { headers } : {};
      answers.push(`${path} ${(await fetch(`${fixture.baseUrl}${path}?${query.toString()}`, login)).status}`);
    }
    const envelope = { ...configuration(fixture, { secret }), connector };
    return [...answers, `/smart-notifier ${(await sendOne(fixture, { messages: [], envelope })).status}`];
  }

  const everyDoor = (status: number): readonly string[] =>
    [...BY_LOGIN, ...BY_ADDRESS, "/smart-notifier"].map((path) => `${path} ${status}`);

  test.each([
    ["tells them to whoever asks", OPEN_SETTINGS],
    ["says nothing about them", {}],
  ])("has no power, nor have settings that were dated 2999 under it, if Hull %s", async (_, inHull) => {
    const fixture = await open();
    fixture.hull.saveSettings(CONNECTOR.id, inHull);
    const pinned = { ...OPEN_SETTINGS, personal_acccess_token: "pinned-token" };
    const former = { ...CONNECTOR, updated_at: "2999-01-01T00:00:00Z", private_settings: pinned };
    expect(await knock(fixture, CONNECTOR, former)).toEqual(everyDoor(200));
    await fixture.settled();

    fixture.hull.rotateSecret(CONNECTOR.id, NEW.secret);
    const connector = { ...NEW, updated_at: minute(0), private_settings: OPEN_SETTINGS };
    await fixture.deliverUser(user(1), account(1), { envelope: { connector } });
    expect(fixture.endusers()).toHaveLength(1);
    expect(fixture.planhat.books.snapshot().requests).not.toHaveProperty(["PUT /endusers", "401"]);

    expect(await knock(fixture, CONNECTOR, former)).toEqual(everyDoor(401));
    expect(await knock(fixture, NEW, connector)).toEqual(everyDoor(200));
    await tellChanged(fixture, { connector });
    expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
  });
});

describe("two connectors of one organization on one Planhat", () => {
  async function openTwo(): Promise<Fixture> {
    const fixture = await open();
    fixture.hull.addConnector({ ...SECOND, privateSettings: OPEN_SETTINGS });
    fixture.seed([account(1)], [user(1), user(2)]);
    return fixture;
  }

  /** What Hull tells both connectors about everybody, as it now stands in Hull. */
  async function tellBoth(fixture: Fixture): Promise<void> {
    const { users, accounts } = fixture.hull.profiles;
    const people = [...users.values()].map((profile) => fixture.hull.userMessage(profile));
    const companies = [...accounts.values()].map((profile) => fixture.hull.accountMessage(profile));
    await Promise.all(
      [CONNECTOR.id, SECOND.id].map(async (connectorId) => {
        await fixture.send("user:update", people, { connectorId });
        await fixture.send("account:update", companies, { connectorId });
      }),
    );
    await fixture.settled();
  }

  test("make one record of each", async () => {
    const fixture = await openTwo();
    for (const profile of fixture.hull.profiles.users.values()) profile.account_id = account(1).id;
    await tellBoth(fixture);
    expect(fixture.planhat.books.snapshot().created).toMatchObject({ companies: 1, endusers: 2 });
    expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toEqual([]);
  });

  test("do not echo each other's write-backs: after a few rounds everything is still", async () => {
    const fixture = await openTwo();
    for (const profile of fixture.hull.profiles.users.values()) profile.account_id = account(1).id;
    for (let round = 0; round < 3; round += 1) await tellBoth(fixture);
    const before = [fixture.planhat.books.snapshot().calls, fixture.hull.books.snapshot().firehoseItems];
    await tellBoth(fixture);
    await tellBoth(fixture);
    expect([fixture.planhat.books.snapshot().calls, fixture.hull.books.snapshot().firehoseItems]).toEqual(before);
  });
});
