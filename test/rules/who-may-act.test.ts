/** Nobody acts for a tenant without its credentials, confirmed by Hull itself. */
import { buildUserMessage, type SendOptions } from "../../simulators/hull";
import type { Call } from "../../simulators/loopback";
import { CONNECTOR, OPEN_SETTINGS, TOKEN } from "../harness";
import { account, minute, user, useStages, type Stage } from "./stage";

const open = useStages();
const SECOND = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };
const message = buildUserMessage(user(1), { account: account(1) });

function sendOne(stage: Stage, more: Partial<SendOptions>): ReturnType<Stage["hull"]["sendOne"]> {
  return stage.hull.sendOne(stage.url, {
    connectorId: CONNECTOR.id,
    channel: "user:update",
    messages: [message],
    signed: false,
    ...more,
  });
}

const post = async (stage: Stage, envelope: Record<string, unknown>, notificationId = "n-1") =>
  (await sendOne(stage, { notificationId, envelope })).status;

/** The next message of the user, with an envelope of its own. */
async function tellChanged(stage: Stage, envelope: Record<string, unknown>, more = {}): Promise<void> {
  const changed = user(1, { position: "Director", indexed_at: minute(1), ...more });
  await stage.tellUser(changed, account(1), { envelope });
  await stage.settled();
}

const configuration = (stage: Stage, more: Record<string, unknown> = {}) => ({
  configuration: { ...CONNECTOR, organization: stage.hull.host, ...more },
});

/** Nothing is remembered of anybody, and Planhat was left alone. */
async function expectNothing(stage: Stage): Promise<void> {
  expect(await stage.connector.store.tenants()).toEqual([]);
  expect(await stage.connector.store.lanes()).toEqual([]);
  expect((await stage.connector.store.tally(stage.tenantKey)).messages).toBe(0);
  expect(stage.calls).toEqual([]);
}

describe("before anything is stored, Hull confirms organization, id and secret", () => {
  test("a wrong secret is refused", async () => {
    const stage = await open();
    expect(await post(stage, configuration(stage, { secret: "guessed" }))).toBe(401);
    await expectNothing(stage);
  });

  test("a connector that Hull does not know is refused", async () => {
    const stage = await open();
    expect(await post(stage, configuration(stage, { id: "5f00000000000000000000ff" }))).toBe(401);
    await expectNothing(stage);
  });

  test("another connector's id with one's own secret is refused", async () => {
    const stage = await open();
    stage.hull.addConnector({ ...SECOND, privateSettings: OPEN_SETTINGS });
    expect(await post(stage, configuration(stage, { id: SECOND.id }))).toBe(401);
    await expectNothing(stage);
  });

  test("an organization outside the allow-list is refused, and nobody is asked", async () => {
    const stage = await open();
    expect(await post(stage, configuration(stage, { organization: "evil.example.com" }))).toBe(401);
    await expectNothing(stage);
    expect(stage.hull.books.snapshot().calls).toBe(0);
  });

  test("a disabled organization is refused", async () => {
    const stage = await open();
    stage.hull.setOrganizationDisabled(true);
    expect(await post(stage, configuration(stage))).toBe(401);
    await expectNothing(stage);
  });

  test("while Hull cannot be asked, the notification is sent again later and nothing is stored", async () => {
    const stage = await open();
    const down = stage.hull.faults.add({ kind: "status", status: 503, route: "GET /api/v1/:id" });
    const downToo = stage.hull.faults.add({ kind: "status", status: 503, route: "GET /api/v1/app" });
    expect(await post(stage, configuration(stage))).toBe(503);
    await expectNothing(stage);
    down.remove();
    downToo.remove();
    expect(await post(stage, configuration(stage))).toBe(200);
    stage.seed([account(1)], [user(1)]);
    await stage.settled();
  });

  test("every refusal carries flow control, so that Hull sends again and loses nothing", async () => {
    const stage = await open();
    const { body } = await sendOne(stage, { envelope: configuration(stage, { secret: "guessed" }) });
    expect(body).toMatchObject({ flow_control: { type: "retry" } });
  });
});

describe("the signature is demanded in addition, never instead", () => {
  test("a good signature does not make up for a wrong secret", async () => {
    const stage = await open();
    const { status } = await sendOne(stage, { signed: true, envelope: configuration(stage, { secret: "guessed" }) });
    expect(status).toBe(401);
    await expectNothing(stage);
  });

  test("right credentials with a signature of another notification are refused", async () => {
    const stage = await open();
    const headers = { "x-hull-smart-notifier-signature": stage.hull.sign("another-notification") };
    const { status } = await sendOne(stage, { signed: true, headers });
    expect(status).toBe(400);
    await expectNothing(stage);
  });

  test("a signed notification of the right connector is taken", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    const { status } = await sendOne(stage, { signed: true });
    expect(status).toBe(200);
    await stage.settled();
    expect(stage.endusers()).toHaveLength(1);
  });
});

