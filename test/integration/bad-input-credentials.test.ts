/** Who may act for a tenant: credentials that Hull confirms, and a valid signature if there is one. */
import { createHmac, createPublicKey, createSign, generateKeyPairSync } from "node:crypto";
import { CONNECTOR, OPEN_SETTINGS, openFixture, TOKEN, type Fixture } from "../fixture/fixture";
import { post } from "../fixture/post";
import {
  errorIn,
  expectAllIsWell,
  expectNoSecret,
  goodNotification,
  tell,
  withField,
  type Notification,
} from "./bad-input";

const OTHER = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };
const PREFIX = "x-hull-smart-notifier-signature";

let fixture: Fixture;
beforeAll(async () => {
  // Each request of this file comes from its own address, or most of them would be turned away.
  fixture = await openFixture({ settings: { requests_per_minute: 1_000_000 }, environment: { TRUST_PROXY: "1" } });
  fixture.hull.addConnector({ ...OTHER, privateSettings: { ...OPEN_SETTINGS, personal_acccess_token: undefined } });
});
afterEach(() => expectAllIsWell(fixture));
afterAll(() => fixture.close());

/** Nothing was taken in, for any tenant. */
async function expectNothingTaken(before: Readonly<Record<string, number>>): Promise<void> {
  await fixture.settled();
  expect(await fixture.outcomes()).toEqual(before);
}

describe("credentials", () => {
  test.each([
    ["a wrong secret", "configuration.secret", "connector-secret-9999", "wrong_credentials"],
    ["a secret that no header carries", "configuration.secret", "a\nb", "malformed_credentials"],
    ["an unknown connector", "configuration.id", "5f00000000000000000000ff", "connector_not_found"],
    ["the id of another tenant", "configuration.id", OTHER.id, "wrong_credentials"],
  ])("%s", async (_name, path, value, code) => {
    const before = await fixture.outcomes();
    const answer = await tell(fixture, withField(goodNotification(fixture), path, value));
    expect([answer.status, errorIn(answer).code]).toEqual([401, code]);
    await expectNothingTaken(before);
  });

  // What else is no organization: test/unit/http/hosts.test.ts.
  test.each<[string, (host: string) => string]>([
    ["of a stranger", () => "evil.example"],
    ["of a stranger with our name in front", (host) => `${host}.evil.example`],
    ["with user information", (host) => `me:password@${host}`],
    ["with a path", (host) => `${host}/api`],
    ["as a URL", (host) => `http://${host}`],
    ["as a URL of another scheme", (host) => `https://${host}`],
    ["as a number", (host) => host.replace("127.0.0.1", "2130706433")],
    ["by another name of this machine", (host) => host.replace("127.0.0.1", "localhost")],
    ["by its sixth version of the fourth", (host) => host.replace("127.0.0.1", "[::ffff:127.0.0.1]")],
    ["on the address of the cloud's secrets", () => "169.254.169.254"],
    ["without a port", () => "127.0.0.1:"],
  ])("an organization %s", async (_name, organization) => {
    const before = await fixture.outcomes();
    fixture.hull.books.reset();
    const notification = withField(
      goodNotification(fixture),
      "configuration.organization",
      organization(fixture.hull.host),
    );
    const answer = await tell(fixture, notification);
    expect([answer.status, errorIn(answer).code]).toEqual([401, "organization_not_allowed"]);
    expect(errorIn(answer).words).toContain("ask those who run this server to allow it");
    expect(fixture.hull.books.snapshot().calls).toBe(0);
    await expectNothingTaken(before);
  });

  test("an organization that Hull has disabled", async () => {
    const fresh = { id: "5f0000000000000000000003", secret: "connector-secret-0003" };
    fixture.hull.addConnector(fresh);
    fixture.hull.setOrganizationDisabled(true);
    const answer = await tell(fixture, goodNotification(fixture, undefined, fresh.id));
    fixture.hull.setOrganizationDisabled(false);
    expect([answer.status, errorIn(answer).code]).toEqual([401, "organization_disabled"]);
  });

  test("Hull cannot be asked: come again soon", async () => {
    const fresh = { id: "5f0000000000000000000004", secret: "connector-secret-0004" };
    fixture.hull.addConnector(fresh);
    const fault = fixture.hull.faults.add({ kind: "status", status: 500, route: "GET /api/v1/:id" });
    const also = fixture.hull.faults.add({ kind: "status", status: 500, route: "GET /api/v1/app" });
    const answer = await tell(fixture, goodNotification(fixture, undefined, fresh.id));
    expect(fault.hits + also.hits).toBeGreaterThan(0);
    fixture.hull.faults.clear();
    expect([answer.status, errorIn(answer).code]).toEqual([503, "unavailable"]);
    expect((await tell(fixture, goodNotification(fixture, undefined, fresh.id))).status).toBe(200);
  });
});

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const ownPair = generateKeyPairSync("rsa", { modulusLength: 2048 });

function signedWithOwnKey(payload: object, header: object = { typ: "JWT", alg: "RS256" }): string {
  const content = `${encode(header)}.${encode(payload)}`;
  return `${content}.${createSign("RSA-SHA256").update(content).sign(ownPair.privateKey, "base64url")}`;
}

type Headers = Readonly<Record<string, string | readonly string[]>>;

/** The headers that Hull would send. */
function signed(good: Notification): Headers {
  return {
    [`${PREFIX}-version`]: "v1",
    [PREFIX]: fixture.hull.sign(good.notification_id),
    [`${PREFIX}-public-key-url`]: fixture.hull.signingKeyUrl,
  };
}

const token = (text: string | readonly string[]): Headers => ({ [PREFIX]: text });
const own = (payload: object, header?: object): Headers => token(signedWithOwnKey(payload, header));
const key = (url: string | readonly string[]): Headers => ({ [`${PREFIX}-public-key-url`]: url });
const version = (name: string | readonly string[]): Headers => ({ [`${PREFIX}-version`]: name });
const ownJwk = createPublicKey(ownPair.publicKey.export({ type: "spki", format: "pem" })).export({ format: "jwk" });

/** Keyed with what everybody may know. */
async function keyedWithPublicKey(id: string): Promise<string> {
  const { text } = await post(fixture.hull.signingKeyUrl, "");
  const content = `${encode({ typ: "JWT", alg: "HS256" })}.${encode({ jti: id })}`;
  return `${content}.${createHmac("sha256", text).update(content).digest("base64url")}`;
}