describe("notification ids", () => {
  test("the same id again is idempotent work and never refused", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    expect(await post(stage, configuration(stage), "same")).toBe(200);
    expect(await post(stage, configuration(stage), "same")).toBe(200);
    await stage.settled();
    expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 1 });
  });

  test("the same id under another tenant is refused", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    stage.hull.addConnector({ ...SECOND, privateSettings: OPEN_SETTINGS });
    expect(await post(stage, configuration(stage), "same")).toBe(200);
    expect(await post(stage, configuration(stage, SECOND), "same")).toBe(401);
    await stage.settled();
  });
});

describe("settings", () => {
  const connector = (updated_at: string, token: string) => ({
    connector: { ...CONNECTOR, updated_at, private_settings: { ...OPEN_SETTINGS, personal_acccess_token: token } },
  });

  test("older ones never replace newer ones", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    expect(await post(stage, { ...connector(minute(10), TOKEN) }, "new")).toBe(200);
    expect(await post(stage, { ...connector(minute(5), "former-token") }, "old")).toBe(200);
    await stage.settled();
    await tellChanged(stage, connector(minute(5), "former-token"));
    expect(stage.endusers()).toMatchObject([{ position: "Director" }]);
    expect(stage.planhat.books.snapshot().requests).not.toHaveProperty(["PUT /endusers", "401"]);
  });

  test("older ones do not replace newer ones after a restart either", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    expect(await post(stage, { ...connector(minute(10), TOKEN) }, "new")).toBe(200);
    await stage.settled();
    await stage.restart();
    await tellChanged(stage, connector(minute(5), "former-token"));
    expect(stage.endusers()).toMatchObject([{ position: "Director" }]);
  });

  test("newer ones in an unconfirmed request replace nothing", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    expect(await post(stage, { ...connector(minute(5), TOKEN) }, "good")).toBe(200);
    await stage.settled();
    const forged = { ...connector(minute(99), "stolen"), ...configuration(stage, { secret: "guessed" }) };
    expect(await post(stage, forged, "forged")).toBe(401);
    await tellChanged(stage, connector(minute(5), TOKEN));
    expect(stage.endusers()).toMatchObject([{ position: "Director" }]);
  });

  /** Says that the connector was saved a moment ago, which only Hull can know, with another token. */
  const claim = (token: string) => connector(new Date(Date.now() + 60_000).toISOString(), token);
  const isQuestion = ({ method, path }: Call): boolean => method === "GET" && path.startsWith("/api/v1/");

  test("that a notification claims to be later than those of Hull's answer are asked about, and Hull's count", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    const questions: Call[] = [];
    stage.hull.on("request", (call) => {
      if (isQuestion(call)) questions.push(call);
    });
    await stage.tellUser(user(1), account(1));
    await stage.settled();
    expect(questions).toHaveLength(1);
    const claimed = claim("claimed-token");
    await tellChanged(stage, claimed);
    expect(questions).toHaveLength(2);
    expect(stage.endusers()).toMatchObject([{ position: "Director" }]);
    // The same claim again is worth no question, and no more than before.
    await tellChanged(stage, claimed, { position: "Chief", indexed_at: minute(2) });
    expect(questions).toHaveLength(2);
    expect(stage.endusers()).toMatchObject([{ position: "Chief" }]);
    expect(stage.planhat.books.snapshot().requests).not.toHaveProperty(["PUT /endusers", "401"]);
  });

  test("that Hull has saved since it was asked are used at once, and they are Hull's own, whatever was posted", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    await stage.tellUser(user(1), account(1));
    await stage.settled();
    stage.planhat.rotateToken(TOKEN, "new-token");
    stage.hull.saveSettings(CONNECTOR.id, { ...OPEN_SETTINGS, personal_acccess_token: "new-token" });
    await tellChanged(stage, claim("claimed-token"));
    expect(stage.planhat.snapshot("new-token").endusers).toMatchObject([{ position: "Director" }]);
    expect(stage.planhat.books.snapshot().requests).not.toHaveProperty(["PUT /endusers", "401"]);
  });

  test("that claim to be later change nothing while Hull cannot be asked", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    await stage.tellUser(user(1), account(1));
    await stage.settled();
    const before = await stage.connector.store.tenants();
    const down = stage.hull.faults.add({ kind: "status", status: 503, route: isQuestion });
    expect(await post(stage, claim("claimed-token"))).toBe(503);
    expect(await stage.connector.store.tenants()).toEqual(before);
    down.remove();
  });

  test("newer ones count from the next message on", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    expect(await post(stage, { ...connector(minute(5), TOKEN) }, "first")).toBe(200);
    await stage.settled();
    const contact_attributes_outbound = [
      { hull_field_name: "external_id", service_field_name: "externalId" },
      { hull_field_name: "traits_phone", service_field_name: "phone" },
    ];
    const newer = {
      ...connector(minute(6), TOKEN).connector,
      private_settings: { ...OPEN_SETTINGS, contact_attributes_outbound },
    };
    await tellChanged(stage, { connector: newer }, { phone: "1" });
    expect(stage.endusers()).toMatchObject([{ position: "Engineer", phone: "1" }]);
  });

  test("secrets are not readable in what is logged", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    const down = stage.planhat.faults.add({ kind: "status", status: 401, count: 1 });
    await stage.tellUser(user(1), account(1));
    await stage.until(() => down.hits === 1);
    await stage.settledWithHelp().catch(() => undefined);
    const text = JSON.stringify(stage.logs);
    expect(text).not.toContain(TOKEN);
    expect(text).not.toContain(CONNECTOR.secret);
  });
});