describe("signatures", () => {
  // What else is refused before anybody is asked for a key: test/unit/hull/signature.test.ts.
  test.each<[string, string, (id: string) => Headers | Promise<Headers>]>([
    ["of another version", "unknown_version", () => version("v2")],
    ["with a fourth part", "malformed", (id) => token(`${fixture.hull.sign(id)}.x`)],
    ["of 100 kB", "malformed", () => token(`${"x".repeat(7_000)}.y.z`)],
    ["of another notification", "other_notification", () => token(fixture.hull.sign("another-id"))],
    ["with an id of another type", "other_notification", (id) => own({ jti: [id] })],
    ["that has expired", "expired", (id) => own({ jti: id, exp: 1 })],
    ["that holds from tomorrow on", "not_yet_valid", (id) => own({ jti: id, nbf: 4e9 })],
    ["made with an own key", "wrong_signature", (id) => own({ jti: id })],
    ["made with an own key in its header", "wrong_signature", (id) => own({ jti: id }, { alg: "RS256", jwk: ownJwk })],
    ["of algorithm none", "malformed", (id) => token(`${encode({ alg: "none" })}.${encode({ jti: id })}.`)],
    ["of none, with more", "wrong_algorithm", (id) => token(`${encode({ alg: "none" })}.${encode({ jti: id })}.eA`)],
    ["keyed with the public key", "wrong_algorithm", async (id) => token(await keyedWithPublicKey(id))],
    ["altered by one letter", "wrong_signature", (id) => token(flipped(fixture.hull.sign(id)))],
    ["sent twice", "malformed", (id) => token([fixture.hull.sign(id), fixture.hull.sign(id)])],
    ["with two addresses", "key_host_refused", () => key([fixture.hull.signingKeyUrl, "https://evil.example/key.pem"])],
    ["with two versions", "unknown_version", () => version(["v1", "v2"])],
  ])("%s: signature_%s", async (_name, reason, headers) => {
    const before = await fixture.outcomes();
    const good = goodNotification(fixture);
    const spoilt = { ...signed(good), ...(await headers(good.notification_id)) };
    const answer = await tell(fixture, good, { headers: spoilt });
    expect([answer.status, errorIn(answer).code]).toEqual([400, `signature_${reason}`]);
    await expectNothingTaken(before);
  });

  test.each([
    ["the key's address", `${PREFIX}-public-key-url`],
    ["the signature", PREFIX],
  ])("without %s: signature_incomplete", async (_name, missing) => {
    const before = await fixture.outcomes();
    const good = goodNotification(fixture);
    const { [missing]: _, ...headers } = signed(good);
    const answer = await tell(fixture, good, { headers });
    expect([answer.status, errorIn(answer).code]).toEqual([400, "signature_incomplete"]);
    await expectNothingTaken(before);
  });

  test.each([
    ["of a stranger", () => "https://evil.example/key.pem"],
    ["on the address of the cloud's secrets", () => "http://169.254.169.254/latest/meta-data"],
    ["on this machine under another name", () => fixture.hull.signingKeyUrl.replace("127.0.0.1", "localhost")],
    ["on this machine as a number", () => fixture.hull.signingKeyUrl.replace("127.0.0.1", "2130706433")],
    ["on this machine, sixth version", () => fixture.hull.signingKeyUrl.replace("127.0.0.1", "[::1]")],
    ["with user information", () => fixture.hull.signingKeyUrl.replace("127.0.0.1", "me@127.0.0.1")],
    ["in a file", () => "file:///etc/passwd"],
    ["in itself", () => "data:text/plain,-----BEGIN PUBLIC KEY-----"],
    ["that is no address", () => "hello"],
    ["that is empty", () => ""],
  ])("a key %s", async (_name, url) => {
    const before = await fixture.outcomes();
    const good = goodNotification(fixture);
    const answer = await tell(fixture, good, { headers: { ...signed(good), ...key(url()) } });
    expect([answer.status, errorIn(answer).code]).toEqual([400, "signature_key_host_refused"]);
    expect(errorIn(answer).words).toContain("ask those who run this server to allow it for keys");
    await expectNothingTaken(before);
  });

  test.each([
    ["answers something else", () => `${fixture.hull.url}/nothing`, 400, "signature_key_unusable"],
    ["is down: come again soon", () => "http://127.0.0.1:1/key.pem", 503, "signature_unavailable"],
  ])("a key host that %s", async (_name, url, status, code) => {
    const good = goodNotification(fixture);
    const answer = await tell(fixture, good, { headers: { ...signed(good), ...key(url()) } });
    expect([answer.status, errorIn(answer).code]).toEqual([status, code]);
  });

  test("a good signature over a body that names another tenant", async () => {
    const before = await fixture.outcomes();
    const good = goodNotification(fixture);
    const answer = await tell(fixture, withField(good, "configuration.id", OTHER.id), { headers: signed(good) });
    expect([answer.status, errorIn(answer).code]).toEqual([401, "wrong_credentials"]);
    await expectNothingTaken(before);
  });

  test.each([
    ["messages", undefined],
    ["none", []],
  ])("another tenant's notification id, with its good signature and with messages: %s", async (_name, messages) => {
    const good = goodNotification(fixture, messages);
    expect((await tell(fixture, good, { headers: signed(good) })).status).toBe(200);
    const stolen = { ...goodNotification(fixture, undefined, OTHER.id), notification_id: good.notification_id };
    const answer = await tell(fixture, stolen, { headers: signed(good) });
    expect([answer.status, errorIn(answer).code]).toEqual([401, "foreign_notification"]);
    expect((await fixture.connector.store.tally(`planhat/${fixture.hull.host}/${OTHER.id}`)).outcomes).toEqual({});
    // The owner's own retry is not theft.
    expect((await tell(fixture, good, { headers: signed(good) })).status).toBe(200);
  });

  test("a good signature", async () => {
    const good = goodNotification(fixture);
    expect((await tell(fixture, good, { headers: signed(good) })).status).toBe(200);
  });
});

test("no secret of anybody was logged or answered", () => {
  expectNoSecret(fixture, "");
  const lines = JSON.stringify(fixture.logs);
  for (const secret of [CONNECTOR.secret, OTHER.secret, "connector-secret-0003", "connector-secret-0004", TOKEN]) {
    expect(lines).not.toContain(secret);
  }
});

/** The same token with the last letter of its payload's first half changed in the signature. */
function flipped(token: string): string {
  const at = token.lastIndexOf(".") + 10;
  return token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
}