describe("a secret that was rotated", () => {
  const NEW = { id: CONNECTOR.id, secret: "connector-secret-after" };
  const BY_LOGIN = ["/api/internal/runs", "/api/internal/dead-letters", "/console"];
  const BY_ADDRESS = ["/status", "/fetch/users"];

  /** What each door answers: its path and the status. */
  async function knock(stage: Stage, { id, secret }: typeof NEW, connector: object): Promise<readonly string[]> {
    const query = new URLSearchParams({ organization: stage.hull.host, org: stage.hull.host, ship: id, secret });
    const headers = { authorization: `Basic ${btoa(`${id}:${secret}`)}` };
    const answers: string[] = [];
    for (const path of [...BY_LOGIN, ...BY_ADDRESS]) {
      const login = BY_LOGIN.includes(path) ? { headers } : {};
      answers.push(`${path} ${(await fetch(`${stage.baseUrl}${path}?${query.toString()}`, login)).status}`);
    }
    const envelope = { ...configuration(stage, { secret }), connector };
    return [...answers, `/smart-notifier ${(await sendOne(stage, { messages: [], envelope })).status}`];
  }

  const everyDoor = (status: number): readonly string[] =>
    [...BY_LOGIN, ...BY_ADDRESS, "/smart-notifier"].map((path) => `${path} ${status}`);

  test.each([
    ["tells them to whoever asks", OPEN_SETTINGS],
    ["says nothing about them", {}],
  ])("has no power, nor have settings that were dated 2999 under it, if Hull %s", async (_, inHull) => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    stage.hull.saveSettings(CONNECTOR.id, inHull);
    const pinned = { ...OPEN_SETTINGS, personal_acccess_token: "pinned-token" };
    const former = { ...CONNECTOR, updated_at: "2999-01-01T00:00:00Z", private_settings: pinned };
    expect(await knock(stage, CONNECTOR, former)).toEqual(everyDoor(200));
    await stage.settled();

    stage.hull.rotateSecret(CONNECTOR.id, NEW.secret);
    const connector = { ...NEW, updated_at: minute(0), private_settings: OPEN_SETTINGS };
    await stage.tellUser(user(1), account(1), { envelope: { connector } });
    await stage.settled();
    expect(stage.endusers()).toHaveLength(1);
    expect(stage.planhat.books.snapshot().requests).not.toHaveProperty(["PUT /endusers", "401"]);

    expect(await knock(stage, CONNECTOR, former)).toEqual(everyDoor(401));
    expect(await knock(stage, NEW, connector)).toEqual(everyDoor(200));
    await tellChanged(stage, { connector });
    expect(stage.endusers()).toMatchObject([{ position: "Director" }]);
  });
});

describe("two connectors of one organization on one Planhat", () => {
  async function openTwo(): Promise<Stage> {
    const stage = await open();
    stage.hull.addConnector({ ...SECOND, privateSettings: OPEN_SETTINGS });
    stage.seed([account(1)], [user(1), user(2)]);
    return stage;
  }

  /** What Hull tells both connectors about everybody, as it now stands in Hull. */
  async function tellBoth(stage: Stage): Promise<void> {
    const { users, accounts } = stage.hull.profiles;
    const people = [...users.values()].map((profile) => stage.hull.userMessage(profile));
    const companies = [...accounts.values()].map((profile) => stage.hull.accountMessage(profile));
    await Promise.all(
      [CONNECTOR.id, SECOND.id].map(async (connectorId) => {
        await stage.send("user:update", people, { connectorId });
        await stage.send("account:update", companies, { connectorId });
      }),
    );
    await stage.settled();
  }

  test("make one record of each", async () => {
    const stage = await openTwo();
    for (const profile of stage.hull.profiles.users.values()) profile.account_id = account(1).id;
    await tellBoth(stage);
    expect(stage.planhat.books.snapshot().created).toMatchObject({ companies: 1, endusers: 2 });
    expect(await stage.connector.store.deadLettersOf(stage.lane)).toEqual([]);
  });

  test("do not echo each other's write-backs: after a few rounds everything is still", async () => {
    const stage = await openTwo();
    for (const profile of stage.hull.profiles.users.values()) profile.account_id = account(1).id;
    for (let round = 0; round < 3; round += 1) await tellBoth(stage);
    const before = [stage.planhat.books.snapshot().calls, stage.hull.books.snapshot().firehoseItems];
    await tellBoth(stage);
    await tellBoth(stage);
    expect([stage.planhat.books.snapshot().calls, stage.hull.books.snapshot().firehoseItems]).toEqual(before);
  });
});
